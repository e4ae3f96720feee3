//! Today's trust policy cut to some of those whom it lets in: statements stay as they are, but for whom they name.

use serde_json::{Map, Value, json};

use super::groups::family;
use crate::attribute::{Workload, WorkloadKind, issuer_of};
use crate::grants::{Eks, Principal};
use crate::iam::condition::{Comparison, Condition};
use crate::iam::policy::Principal as Named;
use crate::iam::{Answer, Effect, PrincipalPart, Statement, pattern};

/// The trust policy of a role for these alone; `is_hub` says of another role whether pods come by it.
///
/// # Errors
/// Whom today's trust policy lets in by no statement that can be cut to it.
pub(super) fn trust(
    role: &Principal,
    workloads: &[(Workload, u64)],
    eks: &Eks,
    is_hub: &dyn Fn(&str) -> Answer,
) -> Result<Value, String> {
    let statements = role.trust_statements();
    let mut left: Vec<Value> = Vec::new();
    let mut add = |statement: Value| {
        if !left.contains(&statement) {
            left.push(statement);
        }
    };
    for (workload, _) in workloads {
        let allows = statements.iter().filter(|statement| statement.effect == Effect::Allow);
        let cut: Vec<Value> = allows
            .flat_map(|statement| named(statement).iter().map(move |who| (statement, who)))
            .filter_map(|(statement, who)| cut(statement, who, workload, eks, is_hub))
            .collect();
        if cut.is_empty() {
            return Err(format!(
                "today's trust policy has no statement for {} {}: write one by hand",
                workload.kind.name(),
                workload.name
            ));
        }
        cut.into_iter().for_each(&mut add);
    }
    for statement in statements.iter().filter(|statement| statement.effect == Effect::Deny) {
        add(statement.to_value());
    }
    // A Sid stands once in a policy.
    let mut taken: Vec<String> = Vec::new();
    for statement in &mut left {
        if let Some(object) = statement.as_object_mut() {
            let sid = object.get("Sid").and_then(Value::as_str).map(str::to_owned);
            match sid {
                Some(sid) if taken.contains(&sid) => _ = object.remove("Sid"),
                Some(sid) => taken.push(sid),
                None => {}
            }
        }
    }
    Ok(json!({"Version": "2012-10-17", "Statement": left}))
}

fn named(statement: &Statement) -> &[Named] {
    match &statement.principal {
        PrincipalPart::Principal(named) => named,
        PrincipalPart::NotPrincipal(_) | PrincipalPart::None => &[],
    }
}

