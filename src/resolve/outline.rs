//! What events that read alike say, with blanks for the plain names in which they differ.

use super::observe::{Facts, Observed, observe};
use super::operation::Operation;
use super::reads::{Reading, Within};
use crate::decode::{Event, Payload};

/// Stand around a blank's number while its place is looked for; for private use, so that no name holds them.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// What events that read alike say; see [`Reading`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outline {
    /// What decides. Plain names do not.
    pub facts: Facts,
    /// Resources that all of these events name.
    pub resources: Vec<String>,
    /// Resources that take in each event's own names.
    pub open: Vec<Vec<Piece>>,
}

/// A piece of a resource.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    /// Text as it stands.
    Text(String),
    /// The plain name of this number; see [`Reading::name`].
    Name(usize),
}

impl Outline {
    /// The outline of what this event says, seen by looking at it twice: as it is, and with blanks for its names.
    /// `None` where its names turn out to be more than names.
    pub fn of(event: &Event<'_>, operation: &Operation, reading: &Reading) -> Option<Outline> {
        let observed = observe(event, operation);
        if reading.names() == 0 {
            return Some(Outline {
                facts: observed.facts,
                resources: observed.resources,
                open: Vec::new(),
            });
        }
        let [request, resources, response] =
            [Within::Request, Within::Resources, Within::Response].map(|within| blank(event, reading, within));
        let mut blanks = event.clone();
        if event.request_parameters.json().is_some() {
            blanks.request_parameters = Payload::Json(request.as_deref()?);
        }
        if event.resources.json().is_some() {
            blanks.resources = Payload::Json(resources.as_deref()?);
        }
        if event.response_elements.json().is_some() {
            blanks.response_elements = Payload::Json(response.as_deref()?);
        }
        let outline = Outline::split(observe(&blanks, operation))?;
        // Names that are equal could make fewer resources than there are blanks, and then nothing might be cut.
        let alike = outline.facts == observed.facts && !observed.facts.cut;
        let mut filled: Vec<String> = outline.resources.clone();
        for pieces in &outline.open {
            let mut resource = String::new();
            fill(pieces, event, reading, &mut resource);
            filled.push(resource);
        }
        filled.sort_unstable();
        filled.dedup();
        (alike && filled == observed.resources).then_some(outline)
    }

    fn split(observed: Observed) -> Option<Outline> {
        let (open, closed): (Vec<String>, Vec<String>) = observed
            .resources
            .into_iter()
            .partition(|resource| resource.contains(OPEN));
        let open: Option<Vec<Vec<Piece>>> = open.iter().map(|resource| pieces(resource)).collect();
        Some(Outline {
            facts: observed.facts,
            resources: closed,
            open: open?,
        })
    }
}

/// Appends a resource with the event's names in its blanks.
pub fn fill(pieces: &[Piece], event: &Event<'_>, reading: &Reading, out: &mut String) {
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Name(number) => out.push_str(reading.name(event, *number)),
        }
    }
}

/// A part of the event with a blank for each name. `None` where it holds what stands around blanks.
fn blank(event: &Event<'_>, reading: &Reading, within: Within) -> Option<String> {
    let text = within.text(event);
    if text.contains(OPEN) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut taken = 0;
    for (number, place) in reading
        .places()
        .iter()
        .enumerate()
        .filter(|(_, place)| place.within == within)
    {
        out.push_str(&text[taken..place.start]);
        out.push(OPEN);
        out.push_str(&number.to_string());
        out.push(CLOSE);
        taken = place.end;
    }
    out.push_str(&text[taken..]);
    Some(out)
}

fn pieces(resource: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = resource;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (number, after) = after.split_once(CLOSE)?;
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        pieces.push(Piece::Name(number.parse().ok()?));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Some(pieces)
}

#[cfg(test)]
mod tests;
