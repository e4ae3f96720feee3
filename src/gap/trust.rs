//! Who may use a role, read from its trust policy: which services, and what their use implies unseen.

use serde_json::Value;

use crate::grants::Principal;

/// Services whose roles are rewritten although only they use them: their workloads are the owner's own code.
const WORKLOAD_SERVICES: [&str; 5] = [
    "lambda.amazonaws.com",
    "ec2.amazonaws.com",
    "ecs-tasks.amazonaws.com",
    "pods.eks.amazonaws.com",
    "ec2.amazonaws.com.cn",
];

/// What Lambda does with a function's role around its code: logs, network interfaces, tracing
/// (Lambda developer guide, "Defining Lambda function permissions with an execution role").
const LAMBDA: [&str; 13] = [
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeVpcs",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
];

/// What ECS does with a task's roles around its code: images, logs, secrets
/// (ECS developer guide, "Amazon ECS task execution IAM role").
const ECS_TASKS: [&str; 9] = [
    "ecr:GetAuthorizationToken",
    "ecr:BatchCheckLayerAvailability",
    "ecr:GetDownloadUrlForLayer",
    "ecr:BatchGetImage",
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "secretsmanager:GetSecretValue",
    "ssm:GetParameters",
];

/// What a trust policy says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trust {
    /// Service principals, sorted.
    pub services: Vec<String>,
    /// Whether anybody else is trusted, or the policy could not be read.
    pub others: bool,
    /// Kubernetes service accounts that it names, as `NAMESPACE/NAME`.
    pub service_accounts: Vec<String>,
    /// Actions that its services take without a call of their own.
    pub implied: Vec<&'static str>,
}

impl Trust {
    /// The services that alone may use the role, where that keeps it from being rewritten.
    pub fn only_services(&self) -> Option<&[String]> {
        let workload = self
            .services
            .iter()
            .any(|service| WORKLOAD_SERVICES.contains(&service.as_str()));
        (!self.others && !workload && !self.services.is_empty()).then_some(&self.services)
    }
}

/// Reads a principal's trust policy; users and groups have none.
pub fn trust(principal: &Principal) -> Trust {
    let mut trust = Trust::default();
    let Some(document) = &principal.trust else {
        return trust;
    };
    for statement in list(document.get("Statement")) {
        if statement.get("Effect").and_then(Value::as_str) != Some("Allow") {
            continue;
        }
        match statement.get("Principal") {
            Some(Value::Object(principals)) => {
                for (kind, who) in principals {
                    if kind == "Service" {
                        trust
                            .services
                            .extend(list(Some(who)).iter().filter_map(|who| who.as_str()).map(str::to_owned));
                    } else {
                        trust.others = true;
                    }
                }
            }
            Some(_) | None => trust.others = true,
        }
        service_accounts(statement, &mut trust.service_accounts);
    }
    trust.services.sort_unstable();
    trust.services.dedup();
    trust.service_accounts.sort_unstable();
    trust.service_accounts.dedup();
    if trust.services.iter().any(|service| service == "lambda.amazonaws.com") {
        trust.implied.extend(LAMBDA);
    }
    if trust
        .services
        .iter()
        .any(|service| service == "ecs-tasks.amazonaws.com")
    {
        trust.implied.extend(ECS_TASKS);
    }
    trust
}

/// Subjects of the form `system:serviceaccount:NAMESPACE:NAME` in the conditions.
fn service_accounts(statement: &Value, found: &mut Vec<String>) {
    let Some(Value::Object(conditions)) = statement.get("Condition") else {
        return;
    };
    for (_, keys) in conditions {
        let Value::Object(keys) = keys else {
            continue;
        };
        for (key, values) in keys {
            if !key.ends_with(":sub") {
                continue;
            }
            for value in list(Some(values)).iter().filter_map(|value| value.as_str()) {
                if let Some((namespace, name)) = value
                    .strip_prefix("system:serviceaccount:")
                    .and_then(|rest| rest.split_once(':'))
                {
                    found.push(format!("{namespace}/{name}"));
                }
            }
        }
    }
}

/// A member of a policy that may be one value or a list of them.
pub fn list(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(values)) => values.iter().collect(),
        Some(value) => vec![value],
    }
}
