//! Bytes to events: unpacks, finds the records in whatever wraps them, and reads each, borrowed from the buffer.
//!
//! Lenient with a record, strict with a file: what is odd inside a record is unknown, a record that cannot be used is
//! skipped with its reason, and the rest of the file counts. The books close: [`Facts::records`] is the number of
//! events handed out and of records that the skipped entries and the [`NotCalls`] stand for.
//!
//! `unpack` takes compression off, `text` and `table` find records, `skim` reads one (and leaves what is odd to
//! `plain`), `books` counts.

use std::cell::Cell;
use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

mod books;
mod digest;
mod event;
mod flat;
mod habits;
mod identities;
mod item;
pub mod json;
pub(crate) mod keyed;
pub(crate) mod marks;
mod order;
mod plain;
mod record;
mod reduced;
mod scan;
mod skim;
mod table;
mod text;
mod time;
mod unpack;
mod wrap;

pub use digest::{Digest, DigestKey};
pub use event::{Event, Identity, Issuer, Many, Payload};
pub use item::{Compression, Facts, Item, Limits, NotCalls, Shape, Why};
pub use time::Time;

use books::Books;
use habits::Habits;

/// Bytes of a stream that are held before it is decided that the file does not fit in memory.
const IN_MEMORY: u64 = 16 << 20;

/// Bytes of text that a stream moves in.
const WINDOW: usize = 1 << 18;

/// Bytes that are asked of a decoder at once. Where the data is damaged, what came out of the last step is lost, so steps
/// are small.
const CHUNK: usize = 1 << 13;

/// Bytes in which a table's first line must end.
const HEAD: usize = 1 << 16;

/// Bytes in which a zero tells that this is no text.
const BINARY: usize = 512;

/// The buffers of one reading thread, kept from file to file.
pub struct Reader {
    inflate: libdeflater::Decompressor,
    /// The file as it lies.
    raw: Vec<u8>,
    /// What came out of it in one go.
    out: Vec<u8>,
    window: usize,
    habits: Habits,
    /// Whether the text of files is hashed, for those whom digest files name.
    pub hashes: bool,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            inflate: libdeflater::Decompressor::new(),
            raw: Vec::new(),
            out: Vec::new(),
            window: WINDOW,
            habits: Habits::default(),
            hashes: false,
        }
    }
}

impl Reader {
    /// A reader with empty buffers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A reader that reads every record with `serde_json`, for tests.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        let mut reader = Self::default();
        reader.habits.distrust = true;
        reader
    }

    /// Reads a stream to its end and hands out what it finds, in order.
    pub fn read(&mut self, bytes: impl Read, limits: &Limits, sink: &mut dyn FnMut(Item<'_>)) -> Facts {
        let mut raw = std::mem::take(&mut self.raw);
        raw.clear();
        let mut bytes = bytes;
        let held = bytes.by_ref().take(IN_MEMORY).read_to_end(&mut raw);
        let facts = match held {
            Ok(held) if (held as u64) < IN_MEMORY => self.read_slice(&raw, limits, sink),
            Ok(_) => self.stream(raw.as_slice().chain(bytes), limits, sink),
            Err(error) => self.stream(raw.as_slice().chain(unpack::Failing(Some(error))), limits, sink),
        };
        self.raw = raw;
        facts
    }

    /// Reads a file that is in memory as it lies, compressed or not: the fast path.
    pub fn read_slice(&mut self, bytes: &[u8], limits: &Limits, sink: &mut dyn FnMut(Item<'_>)) -> Facts {
        let compression = unpack::compression(bytes);
        let mut out = std::mem::take(&mut self.out);
        let plain = match compression {
            Compression::None if bytes.len() as u64 <= limits.max_output => Some(bytes),
            Compression::Gzip => unpack::one_shot(
                &mut self.inflate,
                bytes,
                &mut out,
                limits.one_shot.min(limits.max_output),
            )
            .map(|size| &out[..size])
            .filter(|plain| unpack::compression(plain) == Compression::None),
            Compression::None | Compression::Zstd | Compression::Bzip2 => None,
        };
        let facts = match plain.map(simdutf8::basic::from_utf8) {
            Some(Ok(text)) => {
                let (bytes_in, bytes_out) = (bytes.len() as u64, text.len() as u64);
                let mut books = Books::new(
                    sink,
                    &mut self.habits,
                    Facts {
                        bytes_in,
                        bytes_out,
                        compression,
                        hash: self.hashes.then(|| Sha256::digest(text.as_bytes()).into()),
                        ..Facts::default()
                    },
                );
                let mut parser = Parser::Unknown {
                    max_record: limits.max_record,
                };
                parser.feed(text, true, &mut books);
                books.close()
            }
            Some(Err(_)) | None => self.stream(bytes, limits, sink),
        };
        self.out = out;
        facts
    }

    /// Reads in constant memory: a window of the text moves along.
    fn stream(&mut self, bytes: impl Read, limits: &Limits, sink: &mut dyn FnMut(Item<'_>)) -> Facts {
        let count = Cell::new(0);
        let mut habits = std::mem::take(&mut self.habits);
        let mut books = Books::new(sink, &mut habits, Facts::default());
        match unpack::layers(Box::new(unpack::Source {
            inner: bytes,
            count: &count,
        })) {
            Ok((mut stream, compression)) => {
                books.facts.compression = compression;
                let mut hashed = Hashing {
                    inner: &mut *stream,
                    hash: self.hashes.then(Sha256::new),
                    ended: false,
                };
                self.windows(&mut hashed, limits, &mut books);
                books.facts.hash = hashed.finish();
            }
            Err(why) => books.fault = Some(why),
        }
        books.facts.bytes_in = count.get();
        let facts = books.close();
        self.habits = habits;
        facts
    }

    fn windows(&self, stream: &mut dyn Read, limits: &Limits, books: &mut Books<'_>) {
        let mut parser = Parser::Unknown {
            max_record: limits.max_record,
        };
        let mut chunk = vec![0; self.window.clamp(8, CHUNK)];
        let mut text = String::new();
        // Bytes at the chunk's front that are the start of a character.
        let mut begun = 0;
        let mut wanted = self.window;
        loop {
            let left = limits.max_output - books.facts.bytes_out;
            let mut last = false;
            let read = match stream.read(&mut chunk[begun..]) {
                Ok(0) => {
                    last = true;
                    0
                }
                Ok(read) if read as u64 > left => {
                    books.fault = Some(Why::OutputTooLarge);
                    last = true;
                    usize::try_from(left).unwrap_or(read)
                }
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    books.fault = Some(unpack::reason(&error));
                    last = true;
                    0
                }
            };
            books.facts.bytes_out += read as u64;
            begun = push_lossy(&mut text, &mut chunk, begun + read, last);
            if last || text.len() >= wanted {
                let done = parser.feed(&text, last, books);
                text.drain(..done);
                if last || parser.refuses() {
                    return;
                }
                // What is left over is looked at again only once there is as much again, so that a record larger than
                // the window is not read over and over.
                wanted = self.window.max(2 * text.len());
            }
        }
    }
}

/// A stream whose bytes are hashed as they pass, where that is asked for.
struct Hashing<'r> {
    inner: &'r mut dyn Read,
    hash: Option<Sha256>,
    ended: bool,
}

