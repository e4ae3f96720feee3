//! Operations of which two parameters name resources of one type: a copy's source and target, the two ends of a peering.

use std::collections::BTreeMap;

use super::super::row::{self, RowNeed};
use super::super::template::variables;
use super::bind::Member;
use super::packages::Packages;

/// (prefix, operation, type) → those parameters, and how it is told which action is on which.
pub(super) type TwoSided = BTreeMap<(String, String, String), (String, String)>;

/// Notes the types of which several parameters of an operation name a resource.
pub(super) fn note(operation: &str, needs: &[RowNeed], members: &[Member], packages: &Packages, out: &mut TwoSided) {
    // Roles that are handed over are all passed.
    let sure = needs
        .iter()
        .filter(|need| need.certain && need.action != "iam:PassRole");
    for need in sure {
        let prefix = need.action.split_once(':').map_or("", |(prefix, _)| prefix);
        for (kind, parameters) in two_sided(&need.action, members, packages) {
            let told = match need {
                RowNeed { open: true, .. } => "all resources go to the action, and it counts as incomplete".to_owned(),
                RowNeed { apart: true, .. } if need.bindings.iter().all(|binding| row::paths(binding).is_empty()) => {
                    "the request does not tell the resource, and the action counts as incomplete".to_owned()
                }
                RowNeed { apart: true, .. } => {
                    let on: Vec<String> = need.bindings.iter().flat_map(row::paths).collect();
                    format!("{} on {}", need.action, on.join(", "))
                }
                _ => "the action's resource is told by hand".to_owned(),
            };
            let key = (prefix.to_owned(), operation.to_owned(), kind);
            let known = out.entry(key).or_insert_with(|| (parameters.join(" "), String::new()));
            if !known.1.split("; ").any(|known| known == told) {
                known.1 += if known.1.is_empty() { "" } else { "; " };
                known.1 += &told;
            }
        }
    }
}

/// The types of an action's resources of which several parameters name one, each in a role of its own, with those
/// parameters.
fn two_sided(action: &str, members: &[Member], packages: &Packages) -> Vec<(String, Vec<String>)> {
    let Some((prefix, found)) = packages.action(action) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for (name, _) in &found.types {
        let formats = packages.arns.get(prefix).and_then(|arns| arns.get(name));
        let sides = of(name, formats.map_or(&[][..], Vec::as_slice), members);
        if !sides.is_empty() {
            out.push((name.clone(), sides));
        }
    }
    out
}

/// The parameters that may name a resource of a type, if there are several: those that end like the type's name or its
/// ARN's last variable. A name and an ARN of one thing are one (`StreamName`, `StreamARN`).
pub(super) fn of(name: &str, formats: &[String], members: &[Member]) -> Vec<String> {
    let last = formats.iter().filter_map(|format| variables(format).last().copied());
    let wanted: Vec<String> = std::iter::once(name)
        .chain(last)
        .map(core)
        .filter(|core| core.len() > 2)
        .collect();
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for member in members.iter().filter(|member| member.text) {
        let core = core(&member.name);
        if wanted.iter().any(|wanted| core.ends_with(wanted.as_str())) {
            found.entry(core).or_insert_with(|| member.path.clone());
        }
    }
    if found.len() > 1 {
        found.into_values().collect()
    } else {
        Vec::new()
    }
}

/// A name without what says how it identifies: `SourceSnapshotIds` → `sourcesnapshot`.
fn core(name: &str) -> String {
    let squeezed: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let lower = squeezed.to_ascii_lowercase();
    let endings = ["identifiers", "identifier", "names", "name", "arns", "arn", "ids", "id"];
    let end = endings
        .iter()
        .find(|ending| lower.len() > ending.len() && lower.ends_with(*ending));
    end.map_or(lower.as_str(), |end| &lower[..lower.len() - end.len()])
        .to_owned()
}
