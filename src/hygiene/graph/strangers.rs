//! Whether a stranger may take a role: asks the engine about tokens and accounts that the owner never meant.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::partition;
use crate::grants::Principal;
use crate::iam::condition::{Comparison, Condition};
use crate::iam::policy::Principal as Named;
use crate::iam::{Answer, Effect, Policies, Policy, PrincipalPart, Request, Statement, evaluate};

/// An account that nobody has: AWS never gave out this number.
const STRANGER: &str = "999999999999";
/// Subjects that nobody has, in the forms of GitHub, Kubernetes, GitLab, Terraform Cloud, and in none.
const STRANGERS: [&str; 5] = [
    "repo:stranger/stranger:ref:refs/heads/main",
    "system:serviceaccount:stranger:stranger",
    "project_path:stranger/stranger:ref_type:branch:ref:main",
    "organization:stranger:project:stranger:workspace:stranger:run_phase:apply",
    "stranger",
];
/// How subjects begin that name their owner first, and a stranger in the owner's place.
const HEADS: [(&str, &str); 3] = [
    ("repo:", "stranger/stranger"),
    ("project_path:", "stranger/stranger"),
    ("organization:", "stranger:project:stranger"),
];
/// The provider that every account has without making one.
const PUBLIC: &str = "cognito-identity.amazonaws.com";
/// Most requests that are tried of one stranger.
const TRIED: usize = 512;

/// A stranger who gets in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::hygiene) struct Guest {
    /// Who, in words.
    pub(in crate::hygiene) who: String,
    /// Whether nothing holds it back; else what does, beside what it is.
    pub(in crate::hygiene) under: BTreeSet<String>,
    /// How far it is from whom the owner meant.
    pub(in crate::hygiene) far: Far,
}

/// How far a stranger is from whom the owner meant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::hygiene) enum Far {
    /// The right subject, with a token that was made for somebody else.
    Audience,
    /// Of the same organization.
    Neighbour,
    /// Anybody.
    Anybody,
}

/// All strangers who may take a role.
pub(in crate::hygiene) fn guests(role: &Principal) -> Vec<Guest> {
    let Some(Ok(trust)) = &role.trust else {
        return Vec::new();
    };
    let door = Door {
        arn: &role.arn,
        account: &role.account,
        trust,
    };
    door.guests()
}

/// Whom a policy of a resource in `account` lets in though nobody meant them, for `action` on `resource`; with the keys of
/// conditions that may hold them back.
pub fn strangers(policy: &Policy, action: &str, resource: &str, account: &str) -> Option<(String, BTreeSet<String>)> {
    let door = Door {
        arn: resource,
        account,
        trust: policy,
    };
    door.any_account(action).map(|guest| (guest.who, guest.under))
}

/// Whom a trust policy lets in though nobody meant them; with the keys of conditions that may hold them back.
pub fn trusted(trust: &Policy, arn: &str, account: &str) -> Vec<(String, BTreeSet<String>)> {
    let door = Door { arn, account, trust };
    let guests = door.guests().into_iter().filter(|guest| guest.far == Far::Anybody);
    guests.map(|guest| (guest.who, guest.under)).collect()
}

/// A role and its trust policy.
struct Door<'a> {
    arn: &'a str,
    account: &'a str,
    trust: &'a Policy,
}

/// What a stranger may say of a context key.
enum Says {
    /// These values, or that the key is not there.
    One(Vec<Option<String>>),
    /// Nobody knows.
    Unknown,
}

