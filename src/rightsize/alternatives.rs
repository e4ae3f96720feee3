//! Other ways to the same end, for the careful: a permissions boundary, a trial denial, a session policy, a split.
//!
//! None of them takes a policy's place unasked. Each says what it is compared with, so that `verify` can prove it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::fit::{TOGETHER, fit};
use super::names::Within;
use super::quota::{MANAGED, SESSION, attachments, characters};
use super::removable::goes;
use super::rewrite::{statements, texts, with_actions, with_statements};
use super::{Basis, Goal, Resources, Rewriter, guard};
use crate::attribute::Workload;
use crate::gap::{ActionSet, Gap};
use crate::grants::{Kind, PolicyIndex, PolicyKind, PrincipalIndex};
use crate::iam::{ActionPart, ActionPattern, Effect, Policy};

/// Characters of a document around its statements' actions, generously.
const FRAME: u64 = 40;

/// A kind of alternative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AlternativeKind {
    /// A permissions boundary that allows what stays.
    PermissionsBoundary,
    /// A policy that denies what would go, to be attached for a week and watched.
    TrialDeny,
    /// A policy to pass when a session is opened.
    SessionPolicy,
    /// What stays, action by action, in several managed policies, where one is too small for it.
    Split,
    /// A role that several workloads share, as a role for each.
    Roles,
}

impl AlternativeKind {
    /// The kind as `result.json` writes it.
    pub fn name(self) -> &'static str {
        match self {
            AlternativeKind::PermissionsBoundary => "permissions_boundary",
            AlternativeKind::TrialDeny => "trial_deny",
            AlternativeKind::SessionPolicy => "session_policy",
            // Of a policy or of a role: what there is of `policy` and `split` tells them apart.
            AlternativeKind::Split | AlternativeKind::Roles => "split",
        }
    }

    /// Whether it leaves the permissions that the suggestion leaves, no more and no less.
    pub fn is_equivalent(self) -> bool {
        match self {
            AlternativeKind::Split => true,
            AlternativeKind::PermissionsBoundary
            | AlternativeKind::TrialDeny
            | AlternativeKind::SessionPolicy
            | AlternativeKind::Roles => false,
        }
    }

    /// What to know before it is used.
    pub fn note(self) -> &'static str {
        match self {
            AlternativeKind::PermissionsBoundary => {
                "not equivalent: a boundary grants nothing and stops at the principal; resource policies that name a \
                 user or session pass it by. Attach it as the permissions boundary, leave the policies as they are"
            }
            AlternativeKind::TrialDeny => {
                "not equivalent: an explicit denial also stops what resource policies or other policies allow. Attach \
                 it for a week, watch for AccessDenied, detach it, then apply the suggestion"
            }
            AlternativeKind::SessionPolicy => {
                "not equivalent: it limits the sessions that it is passed to (sts:AssumeRole, Policy), no others. AWS \
                 packs it with session tags, which may leave less room"
            }
            AlternativeKind::Roles => {
                "a role for each workload. Create them, move one workload after the other, watch for AccessDenied, then \
                 retire the shared role"
            }
            AlternativeKind::Split => {
                "the finest form: it names each action that stays. Create these policies, attach them all, then take \
                 the original away"
            }
        }
    }
}

/// One alternative, not proved yet.
#[derive(Clone, Debug)]
pub struct Alternative {
    /// What it is.
    pub kind: AlternativeKind,
    /// The policy whose place it takes; `None` where it stands beside all policies of a principal.
    pub policy: Option<PolicyIndex>,
    /// Everybody whom it affects.
    pub affects: Vec<PrincipalIndex>,
    /// The documents.
    pub documents: Vec<Value>,
    /// Characters that AWS allows for each of them.
    pub quota: u64,
    /// Why not to use it yet.
    pub held: Option<String>,
    /// Of a workload's own: what it is called …
    pub workload: Option<String>,
    /// … and the gap as if only that one, and whoever cannot be named, had called.
    pub share: Option<Box<Gap>>,
    /// … and its pods, where EKS Pod Identity opens their sessions.
    pub pods: Vec<Workload>,
    /// What the proofs compare: all that is allowed without it …
    pub before: Policy,
    /// … and with it.
    pub after: Policy,
}

impl Alternative {
    /// Holds it for one more reason.
    pub fn hold(&mut self, why: &str) {
        match &mut self.held {
            Some(held) => held.push_str(&format!("; {why}")),
            None => self.held = Some(why.to_owned()),
        }
    }
}

