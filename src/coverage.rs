//! What was read, what was skipped and why; which hours, accounts, regions and event classes that proves.
//!
//! Two coverages merge into one that does not depend on the order in which files were read.

mod hours;
mod lost;
mod named;
mod nobodys;
mod odd;
mod openings;
mod pairs;
mod span;
mod trail;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::time::Window;

pub use hours::{Days, Hours};
pub use lost::{Hole, Loss, Why};
pub use named::{NamedFile, NamedFiles};
pub use odd::OddRegion;
pub use trail::{Comparison, FieldSelector, Selector, Selectors, TRAIL_CHANGES, TrailChange, member, trail_of_arn};

/// Most places that are listed for one file and reason; further ones are counted together.
const PLACES: usize = 20;
/// Most roots that are remembered for the data events of one type, account and region.
const ROOTS: usize = 4096;
/// Most changes to trails that are remembered, the earliest; what follows them is then unknown.
pub const CHANGES: usize = 10_000;
/// Most calls that are remembered as management events of which the catalog does not know it.
const SHOWN: usize = 100_000;
/// Most access keys, and most roles with their clients, that are remembered.
const KEYS: usize = 4096;
/// Most clients that are remembered for one role.
const CLIENTS: usize = 64;

/// The classes of events that a trail is told to log, or not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Management events that only read.
    ManagementRead,
    /// Management events that write.
    ManagementWrite,
    /// Data events of one resource type, such as `AWS::S3::Object`.
    Data(String),
}

/// One account × region × class of events.
pub type StreamKey = (String, String, Class);

/// Days on which data events of one root were seen, by direction: a selector may take reads or writes alone.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RootDays {
    /// Days with events that read.
    pub reads: Days,
    /// Days with events that write.
    pub writes: Days,
}

/// What digest files of one trail say of one account and region.
///
/// CloudTrail writes one an hour, also where it has delivered nothing, and names in it the log files that it delivered
/// (CloudTrail user guide, "CloudTrail digest file structure").
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Digests {
    /// Hours that a digest answers for: what it does not name was not delivered.
    pub proved: Hours,
    /// Hours of the oldest and newest events in the files that they name.
    pub named: Hours,
}

/// Calls made with something, and when.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Use {
    /// How many.
    pub calls: u64,
    /// The first, seconds since 1970.
    pub first: i64,
    /// The last.
    pub last: i64,
}

impl Use {
    /// One call.
    pub fn once(time: i64) -> Use {
        Use {
            calls: 1,
            first: time,
            last: time,
        }
    }

    /// All calls of both.
    pub fn merge(&mut self, other: &Use) {
        self.calls += other.calls;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// What IAM's `GetRequestAuthorizationDetails` explains a denial by. Sorts by time.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Authorization {
    /// When, seconds since 1970.
    pub time: i64,
    /// Its id.
    pub id: String,
}

/// Where something was skipped for one reason in one file.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Places {
    /// Place → records.
    listed: BTreeMap<String, u64>,
    /// How many more places.
    more: u64,
    /// Their records.
    more_records: u64,
}

