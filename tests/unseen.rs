//! What was used or inferred stands in one statement, what nobody could see in one beside it.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};
use trimtrail::inside::catalog::{ActionId, Catalog};
use trimtrail::inside::report::{Report, Suggestion};
use trimtrail::inside::rightsize::{Options, Resources};
use trimtrail::inside::verify::Verified;

use super::journey::{Folder, allow, analyze, background, call, options, role, secret};

fn run(events: &[Value], document: &Value, options: &Options) -> Report {
    analyze(&[background(), events.to_vec()].concat(), &role(document), options, 1)
}

fn list_buckets() -> Value {
    call(3, "s3", "ListBuckets", json!({}))
}

fn policy(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// What a document becomes; lists are written out, so that a single name and a list of one compare as they are.
#[track_caller]
fn check(events: &[Value], before: &Value, options: &Options, expected: &Value) {
    let report = run(events, before, options);
    let after: Vec<Value> = report.suggestions.iter().map(|one| one.after().value()).collect();
    assert_eq!(after, std::slice::from_ref(expected));
    let report = run(events, expected, options);
    assert_eq!(
        report.suggestions.len(),
        0,
        "asked again: {:?}",
        report.suggestions.first().map(|one| one.after())
    );
}

const BUCKETS: [&str; 4] = ["s3:ListAllMyBuckets", "s3:DeleteBucket", "s3:GetObject", "s3:PutObject"];

fn buckets(more: &Value) -> Value {
    let mut statement = json!({"Effect": "Allow", "Action": BUCKETS, "Resource": "*"});
    for (key, value) in more.as_object().expect("an object") {
        statement[key] = value.clone();
    }
    statement
}

#[test]
fn seen_and_unseen_stand_apart_under_one_sid_each() {
    check(
        &[list_buckets()],
        &policy(&[buckets(&json!({"Sid": "App"}))]),
        &options(),
        &policy(&[
            buckets(&json!({"Sid": "App", "Action": ["s3:ListAllMyBuckets"]})),
            buckets(&json!({"Sid": "AppUnseen", "Action": ["s3:GetObject", "s3:PutObject"]})),
        ]),
    );
}

#[test]
fn without_a_sid_neither_gets_one() {
    check(
        &[list_buckets()],
        &policy(&[buckets(&json!({}))]),
        &options(),
        &policy(&[
            buckets(&json!({"Action": ["s3:ListAllMyBuckets"]})),
            buckets(&json!({"Action": ["s3:GetObject", "s3:PutObject"]})),
        ]),
    );
}

#[test]
fn a_sid_that_is_taken_gets_a_number() {
    let deny = json!({"Sid": "AppUnseen", "Effect": "Deny", "Action": "iam:*", "Resource": "*"});
    check(
        &[list_buckets()],
        &policy(&[buckets(&json!({"Sid": "App"})), deny.clone()]),
        &options(),
        &policy(&[
            buckets(&json!({"Sid": "App", "Action": ["s3:ListAllMyBuckets"]})),
            buckets(&json!({"Sid": "AppUnseen2", "Action": ["s3:GetObject", "s3:PutObject"]})),
            deny,
        ]),
    );
}

#[test]
fn what_was_seen_of_an_unseen_statement_loses_the_suffix() {
    check(
        &[list_buckets()],
        &policy(&[buckets(&json!({"Sid": "AppUnseen"}))]),
        &options(),
        &policy(&[
            buckets(&json!({"Sid": "App", "Action": ["s3:ListAllMyBuckets"]})),
            buckets(&json!({"Sid": "AppUnseen", "Action": ["s3:GetObject", "s3:PutObject"]})),
        ]),
    );
}

#[test]
fn resources_and_conditions_stand_in_both() {
    let tied = json!({"Resource": ["*", "arn:aws:s3:::a"], "Condition": {"Bool": {"aws:SecureTransport": "true"}}});
    let with = |actions: &Value| {
        let mut statement = buckets(&tied);
        statement["Action"] = actions.clone();
        statement
    };
    check(
        &[list_buckets()],
        &policy(&[buckets(&tied)]),
        &options(),
        &policy(&[
            with(&json!(["s3:ListAllMyBuckets"])),
            with(&json!(["s3:GetObject", "s3:PutObject"])),
        ]),
    );
}

#[test]
fn together_is_one_statement() {
    let together = Options {
        unseen_apart: false,
        ..options()
    };
    check(
        &[list_buckets()],
        &policy(&[buckets(&json!({"Sid": "App"}))]),
        &together,
        &policy(&[buckets(
            &json!({"Sid": "App", "Action": ["s3:GetObject", "s3:ListAllMyBuckets", "s3:PutObject"]}),
        )]),
    );
}

#[test]
fn where_nothing_was_seen_the_statement_keeps_its_sid() {
    check(
        &[],
        &policy(&[buckets(&json!({"Sid": "App"}))]),
        &options(),
        &policy(&[buckets(
            &json!({"Sid": "App", "Action": ["s3:GetObject", "s3:PutObject"]}),
        )]),
    );
}

#[test]
fn a_statement_of_which_nothing_goes_is_left_as_it_was_written() {
    let reads =
        json!({"Sid": "Read", "Effect": "Allow", "Action": ["s3:ListAllMyBuckets", "s3:GetObject"], "Resource": "*"});
    let drops = json!({"Sid": "Drop", "Effect": "Allow", "Action": "s3:DeleteBucket", "Resource": "arn:aws:s3:::b"});
    check(
        &[list_buckets()],
        &policy(&[reads.clone(), drops]),
        &options(),
        &policy(&[reads]),
    );
}

#[test]
fn a_wildcard_of_which_nothing_goes_stays_in_the_unseen_statement() {
    check(
        &[list_buckets()],
        &allow(&json!(["s3:List*ets", "s3:Get?bject", "s3:DeleteBucket"]), &json!("*")),
        &options(),
        &policy(&[
            json!({"Effect": "Allow", "Action": ["s3:List*ets"], "Resource": "*"}),
            json!({"Effect": "Allow", "Action": ["s3:Get?bject"], "Resource": "*"}),
        ]),
    );
}

#[test]
fn a_name_that_the_catalog_does_not_know_could_not_be_seen() {
    check(
        &[list_buckets()],
        &allow(
            &json!(["s3:ListAllMyBuckets", "s3:DeleteBucket", "zz:NoSuchThing"]),
            &json!("*"),
        ),
        &options(),
        &policy(&[
            json!({"Effect": "Allow", "Action": ["s3:ListAllMyBuckets"], "Resource": "*"}),
            json!({"Effect": "Allow", "Action": ["zz:NoSuchThing"], "Resource": "*"}),
        ]),
    );
}

#[test]
fn what_goes_whole_or_not_at_all_stands_together() {
    let tagged = json!({"Sid": "Tagged", "Effect": "Allow", "Action": ["s3:ListAllMyBuckets", "s3:GetObject", "s3:DeleteBucket", "iam:*"],
        "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/made-by": "app"}}});
    let makes = json!({"Sid": "Makes", "Effect": "Allow", "Action": "sqs:CreateQueue", "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestTag/made-by": "app"}}});
    let report = run(&[list_buckets()], &policy(&[makes, tagged]), &options());
    let [suggestion] = &report.suggestions[..] else {
        panic!("{} suggestions", report.suggestions.len());
    };
    let sids: Vec<Value> = statements(suggestion).iter().map(|one| one["Sid"].clone()).collect();
    assert!(!sids.contains(&json!("TaggedUnseen")), "{sids:?}");
}