impl Door<'_> {
    /// All who get in.
    fn guests(&self) -> Vec<Guest> {
        let mut providers: BTreeSet<&str> = BTreeSet::new();
        let mut anybody = false;
        for statement in self
            .trust
            .statements
            .iter()
            .filter(|statement| statement.effect == Effect::Allow)
        {
            match &statement.principal {
                PrincipalPart::Principal(named) => {
                    for who in named {
                        match who {
                            Named::Everyone => anybody = true,
                            Named::Federated(provider) => _ = providers.insert(provider),
                            Named::Aws(_) | Named::Service(_) | Named::CanonicalUser(_) => {}
                        }
                    }
                }
                PrincipalPart::NotPrincipal(_) => anybody = true,
                PrincipalPart::None => {}
            }
        }
        let mut guests = Vec::new();
        if anybody {
            guests.extend(self.any_account("sts:AssumeRole"));
            providers.insert(PUBLIC);
        }
        for provider in providers {
            guests.extend(self.any_token(provider));
        }
        guests
    }

    /// Somebody of an account that has nothing to do with the owner's.
    fn any_account(&self, action: &str) -> Option<Guest> {
        let partition = partition(self.arn);
        let caller = format!("arn:{partition}:iam::{STRANGER}:user/stranger");
        let (answer, under) = self.opens(&caller, action, &|key| match key {
            "aws:principalarn" => Says::One(self.own_names(&caller)),
            "aws:principalaccount" => Says::One(vec![Some(STRANGER.to_owned())]),
            "aws:principalorgid" => Says::One(vec![None, Some("o-stranger00".to_owned())]),
            "aws:principalorgpaths" => Says::One(vec![None, Some("o-stranger00/r-0000/".to_owned())]),
            "aws:userid" => Says::One(self.own_ids()),
            "aws:principalisawsservice" | "aws:viaawsservice" => Says::One(vec![Some("false".to_owned())]),
            "aws:sourceaccount" | "aws:sourcearn" | "aws:sourceorgid" | "aws:sourceorgpaths" => Says::One(vec![None]),
            "aws:sourceip" => self.addresses(),
            // A secret, or a place in the network.
            "sts:externalid"
            | "aws:vpcsourceip"
            | "aws:sourcevpc"
            | "aws:sourcevpce"
            | "aws:sourceidentity"
            | "aws:multifactorauthage"
            | "aws:currenttime"
            | "aws:epochtime" => Says::Unknown,
            key if is_claim(key) => Says::One(vec![None]),
            key => Says::One(self.wishes(key)),
        });
        let who = "every AWS account".to_owned();
        guest(
            answer,
            Guest {
                who,
                under,
                far: Far::Anybody,
            },
        )
    }

    /// What a stranger's ARN may be: as it is, and as conditions want it where they leave the account open.
    fn own_names(&self, caller: &str) -> Vec<Option<String>> {
        let conditions = self.trust.statements.iter().flat_map(|statement| &statement.conditions);
        let about = conditions.filter(|condition| condition.key.eq_ignore_ascii_case("aws:PrincipalArn"));
        let wanted = about.flat_map(|condition| &condition.values).filter_map(|pattern| {
            let parts: Vec<&str> = pattern.splitn(6, ':').collect();
            let [arn, partition, service, region, account, resource] = parts[..] else {
                return None;
            };
            let open = account.contains(['*', '?']);
            open.then(|| format!("{arn}:{partition}:{service}:{region}:{STRANGER}:{resource}").replace(['*', '?'], "x"))
        });
        let own = wanted.chain([caller.to_owned()]).collect::<BTreeSet<String>>();
        own.into_iter().take(6).map(Some).collect()
    }

    /// What a stranger's id may be: a user's, or a role's with the name of a session that conditions want, which whoever
    /// takes the role chooses (STS API reference, AssumeRole).
    fn own_ids(&self) -> Vec<Option<String>> {
        let conditions = self.trust.statements.iter().flat_map(|statement| &statement.conditions);
        let about = conditions.filter(|condition| condition.key.eq_ignore_ascii_case("aws:userid"));
        let sessions = about
            .flat_map(|condition| &condition.values)
            .filter_map(|pattern| pattern.split_once(':'))
            .map(|(_, session)| format!("AROASTRANGER0000000000:{session}").replace(['*', '?'], "x"));
        let own = sessions.chain(["AIDASTRANGER0000000000".to_owned()]);
        own.take(6).map(Some).collect()
    }

    /// A token of an identity provider that speaks of somebody else.
    fn any_token(&self, provider: &str) -> Vec<Guest> {
        if provider.contains(":saml-provider/") {
            // Its administrator says who gets which role.
            return Vec::new();
        }
        let host = provider
            .split_once(":oidc-provider/")
            .map_or(provider, |(_, host)| host)
            .to_lowercase();
        let opens = |subject: &str, audience: &str| {
            let claim = |name: &str, key: &str| key.strip_suffix(name).is_some_and(|start| start == format!("{host}:"));
            self.opens(provider, "sts:AssumeRoleWithWebIdentity", &|key| {
                if claim("sub", key) {
                    // ForAllValues and IfExists hold of a claim that is not there.
                    Says::One(vec![Some(subject.to_owned()), None])
                } else if claim("aud", key) {
                    Says::One(if audience.is_empty() {
                        self.wishes(key)
                    } else {
                        vec![Some(audience.to_owned()), None]
                    })
                } else if claim("amr", key) {
                    Says::One(self.wishes(key))
                } else if is_claim(key) {
                    Says::One(vec![Some("stranger".to_owned()), None])
                } else if key == "aws:sourceip" {
                    self.addresses()
                } else if matches!(key, "aws:vpcsourceip" | "aws:sourcevpc" | "aws:sourcevpce") {
                    Says::Unknown
                } else {
                    Says::One(self.wishes(key))
                }
            })
        };
        let is_cognito = host == PUBLIC || host.starts_with("cognito-identity.");
        if is_cognito {
            let (answer, under) = opens(
                "us-east-1:00000000-0000-0000-0000-000000000000",
                "us-east-1:stranger-pool",
            );
            let who = format!("every identity pool of every account, through {provider}");
            return guest(
                answer,
                Guest {
                    who,
                    under,
                    far: Far::Anybody,
                },
            )
            .into_iter()
            .collect();
        }
        let open = self
            .subjects(&host)
            .into_iter()
            .flat_map(|pattern| open_heads(&pattern));
        for subject in STRANGERS.map(str::to_owned).into_iter().chain(open) {
            let (answer, under) = opens(&subject, "");
            let who = format!("every token of {provider}");
            if let Some(guest) = guest(
                answer,
                Guest {
                    who,
                    under,
                    far: Far::Anybody,
                },
            ) {
                return vec![guest];
            }
        }
        let mut guests = Vec::new();
        for (who, subject, far) in self.near(&host) {
            let (answer, under) = opens(&subject, "");
            guests.extend(guest(answer, Guest { who, under, far }));
        }
        let named = self
            .subjects(&host)
            .into_iter()
            .map(|subject| subject.replace(['*', '?'], "x"));
        let other_audience = named.into_iter().find_map(|subject| {
            let (answer, under) = opens(&subject, "stranger-audience");
            let who = format!("a token of {provider} that was made for another audience");
            guest(
                answer,
                Guest {
                    who,
                    under,
                    far: Far::Audience,
                },
            )
        });
        guests.extend(other_audience);
        guests.sort();
        guests.dedup();
        guests
    }

    /// Subjects that conditions ask for.
    fn subjects(&self, host: &str) -> BTreeSet<String> {
        let key = format!("{host}:sub");
        let conditions = self.trust.statements.iter().flat_map(|statement| &statement.conditions);
        let of_subject = conditions.filter(|condition| condition.key.eq_ignore_ascii_case(&key));
        of_subject
            .flat_map(|condition| condition.values.iter().cloned())
            .collect()
    }

    /// Subjects that a wildcard lets in although the owner named an organization: of others whose name begins alike, and
    /// of all repositories of that one.
    fn near(&self, host: &str) -> Vec<(String, String, Far)> {
        let subjects = self.subjects(host);
        if !host.starts_with("token.actions.") {
            // Whoever names subjects by their beginning trusts all that begin so: it may be meant, of a provider of one's own.
            return Vec::new();
        }
        let mut near = Vec::new();
        for pattern in subjects {
            let Some(rest) = pattern.strip_prefix("repo:") else {
                continue;
            };
            let (organization, repository) = rest.split_once('/').unwrap_or((rest, "*"));
            if let Some(at) = organization.find(['*', '?']) {
                let start = &organization[..at];
                let tail = rest[at..].replace(['*', '?'], "x");
                let tails = [tail.as_str(), "-stranger/x:ref:refs/heads/main"];
                let who = format!("a repository of any organization whose name begins with `{start}`");
                near.extend(tails.map(|tail| (who.clone(), format!("repo:{start}{tail}"), Far::Anybody)));
            } else {
                let name = repository.split(':').next().unwrap_or(repository);
                if let Some(at) = name.find(['*', '?']) {
                    let start = &name[..at];
                    let who = if start.is_empty() {
                        format!("every repository of `{organization}`")
                    } else {
                        format!("every repository of `{organization}` whose name begins with `{start}`")
                    };
                    let subject = format!("repo:{organization}/{start}-stranger:ref:refs/heads/main");
                    near.push((who, subject, Far::Neighbour));
                }
            }
        }
        near
    }

    /// Addresses that anybody may come from: of networks that are larger than any that belongs to somebody.
    ///
    /// (IANA, "IPv4 Address Space" and "IPv6 Global Unicast Address Assignments": no one got more than a /8, and registries
    /// no more than a /12.)
    fn addresses(&self) -> Says {
        let conditions = self.trust.statements.iter().flat_map(|statement| &statement.conditions);
        let about = conditions.filter(|condition| condition.key.eq_ignore_ascii_case("aws:SourceIp"));
        let wide = about.flat_map(|condition| &condition.values).filter_map(|network| {
            let (address, length) = network.split_once('/')?;
            let length: u32 = length.trim().parse().ok()?;
            match address.trim().parse().ok()? {
                IpAddr::V4(address) if length < 8 => Some(Ipv4Addr::from(u32::from(address) | 0x0101_0101).to_string()),
                IpAddr::V6(address) if length < 12 => Some(Ipv6Addr::from(u128::from(address) | 1).to_string()),
                IpAddr::V4(_) | IpAddr::V6(_) => None,
            }
        });
        let wide: BTreeSet<String> = wide.collect();
        match wide.is_empty() {
            true => Says::Unknown,
            false => Says::One(wide.into_iter().map(Some).collect()),
        }
    }

    /// Values of a key that the stranger may choose so that conditions hold, and the key not there.
    fn wishes(&self, key: &str) -> Vec<Option<String>> {
        let conditions = self.trust.statements.iter().flat_map(|statement| &statement.conditions);
        let about = conditions.filter(|condition| condition.key.eq_ignore_ascii_case(key));
        let mut wishes: BTreeSet<Option<String>> = about.flat_map(wish).map(Some).collect();
        wishes.insert(None);
        wishes.insert(Some("stranger".to_owned()));
        wishes.into_iter().take(6).collect()
    }

    /// Whether the door opens in some context that the stranger may bring about, and what nobody knows of it.
    fn opens(&self, caller: &str, action: &str, says: &dyn Fn(&str) -> Says) -> (Answer, BTreeSet<String>) {
        let keys: BTreeSet<String> = self.trust.statements.iter().flat_map(Statement::keys).collect();
        let mut choices: Vec<BTreeMap<String, Option<String>>> = vec![BTreeMap::new()];
        let mut unknown = Vec::new();
        for key in keys {
            match says(&key) {
                Says::Unknown => unknown.push(key),
                Says::One(values) => {
                    choices = choices
                        .into_iter()
                        .flat_map(|known| {
                            let key = &key;
                            let with = move |value: &Option<String>| {
                                let mut more = known.clone();
                                more.insert(key.clone(), value.clone());
                                more
                            };
                            values.iter().map(with).collect::<Vec<_>>()
                        })
                        .take(TRIED)
                        .collect();
                }
            }
        }
        let everything = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
        let policies = Policies {
            identity: Policy::parse(everything).into_iter().collect(),
            resource: Some(self.trust.clone()),
            ..Policies::default()
        };
        let mut best = (Answer::No, BTreeSet::new());
        for known in choices {
            let mut request = Request {
                principal: caller.to_owned(),
                action: action.to_owned(),
                resource: self.arn.to_owned(),
                resource_account: Some(self.account.to_owned()),
                context: Default::default(),
            };
            for key in &unknown {
                request.context.set_unknown(key);
            }
            for (key, value) in known {
                request.context.set(&key, value.into_iter().collect());
            }
            let decision = evaluate(&request, &policies);
            match decision.allows {
                Answer::Yes => return (Answer::Yes, BTreeSet::new()),
                Answer::Unknown => best = (Answer::Unknown, decision.missing_keys.into_iter().collect()),
                Answer::No => {}
            }
        }
        best
    }
}

