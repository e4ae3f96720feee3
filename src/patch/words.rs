//! Words of names, and which of them anybody uses.
//!
//! Counting the names of one account does not tell: where one policy is called `LambdaRole`, a stranger's may be too. What
//! tells is how AWS itself names things, for people name their policies after what they allow and who has them. So a word is
//! common that many of AWS's names hold, as the catalog has them: names of services, of actions of many services, of many
//! managed policies. What names of accounts and files have beside that is listed: it stands in few names of AWS's.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use crate::catalog::{ActionId, Catalog};

/// Services of whose actions' names a word is a part, from which on it is common.
const SERVICES: usize = 10;
/// Managed policies of whose names it is a part.
const POLICIES: usize = 4;
/// Letters that a word has to have: fewer are an abbreviation that many use, as `dev` or `ci`.
const LETTERS: usize = 4;
/// Most letters of a word that is looked into: a longer one tells nothing.
const MOST: usize = 64;

/// What everybody calls environments, and parts of a program, and files of Terraform.
const COMMON: &[&str] = &[
    "additional",
    "assume",
    "backend",
    "base",
    "common",
    "consumer",
    "cron",
    "development",
    "example",
    "exec",
    "extra",
    "fargate",
    "frontend",
    "generic",
    "handler",
    "infra",
    "inline",
    "json",
    "main",
    "minimal",
    "nonprod",
    "processor",
    "prod",
    "producer",
    "production",
    "queue",
    "root",
    "stack",
    "stage",
    "staging",
    "terraform",
    "this",
];

/// The letters of a name's words that few names have.
pub(super) fn own_letters(name: &str) -> usize {
    let all = words(name);
    let own = all
        .iter()
        .filter(|word| word.len() >= LETTERS && !word.bytes().all(|byte| byte.is_ascii_digit()) && !is_common(word));
    own.map(String::len).sum()
}

/// Whether many names hold a word, or others of which it is made: `lambdarole`.
fn is_common(word: &str) -> bool {
    let is_one = |word: &str| of_aws().contains(word) || COMMON.contains(&word);
    let is_known = is_one(word) || is_one(&format!("{word}s")) || word.strip_suffix('s').is_some_and(is_one);
    let shortest = LETTERS - 1;
    is_known
        || word.len() > MOST
        || (shortest..word.len().saturating_sub(shortest - 1)).any(|at| is_one(&word[..at]) && is_common(&word[at..]))
}

/// The words that many of AWS's own names hold.
fn of_aws() -> &'static HashSet<String> {
    static WORDS: OnceLock<HashSet<String>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let catalog = Catalog::embedded();
        let actions = catalog.services().map(|(prefix, _)| {
            let all = catalog.service_range(prefix);
            let names = all.map(|at| catalog.name(ActionId::from_index(at as usize)));
            names
                .filter_map(|name| name.split(':').nth(1))
                .flat_map(words)
                .collect()
        });
        let policies = catalog
            .managed_policy_arns()
            .map(|arn| words(arn.rsplit('/').next().unwrap_or("")).into_iter().collect());
        let services = catalog
            .services()
            .flat_map(|(prefix, name)| words(prefix).into_iter().chain(words(name)));
        services
            .chain(in_many(actions, SERVICES))
            .chain(in_many(policies, POLICIES))
            .collect()
    })
}

/// The words of at least so many.
fn in_many(each: impl Iterator<Item = HashSet<String>>, least: usize) -> impl Iterator<Item = String> {
    let mut times: HashMap<String, usize> = HashMap::new();
    each.flatten().for_each(|word| *times.entry(word).or_default() += 1);
    times
        .into_iter()
        .filter(move |(_, times)| *times >= least)
        .map(|(word, _)| word)
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

    #[track_caller]
    fn check(name: &str, expected: usize) {
        assert_eq!(own_letters(name), expected, "{name}: {:?}", words(name));
    }

    #[test]
    fn words_of_what_aws_names_are_nobodys_own() {
        for name in [
            "LambdaS3Role-2",
            "firehose-delivery",
            "CodeBuildServiceRole",
            "athenaaccess",
            "lambdaexecutionrole",
            "AmazonCognitoUsers",
            "queues",
            "ReadOnly",
            &"readonly".repeat(40),
        ] {
            check(name, 0);
        }
        check("shop-checkout", 12);
        check("shop-etl-role", 4);
    }
}
