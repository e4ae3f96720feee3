//! Every policy of the grants, with what matches it to its source, and the documents that no suggestion holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sha2::{Digest, Sha256};

use super::{Inputs, arns, shown};
use crate::grants::{PolicyDocument, PolicyIndex, PolicyKind};
use crate::iam::PolicyText;
use crate::report::{LivePolicy, Suggestion};
use crate::rightsize;
use crate::verify::Verified;

/// Principals that may have one name in a tag for it to tell which of them is meant.
const RARE: usize = 3;

/// The policies in the order of the grants. Documents stand once each, by digest; those that AWS maintains, and those
/// that a suggestion holds as its `before`, are left out.
pub(super) fn policies(
    inputs: &Inputs<'_>,
    suggestions: &[Verified<Suggestion>],
) -> (Vec<LivePolicy>, BTreeMap<String, PolicyText>) {
    let held: BTreeSet<&str> = suggestions.iter().map(|one| one.before_sha256.as_str()).collect();
    let suggested: BTreeSet<(&str, &str)> = suggestions
        .iter()
        .map(|one| (one.policy_arn.as_str(), one.policy.as_str()))
        .collect();
    let analysis = &inputs.analysis;
    let refused: BTreeMap<PolicyIndex, String> = analysis
        .refused
        .iter()
        .filter_map(|(proposal, refusals)| Some((proposal.policy, refusals.last()?.1.to_string())))
        .chain(analysis.unfit.iter().cloned())
        .collect();
    let mut named: HashMap<&str, usize> = HashMap::new();
    for principal in &inputs.grants.principals {
        let names = principal.tags.iter().filter(|(key, _)| LivePolicy::is_name(key));
        names.for_each(|(_, name)| *named.entry(name).or_default() += 1);
    }
    let is_telling = |key: &str, value: &str| {
        let is_rare = || named.get(value).is_none_or(|count| *count <= RARE);
        value.contains('/') || LivePolicy::is_uuid(value) || LivePolicy::is_name(key) && is_rare()
    };
    let tags = |policy: &PolicyDocument| -> BTreeMap<String, String> {
        let owner = match (policy.kind, &policy.attached_to[..]) {
            (PolicyKind::Inline, [owner]) => &inputs.grants.principals[*owner],
            _ => return BTreeMap::new(),
        };
        let told = owner.tags.iter().filter(|(key, value)| is_telling(key, value));
        told.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    let mut documents = BTreeMap::new();
    let policies = inputs.grants.policies.iter().enumerate().map(|(index, policy)| {
        let text = PolicyText::from(&policy.document);
        let sha256 = super::suggestion::hex(&Sha256::digest(text.as_str().as_bytes()));
        if policy.kind != PolicyKind::AwsManaged && !held.contains(sha256.as_str()) {
            documents.insert(sha256.clone(), text);
        }
        let is_suggested = suggested.contains(&(policy.arn.as_str(), policy.name.as_str()));
        LivePolicy {
            policy: policy.name.clone(),
            policy_arn: policy.arn.clone(),
            kind: rightsize::kind_name(inputs.grants, index).to_owned(),
            owners: arns(inputs.grants, &policy.attached_to),
            sha256,
            tags: tags(policy),
            why_not: (!is_suggested).then(|| why_not(inputs, &refused, index)),
        }
    });
    let policies = policies.collect();
    (policies, documents)
}

fn why_not(inputs: &Inputs<'_>, refused: &BTreeMap<PolicyIndex, String>, index: PolicyIndex) -> String {
    if inputs.archive.window.is_none() {
        return "no event was read".to_owned();
    }
    if let Some(Some(why)) = inputs.analysis.left_alone.policies.get(index) {
        return why.clone();
    }
    if !shown(inputs, &inputs.grants.affected_by(index)) {
        return "it was not asked for: --role or --account leaves its principals out".to_owned();
    }
    match refused.get(&index) {
        Some(witness) => format!("its suggestion was refused: {witness}"),
        None => "all of it is or may be needed".to_owned(),
    }
}
