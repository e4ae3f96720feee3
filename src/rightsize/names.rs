//! Actions as patterns: the fewest words that, within the catalog, name exactly these actions.

use std::collections::BTreeMap;

use crate::catalog::{ActionId, Catalog};
use crate::gap::ActionSet;
use crate::iam::pattern;

/// Patterns that name exactly `actions` among the catalog's, sorted; each is included in `within`, a pattern of the
/// original (`s3:*`). A wildcard stands for at least `least` actions, or for a whole service.
pub fn names(catalog: &Catalog, actions: &ActionSet, within: &str, least: usize) -> Vec<String> {
    let within = within.to_lowercase();
    let mut by_service: BTreeMap<&str, Vec<ActionId>> = BTreeMap::new();
    for action in actions.iter() {
        by_service.entry(catalog.service(action)).or_default().push(action);
    }
    let mut patterns = Vec::new();
    for (service, actions) in by_service {
        let whole = format!("{service}:*");
        if actions.len() == catalog.service_range(service).len() && pattern::includes(&within, &whole) {
            patterns.push(whole);
            continue;
        }
        let all: Vec<&str> = catalog
            .service_range(service)
            .map(|action| catalog.name(ActionId::from_index(action as usize)))
            .collect();
        let mine: Vec<&str> = actions.iter().map(|action| catalog.name(*action)).collect();
        group(&mine, &all, service.len() + 1, &within, least, &mut patterns);
    }
    patterns
}

/// Splits sorted names by their next word; a word under which all of the service's names are wanted becomes `Word*`.
fn group(mine: &[&str], all: &[&str], from: usize, within: &str, least: usize, patterns: &mut Vec<String>) {
    let mut rest = mine;
    while let Some(first) = rest.first() {
        let end = word_end(first, from);
        let prefix = &first[..end];
        let same = rest.iter().take_while(|name| has_prefix(name, prefix)).count();
        let (these, after) = rest.split_at(same.max(1));
        rest = after;
        let among_all = all.iter().filter(|name| has_prefix(name, prefix)).count();
        let wildcard = format!("{prefix}*");
        if these.len() >= least && these.len() == among_all && pattern::includes(within, &wildcard.to_lowercase()) {
            patterns.push(wildcard);
        } else if these.len() == 1 || end == first.len() {
            patterns.push(these[0].to_owned());
            group(&these[1..], all, from, within, least, patterns);
        } else {
            group(these, all, end, within, least, patterns);
        }
    }
}

/// IAM ignores the case of action names, so a prefix covers names of any case.
fn has_prefix(name: &str, prefix: &str) -> bool {
    name.len() >= prefix.len()
        && name.is_char_boundary(prefix.len())
        && name[..prefix.len()].eq_ignore_ascii_case(prefix)
}

/// Where the word that starts at `from` ends: `DescribeInstances` → `Describe`.
fn word_end(name: &str, from: usize) -> usize {
    let bytes = name.as_bytes();
    let mut end = from + 1;
    // A run of capitals is one word: `DB` in `DescribeDBClusters` starts it, `Clusters` the next.
    while end < bytes.len() && (bytes[end - 1].is_ascii_uppercase() || !bytes[end].is_ascii_uppercase()) {
        end += 1;
    }
    end.min(bytes.len())
}
