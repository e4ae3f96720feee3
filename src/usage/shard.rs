//! What one thread counts of one part, event by event.

use std::collections::HashSet;
use std::sync::Arc;

use super::builder::{Builder, Key, Whose};
use super::collect::{FileFacts, FileRead};
use super::duplicates::Fingerprints;
use super::exclude::ExcludeRule;
use super::memory::{
    Alike, CallerNumbers, Clients, Counted, KnownOperation, Memory, Noted, ObservationNumbers, clients,
};
use super::outlier::{self, is_region};
use super::texts::Text;
use crate::attribute::{PrincipalKind, beside_calls, is_correction, provider, seed, signed_in};
use crate::catalog::{Catalog, Mapping};
use crate::coverage::{Authorization, Class, Coverage, OddRegion, TRAIL_CHANGES, TrailChange};
use crate::decode::{Event, Identity};
use crate::resolve::{self, Operation};

/// What one thread has counted of one part.
pub(super) struct Shard {
    /// Tells the shards of one thread apart.
    number: u64,
    pub(super) builder: Builder,
    pub(super) coverage: Coverage,
    pub(super) fingerprints: Arc<Fingerprints>,
    /// Events of the batch at hand that were met before.
    pub(super) duplicates: u64,
    /// Files that were read, or could not be.
    pub(super) done: usize,
    /// Those of them that whoever takes the part asks for.
    pub(super) files: Vec<FileRead>,
    /// Those that hold the same bytes as another.
    pub(super) copies: Vec<FileFacts>,
    account: Latest,
    region: LatestRegion,
    /// Where and when management events were heard last: those that write, and those that read.
    heard: [Option<Noted>; 2],
    /// What is shown as a management event already: account, region, source, name.
    shown: HashSet<[Text; 4]>,
    /// Account, source and name of the last call that named nobody, in the same memory each time.
    nameless: (String, String, String),
}

impl Shard {
    /// An empty one, which counts into an empty builder.
    pub(super) fn new(number: u64, builder: Builder, fingerprints: Arc<Fingerprints>) -> Self {
        Self {
            number,
            builder,
            coverage: Coverage::default(),
            fingerprints,
            duplicates: 0,
            done: 0,
            files: Vec::new(),
            copies: Vec::new(),
            account: Latest::default(),
            region: LatestRegion::default(),
            heard: [None; 2],
            shown: HashSet::new(),
            nameless: <(String, String, String)>::default(),
        }
    }

    /// Both, as if one thread had counted all. The smaller one is counted anew.
    pub(super) fn merge(self, other: Shard) -> Shard {
        let (mut more, less) = if self.done < other.done {
            (other, self)
        } else {
            (self, other)
        };
        more.builder.merge(less.builder);
        more.coverage.merge(less.coverage);
        more.done += less.done;
        more.files.extend(less.files);
        more.copies.extend(less.copies);
        more
    }

    /// Counts an event that was not met before; one that a rule excludes counts for the coverage alone.
    pub(super) fn event(&mut self, event: &Event<'_>, exclude: &[ExcludeRule], memory: &mut Memory) {
        let before = self.coverage.counted();
        self.count(event, exclude, memory);
        if self.region.is_odd {
            let after = self.coverage.counted();
            let span = event.moments().map(|time| time.seconds());
            let last = event.many.as_ref().map_or(event.time, |many| many.last).seconds();
            let odd = OddRegion {
                events: event.calls(),
                span: (span.min().unwrap_or(last), last),
                event: outlier::name(event),
                counted: std::array::from_fn(|kind| after[kind] - before[kind]),
            };
            self.coverage.odd_region(&self.region.text, odd);
        }
    }