impl Hashing<'_> {
    /// The hash of a stream that was read to its end.
    fn finish(self) -> Option<[u8; 32]> {
        self.hash.filter(|_| self.ended).map(|hash| hash.finalize().into())
    }
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.ended |= read == 0 && !buffer.is_empty();
        if let Some(hash) = &mut self.hash {
            hash.update(&buffer[..read]);
        }
        Ok(read)
    }
}

/// Moves the chunk's first `end` bytes into the text, what is no UTF-8 as U+FFFD. A character that is only begun moves
/// to the chunk's front, unless nothing follows: its length.
fn push_lossy(text: &mut String, chunk: &mut [u8], end: usize, last: bool) -> usize {
    match str::from_utf8(&chunk[..end]) {
        Ok(valid) => {
            text.push_str(valid);
            0
        }
        Err(_) => push_broken(text, chunk, end, last),
    }
}

/// The same where something is no UTF-8, or begun.
#[cold]
fn push_broken(text: &mut String, chunk: &mut [u8], end: usize, last: bool) -> usize {
    let mut done = 0;
    for piece in chunk[..end].utf8_chunks() {
        text.push_str(piece.valid());
        let broken = piece.invalid();
        done += piece.valid().len() + broken.len();
        // Only what stands at the chunk's end can be begun; elsewhere it is broken.
        if done == end && !last && str::from_utf8(broken).is_err_and(|error| error.error_len().is_none()) {
            let length = broken.len();
            chunk.copy_within(end - length..end, 0);
            return length;
        }
        if !broken.is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    0
}

/// What the text is read as, once its beginning is known.
enum Parser {
    Unknown {
        max_record: usize,
    },
    Documents(text::Documents),
    Table(Box<table::Table>),
    /// Neither: the rest is not even looked at.
    Refused,
}

impl Parser {
    fn feed(&mut self, text: &str, last: bool, books: &mut Books<'_>) -> usize {
        match self {
            Parser::Unknown { max_record } => {
                let max_record = *max_record;
                let start = text.len()
                    - text
                        .trim_start_matches(|c: char| c == '\u{feff}' || c.is_whitespace())
                        .len();
                let head = &text.as_bytes()[start..text.len().min(start + HEAD)];
                let json = matches!(head.first(), Some(b'{' | b'['));
                let enough = head.len() == HEAD || head.contains(&b'\n') && text.len() - start >= BINARY;
                if !(json || last || enough) {
                    return start;
                }
                let mut done = start;
                *self = if json {
                    Parser::Documents(text::Documents::new(max_record))
                } else if head[..head.len().min(BINARY)].contains(&0) {
                    Parser::Refused
                } else if let Some((table, rows)) = table::Table::open(&text[start..], max_record) {
                    done += rows;
                    Parser::Table(Box::new(table))
                } else {
                    Parser::Documents(text::Documents::new(max_record))
                };
                done + self.feed(&text[done..], last, books)
            }
            Parser::Documents(documents) => documents.feed(text, last, books),
            Parser::Table(table) => table.feed(text, last, books),
            Parser::Refused => text.len(),
        }
    }

    fn refuses(&self) -> bool {
        matches!(self, Parser::Refused)
    }
}

/// The bytes behind every layer of compression.
///
/// # Errors
/// Compressed too many times over, or damaged at the front; damage further in surfaces as an `io::Error` whose text is
/// that of the [`Why`].
pub fn plain<'r>(bytes: impl Read + 'r) -> Result<Box<dyn Read + 'r>, Why> {
    unpack::layers(Box::new(bytes)).map(|(stream, _)| stream)
}

/// [`Reader::read_slice`] with a reader of its own.
pub fn read_slice(bytes: &[u8], limits: &Limits, sink: &mut dyn FnMut(Item<'_>)) -> Facts {
    Reader::new().read_slice(bytes, limits, sink)
}

#[cfg(test)]
mod tests;
