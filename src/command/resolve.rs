//! `resolve`: one JSON line an event.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Read, Write};

use clap::Args;
use serde::Serialize;

use super::arguments::{FilterArgs, find};
use super::network::AwsArgs;
use super::{Outcome, Terminal};
use crate::attribute::{self, Attribution, Openings, Workload, behind, cluster_name};
use crate::catalog::{Catalog, How, Mapping};
use crate::decode::{Event, Item, Limits, Reader};
use crate::emit::escape;
use crate::resolve::{self, Call, Operation};
use crate::source::{self, Source};
use crate::usage::Filter;

/// Arguments of `resolve`.
#[derive(Args, Debug)]
pub(super) struct ResolveArgs {
    /// CloudTrail logs: a file, a folder, a glob, s3://bucket/prefix or lookup:REGION; stdin by default
    #[arg(long, value_name = "PLACE", num_args = 1.., default_value = "-")]
    logs: Vec<std::ffi::OsString>,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    aws: AwsArgs,
}

#[derive(Serialize)]
struct Line<'a> {
    event_id: Option<&'a str>,
    event_source: &'a str,
    event_name: &'a str,
    event_time: String,
    account: Option<&'a str>,
    region: Option<&'a str>,
    principal: Option<LinePrincipal<'a>>,
    workload: Option<LineWorkload>,
    outcome: &'static str,
    calls: Vec<LineCall<'a>>,
    may_need: Vec<&'a str>,
    unmapped: Option<&'a str>,
    denied_action: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    denied_resource: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_id: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct LinePrincipal<'a> {
    arn: &'a str,
    id: &'a str,
    kind: &'static str,
}

#[derive(Serialize)]
struct LineWorkload {
    kind: &'static str,
    cluster: Option<String>,
    namespace: Option<String>,
    name: String,
    /// `opening`, `call` or `user_agent`.
    known: &'static str,
}

#[derive(Serialize)]
struct LineCall<'a> {
    action: &'a str,
    resources: Vec<String>,
    complete: bool,
    how: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    passed_to: Option<String>,
}

/// What opened each session.
type Openers = HashMap<attribute::Session<'static>, Openings>;

/// One input, read twice: files from where they lie, standard input from memory.
enum Input {
    Source(Source),
    Bytes(Vec<u8>),
}

impl Input {
    fn name(&self) -> String {
        match self {
            Input::Source(source) => source.name(),
            Input::Bytes(_) => "-".to_owned(),
        }
    }

    fn each(&self, reader: &mut Reader, limits: &Limits, sink: &mut dyn FnMut(Item<'_>)) -> io::Result<()> {
        match self {
            Input::Source(source) => {
                reader.read(source.open()?, limits, sink);
            }
            Input::Bytes(bytes) => {
                reader.read_slice(bytes, limits, sink);
            }
        }
        Ok(())
    }
}

/// What lies far away comes in the order in which it is read.
fn expect(inputs: &[Input]) {
    source::expect(far(inputs));
}

fn far(inputs: &[Input]) -> impl Iterator<Item = &Source> {
    inputs.iter().filter_map(|input| match input {
        Input::Source(source) => Some(source),
        Input::Bytes(_) => None,
    })
}

impl ResolveArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        let options = self.filter.options()?;
        let mut inputs = Vec::new();
        for source in find(&self.logs, &options.filter, &self.aws, &terminal.progress)? {
            inputs.push(match source {
                Source::Stdin => {
                    let mut bytes = Vec::new();
                    io::stdin().read_to_end(&mut bytes)?;
                    Input::Bytes(bytes)
                }
                Source::File(_) | Source::Unfit { .. } | Source::Remote(_) => Input::Source(source),
            });
        }
        let mut reader = Reader::new();
        let mut openers = Openers::new();
        expect(&inputs);
        for input in &inputs {
            // A file that cannot be read is said once, in the second pass.
            let _ = input.each(&mut reader, &options.limits, &mut |item| {
                if let Item::Event(event) = item
                    && let Some(seed) = attribute::seed(event)
                {
                    openers.entry(seed.session).or_default().insert(seed.opening);
                }
            });
        }
        source::verdict(far(&inputs), 0)?;
        let mut out = io::BufWriter::new(io::stdout().lock());
        let mut lines = Lines {
            openers: &openers,
            operations: HashMap::new(),
            filter: &options.filter,
        };
        let mut written = 0_u64;
        expect(&inputs);
        for input in &inputs {
            let mut result = Ok(());
            let name = input.name();
            let read = input.each(&mut reader, &options.limits, &mut |item| match item {
                Item::Event(event) => {
                    if result.is_ok() && lines.filter.takes(event) {
                        written += 1;
                        result = lines.write(event, &mut out);
                    }
                }
                Item::Skipped { what, why, records } => {
                    let place = if what.is_empty() { "" } else { ": " };
                    terminal.say(&format!("skipped {name}{place}{what}: {why} ({records} records)"));
                }
                Item::Digest(_) => {}
                Item::NotCalls { why, records } => {
                    terminal.say(&format!("no calls in {name}: {why} ({records} records)"));
                }
            });
            if let Err(error) = read {
                terminal.say(&format!("skipped {name}: {error}"));
            }
            result?;
        }
        out.flush()?;
        source::verdict(far(&inputs), 0)?;
        if written == 0 {
            let places: Vec<_> = self.logs.iter().map(|place| place.to_string_lossy()).collect();
            terminal.say(&format!("no CloudTrail events in {}", places.join(", ")));
            return Ok(Outcome::NothingSeen);
        }
        Ok(Outcome::Clear)
    }
}

