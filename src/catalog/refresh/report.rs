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
    /// Unresolved ones that the operation map of 2022 does not know either: newer than the lists.
    pub newer: usize,
}

impl Share {
    /// The resolved share in per cent.
    pub fn percent(&self) -> f64 {
        percent(self.resolved, self.operations)
    }

    /// The resolved share in per cent of the operations that are not newer than the lists.
    pub fn percent_of_known(&self) -> f64 {
        percent(self.resolved, self.operations - self.newer)
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        100.0
    } else {
        100.0 * part as f64 / whole as f64
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
    /// Operations that nothing resolves, as `client.Operation`, and whether they are newer than the lists.
    pub unresolved: Vec<(String, bool)>,
    /// Actions that the tables name and the list lacks.
    pub retired: Vec<String>,
    /// Kinds of resource whose life cycle CloudFormation's schemas tell.
    pub kinds: usize,
    /// Actions that those schemas name and the list lacks; they are dropped.
    pub outside: Vec<String>,
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
            "operations resolved: {} of {} ({:.2} %; without the {} that are newer than the lists {:.2} %)",
            self.total.resolved,
            self.total.operations,
            self.total.percent(),
            self.total.newer,
            self.total.percent_of_known(),
        )?;
        for (step, count) in &self.steps {
            writeln!(f, "  {step:<10} {count:>6}")?;
        }
        for (client, share) in self.key_clients() {
            writeln!(
                f,
                "  {client:<16} {:>4} of {:>4} ({:.2} %), {} newer ({:.2} % of the others)",
                share.resolved,
                share.operations,
                share.percent(),
                share.newer,
                share.percent_of_known()
            )?;
        }
        writeln!(f, "life cycles of {} kinds of resource", self.kinds)?;
        for action in &self.retired {
            writeln!(f, "retired: {action}")?;
        }
        for action in &self.outside {
            writeln!(f, "in a resource schema alone: {action}")?;
        }
        for (operation, newer) in &self.unresolved {
            writeln!(f, "unresolved: {operation}{}", if *newer { " (newer)" } else { "" })?;
        }
        Ok(())
    }
}
