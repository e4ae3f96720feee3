//! A file of Terraform as it is parsed, and where what was parsed stands in it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use hcl_edit::Span;
use hcl_edit::structure::{Block, Body};

use crate::patch::json;
use crate::patch::tree::{Node, Syntax};

/// A parsed file.
pub(in crate::patch) struct Source {
    pub(in crate::patch) path: PathBuf,
    pub(in crate::patch) body: Body,
    /// Bytes before the text that was parsed: a byte order mark.
    pub(in crate::patch) offset: usize,
    /// Where values of the file stand in what was parsed, if that is another text.
    pub(in crate::patch) spans: Vec<(Range<usize>, Range<usize>)>,
    /// That text.
    pub(in crate::patch) native: Option<String>,
}

impl Source {
    /// A file in Terraform's own language, or in its JSON.
    pub(in crate::patch) fn any(path: &Path, text: &str) -> Option<Source> {
        Source::of(path, text).or_else(|| Source::of_json(path, text))
    }

    /// `None` where it is no Terraform.
    pub(in crate::patch) fn of(path: &Path, text: &str) -> Option<Source> {
        let (text, offset) = match text.strip_prefix('\u{feff}') {
            Some(rest) => (rest, '\u{feff}'.len_utf8()),
            None => (text, 0),
        };
        // OpenTofu documentation, "Files and Directories".
        let is_named_so = path
            .extension()
            .is_some_and(|extension| extension == "tf" || extension == "tofu");
        if !is_named_so || super::depth(text) > super::DEPTH {
            return None;
        }
        Some(Source {
            path: path.to_owned(),
            body: text.parse().ok()?,
            offset,
            spans: Vec::new(),
            native: None,
        })
    }

    /// Where a span of the file stands in what was parsed; `None` where nothing of it does.
    pub(super) fn parsed(&self, span: &Range<usize>) -> Option<Range<usize>> {
        if self.spans.is_empty() {
            return Some(span.start.checked_sub(self.offset)?..span.end.checked_sub(self.offset)?);
        }
        let around = self
            .spans
            .iter()
            .filter(|(file, _)| file.start <= span.start && span.end <= file.end);
        let (_, parsed) = around.min_by_key(|(file, _)| file.len())?;
        Some(parsed.clone())
    }

    /// A list of what was parsed, as it stands in the text of the file.
    pub(in crate::patch) fn in_file(&self, text: &str, list: &Node) -> Result<Node, String> {
        if self.native.is_none() {
            return Ok(list.clone());
        }
        let found = self.spans.iter().find(|(_, parsed)| *parsed == list.span);
        let node = found.and_then(|(file, _)| json::root(text.get(file.clone())?, file.start, Syntax::JsonStatements));
        let is_same = |node: &Node| node.elements().len() == list.elements().len();
        node.filter(is_same)
            .ok_or_else(|| "its list is put together".to_owned())
    }

    /// Where a block of what was parsed stands in the file.
    pub(in crate::patch) fn place(&self, block: &Block) -> usize {
        self.place_of(block.span().unwrap_or_default().start)
    }

    /// Where a byte of what was parsed stands in the file, as far as that is known.
    pub(in crate::patch) fn near(&self, at: usize) -> usize {
        let around = self
            .spans
            .iter()
            .filter(|(_, parsed)| parsed.start <= at && at < parsed.end);
        let nearest = around.min_by_key(|(_, parsed)| parsed.len());
        nearest.map_or_else(|| self.place_of(at), |(file, _)| file.start)
    }

    fn place_of(&self, start: usize) -> usize {
        let known = self.spans.iter().find(|(_, parsed)| parsed.start == start);
        known.map_or(start + self.offset, |(file, _)| file.start)
    }
}