/// A statement for one of those whom it names, and of these for one workload; `None` where it is another's.
fn cut(
    statement: &Statement,
    who: &Named,
    workload: &Workload,
    eks: &Eks,
    is_hub: &dyn Fn(&str) -> Answer,
) -> Option<Value> {
    match (workload.kind, who) {
        (WorkloadKind::ServiceAccount, Named::Federated(provider)) => {
            let id = issuer_of(provider)?;
            let subject = format!(
                "system:serviceaccount:{}:{}",
                workload.namespace.as_deref()?,
                workload.name
            );
            let of_cluster = workload.cluster.as_deref().is_none_or(|cluster| cluster == id);
            let one = of_cluster.then(|| subjects(statement, provider, &[subject]))??;
            Some(with(statement, json!({"Federated": provider}), &[one]))
        }
        (WorkloadKind::WebIdentity, Named::Federated(provider)) if provider.contains(":oidc-provider/") => {
            let whole = family(&workload.name);
            let wanted = match whole == workload.name {
                true => workload.name.clone(),
                false => format!("{whole}:*"),
            };
            let one = subjects(statement, provider, &[wanted])?;
            Some(with(statement, json!({"Federated": provider}), &[one]))
        }
        (WorkloadKind::PodIdentity, Named::Service(service)) if is_service(service, "pods.eks.amazonaws.com") => {
            let all: Option<Vec<(String, Vec<String>)>> = tags(workload, eks)?
                .into_iter()
                .map(|(key, values)| allowed(statement, &key, &values).map(|values| (key, values)))
                .collect();
            Some(with(statement, json!({"Service": service}), &all?))
        }
        // A target role is taken by the role that EKS takes first, with the pod's tags or, where those are off, with an external
        // id (EKS user guide, "Access AWS resources using EKS Pod Identity target IAM roles"): which, only the policy tells.
        (WorkloadKind::PodIdentity, Named::Aws(arn)) if account_of(arn).is_some() || is_hub(arn) != Answer::No => {
            let asked = |key: &str| statement.conditions.iter().any(|one| is_plain(one, key));
            let told = tags(workload, eks)?.into_iter().filter(|(key, _)| asked(key));
            let told = told.map(|(key, values)| allowed(statement, &key, &values).map(|values| (key, values)));
            let mut all: Vec<(String, Vec<String>)> = told.collect::<Option<_>>()?;
            if let Some(one) = statement.conditions.iter().find(|one| is_plain(one, EXTERNAL_ID)) {
                let whose = external_id(workload, eks)?;
                let own = |value: &&String| value.ends_with(&whose) || value.contains(['*', '?', '$']);
                let own: Vec<String> = one.values.iter().filter(own).cloned().collect();
                if own.is_empty() {
                    return None;
                }
                all.push((one.key.clone(), own));
            }
            Some(with(statement, json!({"AWS": arn}), &all))
        }
        (WorkloadKind::Ec2, Named::Service(service)) if is_service(service, "ec2.amazonaws.com") => {
            Some(with(statement, json!({"Service": service}), &[]))
        }
        (WorkloadKind::Lambda, Named::Service(service)) if is_service(service, "lambda.amazonaws.com") => {
            Some(with(statement, json!({"Service": service}), &[]))
        }
        (WorkloadKind::Ecs, Named::Service(service)) if is_service(service, "ecs-tasks.amazonaws.com") => {
            Some(with(statement, json!({"Service": service}), &[]))
        }
        (WorkloadKind::Service, Named::Service(service)) if is_service(service, &workload.name) => {
            Some(with(statement, json!({"Service": service}), &[]))
        }
        (WorkloadKind::Principal, Named::Aws(arn)) if *arn == workload.name => {
            Some(with(statement, json!({"AWS": arn}), &[]))
        }
        // Who trusts an account leaves it to that account whom it lets; it stays so.
        (WorkloadKind::Principal, Named::Aws(account)) if account_of(account) == workload.name.split(':').nth(4) => {
            Some(with(statement, json!({"AWS": account}), &[]))
        }
        (WorkloadKind::Sso | WorkloadKind::Saml, Named::Federated(provider))
            if provider.contains(":saml-provider/") =>
        {
            Some(with(statement, json!({"Federated": provider}), &[]))
        }
        (
            WorkloadKind::ServiceAccount
            | WorkloadKind::PodIdentity
            | WorkloadKind::Ec2
            | WorkloadKind::Lambda
            | WorkloadKind::Ecs
            | WorkloadKind::Sso
            | WorkloadKind::WebIdentity
            | WorkloadKind::Saml
            | WorkloadKind::Principal
            | WorkloadKind::Service,
            _,
        ) => None,
    }
}

const EXTERNAL_ID: &str = "sts:ExternalId";

/// The tags of a pod's session (EKS user guide, "Create IAM role with trust policy required by EKS Pod Identity").
fn tags(pod: &Workload, eks: &Eks) -> Option<Vec<(String, Vec<String>)>> {
    let cluster = pod.cluster.as_deref().map(|id| eks.plain_name(id));
    let tag = |tag: &str, value: &str| (format!("aws:RequestTag/{tag}"), vec![value.to_owned()]);
    let mut tags = vec![
        tag("kubernetes-namespace", pod.namespace.as_deref()?),
        tag("kubernetes-service-account", &pod.name),
    ];
    tags.extend(cluster.map(|name| tag("eks-cluster-name", name)));
    Some(tags)
}

