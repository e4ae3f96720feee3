//! What this archive would have shown: for each action on a statement's resources, whether its use could have gone
//! unseen, and why.
//!
//! Two things show that a kind of event would have been logged: that some of it was (of anyone, in that account and
//! region), or a trail's configuration. Where a trail was changed both count only up to the next change. What a
//! configuration leaves out counts as well: a filter by caller or name hides what nobody else's events could tell.

mod events;
mod silence;
mod verdict;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use events::{callers, excludable, named_by_events, reads};
use silence::{Silence, missing};
use verdict::{Verdict, verdict};

use super::actions::ActionSet;
use super::selectors::{Asked, Takes, takes};
use super::trails::{Delivers, SHORT, State, Stretch, Trails};
use crate::catalog::{ActionId, Catalog, Logging};
use crate::coverage::{Class, Coverage, Days, Hole, RootDays, Why};
use crate::grants::{Principal, TrailConfig};
use crate::iam::{ResourcePart, pattern};
use crate::time::{Window, minute};

/// Regions in which the partitions log the management events of global services, the usual one first.
const GLOBAL_REGIONS: [&str; 5] = [
    "us-east-1",
    "us-west-2",
    "us-gov-west-1",
    "cn-northwest-1",
    "cn-north-1",
];

/// Why the archive proves nothing about an action.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Blind {
    /// No archive could show it.
    Unobservable(String),
    /// The trail's configuration leaves it out.
    LeftOut(String),
    /// Only data events would show it, and the archive has none of them for some of the resources.
    DataEvents {
        /// CloudTrail's name of the type, such as `AWS::S3::Object`.
        resource_type: String,
        /// The reason in words.
        why: String,
    },
    /// A region has no event at all.
    NoRegion(String),
    /// Days or classes of events are missing.
    Gap(String),
}

impl Blind {
    /// The reason in words.
    pub fn why(&self) -> &str {
        match self {
            Blind::Unobservable(why)
            | Blind::LeftOut(why)
            | Blind::DataEvents { why, .. }
            | Blind::NoRegion(why)
            | Blind::Gap(why) => why,
        }
    }
}

/// What an archive shows of every action on one set of resources.
#[derive(Clone, Debug)]
pub struct View {
    /// Actions whose use could have gone unseen.
    pub blind: ActionSet,
    /// Of those, actions that days, regions or classes of events are missing for.
    pub outside: ActionSet,
    /// For each action the number of its reason, from 1; 0 for none.
    reason: Vec<u16>,
    reasons: Vec<Blind>,
}

impl View {
    /// Why the use of an action could have gone unseen; `None` where it would have been seen.
    pub fn blind_to(&self, action: ActionId) -> Option<&Blind> {
        let number = *self.reason.get(action.index())?;
        self.reasons.get(usize::from(number).checked_sub(1)?)
    }
}

/// Views by account, resources and caller, made when first asked for.
pub(super) struct Views<'a> {
    catalog: &'a Catalog,
    coverage: &'a Coverage,
    window: Window,
    trails: Trails<'a>,
    made: HashMap<(String, Vec<String>, Vec<String>), Arc<View>>,
    silences: BTreeMap<(String, String), Silence>,
    logging: Vec<Logging>,
    /// (account, region) → actions that the archive shows there as management events, whatever the tables say.
    shown: HashMap<(&'a str, &'a str), ActionSet>,
}

/// Who acts, where and how: what decides whether management events are seen.
struct Management<'v> {
    account: &'v str,
    region: &'v str,
    reads: bool,
    action: ActionId,
    /// Whether the service's events are delivered in one region only.
    global: bool,
    callers: &'v [String],
}