/// Everything known about what an archive holds.
///
/// The ledger keeps it as JSON: a map whose keys are no strings is a list of pairs, and a field that an older ledger
/// lacks is empty.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Coverage {
    /// Files read.
    pub files: u64,
    /// Bytes of those files as they lie there.
    pub bytes: u64,
    /// Records met, those outside the asked window apart.
    pub records: u64,
    /// Events put to use.
    pub events_used: u64,
    /// Events whose operation the catalog does not know.
    pub events_unmapped: u64,
    /// Events that name nobody.
    pub events_unattributed: u64,
    /// Events that are no call of a principal, or need no permission.
    pub events_not_calls: u64,
    /// Records outside the asked window, accounts or regions.
    pub events_filtered_out: u64,
    /// Calls that an earlier program left out of `records`, because their user agent or session named it.
    pub events_own: u64,
    /// Events that have the id of another one and say something else. All of them count.
    pub events_sharing_id: u64,
    /// Regions whose name none of AWS's partitions could have, until it is known whether more than one event shows them.
    /// Their events count as all others do, but do not widen the span yet.
    pub odd_regions: BTreeMap<String, OddRegion>,
    /// (file, why) → where.
    #[serde(with = "pairs")]
    skipped: BTreeMap<(String, String), Places>,
    /// File that was not read whole → what it may have held.
    pub lost: BTreeMap<String, Loss>,
    /// Losses that somebody accepts: they are told, and make no hole.
    #[serde(skip)]
    pub accepted: BTreeMap<String, Loss>,
    /// Files that digests name.
    #[serde(skip)]
    pub named_files: NamedFiles,
    /// When each stream was heard.
    #[serde(with = "pairs")]
    pub streams: BTreeMap<StreamKey, Hours>,
    /// For which resources data events were seen: (account, region, type) → root → days.
    #[serde(with = "pairs")]
    pub data_roots: BTreeMap<(String, String, String), BTreeMap<String, RootDays>>,
    /// (account, region, source) of the services whose management events a trail may leave out → days on which some were
    /// seen.
    #[serde(with = "pairs")]
    pub excludable_sources: BTreeMap<(String, String, String), Days>,
    /// Calls that were seen as management events although the catalog does not say that they are such: (account, region,
    /// source, name); at most [`SHOWN`], the first.
    pub shown: BTreeSet<(String, String, String, String)>,
    /// Changes to trails, sorted by time; at most [`CHANGES`], the earliest.
    pub trail_changes: BTreeSet<TrailChange>,
    /// (account, region, trail) → what its digest files say.
    #[serde(with = "pairs")]
    pub digests: BTreeMap<(String, String, String), Digests>,
    /// Long-term access key → the ARN of its owner → calls under it.
    pub access_keys: BTreeMap<String, BTreeMap<String, Use>>,
    /// Unique id of a role that instances hold → client (the user agent without its version) → calls.
    pub instance_clients: BTreeMap<String, BTreeMap<String, Use>>,
    /// Unique id of a role → `1.0 i-…` or `2.0`: the version of the metadata service that handed its credentials out, of the
    /// older one with the instance → calls.
    #[serde(default)]
    pub metadata_versions: BTreeMap<String, BTreeMap<String, Use>>,
    /// Unique id of a role → when a session of it was last opened.
    pub taken: BTreeMap<String, i64>,
    /// ARN of a user or role → when it last signed in to the console.
    pub signed_in: BTreeMap<String, i64>,
    /// Identity providers whose tokens opened sessions, as events name them: by ARN, or by the issuer's URL.
    pub providers: BTreeSet<String>,
    /// Rule that left events out of the usage → how many; they are read and understood, and count for everything else.
    pub excluded: BTreeMap<String, u64>,
    /// (principal ARN, action in lower case) → the last denial that IAM explains.
    #[serde(with = "pairs")]
    pub authorizations: BTreeMap<(String, String), Authorization>,
    /// From the first event to the last.
    #[serde(with = "span")]
    pub span: Option<Window>,
    /// Denials that name an action which the mapping had not found: `source name: action`.
    pub mapping_disagreements: BTreeSet<String>,
    /// Calls that name nobody and that AWS did not deny: (account, source, name) → how many; at most [`SHOWN`], the first,
    /// and (account, "", "") for those beyond. Those of no account may be anybody's.
    #[serde(with = "pairs")]
    pub nobodys: BTreeMap<(String, String, String), u64>,
}

impl Coverage {
    /// Notes something skipped in `file`; `place` may be empty.
    pub fn skip(&mut self, file: &str, place: &str, why: &str, records: u64) {
        self.records += records;
        let places = self.skipped.entry((file.to_owned(), why.to_owned())).or_default();
        if let Some(known) = places.listed.get_mut(place) {
            *known += records;
        } else if places.listed.len() < PLACES {
            places.listed.insert(place.to_owned(), records);
        } else {
            places.more += 1;
            places.more_records += records;
        }
    }

    /// Records as they were counted: used, unmapped, unattributed, no calls.
    pub fn counted(&self) -> [u64; 4] {
        [
            self.events_used,
            self.events_unmapped,
            self.events_unattributed,
            self.events_not_calls,
        ]
    }

    /// Widens the span to a moment.
    pub fn at(&mut self, seconds: i64) {
        self.widen(Window::of(seconds, seconds));
    }