/// What a pod's external id ends with: `REGION/ACCOUNT/CLUSTER/NAMESPACE/SERVICE_ACCOUNT`.
fn external_id(pod: &Workload, eks: &Eks) -> Option<String> {
    let cluster = eks.plain_name(pod.cluster.as_deref()?);
    Some(format!("/{cluster}/{}/{}", pod.namespace.as_deref()?, pod.name))
}

fn is_service(service: &str, wanted: &str) -> bool {
    service.strip_suffix(".cn").unwrap_or(service) == wanted
}

/// The account that a principal stands for as a whole.
fn account_of(arn: &str) -> Option<&str> {
    if arn.len() == 12 && arn.bytes().all(|byte| byte.is_ascii_digit()) {
        Some(arn)
    } else {
        arn.strip_suffix(":root")?.rsplit(':').next()
    }
}

/// The condition on the subject of a provider's tokens, for these of the subjects that it lets in.
fn subjects(statement: &Statement, provider: &str, wanted: &[String]) -> Option<(String, Vec<String>)> {
    let (_, issuer) = provider.split_once(":oidc-provider/")?;
    let key = format!("{issuer}:sub");
    let values = allowed(statement, &key, wanted)?;
    Some((key, values))
}

/// Of the wanted values of a key those that a statement's plain condition on it lets in; all where it has none.
fn allowed(statement: &Statement, key: &str, wanted: &[String]) -> Option<Vec<String>> {
    let mut of_key = statement.conditions.iter().filter(|one| is_plain(one, key));
    let Some(one) = of_key.next() else {
        return Some(wanted.to_vec());
    };
    let mut left: Vec<String> = Vec::new();
    for want in wanted {
        for value in &one.values {
            let is_pattern = one.operator.comparison == Comparison::StringLike;
            if value == want || is_pattern && pattern::includes(value, want) {
                left.push(want.clone());
            } else if pattern::includes(want, value) {
                left.push(value.clone());
            }
        }
    }
    left.sort();
    left.dedup();
    (!left.is_empty()).then_some(left)
}

/// Whether a condition lets in exactly whom it names by a key.
fn is_plain(condition: &Condition, key: &str) -> bool {
    let operator = condition.operator;
    let equals = matches!(operator.comparison, Comparison::StringEquals | Comparison::StringLike);
    equals && operator.set.is_none() && !operator.if_exists && condition.key.eq_ignore_ascii_case(key)
}

/// The statement for this principal alone, and with these conditions in the place of plain ones on their keys.
fn with(statement: &Statement, principal: Value, conditions: &[(String, Vec<String>)]) -> Value {
    let mut value = statement.to_value();
    let Some(object) = value.as_object_mut() else {
        return value;
    };
    object.insert("Principal".to_owned(), principal);
    let mut all = Map::new();
    for known in &statement.conditions {
        if !conditions.iter().any(|(key, _)| is_plain(known, key)) {
            put(&mut all, &known.operator_text, &known.key, &known.values);
        }
    }
    for (key, values) in conditions {
        let has_wildcard = values.iter().any(|value| value.contains(['*', '?']));
        let operator = if has_wildcard { "StringLike" } else { "StringEquals" };
        put(&mut all, operator, key, values);
    }
    if !all.is_empty() {
        object.insert("Condition".to_owned(), Value::Object(all));
    }
    value
}

fn put(all: &mut Map<String, Value>, operator: &str, key: &str, values: &[String]) {
    let value = match values {
        [one] => json!(one),
        many => json!(many),
    };
    let of = all.entry(operator.to_owned()).or_insert_with(|| json!({}));
    if let Some(of) = of.as_object_mut() {
        of.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests;