impl<'a> Views<'a> {
    pub(super) fn new(
        catalog: &'a Catalog,
        coverage: &'a Coverage,
        configs: &'a [TrailConfig],
        window: Window,
    ) -> Views<'a> {
        let logging = catalog.ids().map(|id| catalog.logging(id)).collect();
        let mut shown: HashMap<(&str, &str), ActionSet> = HashMap::new();
        for (account, region, source, name) in &coverage.shown {
            if let Some(action) = catalog.unsaid_action(source, name) {
                let there = shown.entry((account, region)).or_insert_with(ActionSet::none);
                there.insert(action);
            }
        }
        Views {
            catalog,
            coverage,
            window,
            trails: Trails::new(coverage, configs, window),
            made: HashMap::new(),
            silences: BTreeMap::new(),
            logging,
            shown,
        }
    }

    /// The view of a principal on a statement's resources.
    pub(super) fn of(&mut self, principal: &Principal, resource: &ResourcePart) -> Arc<View> {
        let texts: Vec<String> = match resource {
            ResourcePart::Resource(resources) => resources.iter().map(|resource| resource.text().to_owned()).collect(),
            ResourcePart::NotResource(_) | ResourcePart::None => vec!["*".to_owned()],
        };
        let callers = if self.trails.by_caller {
            callers(principal)
        } else {
            Vec::new()
        };
        let key = (principal.account.clone(), texts, callers);
        if let Some(view) = self.made.get(&key) {
            return Arc::clone(view);
        }
        let view = Arc::new(self.make(&principal.account, &key.1, &key.2));
        self.made.insert(key, Arc::clone(&view));
        view
    }

    fn make(&mut self, account: &str, resources: &[String], callers: &[String]) -> View {
        let regions = self.regions(resources);
        let known: BTreeSet<&str> = self.coverage.regions();
        let home = GLOBAL_REGIONS
            .into_iter()
            .find(|region| known.contains(region))
            .unwrap_or(GLOBAL_REGIONS[0]);
        for region in regions.iter().map(String::as_str).chain([home]) {
            self.listen(account, region);
        }
        let this = &*self;
        let stretches = this.trails.stretches(account);
        let catalog = this.catalog;

        let mut view = View {
            blind: ActionSet::none(),
            outside: ActionSet::none(),
            reason: vec![0; catalog.len()],
            reasons: Vec::new(),
        };
        let shown = this.shown_in(account, regions.iter().map(String::as_str));
        let shown_home = this.shown_in(account, [home]);
        let mut numbers: HashMap<Blind, u16> = HashMap::new();
        // What one action of a kind is answered, all of its kind are, unless a selector asks for services or names.
        type Kind<'k> = (Option<&'k str>, Option<bool>, bool, Option<ActionId>);
        let mut answers: HashMap<Kind<'_>, Option<Blind>> = HashMap::new();
        for id in catalog.ids() {
            let own = this.trails.by_action.then_some(id);
            let is_shown =
                shown.contains(id) || shown_home.contains(id) && catalog.is_global_service(catalog.service(id));
            let logging = if is_shown {
                catalog.as_management(id)
            } else {
                &this.logging[id.index()]
            };
            let blind = match logging {
                Logging::Never { why } | Logging::Unknown { why } => Some(Blind::Unobservable(why.clone())),
                Logging::Management { read_only } => {
                    let service = catalog.service(id);
                    let global = service != "sts" && catalog.is_global_service(service);
                    let source = excludable(service);
                    let kind = (source, Some(*read_only), global, own);
                    answers
                        .entry(kind)
                        .or_insert_with(|| {
                            let at = |region| Management {
                                account,
                                region,
                                reads: *read_only,
                                action: id,
                                global,
                                callers,
                            };
                            if global {
                                this.management(&at(home), source, &stretches)
                            } else {
                                let mut regions = regions.iter();
                                regions.find_map(|region| this.management(&at(region), source, &stretches))
                            }
                        })
                        .clone()
                }
                Logging::Data { resource_type } => {
                    let reads = reads(catalog, id);
                    answers
                        .entry((Some(resource_type), reads, false, own))
                        .or_insert_with(|| {
                            let asked = Asked {
                                data_type: Some(resource_type),
                                reads,
                                action: id,
                                resources,
                                callers,
                            };
                            this.data(account, resource_type, &asked, &stretches, &regions)
                        })
                        .clone()
                }
            };
            if let Some(blind) = blind {
                match blind {
                    Blind::Unobservable(_) | Blind::LeftOut(_) | Blind::DataEvents { .. } => {}
                    Blind::NoRegion(_) | Blind::Gap(_) => view.outside.insert(id),
                }
                let number = *numbers.entry(blind).or_insert_with_key(|blind| {
                    view.reasons.push(blind.clone());
                    u16::try_from(view.reasons.len()).unwrap_or(u16::MAX)
                });
                view.reason[id.index()] = number;
                view.blind.insert(id);
            }
        }
        view
    }

    /// Regions in which a call on these resources may have been logged: those that the patterns name, else all that
    /// the archive knows. There is always one: of no region at all everything would be true.
    fn regions(&self, resources: &[String]) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        for resource in resources {
            match resource.split(':').nth(3) {
                Some(region) if !region.is_empty() && !region.contains(['*', '?', '$']) => {
                    named.insert(region.to_owned())
                }
                Some(_) | None => {
                    named = self.coverage.regions().into_iter().map(str::to_owned).collect();
                    break;
                }
            };
        }
        if named.is_empty() {
            named.insert(GLOBAL_REGIONS[0].to_owned());
        }
        named
    }

    /// What this archive shows for anybody as a management event in all of these regions; it is logged there for
    /// everybody, whatever the tables say.
    fn shown_in<'r>(&self, account: &str, regions: impl IntoIterator<Item = &'r str>) -> ActionSet {
        let there = |region| self.shown.get(&(account, region)).cloned().unwrap_or_default();
        let everywhere = regions.into_iter().map(there);
        everywhere
            .reduce(|all, here| all.intersection(&here))
            .unwrap_or_default()
    }

    /// Looks for silence in a stream, once.
    fn listen(&mut self, account: &str, region: &str) {
        let key = (account.to_owned(), region.to_owned());
        if self.silences.contains_key(&key) {
            return;
        }
        let silence = Silence::of(self.coverage, account, region, self.window);
        self.silences.insert(key, silence);
    }

    /// Why management events of a kind would not all have been seen in a region.
    fn management(&self, asked: &Management<'_>, source: Option<&str>, stretches: &[Stretch<'_>]) -> Option<Blind> {
        let (account, region) = (asked.account, asked.region);
        let gap = |why: String| Some(Blind::Gap(why));
        let nothing = Silence {
            nothing: true,
            ..Silence::default()
        };
        let key = (account.to_owned(), region.to_owned());
        let silence = self.silences.get(&key).unwrap_or(&nothing);
        let missing = |hole: &Hole| missing(account, region, hole);
        // What is known to be lost is no matter of what may be taken for granted.
        if let Some(hole) = silence.holes.iter().find(|hole| matches!(hole.why, Why::Lost { .. })) {
            return gap(missing(hole));
        }
        if silence.nothing {
            return Some(Blind::NoRegion(format!(
                "the archive has no event of account {account} in {region}"
            )));
        }
        if self.trails.too_many {
            return gap("its trails were changed more often than can be followed".to_owned());
        }
        let class = if asked.reads {
            Class::ManagementRead
        } else {
            Class::ManagementWrite
        };
        let name = if asked.reads { "read" } else { "write" };
        let heard = self
            .coverage
            .streams
            .get(&(account.to_owned(), region.to_owned(), class.clone()));
        let anywhere = self
            .coverage
            .streams
            .keys()
            .any(|(owner, _, known)| owner == account && *known == class);
        let wanted = Asked {
            data_type: None,
            reads: Some(asked.reads),
            action: asked.action,
            resources: &[],
            callers: asked.callers,
        };
        // Since when nothing has shown that such events are logged, across stretches too short to ask each for one.
        let mut unseen = None;
        for stretch in stretches {
            let (from, to) = (stretch.from.max(self.window.first), stretch.to.min(self.window.end));
            let answers = |state: &State<'_>| {
                let in_place = if asked.global {
                    state.global_events
                } else {
                    state.is_in(region)
                };
                in_place.then(|| self.state_takes(state, &wanted))
            };
            match verdict(stretch, &answers, &|state| anywhere || self.has_digest(account, state)) {
                // It says which events a trail logs, and not that this archive holds its files of every day.
                Verdict::Logged => match silence.between(&silence.holes, from, to, stretch.is_in_all_regions()) {
                    Some(hole) => return gap(missing(hole)),
                    None => {
                        unseen = None;
                        continue;
                    }
                },
                Verdict::LeftOut(why) => return Some(Blind::LeftOut(why)),
                Verdict::Unknown => {}
            }
            if let Some(hole) = silence.between(&silence.holes, from, to, false) {
                return gap(missing(hole));
            }
            let Some(heard) = heard else {
                return gap(format!(
                    "no management {name} event of anyone in account {account}, {region}: its trail may not log them"
                ));
            };
            let stopped = stretch.trails.iter().find(|state| state.delivers == Delivers::Stopped);
            // The call that stopped it was still delivered.
            if let Some(stopped) = stopped.filter(|_| !heard.any_within(stretch.from.saturating_add(1), stretch.to)) {
                return gap(format!(
                    "{} was stopped from {} to {}",
                    stopped.label,
                    minute(from),
                    minute(to)
                ));
            }
            let class_is_seen = heard.any_within(stretch.from, stretch.to);
            if class_is_seen && source.is_none_or(|source| self.heard_source(account, source, stretch)) {
                unseen = None;
                continue;
            }
            let since = *unseen.get_or_insert(from);
            // What was never seen is not excused by stretches too short to show it.
            let ever = source.is_none_or(|source| self.heard_source(account, source, &Stretch::WHOLE));
            if ever && to - since <= SHORT {
                continue;
            }
            return gap(match source.filter(|_| class_is_seen) {
                Some(source) => format!(
                    "no event of {source} in account {account} from {} to {}: its trail may leave them out",
                    minute(since),
                    minute(to)
                ),
                None => format!(
                    "the trail of account {account} was changed, and no management {name} event in {region} shows what it logged from {} to {}",
                    minute(since),
                    minute(to)
                ),
            });
        }
        None
    }

    /// A trail may leave out the management events of KMS and of the RDS Data API (CloudTrail user guide, "Logging
    /// management events"): those services must be seen at all. A trail leaves them out in all its regions.
    fn heard_source(&self, account: &str, source: &str, stretch: &Stretch<'_>) -> bool {
        self.coverage
            .excludable_sources
            .iter()
            .filter(|((owner, _, known), _)| owner == account && known == source)
            .any(|(_, days)| days.any_within(stretch.from, stretch.to))
    }

    /// Data events are known to be logged only for the resources for which some were seen, or for which a trail is told
    /// to log them.
    fn data(
        &self,
        account: &str,
        resource_type: &str,
        asked: &Asked<'_>,
        stretches: &[Stretch<'_>],
        known: &BTreeSet<String>,
    ) -> Option<Blind> {
        let blind = |why: String| {
            Some(Blind::DataEvents {
                resource_type: resource_type.to_owned(),
                why,
            })
        };
        if self.trails.too_many {
            return blind("its trails were changed more often than can be followed".to_owned());
        }
        let events: Vec<String> = asked.resources.iter().map(|arn| named_by_events(arn)).collect();
        let regions: Vec<&str> = events.iter().map(|arn| arn.split(':').nth(3).unwrap_or("*")).collect();
        let asked = Asked {
            resources: &events,
            ..*asked
        };
        let places = self.places_of_data(account, resource_type, &events, known);
        let hole = |stretch: &Stretch<'_>, all_regions: bool| {
            let (from, to) = (stretch.from.max(self.window.first), stretch.to.min(self.window.end));
            places.iter().find_map(|(region, silence)| {
                let hole = silence.between(&silence.data_holes, from, to, all_regions)?;
                Some(Blind::Gap(missing(account, region, hole)))
            })
        };
        let roots: Vec<(&String, &RootDays)> = self
            .coverage
            .data_roots
            .iter()
            .filter(|((owner, _, kind), _)| owner == account && kind == resource_type)
            .flat_map(|(_, roots)| roots)
            .collect();
        let mut unseen = None;
        for stretch in stretches {
            let (from, to) = (stretch.from.max(self.window.first), stretch.to.min(self.window.end));
            // A bucket may lie in any region.
            let answers = |state: &State<'_>| {
                let in_place = state.multi_region || regions.iter().all(|region| *region == state.home);
                in_place.then(|| self.state_takes(state, &asked))
            };
            let is_here = |state: &State<'_>| !roots.is_empty() || self.has_digest(account, state);
            match verdict(stretch, &answers, &is_here) {
                Verdict::Logged => match hole(stretch, stretch.is_in_all_regions()) {
                    Some(hole) => return Some(hole),
                    None => {
                        unseen = None;
                        continue;
                    }
                },
                Verdict::LeftOut(why) => return blind(why),
                Verdict::Unknown => {}
            }
            // What was never seen is not excused by stretches too short to show it.
            if let Some(why) = roots_missing(resource_type, &asked, &roots, &Stretch::WHOLE) {
                return blind(why);
            }
            if let Some(hole) = hole(stretch, false) {
                return Some(hole);
            }
            let Some(why) = roots_missing(resource_type, &asked, &roots, stretch) else {
                unseen = None;
                continue;
            };
            let since = *unseen.get_or_insert(from);
            let stopped = stretch.trails.iter().any(|state| state.delivers == Delivers::Stopped);
            if stopped || to - since > SHORT {
                return blind(format!("{why} from {} to {}", minute(since), minute(to)));
            }
        }
        None
    }

    /// Where the data events of some resources are delivered: in the regions where theirs were seen, else in those where
    /// any of their type were, else in all that are known.
    fn places_of_data(
        &self,
        account: &str,
        resource_type: &str,
        resources: &[String],
        known: &BTreeSet<String>,
    ) -> Vec<(&str, &Silence)> {
        let of_type = self.coverage.data_roots.iter();
        let of_type = of_type
            .filter(|((owner, region, kind), _)| owner == account && kind == resource_type && known.contains(region));
        let is_asked = |roots: &BTreeMap<String, RootDays>| {
            let mut asked = resources.iter().map(|resource| crate::resolve::root(resource));
            asked.any(|root| roots.keys().any(|known| pattern::matches(root, known)))
        };
        let theirs = of_type.clone().filter(|(_, roots)| is_asked(roots));
        let regions = |found: &mut dyn Iterator<Item = &'a str>| -> BTreeSet<&'a str> { found.collect() };
        let mut places = regions(&mut theirs.map(|((_, region, _), _)| region.as_str()));
        if places.is_empty() {
            places = regions(&mut of_type.map(|((_, region, _), _)| region.as_str()));
        }
        let heard = self.silences.iter();
        heard
            .filter(|((owner, region), silence)| {
                let is_place = if places.is_empty() {
                    known.contains(region) && !silence.nothing
                } else {
                    places.contains(region.as_str())
                };
                owner == account && is_place
            })
            .map(|((_, region), silence)| (region.as_str(), silence))
            .collect()
    }

    fn state_takes(&self, state: &State<'_>, asked: &Asked<'_>) -> Takes {
        let mut all = Takes::None;
        for (number, selectors) in state.selectors.iter().enumerate() {
            let one = takes(self.catalog, selectors, asked);
            all = match (number, all, one) {
                (0, _, one) => one,
                (_, Takes::All, Takes::All) => Takes::All,
                (_, Takes::None, Takes::None) => Takes::None,
                (_, Takes::Some(field), _) | (_, _, Takes::Some(field)) => Takes::Some(field),
                (_, Takes::All, Takes::None) | (_, Takes::None, Takes::All) => {
                    Takes::Some("a change that the archive does not show".to_owned())
                }
            };
        }
        all
    }

    /// Whether the archive holds files of this trail: a digest says so.
    fn has_digest(&self, account: &str, state: &State<'_>) -> bool {
        self.coverage
            .digests
            .keys()
            .any(|(owner, _, trail)| owner == account && trail == state.name)
    }
}

