//! A role that several workloads share, as the roles that it should be: one for each workload, with what that one may need.
//!
//! Of the calls each part has its own; what nobody can be named for, what the archive could not have shown and what IAM
//! alone saw stays with every part. `verify` proves each part against the role, and all of them together against its use.

mod groups;
mod itself;
mod trust;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::alternatives::split_document;
use super::fit::TOGETHER;
use super::narrow::{Narrow, Touched};
use super::removable::removable;
use super::rewrite::{statements, with_statements};
use super::{
    Alternative, AlternativeKind, Basis, Candidate, Change, Impossible, Rewriter, SESSION, attachments, guard,
};
use crate::attribute::{Workload, WorkloadKind};
use crate::gap::{ActionSet, Gap, Shares, Slice};
use crate::grants::{Grants, Kind, PolicyIndex, PolicyKind, Principal, PrincipalIndex};
use crate::iam::{Answer, Policy, PolicyText, Version};
use crate::usage::Row;

/// Most roles that one becomes; beyond, nobody would make them.
const MOST: usize = 40;
/// The longest name of a role (IAM user guide, "IAM and AWS STS quotas").
const LONGEST: usize = 64;

/// A role as the roles that it should be, not proved yet.
#[derive(Clone, Debug)]
pub struct RoleSplit {
    /// The role.
    pub role: PrincipalIndex,
    /// What each workload would have.
    pub parts: Vec<Part>,
    /// All that its policies say.
    pub before: Policy,
    /// Today's trust policy.
    pub trust: Policy,
    /// What it is granted.
    pub granted: ActionSet,
    /// Calls that are owed to nobody who can be named, by the reason.
    pub unattributed: BTreeMap<&'static str, u64>,
    /// Why not to do it yet.
    pub held: Option<String>,
}

/// One of the roles that a role should be.
#[derive(Clone, Debug)]
pub struct Part {
    /// The new role's name.
    pub name: String,
    /// Who gets it, with their calls in the archive, most first.
    pub workloads: Vec<(Workload, u64)>,
    /// Of a caller whose sessions are parted, the family of those that get it.
    pub sessions: Option<String>,
    /// Why they are together, or alone.
    pub why: String,
    /// The role's gap, as if only they, and whoever cannot be named, had called.
    pub gap: Gap,
    /// The actions that only they called, as far as calls can be owed to somebody.
    pub used: ActionSet,
    /// Documents that would do beside `attach`, the narrowest first.
    pub candidates: Vec<Value>,
    /// Policies that AWS maintains together with what uses them; they stay as they are.
    pub attach: Vec<PolicyIndex>,
    /// What those policies say.
    pub attached: Vec<Value>,
    /// What it would be granted.
    pub kept: ActionSet,
    /// Today's trust policy for these alone, or why it cannot be cut.
    pub trust: Result<Value, String>,
    /// Roles that it takes by a trust policy that names the shared role, by their ARNs: they have to name the new one as well.
    pub named_by: Vec<String>,
}

impl RoleSplit {
    /// Holds it for one more reason.
    pub fn hold(&mut self, why: &str) {
        match &mut self.held {
            Some(held) => held.push_str(&format!("; {why}")),
            None => self.held = Some(why.to_owned()),
        }
    }
}

impl Part {
    /// Whom it is for: the first of its workloads, and how many more.
    pub fn label(&self) -> String {
        let Some((first, _)) = self.workloads.first() else {
            return self.name.clone();
        };
        let name = match &first.namespace {
            Some(namespace) => format!("{} {namespace}/{}", first.kind.name(), first.name),
            None => format!("{} {}", first.kind.name(), first.name),
        };
        match (self.workloads.len() - 1, &self.sessions) {
            (0, Some(family)) => format!("{name} in sessions named {family}"),
            (0, None) => name,
            (more, _) => format!("{name} and {more} more"),
        }
    }

    /// All that it would be granted with one of its documents.
    ///
    /// # Errors
    /// Why it is no policy.
    pub fn after(&self, document: &Value) -> Result<Policy, String> {
        let mut all = statements(document).to_vec();
        all.extend(self.attached.iter().cloned());
        parse(&with_statements(document, all))
    }
}

/// Whether a document has no statement.
pub fn is_empty(document: &Value) -> bool {
    statements(document).is_empty()
}

/// A document in as few managed policies as hold it.
///
/// # Errors
/// Why there are none, or too many for one role.
pub fn in_managed_policies(document: &Value, beside: usize) -> Result<Vec<Value>, String> {
    let documents = split_document(document)?;
    let most = attachments(Kind::Role);
    if documents.len() + beside > most {
        return Err(format!(
            "{} policies would be needed, and AWS allows {most}",
            documents.len() + beside
        ));
    }
    Ok(documents)
}

