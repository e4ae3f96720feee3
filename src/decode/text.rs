//! JSON text to records, whatever wraps them: lists in containers, bare lists, one record after another.
//!
//! Works on a window of the text that moves: what is not complete yet waits for more. A window of the whole file is
//! the usual case. What is broken is stepped over up to the next place that looks like a record's start.

use memchr::memchr_iter;

use super::books::Books;
use super::record::Draft;
use super::scan::{self, Fault, Marked};
use super::{Shape, Why, skim, wrap};

/// Where in the text's structure the window starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between documents.
    Top,
    /// Inside a list, in front of an element or the closing bracket.
    List { shape: Shape, within: bool },
    /// Behind a list, inside the object that holds it.
    Tail,
    /// Inside a line that is no record.
    Line,
    /// Inside a broken document.
    Broken,
    /// Inside an element of a list, or a document, that is not read.
    Over { over: Over, list: Option<(Shape, bool)> },
}

/// What one step did.
enum Step {
    /// Read up to here.
    To(usize),
    /// Needs more text than the window holds.
    More,
}

/// The records of a text that comes in windows.
#[derive(Debug)]
pub(super) struct Documents {
    state: State,
    max_record: usize,
}

impl Documents {
    pub(super) fn new(max_record: usize) -> Self {
        Self {
            state: State::Top,
            max_record,
        }
    }

    /// Reads what the window holds and says how much of it is done with. At the end of the text all of it is.
    pub(super) fn feed(&mut self, text: &str, last: bool, books: &mut Books<'_>) -> usize {
        let mut at = 0;
        loop {
            match self.step(
                Window {
                    text,
                    at,
                    last,
                    max: self.max_record,
                },
                books,
            ) {
                Step::To(next) => at = next,
                Step::More => return at,
            }
        }
    }

    fn step(&mut self, window: Window<'_>, books: &mut Books<'_>) -> Step {
        let bytes = window.text.as_bytes();
        match self.state {
            State::Top => {
                let at = between(bytes, window.at);
                match bytes.get(at) {
                    // The white space need not be kept, but a cut byte order mark must.
                    None => self.end(window, at, books),
                    Some(b'[') => self.enter(
                        State::List {
                            shape: Shape::Array,
                            within: false,
                        },
                        at + 1,
                    ),
                    Some(b'{') => self.document(window.from(at), books),
                    Some(_) => {
                        books.unusable(Why::NotJson);
                        self.enter(State::Line, at)
                    }
                }
            }
            State::List { shape, within } => {
                let at = scan::space(bytes, window.at);
                match bytes.get(at) {
                    None => self.end(window, at, books),
                    Some(b',') => Step::To(at + 1),
                    Some(b']') => self.enter(if within { State::Tail } else { State::Top }, at + 1),
                    Some(b'{') => self.element(window.from(at), shape, within, books),
                    Some(_) => self.scalar(window.from(at), shape, within, books),
                }
            }
            State::Tail => self.tail(window, books),
            State::Line => match memchr::memchr(b'\n', &bytes[window.at..]) {
                Some(found) => self.enter(State::Top, window.at + found + 1),
                None if window.at == bytes.len() => Step::More,
                None => Step::To(bytes.len()),
            },
            State::Broken => self.broken(window),
            State::Over { mut over, list } => {
                let back = match list {
                    Some((shape, within)) => State::List { shape, within },
                    None => State::Top,
                };
                match over.step(bytes, window.at) {
                    Passed::End(end) | Passed::Marker(end) => self.enter(back, end),
                    Passed::Nothing(_) if window.last => self.end(window, bytes.len(), books),
                    Passed::Nothing(end) if end == window.at => Step::More,
                    Passed::Nothing(end) => self.enter(State::Over { over, list }, end),
                }
            }
        }
    }

    fn enter(&mut self, state: State, at: usize) -> Step {
        self.state = state;
        Step::To(at)
    }

    /// The window's end was reached at a place that may be the text's end.
    fn end(&mut self, window: Window<'_>, at: usize, books: &mut Books<'_>) -> Step {
        if window.last && !matches!(self.state, State::Top) {
            books.torn();
            self.state = State::Top;
        }
        if at > window.at { Step::To(at) } else { Step::More }
    }

