//! What must be so before something is called unused: this archive would have shown its use, nobody else saw any, and it
//! is neither kept nor young, changed a short time ago, taken, or in a service's hands.

use std::collections::{BTreeMap, BTreeSet};

use super::day;
use super::denied::Denied;
use crate::attribute::{cluster_of, region_of_issuer};
use crate::catalog::ActionId;
use crate::coverage::Coverage;
use crate::gap::{self, Gap, Reason, Slice};
use crate::grants::{Credentials, Grants, Kind, PolicyKind, Principal, PrincipalIndex};
use crate::iam::policy::Principal as Named;
use crate::iam::{Effect, PrincipalPart, ResourcePart, Statement, pattern};
use crate::resolve;
use crate::rightsize::{self, Options, covered_days};
use crate::time::{DAY, Window};
use crate::usage::{Row, Table};

/// What checks ask of the whole archive, looked for once.
#[derive(Debug, Default)]
pub struct Across<'a> {
    /// Calls of sts:AssumeRole, since most roles ask who took them.
    pub taking: Vec<&'a Row>,
    /// The last change to each principal and policy that the archive shows.
    policy_writes: BTreeMap<String, i64>,
    /// Managed policies that were passed for sessions: ARNs or their shapes.
    session_policies: BTreeSet<String>,
    /// Roles and instance profiles that were handed to services: ARNs or their shapes, with the last time.
    handed: BTreeMap<String, i64>,
    /// The last call under a long-term key of each user, by ARN.
    pub(super) keys: BTreeMap<&'a str, i64>,
    /// What was denied.
    pub(super) denied: Denied<'a>,
}

impl<'a> Across<'a> {
    /// Looks through an archive.
    pub fn of(table: &'a Table, coverage: &'a Coverage, grants: &Grants) -> Across<'a> {
        let mut across = Across {
            policy_writes: gap::policy_writes(table, grants),
            session_policies: gap::session_policies(table),
            denied: Denied::of(table),
            keys: keys_seen(coverage),
            ..Across::default()
        };
        for row in &table.rows {
            let signature = &table.signatures[row.signature].signature;
            match (&*signature.event_source, &*signature.event_name) {
                ("sts.amazonaws.com", "AssumeRole") => across.taking.push(row),
                ("sts.amazonaws.com", _) => {}
                ("iam.amazonaws.com", name) if name != "AddRoleToInstanceProfile" => {}
                _ if !signature.error_code.is_empty() => {}
                _ => {
                    // A service's call that names a role hands it over, or tells of one that the service has.
                    let named = row.resources.iter().map(|resource| resolve::bare(resource));
                    for arn in named.filter(|arn| arn.contains(":role/") || arn.contains(":instance-profile/")) {
                        let last = across.handed.entry(arn.to_owned()).or_insert(row.last);
                        *last = (*last).max(row.last);
                    }
                }
            }
        }
        across
    }

    /// Whether a policy was passed for a session, or changed, as far as the archive shows it.
    pub(super) fn touched(&self, policy: &str) -> bool {
        let mut passed = self.session_policies.iter();
        self.policy_writes.contains_key(policy) || passed.any(|shape| pattern::matches(shape, policy))
    }

    /// When a role was last handed to a service, itself or in an instance profile.
    fn handed(&self, role: &Principal) -> Option<i64> {
        let is_it = |arn: &str| match arn.split_once(":instance-profile/") {
            None => pattern::matches(arn, &role.arn),
            Some((account, path)) => {
                let name = path.rsplit('/').next().unwrap_or(path).trim_start_matches('*');
                let mut profiles = role.instance_profiles.iter();
                account.ends_with(&role.account) && profiles.any(|profile| profile.eq_ignore_ascii_case(name))
            }
        };
        let handed = self.handed.iter().filter(|(arn, _)| is_it(arn));
        handed.map(|(_, last)| *last).max()
    }
}

/// What it takes to call something unused.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// All grants.
    pub grants: &'a Grants,
    /// What was looked for once in all of the archive.
    pub across: &'a Across<'a>,
    /// What was read.
    pub coverage: &'a Coverage,
    /// What the archive spans.
    pub window: Window,
    /// What is left alone: the keep-list, what is too young.
    pub options: &'a Options,
}

