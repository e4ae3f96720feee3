//! Wildcard trust: a role that anybody may assume, or any token of an identity provider.

use serde_json::Value;

use super::{Finding, Severity, Subject};
use crate::gap::list;

pub(super) fn check(subject: &Subject<'_>) -> Option<Finding> {
    let principal = subject.principal;
    let mut evidence = Vec::new();
    let mut severity = Severity::Medium;
    for statement in list(principal.trust.as_ref()?.get("Statement")) {
        if statement.get("Effect").and_then(Value::as_str) != Some("Allow") {
            continue;
        }
        let conditions = statement.get("Condition").and_then(Value::as_object);
        let keys: Vec<String> = conditions
            .into_iter()
            .flat_map(|operators| operators.values())
            .filter_map(Value::as_object)
            .flat_map(|keys| keys.keys().map(|key| key.to_ascii_lowercase()))
            .collect();
        let who = statement.get("Principal");
        let anybody = match who {
            Some(Value::String(text)) => text == "*",
            Some(Value::Object(kinds)) => list(kinds.get("AWS")).iter().any(|arn| arn.as_str() == Some("*")),
            Some(_) | None => false,
        };
        if anybody {
            if keys.is_empty() {
                severity = Severity::High;
                evidence.push("every AWS account may assume it".to_owned());
            } else {
                evidence.push(format!(
                    "every AWS account may assume it under a condition on {}",
                    keys.join(", ")
                ));
            }
        }
        let Some(Value::Object(kinds)) = who else {
            continue;
        };
        for provider in list(kinds.get("Federated"))
            .iter()
            .filter_map(|provider| provider.as_str())
        {
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
