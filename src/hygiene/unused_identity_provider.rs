//! Unused provider: an identity provider whose roles all stand idle.

use std::collections::BTreeMap;

use super::{About, Account, AccountFound, Check, Find, Found, Practice, Severity, day, retire};
use crate::gap::Gap;
use crate::grants::Kind;
use crate::iam::policy::Principal as Named;
use crate::iam::{Effect, PrincipalPart};

pub(super) const CHECK: Check = Check {
    id: "unused-identity-provider",
    practice: Practice::RemoveUnused,
    find: Find::OfAccount(check),
    about: About {
        what: "Roles trust an OIDC identity provider of the account, and none of them made a call in the window.",
        abuse: "The provider's tokens still open these roles. A deleted cluster's issuer or an old CI system is guarded by nobody.",
        instead: "The provider that is in use now: EKS Pod Identity needs none.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html",
    },
};

fn check(account: &Account<'_>) -> Vec<AccountFound> {
    let mut roles: BTreeMap<(&str, &str), Vec<&Gap>> = BTreeMap::new();
    for gap in account.gaps {
        let role = &account.ground.grants.principals[gap.principal];
        for statement in role.trust_statements() {
            let (Effect::Allow, PrincipalPart::Principal(named)) = (statement.effect, &statement.principal) else {
                continue;
            };
            for who in named {
                if let Named::Federated(arn) = who
                    && arn.contains(":oidc-provider/")
                    && arn.split(':').nth(4) == Some(role.account.as_str())
                    && role.kind == Kind::Role
                {
                    roles.entry((&role.account, arn)).or_default().push(gap);
                }
            }
        }
    }
    let (from, to) = (account.ground.window.first, account.ground.window.last());
    let ground = account.ground;
    let is_idle = |gap: &&Gap| {
        gap.activity.calls == 0
            && ground.spared(gap.principal).is_none()
            && !ground.is_out_of_sight(gap)
            && !ground.is_seen_elsewhere(gap)
            && !account
                .ground
                .coverage
                .taken
                .contains_key(&account.ground.grants.principals[gap.principal].id)
    };
    let opened = |arn: &str| account.ground.coverage.providers.iter().any(|named| is_it(named, arn));
    roles.retain(|(_, arn), gaps| !opened(arn) && gaps.iter().all(is_idle));
    let found = roles.into_iter().map(|((id, arn), gaps)| {
        let names = gaps
            .iter()
            .map(|gap| account.ground.grants.principals[gap.principal].name.as_str());
        let names: Vec<&str> = names.take(10).collect();
        let (fix, commands) = match gaps.iter().find_map(|gap| ground.wait(gap)) {
            Some(why) => (format!("nothing yet: {why}"), Vec::new()),
            None => (
                "take the roles out of service first (see each), then delete the provider".to_owned(),
                commands(arn),
            ),
        };
        AccountFound {
            account: id.to_owned(),
            found: Found {
                about: arn.to_owned(),
                severity: Severity::Low,
                title: format!(
                    "no role of identity provider {} was used",
                    arn.rsplit('/').next().unwrap_or(arn)
                ),
                why: "its tokens open roles that nobody used in the window".to_owned(),
                fix,
                commands,
                evidence: vec![
                    format!("it is trusted by {}", names.join(", ")),
                    format!("none of them made a call from {} to {}", day(from), day(to)),
                ],
            },
        }
    });
    found.collect()
}

/// Whether an event names this provider: by its ARN, or by the issuer's URL alone.
fn is_it(named: &str, arn: &str) -> bool {
    let issuer = arn.split_once(":oidc-provider/").map_or(arn, |(_, issuer)| issuer);
    named == arn || !named.starts_with("arn:") && named.trim_start_matches("https://") == issuer
}

fn commands(arn: &str) -> Vec<String> {
    let own = format!("--open-id-connect-provider-arn {}", retire::shell(arn));
    vec![
        format!("aws iam get-open-id-connect-provider {own} > saved.json"),
        format!(
            "aws iam delete-open-id-connect-provider {own}  # undo: aws iam create-open-id-connect-provider, with Url, ClientIDList and ThumbprintList of saved.json"
        ),
    ]
}
