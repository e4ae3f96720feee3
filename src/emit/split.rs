//! A role's split in a few lines, for every format that people read, and as files.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Error, policies, view};
use crate::iam::PolicyText;
use crate::report::{Alternative, Report, RoleSplit, SplitPart};

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
    let named_by: Vec<String> = part.named_by.iter().map(|arn| view::short(arn)).collect();
    let named_by = match &named_by[..] {
        [] => String::new(),
        named => format!("; first add it to the trust policy of {}", named.join(", ")),
    };
    format!(
        "{}: for {whom} ({}), which used {}; it would have {}, {} fewer{trust}{named_by}",
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
    let mut taken = BTreeMap::new();
    for alternative in &report.alternatives {
        if include_held || alternative.held.is_none() {
            files.extend(of_session(alternative, &mut taken)?);
        }
        let Some(split) = alternative
            .split
            .as_ref()
            .filter(|_| include_held || alternative.held.is_none())
        else {
            continue;
        };
        let folder = format!("{}/split", folder(&split.role));
        for part in &split.parts {
            files.extend(of_part(&format!("{folder}/{}", policies::encode(&part.name)), part)?);
        }
    }
    Ok(files)
}

/// Where what is for a role goes.
fn folder(role: &str) -> String {
    let account = view::account(role).unwrap_or("unknown");
    let name = role.rsplit('/').next().unwrap_or(role);
    format!(
        "alternatives/{}/role/{}",
        policies::encode(account),
        policies::encode(name)
    )
}

/// A session policy for one workload of a role, and what hands it to its pods.
fn of_session(alternative: &Alternative, taken: &mut BTreeMap<String, u32>) -> Result<Vec<(String, String)>, Error> {
    let (Some(workload), Some(role)) = (&alternative.workload, alternative.affects.first()) else {
        return Ok(Vec::new());
    };
    let mut folder = format!("{}/session/{}", folder(role), policies::encode(workload));
    // Service accounts of one name in several clusters.
    let times = taken.entry(folder.clone()).or_default();
    *times += 1;
    if *times > 1 {
        folder.push_str(&format!("~{times}"));
    }
    let mut files = Vec::new();
    for (name, values) in [
        ("policy", &alternative.documents),
        ("association", &alternative.associations),
    ] {
        for (at, value) in values.iter().enumerate() {
            let text = policies::text(&PolicyText::from(value))?;
            files.push((format!("{folder}/{}", numbered(name, at)), text));
        }
    }
    Ok(files)
}

/// `policy.json`, and `policy-2.json` for the next.
fn numbered(name: &str, at: usize) -> String {
    match at {
        0 => format!("{name}.json"),
        more => format!("{name}-{}.json", more + 1),
    }
}

fn of_part(folder: &str, part: &SplitPart) -> Result<Vec<(String, String)>, Error> {
    let mut files = Vec::new();
    let mut add = |name: &str, text: String| files.push((format!("{folder}/{name}"), text));
    let json = |value: &Value| policies::text(&PolicyText::from(value));
    for (at, document) in part.documents.iter().enumerate() {
        add(&numbered("policy", at), json(document)?);
    }
    if let Some(trust) = &part.trust {
        add("trust.json", json(trust)?);
    }
    if !part.tags.is_empty() {
        // As `aws iam create-role --tags` takes them.
        let tags: Vec<Value> = part
            .tags
            .iter()
            .map(|(key, value)| json!({"Key": key, "Value": value}))
            .collect();
        add("tags.json", json(&json!(tags))?);
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