impl<'a> Ground<'a> {
    fn principal(&self, index: PrincipalIndex) -> &'a Principal {
        &self.grants.principals[index]
    }

    /// Why nothing is said of what somebody did not do: by the keep-list, in part or whole, an age that is unknown or too
    /// low, or a change within `--grace`.
    pub(super) fn spared(&self, index: PrincipalIndex) -> Option<String> {
        let principal = self.principal(index);
        rightsize::spared(principal, self.changed(index), self.window, self.options)
    }

    /// Whether a rule of the keep-list speaks of somebody, in part or whole.
    pub(super) fn keeps(&self, principal: &Principal) -> bool {
        self.options.keep.0.iter().any(|rule| rule.fits(principal))
    }

    /// When somebody or one of its own policies was last changed.
    fn changed(&self, index: PrincipalIndex) -> Option<i64> {
        let principal = self.principal(index);
        let written = |arn: &String| self.across.policy_writes.get(arn).copied();
        let policies = self.grants.policies_of(index);
        let own = policies.into_iter().map(|policy| &self.grants.policies[policy]);
        // AWS changes its own policies for everybody.
        let own = own.filter(|policy| policy.kind != PolicyKind::AwsManaged);
        let own = own.flat_map(|policy| [written(&policy.arn), policy.updated.map(|time| time.as_second())]);
        let boundary = principal.permissions_boundary.as_ref().and_then(written);
        own.flatten().chain(boundary).chain(written(&principal.arn)).max()
    }

    /// Whether the archive has a log of an account at all.
    pub(super) fn hears(&self, account: &str) -> bool {
        !self.coverage.regions_of(account).is_empty()
    }

    /// Whether somebody may act in a place of which the archive has no log: its account, or a region that its policies, its
    /// trust policy or the clusters whose pods get it name.
    pub(super) fn is_out_of_sight(&self, gap: &Gap) -> bool {
        let principal = self.principal(gap.principal);
        let heard = self.coverage.regions_of(&principal.account);
        let policies = self.grants.policies_of(gap.principal);
        let documents = policies
            .iter()
            .filter_map(|policy| self.grants.policies[*policy].policy.as_ref().ok());
        let mut named: BTreeSet<&str> = BTreeSet::new();
        let statements = documents.flat_map(|document| &document.statements);
        for statement in statements.filter(|statement| statement.effect == Effect::Allow) {
            regions_in(statement, &mut named);
        }
        named.extend(principal.trust_statements().iter().flat_map(regions_of_clusters));
        let associations = self.grants.supplements.eks.associations_of(&principal.arn);
        let regions = associations.map(|one| one.place.1.as_str());
        named.extend(regions.filter(|region| !region.is_empty()));
        heard.is_empty() || named.iter().any(|region| !heard.contains(region))
    }

    /// Whether something beside calls shows that somebody is in use: IAM's own data, its credentials, the console.
    pub(super) fn is_seen_elsewhere(&self, gap: &Gap) -> bool {
        let (principal, supplements) = (self.principal(gap.principal), &self.grants.supplements);
        let accessed = supplements.last_accessed.get(&principal.arn).into_iter();
        let accessed = accessed.flat_map(|data| data.services.values().chain(data.actions.values()));
        let credentials = supplements.credentials.get(&principal.arn).into_iter();
        let credentials = credentials.flat_map(|known| {
            let keys = known.keys.iter().map(|key| key.last_used);
            keys.chain([known.password_last_used])
        });
        let told = accessed.copied().chain(credentials).chain([principal.last_used]);
        let mut times = told.flatten().map(|time| time.as_second());
        times.any(|time| time >= self.window.first) || self.coverage.signed_in.contains_key(&principal.arn)
    }

    /// Why whoever made no call is not taken out of service yet.
    pub(super) fn wait(&self, gap: &Gap) -> Option<String> {
        let principal = self.principal(gap.principal);
        let created = principal.created.map(|time| time.as_second());
        let younger = || {
            created.filter(|created| *created > self.window.first)?;
            Some(format!("{} is younger than the archive", principal.arn))
        };
        // Whoever takes a role does something with it, even where no log shows what.
        let taken = || {
            let last = day(*self.coverage.taken.get(&principal.id)?);
            Some(format!(
                "sessions of it were opened until {last}; data events would show what they did"
            ))
        };
        let nobodys = || {
            let names_nobody = |slice: &Slice| {
                let mut blind = slice.view.blind.iter();
                blind.any(|action| slice.reason(action) == Some(Reason::NamesNobody))
            };
            let may_be_its = gap.slices.iter().any(names_nobody);
            may_be_its.then(|| "a call of the account that names nobody may have been its".to_owned())
        };
        // What a service does with a role is logged in part; IAM's last use would tell of it.
        let by_services = || {
            let services = gap.trust.only_services().filter(|_| principal.last_used.is_none())?;
            Some(format!(
                "{} uses it, partly unlogged, and IAM's last use of it was not given",
                services.join(", ")
            ))
        };
        self.spared(gap.principal)
            .or_else(|| self.wait_for_days(gap))
            .or_else(younger)
            .or_else(taken)
            .or_else(|| self.handed(principal))
            .or_else(nobodys)
            .or_else(by_services)
            .or_else(|| self.unseen_user(gap))
            .or_else(|| waits_for_its_day(principal))
    }

    /// A user's keys need no session that a log would show being opened: where none of its grants would have shown, or some
    /// only in data events that the archive lacks, the credential report alone tells whether they were used.
    fn unseen_user(&self, gap: &Gap) -> Option<String> {
        let user = self.principal(gap.principal);
        let doubt = self.doubts_credentials(&user.arn);
        let is_told = doubt.is_none() && self.grants.supplements.credentials.contains_key(&user.arn);
        if user.kind != Kind::User || is_told {
            return None;
        }
        if self
            .grants
            .supplements
            .credentials
            .get(&user.arn)
            .is_some_and(|known| known.unreadable)
        {
            return doubt;
        }
        let grants_any = |is: fn(&Slice, ActionId) -> bool| {
            let mut slices = gap.slices.iter();
            slices.any(|slice| slice.granted.iter().any(|action| is(slice, action)))
        };
        let data_events = grants_any(|slice, action| slice.reason(action) == Some(Reason::DataEvents));
        let would_show = grants_any(|slice, action| slice.reason(action).is_none());
        let what = if !would_show {
            "no log given would show"
        } else if data_events {
            "data events alone would show some of"
        } else {
            return None;
        };
        Some(format!(
            "{what} what it may do: ask its owner, or give a --credential-report of today, which tells when its keys were used"
        ))
    }

    /// Why the credential report does not tell what became of somebody's credentials.
    pub(super) fn doubts_credentials(&self, arn: &str) -> Option<String> {
        let known = self.grants.supplements.credentials.get(arn)?;
        let seen = self.across.keys.get(arn).copied();
        if known.unreadable {
            return Some(format!("unreadable date: the credential report has one of {arn}"));
        }
        is_older(known, seen, self.window).then(|| match known.generated {
            Some(made) => format!(
                "the credential report is of {}, older than the archive's end: get a new one",
                day(made.as_second())
            ),
            None => {
                "the credential report is older than the archive, which shows a later use: get a new one".to_owned()
            }
        })
    }

    /// Why it is too early to say that something was not used: the archive is too short, or has too many holes.
    pub(super) fn wait_for_days(&self, gap: &Gap) -> Option<String> {
        self.too_short().or_else(|| self.little_covered(gap))
    }

    /// That the archive shows a role handed to a service: what that does with it may be in no log.
    pub(super) fn handed(&self, role: &Principal) -> Option<String> {
        let last = day(self.across.handed(role)?);
        Some(format!(
            "it was handed to a service, the last time on {last}: look whether that still has it"
        ))
    }

    /// Why it is too early to take away what was not used: the archive is shorter than `--min-window`.
    pub(super) fn too_short(&self) -> Option<String> {
        let (window, least) = (self.window, self.options.min_window);
        (window.end - window.first < i64::from(least) * DAY).then(|| {
            format!(
                "the archive spans {} days, less than --min-window {least}d",
                window.days()
            )
        })
    }

    /// The same, where the archive has holes.
    fn little_covered(&self, gap: &Gap) -> Option<String> {
        let (covered, least) = (covered_days(gap), i64::from(self.options.min_window));
        (covered < least).then(|| {
            format!(
                "the archive covers {covered} of {} days for it, less than --min-window {least}d",
                self.window.days()
            )
        })
    }
}