    /// A top-level object: a record, an envelope, or a container whose list is read element by element.
    fn document(&mut self, window: Window<'_>, books: &mut Books<'_>) -> Step {
        let view = window.view();
        // The usual case: no need to look at the list twice.
        if let Some(list) = records_first(view.as_bytes(), window.at) {
            books.recognise(Shape::Records);
            return self.enter(
                State::List {
                    shape: Shape::Records,
                    within: true,
                },
                list,
            );
        }
        let mut draft = Draft::default();
        let fault = match skim::record(view, window.at, books.habits, &mut draft) {
            Ok((record, end)) => {
                wrap::element(books, record, &view[window.at..end], Shape::Events);
                return Step::To(end);
            }
            Err(Fault::End) if window.may_grow() => return Step::More,
            Err(fault) => fault,
        };
        if let Some((shape, list)) = find_list(view, window.at) {
            books.recognise(shape);
            return self.enter(State::List { shape, within: true }, list);
        }
        // Recognised by the look of it: a broken record is a skipped record, not a file that is no trail.
        if view[window.at..].starts_with("{\"event") || opens_record(view.as_bytes(), window.at) == Some(true) {
            books.recognise(Shape::Events);
        }
        match fault {
            Fault::End if window.is_cut() => {
                books.unusable(Why::RecordTooLarge);
                self.enter(
                    State::Over {
                        over: Over::new(false),
                        list: None,
                    },
                    window.at,
                )
            }
            // Not so where other lines follow: then it is a broken line among good ones.
            Fault::End if restart(window.text.as_bytes(), window.at + 1).is_err() => {
                books.torn();
                Step::To(window.text.len())
            }
            // Lines inside a deep document would each be as deep, and be read again and again.
            Fault::Deep => {
                books.unusable(Why::TooDeep);
                self.enter(
                    State::Over {
                        over: Over::new(true),
                        list: None,
                    },
                    window.at,
                )
            }
            Fault::End | Fault::Bad => {
                books.unusable(Why::NotJson);
                self.enter(State::Broken, window.at + 1)
            }
        }
    }

    /// An object in a list.
    fn element(&mut self, window: Window<'_>, shape: Shape, within: bool, books: &mut Books<'_>) -> Step {
        let view = window.view();
        let mut draft = Draft::default();
        match skim::record(view, window.at, books.habits, &mut draft) {
            Ok((record, end)) => {
                wrap::element(books, record, &view[window.at..end], shape);
                Step::To(end)
            }
            Err(Fault::End) if window.may_grow() => Step::More,
            Err(Fault::End) if window.is_cut() => {
                books.unusable(Why::RecordTooLarge);
                self.enter(
                    State::Over {
                        over: Over::new(false),
                        list: Some((shape, within)),
                    },
                    window.at,
                )
            }
            Err(fault) => self.recover(window, fault, shape, within, books),
        }
    }

    /// Something in a list that is no object.
    fn scalar(&mut self, window: Window<'_>, shape: Shape, within: bool, books: &mut Books<'_>) -> Step {
        match scan::value(&mut Marked::new(window.view().as_bytes()), window.at) {
            // A number may go on behind the window.
            Ok(end) if end == window.text.len() && !window.last => Step::More,
            Ok(end) => {
                books.unusable(Why::NotCloudTrail);
                Step::To(end)
            }
            Err(Fault::End) if window.may_grow() => Step::More,
            Err(fault) => self.recover(window, fault, shape, within, books),
        }
    }

    /// Steps over a broken element: up to its closing brace if that can be made out, or to the next record's start.
    fn recover(&mut self, window: Window<'_>, fault: Fault, shape: Shape, within: bool, books: &mut Books<'_>) -> Step {
        let bytes = window.view().as_bytes();
        let mut over = Over::new(true);
        let next = match over.step(bytes, window.at) {
            Passed::End(end) => match follows(window.text.as_bytes(), end) {
                Some(b',' | b']') => Some(end),
                None if !window.last && window.text.len() - end < FOLLOWS => return Step::More,
                _ => None,
            },
            Passed::Marker(next) => Some(next),
            Passed::Nothing(_) if window.may_grow() => return Step::More,
            Passed::Nothing(_) => None,
        };
        if next.is_none() && fault == Fault::End && !window.is_cut() {
            // Nothing follows: the text is torn inside this element.
            books.torn();
            self.state = State::Top;
            return Step::To(window.text.len());
        }
        books.unusable(if fault == Fault::Deep {
            Why::TooDeep
        } else {
            Why::NotJson
        });
        match next {
            Some(next) => Step::To(next),
            None => {
                let state = State::Over {
                    over: Over::lost(),
                    list: Some((shape, within)),
                };
                self.enter(state, window.at + 1)
            }
        }
    }

