//! Who can take a role, in words: its trust policy statement by statement, and EKS's associations where they were given.

use std::collections::BTreeSet;

use crate::attribute::cluster_of;
use crate::grants::{Credentials, Eks, Kind, Principal};
use crate::iam::condition::{Comparison, Condition};
use crate::iam::policy::Principal as Named;
use crate::iam::{ActionPart, Effect, PrincipalPart, Statement};

use super::Way;

/// Most subjects of one statement that are listed.
const SUBJECTS: usize = 50;

/// Every way to a principal's permissions: of a role its trust, of a user its credentials.
pub(in crate::report) fn ways(principal: &Principal, eks: &Eks, credentials: Option<&Credentials>) -> Vec<Way> {
    let mut ways = match (principal.kind, &principal.trust) {
        (Kind::User, _) => of_user(credentials),
        (Kind::Role, Some(Ok(_))) => of_trust(principal, eks),
        (Kind::Role, Some(Err(why))) => vec![Way::plain(
            "unreadable",
            "",
            format!("nobody can tell: the trust policy cannot be understood ({why})"),
        )],
        (Kind::Role, None) => vec![Way::plain(
            "unreadable",
            "",
            "nobody can tell: the grants hold no trust policy".to_owned(),
        )],
        (Kind::Group, _) => Vec::new(),
    };
    let mut known = BTreeSet::new();
    ways.retain(|way| known.insert((way.kind.clone(), way.says.clone(), way.conditions.clone())));
    ways
}

fn of_user(credentials: Option<&Credentials>) -> Vec<Way> {
    let Some(known) = credentials else {
        return vec![Way::plain(
            "credentials",
            "",
            "whoever has its password or access keys (no credential report was given)".to_owned(),
        )];
    };
    let mut ways = Vec::new();
    if known.password {
        let mfa = if known.mfa { "with" } else { "without" };
        ways.push(Way::plain(
            "password",
            "",
            format!("whoever has its console password, {mfa} a second factor"),
        ));
    }
    let active = known.keys.iter().filter(|key| key.active).count();
    if active > 0 {
        let keys = if active == 1 {
            "its access key"
        } else {
            "one of its 2 access keys"
        };
        ways.push(Way::plain("access_key", "", format!("whoever has {keys}")));
    }
    ways
}

fn of_trust(role: &Principal, eks: &Eks) -> Vec<Way> {
    let mut ways = Vec::new();
    for statement in role.trust_statements() {
        if statement.effect == Effect::Allow && opens(statement) {
            match &statement.principal {
                PrincipalPart::Principal(named) => {
                    for who in named {
                        ways.extend(of_named(role, eks, statement, who));
                    }
                }
                PrincipalPart::NotPrincipal(_) | PrincipalPart::None => ways.push(Way {
                    conditions: conditions(statement, &[]),
                    ..Way::plain("anyone", "*", "anyone but whom the trust policy leaves out".to_owned())
                }),
            }
        }
    }
    let denies = role
        .trust_statements()
        .iter()
        .any(|statement| statement.effect == Effect::Deny);
    if denies {
        for way in &mut ways {
            way.conditions
                .push("unless a Deny of the trust policy holds".to_owned());
        }
    }
    for association in eks.associations_of(&role.arn) {
        let first = association.role != role.arn;
        let by = if first {
            format!(" by way of {}", association.role)
        } else {
            String::new()
        };
        let mut conditions = Vec::new();
        if association.no_session_tags {
            conditions.push("its sessions carry no tags: the trail does not tell its pods apart".to_owned());
        }
        if association.has_policy {
            conditions.push("narrowed by the association's own policy".to_owned());
        }
        ways.push(Way {
            conditions,
            from: "association".to_owned(),
            ..pod(
                &eks.name_of(&association.cluster),
                Some(&association.namespace),
                Some(&association.service_account),
                &format!(", by an association{by}"),
            )
        });
    }
    ways
}

/// Whether a statement lets somebody in; what tags a session, or names its source, opens none.
fn opens(statement: &Statement) -> bool {
    let beside = ["sts:tagsession", "sts:setsourceidentity", "sts:setcontext"];
    match &statement.action {
        ActionPart::Action(actions) => !actions.iter().all(|action| beside.contains(&action.lower())),
        ActionPart::NotAction(_) => true,
    }
}