struct Lines<'o> {
    openers: &'o Openers,
    operations: HashMap<(String, String), Operation>,
    filter: &'o Filter,
}

impl Lines<'_> {
    fn write(&mut self, event: &Event<'_>, out: &mut dyn Write) -> io::Result<()> {
        let catalog = Catalog::embedded();
        let workload = self.workload(event);
        let operation = self
            .operations
            .entry((event.source.to_string(), event.name.to_string()))
            .or_insert_with(|| Operation::of(catalog, &event.source, &event.name));
        let attribution = attribute::attribute(event);
        let principal = match &attribution {
            Attribution::Principal(principal) => Some(LinePrincipal {
                arn: &principal.arn,
                id: principal.id,
                kind: principal.kind.name(),
            }),
            Attribution::NotACall(_) | Attribution::Nobody => None,
        };
        let verdict = resolve::outcome(event);
        let is_call = !matches!(attribution, Attribution::NotACall(_))
            && !matches!(operation.mapping, Mapping::NoPermission { .. });
        let observed = resolve::observe(event, operation);
        let resolution = if is_call {
            resolve::resolve(catalog, operation, &observed.facts, &observed.resources)
        } else {
            resolve::Resolution::default()
        };
        let line = Line {
            event_id: event.id.as_deref(),
            event_source: &event.source,
            event_name: &event.name,
            event_time: event.time.to_string(),
            account: event
                .recipient_account_id
                .as_deref()
                .or_else(|| event.identity.as_ref()?.account_id.as_deref()),
            region: event.region.as_deref(),
            workload,
            principal,
            outcome: if is_call { verdict.outcome.name() } else { "not_a_call" },
            calls: resolution
                .needs
                .iter()
                .map(|call| line_call(catalog, call, &event.source))
                .collect(),
            may_need: resolution
                .may_need
                .iter()
                .map(|call| catalog.name(call.action))
                .collect(),
            unmapped: match &operation.mapping {
                Mapping::Unmapped { why, .. } if is_call => Some(why),
                Mapping::Unmapped { .. } | Mapping::Actions(_) | Mapping::NoPermission { .. } => None,
            },
            denied_action: verdict.denied_action,
            denied_resource: verdict.denied_resource,
            authorization_id: verdict.authorization_id,
        };
        let line = serde_json::to_string(&line)?;
        writeln!(out, "{}", escape::json(&line))
    }

    /// The workload of the event's session, or of the session that it opens.
    fn workload(&self, event: &Event<'_>) -> Option<LineWorkload> {
        let key = |role_id: &str, access_key_id: &str| attribute::Session {
            role_id: role_id.to_owned().into(),
            access_key_id: access_key_id.to_owned().into(),
        };
        let openings_of = |role_id: &str, session: &str| self.openers.get(&key(role_id, session));
        let time = event.time.seconds();
        let opening = attribute::seed(event).map(|seed| Openings::from_iter([seed.opening]));
        let opened = opening
            .as_ref()
            .map(|opening| behind(opening, None, "", (time, time), &openings_of));
        let actor = match opened.filter(|actor| actor.workload.is_some()) {
            Some(actor) => actor,
            None => {
                let session = attribute::session(event)?;
                let none = Openings::default();
                let openings = openings_of(&session.role_id, &session.access_key_id).unwrap_or(&none);
                let provider = event.identity.as_ref()?.federated_provider.as_deref().unwrap_or("");
                let shown = attribute::shown_by(event);
                behind(openings, shown.as_ref(), provider, (time, time), &openings_of)
            }
        };
        let Workload {
            kind,
            cluster,
            namespace,
            name,
        } = actor.workload?;
        Some(LineWorkload {
            kind: kind.name(),
            cluster: cluster.map(|cluster| cluster_name(&cluster).to_owned()),
            namespace,
            name,
            known: actor.known.name(),
        })
    }
}

fn line_call<'c>(catalog: &'c Catalog, call: &Call, event_source: &str) -> LineCall<'c> {
    let action = catalog.name(call.action);
    LineCall {
        action,
        passed_to: (action == "iam:PassRole")
            .then(|| catalog.roles_go_to(event_source))
            .flatten(),
        resources: call.resources.clone(),
        complete: call.complete,
        how: match call.how {
            How::Named => "named",
            How::Renamed => "renamed",
            How::Inferred => "inferred",
        },
    }
}