    fn widen(&mut self, by: Window) {
        self.span = Some(self.span.map_or(by, |span| Window {
            first: span.first.min(by.first),
            end: span.end.max(by.end),
        }));
    }

    /// Data events of a type were seen for a root (a bucket, a table, a function) at a moment.
    pub fn data_root(&mut self, account: &str, region: &str, resource_type: &str, root: &str, reads: bool, time: i64) {
        let key = (account.to_owned(), region.to_owned(), resource_type.to_owned());
        let roots = self.data_roots.entry(key).or_default();
        if !roots.contains_key(root) {
            roots.insert(root.to_owned(), RootDays::default());
        }
        if let Some(days) = roots.get_mut(root) {
            if reads { &mut days.reads } else { &mut days.writes }.add(time);
        }
        keep_smallest(roots, ROOTS);
    }

    /// A call of which the catalog does not know it was logged as a management event.
    pub fn shown(&mut self, account: &str, region: &str, source: &str, name: &str) {
        self.shown
            .insert([account, region, source, name].map(str::to_owned).into());
        while self.shown.len() > SHOWN {
            self.shown.pop_last();
        }
    }

    /// A trail was changed.
    pub fn trail_change(&mut self, change: TrailChange) {
        self.trail_changes.insert(change);
        while self.trail_changes.len() > CHANGES {
            self.trail_changes.pop_last();
        }
    }

    /// A call was made under a long-term key.
    pub fn access_key(&mut self, key: &str, owner: &str, time: i64) {
        note_use(&mut self.access_keys, key, owner, time);
    }

    /// A call was made under a role that an instance holds.
    pub fn instance_client(&mut self, role_id: &str, client: &str, time: i64) {
        note_use(&mut self.instance_clients, role_id, client, time);
    }

    /// A call was made under credentials that a version of the metadata service handed out.
    pub fn metadata_version(&mut self, role_id: &str, version: &str, instance: &str, time: i64) {
        match version {
            "1.0" => note_use(&mut self.metadata_versions, role_id, &format!("1.0 {instance}"), time),
            _ => note_use(&mut self.metadata_versions, role_id, version, time),
        }
    }

    /// A denial named what IAM explains it by. Of those of one principal and action the last is kept.
    pub fn authorization(&mut self, principal: &str, action: &str, found: Authorization) {
        let key = (principal.to_owned(), action.to_ascii_lowercase());
        let known = self.authorizations.entry(key).or_insert_with(|| found.clone());
        if *known < found {
            *known = found;
        }
        keep_smallest(&mut self.authorizations, KEYS);
    }

    /// Events were left out of the usage.
    pub fn exclude(&mut self, rule: &str, events: u64) {
        match self.excluded.get_mut(rule) {
            Some(known) => *known += events,
            None => {
                self.excluded.insert(rule.to_owned(), events);
            }
        }
    }

    /// What was skipped, as (what, why, records), sorted; at most twenty places for one file and reason.
    pub fn skipped(&self) -> Vec<(String, String, u64)> {
        let mut lines = Vec::new();
        for ((file, why), places) in &self.skipped {
            for (place, records) in &places.listed {
                let what = if place.is_empty() {
                    file.clone()
                } else {
                    format!("{file}: {place}")
                };
                lines.push((what, why.clone(), *records));
            }
            if places.more > 0 {
                lines.push((
                    format!("{file}: {} more places", places.more),
                    why.clone(),
                    places.more_records,
                ));
            }
        }
        for (rule, events) in &self.excluded {
            lines.push((rule.clone(), "left out by --exclude-use".to_owned(), *events));
        }
        lines
    }

    /// Records that were skipped.
    pub fn records_skipped(&self) -> u64 {
        let skipped: u64 = self
            .skipped
            .values()
            .map(|places| places.listed.values().sum::<u64>() + places.more_records)
            .sum();
        skipped + self.excluded.values().sum::<u64>()
    }

    /// Accounts that delivered events.
    pub fn accounts(&self) -> BTreeSet<&str> {
        self.streams.keys().map(|(account, _, _)| account.as_str()).collect()
    }

    /// Regions that delivered events, or files that were not read whole.
    pub fn regions(&self) -> BTreeSet<&str> {
        let heard = self.streams.keys().map(|(_, region, _)| region.as_str());
        let lost = self.lost.values().map(|loss| loss.region.as_str());
        heard.chain(lost.filter(|region| !region.is_empty())).collect()
    }