/// Whether a credential report speaks of another time than the archive.
pub fn has_old_credentials(grants: &Grants, coverage: &Coverage, window: Window) -> bool {
    let keys = keys_seen(coverage);
    let mut lines = grants.supplements.credentials.iter();
    lines.any(|(arn, known)| is_older(known, keys.get(arn.as_str()).copied(), window))
}

/// The last call under a long-term key of each user, by ARN.
fn keys_seen(coverage: &Coverage) -> BTreeMap<&str, i64> {
    let mut keys = BTreeMap::new();
    for (owner, calls) in coverage.access_keys.values().flatten() {
        let last = keys.entry(owner.as_str()).or_insert(calls.last);
        *last = (*last).max(calls.last);
    }
    keys
}

/// Whether a line of a credential report is older than the archive's end: by its own date, or else by a use of a key that it
/// does not know, `seen` being the last one.
fn is_older(known: &Credentials, seen: Option<i64>, window: Window) -> bool {
    if let Some(made) = known.generated {
        return made.as_second() < window.last() - DAY;
    }
    let used = known.keys.iter().filter_map(|key| key.last_used);
    let used = used.map(|time| time.as_second()).max();
    seen.is_some_and(|seen| used.is_none_or(|used| used + DAY < seen))
}

/// That somebody is there for a day that seldom comes, as its name, path or tags say: an organization's way into the account,
/// a deployment's, or the one for when all others fail. No archive is long enough to call such a one unused.
pub(super) fn waits_for_its_day(principal: &Principal) -> Option<String> {
    let plain = |text: &str| -> String {
        let letters = text.chars().filter(char::is_ascii_alphanumeric);
        letters.map(|letter| letter.to_ascii_lowercase()).collect()
    };
    let has = |text: &str, marks: &[&str]| marks.iter().any(|mark| plain(text).contains(mark));
    let mut tags = principal.tags.iter().flat_map(|(key, value)| [key, value]);
    let whose = [&principal.path, &principal.name];
    let why = if whose.iter().any(|text| has(text, &["breakglass", "emergency"]))
        || tags.any(|text| has(text, &["breakglass", "emergencyaccess"]))
    {
        "it is named or tagged as the way in for an emergency"
    } else if has(&principal.name, &["organizationaccountaccessrole", "awscontroltower"]) {
        // Organizations user guide, "Accessing member accounts"; Control Tower user guide, "How AWS Control Tower works with
        // roles".
        "the organization's management account comes into the account by it"
    } else if has(&principal.name, &["stackset"]) || trusted_roles(principal).any(|arn| has(arn, &["stackset"])) {
        // CloudFormation user guide, "Grant self-managed permissions": StackSets take it only when they change something.
        "stack sets deploy by it"
    } else {
        return None;
    };
    Some(format!("{why}, perhaps once in years: ask who keeps it"))
}

