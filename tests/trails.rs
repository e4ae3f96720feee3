//! Real and documented trails, where they lie beside the checkout: nearly every call resolves, and denials agree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use trimtrail::inside::attribute::{self, Attribution};
use trimtrail::inside::catalog::{Catalog, Mapping};
use trimtrail::inside::decode::{Item, Limits, Reader};
use trimtrail::inside::progress::Progress;
use trimtrail::inside::resolve::Operation;
use trimtrail::inside::{gap, source, usage};

/// The folder of other people's data, if it is there.
fn shared(name: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("TRIMTRAIL_SHARED").map_or(beside, PathBuf::from);
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is absent", path.display());
    None
}

/// Names that no AWS service logs, each with its reason.
const INVENTED: [(&str, &str); 19] = [
    (
        "actiontrail.cn-hangzhou.aliyuncs.com UpdateTrail",
        "another cloud's event",
    ),
    (
        "cloudtrail.amazonaws.com DeleteRule",
        "a rule of EventBridge under the wrong source",
    ),
    ("cloudtrail.amazonaws.com DescribeTrail", "the call is DescribeTrails"),
    (
        "cloudtrail.amazonaws.com EnableRegion",
        "a call of Account Management under the wrong source",
    ),
    (
        "ec2.amazonaws.com DeleteBucketEncryption",
        "a call of S3 under the wrong source",
    ),
    (
        "ec2.amazonaws.com DeleteBucketPublicAccessBlock",
        "a call of S3 under the wrong source",
    ),
    (
        "ec2.amazonaws.com DeleteBucketReplication",
        "a call of S3 under the wrong source",
    ),
    (
        "ec2.amazonaws.com PutBucketLogging",
        "a call of S3 under the wrong source",
    ),
    (
        "ec2.amazonaws.com PutBucketVersioning",
        "a call of S3 under the wrong source",
    ),
    (
        "ec2.amazonaws.com RegisterManagedInstance",
        "a call of Systems Manager under the wrong source",
    ),
    ("ecs-cn-hangzhou.aliyuncs.com StopInstance", "another cloud's event"),
    (
        "iam.amazonaws.com DescribePolicy",
        "a call of Organizations under the wrong source",
    ),
    ("iam.amazonaws.com DetachUserGroup", "IAM has no such call"),
    ("iam.amazonaws.com NotCreateUser", "IAM has no such call"),
    ("iam.amazonaws.com PutPolicy", "IAM has no such call"),
    ("ram-share.aliyuncs.com AttachPolicyToUser", "another cloud's event"),
    (
        "s3.amazonaws.com CreateServiceLinkedRole",
        "a call of IAM under the wrong source",
    ),
    (
        "s3.amazonaws.com SetQueueAttributes",
        "a call of SQS under the wrong source",
    ),
    ("sts.aliyuncs.com AssumeRole", "another cloud's event"),
];

/// Every event of a trail, copies included: in redacted trails many share an id.
fn each_call(trail: &Path, each: &mut dyn FnMut(&str, &str)) {
    for file in source::find(&[trail.display().to_string()]).expect("a trail") {
        let stream = file.open().expect("a file");
        Reader::new().read(stream, &Limits::default(), &mut |item| {
            if let Item::Event(event) = item
                && !matches!(attribute::attribute(event), Attribution::NotACall(_))
            {
                each(&event.source, &event.name);
            }
        });
    }
}

