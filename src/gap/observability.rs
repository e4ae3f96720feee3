//! What this archive would have shown: for each action on a statement's resources, whether its use could have gone
//! unseen, and why.
//!
//! Two things show that a kind of event would have been logged: that some of it was (of anyone, in that account and
//! region), or a trail's configuration. Where a trail was changed both count only up to the next change. What a
//! configuration leaves out counts as well: a filter by caller or name hides what nobody else's events could tell.

mod data;
mod events;
mod management;
mod silence;
mod verdict;
mod walk;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use events::{callers, excludable, reads};
use management::Management;
use silence::Silence;

use super::actions::ActionSet;
use super::selectors::{Asked, Takes, takes};
use super::trails::{State, Trails};
use crate::catalog::{ActionId, Catalog, Logging, Mapping};
use crate::coverage::Coverage;
use crate::grants::{Principal, TrailConfig};
use crate::iam::ResourcePart;
use crate::resolve::{self, Operation};
use crate::time::Window;

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
    /// A call of the account that names nobody may have been the principal's.
    Nobodys(String),
}

impl Blind {
    /// The reason in words.
    pub fn why(&self) -> &str {
        match self {
            Blind::Unobservable(why)
            | Blind::LeftOut(why)
            | Blind::DataEvents { why, .. }
            | Blind::NoRegion(why)
            | Blind::Gap(why)
            | Blind::Nobodys(why) => why,
        }
    }
}

/// What an archive shows of the actions of a statement on its resources.
#[derive(Clone, Debug)]
pub struct View {
    /// Actions whose use could have gone unseen.
    pub blind: ActionSet,
    /// Of those, actions that days, regions or classes of events are missing for.
    pub outside: ActionSet,
    /// The place of the first action that was asked for.
    first: usize,
    /// For each action from there on the number of its reason, from 1; 0 for none.
    reason: Vec<u16>,
    reasons: Vec<Blind>,
}

impl View {
    /// The use of an action could have gone unseen; `numbers` holds those of the reasons so far.
    fn hide(&mut self, id: ActionId, blind: Blind, numbers: &mut HashMap<Blind, u16>) {
        match blind {
            Blind::Unobservable(_) | Blind::LeftOut(_) | Blind::DataEvents { .. } => {}
            Blind::NoRegion(_) | Blind::Gap(_) | Blind::Nobodys(_) => self.outside.insert(id),
        }
        let number = *numbers.entry(blind).or_insert_with_key(|blind| {
            self.reasons.push(blind.clone());
            u16::try_from(self.reasons.len()).unwrap_or(u16::MAX)
        });
        self.reason[id.index() - self.first] = number;
        self.blind.insert(id);
    }

    /// Why the use of an action could have gone unseen; `None` where it would have been seen.
    pub fn blind_to(&self, action: ActionId) -> Option<&Blind> {
        let number = *self.reason.get(action.index().checked_sub(self.first)?)?;
        self.reasons.get(usize::from(number).checked_sub(1)?)
    }
}

/// Account, resources, callers and actions of a view.
type Asking = (String, Vec<String>, Vec<String>, Arc<ActionSet>);