/// An alternative that cannot be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Impossible {
    /// What it would have been.
    pub kind: AlternativeKind,
    /// The policy whose place it would have taken.
    pub policy: Option<PolicyIndex>,
    /// Whom it would have affected.
    pub affects: Vec<PrincipalIndex>,
    /// The reason.
    pub why: String,
}

/// The alternatives of these kinds for everybody who would lose something, in the order of the principals; splits of the
/// policies of which something stays for room, or of which no form fits, which `scarce` are where resources stay.
pub fn alternatives(
    basis: &Basis<'_>,
    scarce: &BTreeSet<PolicyIndex>,
    kinds: &[AlternativeKind],
) -> (Vec<Alternative>, Vec<Impossible>) {
    let rewriter = Rewriter::new(basis);
    let (mut made, mut impossible) = (Vec::new(), Vec::new());
    for kind in kinds {
        let results: Vec<Result<Alternative, Impossible>> = match kind {
            AlternativeKind::Split => {
                let scarce = match basis.options.resources {
                    Resources::Keep => Cow::Borrowed(scarce),
                    // A split narrows nothing: what there is room for is asked without.
                    Resources::Narrow => Cow::Owned(rewriter.scarce()),
                };
                scarce.iter().filter_map(|policy| rewriter.split(*policy)).collect()
            }
            // Those are proved part by part.
            AlternativeKind::Roles => Vec::new(),
            AlternativeKind::PermissionsBoundary | AlternativeKind::TrialDeny | AlternativeKind::SessionPolicy => (0
                ..basis.grants.principals.len())
                .filter_map(|principal| rewriter.beside(*kind, principal))
                .collect(),
        };
        for result in results {
            match result {
                Ok(alternative) => made.push(alternative),
                Err(why) => impossible.push(why),
            }
        }
    }
    (made, impossible)
}