#[test]
fn where_the_pair_has_no_room_they_stand_together() {
    // A role's inline policies take 10,240 characters; each statement repeats its resources.
    let resources: Vec<String> = (0..180)
        .map(|at| format!("arn:aws:s3:::bucket-of-shop-{at:03}/*"))
        .collect();
    let before = policy(&[buckets(&json!({"Sid": "App", "Resource": resources}))]);
    let put = call(
        4,
        "s3",
        "DeleteBucket",
        json!({"requestParameters": {"bucketName": "other"}}),
    );
    let report = run(&[put, object_tagged()], &before, &options());
    let [suggestion] = &report.suggestions[..] else {
        panic!("{} suggestions", report.suggestions.len());
    };
    assert_eq!(statements(suggestion).len(), 1);
    assert!(suggestion.statements[0].unseen.is_none());
}

/// A data event by the role itself on one of those buckets.
fn object_tagged() -> Value {
    call(
        5,
        "s3",
        "PutObject",
        json!({"eventCategory": "Data", "managementEvent": false, "readOnly": false,
        "requestParameters": {"bucketName": "bucket-of-shop-001", "key": "k"},
        "resources": [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::bucket-of-shop-001/k"},
            {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::bucket-of-shop-001", "accountId": "111122223333"}]}),
    )
}

fn statements(suggestion: &Verified<Suggestion>) -> Vec<Value> {
    suggestion.after().value()["Statement"]
        .as_array()
        .cloned()
        .expect("statements")
}

fn expanded(patterns: &Value) -> BTreeSet<ActionId> {
    let all = patterns
        .as_array()
        .map_or(std::slice::from_ref(patterns), Vec::as_slice);
    let all = all.iter().filter_map(Value::as_str);
    all.flat_map(|pattern| Catalog::embedded().expand(pattern)).collect()
}

#[test]
fn few_patterns_stand_for_what_was_not_seen_and_for_nothing_that_goes() {
    let document = allow(
        &json!(["dynamodb:*", "s3:*", "secretsmanager:*", "sns:*", "sqs:*"]),
        &json!("*"),
    );
    let describe = call(
        4,
        "dynamodb",
        "DescribeTable",
        json!({"requestParameters": {"tableName": "orders"}}),
    );
    let events = [background(), vec![secret(), list_buckets(), describe]].concat();
    let report = analyze(&events, &role(&document), &options(), 1);
    let [suggestion] = &report.suggestions[..] else {
        panic!("{} suggestions", report.suggestions.len());
    };
    let [seen, unseen] = &statements(suggestion)[..] else {
        panic!("{}", suggestion.after());
    };
    let grade = |action: &ActionId| {
        let name = Catalog::embedded().name(*action);
        super::journey::grade(&report, name)
    };
    let (seen, hidden) = (expanded(&seen["Action"]), expanded(&unseen["Action"]));
    let removed: BTreeSet<ActionId> = suggestion
        .removed
        .iter()
        .flat_map(|pattern| Catalog::embedded().expand(pattern))
        .collect();
    for action in &seen {
        assert!(
            ["used", "inferred"].contains(&grade(action).as_str()),
            "{}",
            Catalog::embedded().name(*action)
        );
    }
    assert_eq!(hidden.intersection(&removed).count(), 0);
    let granted = expanded(&document["Statement"][0]["Action"]);
    assert_eq!(&(&seen | &hidden) | &removed, granted);
    let stays = granted
        .difference(&removed)
        .filter(|action| !seen.contains(action))
        .count();
    let patterns = unseen["Action"].as_array().expect("a list").len();
    assert!(
        patterns * 2 < stays,
        "{patterns} patterns for {stays} actions: {}",
        unseen["Action"]
    );
    let told = suggestion.statements[1].unseen.as_ref().expect("why it is there");
    assert_eq!(told.actions, stays as u64);
    assert_eq!(told.why.iter().map(|one| one.actions).sum::<u64>(), told.actions);
    assert_eq!(suggestion.statements[1].from, [0]);
    assert!(suggestion.statements[0].unseen.is_none());
}

#[test]
fn what_stands_in_both_statements_is_not_said_to_be_narrower() {
    // Nothing of `secretsmanager:Get*` goes, and what is narrowed beside it would still be granted by it.
    let document = allow(&json!(["secretsmanager:*", "zz:*"]), &json!("*"));
    let narrow = Options {
        resources: Resources::Narrow,
        ..options()
    };
    let report = run(&[secret()], &document, &narrow);
    assert!(!report.suggestions.is_empty());
    for suggestion in report.suggestions.iter().filter(|one| !one.narrowed.is_empty()) {
        let all = statements(suggestion);
        let (wide, narrow): (Vec<&Value>, Vec<&Value>) = all.iter().partition(|one| one["Resource"] == json!("*"));
        let wide: BTreeSet<ActionId> = wide.iter().flat_map(|one| expanded(&one["Action"])).collect();
        for one in narrow {
            assert!(expanded(&one["Action"]).is_disjoint(&wide), "{}", suggestion.after());
        }
    }
}

/// The sample's result, and what its pull request would say.
fn sample() -> (Value, String) {
    let folder = Folder::new();
    let out = folder.0.join("out");
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/sample-logs");
    let done = Command::new(env!("CARGO_BIN_EXE_trimtrail"))
        .args(["-q", "analyze", "--min-window", "7d", "--out"])
        .arg(&out)
        .args([
            "--logs",
            &format!("{root}/AWSLogs"),
            "--grants",
            &format!("{root}/grants"),
        ])
        .output()
        .expect("trimtrail runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let read = |name: &str| std::fs::read_to_string(out.join(name)).expect(name);
    let report = serde_json::from_str(&read("result.json")).expect("a result");
    (report, read("summary.md"))
}

#[test]
fn ci_deploy_fits_a_screen_and_its_first_statement_is_what_was_seen() {
    let (report, comment) = sample();
    let one = |list: &str, key: &str, is: &str| {
        let mut all = report[list].as_array().expect(list).iter();
        all.find(|one| one[key] == is).cloned().expect(is)
    };
    let role = one("principals", "arn", "arn:aws:iam::111122223333:role/ci-deploy");
    let deploy = one("suggestions", "policy", "deploy");
    let statement = |at: usize| &deploy["after"]["Statement"][at];
    assert_eq!(statement(0)["Sid"], json!("Build"));
    assert_eq!(statement(1)["Sid"], json!("BuildUnseen"));
    for action in expanded(&statement(0)["Action"]) {
        let name = Catalog::embedded().name(action);
        let mut lines = role["actions"].as_array().expect("lines").iter();
        let line = lines.find(|line| line["action"] == name).expect("a line of its own");
        assert!(
            ["used", "inferred"].contains(&line["grade"].as_str().expect("a grade")),
            "{line}"
        );
    }
    assert_eq!(deploy["statements"][0]["unseen"], Value::Null);
    assert_ne!(deploy["statements"][1]["unseen"]["why"], json!([]));
    // Forty-three lines of ninety columns: what no page lists as logged stays too.
    let characters = deploy["characters"]["after"].as_u64().expect("a number");
    assert!(characters < 3_900, "{characters} characters");
    let stays = &deploy["statements"][1]["unseen"]["actions"];
    let says = format!("<code>BuildUnseen</code>: {stays} actions stay that nobody saw used");
    assert!(comment.contains(&says), "{comment}");
}
