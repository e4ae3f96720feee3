//! Every role and user for people: who can take it, who did, and how much it may do.

pub(super) mod graph;
mod terminal;

use std::io::Write;

use minijinja::value::Serde;
use serde_json::json;

use super::{Error, escape, html, split, view};
use crate::report::{Entry, Inventory, RoleOfAccount, Way};

pub use graph::{dot, mermaid};
pub use terminal::terminal;

/// Writes a table a reader of a pull request or wiki page can use.
///
/// # Errors
/// What the writer says.
pub fn markdown(inventory: &Inventory, out: &mut dyn Write) -> Result<(), Error> {
    let text = escape::markdown;
    writeln!(out, "## Inventory\n\n{}\n", text(&head(inventory)))?;
    for cluster in &inventory.clusters {
        writeln!(
            out,
            "### Cluster {}\n",
            text(&cluster_name(&cluster.cluster, cluster.issuer.as_deref()))
        )?;
        writeln!(
            out,
            "| namespace | service account | role | known by | calls |\n|---|---|---|---|--:|"
        )?;
        for namespace in &cluster.namespaces {
            for account in &namespace.service_accounts {
                for role in &account.roles {
                    writeln!(
                        out,
                        "| {} | {} | {} | {} | {} |",
                        text(&namespace.namespace),
                        text(&account.service_account),
                        text(&view::short(&role.arn)),
                        text(&known_by(role)),
                        view::number(role.calls)
                    )?;
                }
            }
        }
        writeln!(out)?;
        for access in &cluster.access {
            writeln!(
                out,
                "* {} may use its Kubernetes API{}",
                text(&view::short(&access.arn)),
                text(&kind(&access.kind))
            )?;
        }
    }
    let (chains, steps) = (graph::chains(&inventory.graph), graph::steps(inventory));
    for (title, lines) in [("Chains of roles", chains), ("Who takes whom", steps)] {
        if !lines.is_empty() {
            writeln!(out, "### {title}\n")?;
            for line in lines {
                writeln!(out, "* {}", text(&line))?;
            }
            writeln!(out)?;
        }
    }
    writeln!(out, "### Roles and users, the most risk first\n")?;
    writeln!(
        out,
        "| who | taken by | seen | last use | policies | grant |\n|---|---|---|---|---|---|"
    )?;
    for entry in by_risk(inventory) {
        let join = |lines: Vec<String>| lines.iter().map(|line| text(line)).collect::<Vec<_>>().join("<br>");
        writeln!(
            out,
            "| {}<br>{} | {} | {} | {} | {} | {} |",
            text(&view::short(&entry.arn)),
            text(&entry.account),
            join(entry.taken_by.iter().map(way).collect()),
            join(seen(inventory, entry)),
            text(&last_used(entry)),
            join(policies(entry)),
            join(grant(entry))
        )?;
    }
    if !inventory.notes.is_empty() {
        writeln!(out, "\n### Does not fit together\n")?;
        for note in &inventory.notes {
            writeln!(out, "* {}", text(note))?;
        }
    }
    Ok(())
}

/// The columns of the table for spreadsheets.
const COLUMNS: [&str; 21] = [
    "principal",
    "account",
    "kind",
    "created",
    "taken_by",
    "workloads",
    "calls",
    "last_used",
    "last_used_by",
    "policies",
    "permissions_boundary",
    "actions",
    "list",
    "read",
    "tagging",
    "write",
    "permissions_management",
    "data_access",
    "credential_exposure",
    "privilege_escalation",
    "escalation_paths",
];