/// Subjects of strangers that a pattern lets in because a wildcard stands where the owner would: `*:environment:prod`,
/// `project_path:*/site:*`.
fn open_heads(pattern: &str) -> Vec<String> {
    let Some((head, tail)) = pattern.split_once('*') else {
        return Vec::new();
    };
    let tail = tail.replace(['*', '?'], "x");
    let owners = HEADS.into_iter().filter(|(form, _)| head.is_empty() || head == *form);
    owners
        .flat_map(|(form, owner)| [format!("{form}{owner}{tail}"), format!("{form}stranger{tail}")])
        .collect()
}

/// A guest, where the door opens to it or may.
fn guest(answer: Answer, guest: Guest) -> Option<Guest> {
    match answer {
        Answer::No => None,
        Answer::Yes | Answer::Unknown => Some(guest),
    }
}

/// Whether a key is a claim of some provider's tokens: those have the provider's host before the colon.
fn is_claim(key: &str) -> bool {
    key.split_once(':')
        .is_some_and(|(start, _)| start.contains('.') || start.contains('/'))
}

/// Values with which a condition holds, as a request may carry them.
fn wish(condition: &Condition) -> Vec<String> {
    use Comparison as C;
    let own = condition.values.iter().take(3);
    match condition.operator.comparison {
        C::StringLike | C::ArnLike | C::ArnEquals => own.map(|value| value.replace(['*', '?'], "x")).collect(),
        C::Null => vec!["stranger".to_owned()],
        C::NumericLessThan | C::NumericLessThanEquals => vec!["0".to_owned()],
        C::NumericGreaterThan | C::NumericGreaterThanEquals => vec!["1000000000".to_owned()],
        C::StringEquals
        | C::StringEqualsIgnoreCase
        | C::StringNotEquals
        | C::StringNotEqualsIgnoreCase
        | C::StringNotLike
        | C::NumericEquals
        | C::NumericNotEquals
        | C::DateEquals
        | C::DateNotEquals
        | C::DateLessThan
        | C::DateLessThanEquals
        | C::DateGreaterThan
        | C::DateGreaterThanEquals
        | C::Bool
        | C::BinaryEquals
        | C::IpAddress
        | C::NotIpAddress
        | C::ArnNotEquals
        | C::ArnNotLike => own.cloned().collect(),
    }
}

#[cfg(test)]
mod tests;
