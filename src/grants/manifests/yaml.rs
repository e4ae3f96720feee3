//! YAML into values, within bounds: documents of strangers are deep, endless, or say themselves again and again.
//!
//! Keys and texts are all that matters here: every scalar is text, `<<` takes in what it names, and what bears an anchor is
//! copied where an alias names it, at the cost of a document's own budget.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, StrInput};

/// How deep a document may nest.
const DEPTH: usize = 64;
/// How many nodes the documents of one file may have, those that aliases say again included.
const NODES: usize = 200_000;

/// What a document says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Yaml {
    /// A scalar of any kind.
    Text(String),
    /// A sequence.
    List(Vec<Yaml>),
    /// A mapping, in the order of its keys; of a key that stands twice the last counts.
    Map(BTreeMap<String, Yaml>),
}

impl Yaml {
    /// The member of a mapping.
    pub(super) fn get(&self, key: &str) -> Option<&Yaml> {
        match self {
            Yaml::Map(members) => members.get(key),
            Yaml::Text(_) | Yaml::List(_) => None,
        }
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Yaml::Text(text) => Some(text),
            Yaml::List(_) | Yaml::Map(_) => None,
        }
    }

    /// The text of a member.
    pub(super) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// The elements of a sequence; none of what is something else.
    pub(super) fn list(&self) -> &[Yaml] {
        match self {
            Yaml::List(elements) => elements,
            Yaml::Text(_) | Yaml::Map(_) => &[],
        }
    }

    /// How many nodes it is.
    fn size(&self) -> usize {
        match self {
            Yaml::Text(_) => 1,
            Yaml::List(elements) => 1 + elements.iter().map(Yaml::size).sum::<usize>(),
            Yaml::Map(members) => 1 + members.values().map(Yaml::size).sum::<usize>(),
        }
    }
}

/// The documents of a text.
///
/// # Errors
/// Why it is no YAML, or none that is read.
pub(super) fn documents(text: &str) -> Result<Vec<Yaml>, String> {
    let mut reader = Reader {
        events: Parser::new_from_str(text),
        anchors: BTreeMap::new(),
        left: NODES,
    };
    let mut documents = Vec::new();
    while let Some(event) = reader.events.next_event() {
        let (event, _) = event.map_err(|error| error.to_string())?;
        match event {
            // Anchors are a document's own.
            Event::DocumentStart(_) => reader.anchors.clear(),
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd | Event::Nothing => {}
            Event::Alias(_)
            | Event::Scalar(..)
            | Event::SequenceStart(..)
            | Event::SequenceEnd
            | Event::MappingStart(..)
            | Event::MappingEnd => documents.push(reader.node(event, 0)?),
        }
    }
    Ok(documents)
}

struct Reader<'t> {
    events: Parser<'t, StrInput<'t>>,
    anchors: BTreeMap<usize, (Yaml, usize)>,
    left: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<Event<'t>, String> {
        match self.events.next_event() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("it ends in the middle".to_owned()),
        }
    }

    fn spend(&mut self, nodes: usize) -> Result<(), String> {
        self.left = self.left.checked_sub(nodes).ok_or("it has more than 200,000 nodes")?;
        Ok(())
    }

    /// The node that an event begins.
    fn node(&mut self, event: Event<'t>, depth: usize) -> Result<Yaml, String> {
        if depth > DEPTH {
            return Err(format!("it nests deeper than {DEPTH}"));
        }
        self.spend(1)?;
        let (node, anchor) = match event {
            Event::Scalar(value, _, anchor, _) => (Yaml::Text(value.into_owned()), anchor),
            Event::SequenceStart(anchor, _) => {
                let mut elements = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        event => elements.push(self.node(event, depth + 1)?),
                    }
                }
                (Yaml::List(elements), anchor)
            }
            Event::MappingStart(anchor, _) => (self.mapping(depth)?, anchor),
            Event::Alias(anchor) => {
                // An alias within what it names has nothing to name yet.
                let Some((_, size)) = self.anchors.get(&anchor) else {
                    return Err("an alias names nothing".to_owned());
                };
                let size = *size;
                self.spend(size)?;
                return Ok(self.anchors[&anchor].0.clone());
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => return Err("it ends in the middle".to_owned()),
        };
        if anchor > 0 {
            let size = node.size();
            self.spend(size)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok(node)
    }

    fn mapping(&mut self, depth: usize) -> Result<Yaml, String> {
        let mut members = BTreeMap::new();
        let mut taken_in = Vec::new();
        loop {
            let key = match self.next()? {
                Event::MappingEnd => break,
                event => self.node(event, depth + 1)?,
            };
            let event = self.next()?;
            let value = self.node(event, depth + 1)?;
            match key {
                Yaml::Text(key) if key == "<<" => taken_in.push(value),
                Yaml::Text(key) => _ = members.insert(key, value),
                // No key that anybody asks for.
                Yaml::List(_) | Yaml::Map(_) => {}
            }
        }
        // What a mapping says itself stands above what it takes in (YAML 1.1, "Merge Key").
        for value in taken_in {
            let all = match value {
                Yaml::List(all) => all,
                one @ (Yaml::Map(_) | Yaml::Text(_)) => vec![one],
            };
            for one in all {
                if let Yaml::Map(more) = one {
                    for (key, value) in more {
                        members.entry(key).or_insert(value);
                    }
                }
            }
        }
        Ok(Yaml::Map(members))
    }
}

#[cfg(test)]
mod tests;