/// Why the data events that were seen in a stretch do not show that all of the resources are logged.
fn roots_missing(
    resource_type: &str,
    asked: &Asked<'_>,
    roots: &[(&String, &RootDays)],
    stretch: &Stretch<'_>,
) -> Option<String> {
    if roots.is_empty() {
        return Some(format!("the archive has no data events of {resource_type}"));
    }
    for resource in asked.resources {
        let root = crate::resolve::root(resource);
        if root.contains(['*', '?', '$']) {
            return Some(format!(
                "data events of {resource_type} are seen for {} of its resources, not for all of `{resource}`",
                roots.len()
            ));
        }
        let seen = |of: fn(&RootDays) -> &Days| {
            roots
                .iter()
                .any(|(known, days)| pattern::matches(root, known) && of(days).any_within(stretch.from, stretch.to))
        };
        let (reads, writes) = (seen(|days| &days.reads), seen(|days| &days.writes));
        let (shown, kind) = match asked.reads {
            Some(true) => (reads, "reading "),
            Some(false) => (writes, "writing "),
            // A trail may be told to log one of the two, and which of them this is nobody knows.
            None => (reads && writes, ""),
        };
        if !shown {
            return Some(format!(
                "the archive has no {kind}data events of {resource_type} for {root}"
            ));
        }
    }
    None
}