/// Views by what was asked, made when first asked for.
pub(super) struct Views<'a> {
    catalog: &'a Catalog,
    coverage: &'a Coverage,
    window: Window,
    trails: Trails<'a>,
    made: HashMap<Asking, Arc<View>>,
    silences: BTreeMap<(String, String), Silence>,
    logging: Vec<Logging>,
    /// (account, region) → actions that the archive shows there as management events, whatever the tables say.
    shown: HashMap<(&'a str, &'a str), ActionSet>,
    nobodys: Nobodys<'a>,
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
            nobodys: Nobodys::of(catalog, coverage),
        }
    }

    /// The view of what a statement allows a principal, on the statement's resources.
    pub(super) fn of(&mut self, principal: &Principal, resource: &ResourcePart, granted: &Arc<ActionSet>) -> Arc<View> {
        let texts: Vec<String> = match resource {
            ResourcePart::Resource(resources) => resources.iter().map(|resource| resource.text().to_owned()).collect(),
            ResourcePart::NotResource(_) | ResourcePart::None => vec!["*".to_owned()],
        };
        let callers = if self.trails.by_caller {
            callers(principal)
        } else {
            Vec::new()
        };
        let key = (principal.account.clone(), texts, callers, Arc::clone(granted));
        if let Some(view) = self.made.get(&key) {
            return Arc::clone(view);
        }
        let view = Arc::new(self.make(&principal.account, &key.1, &key.2, granted));
        self.made.insert(key, Arc::clone(&view));
        view
    }

    fn make(&mut self, account: &str, resources: &[String], callers: &[String], granted: &ActionSet) -> View {
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

        let nobodys = this.nobodys.in_account(account);
        let any_caller = || {
            Blind::Nobodys(format!(
                "a call in account {account} that may have needed it names nobody"
            ))
        };

        let span = granted.span();
        let mut view = View {
            blind: ActionSet::none(),
            outside: ActionSet::none(),
            first: span.start as usize,
            reason: vec![0; span.len()],
            reasons: Vec::new(),
        };
        let shown = this.shown_in(account, regions.iter().map(String::as_str));
        let shown_home = this.shown_in(account, [home]);
        let mut numbers: HashMap<Blind, u16> = HashMap::new();
        // What one action of a kind is answered, all of its kind are, unless a selector asks for services or names.
        type Kind<'k> = (Option<&'k str>, Option<bool>, bool, Option<ActionId>);
        let mut answers: HashMap<Kind<'_>, Option<Blind>> = HashMap::new();
        for id in granted.iter() {
            let own = this.trails.by_action.then_some(id);
            let is_shown =
                shown.contains(id) || shown_home.contains(id) && catalog.is_global_service(catalog.service(id));
            let logging = match &this.logging[id.index()] {
                // The row may say that AWS logs it as a read where IAM's level says write; that it was seen says nothing else.
                known @ Logging::Management { .. } => known,
                _ if is_shown => catalog.as_management(id),
                unseen => unseen,
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
                                source,
                                callers,
                            };
                            if global {
                                this.management(&at(home), &stretches)
                            } else {
                                let mut regions = regions.iter();
                                regions.find_map(|region| this.management(&at(region), &stretches))
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
            let may_be_anybodys = nobodys.contains(id);
            if let Some(blind) = blind.or_else(|| may_be_anybodys.then(any_caller)) {
                view.hide(id, blind, &mut numbers);
            }
        }
        (view.blind, view.outside) = (view.blind.shrunk(), view.outside.shrunk());
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
        let mut everywhere: Option<ActionSet> = None;
        for region in regions {
            let Some(here) = self.shown.get(&(account, region)) else {
                return ActionSet::none();
            };
            everywhere = Some(everywhere.map_or_else(|| here.clone(), |all| all.intersection(here)));
        }
        everywhere.unwrap_or_default()
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
/// By account what calls may have needed that name nobody and that AWS did not deny.
pub struct Nobodys<'c>(HashMap<&'c str, ActionSet>);

impl<'c> Nobodys<'c> {
    /// What an archive shows of them.
    pub fn of(catalog: &Catalog, coverage: &'c Coverage) -> Nobodys<'c> {
        let mut needed: HashMap<&str, ActionSet> = HashMap::new();
        for (account, source, name) in coverage.nobodys.keys() {
            let actions = needed.entry(account).or_insert_with(ActionSet::none);
            if source.is_empty() {
                // More kinds of them than are told apart.
                *actions = ActionSet::all(catalog);
                continue;
            }
            let operation = Operation::of(catalog, source, name);
            if let Mapping::Unmapped { prefixes, .. } = &operation.mapping {
                let own = prefixes.iter().map(|prefix| catalog.service_range(prefix));
                own.for_each(|range| actions.insert_range(range));
                let is_named = |id: &ActionId| {
                    catalog
                        .name(*id)
                        .split(':')
                        .nth(1)
                        .is_some_and(|own| own.eq_ignore_ascii_case(name))
                };
                catalog.ids().filter(is_named).for_each(|id| actions.insert(id));
            }
            let calls = resolve::resolve(catalog, &operation, &resolve::Facts::default(), &[]);
            calls.may_need.iter().for_each(|call| actions.insert(call.action));
        }
        Nobodys(needed)
    }

    /// What anybody of an account may have needed: calls that tell no account are of any.
    pub fn in_account(&self, account: &str) -> ActionSet {
        let mut all = ActionSet::none();
        for needed in [account, ""].iter().filter_map(|of| self.0.get(of)) {
            all.extend(needed);
        }
        all
    }
}
