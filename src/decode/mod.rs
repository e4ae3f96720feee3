//! Bytes to events: unpacks, finds the records in whatever wraps them, and reads each, borrowed from the buffer.
//!
//! Lenient with a record, strict with a file: what is odd inside a record is unknown, a record that cannot be used is
//! skipped with its reason, and the rest of the file counts. The books close: [`Facts::records`] is the number of
//! events handed out and of records that the skipped entries and the [`NotCalls`] stand for.

use std::io::Read;

mod event;
mod item;
pub mod json;
mod scan;
mod time;

pub use event::{Event, Identity, Issuer, Payload};
pub use item::{Compression, Facts, Item, Limits, NotCalls, Shape, Why};
pub use time::Time;

/// The buffers of one reading thread, kept from file to file.
#[derive(Default)]
pub struct Reader {
    out: Vec<u8>,
}

impl Reader {
    /// A reader with empty buffers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a stream to its end and hands out what it finds, in order.
    pub fn read(&mut self, mut bytes: impl Read, limits: &Limits, sink: &mut dyn FnMut(Item<'_>)) -> Facts {
        self.out.clear();
        let mut all = Vec::new();
        if bytes.read_to_end(&mut all).is_err() {
            sink(Item::Skipped {
                what: String::new(),
                why: Why::ReadFailed,
                records: 0,
            });
        }
        self.read_slice(&all, limits, sink)
    }

    /// Reads a file that is in memory as it lies, compressed or not: the fast path.
    pub fn read_slice(&mut self, bytes: &[u8], _limits: &Limits, sink: &mut dyn FnMut(Item<'_>)) -> Facts {
        sink(Item::Skipped {
            what: String::new(),
            why: Why::NotATrail,
            records: 0,
        });
        Facts {
            bytes_in: bytes.len() as u64,
            ..Facts::default()
        }
    }
}

/// [`Reader::read`] with a reader of its own.
pub fn read(bytes: impl Read, limits: &Limits, sink: &mut dyn FnMut(Item<'_>)) -> Facts {
    Reader::new().read(bytes, limits, sink)
}

/// [`Reader::read_slice`] with a reader of its own.
pub fn read_slice(bytes: &[u8], limits: &Limits, sink: &mut dyn FnMut(Item<'_>)) -> Facts {
    Reader::new().read_slice(bytes, limits, sink)
}
