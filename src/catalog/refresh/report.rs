//! How much of what the SDK can call the catalog resolves, and by which step.

use std::collections::BTreeMap;
use std::fmt;

/// Services whose operations matter most.
const KEY_CLIENTS: [&str; 22] = [
    "s3",
    "s3control",
    "ec2",
    "iam",
    "sts",
    "lambda",
    "dynamodb",
    "sqs",
    "sns",
    "kms",
    "secretsmanager",
    "ssm",
    "ecr",
    "eks",
    "logs",
    "cloudwatch",
    "autoscaling",
    "elb",
    "elbv2",
    "route53",
    "rds",
    "cloudformation",
];

/// Operations counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Share {
    /// All operations.
    pub operations: usize,
    /// Those that the catalog resolves.
    pub resolved: usize,
    /// Those of clients whose prefix the catalog does not have at all.
    pub no_prefix: usize,
}

impl Share {
    /// The resolved share in per cent.
    pub fn percent(&self) -> f64 {
        if self.operations == 0 {
            100.0
        } else {
            100.0 * self.resolved as f64 / self.operations as f64
        }
    }
}

/// The coverage report of a refresh.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// The day of the action list.
    pub date: String,
    /// How many actions the list has.
    pub actions: usize,
    /// All clients together.
    pub total: Share,
    /// Operations by the step that resolved them.
    pub steps: BTreeMap<&'static str, usize>,
    /// Each client of the SDK.
    pub clients: BTreeMap<String, Share>,
    /// Operations that nothing resolves, as `client.Operation`: newer than the list, or renamed in it.
    pub unresolved: Vec<String>,
    /// Actions that the tables name and the list lacks.
    pub retired: Vec<String>,
}

impl Report {
    /// The share of a client that matters most, by the SDK's name of it.
    pub fn key_clients(&self) -> impl Iterator<Item = (&str, Share)> {
        KEY_CLIENTS
            .iter()
            .map(|name| (*name, self.clients.get(*name).copied().unwrap_or_default()))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "catalog of {}: {} actions", self.date, self.actions)?;
        writeln!(
            f,
            "operations resolved: {} of {} ({:.2} %); {} unresolved, {} more under prefixes the list lacks",
            self.total.resolved,
            self.total.operations,
            self.total.percent(),
            self.unresolved.len() - self.total.no_prefix,
            self.total.no_prefix,
        )?;
        for (step, count) in &self.steps {
            writeln!(f, "  {step:<10} {count:>6}")?;
        }
        for (client, share) in self.key_clients() {
            writeln!(
                f,
                "  {client:<16} {:>4} of {:>4} ({:.2} %)",
                share.resolved,
                share.operations,
                share.percent()
            )?;
        }
        for action in &self.retired {
            writeln!(f, "retired: {action}")?;
        }
        for operation in &self.unresolved {
            writeln!(f, "unresolved: {operation}")?;
        }
        Ok(())
    }
}