/// The roles that a trust policy names.
fn trusted_roles(principal: &Principal) -> impl Iterator<Item = &str> {
    let statements = principal.trust_statements().iter();
    let named = statements.filter_map(|statement| match &statement.principal {
        PrincipalPart::Principal(named) if statement.effect == Effect::Allow => Some(named),
        PrincipalPart::Principal(_) | PrincipalPart::NotPrincipal(_) | PrincipalPart::None => None,
    });
    named.flatten().filter_map(|who| match who {
        Named::Aws(arn) if arn.contains(":role/") => Some(arn.as_str()),
        Named::Everyone | Named::Aws(_) | Named::Service(_) | Named::Federated(_) | Named::CanonicalUser(_) => None,
    })
}

/// Regions that a statement is about: in ARNs of its resources, and where its conditions ask for some.
fn regions_in<'s>(statement: &'s Statement, named: &mut BTreeSet<&'s str>) {
    if let ResourcePart::Resource(resources) = &statement.resource {
        named.extend(
            resources
                .iter()
                .filter_map(|resource| resource.text().split(':').nth(3)),
        );
    }
    let conditions = statement.conditions.iter();
    let asked = conditions.filter(|condition| {
        let negated = condition.operator_text.to_ascii_lowercase().contains("not");
        condition.key.eq_ignore_ascii_case("aws:RequestedRegion") && !negated
    });
    named.extend(asked.flat_map(|condition| condition.values.iter().map(String::as_str)));
    named.retain(|region| !region.is_empty() && !region.contains(['*', '?', '$']));
}

/// Regions of the EKS clusters that a trust policy lets in: by their tokens, or by their ARNs in its conditions.
fn regions_of_clusters(statement: &Statement) -> impl Iterator<Item = &str> {
    let named = match &statement.principal {
        PrincipalPart::Principal(named) => &named[..],
        PrincipalPart::NotPrincipal(_) | PrincipalPart::None => &[],
    };
    let by_token = named.iter().filter_map(|who| match who {
        Named::Federated(provider) if cluster_of(provider).is_some() => {
            let (_, issuer) = provider.split_once(":oidc-provider/")?;
            region_of_issuer(issuer.split('/').next()?)
        }
        Named::Everyone | Named::Aws(_) | Named::Service(_) | Named::Federated(_) | Named::CanonicalUser(_) => None,
    });
    let values = statement.conditions.iter().flat_map(|condition| &condition.values);
    let by_arn = values.filter_map(|value| {
        let parts: Vec<&str> = value.splitn(6, ':').collect();
        let ["arn", _, "eks", region, _, _] = parts[..] else {
            return None;
        };
        (!region.is_empty() && !region.contains(['*', '?', '$'])).then_some(region)
    });
    by_token.chain(by_arn)
}
