//! Records with holes: parsed once, filled millions of times by appending text.

use serde_json::Value;

use super::super::rng::{Rng, UPPER};

/// What goes into a hole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot {
    Identity,
    Account,
    Region,
    Time,
    Since,
    Uuid,
    Hex,
    Name,
    Path,
    Address,
    Agent,
    Session,
    Key,
    Role,
}

/// A piece of text and the hole after it.
pub(super) struct Template {
    pieces: Vec<(String, Option<Slot>)>,
}

/// What one event fills the holes with.
pub(super) struct Fill<'a> {
    pub(super) identity: &'a Template,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    pub(super) time: &'a str,
    pub(super) since: &'a str,
    pub(super) name: &'a str,
    pub(super) path: &'a str,
    pub(super) address: u32,
    pub(super) agent: &'a str,
    pub(super) session: &'a str,
    pub(super) key: u64,
    pub(super) role: &'a str,
}

impl Template {
    /// `@@name@@` is a hole, `"@@identity@@"` one for a whole object.
    pub(super) fn new(value: &Value) -> Self {
        let text = value.to_string().replace("\"@@identity@@\"", "@@identity@@");
        let mut pieces = Vec::new();
        let mut parts = text.split("@@");
        while let Some(piece) = parts.next() {
            let slot = parts.next().map(|name| match name {
                "identity" => Slot::Identity,
                "account" => Slot::Account,
                "region" => Slot::Region,
                "time" => Slot::Time,
                "since" => Slot::Since,
                "uuid" => Slot::Uuid,
                "hex" => Slot::Hex,
                "name" => Slot::Name,
                "path" => Slot::Path,
                "address" => Slot::Address,
                "agent" => Slot::Agent,
                "session" => Slot::Session,
                "key" => Slot::Key,
                "role" => Slot::Role,
                other => panic!("no hole is called `{other}`"),
            });
            pieces.push((piece.to_owned(), slot));
        }
        Self { pieces }
    }

    /// Appends the record.
    pub(super) fn push(&self, out: &mut String, fill: &Fill<'_>, rng: &mut Rng) {
        for (text, slot) in &self.pieces {
            out.push_str(text);
            match slot {
                None => {}
                Some(Slot::Identity) => fill.identity.push(out, fill, rng),
                Some(Slot::Account) => out.push_str(fill.account),
                Some(Slot::Region) => out.push_str(fill.region),
                Some(Slot::Time) => out.push_str(fill.time),
                Some(Slot::Since) => out.push_str(fill.since),
                Some(Slot::Uuid) => rng.push_uuid(out),
                Some(Slot::Hex) => rng.push_hex(out, 12),
                Some(Slot::Name) => out.push_str(fill.name),
                Some(Slot::Path) => out.push_str(fill.path),
                Some(Slot::Address) => {
                    let [_, b, c, d] = fill.address.to_be_bytes();
                    for (dot, part) in [("10.", b & 3), (".", c & 31), (".", d)] {
                        out.push_str(dot);
                        push_number(out, part);
                    }
                }
                Some(Slot::Agent) => out.push_str(fill.agent),
                Some(Slot::Session) => out.push_str(fill.session),
                Some(Slot::Key) => {
                    out.push_str("EXAMPLE");
                    for i in 0..9 {
                        out.push(UPPER[(fill.key >> (5 * i)) as usize & 31] as char);
                    }
                }
                Some(Slot::Role) => out.push_str(fill.role),
            }
        }
    }
}

fn push_number(out: &mut String, number: u8) {
    for (unit, needed) in [(100, number >= 100), (10, number >= 10), (1, true)] {
        if needed {
            out.push((b'0' + number / unit % 10) as char);
        }
    }
}
