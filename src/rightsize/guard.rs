//! What is left alone, and why: policies that cannot be edited, and people's keep rules.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::catalog::Catalog;
use crate::gap::{ActionSet, Gap};
use crate::grants::{Grants, Kind, PolicyDocument, PolicyIndex, PolicyKind, Principal, PrincipalIndex};
use crate::iam::pattern;

/// AWS-managed policies whose holders run AWS's own agents, which AWS extends with them; the name's start decides.
const MAINTAINED_UPSTREAM: [&str; 9] = [
    "AmazonEKS",
    "AmazonSSM",
    "AmazonEC2ContainerRegistry",
    "AmazonElasticContainerRegistry",
    "CloudWatchAgent",
    "AWSFaultInjectionSimulator",
    "AmazonEBSCSIDriver",
    "AmazonEFSCSIDriver",
    "AmazonECS_",
];

/// What must stay, whatever the evidence says.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Keep(pub Vec<KeepRule>);

/// One line of a keep file.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeepRule {
    /// A glob over the ARN, the name or the path, or `tag:KEY=VALUE`.
    pub principal: String,
    /// An IAM action pattern; without one the whole principal is left alone.
    pub action: Option<String>,
    /// Shown with what it keeps.
    pub reason: String,
    /// Last day on which the rule holds, `YYYY-MM-DD`.
    pub expires: Option<String>,
    /// Whether it stands for a principal that runs this program.
    #[serde(skip)]
    pub own: bool,
}

impl Keep {
    /// Whether the principal is named as one that runs this program.
    pub fn is_own(&self, principal: &Principal) -> bool {
        self.0.iter().any(|rule| rule.own && rule.fits(principal))
    }
}

impl KeepRule {
    /// A rule for principals that are named so, which keeps nothing: choices name them alike.
    pub(super) fn of(principal: &str) -> KeepRule {
        KeepRule {
            principal: principal.to_owned(),
            action: None,
            reason: String::new(),
            expires: None,
            own: false,
        }
    }

    /// Leaves a principal alone that runs this program: an ARN, of a role also that of a session or without its path; or
    /// a name. What it does for this program is no use of the owner's, and taking it for none would make what it needs
    /// unused.
    pub fn own(named: &str) -> KeepRule {
        let principal = match named.split_once(":assumed-role/") {
            // `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`
            Some((account, session)) => format!(
                "{}:role/{}",
                account.replacen(":sts:", ":iam:", 1),
                session.split('/').next().unwrap_or("")
            ),
            None => named.to_owned(),
        };
        KeepRule {
            principal,
            action: None,
            reason: "it runs trimtrail (--own)".to_owned(),
            expires: None,
            own: true,
        }
    }

    /// Whether an ARN that `--own` names is the principal's, but for its path: STS does not tell that.
    fn is_own_arn(&self, principal: &Principal) -> bool {
        let parts = |arn: &str| {
            let (account, resource) = arn.rsplit_once(':')?;
            let (kind, name) = resource.split_once('/')?;
            let name = name.rsplit('/').next()?;
            Some((account.to_owned(), kind.to_owned(), name.to_owned()))
        };
        self.own && parts(&self.principal).is_some_and(|named| Some(named) == parts(&principal.arn))
    }

    /// Whether the rule speaks of this principal.
    pub fn fits(&self, principal: &Principal) -> bool {
        if let Some(tag) = self.principal.strip_prefix("tag:").filter(|tag| tag.contains('=')) {
            // A key may hold `=` too. Keys of users and roles are not case sensitive, values are (IAM user guide, "Tags
            // for AWS Identity and Access Management resources", case sensitivity).
            return tag.match_indices('=').any(|(at, _)| {
                let (key, value) = (&tag[..at], &tag[at + 1..]);
                let mut known = principal.tags.iter();
                known.any(|(name, known)| name.to_lowercase() == key.to_lowercase() && pattern::matches(value, known))
            });
        }
        let texts = [&principal.arn, &principal.name, &principal.path];
        texts.into_iter().any(|text| pattern::matches(&self.principal, text)) || self.is_own_arn(principal)
    }
}

/// What keep rules say of one policy.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Actions that stay.
    pub actions: ActionSet,
    /// Why somebody's grants are left alone as a whole.
    pub whole: Option<String>,
    /// The rules that had their say.
    pub rules: Vec<String>,
}

/// The keep rules for everybody whom a policy affects.
pub(super) fn kept(catalog: &Catalog, grants: &Grants, affects: &[PrincipalIndex], keep: &Keep) -> Kept {
    let mut kept = Kept {
        actions: ActionSet::none(),
        whole: None,
        rules: Vec::new(),
    };
    for rule in &keep.0 {
        let Some(principal) = affects
            .iter()
            .map(|index| &grants.principals[*index])
            .find(|principal| rule.fits(principal))
        else {
            continue;
        };
        match &rule.action {
            Some(action) => {
                kept.actions
                    .extend(&ActionSet::of_pattern(catalog, &action.to_lowercase()));
                kept.rules
                    .push(format!("{action} stays for {}: {}", principal.arn, rule.reason));
            }
            None => {
                kept.whole = Some(format!("{} is on the keep-list: {}", principal.arn, rule.reason));
                kept.rules
                    .push(format!("{} stays as it is: {}", principal.arn, rule.reason));
            }
        }
    }
    kept
}

