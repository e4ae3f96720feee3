//! A daily and a monthly job: what was learnt breaks where the story says, and nowhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::fate::{Change, Fate};
use super::learn::Learnt;
use super::{Backtest, Error, Split, cut};
use crate::analysis::{Analysis, Archive, Options, When, analyse};
use crate::catalog::Catalog;
use crate::grants::{self, Grants};
use crate::iam::Policy;
use crate::progress::Progress;
use crate::rightsize::{self, Step};
use crate::{source, usage};

const ROLE: &str = "arn:aws:iam::111122223333:role/app";

/// Grants of the role `app` with these inline policies.
fn role(policies: &[(&str, Value)]) -> Grants {
    let policies: Vec<Value> = policies
        .iter()
        .map(|(name, statement)| json!({"PolicyName": name, "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}))
        .collect();
    let page = json!({"UserDetailList": [], "GroupDetailList": [], "Policies": [], "RoleDetailList": [{
        "Arn": ROLE, "RoleName": "app", "RoleId": "AROAAPP", "Path": "/", "CreateDate": "2025-01-01T00:00:00Z",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}]},
        "RolePolicyList": policies, "AttachedManagedPolicies": []}]});
    grants::read(&[("grants".to_owned(), page.to_string())]).expect("grants")
}

fn allow(action: &Value, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

fn call(day: usize, at: usize, region: &str, name: &str, read: bool, identity: &Value) -> Value {
    json!({
        "eventVersion": "1.09", "eventTime": format!("2026-10-{day:02}T12:00:00Z"), "eventSource": "ec2.amazonaws.com",
        "eventName": name, "awsRegion": region, "eventID": format!("{day}-{at}-{region}-{name}"), "eventType": "AwsApiCall",
        "eventCategory": "Management", "managementEvent": true, "recipientAccountId": "111122223333", "readOnly": read,
        "requestParameters": null, "responseElements": null, "userIdentity": identity
    })
}

/// Two weeks: somebody else's calls on every day, a daily `DescribeVpcs` of the role, and these other calls of it.
fn archive(others: &[(usize, &str)]) -> (usage::Table, crate::coverage::Coverage) {
    let app = json!({"type": "AssumedRole", "principalId": "AROAAPP:s", "accountId": "111122223333", "accessKeyId": "ASIAAPP",
        "arn": "arn:aws:sts::111122223333:assumed-role/app/s", "sessionContext": {"sessionIssuer": {"type": "Role",
        "principalId": "AROAAPP", "arn": ROLE, "accountId": "111122223333", "userName": "app"}}});
    let other = json!({"type": "IAMUser", "principalId": "AIDAX", "arn": "arn:aws:iam::111122223333:user/x", "accountId": "111122223333"});
    let mut events = Vec::new();
    for day in 1..=14 {
        for region in ["eu-west-1", "us-east-1"] {
            events.push(call(day, 0, region, "DescribeVpcs", true, &other));
            events.push(call(day, 0, region, "CreateTags", false, &other));
        }
        events.push(call(day, 1, "eu-west-1", "DescribeVpcs", true, &app));
    }
    let others = others.iter().enumerate();
    events.extend(others.map(|(at, (day, name))| call(*day, 2 + at, "eu-west-1", name, true, &app)));
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!(
        "trimtrail-backtest-{}-{}.json",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let path = std::env::temp_dir().join(name);
    fs::write(&path, json!({"Records": events}).to_string()).expect("a file");
    let sources = source::find(&[path.display().to_string()]).expect("a file");
    let read = usage::collect(&sources, &usage::Options::default(), &Progress::silent()).expect("threads");
    fs::remove_file(&path).expect("it is there");
    read
}

fn analysed(grants: &Grants, others: &[(usize, &str)]) -> Analysis {
    let (table, coverage) = archive(others);
    let suggestions = rightsize::Options {
        min_window: 7,
        ..rightsize::Options::default()
    };
    let options = Options {
        backtest: When::Always,
        ..Options::of(&suggestions)
    };
    analyse(Catalog::embedded(), &Archive::new(&table, &coverage), grants, &options)
}

/// One policy of what is done daily, one of what is done now and then; each grants a read that nobody makes too.
fn jobs() -> Grants {
    role(&[
        ("daily", allow(&json!(["ec2:DescribeVpcs", "ec2:DescribeVolumes"]), "*")),
        (
            "monthly",
            allow(&json!(["ec2:DescribeSubnets", "ec2:DescribeImages"]), "*"),
        ),
    ])
}

/// Each suggested policy, and why it is held.
fn held(grants: &Grants, analysis: &Analysis) -> BTreeMap<String, Option<String>> {
    let proved = analysis.proved.iter();
    proved
        .map(|(proposal, _)| (grants.policies[proposal.policy].name.clone(), proposal.held.clone()))
        .collect()
}

fn tried(analysis: &Analysis) -> &Backtest {
    analysis.backtest.as_ref().expect("two weeks have a later part")
}

#[test]
fn what_is_new_after_the_cut_breaks_the_policy_that_grants_it_and_no_other() {
    let grants = jobs();
    let analysis = analysed(
        &grants,
        &[
            (12, "DescribeSubnets"),
            (12, "DescribeSubnets"),
            (13, "DescribeSubnets"),
        ],
    );
    let tried = tried(&analysis);
    assert_eq!(
        (tried.cut.as_str(), tried.learnt_days, tried.replayed_days),
        ("2026-10-10", 9, 5)
    );
    let totals = &tried.totals;
    assert_eq!(
        (
            totals.calls,
            totals.broken_calls,
            totals.broken_pairs,
            totals.broken_days
        ),
        (8, 3, 1, 2)
    );
    let monthly = grants
        .policies
        .iter()
        .position(|policy| policy.name == "monthly")
        .expect("it is there");
    assert_eq!(tried.broke.keys().copied().collect::<Vec<_>>(), [monthly]);
    let tested: Vec<_> = tried.tested.values().collect();
    assert_eq!(tested.len(), 1);
    assert_eq!((tested[0].calls, tested[0].doubtful_calls), (8, 0));
    assert_eq!(tested[0].broken, BTreeMap::from([(BTreeSet::from([monthly]), 3)]));
    let held = held(&grants, &analysis);
    assert_eq!(held["daily"], None);
    let why = held["monthly"].as_deref().expect("it broke");
    assert!(
        why.contains("would have denied ec2:DescribeSubnets on 2026-10-12"),
        "{why}"
    );
}

#[test]
fn what_both_policies_grant_breaks_both() {
    let both = json!(["ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeImages"]);
    let grants = role(&[("one", allow(&both, "*")), ("two", allow(&both, "*"))]);
    let analysis = analysed(&grants, &[(12, "DescribeSubnets")]);
    let tested: Vec<_> = tried(&analysis).tested.values().collect();
    assert_eq!(tested[0].broken, BTreeMap::from([(BTreeSet::from([0, 1]), 1)]));
    assert!(held(&grants, &analysis).values().all(Option::is_some));
}

/// One permission set in two roles; the calls of `app` are of the second.
#[test]
fn what_breaks_in_a_further_copy_speaks_against_a_permission_set() {
    let document = allow(
        &json!(["ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeImages"]),
        "*",
    );
    let copy = |tail: &str, id: &str| {
        json!({"Arn": format!("arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Reader_{tail}"), "RoleId": id,
            "Path": "/aws-reserved/sso.amazonaws.com/",
            "RoleName": format!("AWSReservedSSO_Reader_{tail}"), "CreateDate": "2025-01-01T00:00:00Z",
            "RolePolicyList": [{"PolicyName": "AwsSSOInlinePolicy",
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [document]}}]})
    };
    let page = json!({"RoleDetailList": [copy("0123456789abcdef", "AROAIDLE"), copy("fedcba9876543210", "AROAAPP")]});
    let grants = grants::read(&[("grants".to_owned(), page.to_string())]).expect("grants");
    let analysis = analysed(&grants, &[(12, "DescribeSubnets")]);
    let tried = tried(&analysis);
    assert_eq!(tried.suggestions.len(), 1);
    assert_eq!(tried.broke.keys().copied().collect::<Vec<_>>(), [0, 1]);
    let broken: Vec<_> = tried.tested.values().map(|tested| tested.broken.clone()).collect();
    let once = BTreeMap::from([(BTreeSet::from([0]), 1)]);
    assert_eq!(broken, [BTreeMap::new(), once]);
    let [(proposal, _)] = &analysis.proved[..] else {
        panic!("one suggestion")
    };
    let why = proposal.held.as_deref().expect("it broke");
    assert!(
        why.contains("would have denied ec2:DescribeSubnets on 2026-10-12"),
        "{why}"
    );
}

#[test]
fn what_was_seen_before_the_cut_does_not_break() {
    let grants = jobs();
    let analysis = analysed(&grants, &[(3, "DescribeSubnets"), (12, "DescribeSubnets")]);
    let tried = tried(&analysis);
    assert_eq!((tried.totals.calls, tried.totals.broken_calls), (6, 0));
    assert!(tried.broke.is_empty());
    assert!(held(&grants, &analysis).values().all(Option::is_none));
}

#[test]
fn what_no_policy_grants_is_not_replayed() {
    let grants = jobs();
    let analysis = analysed(&grants, &[(12, "DescribeRouteTables")]);
    assert_eq!(
        (tried(&analysis).totals.calls, tried(&analysis).totals.broken_calls),
        (5, 0)
    );
}

fn fate(before: &Value, after: &Value, action: &str, shape: &str) -> Fate {
    let catalog = Catalog::embedded();
    let grants = role(&[("p", before.clone())]);
    let after: Policy = match &role(&[("p", after.clone())]).policies[0].policy {
        Ok(policy) => policy.clone(),
        Err(why) => panic!("{why}"),
    };
    let learnt = Learnt {
        policy: 0,
        after,
        step: Step::Actions,
        removed_actions: 1,
        held: None,
        affects: vec![0],
    };
    let mut change = Change::of(&grants, 0, &BTreeMap::from([(0, Arc::new(learnt))])).expect("it changes");
    change.fate(catalog, catalog.id(action).expect("an action"), shape)
}

#[test]
fn a_pair_is_kept_broken_doubtful_or_granted_elsewhere() {
    let (all, a) = (
        allow(&json!("s3:*"), "*"),
        allow(&json!("s3:GetObject"), "arn:aws:s3:::a/*"),
    );
    let narrow = allow(&json!("s3:GetObject"), "arn:aws:s3:::b/*");
    let mut bound = a.clone();
    bound["Condition"] = json!({"Bool": {"aws:SecureTransport": "true"}});
    let list = allow(&json!("s3:ListBucket"), "*");
    let (in_a, in_b) = ("arn:aws:s3:::a/x", "arn:aws:s3:::b/x");
    let rows = [
        (&all, &a, "s3:GetObject", in_a, Fate::Kept),
        (&all, &a, "s3:GetObject", in_b, Fate::Broken),
        (&all, &a, "s3:PutObject", in_a, Fate::Broken),
        (&all, &a, "sqs:SendMessage", "*", Fate::Elsewhere),
        // What still grants it asks for more.
        (&all, &bound, "s3:GetObject", in_a, Fate::Doubtful),
        // Granted on other resources alone: a call that went through may have been of those.
        (&a, &a, "s3:GetObject", in_b, Fate::Kept),
        (&narrow, &list, "s3:GetObject", in_a, Fate::Doubtful),
    ];
    for (before, after, action, shape, expected) in rows {
        assert_eq!(
            fate(before, after, action, shape),
            expected,
            "{action} on {shape}: {before} to {after}"
        );
    }
}

#[test]
fn a_window_is_cut_among_its_days_or_not_at_all() {
    let covered = |days: &[i64]| -> BTreeSet<i64> { days.iter().copied().collect() };
    let week = covered(&[10, 11, 12, 13, 14, 15, 16]);
    let at = |days: &BTreeSet<i64>, split| cut((10, 16), days, split);
    assert_eq!(at(&week, Split::Share(0.5)), Ok(14));
    assert_eq!(at(&week, Split::Share(0.0)), Ok(11));
    assert_eq!(at(&week, Split::Share(1.0)), Ok(16));
    // Days that are not covered are no days to learn from.
    assert_eq!(at(&covered(&[10, 11, 16]), Split::Share(0.67)), Ok(16));
    assert_eq!(at(&week, Split::Day(11)), Ok(11));
    assert_eq!(at(&week, Split::Day(16)), Ok(16));
    assert!(matches!(at(&covered(&[10]), Split::Share(0.5)), Err(Error::OneDay(_))));
    for outside in [9, 10, 17] {
        let error = at(&week, Split::Day(outside)).expect_err("one side is empty");
        assert!(error.to_string().starts_with("a cut at 1970-01-"), "{error}");
    }
}