    /// Regions in which an account was heard.
    pub fn regions_of(&self, account: &str) -> BTreeSet<&str> {
        let of_account = self.streams.keys().filter(|(of, ..)| of == account);
        of_account
            .map(|(_, region, _)| region.as_str())
            .filter(|region| !region.is_empty())
            .collect()
    }

    /// The hours of all management events of an account in a region.
    pub fn management_hours(&self, account: &str, region: &str) -> Hours {
        let mut hours = Hours::default();
        for class in [Class::ManagementRead, Class::ManagementWrite] {
            if let Some(stream) = self.streams.get(&(account.to_owned(), region.to_owned(), class)) {
                hours.merge(stream);
            }
        }
        hours
    }

    /// The hours of all events of an account in a region.
    pub fn hours(&self, account: &str, region: &str) -> Hours {
        let mut hours = Hours::default();
        for (_, heard) in self
            .streams
            .iter()
            .filter(|((owner, place, _), _)| owner == account && place == region)
        {
            hours.merge(heard);
        }
        hours
    }

    /// The hours of an account in a region for which some digest file answers.
    pub fn digest_hours(&self, account: &str, region: &str) -> Hours {
        let mut hours = Hours::default();
        for (_, digests) in self.digests_of(account, region) {
            hours.merge(&digests.proved);
        }
        hours
    }

