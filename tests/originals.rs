//! The widest originals, and every original at hand: what is suggested for them fits, is proved, and stands when the
//! run is repeated on it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use trimtrail::inside::analysis::{self, Archive};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::coverage::Coverage;
use trimtrail::inside::grants::{self, Grants};
use trimtrail::inside::iam::Policy;
use trimtrail::inside::progress::Progress;
use trimtrail::inside::rightsize::{self, AlternativeKind, EvidenceLevel, Options, Resources, Step};
use trimtrail::inside::source;
use trimtrail::inside::usage::{self, Table};

/// Other people's data, not part of the project.
fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let named = std::env::var_os("TRIMTRAIL_SHARED").map(PathBuf::from);
    let found = [Some(beside), named]
        .into_iter()
        .flatten()
        .find(|path| path.join("trails").is_dir());
    if found.is_none() {
        eprintln!("skipped: no folder `../shared`, and TRIMTRAIL_SHARED names none");
    }
    found
}

fn sample(part: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs").join(part)
}

fn collect(logs: &Path) -> (Table, Coverage) {
    let sources = source::find(&[logs.display().to_string()]).expect("logs");
    usage::collect(&sources, &usage::Options::default(), &Progress::silent()).expect("threads")
}

/// No guards: everything that can be suggested is.
fn eager(evidence: EvidenceLevel, resources: Resources) -> Options {
    Options {
        evidence,
        resources,
        min_window: 0,
        grace: 0,
        replace_aws_managed: true,
        ..Options::default()
    }
}

const LEVELS: [EvidenceLevel; 3] = [
    EvidenceLevel::Conservative,
    EvidenceLevel::Balanced,
    EvidenceLevel::Aggressive,
];

/// Grants in which one principal has one AWS-managed policy and nothing else.
fn holding(arn: &str, id: &str, policy: &str) -> Grants {
    let name = arn.rsplit('/').next().expect("a name");
    let attached =
        serde_json::json!([{"PolicyName": policy, "PolicyArn": format!("arn:aws:iam::aws:policy/{policy}")}]);
    let page = if arn.contains(":user/") {
        serde_json::json!({"UserDetailList": [{"Arn": arn, "UserName": name, "UserId": id, "Path": "/", "AttachedManagedPolicies": attached}]})
    } else {
        serde_json::json!({"RoleDetailList": [{"Arn": arn, "RoleName": name, "RoleId": id, "Path": "/", "AttachedManagedPolicies": attached,
            "AssumeRolePolicyDocument": {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}}]})
    };
    grants::read(&[(policy.to_owned(), page.to_string())]).expect("grants")
}

/// Each of the three widest policies at each level of evidence: proved, and within AWS's quota.
fn check_widest(table: &Table, coverage: &Coverage, arn: &str, id: &str) {
    let catalog = Catalog::embedded();
    let archive = Archive::new(table, coverage);
    for policy in ["ReadOnlyAccess", "PowerUserAccess", "AdministratorAccess"] {
        let grants = holding(arn, id, policy);
        for evidence in LEVELS {
            let options = analysis::Options::of(&eager(evidence, Resources::Keep));
            let found = analysis::analyse(catalog, &archive, &grants, &options);
            assert!(found.gaps[0].activity.calls > 0, "{arn} made calls");
            if let Some((_, refused)) = found.refused.first() {
                panic!("{policy} {evidence:?}: {}", refused[0].1);
            }
            assert!(
                !found.proved.is_empty() || found.unfit.iter().any(|(_, why)| why.contains("quota")),
                "{policy} {evidence:?}: neither smaller nor a reason, {:?}",
                found.gaps[0]
                    .by_grade()
                    .into_iter()
                    .map(|(grade, set)| (grade, set.len()))
                    .collect::<Vec<_>>()
            );
            for (proposal, proved) in &found.proved {
                let size = rightsize::characters_of(proved.after().as_str());
                let most = rightsize::MANAGED.characters;
                assert!(size <= most, "{policy} {evidence:?} {}: {size}", proposal.step.name());
            }
        }
    }
}

#[test]
fn the_widest_policies_shrink_against_the_sample() {
    let (table, coverage) = collect(&sample("AWSLogs"));
    let grants = grants::load(&[sample("grants")]).expect("grants");
    let orders = grants
        .principals
        .iter()
        .find(|principal| principal.name == "shop-orders")
        .expect("shop-orders");
    check_widest(&table, &coverage, &orders.arn, &orders.id);
}

#[test]
fn the_widest_policies_shrink_against_a_real_trail() {
    let Some(shared) = shared() else { return };
    let (table, coverage) = collect(&shared.join("trails/invictus-ir+aws_dataset.ndjson"));
    let busiest = table.signatures.iter().map(|seen| &seen.signature.caller);
    let mut calls: std::collections::BTreeMap<(&str, &str), usize> = std::collections::BTreeMap::new();
    for caller in busiest.filter(|caller| caller.arn.contains(":user/") || caller.arn.contains(":role/")) {
        *calls.entry((&caller.arn, &caller.id)).or_default() += 1;
    }
    let ((arn, id), _) = calls.into_iter().max_by_key(|(_, calls)| *calls).expect("callers");
    check_widest(&table, &coverage, arn, id);
}