    fn count(&mut self, event: &Event<'_>, exclude: &[ExcludeRule], memory: &mut Memory) {
        memory.tidy();
        let calls = event.calls();
        self.coverage.records += calls;
        let operation = memory.operations.of(&event.source, &event.name);
        let (observation, facts, reading) = memory.observations.of(event, operation.number, &operation.operation);
        let account = self.account.number(account_of(event), &mut self.builder);
        let region = self
            .region
            .number(event.region.as_deref().unwrap_or(""), &mut self.builder);
        let builder = &mut self.builder;
        let observed = observation.numbers.get(self.number, || ObservationNumbers {
            facts: *facts.number.get(self.number, || builder.facts(&facts.facts)),
            shapes: observation.shapes.iter().map(|shape| builder.text(shape)).collect(),
            row: None,
            noted: None,
        });
        let has_client = |identity| memory.callers.of(identity).has_client;
        let has_client = event.identity.as_ref().is_some_and(has_client);
        for time in event.moments() {
            self.note(
                event,
                &operation.operation,
                [account, region],
                (time.seconds(), has_client),
                &mut observed.noted,
            );
        }
        if let Some(rule) = exclude.iter().find(|rule| rule.fits(event)) {
            self.coverage.exclude(&rule.label(), calls);
            return;
        }
        if let Some(arn) = signed_in(event) {
            self.coverage.signed_in(&arn, event.time.seconds());
        }
        if let Some(named) = provider(event) {
            self.coverage.provider(&named);
        }
        if let Some(seed) = seed(event) {
            let session = self.builder.session(&seed.session.role_id, &seed.session.access_key_id);
            self.coverage.taken(&seed.session.role_id, seed.opening.from);
            self.builder.open(session, seed.opening);
        }
        if beside_calls(event).is_some() {
            self.coverage.events_not_calls += calls;
            return;
        }
        let Some(identity) = &event.identity else {
            return self.name_nobody(event);
        };
        let caller = memory.callers.of(identity);
        let Some(billed) = &caller.principal else {
            if caller.is_nobody {
                self.name_nobody(event);
            } else {
                self.coverage.events_not_calls += calls;
            }
            return;
        };
        let correction = is_correction(event);
        match &operation.operation.mapping {
            _ if correction => self.coverage.events_not_calls += calls,
            Mapping::NoPermission { .. } => self.coverage.events_not_calls += calls,
            Mapping::Unmapped { .. } => self.coverage.events_unmapped += calls,
            Mapping::Actions(_) => self.coverage.events_used += calls,
        }
        let denied_action = self.denied_action(event, operation, &billed.arn);

        let builder = &mut self.builder;
        let (federated, coverage) = (identity.federated_provider.as_deref().unwrap_or(""), &mut self.coverage);
        let CallerNumbers {
            texts: [arn, id, caller_account],
            whose,
        } = *caller.numbers.get(self.number, || CallerNumbers {
            texts: [&billed.arn, &billed.id, &billed.account].map(|text| builder.text(text)),
            whose: {
                coverage.provider(federated);
                match &billed.session {
                    Some((role, key)) => {
                        let session = builder.session(role, key);
                        builder.show_provider(session, federated);
                        Whose::Session(session)
                    }
                    None if billed.kind == PrincipalKind::Role => {
                        builder.keyless(identity, event.from_console == Some(true))
                    }
                    None => Whose::Nobody,
                }
            },
        });
        let (time, event_id) = (event.time.seconds(), event.id.as_deref().unwrap_or(""));
        let last = event.many.as_ref().map_or(time, |many| many.last.seconds());
        let alike = Alike {
            caller: caller.number,
            operation: operation.number,
            facts: observed.facts,
            account,
            region,
            error_code: builder.text(event.error_code.as_deref().unwrap_or("")),
            denied_action,
            day: i32::try_from(event.time.days()).unwrap_or(i32::MAX),
        };
        let (known, counted) = memory.rows.slot(self.number, &alike);
        if *known != alike {
            let KnownOperation {
                source, name, texts, ..
            } = operation;
            let [source, name] = *texts.get(self.number, || [&**source, &**name].map(|text| builder.text(text)));
            let Alike {
                error_code, day, facts, ..
            } = alike;
            let texts = [
                arn,
                id,
                caller_account,
                account,
                region,
                source,
                name,
                error_code,
                denied_action,
            ];
            let kind = billed.kind;
            let signature = builder.signature(Key { kind, texts, facts }, time, event_id);
            let row = builder.row((signature, day, whose), (time, last));
            (*known, *counted) = (alike, Counted { signature, row });
        }
        let Counted { signature, row } = *counted;
        builder.witness(signature, time, event_id);
        if let Some(many) = &event.many {
            builder.witness(signature, many.last.seconds(), &many.last_id);
        }
        // What a correction adds is evidence, and no call.
        builder.count(row, if correction { 0 } else { calls }, (time, last));
        if observed.row != Some(row) {
            builder.name(row, &observed.shapes);
            observed.row = Some(row);
        }
        observation.open_shapes(event, reading, &mut memory.scratch, |shape| {
            builder.name_shape(row, shape)
        });
        let client = (
            event.user_agent.as_deref().unwrap_or(""),
            event.from_console == Some(true),
        );
        if let Whose::Session(session) = whose
            && !correction
            && let Some((said, kind, name)) = caller.shown(self.number, client)
        {
            builder.facts_of_session(session).show(said, kind, name);
        }
    }

