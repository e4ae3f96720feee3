//! Policy documents in YAML, with CloudFormation's intrinsic functions, and JSON in blocks of YAML.

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::Value;

use super::forms::{self, Around};
use super::json::Search;
use super::tree::{Document, Kind, Member, Node, Piece, Syntax, Template, pieces};

/// How deep a document may nest; deeper ones are left alone.
const DEPTH: usize = 64;

/// What an anchor names: an alias may say it again elsewhere, so it is no place to edit, and fits no policy.
const SHARED: Kind = Kind::Plain(Value::Null);

/// The policy documents of a YAML file; none where it is not YAML.
pub(super) fn documents(text: &str, names: &[String]) -> Vec<Document> {
    let mut found = Vec::new();
    let read = roots(text);
    let search = Search {
        syntax: Syntax::Yaml,
        text,
        blocks: &read.blocks,
    };
    let around = Around {
        names: names.to_vec(),
        ..Around::default()
    };
    for mut node in read.nodes {
        let is_serverless = node.member("provider").is_some() && node.member("service").is_some();
        // `Pulumi.yaml`: a program in YAML.
        let is_pulumi = node.member("runtime").is_some() && node.member("resources").is_some();
        if is_serverless || is_pulumi {
            forms::with_references(&mut node);
        }
        if is_serverless {
            found.extend(forms::serverless(&node, names));
        }
        search.below(&node, &around, &mut found);
    }
    found
}

/// A YAML file as far as it can be read.
pub(super) struct Roots {
    /// Its documents.
    pub(super) nodes: Vec<Node>,
    /// Block scalars that hold JSON.
    pub(super) blocks: Vec<Range<usize>>,
    /// Whether nothing stands behind what was read.
    pub(super) is_whole: bool,
}

/// What a YAML file holds.
pub(super) fn roots(text: &str) -> Roots {
    let mut reader = Reader {
        text,
        bytes: byte_of_character(text),
        events: Parser::new_from_str(text),
        blocks: Vec::new(),
        shared: 0,
    };
    let mut nodes = Vec::new();
    let is_whole = loop {
        let (event, span) = match reader.events.next_event() {
            Some(Ok(found)) => found,
            Some(Err(_)) => break false,
            None => break true,
        };
        if matches!(
            event,
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing
        ) {
            continue;
        }
        match reader.node(event, span, 0) {
            Some(node) => nodes.push(node),
            None => break false,
        }
    };
    Roots {
        nodes,
        blocks: reader.blocks,
        is_whole,
    }
}

/// The parser counts characters, files have bytes: the byte at which each character starts, and the end.
fn byte_of_character(text: &str) -> Vec<usize> {
    text.char_indices().map(|(at, _)| at).chain([text.len()]).collect()
}

struct Reader<'t> {
    text: &'t str,
    bytes: Vec<usize>,
    events: Parser<'t, saphyr_parser::StrInput<'t>>,
    /// Block scalars that may hold JSON.
    blocks: Vec<Range<usize>>,
    /// How many of the nodes around have an anchor: what they hold may be said again elsewhere, and no edit is for one
    /// place alone.
    shared: usize,
}

impl<'t> Reader<'t> {
    fn span(&self, span: Span) -> Range<usize> {
        let byte = |character: usize| self.bytes.get(character).copied().unwrap_or(self.text.len());
        let (start, end) = (byte(span.start.index()), byte(span.end.index()));
        start..end.max(start)
    }

    fn next(&mut self) -> Option<(Event<'t>, Span)> {
        self.events.next_event()?.ok()
    }