    /// The rest of an object behind its list.
    fn tail(&mut self, window: Window<'_>, books: &mut Books<'_>) -> Step {
        let bytes = window.view().as_bytes();
        let at = scan::space(bytes, window.at);
        let member = match bytes.get(at) {
            None => return self.end(window, at, books),
            Some(b'}') => return self.enter(State::Top, at + 1),
            Some(b',') => scan::space(bytes, at + 1),
            // Broken, but every list before it was read to its end.
            Some(_) => return self.enter(State::Broken, at),
        };
        let mut marked = Marked::new(bytes);
        let fault = match scan::key(&mut marked, member) {
            Ok((end, _, value)) => match list_name(&window.text[member + 1..end]) {
                Some(name) if bytes.get(value) == Some(&b'[') => {
                    let shape = wrap::list_shape(name);
                    return self.enter(State::List { shape, within: true }, value + 1);
                }
                _ => match scan::value(&mut marked, value) {
                    // A number may go on behind the window.
                    Ok(end) if end < window.text.len() || window.last => return Step::To(end),
                    Ok(_) => Fault::End,
                    Err(fault) => fault,
                },
            },
            Err(fault) => fault,
        };
        match fault {
            Fault::End if window.may_grow() => Step::More,
            Fault::End if !window.is_cut() => self.end(window, window.text.len(), books),
            Fault::End | Fault::Bad | Fault::Deep => self.enter(State::Broken, at),
        }
    }

    /// Steps out of a broken document.
    fn broken(&mut self, window: Window<'_>) -> Step {
        let bytes = window.text.as_bytes();
        match restart(bytes, window.at) {
            Ok(at) => self.enter(State::Top, at),
            Err(_) if window.last => {
                if window.at < bytes.len() {
                    Step::To(bytes.len())
                } else {
                    Step::More
                }
            }
            Err(at) => {
                // One character before stays, because it tells whether a line starts here.
                let keep = window.text.floor_char_boundary(at.saturating_sub(1));
                if keep > window.at { Step::To(keep) } else { Step::More }
            }
        }
    }
}

/// Where reading may start again at or after `at`: the next line that opens an object, or something that opens like a
/// record. `Err`: nowhere, as far as can be said up to there.
fn restart(bytes: &[u8], at: usize) -> Result<usize, usize> {
    for found in memchr_iter(b'{', &bytes[at..]) {
        let at = at + found;
        if at > 0 && bytes[at - 1] == b'\n' {
            return Ok(at);
        }
        match opens_record(bytes, at) {
            Some(true) => return Ok(at),
            Some(false) => {}
            None => return Err(at),
        }
    }
    Err(bytes.len())
}

/// The text in hand, and the place in it.
#[derive(Debug, Clone, Copy)]
struct Window<'a> {
    text: &'a str,
    at: usize,
    /// The text ends with this window.
    last: bool,
    max: usize,
}

impl<'a> Window<'a> {
    fn from(self, at: usize) -> Self {
        Self { at, ..self }
    }

    /// As much of the text as one record may take, so that whole files and moving windows read the same.
    fn view(&self) -> &'a str {
        if self.is_cut() {
            &self.text[..self.text.floor_char_boundary(self.at + self.max)]
        } else {
            self.text
        }
    }

    /// The window holds more than one record may take.
    fn is_cut(&self) -> bool {
        self.text.len() - self.at > self.max
    }

    /// The window ends before one record's limit and before the text's end.
    fn may_grow(&self) -> bool {
        !self.last && !self.is_cut()
    }
}

/// The first place at or after `at` that does not merely separate documents: white space, byte order marks, the
/// record separators of RFC 7464 and the zeros that block devices pad with.
fn between(bytes: &[u8], mut at: usize) -> usize {
    loop {
        match bytes.get(at) {
            Some(b' ' | b'\n' | b'\t' | b'\r' | 0x1e | 0) => at += 1,
            Some(0xef) if bytes[at..].starts_with(b"\xef\xbb\xbf") => at += 3,
            _ => return at,
        }
    }
}