fn of_named(role: &Principal, eks: &Eks, statement: &Statement, who: &Named) -> Vec<Way> {
    match who {
        Named::Everyone => vec![Way {
            conditions: conditions(statement, &[]),
            ..Way::plain("anyone", "*", "anyone".to_owned())
        }],
        Named::Aws(arn) => vec![Way {
            conditions: conditions(statement, &[]),
            ..of_aws(role, arn)
        }],
        Named::CanonicalUser(id) => vec![Way::plain("principal", id, format!("the canonical user {id}"))],
        Named::Service(service) => of_service(role, eks, statement, service),
        Named::Federated(provider) => of_provider(role, eks, statement, provider),
    }
}

fn of_aws(role: &Principal, arn: &str) -> Way {
    let account = if arn.len() == 12 && arn.bytes().all(|byte| byte.is_ascii_digit()) {
        Some(arn)
    } else {
        arn.strip_suffix(":root").and_then(|start| start.rsplit(':').next())
    };
    match account {
        Some(account) if account == role.account => Way::plain(
            "account",
            account,
            "whoever its own account allows sts:AssumeRole on it".to_owned(),
        ),
        Some(account) => Way::plain(
            "account",
            account,
            format!("whoever account {account} allows sts:AssumeRole on it"),
        ),
        None if arn == "*" => Way::plain("anyone", "*", "anyone".to_owned()),
        None if !arn.starts_with("arn:") => Way::plain("principal", arn, format!("{arn}, which was deleted")),
        None => {
            let resource = arn.splitn(6, ':').nth(5).unwrap_or(arn);
            let account = arn.split(':').nth(4).unwrap_or("");
            let of = if account == role.account {
                String::new()
            } else {
                format!(" of account {account}")
            };
            Way::plain("principal", arn, format!("{resource}{of}"))
        }
    }
}

fn of_service(role: &Principal, eks: &Eks, statement: &Statement, service: &str) -> Vec<Way> {
    let plain = |kind: &str, says: String| {
        vec![Way {
            conditions: conditions(statement, &[]),
            ..Way::plain(kind, service, says)
        }]
    };
    match service.strip_suffix(".cn").unwrap_or(service) {
        "ec2.amazonaws.com" if role.instance_profiles.is_empty() => {
            plain("ec2", "EC2 instances, and no instance profile holds it".to_owned())
        }
        "ec2.amazonaws.com" => plain(
            "ec2",
            format!(
                "EC2 instances with the instance profile {}",
                role.instance_profiles.join(" or ")
            ),
        ),
        "lambda.amazonaws.com" => plain("lambda", "Lambda functions".to_owned()),
        "ecs-tasks.amazonaws.com" => plain("ecs", "tasks of ECS".to_owned()),
        "pods.eks.amazonaws.com" => pods(eks, statement),
        _ => plain("service", format!("the service {service}")),
    }
}

/// Pods that the trust policy lets in by EKS Pod Identity, whose sessions have tags
/// (EKS user guide, "Create IAM role with trust policy required by EKS Pod Identity").
fn pods(eks: &Eks, statement: &Statement) -> Vec<Way> {
    const TAG: &str = "aws:requesttag/";
    let values = |tag: &str| -> Vec<Option<String>> {
        let key = format!("{TAG}{tag}");
        let mut found = statement
            .conditions
            .iter()
            .filter(|one| is_equal(one) && one.key.eq_ignore_ascii_case(&key));
        match found.next() {
            Some(one) => one.values.iter().take(SUBJECTS).cloned().map(Some).collect(),
            None => vec![None],
        }
    };
    let clusters = match &values("eks-cluster-name")[..] {
        [None] => values("eks-cluster-arn")
            .into_iter()
            .map(|arn| arn.map(|arn| arn.rsplit('/').next().unwrap_or("").to_owned()))
            .collect(),
        named => named.to_vec(),
    };
    let mut ways = Vec::new();
    let (namespaces, accounts) = (values("kubernetes-namespace"), values("kubernetes-service-account"));
    for cluster in &clusters {
        let cluster = cluster.as_deref().map(|name| eks.name_of(name)).unwrap_or_default();
        for namespace in &namespaces {
            for account in accounts.iter().take(SUBJECTS) {
                let rest = if account.is_none() && namespace.is_none() {
                    ", whichever an association gives it to"
                } else {
                    ""
                };
                ways.push(Way {
                    conditions: conditions(statement, &["aws:requesttag/eks-", "aws:requesttag/kubernetes-"]),
                    ..pod(&cluster, namespace.as_deref(), account.as_deref(), rest)
                });
            }
        }
    }
    ways.truncate(SUBJECTS);
    ways
}

fn pod(cluster: &str, namespace: Option<&str>, account: Option<&str>, rest: &str) -> Way {
    Way {
        cluster: Some(cluster.to_owned()).filter(|name| !name.is_empty()),
        namespace: namespace.map(str::to_owned),
        service_account: account.map(str::to_owned),
        ..Way::plain(
            "pod_identity",
            "pods.eks.amazonaws.com",
            format!("{} by Pod Identity{rest}", service_account(cluster, namespace, account)),
        )
    }
}

