//! Names as files write them, and how much one tells: `shop-checkout` is somebody's own, `${var.name}-policy` anybody's.

use super::terraform::Name;
use super::tree::{Piece, stands_for};
use super::witness::Told;

/// Letters of words of its own that a name with open parts has to have.
const OF_PATTERN: usize = 4;
/// The same of a whole one.
const OF_WHOLE: usize = 3;

/// Words of what AWS, its documentation and everybody call policies and roles: they tell nothing.
const COMMON: &[&str] = &[
    "a",
    "access",
    "additional",
    "admin",
    "all",
    "allow",
    "an",
    "arn",
    "assume",
    "attach",
    "attachment",
    "aws",
    "base",
    "basic",
    "bucket",
    "cloudformation",
    "cloudwatch",
    "common",
    "container",
    "custom",
    "customer",
    "default",
    "document",
    "dynamo",
    "dynamodb",
    "ec2",
    "ecr",
    "ecs",
    "eks",
    "event",
    "example",
    "exec",
    "execution",
    "extra",
    "fargate",
    "for",
    "full",
    "generic",
    "glue",
    "group",
    "iam",
    "inline",
    "instance",
    "invoke",
    "json",
    "kinesis",
    "kms",
    "lambda",
    "limited",
    "log",
    "logging",
    "main",
    "managed",
    "minimal",
    "my",
    "name",
    "node",
    "parameter",
    "permission",
    "pod",
    "policy",
    "profile",
    "put",
    "queue",
    "rds",
    "read",
    "readonly",
    "resource",
    "role",
    "root",
    "s3",
    "secret",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "statement",
    "stack",
    "sts",
    "task",
    "template",
    "terraform",
    "the",
    "this",
    "write",
];

/// Words that say what kind of thing somebody's own is, and where it runs: one of them tells nothing, two of them do in a name
/// that is whole.
const OF_A_KIND: &[&str] = &[
    "account",
    "agent",
    "api",
    "app",
    "application",
    "backend",
    "batch",
    "bot",
    "build",
    "ci",
    "cluster",
    "consumer",
    "cron",
    "data",
    "dev",
    "development",
    "env",
    "frontend",
    "function",
    "handler",
    "infra",
    "int",
    "job",
    "lab",
    "nonprod",
    "processor",
    "prod",
    "producer",
    "production",
    "qa",
    "runner",
    "server",
    "service",
    "stage",
    "staging",
    "test",
    "uat",
    "user",
    "web",
    "worker",
];

/// Whether somebody is called as it is written.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Called<'n> {
    /// Nothing says what it is called.
    Unsaid,
    /// It is called something else.
    Otherwise,
    /// Its name, and how that is written.
    So(&'n str, Written<'n>),
}

/// A name as it is written.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Written<'n>(&'n [Piece]);

/// Whether one of `known` is one of the names; by the most telling of them.
pub(super) fn called<'n>(names: &'n [Name], known: &[&'n str]) -> Called<'n> {
    if names.is_empty() {
        return Called::Unsaid;
    }
    let all = names.iter().flat_map(|name| {
        let so = known.iter().filter(|known| stands_for(name, known));
        so.map(|known| (*known, Written(name)))
    });
    let best = all.max_by_key(|(_, name)| (name.is_whole(), name.is_telling(), name.letters()));
    best.map_or(Called::Otherwise, |(known, name)| Called::So(known, name))
}

/// Whether few things are called so.
pub(super) fn tells(name: &str) -> bool {
    Written(&[Piece::Literal(name.to_owned())]).is_telling()
}

impl Called<'_> {
    /// The same where somebody who is called otherwise may be it as well.
    pub(super) fn or_unsaid(self) -> Self {
        match self {
            Called::Otherwise => Called::Unsaid,
            Called::Unsaid | Called::So(..) => self,
        }
    }
}

impl Written<'_> {
    /// Whether all of it is written.
    pub(super) fn is_whole(&self) -> bool {
        !self.0.contains(&Piece::Reference)
    }

    /// What it tells of whom it names.
    pub(super) fn told(&self, known: &str) -> Told {
        match self.is_whole() {
            true => Told::Name(known.to_owned()),
            false => Told::Pattern(known.to_owned()),
        }
    }

    /// The letters and digits of it that are written.
    pub(super) fn letters(&self) -> usize {
        let letters = self.0.iter().map(|piece| match piece {
            Piece::Literal(text) => text.chars().filter(char::is_ascii_alphanumeric).count(),
            Piece::Reference => 0,
        });
        letters.sum()
    }

    /// Whether few things are called so.
    pub(super) fn is_telling(&self) -> bool {
        let literals = self.0.iter().filter_map(|piece| match piece {
            Piece::Literal(text) => Some(text.as_str()),
            Piece::Reference => None,
        });
        let (mut own, mut kinds) = (0, 0);
        for word in literals.flat_map(words) {
            let one = word.strip_suffix('s').unwrap_or(&word);
            let is_in = |list: &[&str]| list.contains(&word.as_str()) || list.contains(&one);
            if is_in(OF_A_KIND) {
                kinds += 1;
            } else if !is_in(COMMON) && word.len() > 1 && !word.bytes().all(|byte| byte.is_ascii_digit()) {
                own += word.len();
            }
        }
        match self.is_whole() {
            true => own >= OF_WHOLE || kinds > 1,
            false => own >= OF_PATTERN,
        }
    }
}

/// The words of a name, in lower case: `LambdaS3Role-2` is `lambda`, `s3`, `role`, `2`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = None;
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        if !letter.is_ascii_alphanumeric() {
            before = None;
            continue;
        }
        let next = letters.peek().copied().unwrap_or(' ');
        let begins = before.is_none_or(|before: char| {
            letter.is_ascii_uppercase() && (!before.is_ascii_uppercase() || next.is_ascii_lowercase())
        });
        if begins {
            words.push(String::new());
        }
        words
            .last_mut()
            .unwrap_or(&mut String::new())
            .push(letter.to_ascii_lowercase());
        before = Some(letter);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::tree::{Template, pieces};

    #[track_caller]
    fn check(name: &str, expected: bool) {
        assert_eq!(
            Written(&pieces(name, Template::Terraform)).is_telling(),
            expected,
            "{name}"
        );
    }

    #[test]
    fn what_anybody_calls_a_policy_or_role_tells_nothing() {
        for name in [
            "policy",
            "inline",
            "default",
            "LambdaRole",
            "lambda_basic_execution",
            "S3ReadAccess",
            "worker",
            "api-policy",
            "${var.name}-policy",
            "${var.env}-app-role",
            "${var.a}-dev-worker",
            "-${var.a}-",
            "${var.a}",
            "role-2",
            "ECSTaskRole",
        ] {
            check(name, false);
        }
    }

    #[test]
    fn what_is_somebodys_own_tells() {
        for name in [
            "shop-checkout",
            "prod-app",
            "invoice",
            "${var.env}-shop-app",
            "InvoiceLambdaRole",
            "etl-role",
            "${var.env}-ledger",
        ] {
            check(name, true);
        }
    }
}
