//! A role's split in a few lines, for every format that people read, and as files.

use serde_json::{Value, json};

use super::{Error, policies, view};
use crate::iam::PolicyText;
use crate::report::{Report, RoleSplit, SplitPart};

/// Parts that are told; the rest is counted.
const PARTS: usize = 8;

/// The splits of a principal, each with why it should wait.
pub fn splits_of<'r>(report: &'r Report, arn: &str) -> impl Iterator<Item = (&'r RoleSplit, Option<&'r str>)> {
    report.alternatives.iter().filter_map(move |alternative| {
        let split = alternative.split.as_ref().filter(|split| split.role == arn)?;
        Some((split, alternative.held.as_deref()))
    })
}

/// The split in a sentence, then a line for each part.
pub fn lines(split: &RoleSplit) -> Vec<String> {
    let mut lines = vec![split.says.clone()];
    lines.extend(split.parts.iter().take(PARTS).map(part));
    if split.parts.len() > PARTS {
        lines.push(format!("and {} more", split.parts.len() - PARTS));
    }
    lines
}

fn part(part: &SplitPart) -> String {
    let whom = part.workloads.iter().take(3).map(|workload| match &workload.cluster {
        Some(cluster) => format!("{} of cluster {cluster}", workload.label()),
        None => workload.label(),
    });
    let mut whom = whom.collect::<Vec<_>>().join(", ");
    if part.workloads.len() > 3 {
        whom.push_str(&format!(" and {} more", part.workloads.len() - 3));
    }
    let trust = if part.trust.is_some() {
        ""
    } else {
        "; its trust policy is to be written by hand"
    };
    format!(
        "{}: for {whom} ({}), which used {}; it would have {}, {} fewer{trust}",
        part.name,
        view::count(part.calls, "call", "calls"),
        view::count(part.used, "action", "actions"),
        view::number(part.granted),
        view::number(part.removed)
    )
}

/// All that it takes to make the roles, by place below the folder of `--out`: nothing of what is held.
pub(super) fn files(report: &Report, include_held: bool) -> Result<Vec<(String, String)>, Error> {
    let mut files = Vec::new();
    for alternative in &report.alternatives {
        let Some(split) = alternative
            .split
            .as_ref()
            .filter(|_| include_held || alternative.held.is_none())
        else {
            continue;
        };
        let account = view::account(&split.role).unwrap_or("unknown");
        let name = split.role.rsplit('/').next().unwrap_or(&split.role);
        let folder = format!(
            "alternatives/{}/role/{}/split",
            policies::encode(account),
            policies::encode(name)
        );
        for part in &split.parts {
            files.extend(of_part(&format!("{folder}/{}", policies::encode(&part.name)), part)?);
        }
    }
    Ok(files)
}

fn of_part(folder: &str, part: &SplitPart) -> Result<Vec<(String, String)>, Error> {
    let mut files = Vec::new();
    let mut add = |name: &str, text: String| files.push((format!("{folder}/{name}"), text));
    let json = |value: &Value| policies::text(&PolicyText::from(value));
    for (at, document) in part.documents.iter().enumerate() {
        let name = if at == 0 {
            "policy.json".to_owned()
        } else {
            format!("policy-{}.json", at + 1)
        };
        add(&name, json(document)?);
    }
    if let Some(trust) = &part.trust {
        add("trust.json", json(trust)?);
    }
    for (name, text) in [
        ("role.tf", &part.terraform),
        ("serviceaccount.yaml", &part.manifests),
        ("values.yaml", &part.helm_values),
    ] {
        if !text.is_empty() {
            add(name, text.clone());
        }
    }
    if !part.associations.is_empty() {
        add("associations.json", json(&json!(part.associations))?);
    }
    Ok(files)
}
