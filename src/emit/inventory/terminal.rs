//! The inventory on a terminal: clusters as trees, then a block for each role and user.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::{by_risk, cluster_name, graph, head, kind, known_by, last_used, policies, seen, size, way};
use crate::emit::escape::terminal as plain;
use crate::emit::{Options, split, view};
use crate::report::Inventory;

/// Roles and users that have a block, unless more is asked for.
const SOME: usize = 40;
/// Lines of one kind in a block.
const LINES: usize = 6;
/// Steps between roles that are listed.
const STEPS: usize = 30;

/// Writes it, wrapped to the terminal's columns; with `-v` no list is cut.
///
/// # Errors
/// What the writer says.
pub fn terminal(inventory: &Inventory, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let all = options.verbose > 0;
    let mut page = Page {
        out,
        width: options.width.max(40),
    };
    page.line("", &head(inventory))?;
    for cluster in &inventory.clusters {
        let name = cluster_name(&cluster.cluster, cluster.issuer.as_deref());
        page.line("", "")?;
        page.line("", &format!("Cluster {name}"))?;
        for namespace in &cluster.namespaces {
            page.line("  ", &namespace.namespace)?;
            for account in &namespace.service_accounts {
                for role in &account.roles {
                    let calls = match role.calls {
                        0 => String::new(),
                        calls => format!(", {}", view::count(calls, "call", "calls")),
                    };
                    let role_name = view::short(&role.arn);
                    let says = format!("{}  {role_name}  ({}{calls})", account.service_account, known_by(role));
                    page.line("    ", &says)?;
                }
            }
        }
        for access in &cluster.access {
            let says = format!(
                "{} may use its Kubernetes API{}",
                view::short(&access.arn),
                kind(&access.kind)
            );
            page.line("  ", &says)?;
        }
        if cluster.namespaces.is_empty() && cluster.access.is_empty() {
            page.line("  ", "no service account has a role of these")?;
        }
    }
    let (chains, steps) = (graph::chains(&inventory.graph), graph::steps(inventory));
    for (title, lines) in [("Chains of roles", chains), ("Who takes whom", steps)] {
        if !lines.is_empty() {
            page.line("", "")?;
            page.line("", title)?;
            page.part("  ", lines, if all { usize::MAX } else { STEPS })?;
        }
    }
    let entries = by_risk(inventory);
    page.line("", "")?;
    page.line("", "Roles and users, the most risk first")?;
    for entry in entries.iter().take(if all { usize::MAX } else { SOME }) {
        page.line("", "")?;
        page.line("", &format!("{}  {}", view::short(&entry.arn), entry.account))?;
        let taken_by = entry.taken_by.iter().map(way).collect();
        page.list("  taken by  ", taken_by, all)?;
        page.list("  seen      ", seen(inventory, entry), all)?;
        page.list("  last use  ", vec![last_used(entry)], all)?;
        page.list("  policies  ", policies(entry), all)?;
        page.list("  grant     ", size(entry), all)?;
        if let Some(split) = &entry.split {
            page.list("  split     ", split::lines(split), all)?;
        }
    }
    if !all && entries.len() > SOME {
        let more = view::count((entries.len() - SOME) as u64, "more", "more");
        page.line("", "")?;
        page.line("", &format!("{more}: -v shows all, --format csv is a table of all"))?;
    }
    if !inventory.notes.is_empty() {
        page.line("", "")?;
        page.line("", "Does not fit together")?;
        page.list("  ", inventory.notes.clone(), all)?;
    }
    Ok(())
}

struct Page<'o> {
    out: &'o mut dyn Write,
    width: usize,
}

impl Page<'_> {
    /// Lines under one start, the first beside it.
    fn list(&mut self, start: &str, lines: Vec<String>, all: bool) -> io::Result<()> {
        self.part(start, lines, if all { usize::MAX } else { LINES })
    }

    /// The same of at most so many lines.
    fn part(&mut self, start: &str, lines: Vec<String>, most: usize) -> io::Result<()> {
        let blank = " ".repeat(start.width());
        let rest = lines.len().saturating_sub(most);
        let mut start = start;
        if lines.is_empty() {
            self.line(start, "nobody or nothing")?;
        }
        for line in lines.iter().take(most) {
            self.line(start, line)?;
            start = &blank;
        }
        if rest > 0 {
            self.line(start, &format!("and {rest} more"))?;
        }
        Ok(())
    }

    /// Words after a start, continued under its end.
    fn line(&mut self, start: &str, text: &str) -> io::Result<()> {
        let text = plain(text);
        let mut line = start.to_owned();
        let mut is_empty = true;
        for word in text.split(' ') {
            if !is_empty && line.width() + 1 + word.width() > self.width {
                writeln!(self.out, "{}", line.trim_end())?;
                line = " ".repeat(start.width());
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        writeln!(self.out, "{}", line.trim_end())
    }
}