/// Writes one row for each role and user (RFC 4180).
///
/// # Errors
/// What the writer says.
pub fn csv(inventory: &Inventory, out: &mut dyn Write) -> Result<(), Error> {
    let mut rows = ::csv::Writer::from_writer(out);
    rows.write_record(COLUMNS)?;
    for entry in &inventory.principals {
        let (levels, risk) = (&entry.size.by_access_level, &entry.size.by_risk);
        let join = |lines: Vec<String>| lines.join("; ");
        let cells = [
            entry.arn.clone(),
            entry.account.clone(),
            entry.kind.clone(),
            entry.created.clone(),
            join(entry.taken_by.iter().map(way).collect()),
            join(workloads(entry)),
            entry.calls.to_string(),
            entry.last_used.clone().unwrap_or_default(),
            entry.last_used_by.clone().unwrap_or_default(),
            join(policies(entry)),
            entry.permissions_boundary.clone().unwrap_or_default(),
            entry.size.actions.to_string(),
            levels.list.to_string(),
            levels.read.to_string(),
            levels.tagging.to_string(),
            levels.write.to_string(),
            levels.permissions_management.to_string(),
            risk.data_access.to_string(),
            risk.credential_exposure.to_string(),
            risk.privilege_escalation.to_string(),
            entry.size.escalation_paths.join(" "),
        ];
        rows.write_record(cells.iter().map(|cell| escape::csv(cell).into_owned()))?;
    }
    rows.flush()?;
    Ok(())
}

/// Writes one self-contained page, without a script.
///
/// # Errors
/// What the template or the writer says.
pub fn html(inventory: &Inventory, out: &mut dyn Write) -> Result<(), Error> {
    let clusters = inventory.clusters.iter().map(|cluster| {
        let rows = cluster.namespaces.iter().flat_map(|namespace| {
            namespace.service_accounts.iter().flat_map(move |account| {
                account.roles.iter().map(move |role| {
                    json!({
                        "namespace": namespace.namespace, "account": account.service_account,
                        "role": view::short(&role.arn), "known": known_by(role), "calls": view::number(role.calls),
                    })
                })
            })
        });
        let access = cluster.access.iter();
        json!({
            "name": cluster_name(&cluster.cluster, cluster.issuer.as_deref()),
            "rows": rows.collect::<Vec<_>>(),
            "access": access.map(|one| format!("{}{}", view::short(&one.arn), kind(&one.kind))).collect::<Vec<_>>(),
        })
    });
    let entries = by_risk(inventory).into_iter().map(|entry| {
        json!({
            "name": view::short(&entry.arn), "account": entry.account,
            "taken_by": entry.taken_by.iter().map(way).collect::<Vec<_>>(),
            "seen": seen(inventory, entry), "last": last_used(entry),
            "policies": policies(entry), "size": grant(entry),
        })
    });
    let view = json!({
        "graph": html::drawing(graph::svg(&inventory.graph, graph::NODES))?,
        "chains": graph::chains(&inventory.graph),
        "head": head(inventory), "clusters": clusters.collect::<Vec<_>>(),
        "entries": entries.collect::<Vec<_>>(), "notes": inventory.notes,
    });
    let mut page = html::environment();
    page.add_template("inventory.html", include_str!("inventory.html"))?;
    let text = page.get_template("inventory.html")?.render(Serde(view))?;
    out.write_all(text.as_bytes())?;
    Ok(())
}

/// The most risk first, then by ARN.
fn by_risk(inventory: &Inventory) -> Vec<&Entry> {
    let mut entries: Vec<&Entry> = inventory.principals.iter().collect();
    entries.sort_by(|a, b| b.size.weight.cmp(&a.size.weight).then_with(|| a.arn.cmp(&b.arn)));
    entries
}

/// `41 roles and 3 users; who used them is not known, as no logs were read`
fn head(inventory: &Inventory) -> String {
    let of = |kind: &str| inventory.principals.iter().filter(|entry| entry.kind == kind).count() as u64;
    let archive = if inventory.logs {
        let (from, to) = (view::day(&inventory.window.from), view::day(&inventory.window.to));
        format!("what was seen is of {from} to {to}")
    } else {
        "no logs were read, so nobody was seen, which says nothing of use".to_owned()
    };
    format!(
        "{} and {}; {archive}",
        view::count(of("role"), "role", "roles"),
        view::count(of("user"), "user", "users")
    )
}

fn cluster_name(name: &str, issuer: Option<&str>) -> String {
    match issuer {
        _ if name.is_empty() => "(name not known)".to_owned(),
        Some(issuer) if issuer != name => format!("{name} (issuer {issuer})"),
        Some(_) => format!("{name} (issuer; --eks with describe-cluster tells its name)"),
        None => name.to_owned(),
    }
}

