//! Where lines, columns and indentation of a file stand.

use std::ops::Range;

use super::Writer;
use crate::patch::tree::{Node, Syntax};

impl Writer<'_> {
    pub(super) fn newline(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }

    pub(super) fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// Behind the line that byte `at - 1` stands in, its newline included.
    pub(super) fn line_end(&self, at: usize) -> usize {
        let from = at.saturating_sub(1).min(self.text.len());
        let bytes = &self.text.as_bytes()[from..];
        memchr::memchr(b'\n', bytes).map_or(self.text.len(), |newline| from + newline + 1)
    }

    pub(super) fn indentation(&self, at: usize) -> String {
        let line = &self.text[self.line_start(at)..];
        line.chars().take_while(|c| *c == ' ' || *c == '\t').collect()
    }

    /// Characters before `at` in its line.
    pub(super) fn column(&self, at: usize) -> usize {
        self.text[self.line_start(at)..at].chars().count()
    }

    pub(super) fn blank_before(&self, at: usize) -> bool {
        self.text[self.line_start(at)..at].trim().is_empty()
    }

    pub(super) fn starts_its_line(&self, span: &Range<usize>) -> bool {
        self.blank_before(span.start)
    }

    /// Whether only a comma and a comment stand behind it.
    pub(super) fn ends_its_line(&self, span: &Range<usize>) -> bool {
        let rest = self.text[span.end..self.line_end(span.end + 1).max(span.end)].trim_start_matches([' ', '\t', ',']);
        let rest = rest.trim();
        let is_long = rest.starts_with("/*") && rest.find("*/").is_some_and(|end| rest[end + 2..].is_empty());
        rest.is_empty() || rest.starts_with('#') || rest.starts_with("//") || is_long
    }

    /// Whether a list of YAML is told by its dashes.
    pub(super) fn is_block(&self, list: &Node) -> bool {
        self.document.syntax == Syntax::Yaml && !self.text[list.span.start..].starts_with('[')
    }

    /// Where the dash of an element of such a list stands.
    pub(super) fn dash(&self, element: &Node) -> Option<usize> {
        let before = &self.text[..element.span.start];
        let dash = before.trim_end_matches([' ', '\t']).len().checked_sub(1)?;
        before[dash..].starts_with('-').then_some(dash)
    }

    /// Whether a place in YAML is inside brackets of the document.
    pub(super) fn in_brackets(&self, at: usize) -> bool {
        let before = &self.text[self.document.root.span.start..at];
        let count = |open: char, close: char| before.matches(open).count() > before.matches(close).count();
        count('{', '}') || count('[', ']')
    }

    /// One step of indentation: the least by which a line of the document stands deeper than the one before.
    pub(super) fn unit(&self) -> String {
        let lines: Vec<&str> = self.text[self.document.root.span.clone()].lines().skip(1).collect();
        let depth = |line: &str| line.len() - line.trim_start().len();
        if lines.iter().any(|line| line.starts_with('\t')) {
            return "\t".to_owned();
        }
        let steps = lines
            .windows(2)
            .filter_map(|pair| depth(pair[1]).checked_sub(depth(pair[0])));
        " ".repeat(steps.filter(|step| *step > 0).min().unwrap_or(2))
    }
}