/// `service account shop/cart of cluster prod`
fn service_account(cluster: &str, namespace: Option<&str>, name: Option<&str>) -> String {
    let whom = match (namespace, name) {
        (None, None) => "any service account".to_owned(),
        (Some(namespace), None) => format!("any service account in namespace {namespace}"),
        (namespace, Some(name)) => format!("service account {}/{name}", namespace.unwrap_or("*")),
    };
    if cluster.is_empty() {
        whom
    } else {
        format!("{whom} of cluster {cluster}")
    }
}

fn of_provider(role: &Principal, eks: &Eks, statement: &Statement, provider: &str) -> Vec<Way> {
    if let Some(set) = role.permission_set() {
        return vec![Way::plain(
            "sso",
            provider,
            format!("people to whom IAM Identity Center assigns {set}"),
        )];
    }
    if provider.contains(":saml-provider/") {
        let name = provider.rsplit('/').next().unwrap_or(provider);
        return vec![Way {
            conditions: conditions(statement, &[]),
            ..Way::plain("saml", provider, format!("people of the SAML provider {name}"))
        }];
    }
    let issuer = provider
        .split_once(":oidc-provider/")
        .map_or(provider, |(_, issuer)| issuer);
    let subject_key = format!("{issuer}:sub");
    let audience_key = format!("{issuer}:aud");
    let mut rest = conditions(statement, &[&subject_key.to_lowercase(), &audience_key.to_lowercase()]);
    if !statement
        .conditions
        .iter()
        .any(|one| one.key.eq_ignore_ascii_case(&audience_key))
    {
        rest.push("whatever the audience of the token".to_owned());
    }
    let of_subject: Vec<&Condition> = statement
        .conditions
        .iter()
        .filter(|one| one.key.eq_ignore_ascii_case(&subject_key))
        .collect();
    let plain = of_subject.iter().find(|one| is_equal(one));
    // Whatever is no plain comparison is told as it is written.
    rest.extend(of_subject.iter().filter(|one| !is_equal(one)).map(|one| in_words(one)));
    let subjects: Vec<Option<&str>> = match plain {
        Some(one) => one
            .values
            .iter()
            .take(SUBJECTS)
            .map(|value| Some(value.as_str()))
            .collect(),
        None => vec![None],
    };
    let cluster = cluster_of(provider).map(|id| eks.name_of(id));
    let ways = subjects.into_iter().map(|subject| match (&cluster, subject) {
        (Some(cluster), subject) => irsa(cluster, provider, subject),
        (None, Some(subject)) => Way::plain("web_identity", provider, format!("{subject} of {issuer}")),
        (None, None) => Way::plain("web_identity", provider, format!("any subject of {issuer}")),
    });
    ways.map(|way| Way {
        conditions: rest.clone(),
        ..way
    })
    .collect()
}

fn irsa(cluster: &str, provider: &str, subject: Option<&str>) -> Way {
    let named = subject.and_then(|subject| subject.strip_prefix("system:serviceaccount:"));
    let (namespace, name) = match named.and_then(|rest| rest.split_once(':')) {
        Some((namespace, name)) => (Some(namespace), Some(name)),
        None => (None, None),
    };
    let says = match (subject, name) {
        (Some(subject), None) => format!("{subject} of cluster {cluster} by IRSA"),
        _ => format!("{} by IRSA", service_account(cluster, namespace, name)),
    };
    Way {
        cluster: Some(cluster.to_owned()),
        namespace: namespace.map(str::to_owned),
        service_account: name.map(str::to_owned),
        ..Way::plain("irsa", provider, says)
    }
}

/// Whether a condition lets in exactly those whom it names.
fn is_equal(condition: &Condition) -> bool {
    let operator = condition.operator;
    let equals = matches!(operator.comparison, Comparison::StringEquals | Comparison::StringLike);
    equals && operator.set.is_none() && !operator.if_exists
}

/// The conditions of a statement but those on keys that begin so (lower case) and compare plainly.
fn conditions(statement: &Statement, but: &[&str]) -> Vec<String> {
    let told = |one: &&Condition| {
        let key = one.key.to_lowercase();
        !but.iter().any(|start| key.starts_with(start))
    };
    statement.conditions.iter().filter(told).map(in_words).collect()
}

fn in_words(condition: &Condition) -> String {
    format!(
        "{} {} {}",
        condition.key,
        condition.operator_text,
        condition.values.join(" or ")
    )
}

#[cfg(test)]
mod tests;
