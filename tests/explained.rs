//! Explained or kept: what AWS allowed was allowed by something, and nothing goes that could be the reason.

mod names;
mod organization;
mod spellings;
mod unnamed;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use trimtrail::inside::analysis::{self, backtest};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::gap::{self, Cause, Gap, Grade};
use trimtrail::inside::grants::{self, Grants};
use trimtrail::inside::iam::Policy;
use trimtrail::inside::progress::Progress;
use trimtrail::inside::rightsize::{AlternativeKind, EvidenceLevel, Options, Resources};
use trimtrail::inside::usage::{self, Table};
use trimtrail::inside::verify;
use trimtrail::inside::{coverage::Coverage, source};

use super::journey::{Folder, ROLE, allow, background, call, role};

const BUCKET: &str = "arn:aws:s3:::shop/*";
const EXACT: &str = "arn:aws:s3:::shop/a b";
const WRONG: &str = "arn:aws:s3:::shop/a%20b";

/// An archive of these events beside everybody's, with grants.
struct Archive {
    table: Table,
    coverage: Coverage,
    grants: Grants,
    _folder: Folder,
}

impl Archive {
    fn new(events: &[Value], grants: &Value) -> Archive {
        let folder = Folder::new();
        let events = [background(), events.to_vec()].concat();
        let records = json!({ "Records": events });
        fs::write(folder.0.join("a.json"), records.to_string()).expect("a file");
        let sources = source::find(&[folder.0.display().to_string()]).expect("a file");
        let (table, coverage) =
            usage::collect(&sources, &usage::Options::default(), &Progress::silent()).expect("threads");
        let grants = grants::read(&[("grants".to_owned(), grants.to_string())]).expect("grants");
        Archive {
            table,
            coverage,
            grants,
            _folder: folder,
        }
    }

    /// The same as if the mapping tables had derived other resources of each call that named one.
    fn derived(mut self, resources: &[&str]) -> Archive {
        for row in self.table.rows.iter_mut().filter(|row| !row.resources.is_empty()) {
            let signature = &self.table.signatures[row.signature].signature;
            if &*signature.event_source != "ec2.amazonaws.com" {
                row.resources = resources.iter().map(|resource| (*resource).to_owned()).collect();
            }
        }
        self
    }

    fn read(&self) -> analysis::Archive<'_> {
        analysis::Archive::new(&self.table, &self.coverage)
    }

    fn gaps(&self) -> Vec<Gap> {
        analysis::gaps(Catalog::embedded(), &self.read(), &self.grants, true)
    }

    /// All actions that some proved suggestion removes, sorted.
    fn removed(&self, options: &Options) -> Vec<String> {
        let catalog = Catalog::embedded();
        let options = analysis::Options::of(options);
        let found = analysis::analyse(catalog, &self.read(), &self.grants, &options);
        if let Some((_, refused)) = found.refused.first() {
            panic!("{}", refused[0].1);
        }
        let mut removed: Vec<String> = Vec::new();
        for (_, proved) in found.proved {
            removed.extend(
                proved
                    .candidate
                    .removed
                    .iter()
                    .map(|action| catalog.name(action).to_owned()),
            );
            for narrowing in &proved.candidate.narrowed {
                removed.push(format!("{:?} -> {:?}", narrowing.from, narrowing.to));
            }
        }
        removed.sort();
        removed.dedup();
        removed
    }

    fn grade(&self, action: &str) -> (Grade, String) {
        let action = Catalog::embedded().id(action).expect("an action");
        let gaps = self.gaps();
        let of_role = |gap: &&Gap| self.grants.principals[gap.principal].arn == ROLE;
        let gap = gaps.iter().find(of_role).expect("the role");
        let slices = gap.slices.iter().filter(|slice| slice.granted.contains(action));
        let grades = slices.map(|slice| (slice.grade(action), slice.why(action)));
        grades.min_by_key(|(grade, _)| *grade).expect("granted")
    }
}

fn options(evidence: EvidenceLevel) -> Options {
    Options {
        evidence,
        min_window: 7,
        grace: 0,
        ..Options::default()
    }
}

fn conservative() -> Options {
    options(EvidenceLevel::Conservative)
}