impl Rewriter<'_> {
    /// An alternative that stands beside all policies of a principal; `None` where nothing would go.
    fn beside(&self, kind: AlternativeKind, principal: PrincipalIndex) -> Option<Result<Alternative, Impossible>> {
        let grants = self.grants;
        let who = &grants.principals[principal];
        let fitting = match kind {
            AlternativeKind::SessionPolicy => who.kind == Kind::Role,
            AlternativeKind::PermissionsBoundary
            | AlternativeKind::TrialDeny
            | AlternativeKind::Split
            | AlternativeKind::Roles => who.kind != Kind::Group,
        };
        let unreadable = guard::unreadable(grants, principal).is_some();
        if !fitting || unreadable || guard::why_not_principal(grants, self.gaps, principal).is_some() {
            return None;
        }
        let (granted, stays) = self.stays(&self.gaps[principal]);
        if granted.difference(&stays).is_empty() {
            return None;
        }
        let made = match kind {
            AlternativeKind::TrialDeny => self.denial(principal, &granted.difference(&stays)),
            AlternativeKind::PermissionsBoundary => self.boundary(principal, &stays),
            AlternativeKind::SessionPolicy | AlternativeKind::Split | AlternativeKind::Roles => {
                let all = self.everything(principal);
                self.cut_to(principal, &all, &stays, SESSION.characters)
            }
        };
        let made = made.map(|(documents, before, after)| Alternative {
            kind,
            policy: None,
            affects: vec![principal],
            documents,
            quota: if kind == AlternativeKind::SessionPolicy {
                SESSION.characters
            } else {
                MANAGED.characters
            },
            held: self.holds(None, &[principal]).why(),
            workload: None,
            share: None,
            pods: Vec::new(),
            before,
            after,
        });
        Some(made.map_err(|why| Impossible {
            kind,
            policy: None,
            affects: vec![principal],
            why,
        }))
    }

    /// What a principal is granted, and what of all actions it must be left: what it may need, whoever grants it.
    pub(super) fn stays(&self, gap: &Gap) -> (ActionSet, ActionSet) {
        let catalog = self.catalog;
        let mut granted = ActionSet::none();
        let mut stays = guard::kept(catalog, self.grants, &[gap.principal], &self.options.keep).actions;
        for slice in &gap.slices {
            granted.extend(&slice.granted);
            let statements = self.grants.policies[slice.policy].policy.as_ref().ok();
            let statement =
                statements.and_then(|policy| policy.statements.iter().find(|known| known.index == slice.statement));
            let goes = statement.map(|statement| goes(catalog, self.grants, gap, slice, statement, self.options));
            stays.extend(&goes.map_or_else(
                || slice.granted.as_ref().clone(),
                |goes| slice.granted.difference(&goes),
            ));
        }
        let activity = &gap.activity;
        let seen = activity.used.keys().chain(activity.may_need.keys());
        for action in seen.chain(gap.accessed.actions.keys()) {
            stays.insert(*action);
        }
        for pattern in &gap.trust.implied {
            stays.extend(&ActionSet::of_pattern(catalog, pattern));
        }
        for prefix in gap.activity.unmapped.iter().flat_map(|unmapped| &unmapped.prefixes) {
            stays.insert_range(catalog.service_range(prefix));
        }
        (granted, stays)
    }

    /// Names that the catalog does not know: granted ones, and those of operations that were called.
    fn unknown(&self, principal: PrincipalIndex) -> Vec<String> {
        let mut unknown = Vec::new();
        for policy in self.grants.policies_of(principal) {
            let Ok(document) = &self.grants.policies[policy].policy else {
                continue;
            };
            for statement in &document.statements {
                if let (Effect::Allow, ActionPart::Action(patterns)) = (statement.effect, &statement.action) {
                    let new = patterns.iter().filter(|pattern| !self.catalog.knows(pattern.lower()));
                    unknown.extend(new.map(|pattern| pattern.text().to_owned()));
                }
            }
        }
        for operation in &self.gaps[principal].activity.unmapped {
            let service = operation.event_source.split('.').next().unwrap_or("");
            unknown.push(format!("{service}:{}", operation.event_name));
        }
        unknown.extend(self.gaps[principal].activity.names().map(str::to_owned));
        unknown.sort();
        unknown.dedup();
        unknown
    }

    /// A policy that allows everything, what the catalog does not know by name.
    pub(super) fn everything(&self, principal: PrincipalIndex) -> Value {
        let mut actions = vec!["*".to_owned()];
        // IAM takes no name with a wildcard for its service; what such a name stands for, `*` alone allows.
        let has_service = |name: &String| !name.split(':').next().unwrap_or("").contains(['*', '?']);
        actions.extend(self.unknown(principal).into_iter().filter(has_service));
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
    }

    /// The finest form of a document's Allow statements that leaves these actions and fits.
    pub(super) fn cut_to(
        &self,
        principal: PrincipalIndex,
        document: &Value,
        stays: &ActionSet,
        quota: u64,
    ) -> Result<(Vec<Value>, Policy, Policy), String> {
        let before = parse(document)?;
        let removable: BTreeMap<usize, ActionSet> = before
            .statements
            .iter()
            .filter(|statement| statement.effect == Effect::Allow)
            .map(|statement| {
                let allowed = ActionSet::of_statement(self.catalog, statement);
                (statement.index, allowed.difference(stays))
            })
            .collect();
        let spelled = self.spelled(&[principal]);
        let cut = self.cut(PolicyKind::Managed, document, &before, &removable, &TOGETHER, &spelled);
        let fits = fit(&[cut], quota).map_err(|why| format!("no form of it fits AWS's quota: {why}"))?;
        let after = fits.first().map_or(Value::Null, |fit| fit.candidate.after.value());
        let policy = parse(&after)?;
        Ok((vec![after], before, policy))
    }

    /// The existing boundary, or everything where there is none, cut to what stays.
    fn boundary(&self, principal: PrincipalIndex, stays: &ActionSet) -> Result<(Vec<Value>, Policy, Policy), String> {
        let existing = match &self.grants.principals[principal].permissions_boundary {
            None => self.everything(principal),
            Some(arn) => self
                .grants
                .policies
                .iter()
                .find(|policy| policy.arn == *arn && policy.policy.is_ok())
                .map(|policy| policy.document.clone())
                .ok_or_else(|| format!("the document of its boundary {arn} is not in the grants"))?,
        };
        self.cut_to(principal, &existing, stays, MANAGED.characters)
    }

    /// Denials of what would go, in as many documents as it takes.
    fn denial(&self, principal: PrincipalIndex, going: &ActionSet) -> Result<(Vec<Value>, Policy, Policy), String> {
        let before = self.everything(principal);
        // A wildcard must not reach what is granted by a name that the catalog does not know.
        let unknown: Vec<ActionPattern> = self.unknown(principal).into_iter().map(ActionPattern::new).collect();
        let least = self.options.compact.min(2);
        let denied = self.names.of(going, Within::AllBut(&unknown), least);
        let mut documents = Vec::new();
        let trial = |part: Vec<String>| {
            json!({"Version": "2012-10-17", "Statement": [
                {"Sid": "TrialOfWhatWouldGo", "Effect": "Deny", "Action": part, "Resource": "*"}]})
        };
        let room = MANAGED.characters - characters(&trial(Vec::new()));
        documents.extend(parts(denied, room).into_iter().map(trial));
        self.attachable(principal, documents.len())?;
        let mut all = statements(&before).to_vec();
        all.extend(documents.iter().flat_map(statements).cloned());
        Ok((documents, parse(&before)?, parse(&with_statements(&before, all))?))
    }

    /// Whether so many more managed policies can hang on a principal.
    fn attachable(&self, principal: PrincipalIndex, more: usize) -> Result<(), String> {
        let who = &self.grants.principals[principal];
        let managed = who
            .policies
            .iter()
            .filter(|policy| self.grants.policies[**policy].kind != PolicyKind::Inline)
            .count();
        let most = attachments(who.kind);
        if managed + more > most {
            return Err(format!(
                "{} has {managed} managed policies attached, {more} more are needed, and AWS allows {most}",
                who.arn
            ));
        }
        Ok(())
    }

    /// A policy's finest form in several managed policies; `None` where it is left alone.
    fn split(&self, index: PolicyIndex) -> Option<Result<Alternative, Impossible>> {
        let policy = &self.grants.policies[index];
        let goal = self.goal(index)?;
        let made = self.split_documents(&goal).and_then(|documents| {
            let all = documents.iter().flat_map(statements).cloned().collect();
            let after = parse(&with_statements(&policy.document, all))?;
            Ok(Alternative {
                kind: AlternativeKind::Split,
                policy: Some(index),
                affects: goal.affects.clone(),
                documents,
                quota: MANAGED.characters,
                held: self.holds(Some(index), &goal.affects).why(),
                workload: None,
                share: None,
                pods: Vec::new(),
                before: goal.document.clone(),
                after,
            })
        });
        Some(made.map_err(|why| Impossible {
            kind: AlternativeKind::Split,
            policy: Some(index),
            affects: goal.affects.clone(),
            why,
        }))
    }

    /// The finest form of a policy in as few managed policies as hold it, and its holders.
    ///
    /// # Errors
    /// Why there are none.
    pub(super) fn split_documents(&self, goal: &Goal<'_>) -> Result<Vec<Value>, String> {
        let policy = &self.grants.policies[goal.index];
        let finest = self
            .cut(
                policy.kind,
                &policy.document,
                goal.document,
                &goal.removable,
                &TOGETHER,
                &goal.spelled,
            )
            .finest();
        let documents = split_document(&finest.after.value())?;
        let replaced = usize::from(policy.kind != PolicyKind::Inline);
        for holder in &policy.attached_to {
            self.attachable(*holder, documents.len().saturating_sub(replaced))?;
        }
        Ok(documents)
    }
}