/// Roles that several workloads used, as the roles that they should be; in the order of the principals.
pub fn role_splits(basis: &Basis<'_>, shows: &dyn Fn(PrincipalIndex) -> bool) -> (Vec<RoleSplit>, Vec<Impossible>) {
    let Basis { grants, gaps, .. } = *basis;
    let several = |index: &PrincipalIndex| {
        let named = gaps[*index].users.all.iter().filter(|user| user.workload.is_some());
        grants.principals[*index].kind == Kind::Role
            && named.map(|user| user.sessions.len().max(1)).sum::<usize>() > 1
            && shows(*index)
            && guard::why_not_principal(grants, gaps, *index).is_none()
            && guard::unreadable(grants, *index).is_none()
    };
    let roles: BTreeSet<PrincipalIndex> = (0..grants.principals.len()).filter(several).collect();
    let (mut made, mut impossible) = (Vec::new(), Vec::new());
    if roles.is_empty() {
        return (made, impossible);
    }
    let shares = Shares::of(basis.catalog, basis.table, grants, &roles, basis.options.life_cycles);
    let rewriter = Rewriter::new(basis);
    for role in roles {
        match rewriter.parts(&shares, role) {
            None => {}
            Some(Ok(split)) => made.push(split),
            Some(Err(why)) => impossible.push(Impossible {
                kind: AlternativeKind::Roles,
                policy: None,
                affects: vec![role],
                why,
            }),
        }
    }
    (made, impossible)
}

/// A session policy for each part of a role, for where the role must stay one.
pub fn session_policies(basis: &Basis<'_>, splits: &[RoleSplit]) -> (Vec<Alternative>, Vec<Impossible>) {
    let (mut made, mut impossible) = (Vec::new(), Vec::new());
    if splits.is_empty() {
        return (made, impossible);
    }
    let rewriter = Rewriter::new(basis);
    for split in splits {
        for part in &split.parts {
            match rewriter.session(split, part) {
                Ok(session) => made.push(session),
                Err(why) => impossible.push(Impossible {
                    kind: AlternativeKind::SessionPolicy,
                    policy: None,
                    affects: vec![split.role],
                    why: format!(
                        "{}: {why}; the managed policies of its part of the split can be passed instead (sts:AssumeRole, \
                         PolicyArns, at most 10)",
                        part.label()
                    ),
                }),
            }
        }
    }
    (made, impossible)
}

/// All that a role's policies say: what may be cut, and what stays as it is.
struct Whole {
    /// The statements that may be cut, as one document.
    document: Value,
    policy: Policy,
    /// For each of its statements the policy and place that it comes from.
    from: Vec<(PolicyIndex, usize)>,
    /// Policies that stay as they are, and their statements.
    attach: Vec<PolicyIndex>,
    attached: Vec<Value>,
}