/// `, IRSA by its trust policy, seen`
fn known_by(role: &RoleOfAccount) -> String {
    let by = role.by.iter().map(|by| match by.as_str() {
        "irsa" => "IRSA",
        "pod_identity" => "Pod Identity",
        other => other,
    });
    let by: Vec<&str> = by.collect();
    format!("{}: {}", by.join(" and "), role.known.join(", "))
}

fn kind(kind: &str) -> String {
    if kind.is_empty() {
        String::new()
    } else {
        format!(" ({kind})")
    }
}

fn way(way: &Way) -> String {
    if way.conditions.is_empty() {
        way.says.clone()
    } else {
        format!("{} [{}]", way.says, way.conditions.join("; "))
    }
}

fn workloads(entry: &Entry) -> Vec<String> {
    let workloads = entry.workloads.iter();
    workloads
        .map(|workload| {
            let calls = view::count(workload.calls, "call", "calls");
            let cluster = workload.cluster.as_deref().map(|name| format!(" of cluster {name}"));
            format!("{}{}: {calls}", workload.label(), cluster.unwrap_or_default())
        })
        .collect()
}

/// Who used it, or that nobody was seen, or that nobody could have been.
fn seen(inventory: &Inventory, entry: &Entry) -> Vec<String> {
    let workloads = workloads(entry);
    match (inventory.logs, workloads.is_empty(), entry.calls) {
        (false, ..) => vec!["not known".to_owned()],
        (true, false, _) => workloads,
        (true, true, 0) => vec!["nobody".to_owned()],
        (true, true, calls) => vec![view::count(calls, "call", "calls")],
    }
}

fn last_used(entry: &Entry) -> String {
    match (&entry.last_used, entry.last_used_by.as_deref()) {
        (Some(time), Some("iam")) => format!("{} (IAM says)", view::day(time)),
        (Some(time), _) => view::day(time).to_owned(),
        (None, _) => "never, as far as is known".to_owned(),
    }
}

fn policies(entry: &Entry) -> Vec<String> {
    let named = entry.policies.iter().map(|policy| match policy.kind.as_str() {
        "managed" => policy.policy.clone(),
        "aws_managed" => format!("{} (AWS)", policy.policy),
        kind => format!("{} ({kind})", policy.policy),
    });
    let boundary = entry.permissions_boundary.iter();
    named
        .chain(boundary.map(|arn| format!("boundary {}", arn.rsplit('/').next().unwrap_or(arn))))
        .collect()
}

/// How much it may do, and how it could be taken apart.
fn grant(entry: &Entry) -> Vec<String> {
    let mut lines = size(entry);
    lines.extend(entry.split.iter().flat_map(split::lines));
    lines
}

/// How much it may do: by access level, then what of that is dangerous.
fn size(entry: &Entry) -> Vec<String> {
    let (size, levels, risk) = (&entry.size, &entry.size.by_access_level, &entry.size.by_risk);
    let parts = |parts: &[(u64, &str)]| {
        let told = parts.iter().filter(|(count, _)| *count > 0);
        told.map(|(count, what)| format!("{} {what}", view::number(*count)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut lines = vec![view::count(size.actions, "action", "actions")];
    let by_level = parts(&[
        (levels.list, "list"),
        (levels.read, "read"),
        (levels.write, "write"),
        (levels.tagging, "tag"),
        (levels.permissions_management, "change permissions"),
    ]);
    if !by_level.is_empty() {
        lines[0] = format!("{}: {by_level}", lines[0]);
    }
    let paths = match size.escalation_paths.len() {
        1 => "path to more permissions",
        _ => "paths to more permissions",
    };
    let dangerous = parts(&[
        (risk.privilege_escalation, "escalate privileges"),
        (risk.credential_exposure, "hand out credentials"),
        (risk.resource_exposure, "open resources to others"),
        (risk.data_access, "read stored data"),
        (size.escalation_paths.len() as u64, paths),
    ]);
    if !dangerous.is_empty() {
        lines.push(format!("risk: {dangerous}"));
    }
    lines
}

#[cfg(test)]
pub(super) mod tests;
