//! What this archive would have shown: for each action on a statement's resources, whether its use could have gone
//! unseen, and why.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::actions::ActionSet;
use crate::catalog::{ActionId, Catalog, Logging};
use crate::coverage::{Class, Coverage};
use crate::iam::{ResourcePart, pattern};

/// A segment of the window that is too short to ask for events of every class.
const SHORT: i64 = 24 * 3600;
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
            Blind::Unobservable(why) | Blind::DataEvents { why, .. } | Blind::NoRegion(why) | Blind::Gap(why) => why,
        }
    }
}

/// What an archive shows of every action on one set of resources.
#[derive(Clone, Debug)]
pub struct View {
    /// Actions whose use could have gone unseen.
    pub blind: ActionSet,
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

/// Views by account and resources, made when first asked for.
pub(super) struct Views<'a> {
    catalog: &'a Catalog,
    coverage: &'a Coverage,
    window: (i64, i64),
    made: HashMap<(String, Vec<String>), Arc<View>>,
    logging: Vec<Logging>,
}

impl<'a> Views<'a> {
    pub(super) fn new(catalog: &'a Catalog, coverage: &'a Coverage, window: (i64, i64)) -> Views<'a> {
        let logging = catalog.ids().map(|id| catalog.logging(id)).collect();
        Views {
            catalog,
            coverage,
            window,
            made: HashMap::new(),
            logging,
        }
    }

    /// The view of an account's principal on a statement's resources.
    pub(super) fn of(&mut self, account: &str, resource: &ResourcePart) -> Arc<View> {
        let texts: Vec<String> = match resource {
            ResourcePart::Resource(resources) => resources.iter().map(|resource| resource.text().to_owned()).collect(),
            ResourcePart::NotResource(_) | ResourcePart::None => vec!["*".to_owned()],
        };
        let key = (account.to_owned(), texts);
        if let Some(view) = self.made.get(&key) {
            return Arc::clone(view);
        }
        let view = Arc::new(self.make(account, &key.1));
        self.made.insert(key, Arc::clone(&view));
        view
    }

    fn make(&self, account: &str, resources: &[String]) -> View {
        let regions = self.regions(resources);
        let regional = [true, false].map(|read_only| {
            regions
                .iter()
                .find_map(|region| self.management(account, region, read_only))
        });
        let global = [true, false].map(|read_only| self.global(account, read_only));
        let mut data: BTreeMap<&str, Option<Blind>> = BTreeMap::new();

        let mut view = View {
            blind: ActionSet::none(self.catalog),
            reason: vec![0; self.catalog.len()],
            reasons: Vec::new(),
        };
        let mut numbers: HashMap<Blind, u16> = HashMap::new();
        for id in self.catalog.ids() {
            let blind = match &self.logging[id.index()] {
                Logging::Never { why } | Logging::Unknown { why } => Some(Blind::Unobservable(why.clone())),
                Logging::Management { read_only } => {
                    let service = self.catalog.service(id);
                    let class = usize::from(!read_only);
                    let general = if self.catalog.is_global_service(service) && service != "sts" {
                        global[class].clone()
                    } else {
                        regional[class].clone()
                    };
                    general.or_else(|| self.excludable(account, service))
                }
                Logging::Data { resource_type } => data
                    .entry(resource_type)
                    .or_insert_with(|| self.data(account, resource_type, resources))
                    .clone(),
            };
            if let Some(blind) = blind {
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
    /// the archive knows.
    fn regions(&self, resources: &[String]) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        for resource in resources {
            match resource.split(':').nth(3) {
                Some(region) if !region.is_empty() && !region.contains(['*', '?', '$']) => {
                    named.insert(region.to_owned())
                }
                Some(_) | None => return self.coverage.regions().into_iter().map(str::to_owned).collect(),
            };
        }
        named
    }

    /// Why management events of a class would not all have been seen in a region.
    fn management(&self, account: &str, region: &str, read_only: bool) -> Option<Blind> {
        let (from, to) = self.window;
        let hours = self.coverage.management_hours(account, region);
        if hours.is_empty() {
            return Some(Blind::NoRegion(format!(
                "the archive has no event of account {account} in {region}"
            )));
        }
        if let Some((start, end)) = self.coverage.holes(account, region, from, to).first() {
            return Some(Blind::Gap(format!(
                "no event of account {account} in {region} from {} to {}",
                moment(*start),
                moment(*end)
            )));
        }
        let class = if read_only {
            Class::ManagementRead
        } else {
            Class::ManagementWrite
        };
        let name = if read_only { "read" } else { "write" };
        let key = (account.to_owned(), region.to_owned(), class);
        let Some(seen) = self.coverage.streams.get(&key) else {
            return Some(Blind::Gap(format!(
                "no management {name} event of anyone in account {account}, {region}: its trail may not log them"
            )));
        };
        // A change to the trail may have changed what it logs: the class must be seen on both sides.
        let changes = self
            .coverage
            .trail_changes
            .iter()
            .filter(|change| change.account == account);
        let mut start = from;
        for end in changes.map(|change| change.time).chain([to]) {
            if end - start > SHORT && !seen.any_within(start, end) {
                return Some(Blind::Gap(format!(
                    "the trail of account {account} was changed, and no management {name} event in {region} shows what it logged from {} to {}",
                    moment(start),
                    moment(end)
                )));
            }
            start = end;
        }
        None
    }

    fn global(&self, account: &str, read_only: bool) -> Option<Blind> {
        let regions = self.coverage.regions();
        let home = GLOBAL_REGIONS
            .into_iter()
            .find(|region| regions.contains(region))
            .unwrap_or(GLOBAL_REGIONS[0]);
        self.management(account, home, read_only)
    }

    /// A trail may leave out the management events of KMS and of the RDS Data API (CloudTrail user guide, "Logging
    /// management events"): those services must be seen at all.
    fn excludable(&self, account: &str, service: &str) -> Option<Blind> {
        let source = match service {
            "kms" => "kms.amazonaws.com",
            "rds-data" => "rdsdata.amazonaws.com",
            _ => return None,
        };
        let seen = self
            .coverage
            .excludable_sources
            .keys()
            .any(|(owner, _, known)| owner == account && known == source);
        (!seen).then(|| {
            Blind::Gap(format!(
                "no event of {source} in account {account}: its trail may leave them out"
            ))
        })
    }

    /// Data events are known to be logged only for the resources for which some were seen.
    fn data(&self, account: &str, resource_type: &str, resources: &[String]) -> Option<Blind> {
        let blind = |why: String| {
            Some(Blind::DataEvents {
                resource_type: resource_type.to_owned(),
                why,
            })
        };
        let seen: BTreeSet<&String> = self
            .coverage
            .data_roots
            .iter()
            .filter(|((owner, _, kind), _)| owner == account && kind == resource_type)
            .flat_map(|(_, roots)| roots.keys())
            .collect();
        if seen.is_empty() {
            return blind(format!("the archive has no data events of {resource_type}"));
        }
        for resource in resources {
            let root = crate::resolve::root(resource);
            if root.contains(['*', '?', '$']) {
                return blind(format!(
                    "data events of {resource_type} are seen for {} of its resources, not for all of `{resource}`",
                    seen.len()
                ));
            }
            if !seen.iter().any(|known| pattern::matches(root, known)) {
                return blind(format!("the archive has no data events of {resource_type} for {root}"));
            }
        }
        None
    }
}

/// `2026-10-03T04:00Z`
fn moment(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(
        |_| seconds.to_string(),
        |time| time.strftime("%Y-%m-%dT%H:%MZ").to_string(),
    )
}
