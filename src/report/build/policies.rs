//! Every policy of the grants, with what matches it to its source, and the documents that no suggestion holds.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{Inputs, arns, shown};
use crate::grants::{PolicyIndex, PolicyKind};
use crate::iam::PolicyText;
use crate::report::{LivePolicy, Suggestion};
use crate::rightsize;
use crate::verify::Verified;

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