#[test]
fn under_one_in_a_hundred_real_calls_stays_unmapped() {
    let Some(folder) = shared("trails") else { return };
    let catalog = Catalog::embedded();
    let mut trails: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_none_or(|extension| extension != "md"))
        .collect();
    trails.sort();
    let mut met = BTreeSet::new();
    for trail in trails {
        let (mut real, mut unmapped) = (0, BTreeMap::new());
        each_call(&trail, &mut |source, name| {
            let call = format!("{source} {name}");
            if INVENTED.iter().any(|(invented, _)| *invented == call) {
                met.insert(call);
                return;
            }
            real += 1;
            if let Mapping::Unmapped { why, .. } = catalog.mapping(source, name) {
                *unmapped.entry(format!("{call}: {why}")).or_insert(0) += 1;
            }
        });
        let left: u64 = unmapped.values().sum();
        println!("{}: {left} of {real} calls unmapped {unmapped:?}", trail.display());
        assert!(left * 100 < real.max(1), "{}: {unmapped:?}", trail.display());
    }
    let invented: BTreeSet<String> = INVENTED.iter().map(|(call, _)| (*call).to_owned()).collect();
    assert_eq!(met, invented);
}

#[test]
fn most_calls_name_their_resource() {
    let Some(trail) = shared("trails/invictus-ir+aws_dataset.ndjson") else {
        return;
    };
    let sources = source::find(&[trail.display().to_string()]).expect("a trail");
    let (table, _) = usage::collect(&sources, &usage::Options::default(), &Progress::silent()).expect("threads");
    let named = gap::named(Catalog::embedded(), &table);
    let worst: Vec<String> = named
        .sources
        .iter()
        .take_while(|(_, calls)| calls.unnamed() > 0)
        .map(|(source, calls)| format!("{source} {} of {}", calls.unnamed(), calls.calls))
        .collect();
    println!(
        "{:.1} % of {} calls; none named: {}",
        named.total.percent(),
        named.total.calls,
        worst.join(", ")
    );
    assert!(named.total.calls > 1_000 && named.total.percent() > 94.0, "{worst:?}");
}

#[test]
fn actions_of_denied_calls_are_needed_when_the_call_succeeds() {
    let Some(table) = shared("facts/denied-calls.tsv") else {
        return;
    };
    let text = std::fs::read_to_string(table).expect("text");
    let mut rows = 0;
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        check(fields[0].trim_end_matches(".amazonaws.com"), fields[1], fields[2]);
        rows += 1;
    }
    assert!(rows > 30);
}

/// The call, as a successful one that shows nothing of its request, needs the action or may need it.
#[track_caller]
fn check(source: &str, name: &str, action: &str) {
    let catalog = Catalog::embedded();
    let operation = Operation::of(catalog, &format!("{source}.amazonaws.com"), name);
    let facts = trimtrail::inside::resolve::Facts::default();
    let may_need = trimtrail::inside::resolve::resolve(catalog, &operation, &facts, &[]).may_need;
    assert!(
        may_need.iter().any(|call| catalog.name(call.action) == action),
        "{source} {name}: {action}"
    );
}

/// AWS's own words: what error messages of denied calls named, in the trails of invictus-ir/aws_dataset (MIT),
/// panther-labs/panther-analysis and DataDog/stratus-red-team (Apache-2.0), and Yamato-Security/suzaku-sample-data.
#[test]
fn actions_that_denials_named_are_needed() {
    check("cloudtrail", "StopLogging", "cloudtrail:StopLogging");
    check("ec2", "DescribeInstanceAttribute", "ec2:DescribeInstanceAttribute");
    check("ec2", "GetPasswordData", "ec2:GetPasswordData");
    check("ec2", "RunInstances", "ec2:RunInstances");
    check(
        "ec2-instance-connect",
        "SendSSHPublicKey",
        "ec2-instance-connect:SendSSHPublicKey",
    );
    check("iam", "GetRole", "iam:GetRole");
    check("lambda", "ListFunctions20150331", "lambda:ListFunctions");
    check("logs", "DescribeLogGroups", "logs:DescribeLogGroups");
    check("organizations", "LeaveOrganization", "organizations:LeaveOrganization");
    check("rds", "DownloadDBLogFilePortion", "rds:DownloadDBLogFilePortion");
    check("states", "DeleteStateMachine", "states:DeleteStateMachine");
    check("sts", "AssumeRole", "sts:AssumeRole");
}
