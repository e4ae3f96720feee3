//! Wildcard trust: a role that anybody may assume, or any token of an identity provider.

use super::{Finding, Severity, Subject};
use crate::iam::policy::Principal as Named;
use crate::iam::{Effect, PrincipalPart};

pub(super) fn check(subject: &Subject<'_>) -> Option<Finding> {
    let principal = subject.principal;
    let mut evidence = Vec::new();
    let mut severity = Severity::Medium;
    for statement in principal.trust_statements() {
        if statement.effect != Effect::Allow {
            continue;
        }
        let keys: Vec<String> = statement
            .conditions
            .iter()
            .map(|condition| condition.key.to_ascii_lowercase())
            .collect();
        let PrincipalPart::Principal(named) = &statement.principal else {
            continue;
        };
        for who in named {
            match who {
                Named::Everyone if keys.is_empty() => {
                    severity = Severity::High;
                    evidence.push("every AWS account may assume it".to_owned());
                }
                Named::Everyone => evidence.push(format!(
                    "every AWS account may assume it under a condition on {}",
                    keys.join(", ")
                )),
                Named::Federated(provider) => {
                    // A web identity's subject or a SAML attribute says who it is.
                    let says_who = keys
                        .iter()
                        .any(|key| key.ends_with(":sub") || key.ends_with(":job_workflow_ref"));
                    if provider.contains(":oidc-provider/") && !says_who {
                        severity = Severity::High;
                        evidence.push(format!(
                            "every token of {provider} may assume it: no condition on its subject"
                        ));
                    }
                }
                Named::Aws(_) | Named::Service(_) | Named::CanonicalUser(_) => {}
            }
        }
    }
    if evidence.is_empty() {
        return None;
    }
    Some(Finding {
        id: "wildcard-trust",
        severity,
        practice: "name who may assume a role",
        title: format!("role {} trusts whoever comes", principal.name),
        why: "what the role may do, anybody may do".to_owned(),
        fix: "name the accounts, roles or subjects in the trust policy".to_owned(),
        evidence,
    })
}
