//! Requests that somebody would recognise: actions that exist, on resources as the documents and AWS name them.

use std::collections::BTreeSet;

use crate::catalog::{ActionId, Catalog, sensitive};
use crate::iam::subset::Likely;
use crate::iam::{ActionPart, Effect, Policy, PrincipalPart, Resource, ResourcePart, Statement};

/// Most actions that are tried.
const ACTIONS: usize = 48;

const ACCOUNT: &str = "111122223333";

/// What `new` may grant beyond `old`, asked by whom it is known to be for.
pub fn likely(old: &Policy, new: &Policy, caller: Option<&str>) -> Likely {
    let mut likely = of(old, new, &|_| true);
    // Resource policies name who may ask; what hangs on a principal is asked by that one.
    let hangs = |one: &Statement| one.principal == PrincipalPart::None;
    let caller = caller.filter(|_| new.statements.iter().all(hangs));
    if let Some(account) = caller.and_then(|caller| caller.split(':').nth(4)) {
        let resources = likely.requests.iter_mut().flat_map(|(_, resources)| resources);
        resources.for_each(|resource| *resource = resource.replace(&format!(":{ACCOUNT}:"), &format!(":{account}:")));
        likely.caller = caller.map(str::to_owned);
    }
    likely
}

/// Services whose actions tell most, for whoever reads.
const TELLING: [&str; 8] = ["iam", "s3", "sts", "kms", "secretsmanager", "lambda", "ec2", "dynamodb"];

/// What `granting` may grant beyond `old` of the actions that are wanted, the most telling first.
pub(super) fn of(old: &Policy, granting: &Policy, wanted: &dyn Fn(&str) -> bool) -> Likely {
    let catalog = Catalog::embedded();
    let allows: Vec<&Statement> = granting
        .statements
        .iter()
        .filter(|one| one.effect == Effect::Allow)
        .collect();
    let was_allowed = |name: &str| {
        old.statements
            .iter()
            .any(|one| one.effect == Effect::Allow && concerns(&one.action, name))
    };
    let mut actions: BTreeSet<(bool, bool, usize, usize, ActionId)> = BTreeSet::new();
    for statement in &allows {
        let found: Vec<ActionId> = match &statement.action {
            ActionPart::Action(patterns) => patterns
                .iter()
                .flat_map(|pattern| catalog.expand(pattern.text()))
                .collect(),
            ActionPart::NotAction(_) => catalog
                .ids()
                .filter(|id| concerns(&statement.action, catalog.name(*id)))
                .collect(),
        };
        for (at, id) in found.into_iter().enumerate() {
            let name = catalog.name(id);
            if wanted(name) {
                let rank = TELLING.iter().position(|known| *known == catalog.service(id));
                let rank = rank.unwrap_or(TELLING.len());
                actions.insert((was_allowed(name), sensitive(name).is_none(), rank, at, id));
            }
        }
    }
    let own: Vec<String> = allows
        .iter()
        .flat_map(|statement| instances(&statement.resource))
        .collect();
    let requests = actions.into_iter().take(ACTIONS).map(|(_, _, _, _, id)| {
        let mut resources = own.clone();
        let types = catalog.resource_types(id);
        resources.extend(types.iter().flat_map(|kind| &kind.arns).map(|format| filled(format)));
        if types.is_empty() {
            resources.insert(0, "*".to_owned());
        }
        // An action is shown on what it is for, where the statement leaves that open.
        let fits = |resource: &String| {
            types.iter().flat_map(|kind| &kind.arns).any(|format| {
                let pattern = open(format);
                crate::iam::pattern::matches(&pattern, resource)
            })
        };
        resources.sort_by_key(|resource| !types.is_empty() && !fits(resource));
        (catalog.name(id).to_owned(), resources)
    });
    Likely {
        requests: requests.collect(),
        caller: None,
    }
}

fn concerns(part: &ActionPart, action: &str) -> bool {
    match part {
        ActionPart::Action(patterns) => patterns.iter().any(|pattern| pattern.matches(action)),
        ActionPart::NotAction(patterns) => !patterns.iter().any(|pattern| pattern.matches(action)),
    }
}

/// Resources that the patterns match.
fn instances(part: &ResourcePart) -> Vec<String> {
    let patterns: &[Resource] = match part {
        ResourcePart::Resource(patterns) => patterns,
        ResourcePart::NotResource(_) | ResourcePart::None => &[],
    };
    let texts = patterns.iter().map(Resource::to_string).filter(|text| text != "*");
    let mut all: Vec<String> = texts
        .map(|text| {
            let parts: Vec<&str> = text.splitn(6, ':').collect();
            let parts = parts.iter().enumerate().map(|(at, part)| match (at, *part) {
                (1, "*") => "aws".to_owned(),
                (3, "*") => "eu-west-1".to_owned(),
                (4, "*") => ACCOUNT.to_owned(),
                (_, part) => part.replace('*', "example").replace('?', "x"),
            });
            parts.collect::<Vec<String>>().join(":")
        })
        .collect();
    if matches!(part, ResourcePart::None) {
        all.push(format!("arn:aws:iam::{ACCOUNT}:role/example"));
    }
    all
}

/// `arn:${Partition}:s3:::${BucketName}` with likely names.
fn filled(format: &str) -> String {
    replaced(format, &|name| match name {
        "Partition" => "aws".to_owned(),
        "Region" => "eu-west-1".to_owned(),
        "Account" => ACCOUNT.to_owned(),
        name => {
            let short = name
                .trim_end_matches("NameWithPath")
                .trim_end_matches("Name")
                .trim_end_matches("Id");
            format!("example-{}", short.to_lowercase())
        }
    })
}

/// The same as a pattern.
fn open(format: &str) -> String {
    replaced(format, &|_| "*".to_owned())
}

fn replaced(format: &str, by: &dyn Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = format;
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        let end = rest[at..].find('}').map_or(rest.len(), |end| at + end);
        out.push_str(&by(&rest[at + 2..end]));
        rest = rest.get(end + 1..).unwrap_or("");
    }
    out.push_str(rest);
    out
}
