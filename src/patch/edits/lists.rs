//! Elements that come and go in lists, each with the comments that are its own.

use std::ops::Range;

use super::{Edit, Writer};
use crate::patch::tree::{Kind, Node, Syntax};

/// What stands behind an element, up to the next one or the end of its list.
pub(super) struct Gap {
    /// The comma behind the element.
    comma: Option<usize>,
    /// Where the element ends with the comments that stand before its comma.
    own: usize,
    /// Where its line ends, the line feed left out, if comments and nothing else stand on it before that.
    on_the_line: Option<usize>,
    /// Whether a comment stands in it.
    has_comment: bool,
    /// Where the next thing begins.
    end: usize,
}

impl Writer<'_> {
    /// More elements behind one of a list.
    pub(super) fn behind(&self, list: &Node, anchor: &Node, more: &[String]) -> Vec<Edit> {
        let newline = self.newline();
        if self.is_block(list) {
            let end = self.line_end(anchor.span.end);
            let lead: String = match self.dash(anchor) {
                Some(dash) => self.text[self.line_start(dash)..dash].to_owned(),
                None => String::new(),
            };
            let mut text: String = more.iter().map(|text| format!("{lead}- {text}{newline}")).collect();
            if !self.text[..end].ends_with('\n') {
                text = format!("{newline}{}", text.trim_end());
            }
            return vec![Edit { range: end..end, text }];
        }
        let at = |at: usize, text: String| Edit { range: at..at, text };
        let starts = self.starts_its_line(&anchor.span);
        let between = match starts {
            true => format!(",{newline}{}", self.indentation(anchor.span.start)),
            false => ", ".to_owned(),
        };
        // A comment behind it stays behind it.
        let gap = self.gap(anchor.span.end);
        let all = more.join(&between);
        match (gap.comma, gap.on_the_line) {
            (Some(_), Some(end)) if starts => {
                let lead = between.trim_start_matches(',');
                vec![at(end, format!("{lead}{all},"))]
            }
            (None, Some(end)) if starts => {
                let lead = between.trim_start_matches(',');
                vec![at(anchor.span.end, ",".to_owned()), at(end, format!("{lead}{all}"))]
            }
            _ => vec![at(gap.own, format!("{between}{all}"))],
        }
    }

    /// Takes elements out of a list, some of which stay.
    pub(super) fn without(&self, list: &Node, goes: &[bool], edits: &mut Vec<Edit>) -> Result<(), String> {
        let elements = list.elements();
        if !matches!(list.kind, Kind::List(_)) || goes.iter().all(|goes| *goes) {
            return Err("nothing of it is left: take it out by hand".to_owned());
        }
        let mut at = 0;
        while at < elements.len() {
            if !goes[at] {
                at += 1;
                continue;
            }
            let first = at;
            while at < elements.len() && goes[at] {
                at += 1;
            }
            let (from, to) = (&elements[first].span, &elements[at - 1].span);
            let own_lines = self.starts_its_line(from) && self.ends_its_line(to);
            let range = if self.is_block(list) {
                let dash = self.dash(&elements[first]).filter(|dash| self.blank_before(*dash));
                let dash = dash.ok_or("its list is written in a way that cannot be cut")?;
                let (start, end) = (self.line_start(dash), self.line_end(to.end));
                // A file that ends without a line feed goes on to.
                let is_end = end == self.text.len() && !self.text.ends_with('\n');
                let before = self.text[..start].trim_end_matches('\n').trim_end_matches('\r');
                if is_end { before.len()..end } else { start..end }
            } else if let Some(cut) = self.with_comments(list, first..at) {
                edits.extend(cut);
                continue;
            } else if let Some(next) = elements.get(at) {
                if own_lines && self.starts_its_line(&next.span) {
                    self.line_start(from.start)..self.line_end(to.end)
                } else if first > 0 && self.starts_its_line(&next.span) && !self.starts_its_line(from) {
                    // What follows stays on its own line.
                    elements[first - 1].span.end..to.end
                } else {
                    from.start..next.span.start
                }
            } else if own_lines
                && matches!(
                    self.document.syntax,
                    Syntax::Hcl | Syntax::DataSource | Syntax::Statements
                )
            {
                // Terraform takes a comma behind the last element.
                self.line_start(from.start)..self.line_end(to.end)
            } else {
                elements[first - 1].span.end..to.end
            };
            edits.push(Edit {
                range,
                text: String::new(),
            });
        }
        Ok(())
    }

    /// What stands behind an element that ends at a byte.
    fn gap(&self, from: usize) -> Gap {
        let mut gap = Gap {
            comma: None,
            own: from,
            on_the_line: None,
            has_comment: false,
            end: from,
        };
        let mut at = from;
        let mut is_commented = false;
        loop {
            let rest = &self.text[at..];
            let line = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
            let rest = &rest[line..];
            let is_line = rest.starts_with('#') || rest.starts_with("//");
            let long = rest
                .starts_with("/*")
                .then(|| rest.find("*/").map_or(rest.len(), |end| end + 2));
            match (long, rest.as_bytes().first()) {
                (Some(length), _) if self.has_comments() => {
                    at += line + length;
                    gap.has_comment = true;
                    is_commented = true;
                    if gap.comma.is_none() {
                        gap.own = at;
                    }
                }
                _ if is_line && self.has_comments() => {
                    at += line + rest.find('\n').unwrap_or(rest.len());
                    at -= usize::from(self.text[..at].ends_with('\r'));
                    gap.has_comment = true;
                    is_commented = true;
                }
                (_, Some(b',')) if gap.comma.is_none() => {
                    gap.comma = Some(at + line);
                    at += line + 1;
                }
                (_, Some(b'\n')) => {
                    // What stands on lines of their own is nobody's.
                    let line_end = at + line - usize::from(self.text[..at + line].ends_with('\r'));
                    if is_commented && gap.on_the_line.is_none() {
                        gap.on_the_line = Some(line_end);
                    }
                    gap.end = at + line;
                    return gap;
                }
                _ => {
                    gap.end = at + line;
                    return gap;
                }
            }
        }
    }

    /// Whether the language has comments between the elements of a list.
    fn has_comments(&self) -> bool {
        match self.document.syntax {
            Syntax::Hcl | Syntax::DataSource | Syntax::Statements => true,
            Syntax::Json | Syntax::Heredoc | Syntax::JsonStatements | Syntax::Yaml => false,
        }
    }

    /// The same where comments stand between the elements of a list and those on one line with others: those of an element
    /// that goes go with it, those of its neighbours stay. `None` where there are none.
    fn with_comments(&self, list: &Node, goes: Range<usize>) -> Option<Vec<Edit>> {
        let elements = list.elements();
        let cut = |range: Range<usize>| Edit {
            range,
            text: String::new(),
        };
        let (from, to) = (&elements[goes.start].span, &elements[goes.end - 1].span);
        let before = goes.start.checked_sub(1).map(|at| self.gap(elements[at].span.end));
        let behind = self.gap(to.end);
        let least = match &before {
            Some(gap) => gap.comma.map_or(gap.own, |comma| comma + 1),
            None => list.span.start + 1,
        };
        // Of one with a comment behind it, what stands before it is the last one's.
        let start = match behind.own > to.end {
            true => from.start,
            false => self.with_own_comments(from.start, least),
        };
        let has_comment =
            behind.has_comment || start < from.start || before.as_ref().is_some_and(|gap| gap.has_comment);
        let is_alone = self.blank_before(start) && (behind.on_the_line.is_some() || self.ends_its_line(to));
        if !has_comment || is_alone && start == from.start && !behind.text_has_long(self.text, to.end) {
            return None;
        }
        if is_alone {
            let end = behind.on_the_line.unwrap_or(behind.end);
            return Some(vec![cut(self.line_start(start)..self.line_end(end + 1))]);
        }
        let is_last = goes.end == elements.len();
        // Behind its comma stand comments of the next one, or of the line, which others stay on.
        let end = behind.comma.map_or(behind.own, |comma| comma + 1);
        let blanks = |end: usize| self.text[end..].len() - self.text[end..].trim_start_matches([' ', '\t']).len();
        if !is_last && behind.on_the_line.is_none() {
            return Some(vec![cut(start..end + blanks(end))]);
        }
        let trimmed = self.text[..start].trim_end_matches([' ', '\t']).len();
        let mut all = vec![cut(trimmed..end)];
        if is_last
            && behind.comma.is_none()
            && let Some(comma) = before.and_then(|gap| gap.comma)
        {
            all.insert(0, cut(comma..comma + 1));
        }
        Some(all)
    }

    /// Where an element begins with the `/* … */` before it on its line, none of which stands before `least`.
    fn with_own_comments(&self, mut at: usize, least: usize) -> usize {
        if !self.has_comments() {
            return at;
        }
        loop {
            let before = self.text[..at].trim_end_matches([' ', '\t']);
            let Some(start) = before.strip_suffix("*/").and_then(|before| before.rfind("/*")) else {
                return at;
            };
            if start < least || self.text[start..at].contains('\n') {
                return at;
            }
            at = start;
        }
    }
}

impl Gap {
    /// Whether a `/* … */` stands on the line behind an element that ends at a byte.
    fn text_has_long(&self, text: &str, from: usize) -> bool {
        text[from..self.on_the_line.unwrap_or(self.end)].contains("/*")
    }
}
