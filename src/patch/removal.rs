//! A policy that nothing needs: the Terraform that makes it goes, with its document and its attachments, where nothing else
//! refers to them.

use std::ops::Range;
use std::path::Path;

use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::structure::Block;

use super::terraform::{Made, Project, Source, folder, labels, path_of};
use super::tree::Document;

/// What makes an inline policy.
const INLINE: [&str; 3] = ["aws_iam_group_policy", "aws_iam_role_policy", "aws_iam_user_policy"];
/// What attaches a managed one to somebody.
const ATTACHING: [&str; 3] = [
    "aws_iam_group_policy_attachment",
    "aws_iam_role_policy_attachment",
    "aws_iam_user_policy_attachment",
];

/// What the provider takes for "no inline policy": without any block it leaves those that are there (AWS provider
/// documentation, "Resource: aws_iam_role", `inline_policy`).
const NONE: &str = "inline_policy {}";

/// A block of a file that goes.
pub(super) struct Goes<'p> {
    pub(super) path: &'p Path,
    pub(super) span: Range<usize>,
    /// What stands in its place.
    pub(super) instead: &'static str,
    /// What others call it: `aws_iam_policy.app`; empty where it has no name of its own.
    pub(super) address: String,
}

/// The blocks that go with a policy that `made` tells of and `document`, which stands in the file `home`, says.
///
/// # Errors
/// Why they stay, in words.
pub(super) fn blocks<'p>(
    project: &'p Project<'_>,
    made: &Made,
    document: &Document,
    home: &Path,
) -> Result<Vec<Goes<'p>>, String> {
    let dir = folder(&made.file);
    let module = project.modules.get(&dir).ok_or("it is no Terraform")?;
    let found = module.blocks.iter().copied();
    let (source, block) = found
        .into_iter()
        .find(|(source, block)| source.path == made.file && source.place(block) == made.at)
        .ok_or("what makes it is not found")?;
    let [kind, name] = labels(block)[..] else {
        return Err("what makes it is no resource".to_owned());
    };
    alone(block)?;
    let twice = |(_, other): &(&Source, &Block)| other.has_ident("resource") && labels(other) == [kind, name];
    if module.blocks.iter().copied().filter(|found| twice(found)).count() > 1 {
        return Err(format!("{kind}.{name} is written twice, as by an override file"));
    }
    if kind == "aws_iam_role" {
        return inside(project, (source, block), document, home);
    }
    if kind != "aws_iam_policy" && !INLINE.contains(&kind) {
        return Err(format!("{kind}.{name} makes more than it"));
    }
    let mut goes = vec![(source, block)];
    for (by, attachment) in project.referring(&dir, &[kind, name]) {
        if std::ptr::eq(attachment, block) {
            continue;
        }
        let address = labels(attachment).join(".");
        let refers = || {
            format!(
                "{} refers to it",
                if address.is_empty() { "another block" } else { &address }
            )
        };
        let [attaching, attached] = labels(attachment)[..] else {
            return Err(refers());
        };
        let is_attachment = kind == "aws_iam_policy"
            && ATTACHING.contains(&attaching)
            && attachment
                .body
                .get_attribute("policy_arn")
                .is_some_and(|arn| is_whole(&arn.value, &[kind, name, "arn"]));
        if !is_attachment || project.referring(&dir, &[attaching, attached]).next().is_some() {
            return Err(refers());
        }
        alone(attachment)?;
        goes.push((by, attachment));
    }
    if let Some(written) = written(project, document, &dir, home) {
        let is_gone = |block: &Block| goes.iter().any(|(_, gone)| std::ptr::eq(*gone, block));
        let path = path_to(written.1);
        let mut by = project.referring(&dir, &path);
        if by.all(|(_, block)| is_gone(block) || std::ptr::eq(block, written.1)) {
            goes.push(written);
        }
    }
    goes.into_iter()
        .map(|(source, block)| place(source, block, ""))
        .collect()
}

/// The data source that a document is, where it stands in a folder.
fn written<'p>(
    project: &'p Project<'_>,
    document: &Document,
    dir: &Path,
    home: &Path,
) -> Option<(&'p Source, &'p Block)> {
    let address = document.address.as_deref()?;
    let name = address.strip_prefix("data.aws_iam_policy_document.")?;
    let module = project.modules.get(dir).filter(|_| folder(home) == dir)?;
    let mut blocks = module.blocks.iter().copied();
    blocks.find(|(_, block)| block.has_ident("data") && labels(block) == ["aws_iam_policy_document", name])
}

/// What others refer to a block of data by.
fn path_to(block: &Block) -> Vec<&str> {
    [&["data"], &labels(block)[..]].concat()
}

