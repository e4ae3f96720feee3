//! Events and grants through every stage up to the proofs, for the tests that ask what comes out of them.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use trimtrail::inside::analysis::{self, Archive};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::coverage::Coverage;
use trimtrail::inside::gap::Gap;
use trimtrail::inside::grants::{self, Grants};
use trimtrail::inside::progress::Progress;
use trimtrail::inside::rightsize::{self, EvidenceLevel, Options, Proposal};
use trimtrail::inside::source;
use trimtrail::inside::usage::{self, Table};
use trimtrail::inside::verify::{Proved, Verified};

/// The role whose calls [`call`] makes.
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/app";

/// What the stages made of events and grants.
pub(crate) struct Run {
    /// All calls.
    pub(crate) table: Table,
    /// What was read.
    pub(crate) coverage: Coverage,
    /// What IAM grants.
    pub(crate) grants: Grants,
    /// A gap a principal.
    pub(crate) gaps: Vec<Gap>,
    /// Each proposal with what the proofs say of it.
    pub(crate) proposals: Vec<(Proposal, Result<Verified<Proved>, String>)>,
}

/// Takes the logs at `places` and `grants` through every stage.
pub(crate) fn run(places: &[String], grants: Grants, options: &Options) -> Run {
    let catalog = Catalog::embedded();
    let sources = source::find(places).expect("logs");
    let (table, coverage) = usage::collect(&sources, &usage::Options::default(), &Progress::silent()).expect("threads");
    assert!(coverage.span.is_some(), "no event");
    let options = analysis::Options::of(options);
    let found = analysis::analyse(catalog, &Archive::new(&table, &coverage), &grants, &options);
    let proved = found
        .proved
        .into_iter()
        .map(|(proposal, proved)| (proposal, Ok(proved)));
    let refused = found.refused.into_iter().map(|(proposal, refused)| {
        let why = refused.into_iter().map(|(_, why)| format!("{why}\n")).collect();
        (proposal, Err(why))
    });
    let mut proposals: Vec<_> = proved.chain(refused).collect();
    proposals.sort_by_key(|(proposal, _)| (proposal.policy, proposal.step));
    Run {
        gaps: found.gaps,
        table,
        coverage,
        grants,
        proposals,
    }
}

/// Takes events and the grants of the role `app` with one inline policy through every stage.
pub(crate) fn run_on(events: &[Value], document: &Value, evidence: EvidenceLevel) -> Run {
    run_with(
        events,
        document,
        &Options {
            evidence,
            min_window: 7,
            ..Options::default()
        },
    )
}

/// The same, asked for in another way.
pub(crate) fn run_with(events: &[Value], document: &Value, options: &Options) -> Run {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!(
        "trimtrail-pipeline-{}-{}.json",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let path = std::env::temp_dir().join(name);
    fs::write(&path, json!({"Records": events}).to_string()).expect("a file");
    let run = run(&[path.display().to_string()], role(document), options);
    let _ = fs::remove_file(&path);
    run
}

/// The grants of the role `app` with one inline policy.
pub(crate) fn role(document: &Value) -> Grants {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}]});
    let export = json!({"UserDetailList": [], "GroupDetailList": [], "Policies": [], "RoleDetailList": [{
        "Arn": ROLE, "RoleName": "app", "RoleId": "AROAAPP", "Path": "/", "CreateDate": "2025-01-01T00:00:00Z",
        "AssumeRolePolicyDocument": trust, "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": document}],
        "AttachedManagedPolicies": []}]});
    grants::read(&[("grants".to_owned(), export.to_string())]).expect("grants")
}

/// What the first proved suggestion puts in the place of the document; `None` where nothing is suggested.
pub(crate) fn suggested(events: &[Value], document: &Value, evidence: EvidenceLevel) -> Option<Value> {
    let run = run_on(events, document, evidence);
    let actions = run
        .proposals
        .into_iter()
        .find(|(proposal, _)| proposal.step == rightsize::Step::Actions);
    actions.map(|(_, proof)| proof.expect("a proof").after().value())
}

/// A call of the role `app` on a day of October 2026, overridden by `more`.
pub(crate) fn call(day: u32, source: &str, name: &str, more: Value) -> Value {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let mut event = json!({
        "eventVersion": "1.09", "eventTime": format!("2026-10-{day:02}T12:00:00Z"),
        "eventSource": format!("{source}.amazonaws.com"), "eventName": name, "awsRegion": "eu-west-1",
        "eventID": format!("pipeline-{}", NEXT.fetch_add(1, Ordering::Relaxed)), "eventType": "AwsApiCall",
        "eventCategory": "Management", "managementEvent": true, "recipientAccountId": "111122223333", "readOnly": true,
        "requestParameters": null, "responseElements": null,
        "userIdentity": {"type": "AssumedRole", "principalId": "AROAAPP:s", "accountId": "111122223333", "accessKeyId": "ASIAAPP",
            "arn": "arn:aws:sts::111122223333:assumed-role/app/s",
            "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": "AROAAPP", "arn": ROLE, "accountId": "111122223333", "userName": "app"}}}
    });
    for (key, value) in more.as_object().expect("an object") {
        event[key] = value.clone();
    }
    event
}

/// Somebody else's reads and writes on every day, so that the role's silence says something.
pub(crate) fn background() -> Vec<Value> {
    let other = json!({"type": "IAMUser", "principalId": "AIDAX", "arn": "arn:aws:iam::111122223333:user/x", "accountId": "111122223333"});
    let mut events = Vec::new();
    for day in 1..=14 {
        for region in ["eu-west-1", "us-east-1"] {
            for (name, read) in [("DescribeVpcs", true), ("CreateTags", false)] {
                let more = json!({"awsRegion": region, "readOnly": read, "userIdentity": other});
                events.push(call(day, "ec2", name, more));
            }
        }
    }
    events
}

/// The folder of test data that lies beside the project, where it is there.
pub(crate) fn shared() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let named = std::env::var_os("TRIMTRAIL_SHARED").map(PathBuf::from);
    let found = [Some(beside), named]
        .into_iter()
        .flatten()
        .find(|path| path.join("grants").is_dir());
    if found.is_none() {
        println!("skipped: there is no ../shared, and TRIMTRAIL_SHARED names none");
    }
    found
}