/// Why a principal's policies are not rewritten.
pub fn why_not_principal(grants: &Grants, gaps: &[Gap], index: PrincipalIndex) -> Option<String> {
    let principal = &grants.principals[index];
    if principal.path.starts_with("/aws-service-role/") {
        return Some("service-linked role: its service maintains it".to_owned());
    }
    if principal.path.starts_with("/aws-reserved/") {
        return Some("permission set: edit it in IAM Identity Center".to_owned());
    }
    if let Some(services) = gaps[index].trust.only_services() {
        return Some(format!("used by {}, partly unlogged", services.join(", ")));
    }
    None
}

/// What of somebody's grants cannot be read, groups included. What it allows, denies or lets others do, nobody knows, so
/// what the rest would be without its unused actions is for a person to judge.
pub(super) fn unreadable(grants: &Grants, index: PrincipalIndex) -> Option<String> {
    let principal = &grants.principals[index];
    let groups = principal.groups.iter().map(|group| &grants.principals[*group]);
    let mut unknown = std::iter::once(principal)
        .chain(groups)
        .filter_map(|one| Some(format!("{}: {}", one.arn, one.unknown.first()?)));
    let policies = grants
        .policies_of(index)
        .into_iter()
        .map(|policy| &grants.policies[policy]);
    let mut documents = policies.filter_map(|policy| {
        let why = policy.policy.as_ref().err()?;
        Some(format!(
            "{}: its policy {} cannot be understood: {why}",
            principal.arn, policy.name
        ))
    });
    let trust = || {
        let why = principal.trust.as_ref()?.as_ref().err()?;
        Some(format!(
            "{}: its trust policy cannot be understood: {why}",
            principal.arn
        ))
    };
    unknown.next().or_else(|| documents.next()).or_else(trust)
}

/// Why a policy is not rewritten.
pub fn why_not_policy(grants: &Grants, index: PolicyIndex, gaps: &[Gap], replace_aws_managed: bool) -> Option<String> {
    let policy = &grants.policies[index];
    if let Err(why) = &policy.policy {
        return Some(format!("cannot be understood: {why}"));
    }
    if policy.is_boundary {
        return Some("it is a permissions boundary".to_owned());
    }
    match policy.kind {
        PolicyKind::Inline => {}
        PolicyKind::Managed => {
            let seen = policy.attached_to.len() as u64;
            match policy.attachment_count {
                Some(count) if count > seen => {
                    return Some(format!(
                        "shared: {count} attachments, {seen} of them in the grants given"
                    ));
                }
                Some(_) => {}
                None => return Some("shared: the grants do not say how often it is attached".to_owned()),
            }
        }
        PolicyKind::AwsManaged => {
            if maintained_upstream(policy) && !replace_aws_managed {
                return Some("maintained upstream".to_owned());
            }
        }
    }
    let left_alone = grants.affected_by(index).into_iter().map(|principal| {
        let why = why_not_principal(grants, gaps, principal)?;
        Some(format!("{} has it: {why}", grants.principals[principal].arn))
    });
    if goes_holder_by_holder(grants, index) {
        let left_alone: Vec<Option<String>> = left_alone.collect();
        let all = left_alone.iter().all(Option::is_some);
        left_alone.into_iter().flatten().next().filter(|_| all)
    } else {
        left_alone.flatten().next()
    }
}

/// The permission set whose inline policy this is. IAM Identity Center writes it as `AwsSSOInlinePolicy` into a role
/// `AWSReservedSSO_NAME_0123456789abcdef` of each account (user guide, "Referencing permission sets in resource
/// policies").
pub(super) fn permission_set(grants: &Grants, index: PolicyIndex) -> Option<&str> {
    let policy = &grants.policies[index];
    let [owner] = policy.attached_to[..] else {
        return None;
    };
    let set = grants.principals[owner].permission_set()?;
    (policy.kind == PolicyKind::Inline && policy.name == "AwsSSOInlinePolicy").then_some(set)
}

/// The inline policies of permission sets, the copies of one together: same set, same document.
pub(super) fn permission_sets(grants: &Grants) -> Vec<Vec<PolicyIndex>> {
    let mut sets: BTreeMap<(&str, String), Vec<PolicyIndex>> = BTreeMap::new();
    for (index, policy) in grants.policies.iter().enumerate() {
        if let Some(set) = permission_set(grants, index) {
            sets.entry((set, policy.document.to_string())).or_default().push(index);
        }
    }
    sets.into_values().collect()
}

/// Whether some holders may lose a policy although others must keep it: an AWS-managed one is replaced by a copy,
/// holder by holder. What a group has, its members have together.
pub(super) fn goes_holder_by_holder(grants: &Grants, index: PolicyIndex) -> bool {
    let policy = &grants.policies[index];
    let mut holders = policy.attached_to.iter();
    policy.kind == PolicyKind::AwsManaged && holders.all(|holder| grants.principals[*holder].kind != Kind::Group)
}

/// Whether AWS extends the policy together with what its holders run.
fn maintained_upstream(policy: &PolicyDocument) -> bool {
    policy.arn.contains(":policy/service-role/")
        || policy.arn.contains(":policy/aws-service-role/")
        || MAINTAINED_UPSTREAM.iter().any(|start| policy.name.starts_with(start))
}
