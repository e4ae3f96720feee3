//! One embedded section: sorted lines of text, unpacked once and searched in place.

use std::cmp::Ordering;
use std::io::Read;

/// Sorted lines whose first tab-separated field is the key, in ASCII lower-case order.
#[derive(Debug)]
pub(super) struct Table {
    text: String,
    /// Where each line starts, and one past the last line's end.
    starts: Vec<u32>,
}

impl Table {
    /// Unpacks a section that the build script wrote.
    pub(super) fn unpack(packed: &[u8]) -> Self {
        Self::new(unpack_text(packed))
    }

    pub(super) fn new(text: String) -> Self {
        let mut starts = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at as u32 + 1));
        Self { text, starts }
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Line `index` without its newline; empty past the end.
    pub(super) fn line(&self, index: usize) -> &str {
        match (self.starts.get(index), self.starts.get(index + 1)) {
            (Some(&start), Some(&end)) => &self.text[start as usize..end as usize - 1],
            _ => "",
        }
    }

    /// Field `column` of line `index`; empty where there is none.
    pub(super) fn field(&self, index: usize, column: usize) -> &str {
        self.line(index).split('\t').nth(column).unwrap_or("")
    }

    /// The line whose key is `key`, ignoring ASCII case.
    pub(super) fn find(&self, key: &str) -> Option<usize> {
        let at = self.first_not_below(key);
        (at < self.len() && self.field(at, 0).eq_ignore_ascii_case(key)).then_some(at)
    }

    /// The first line whose key is not below `key`, ignoring ASCII case.
    pub(super) fn first_not_below(&self, key: &str) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if compare(self.field(middle, 0), key) == Ordering::Less {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The lines whose key starts with `start`, ignoring ASCII case.
    pub(super) fn starting_with(&self, start: &str) -> std::ops::Range<usize> {
        let first = self.first_not_below(start);
        let (mut low, mut high) = (first, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let key = self.field(middle, 0).as_bytes();
            if key.len() >= start.len() && key[..start.len()].eq_ignore_ascii_case(start.as_bytes()) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        first..low
    }
}

fn compare(left: &str, right: &str) -> Ordering {
    let left = left.bytes().map(|byte| byte.to_ascii_lowercase());
    left.cmp(right.bytes().map(|byte| byte.to_ascii_lowercase()))
}

/// The text of a section that the build script wrote.
pub(super) fn unpack_text(packed: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::ZlibDecoder::new(packed)
        .read_to_string(&mut text)
        .expect("the build script packed this section");
    text
}

/// The rows of a table written by hand: no comments, no empty lines, fields split at tabs.
pub(super) fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
}
