//! Who may use a role, read from its trust policy: which services, and what their use implies unseen.

use crate::grants::Principal;
use crate::iam::policy::Principal as Named;
use crate::iam::{Effect, PrincipalPart, Statement};

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
    if let Some(Err(_)) = &principal.trust {
        // Any service may be behind it.
        trust.others = true;
        trust.implied.extend(LAMBDA.into_iter().chain(ECS_TASKS));
        return trust;
    }
    let statements = principal.trust_statements().iter();
    for statement in statements.filter(|statement| statement.effect == Effect::Allow) {
        match &statement.principal {
            PrincipalPart::Principal(named) => {
                for who in named {
                    match who {
                        Named::Service(service) => trust.services.push(service.clone()),
                        Named::Everyone | Named::Aws(_) | Named::Federated(_) | Named::CanonicalUser(_) => {
                            trust.others = true;
                        }
                    }
                }
            }
            PrincipalPart::NotPrincipal(_) | PrincipalPart::None => trust.others = true,
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
fn service_accounts(statement: &Statement, found: &mut Vec<String>) {
    let subjects = statement
        .conditions
        .iter()
        .filter(|condition| condition.key.ends_with(":sub"));
    for value in subjects.flat_map(|condition| &condition.values) {
        if let Some((namespace, name)) = value
            .strip_prefix("system:serviceaccount:")
            .and_then(|rest| rest.split_once(':'))
        {
            found.push(format!("{namespace}/{name}"));
        }
    }
}

#[cfg(test)]
mod tests;