impl Rewriter<'_> {
    /// A session policy with what one part may need.
    fn session(&self, split: &RoleSplit, part: &Part) -> Result<Alternative, String> {
        let (_, stays) = self.stays(&part.gap);
        let all = self.everything(split.role);
        let (documents, before, after) = self.cut_to(split.role, &all, &stays, SESSION.characters)?;
        let by_association = part.workloads.iter().map(|(one, _)| one);
        let by_association = by_association.filter(|one| one.kind == WorkloadKind::PodIdentity);
        Ok(Alternative {
            kind: AlternativeKind::SessionPolicy,
            policy: None,
            affects: vec![split.role],
            documents,
            quota: SESSION.characters,
            held: split.held.clone(),
            workload: Some(part.label()),
            share: Some(Box::new(part.gap.clone())),
            pods: by_association.cloned().collect(),
            before,
            after,
        })
    }

    /// The roles that one should be; `None` where those who used it are one workload.
    fn parts(&self, shares: &Shares<'_>, role: PrincipalIndex) -> Option<Result<RoleSplit, String>> {
        let gap = &self.gaps[role];
        let eks = &self.grants.supplements.eks;
        let groups = groups::groups(shares, gap, eks, &|arn| self.is_hub(role, arn));
        if groups.all.len() < 2 {
            return None;
        }
        if groups.all.len() > MOST {
            return Some(Err(format!(
                "{} workloads used it: more than {MOST} roles are not proposed",
                groups.all.len()
            )));
        }
        Some(self.split_into(shares, role, groups))
    }

    /// Whether pods come to a role by another one, which EKS takes first: its trust policy or an association says so. Of a
    /// role that nobody knows they may.
    fn is_hub(&self, role: PrincipalIndex, first: &str) -> Answer {
        let mut known = self.grants.principals.iter().enumerate();
        let Some((index, _)) = known.find(|(_, principal)| principal.arn == first) else {
            return match first.contains(":role/") {
                true => Answer::Unknown,
                false => Answer::No,
            };
        };
        let target = &self.grants.principals[role].arn;
        let services = &self.gaps[index].trust.services;
        let mut associations = self.grants.supplements.eks.associations_of(target);
        let is_it = services
            .iter()
            .any(|service| service.starts_with("pods.eks.amazonaws.com"))
            || associations.any(|association| association.role == first);
        if is_it { Answer::Yes } else { Answer::No }
    }

    fn split_into(
        &self,
        shares: &Shares<'_>,
        role: PrincipalIndex,
        groups: groups::Groups,
    ) -> Result<RoleSplit, String> {
        let (gap, principal) = (&self.gaps[role], &self.grants.principals[role]);
        let eks = &self.grants.supplements.eks;
        let whole = self.whole(role)?;
        let all = with_statements(
            &whole.document,
            statements(&whole.document)
                .iter()
                .chain(&whole.attached)
                .cloned()
                .collect(),
        );
        if let Some(why) = itself::why_not(self.grants, principal, &all) {
            return Err(why);
        }
        let mut granted = ActionSet::none();
        for slice in &gap.slices {
            granted.extend(&slice.granted);
        }
        let names = names(self.grants, principal, &groups.all);
        let parts = groups.all.iter().zip(names).enumerate().map(|(at, (group, name))| {
            let own = |row: &Row| groups.of.get(&row.behind) == Some(&at);
            let mine = |row: &Row| {
                let of = groups.of.get(&row.behind);
                of.is_none_or(|of| *of == at) || groups.anybodys.contains(&row.behind)
            };
            let share = shares.share(gap, &mine);
            let mut used = ActionSet::none();
            for action in shares.share(gap, &own).activity.used.keys() {
                used.insert(*action);
            }
            let (candidates, kept) = self.cut_to_share(shares, &whole, &share, &mine)?;
            let new = principal.arn_beside(&name);
            Ok(Part {
                named_by: itself::named_by(self.catalog, self.grants, principal, &new, (&share, &kept)),
                name,
                workloads: group.workloads.clone(),
                sessions: group.sessions.clone(),
                why: group.why.clone(),
                used,
                candidates,
                attach: whole.attach.clone(),
                attached: whole.attached.clone(),
                kept,
                trust: trust::trust(principal, &group.workloads, eks, &|arn| self.is_hub(role, arn)),
                gap: share,
            })
        });
        Ok(RoleSplit {
            role,
            parts: parts.collect::<Result<_, String>>()?,
            before: parse(&all)?,
            trust: match &principal.trust {
                Some(Ok(trust)) => trust.clone(),
                Some(Err(_)) | None => return Err("its trust policy is not known".to_owned()),
            },
            granted,
            unattributed: groups.unattributed,
            held: self.holds(None, &[role]).why(),
        })
    }

    /// All statements of a role's policies as one document, each Sid once.
    fn whole(&self, role: PrincipalIndex) -> Result<Whole, String> {
        let grants = self.grants;
        let (mut cuttable, mut from) = (Vec::new(), Vec::new());
        let (mut attach, mut attached) = (Vec::new(), Vec::new());
        for index in grants.policies_of(role) {
            let policy = &grants.policies[index];
            let known = policy.policy.as_ref().map_err(Clone::clone)?;
            // `${` is text in the older language and a variable in the newer one.
            if known.version == Version::V2008 && policy.document.to_string().contains("${") {
                return Err(format!(
                    "its policy {} is written in the language of 2008, and holds `${{`",
                    policy.name
                ));
            }
            let upstream = policy.kind == PolicyKind::AwsManaged
                && super::why_not_policy(grants, index, self.gaps, self.options.replace_aws_managed).is_some();
            if upstream {
                attach.push(index);
                attached.extend(statements(&policy.document).iter().map(without_sid));
                continue;
            }
            for (place, statement) in known.statements.iter().zip(statements(&policy.document)) {
                cuttable.push(without_sid(statement));
                from.push((index, place.index));
            }
        }
        let document = json!({"Version": "2012-10-17", "Statement": cuttable});
        Ok(Whole {
            policy: parse(&document)?,
            document,
            from,
            attach,
            attached,
        })
    }

    /// Documents with what a share may need, the narrowest first, and what they grant together with what stays as it is.
    fn cut_to_share(
        &self,
        shares: &Shares<'_>,
        whole: &Whole,
        share: &Gap,
        mine: &dyn Fn(&Row) -> bool,
    ) -> Result<(Vec<Value>, ActionSet), String> {
        let catalog = self.catalog;
        // The statements' places in the whole document.
        let gap = Gap {
            slices: whole
                .from
                .iter()
                .enumerate()
                .filter_map(|(at, (policy, statement))| {
                    let mut slices = share.slices.iter();
                    let slice = slices.find(|slice| slice.policy == *policy && slice.statement == *statement)?;
                    Some(Slice {
                        policy: 0,
                        statement: at,
                        ..slice.clone()
                    })
                })
                .collect(),
            ..share.clone()
        };
        let gaps = [gap];
        let kept = guard::kept(catalog, self.grants, &[share.principal], &self.options.keep);
        let removable = removable(
            catalog,
            self.grants,
            &gaps,
            0,
            &[0],
            &whole.policy,
            self.options,
            &kept.actions,
        );
        let names_service = |name: &&str| !name.split(':').next().unwrap_or("").contains(['*', '?']);
        let spelled = share
            .activity
            .names()
            .filter(names_service)
            .map(str::to_owned)
            .collect();
        let finest = self
            .cut(
                PolicyKind::Managed,
                &whole.document,
                &whole.policy,
                &removable,
                &TOGETHER,
                &spelled,
            )
            .finest();
        let base = match finest.change {
            Change::Replace => finest,
            Change::Detach | Change::Delete => Candidate {
                after: PolicyText::from(&with_statements(&whole.document, Vec::new())),
                ..finest
            },
        };
        let policy = base.after.policy().map_err(|error| error.to_string())?;
        let of_attached = parse(&with_statements(&whole.document, whole.attached.clone()))?;
        let left = ActionSet::allowed_by(catalog, policy.statements.iter().chain(&of_attached.statements));
        let touched = Touched::of_share(shares, &gaps[0], mine);
        let narrow = Narrow {
            catalog,
            grants: self.grants,
            options: self.options,
            gaps: &gaps,
            touched: &touched,
            policy: 0,
            affects: &[0],
            kept: &kept.actions,
            window: self.window,
            names: &self.names,
        };
        let mut candidates: Vec<Value> = narrow
            .candidates(&policy, &base, u64::MAX)
            .0
            .into_iter()
            .map(|candidate| candidate.after.value())
            .collect();
        candidates.push(base.after.value());
        Ok((candidates, left))
    }
}