/// A data event: `s3:GetObject` of an object.
fn get_object(day: u32, more: Value) -> Value {
    let mut event = call(
        day,
        "s3",
        "GetObject",
        json!({"eventCategory": "Data", "managementEvent": false, "requestParameters": {"bucketName": "shop", "key": "a b"},
            "resources": [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::shop/a b"},
                {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::shop", "accountId": "111122223333"}]}),
    );
    for (key, value) in more.as_object().expect("an object") {
        event[key] = value.clone();
    }
    event
}

fn statement(action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

fn policy(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

#[test]
fn a_grant_on_the_exact_resource_stays_where_another_one_is_derived() {
    for evidence in [
        EvidenceLevel::Conservative,
        EvidenceLevel::Balanced,
        EvidenceLevel::Aggressive,
    ] {
        let document = policy(&[
            statement("s3:GetObject", EXACT),
            statement("ec2:TerminateInstances", "*"),
        ]);
        let archive = Archive::new(&[get_object(3, json!({}))], &role(&document)).derived(&[WRONG]);
        assert_eq!(
            archive.removed(&options(evidence)),
            ["ec2:TerminateInstances"],
            "{evidence:?}"
        );
    }
}

#[test]
fn the_reason_names_the_call_and_the_resource_that_was_derived() {
    let archive = Archive::new(
        &[get_object(3, json!({}))],
        &role(&allow(&json!("s3:GetObject"), &json!(EXACT))),
    )
    .derived(&[WRONG]);
    let (grade, why) = archive.grade("s3:GetObject");
    assert_eq!(grade, Grade::Inferred);
    assert_eq!(
        why,
        "unexplained: s3.amazonaws.com/GetObject went through, and no statement allows s3:GetObject on \
         arn:aws:s3:::shop/a%20b; whatever could stays"
    );
}

#[test]
fn one_unexplained_resource_of_three_keeps_every_grant_of_the_action() {
    let document = policy(&[
        statement("s3:GetObject", "arn:aws:s3:::one/*"),
        statement("s3:GetObject", "arn:aws:s3:::two/*"),
        statement("s3:GetObject", EXACT),
        statement("s3:DeleteBucket", "arn:aws:s3:::shop"),
    ]);
    let derived = ["arn:aws:s3:::one/k", "arn:aws:s3:::two/k", WRONG];
    let archive = Archive::new(&[get_object(3, json!({}))], &role(&document)).derived(&derived);
    assert_eq!(archive.removed(&conservative()), ["s3:DeleteBucket"]);
    let (after, _) = losses_without(&archive, 2);
    assert_eq!(after, ["s3:GetObject"]);
}

/// What goes with a statement of the role's policy, as `verify` names it, and how many calls are unexplained.
fn losses_without(archive: &Archive, statement: usize) -> (Vec<String>, u64) {
    let written = archive.grants.policies[0].document.clone();
    let mut after = written.clone();
    after["Statement"].as_array_mut().expect("a list").remove(statement);
    let parse = |document: &Value| Policy::from_value(document).expect("a policy");
    let (lost, replayed) = verify::losses(
        Catalog::embedded(),
        &parse(&written),
        &parse(&after),
        &archive.gaps()[0],
    );
    (lost.into_iter().map(|loss| loss.action).collect(), replayed.unexplained)
}

#[test]
fn keeps_counts_the_calls_that_nothing_explains() {
    let document = policy(&[statement("s3:GetObject", EXACT), statement("ec2:RunInstances", "*")]);
    let events = [get_object(3, json!({})), get_object(4, json!({}))];
    let archive = Archive::new(&events, &role(&document)).derived(&[WRONG]);
    assert_eq!(losses_without(&archive, 0), (vec!["s3:GetObject".to_owned()], 2));
    assert_eq!(losses_without(&archive, 1), (Vec::new(), 2));
}

#[test]
fn a_twin_that_the_call_may_have_needed_stays_on_any_resource() {
    let document = policy(&[
        statement("s3:GetObjectVersion", EXACT),
        statement("s3:GetObject", EXACT),
    ]);
    let versioned = json!({"requestParameters": {"bucketName": "shop", "key": "a b", "versionId": "v"}});
    let archive = Archive::new(&[get_object(3, versioned)], &role(&document)).derived(&[WRONG]);
    assert_eq!(archive.removed(&conservative()), Vec::<String>::new());
}

#[test]
fn what_only_not_resource_leaves_out_is_unexplained() {
    let but = json!({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::shop/a%*"});
    let document = policy(&[but, statement("s3:GetObject", EXACT)]);
    let archive = Archive::new(&[get_object(3, json!({}))], &role(&document)).derived(&[WRONG]);
    assert_eq!(archive.gaps()[0].activity.unexplained[0].cause, Cause::OtherResources);
}

#[test]
fn a_call_that_an_outright_denial_forbids_is_unexplained() {
    let deny = json!({"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::shop/a%20b"});
    let document = |deny: &Value| {
        policy(&[
            statement("s3:GetObject", BUCKET),
            statement("s3:GetObject", EXACT),
            deny.clone(),
        ])
    };
    let unexplained = |deny: &Value| {
        let archive = Archive::new(&[get_object(3, json!({}))], &role(&document(deny))).derived(&[WRONG]);
        archive.gaps()[0].activity.unexplained.len()
    };
    assert_eq!(unexplained(&deny), 1);
    let mut conditional = deny.clone();
    conditional["Condition"] = json!({"Bool": {"aws:SecureTransport": "false"}});
    assert_eq!(unexplained(&conditional), 0);
    let elsewhere = json!({"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::other/*"});
    assert_eq!(unexplained(&elsewhere), 0);
}

#[test]
fn a_call_outside_the_permissions_boundary_is_unexplained() {
    let mut export = role(&policy(&[statement("s3:GetObject", BUCKET)]));
    export["RoleDetailList"][0]["PermissionsBoundary"] =
        json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/b"});
    export["Policies"] = json!([{"PolicyName": "b", "PolicyId": "ANPAB", "Arn": "arn:aws:iam::111122223333:policy/b", "Path": "/",
        "DefaultVersionId": "v1", "AttachmentCount": 0, "PermissionsBoundaryUsageCount": 1, "IsAttachable": true,
        "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true, "Document": policy(&[statement("s3:GetObject", EXACT)])}]}]);
    let unexplained = |derived: &str| {
        let archive = Archive::new(&[get_object(3, json!({}))], &export).derived(&[derived]);
        let gaps = archive.gaps();
        gaps.iter().map(|gap| gap.activity.unexplained.len()).sum::<usize>()
    };
    assert_eq!((unexplained(WRONG), unexplained(EXACT)), (1, 0));
}

#[test]
fn what_a_group_grants_stays_for_an_unexplained_call_of_its_member() {
    let group = json!({"GroupName": "g", "GroupId": "AGPAG", "Arn": "arn:aws:iam::111122223333:group/g", "Path": "/",
        "CreateDate": "2025-01-01T00:00:00Z", "AttachedManagedPolicies": [],
        "GroupPolicyList": [{"PolicyName": "p", "PolicyDocument": policy(&[statement("s3:GetObject", EXACT), statement("ec2:RunInstances", "*")])}]});
    let user = json!({"UserName": "u", "UserId": "AIDAU", "Arn": "arn:aws:iam::111122223333:user/u", "Path": "/",
        "CreateDate": "2025-01-01T00:00:00Z", "GroupList": ["g"], "AttachedManagedPolicies": [], "UserPolicyList": []});
    let export = json!({"UserDetailList": [user], "GroupDetailList": [group], "RoleDetailList": [], "Policies": []});
    let by_user = json!({"userIdentity": {"type": "IAMUser", "principalId": "AIDAU", "accountId": "111122223333", "userName": "u",
        "arn": "arn:aws:iam::111122223333:user/u"}});
    let archive = Archive::new(&[get_object(3, by_user)], &export).derived(&[WRONG]);
    assert_eq!(archive.removed(&conservative()), ["ec2:RunInstances"]);
}

#[test]
fn a_denied_call_explains_nothing_and_keeps_nothing() {
    let denied = json!({"errorCode": "AccessDenied", "errorMessage":
        "User: arn:aws:sts::111122223333:assumed-role/app/s is not authorized to perform: s3:GetObject on resource: \"arn\""});
    let archive = Archive::new(
        &[get_object(3, denied)],
        &role(&allow(&json!("s3:GetObject"), &json!(EXACT))),
    )
    .derived(&[WRONG]);
    assert_eq!(archive.gaps()[0].activity.unexplained, []);
}

#[test]
fn a_call_of_which_nobody_knows_the_outcome_keeps_and_is_not_counted() {
    let throttled = json!({"errorCode": "SlowDown", "errorMessage": "Please reduce your request rate."});
    let document = policy(&[statement("s3:GetObject", EXACT), statement("ec2:RunInstances", "*")]);
    let archive = Archive::new(&[get_object(3, throttled)], &role(&document)).derived(&[WRONG]);
    assert_eq!(archive.removed(&conservative()), ["ec2:RunInstances"]);
    assert_eq!(losses_without(&archive, 0), (vec!["s3:GetObject".to_owned()], 0));
}

#[test]
fn an_error_about_a_resource_keeps_and_counts_as_no_witness() {
    let missing = json!({"errorCode": "NoSuchBucket"});
    let archive = Archive::new(
        &[get_object(3, missing)],
        &role(&allow(&json!("s3:GetObject"), &json!(EXACT))),
    )
    .derived(&[WRONG]);
    let unexplained = archive.gaps()[0].activity.unexplained.clone();
    assert_eq!((unexplained[0].calls, unexplained[0].indeterminate), (0, 1));
    assert_eq!(archive.removed(&conservative()), Vec::<String>::new());
}

#[test]
fn an_explained_call_keeps_no_other_resource_of_its_action() {
    let document = policy(&[
        statement(
            "secretsmanager:GetSecretValue",
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-*",
        ),
        statement(
            "secretsmanager:GetSecretValue",
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:other-*",
        ),
    ]);
    let archive = Archive::new(&[super::journey::secret()], &role(&document));
    assert_eq!(archive.gaps()[0].activity.unexplained, []);
    let grades: Vec<Grade> = archive.gaps()[0]
        .slices
        .iter()
        .map(|slice| {
            slice.grade(
                Catalog::embedded()
                    .id("secretsmanager:GetSecretValue")
                    .expect("an action"),
            )
        })
        .collect();
    assert_eq!(grades, [Grade::Used, Grade::Unused]);
}

#[test]
fn a_call_of_an_action_that_nobody_granted_is_elsewhere_and_keeps_what_has_its_name() {
    let event = |name: &str| call(3, "s3", name, json!({"requestParameters": {"bucketName": "shop"}}));
    let document = policy(&[
        statement("s3:HeadB*", "*"),
        statement("s3:DeleteBucket", "*"),
        statement("ec2:RunInstances", "*"),
    ]);
    // The catalog says that HeadBucket takes s3:ListBucket, which nothing grants.
    let archive = Archive::new(&[event("HeadBucket")], &role(&document));
    let gaps = archive.gaps();
    let unexplained = &gaps[0].activity.unexplained;
    assert_eq!(unexplained[0].cause, Cause::NotGranted);
    assert_eq!(unexplained[0].may_be.iter().collect::<Vec<_>>(), ["s3:HeadBucket"]);
    assert_eq!(losses_without(&archive, 0).0, ["s3:HeadBucket"]);
    assert_eq!(losses_without(&archive, 1).0, Vec::<String>::new());
}

#[test]
fn a_role_whose_trust_names_the_caller_itself_is_elsewhere() {
    let target = "arn:aws:iam::111122223333:role/target";
    let mut export = role(&policy(&[statement(
        "sts:AssumeRole",
        "arn:aws:iam::111122223333:role/idle",
    )]));
    let cause = |trusted: &str, export: &mut Value| {
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}]});
        let second = json!({"Arn": target, "RoleName": "target", "RoleId": "AROATARGET", "Path": "/", "CreateDate": "2025-01-01T00:00:00Z",
            "AssumeRolePolicyDocument": trust, "RolePolicyList": [], "AttachedManagedPolicies": []});
        export["RoleDetailList"].as_array_mut().expect("a list").truncate(1);
        export["RoleDetailList"].as_array_mut().expect("a list").push(second);
        let assume = call(
            3,
            "sts",
            "AssumeRole",
            json!({"requestParameters": {"roleArn": target, "roleSessionName": "s"}}),
        );
        let archive = Archive::new(&[assume], export);
        let gaps = archive.gaps();
        let mut unexplained = gaps.iter().flat_map(|gap| &gap.activity.unexplained);
        unexplained.next().expect("unexplained").cause
    };
    assert_eq!(cause(ROLE, &mut export), Cause::Trust);
    // The account alone takes a policy of the caller's as well.
    assert_eq!(
        cause("arn:aws:iam::111122223333:root", &mut export),
        Cause::OtherResources
    );
}

#[test]
fn resources_are_not_narrowed_by_calls_that_nothing_explains() {
    let events: Vec<Value> = (1..=14).map(|day| get_object(day, json!({}))).collect();
    let document = policy(&[
        statement("s3:GetObject", "arn:aws:s3:::shop/*"),
        statement("s3:GetObject", "arn:aws:s3:::pub/*"),
    ]);
    let narrow = Options {
        resources: Resources::Narrow,
        ..conservative()
    };
    let archive = Archive::new(&events, &role(&document)).derived(&["arn:aws:s3:::gone/a", "arn:aws:s3:::shop/a"]);
    assert_eq!(archive.removed(&narrow), Vec::<String>::new());
}

#[test]
fn a_backtest_doubts_an_unexplained_call_whose_action_loses_a_grant() {
    // Learnt from days without the call, the grant goes; the call that follows went through for some reason.
    let known = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:known-AbCdEf";
    let event = |day: u32| {
        call(
            day,
            "secretsmanager",
            "GetSecretValue",
            json!({"requestParameters": {"secretId": known}}),
        )
    };
    let used = call(2, "ec2", "DescribeInstances", json!({}));
    let document = policy(&[
        statement(
            "secretsmanager:GetSecretValue",
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:other-AbCdEf",
        ),
        statement("ec2:DescribeInstances", "*"),
    ]);
    let archive = Archive::new(&[used, event(12)], &role(&document));
    let score = backtest::backtest(
        Catalog::embedded(),
        &archive.read(),
        &archive.grants,
        archive.coverage.span.expect("events"),
        &backtest::Choice {
            split: backtest::Split::Share(0.5),
            options: &conservative(),
            shown: None,
        },
    )
    .expect("two weeks");
    assert_eq!(
        (
            score.suggestions.len(),
            score.totals.broken_calls,
            score.totals.doubtful_calls
        ),
        (1, 0, 1)
    );
}

#[test]
fn alternatives_leave_what_could_explain_a_call() {
    let document = policy(&[
        statement("s3:GetObject", EXACT),
        statement("ec2:TerminateInstances", "*"),
    ]);
    let archive = Archive::new(&[get_object(3, json!({}))], &role(&document)).derived(&[WRONG]);
    let options = analysis::Options {
        alternatives: BTreeSet::from([
            AlternativeKind::PermissionsBoundary,
            AlternativeKind::TrialDeny,
            AlternativeKind::SessionPolicy,
        ]),
        ..analysis::Options::of(&conservative())
    };
    let found = analysis::analyse(Catalog::embedded(), &archive.read(), &archive.grants, &options);
    assert_eq!(
        found.impossible.iter().map(|(why, _)| &why.why).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    let made: BTreeSet<AlternativeKind> = found.alternatives.iter().map(|proved| proved.kind).collect();
    assert_eq!(made, options.alternatives);
}

#[test]
fn every_exact_grant_of_the_shared_cases_stays() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases/exact-resources");
    let Ok(cases) = fs::read_dir(&folder) else {
        eprintln!("skipped: no {}", folder.display());
        return;
    };
    let mut tried = 0;
    for case in cases.map(|case| case.expect("a folder").path()) {
        let name = case.file_name().expect("a name").to_string_lossy().into_owned();
        if !name.starts_with("exact-") && name != "lambda-qualifier-lost" {
            continue;
        }
        let text = |file: &str| fs::read_to_string(case.join(file)).expect("a file");
        let sources = source::find(&[case.join("log.json").display().to_string()]).expect("a file");
        let (table, coverage) =
            usage::collect(&sources, &usage::Options::default(), &Progress::silent()).expect("threads");
        let archive = Archive {
            table,
            coverage,
            grants: grants::read(&[("grants".to_owned(), text("grants.json"))]).expect("grants"),
            _folder: Folder::new(),
        };
        let mut options = conservative();
        options.min_window = 0;
        assert_eq!(archive.removed(&options), Vec::<String>::new(), "{name}");
        tried += 1;
    }
    assert!(tried > 0);
}

#[test]
fn coverage_counts_the_calls_that_the_grants_explain() {
    let document = policy(&[
        statement("s3:GetObject", EXACT),
        statement("s3:GetObject", "arn:aws:s3:::pub/*"),
    ]);
    let unnamed = call(5, "newthing", unnamed::NEW, json!({}));
    let share = |derived: &str| {
        let events = [get_object(3, json!({})), get_object(4, json!({})), unnamed.clone()];
        let archive = Archive::new(&events, &role(&document)).derived(&[derived]);
        let window = archive.coverage.span.expect("events");
        let explained = gap::explained(
            Catalog::embedded(),
            &archive.table,
            &archive.grants,
            &archive.coverage,
            window,
        );
        let worst = explained.operations[0].0.1.clone();
        (
            explained.total.calls,
            explained.total.explained,
            explained.total.unmapped,
            worst,
        )
    };
    assert_eq!(share(WRONG), (3, 0, 1, "GetObject".to_owned()));
    assert_eq!(share(EXACT), (3, 2, 1, unnamed::NEW.to_owned()));
}