    /// A call of which nobody can tell whose it is: anybody of the account may have made it.
    fn name_nobody(&mut self, event: &Event<'_>) {
        self.coverage.events_unattributed += event.calls();
        if resolve::outcome(event).outcome != resolve::Outcome::Denied {
            let (account, source, name) = &mut self.nameless;
            for (known, text) in [
                (account, account_of(event)),
                (source, &event.source),
                (name, &event.name),
            ] {
                known.clear();
                known.push_str(text);
            }
            self.coverage.nobodys(&self.nameless, event.calls());
        }
    }

    /// The action that AWS says to have denied the caller. One that the mapping had not found is noted.
    fn denied_action(&mut self, event: &Event<'_>, operation: &mut KnownOperation, caller: &str) -> Text {
        let verdict = resolve::outcome(event);
        let Some(action) = verdict.denied_action.filter(|_| verdict.of_caller) else {
            return self.builder.text("");
        };
        if let Some(id) = verdict.authorization_id {
            let (time, id) = (event.time.seconds(), id.into_owned());
            self.coverage.authorization(caller, &action, Authorization { time, id });
        }
        if *operation.agreed != *action {
            if operation.operation.disagrees(Catalog::embedded(), &action) {
                let line = format!("{} {}: {action}", event.source, event.name);
                self.coverage.mapping_disagreements.insert(line);
            } else {
                operation.agreed = (*action).into();
            }
        }
        self.builder.text(&action)
    }

    /// What this event, or another one like it at that time, proves of the archive itself, whoever made it, and whether
    /// it tells something of keys or instances.
    fn note(
        &mut self,
        event: &Event<'_>,
        operation: &Operation,
        [account, region]: [Text; 2],
        (time, has_client): (i64, bool),
        latest: &mut Option<Noted>,
    ) {
        if !self.region.is_odd {
            self.coverage.at(time);
        }
        let noted = Noted {
            hour: time.div_euclid(3600),
            account,
            region,
            is_data: resolve::is_data(event, operation),
            reads: event.read_only.unwrap_or(operation.reads),
        };
        let heard_alike = latest.replace(noted) == Some(noted);
        // Whatever is no data and cannot be excluded by its source is heard in a stream, and nowhere else.
        let stream = &mut self.heard[usize::from(noted.reads)];
        let in_stream = !noted.is_data && !is_excludable(event);
        let heard = heard_alike || in_stream && stream.replace(noted) == Some(noted);
        if !heard {
            note_stream(&mut self.coverage, event, operation, noted);
        }
        if operation.unsaid && resolve::is_management(event) {
            let shown = [
                account,
                region,
                self.builder.text(&event.source),
                self.builder.text(&event.name),
            ];
            if self.shown.insert(shown) {
                let region = event.region.as_deref().unwrap_or("");
                self.coverage
                    .shown(account_of(event), region, &event.source, &event.name);
            }
        }
        if event.source == "cloudtrail.amazonaws.com"
            && event.error_code.is_none()
            && TRAIL_CHANGES.contains(&&*event.name)
        {
            self.coverage.trail_change(TrailChange::read(
                time,
                account_of(event),
                event.region.as_deref().unwrap_or(""),
                &event.name,
                event.request_parameters.json(),
                event.response_elements.json(),
            ));
        }
        if let Some(identity) = event.identity.as_ref().filter(|_| has_client) {
            note_clients(&mut self.coverage, event, identity, time);
        }
    }
}