fn without_sid(statement: &Value) -> Value {
    let mut statement = statement.clone();
    if let Some(object) = statement.as_object_mut() {
        object.retain(|name, _| !name.eq_ignore_ascii_case("Sid"));
    }
    statement
}

/// A name for each part's role: the role's own and the workload's, as short as tells them apart from each other and from
/// the roles that there are.
fn names(grants: &Grants, role: &Principal, groups: &[groups::Group]) -> Vec<String> {
    let mut taken: BTreeSet<String> = grants
        .principals
        .iter()
        .filter(|other| other.kind == Kind::Role && other.account == role.account)
        .map(|other| other.name.to_lowercase())
        .collect();
    let names = |at: usize| -> Vec<String> {
        let of = |group: &groups::Group| {
            let name = group.names.get(at).or(group.names.last()).map_or("", String::as_str);
            role_name(&role.name, name)
        };
        groups.iter().map(of).collect()
    };
    let longest = groups.iter().map(|group| group.names.len()).max().unwrap_or(1);
    let told_apart = |names: &Vec<String>| {
        let lower: BTreeSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
        lower.len() == names.len() && lower.is_disjoint(&taken)
    };
    let found = (0..longest).map(names).find(told_apart);
    let mut all = found.unwrap_or_else(|| names(longest - 1));
    for name in &mut all {
        let start = name.clone();
        let mut number = 2;
        while !taken.insert(name.to_lowercase()) {
            *name = role_name(&start, &number.to_string());
            number += 1;
        }
    }
    all
}

/// `ROLE-WORKLOAD` of the characters that IAM takes, and no longer than it allows.
fn role_name(role: &str, workload: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "+=,.@_-".contains(c) {
            c
        } else {
            '-'
        }
    };
    let workload: String = workload.chars().map(plain).collect();
    let name = format!("{role}-{}", workload.trim_matches('-'));
    if name.len() <= LONGEST {
        return name;
    }
    let digest = Sha256::digest(name.as_bytes());
    let digest: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let kept: String = name.chars().take(LONGEST - digest.len() - 1).collect();
    format!("{kept}-{digest}")
}

fn parse(document: &Value) -> Result<Policy, String> {
    Policy::from_value(document).map_err(|error| error.to_string())
}