/// Suggestions put in place one after the other until nothing changes; the last step of each policy is what stays.
fn check_fixpoint(table: &Table, coverage: &Coverage, grants: &Grants, options: &Options) {
    let catalog = Catalog::embedded();
    let (archive, options) = (Archive::new(table, coverage), analysis::Options::of(options));
    let steps = |grants: &Grants| {
        let found = analysis::analyse(catalog, &archive, grants, &options);
        if let Some((proposal, refused)) = found.refused.first() {
            panic!("{}: {}", grants.policies[proposal.policy].name, refused[0].1);
        }
        let mut last: std::collections::BTreeMap<usize, (Step, Value)> = std::collections::BTreeMap::new();
        for (proposal, proved) in found.proved {
            let known = last.entry(proposal.policy).or_insert((proposal.step, Value::Null));
            if known.0 <= proposal.step {
                *known = (proposal.step, proved.after().value());
            }
        }
        last
    };
    let first = steps(grants);
    let mut applied = grants.clone();
    for (policy, (_, after)) in &first {
        applied.policies[*policy].document = after.clone();
        applied.policies[*policy].policy = Policy::from_value(after).map_err(|error| error.to_string());
    }
    let again: Vec<String> = steps(&applied)
        .into_iter()
        .map(|(policy, (step, after))| {
            let before = &applied.policies[policy].document;
            format!("{} {}: {before} -> {after}", applied.policies[policy].name, step.name())
        })
        .collect();
    assert_eq!(again, Vec::<String>::new());
}

#[test]
fn the_samples_suggestions_stand() {
    let (table, coverage) = collect(&sample("AWSLogs"));
    let grants = grants::load(&[sample("grants")]).expect("grants");
    for resources in [Resources::Keep, Resources::Narrow] {
        check_fixpoint(
            &table,
            &coverage,
            &grants,
            &eager(EvidenceLevel::Conservative, resources),
        );
    }
    check_fixpoint(
        &table,
        &coverage,
        &grants,
        &eager(EvidenceLevel::Aggressive, Resources::Narrow),
    );
}

#[test]
fn suggestions_for_other_peoples_grants_stand() {
    let Some(shared) = shared() else { return };
    let (table, coverage) = collect(&shared.join("trails/invictus-ir+aws_dataset.ndjson"));
    for export in ["invictus.gaad.json", "cloudmapper.demo.gaad.json"] {
        let grants = grants::load(&[shared.join("grants").join(export)]).expect("grants");
        check_fixpoint(
            &table,
            &coverage,
            &grants,
            &eager(EvidenceLevel::Conservative, Resources::Narrow),
        );
        check_fixpoint(
            &table,
            &coverage,
            &grants,
            &eager(EvidenceLevel::Aggressive, Resources::Narrow),
        );
    }
}

/// Every alternative is proved, or says why it cannot be had.
fn check_alternatives(table: &Table, coverage: &Coverage, grants: &Grants) -> Vec<(AlternativeKind, usize)> {
    let catalog = Catalog::embedded();
    let options = analysis::Options {
        alternatives: BTreeSet::from([
            AlternativeKind::PermissionsBoundary,
            AlternativeKind::TrialDeny,
            AlternativeKind::SessionPolicy,
            AlternativeKind::Split,
        ]),
        ..analysis::Options::of(&eager(EvidenceLevel::Conservative, Resources::Keep))
    };
    let found = analysis::analyse(catalog, &Archive::new(table, coverage), grants, &options);
    // Refused ones have documents.
    assert!(
        found
            .impossible
            .iter()
            .all(|(impossible, documents)| documents.is_empty()
                && (impossible.why.contains("AWS allows") || impossible.why.contains("quota"))),
        "{:?}",
        found.impossible
    );
    let mut counted: std::collections::BTreeMap<AlternativeKind, usize> = std::collections::BTreeMap::new();
    for alternative in &found.alternatives {
        let kind = alternative.kind;
        for document in &alternative.documents {
            let size = rightsize::characters(document);
            assert!(size <= alternative.quota, "{}: {size}", kind.name());
        }
        *counted.entry(kind).or_default() += 1;
    }
    counted.into_iter().collect()
}

#[test]
fn alternatives_for_the_sample_are_proved() {
    let (table, coverage) = collect(&sample("AWSLogs"));
    let grants = grants::load(&[sample("grants")]).expect("grants");
    let counted = check_alternatives(&table, &coverage, &grants);
    assert_eq!(
        counted,
        [
            (AlternativeKind::PermissionsBoundary, 15),
            (AlternativeKind::TrialDeny, 15),
            (AlternativeKind::SessionPolicy, 12)
        ]
    );
}

#[test]
fn an_administrators_leftovers_split_over_several_policies() {
    let (table, coverage) = collect(&sample("AWSLogs"));
    let sample = grants::load(&[sample("grants")]).expect("grants");
    let orders = sample
        .principals
        .iter()
        .find(|principal| principal.name == "shop-orders")
        .expect("shop-orders");
    let grants = holding(&orders.arn, &orders.id, "AdministratorAccess");
    let counted = check_alternatives(&table, &coverage, &grants);
    assert!(counted.contains(&(AlternativeKind::Split, 1)), "{counted:?}");
}