/// A text and its number: neighbours in a file agree on most.
#[derive(Default)]
struct Latest {
    text: String,
    number: Text,
}

impl Latest {
    fn number(&mut self, text: &str, builder: &mut Builder) -> Text {
        if self.text != text {
            self.number = builder.text(text);
            self.text.clear();
            self.text.push_str(text);
        }
        self.number
    }
}

/// A region, and whether no partition could have it.
struct LatestRegion {
    text: String,
    number: Text,
    is_odd: bool,
}

impl Default for LatestRegion {
    fn default() -> Self {
        Self {
            text: String::new(),
            number: Text::default(),
            is_odd: true,
        }
    }
}

impl LatestRegion {
    fn number(&mut self, text: &str, builder: &mut Builder) -> Text {
        if self.text != text {
            self.number = builder.text(text);
            self.is_odd = !is_region(text);
            self.text.clear();
            self.text.push_str(text);
        }
        self.number
    }
}

/// The account that received the event.
pub(super) fn account_of<'e>(event: &'e Event<'_>) -> &'e str {
    event
        .recipient_account_id
        .as_deref()
        .or_else(|| event.identity.as_ref()?.account_id.as_deref())
        .unwrap_or("")
}

/// The stream in which the event was heard, and the roots of its data; all to the hour at finest.
fn note_stream(coverage: &mut Coverage, event: &Event<'_>, operation: &Operation, noted: Noted) {
    let Noted {
        hour, is_data, reads, ..
    } = noted;
    let time = hour * 3600;
    let (account, region) = (account_of(event), event.region.as_deref().unwrap_or(""));
    let class = if is_data {
        let roots = resolve::data_roots(event, operation);
        for (resource_type, root) in &roots {
            coverage.data_root(account, region, resource_type, root, reads, time);
        }
        match roots.into_iter().next() {
            Some((resource_type, _)) => Class::Data(resource_type),
            None => Class::Data(operation.data_type.clone().unwrap_or_default()),
        }
    } else if reads {
        Class::ManagementRead
    } else {
        Class::ManagementWrite
    };
    let key = (account.to_owned(), region.to_owned(), class);
    coverage.streams.entry(key).or_default().add(time);
    if is_excludable(event) {
        coverage
            .excludable_sources
            .entry((account.to_owned(), region.to_owned(), event.source.to_string()))
            .or_default()
            .add(time);
    }
}

/// Whether a trail may leave out all events of this source (CloudTrail user guide, "Logging management events").
fn is_excludable(event: &Event<'_>) -> bool {
    matches!(&*event.source, "kms.amazonaws.com" | "rdsdata.amazonaws.com")
}

/// Long-term keys, and the clients of roles that instances hold.
fn note_clients(coverage: &mut Coverage, event: &Event<'_>, identity: &Identity, time: i64) {
    let Clients { key, instance_role } = clients(identity);
    if let Some(key) = key {
        coverage.access_key(key, identity.arn.as_deref().unwrap_or(""), time);
    }
    if let Some(role) = instance_role {
        coverage.instance_client(role, client(event.user_agent.as_deref().unwrap_or("")), time);
    }
    let session = identity.principal_id.as_deref().and_then(|id| id.split_once(':'));
    if let (Some((role, session)), Some(version)) = (session, identity.delivered_by_ec2())
        && role.starts_with("AROA")
    {
        coverage.metadata_version(role, &version[..version.floor_char_boundary(8)], session, time);
    }
}

/// The name of the program that a user agent starts with: `aws-cli` of `aws-cli/2.1 Python/3.9`.
fn client(user_agent: &str) -> &str {
    let end = user_agent.find(['/', ' ', '(', ';', ',']).unwrap_or(user_agent.len());
    let end = user_agent.floor_char_boundary(end.min(64));
    user_agent[..end].trim_start_matches('[')
}

#[cfg(test)]
mod tests;
