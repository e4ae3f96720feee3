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

/// A block of a file: where it stands in it.
pub(super) type Place<'p> = (&'p Path, Range<usize>);

/// The blocks that go with a policy that `made` tells of and `document` says.
///
/// # Errors
/// Why they stay, in words.
pub(super) fn blocks<'p>(
    project: &'p Project<'_>,
    made: &Made,
    document: &Document,
    home: &Path,
) -> Result<Vec<Place<'p>>, String> {
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
    if kind != "aws_iam_policy" && !INLINE.contains(&kind) {
        return Err(format!("{kind}.{name} makes more than it"));
    }
    alone(block)?;
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
    if let Some(name) = document
        .address
        .as_deref()
        .and_then(|address| address.strip_prefix("data.aws_iam_policy_document."))
        && home == dir
    {
        let path = ["data", "aws_iam_policy_document", name];
        let is_gone = |block: &Block| goes.iter().any(|(_, gone)| std::ptr::eq(*gone, block));
        let written = module
            .blocks
            .iter()
            .copied()
            .find(|(_, block)| block.has_ident("data") && labels(block)[..] == path[1..]);
        if let Some(written) = written
            && project
                .referring(&dir, &path)
                .all(|(_, block)| is_gone(block) || std::ptr::eq(block, written.1))
        {
            goes.push(written);
        }
    }
    goes.into_iter().map(|(source, block)| place(source, block)).collect()
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

fn place<'p>(source: &'p Source, block: &Block) -> Result<Place<'p>, String> {
    let span = block.span().filter(|_| source.spans.is_empty());
    let span = span.ok_or("it stands in Terraform's JSON")?;
    Ok((&source.path, span.start + source.offset..span.end + source.offset))
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
