//! The books of one file: everything handed out goes through here and is counted.

use super::habits::Habits;
use super::record::Record;
use super::{Digest, Event, Facts, Item, NotCalls, Shape, Why};

/// Hands out items and counts the records that they stand for.
pub(super) struct Books<'s> {
    sink: &'s mut dyn FnMut(Item<'_>),
    pub(super) habits: &'s mut Habits,
    pub(super) facts: Facts,
    /// Something in the file is a record or a list of them. Until then nothing is called a skipped record: a file that
    /// is no trail is one entry, not one a line.
    recognised: bool,
    /// Records that could not be used before the first one was recognised, and why the first of them.
    pending: Option<(Why, u64)>,
    /// Why the bytes end, once they do and the end is not a good one.
    pub(super) fault: Option<Why>,
}

impl<'s> Books<'s> {
    pub(super) fn new(sink: &'s mut dyn FnMut(Item<'_>), habits: &'s mut Habits, facts: Facts) -> Self {
        Self {
            sink,
            habits,
            facts,
            recognised: false,
            pending: None,
            fault: None,
        }
    }

    /// A list of records or a record was found, wrapped like this.
    #[inline]
    pub(super) fn recognise(&mut self, shape: Shape) {
        if !self.recognised {
            self.recognise_first(shape);
        }
    }

    #[cold]
    fn recognise_first(&mut self, shape: Shape) {
        self.recognised = true;
        self.facts.shape = shape;
        if let Some((why, records)) = self.pending.take() {
            self.facts.records += records;
            let what = match records {
                1 => "record 1".to_owned(),
                _ => format!("records 1 to {records}"),
            };
            (self.sink)(Item::Skipped { what, why, records });
        }
    }

    #[inline(always)]
    pub(super) fn event(&mut self, event: &Event<'_>, shape: Shape) {
        self.recognise(shape);
        self.facts.records += event.calls();
        (self.sink)(Item::Event(event));
    }

    pub(super) fn not_calls(&mut self, why: NotCalls, shape: Shape) {
        // A digest file holds signatures, not records.
        let (shape, records) = if why == NotCalls::Digest {
            (Shape::Digest, 0)
        } else {
            (shape, 1)
        };
        self.recognise(shape);
        self.facts.records += records;
        (self.sink)(Item::NotCalls { why, records });
    }

    /// A digest file, of which this is the text.
    #[cold]
    pub(super) fn digest(&mut self, text: &str) {
        if let Some(digest) = Digest::read(text) {
            (self.sink)(Item::Digest(digest));
        }
        self.not_calls(NotCalls::Digest, Shape::Digest);
    }

    /// One record that cannot be used.
    pub(super) fn unusable(&mut self, why: Why) {
        if !self.recognised {
            self.pending.get_or_insert((why, 0)).1 += 1;
            return;
        }
        self.facts.records += 1;
        let what = format!("record {}", self.facts.records);
        (self.sink)(Item::Skipped { what, why, records: 1 });
    }

    /// A record, however it turned out. A wrapper and a stranger count as unusable.
    #[inline(always)]
    pub(super) fn record(&mut self, record: Record<'_, '_>, shape: Shape) {
        match record {
            Record::Event(event) => self.event(event, shape),
            Record::NotCalls(why) => self.not_calls(why, shape),
            Record::Unusable(why) => {
                self.recognise(shape);
                self.unusable(why);
            }
            Record::Wrapper | Record::Stranger => self.unusable(Why::NotCloudTrail),
        }
    }

    /// The text ends where it should not. Where the bytes ended badly that is the reason.
    pub(super) fn torn(&mut self) {
        self.fault.get_or_insert(Why::Torn);
    }

    /// Closes the books.
    pub(super) fn close(self) -> Facts {
        let why = match (self.fault, self.recognised) {
            (Some(why), _) => why,
            (None, true) => return self.facts,
            (None, false) if self.facts.bytes_out == 0 => Why::Empty,
            (None, false) => Why::NotATrail,
        };
        let what = match self.facts.records {
            0 => String::new(),
            records => format!("after record {records}"),
        };
        (self.sink)(Item::Skipped { what, why, records: 0 });
        self.facts
    }
}