    /// The digests of an account in a region, by the trail that wrote them.
    pub fn digests_of<'c>(&'c self, account: &'c str, region: &'c str) -> impl Iterator<Item = (&'c str, &'c Digests)> {
        self.digests
            .iter()
            .filter(move |((owner, place, _), _)| owner == account && place == region)
            .map(|((_, _, trail), digests)| (trail.as_str(), digests))
    }

    /// Hours of a window, by their first second, of which a digest names files and the archive has no event.
    pub fn missing(&self, account: &str, region: &str, window: Window) -> BTreeSet<i64> {
        let heard = self.hours(account, region);
        self.digests_of(account, region)
            .flat_map(|(_, digests)| digests.named.iter().map(|hour| hour * 3600))
            .filter(|hour| window.first <= *hour && hour + 3600 <= window.end && !heard.contains(*hour))
            .collect()
    }

    /// What it proves of some time, accounts and regions; no account and no region stands for all. Counts of records and
    /// of calls under keys, and what was skipped, stay those of all files.
    pub fn restrict(
        &mut self,
        since: Option<i64>,
        until: Option<i64>,
        accounts: &BTreeSet<String>,
        regions: &BTreeSet<String>,
    ) {
        let account_counts = |account: &String| accounts.is_empty() || accounts.contains(account);
        let region_counts = |region: &String| regions.is_empty() || regions.contains(region);
        let time_counts = |time: i64| since.is_none_or(|since| since <= time) && until.is_none_or(|until| time < until);
        self.streams.retain(|(account, region, _), hours| {
            hours.restrict(since, until);
            account_counts(account) && region_counts(region) && !hours.is_empty()
        });
        self.data_roots.retain(|(account, region, _), roots| {
            roots.retain(|_, days| {
                days.reads.restrict(since, until);
                days.writes.restrict(since, until);
                !days.reads.is_empty() || !days.writes.is_empty()
            });
            account_counts(account) && region_counts(region) && !roots.is_empty()
        });
        self.excludable_sources.retain(|(account, region, _), days| {
            days.restrict(since, until);
            account_counts(account) && region_counts(region) && !days.is_empty()
        });
        self.digests.retain(|(account, region, _), digests| {
            digests.proved.restrict(since, until);
            digests.named.restrict(since, until);
            account_counts(account) && region_counts(region)
        });
        for lost in [&mut self.lost, &mut self.accepted] {
            lost.retain(|_, loss| {
                let window = Window {
                    first: since.unwrap_or(i64::MIN),
                    end: until.unwrap_or(i64::MAX),
                };
                (loss.account.is_empty() || account_counts(&loss.account))
                    && (loss.region.is_empty() || region_counts(&loss.region))
                    && loss.window.intersection(window).is_some()
            });
        }
        self.trail_changes
            .retain(|change| account_counts(&change.account) && time_counts(change.time));
        self.span = self.span.filter(|_| !self.streams.is_empty()).map(|span| Window {
            first: since.map_or(span.first, |since| since.max(span.first)),
            end: until.map_or(span.end, |until| until.min(span.end)),
        });
    }

    /// Both, as if read in one run.
    pub fn merge(&mut self, other: Coverage) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.records += other.records;
        self.events_used += other.events_used;
        self.events_unmapped += other.events_unmapped;
        self.events_unattributed += other.events_unattributed;
        self.events_not_calls += other.events_not_calls;
        self.events_filtered_out += other.events_filtered_out;
        self.events_own += other.events_own;
        self.events_sharing_id += other.events_sharing_id;
        for (key, places) in other.skipped {
            let mine = self.skipped.entry(key).or_default();
            for (place, records) in places.listed {
                *mine.listed.entry(place).or_default() += records;
            }
            mine.more += places.more;
            mine.more_records += places.more_records;
        }
        for (file, loss) in other.lost {
            self.lose(&file, loss);
        }
        self.accepted.extend(other.accepted);
        self.named_files.merge(other.named_files);
        for (key, hours) in other.streams {
            self.streams.entry(key).or_default().merge(&hours);
        }
        for (key, roots) in other.data_roots {
            let mine = self.data_roots.entry(key).or_default();
            for (root, days) in roots {
                let known = mine.entry(root).or_default();
                known.reads.merge(&days.reads);
                known.writes.merge(&days.writes);
            }
            keep_smallest(mine, ROOTS);
        }
        for (key, days) in other.excludable_sources {
            self.excludable_sources.entry(key).or_default().merge(&days);
        }
        for (account, region, source, name) in &other.shown {
            self.shown(account, region, source, name);
        }
        for change in other.trail_changes {
            self.trail_change(change);
        }
        for (key, digests) in other.digests {
            let mine = self.digests.entry(key).or_default();
            mine.proved.merge(&digests.proved);
            mine.named.merge(&digests.named);
        }
        merge_uses(&mut self.access_keys, other.access_keys);
        merge_uses(&mut self.instance_clients, other.instance_clients);
        merge_uses(&mut self.metadata_versions, other.metadata_versions);
        for (role_id, time) in &other.taken {
            self.taken(role_id, *time);
        }
        for (arn, time) in &other.signed_in {
            self.signed_in(arn, *time);
        }
        self.providers.extend(other.providers);
        for ((principal, action), found) in other.authorizations {
            self.authorization(&principal, &action, found);
        }
        for (region, odd) in other.odd_regions {
            self.odd_region(&region, odd);
        }
        for (rule, events) in other.excluded {
            *self.excluded.entry(rule).or_default() += events;
        }
        self.mapping_disagreements.extend(other.mapping_disagreements);
        for (key, calls) in other.nobodys {
            self.nobodys(&key, calls);
        }
        if let Some(span) = other.span {
            self.widen(span);
        }
    }
}

type Uses = BTreeMap<String, BTreeMap<String, Use>>;

fn note_use(uses: &mut Uses, key: &str, by: &str, time: i64) {
    if let Some(known) = uses.get_mut(key).and_then(|uses| uses.get_mut(by)) {
        return known.merge(&Use::once(time));
    }
    let of_key = uses.entry(key.to_owned()).or_default();
    of_key.insert(by.to_owned(), Use::once(time));
    keep_smallest(of_key, CLIENTS);
    keep_smallest(uses, KEYS);
}

fn merge_uses(mine: &mut Uses, other: Uses) {
    for (key, uses) in other {
        let of_key = mine.entry(key).or_default();
        for (by, calls) in uses {
            match of_key.get_mut(&by) {
                Some(known) => known.merge(&calls),
                None => {
                    of_key.insert(by, calls);
                }
            }
        }
        keep_smallest(of_key, CLIENTS);
    }
    keep_smallest(mine, KEYS);
}

/// The smallest keys stay, so that the order of reading does not matter.
fn keep_smallest<K: Ord, V>(map: &mut BTreeMap<K, V>, most: usize) {
    while map.len() > most {
        map.pop_last();
    }
}

#[cfg(test)]
mod tests;