/// The statements of a document in as few documents as fill up in their order; a statement too long for one is cut
/// between its actions.
pub(super) fn split_document(document: &Value) -> Result<Vec<Value>, String> {
    let mut documents: Vec<Vec<Value>> = Vec::new();
    let room = MANAGED.characters - FRAME;
    let mut used = room;
    for statement in statements(document) {
        let size = characters(statement) + 1;
        let pieces = if size <= room {
            vec![statement.clone()]
        } else {
            let actions = statement.get("Action").map(texts).unwrap_or_default();
            let sid = statement.get("Sid").and_then(Value::as_str).map(str::to_owned);
            let rest = size.saturating_sub(actions.iter().map(|action| action.len() as u64 + 3).sum());
            if rest + FRAME > room {
                return Err("a statement's resources and conditions alone do not fit into a managed policy".to_owned());
            }
            parts(actions, room - rest)
                .into_iter()
                .filter_map(|part| with_actions(statement, part, sid.clone()))
                .collect()
        };
        for piece in pieces {
            let size = characters(&piece) + 1;
            if used + size > room {
                documents.push(Vec::new());
                used = 0;
            }
            used += size;
            if let Some(last) = documents.last_mut() {
                last.push(piece);
            }
        }
    }
    Ok(documents
        .into_iter()
        .map(|statements| with_statements(document, statements))
        .collect())
}

/// A list in as few parts as hold so many characters each.
fn parts(entries: Vec<String>, room: u64) -> Vec<Vec<String>> {
    let mut parts: Vec<Vec<String>> = Vec::new();
    let mut used = room;
    for entry in entries {
        let size = entry.len() as u64 + 3;
        if used + size > room {
            parts.push(Vec::new());
            used = 0;
        }
        used += size;
        if let Some(last) = parts.last_mut() {
            last.push(entry);
        }
    }
    parts
}

fn parse(document: &Value) -> Result<Policy, String> {
    Policy::from_value(document).map_err(|error| error.to_string())
}
