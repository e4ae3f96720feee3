//! Where in a JSON text an element stands, so that an error can point at it.

use std::fmt;

/// A place in a text, both numbers from 1; columns count characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in it.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} column {}", self.line, self.column)
    }
}

impl Position {
    /// Of the byte `at` in `text`.
    pub(in crate::iam) fn of(text: &str, at: usize) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// This position of a text that itself begins at `start`.
    pub(in crate::iam) fn after(self, start: Self) -> Self {
        Self {
            line: start.line + self.line - 1,
            column: if self.line == 1 {
                start.column + self.column - 1
            } else {
                self.column
            },
        }
    }
}

/// Where the element at `place` (such as `Statement[2].Action`) stands in `text`, or the innermost one around it that is
/// there. A member is where its key is. `text` must be valid JSON.
pub(in crate::iam) fn locate(text: &str, place: &str) -> Position {
    let mut search = Search {
        text,
        at: 0,
        place,
        best: (0, text.len() - text.trim_start().len()),
    };
    search.value(&mut String::new());
    Position::of(text, search.best.1)
}

struct Search<'a> {
    text: &'a str,
    at: usize,
    place: &'a str,
    /// Length of the longest path so far that leads to the place, and where it ends.
    best: (usize, usize),
}

impl Search<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n' | b',' | b':')) {
            self.at += 1;
        }
    }

    /// Reads a string and returns what it says.
    fn string(&mut self) -> String {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += match byte {
                b'\\' => 2,
                _other => 1,
            };
            if byte == b'"' {
                break;
            }
        }
        let written = self.text.get(start..self.at).unwrap_or("");
        serde_json::from_str(written).unwrap_or_default()
    }

    /// Notes the element at `path`, which begins at `start`, if it is the place or lies around it.
    fn note(&mut self, path: &str, start: usize) {
        if path.len() > self.best.0 && self.leads(path) {
            self.best = (path.len(), start);
        }
    }

    fn leads(&self, path: &str) -> bool {
        match self.place.strip_prefix(path) {
            Some(rest) => path.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']),
            None => false,
        }
    }

    fn value(&mut self, path: &mut String) {
        self.space();
        match self.peek() {
            Some(b'{') => {
                let length = path.len();
                // A single statement counts as the first of a list.
                if self.leads(&format!("{path}[0]")) {
                    path.push_str("[0]");
                }
                self.at += 1;
                loop {
                    self.space();
                    let start = self.at;
                    if self.peek() != Some(b'"') {
                        break;
                    }
                    let inner = path.len();
                    let key = self.string();
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(&key);
                    self.note(path, start);
                    self.value(path);
                    path.truncate(inner);
                }
                self.at += 1;
                path.truncate(length);
            }
            Some(b'[') => {
                self.at += 1;
                let inner = path.len();
                for index in 0.. {
                    self.space();
                    if matches!(self.peek(), Some(b']') | None) {
                        break;
                    }
                    path.push_str(&format!("[{index}]"));
                    self.note(path, self.at);
                    self.value(path);
                    path.truncate(inner);
                }
                self.at += 1;
            }
            Some(b'"') => {
                self.string();
            }
            Some(_) => {
                while !matches!(
                    self.peek(),
                    Some(b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n') | None
                ) {
                    self.at += 1;
                }
            }
            None => {}
        }
    }
}