/// White space behind an element that is looked through.
const FOLLOWS: usize = 64;

/// The first byte at or after `at` that is no white space, if it is near.
fn follows(bytes: &[u8], at: usize) -> Option<u8> {
    let near = &bytes[..bytes.len().min(at + FOLLOWS)];
    near.get(scan::space(near, at)).copied()
}

/// The names of lists that hold records.
fn list_name(name: &str) -> Option<&str> {
    ["Records", "Events", "events", "logEvents"]
        .contains(&name)
        .then_some(name)
}

/// `{"Records":[` at `at`: the place of the first element.
fn records_first(bytes: &[u8], at: usize) -> Option<usize> {
    let name = scan::space(bytes, at + 1);
    let colon = scan::space(bytes, name + b"\"Records\"".len());
    if !bytes.get(name..)?.starts_with(b"\"Records\"") || bytes.get(colon) != Some(&b':') {
        return None;
    }
    let list = scan::space(bytes, colon + 1);
    (bytes.get(list) == Some(&b'[')).then_some(list + 1)
}

/// The first list of records among the members of the object at `at`, as far as the text is good: its wrapper, and the
/// place of its first element.
fn find_list(text: &str, at: usize) -> Option<(Shape, usize)> {
    let bytes = text.as_bytes();
    let mut at = scan::space(bytes, at + 1);
    let mut marked = Marked::new(bytes);
    loop {
        let (end, _, value) = scan::key(&mut marked, at).ok()?;
        if let Some(name) = list_name(&text[at + 1..end]).filter(|_| bytes.get(value) == Some(&b'[')) {
            return Some((wrap::list_shape(name), value + 1));
        }
        let after = scan::value(&mut marked, value).ok()?;
        at = scan::next_member(bytes, after).ok()?.ok()?;
    }
}

/// Whether the brace at `at` opens a record, by the first member's name. `None`: the text ends too soon to say.
fn opens_record(bytes: &[u8], at: usize) -> Option<bool> {
    let name = scan::space(bytes, at + 1);
    let rest = &bytes[name.min(bytes.len())..];
    let marker = b"\"eventVersion\"";
    if rest.starts_with(marker) {
        Some(true)
    } else if marker.starts_with(rest) {
        None
    } else {
        Some(false)
    }
}

/// Steps over text by its quotes and braces alone, across windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Over {
    depth: u32,
    quoted: bool,
    escaped: bool,
    /// The first byte is passed: it is the broken record's own brace.
    begun: bool,
    /// Stop in front of what opens like a record, too.
    markers: bool,
    /// Stop at a closing brace.
    balanced: bool,
}

enum Passed {
    /// Behind the closing brace.
    End(usize),
    /// In front of what opens like a record.
    Marker(usize),
    /// As far as it could go.
    Nothing(usize),
}

impl Over {
    fn new(markers: bool) -> Self {
        Self {
            depth: 0,
            quoted: false,
            escaped: false,
            begun: false,
            markers,
            balanced: true,
        }
    }

    /// Where quotes and braces cannot be trusted: markers only.
    fn lost() -> Self {
        Self {
            balanced: false,
            ..Self::new(true)
        }
    }

    fn step(&mut self, bytes: &[u8], mut at: usize) -> Passed {
        while let Some(byte) = bytes.get(at) {
            if *byte == b'{' && self.markers && (self.begun || !self.balanced) {
                match opens_record(bytes, at) {
                    Some(true) => return Passed::Marker(at),
                    None => return Passed::Nothing(at),
                    Some(false) => {}
                }
            }
            self.begun = true;
            if self.balanced && self.passes(*byte) {
                return Passed::End(at + 1);
            }
            at += 1;
        }
        Passed::Nothing(at)
    }

    /// Takes one byte in: true behind the closing brace.
    fn passes(&mut self, byte: u8) -> bool {
        match (byte, self.quoted) {
            _ if self.escaped => self.escaped = false,
            (b'\\', true) => self.escaped = true,
            (b'"', _) => self.quoted = !self.quoted,
            (b'{' | b'[', false) => self.depth += 1,
            (b'}' | b']', false) => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}