/// The block of a role that is the policy, and its document.
fn inside<'p>(
    project: &'p Project<'_>,
    (source, role): (&'p Source, &'p Block),
    document: &Document,
    home: &Path,
) -> Result<Vec<Goes<'p>>, String> {
    let name = labels(role).join(".");
    let dir = folder(&source.path);
    let written = written(project, document, &dir, home);
    let says = |inner: &Block| match &written {
        Some((_, data)) => Project::takes(&inner.body, &path_to(data)),
        None => {
            source.path == home
                && inner.span().is_some_and(|span| {
                    let (start, end) = (span.start + source.offset, span.end + source.offset);
                    start <= document.root.span.start && document.root.span.end <= end
                })
        }
    };
    let inline: Vec<&Block> = role
        .body
        .blocks()
        .filter(|inner| inner.has_ident("inline_policy"))
        .collect();
    if role.body.blocks().any(|inner| inner.has_ident("dynamic")) {
        return Err(format!("{name} has `dynamic` blocks"));
    }
    let found: Vec<&Block> = inline.iter().copied().filter(|inner| says(inner)).collect();
    let [policy] = found[..] else {
        return Err(format!("it is not found in {name}"));
    };
    let instead = if inline.len() == 1 { NONE } else { "" };
    let mut goes = vec![place(source, policy, instead)?];
    if let Some((file, data)) = written {
        let path = path_to(data);
        let beside = |inner: &&Block| !std::ptr::eq(*inner, policy);
        let in_role = role
            .body
            .attributes()
            .any(|attribute| Project::takes_value(&attribute.value, &path))
            || role
                .body
                .blocks()
                .filter(beside)
                .any(|inner| Project::takes(&inner.body, &path));
        let mut by = project.referring(&dir, &path);
        if !in_role && by.all(|(_, block)| std::ptr::eq(block, role) || std::ptr::eq(block, data)) {
            goes.push(place(file, data, "")?);
        }
    }
    Ok(goes)
}

/// Whether a block makes one thing, and may be taken away.
fn alone(block: &Block) -> Result<(), String> {
    let has = |name: &str| block.body.has_attribute(name);
    let kept = block.body.blocks().filter(|inner| inner.has_ident("lifecycle"));
    if has("count") || has("for_each") {
        return Err(format!("{} makes several", labels(block).join(".")));
    }
    match kept
        .into_iter()
        .any(|inner| inner.body.has_attribute("prevent_destroy"))
    {
        true => Err(format!("{} has `prevent_destroy`", labels(block).join("."))),
        false => Ok(()),
    }
}

fn is_whole(expression: &Expression, path: &[&str]) -> bool {
    match expression {
        Expression::Traversal(traversal) => {
            let (found, indices) = path_of(traversal);
            found == path && indices.is_empty()
        }
        _ => false,
    }
}

fn place<'p>(source: &'p Source, block: &Block, instead: &'static str) -> Result<Goes<'p>, String> {
    let span = block.span().filter(|_| source.spans.is_empty());
    let span = span.ok_or("it stands in Terraform's JSON")?;
    Ok(Goes {
        path: &source.path,
        span: span.start + source.offset..span.end + source.offset,
        instead,
        address: match (block.ident.as_str(), labels(block).join(".")) {
            ("resource", address) => address,
            (kind, address) if !address.is_empty() => format!("{kind}.{address}"),
            _ => String::new(),
        },
    })
}

/// Where a text names what an address of a folder stands for, comments apart; `is_beside`: whether the text is of that folder.
pub(super) fn named_at(text: &str, address: &str, is_beside: bool, is_gone: &dyn Fn(usize) -> bool) -> Option<usize> {
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut all = text.match_indices(address).map(|(at, _)| at);
    all.find(|at| {
        let (before, behind) = (&text[..*at], &text[at + address.len()..]);
        let line = before
            .rsplit('\n')
            .next()
            .unwrap_or("")
            .trim_start_matches(['\u{feff}', ' ', '\t']);
        let in_module = before.ends_with('.') && line.contains("module.") && !before.ends_with("data.");
        let is_whole = !behind.starts_with(in_name) && !before.ends_with(in_name) && !before.ends_with('.');
        let is_comment = line.starts_with('#') || line.starts_with("//");
        !is_comment && !is_gone(*at) && (is_beside && is_whole || in_module && !behind.starts_with(in_name))
    })
}

/// Where a text has the end of a policy's ARN, `policy/app`, as that.
pub(super) fn written_at(text: &str, end: &str, is_gone: &dyn Fn(usize) -> bool) -> Option<usize> {
    let in_name = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-/".contains(c);
    let mut all = text.match_indices(end).map(|(at, _)| at);
    all.find(|at| text[..*at].ends_with(':') && !text[at + end.len()..].starts_with(in_name) && !is_gone(*at))
}

/// A block with its lines, and a blank one behind it; `None` where it shares them.
pub(super) fn lines(text: &str, block: &Range<usize>) -> Option<Range<usize>> {
    let start = text[..block.start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = |from: usize| text[from..].find('\n').map_or(text.len(), |at| from + at + 1);
    let mut end = line_end(block.end);
    let mark = text[start..block.start].trim_start_matches('\u{feff}');
    if !mark.trim().is_empty() || !text[block.end..end].trim().is_empty() {
        return None;
    }
    let start = block.start - mark.len();
    let next = line_end(end);
    if end < text.len() && text[end..next].trim().is_empty() {
        end = next;
    }
    Some(start..end)
}

/// What goes at the end of a file goes with the blank lines before it, and with the line feed that the file does not end with.
pub(super) fn to_end(text: &str, range: Range<usize>) -> Range<usize> {
    if range.end < text.len() {
        return range;
    }
    let before = text[..range.start].trim_end();
    let kept = match text.ends_with('\n') {
        true => text[before.len()..range.start].find('\n').map_or(0, |at| at + 1),
        false => 0,
    };
    (before.len() + kept).min(range.start)..range.end
}