    /// The node that an event starts; `None` where the file is no YAML or too deep.
    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Option<Node> {
        if depth > DEPTH {
            return None;
        }
        let start = self.span(span);
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                let is_shared = self.shared > 0 || anchor > 0;
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) && !is_shared {
                    self.block(&start);
                }
                Some(Node {
                    span: start,
                    kind: if anchor > 0 {
                        SHARED
                    } else {
                        scalar(&value, style, tag.as_deref())
                    },
                })
            }
            Event::SequenceStart(anchor, tag) => {
                self.shared += usize::from(anchor > 0);
                let mut elements = Vec::new();
                let mut end = start.end;
                loop {
                    let (event, span) = self.next()?;
                    if matches!(event, Event::SequenceEnd) {
                        end = end.max(self.flow_end(&start, span));
                        break;
                    }
                    let element = self.node(event, span, depth + 1)?;
                    end = end.max(element.span.end);
                    elements.push(element);
                }
                self.shared -= usize::from(anchor > 0);
                Some(Node {
                    span: start.start..end,
                    kind: if anchor > 0 {
                        SHARED
                    } else if tag.is_some() {
                        Kind::Unknown
                    } else {
                        Kind::List(elements)
                    },
                })
            }
            Event::MappingStart(anchor, tag) => {
                self.shared += usize::from(anchor > 0);
                let mut members = Vec::new();
                let mut end = start.end;
                loop {
                    let (event, span) = self.next()?;
                    if matches!(event, Event::MappingEnd) {
                        end = end.max(self.flow_end(&start, span));
                        break;
                    }
                    let key = self.node(event, span, depth + 1)?;
                    let (event, span) = self.next()?;
                    let value = self.node(event, span, depth + 1)?;
                    end = end.max(value.span.end).max(key.span.end);
                    if let Some(name) = key.literal() {
                        members.push(Member {
                            name,
                            name_span: key.span,
                            value,
                        });
                    }
                }
                self.shared -= usize::from(anchor > 0);
                Some(Node {
                    span: start.start..end,
                    kind: if anchor > 0 {
                        SHARED
                    } else if tag.is_some() {
                        Kind::Unknown
                    } else {
                        intrinsic(members)
                    },
                })
            }
            Event::Alias(_) => Some(Node {
                span: start,
                kind: Kind::Unknown,
            }),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => None,
        }
    }

    /// The end of a collection in brackets; one that is told by its indentation ends with its last element.
    fn flow_end(&self, start: &Range<usize>, end: Span) -> usize {
        if self.text[start.start..].starts_with(['[', '{']) {
            self.span(end).end
        } else {
            start.end
        }
    }

    /// The JSON object in a block scalar.
    fn block(&mut self, span: &Range<usize>) {
        let text = &self.text[span.clone()];
        if let (Some(from), Some(to)) = (text.find('{'), text.rfind('}'))
            && from < to
            && text[..from]
                .chars()
                .all(|c| c.is_whitespace() || "|>+-0123456789".contains(c))
            && text[to + 1..].trim().is_empty()
        {
            self.blocks.push(span.start + from..span.start + to + 1);
        }
    }
}

fn scalar(value: &str, style: ScalarStyle, tag: Option<&Tag>) -> Kind {
    let text = || vec![Piece::Literal(value.to_owned())];
    match tag {
        Some(tag) if tag.handle == "!" && tag.suffix == "Sub" => Kind::Text(pieces(value, Template::Sub)),
        Some(tag) if tag.is_yaml_core_schema() => Kind::Text(text()),
        Some(_) => Kind::Unknown,
        None if style == ScalarStyle::Plain && value == "true" => Kind::Plain(Value::Bool(true)),
        None if style == ScalarStyle::Plain && value == "false" => Kind::Plain(Value::Bool(false)),
        None if style == ScalarStyle::Plain && matches!(value, "" | "~" | "null") => Kind::Plain(Value::Null),
        None => Kind::Text(text()),
    }
}

/// `{"Ref": …}` and `{"Fn::…": …}` are references, all else is a map. (CloudFormation user guide, "Intrinsic function
/// reference".)
pub(super) fn intrinsic(members: Vec<Member>) -> Kind {
    let [only] = &members[..] else {
        return Kind::Map(members);
    };
    match only.name.as_str() {
        "Fn::Sub" => match only.value.literal() {
            Some(text) => Kind::Text(pieces(&text, Template::Sub)),
            None => Kind::Unknown,
        },
        "Ref" => Kind::Unknown,
        name if name.starts_with("Fn::") => Kind::Unknown,
        _ => Kind::Map(members),
    }
}
