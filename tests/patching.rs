//! `patch` from the command line: files in a folder, edited, checked and put back.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::journey::Folder;

pub(crate) const ACTIONS: [&str; 2] = ["ec2:DescribeVpcs", "ec2:DescribeSubnets"];

/// Roles of an account, each with one inline policy over `ACTIONS`, those that it used, and Terraform of it.
pub(crate) struct Team {
    pub(crate) folder: Folder,
}

impl Team {
    pub(crate) fn new(roles: &[(&str, &str, &[&str])], terraform: &str) -> Team {
        let team = Team { folder: Folder::new() };
        let mut details = Vec::new();
        let mut events = Vec::new();
        for (at, (name, resource, used)) in roles.iter().enumerate() {
            let arn = format!("arn:aws:iam::111122223333:role/{name}");
            let id = format!("AROATEAM{at:08}");
            details.push(json!({
                "Arn": arn, "RoleName": name, "RoleId": id, "Path": "/", "CreateDate": "2025-01-01T00:00:00Z",
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                    "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}]},
                "RolePolicyList": [{"PolicyName": format!("{name}-p"), "PolicyDocument": {"Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": ACTIONS, "Resource": resource}]}}],
                "AttachedManagedPolicies": []}));
            for (day, action) in used.iter().enumerate() {
                let operation = action.split(':').nth(1).expect("an action");
                events.push(json!({
                    "eventVersion": "1.09", "eventTime": format!("2026-11-{:02}T12:00:00Z", day + 10),
                    "eventSource": "ec2.amazonaws.com", "eventName": operation, "awsRegion": "eu-west-2",
                    "eventID": format!("{name}-{day}"), "eventType": "AwsApiCall", "eventCategory": "Management",
                    "managementEvent": true, "recipientAccountId": "111122223333", "readOnly": true,
                    "requestParameters": null, "responseElements": null,
                    "userIdentity": {"type": "AssumedRole", "principalId": format!("{id}:s"), "accountId": "111122223333",
                        "accessKeyId": format!("ASIA{at}"), "arn": format!("arn:aws:sts::111122223333:assumed-role/{name}/s"),
                        "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": id, "arn": arn,
                            "accountId": "111122223333", "userName": name}}}}));
            }
        }
        let grants = json!({"UserDetailList": [], "GroupDetailList": [], "Policies": [], "RoleDetailList": details});
        team.put("grants.json", &grants.to_string());
        team.put("events.json", &json!({"Records": events}).to_string());
        team.put("infra/main.tf", terraform);
        let analyzed = team.run(&[
            "analyze",
            "--logs",
            "events.json",
            "--grants",
            "grants.json",
            "--min-window",
            "0d",
            "--grace",
            "0d",
            "--evidence",
            "aggressive",
            "--out",
            "out",
        ]);
        assert!(
            analyzed.status.success(),
            "{}",
            String::from_utf8_lossy(&analyzed.stderr)
        );
        team
    }

    pub(crate) fn put(&self, name: &str, text: &str) {
        let path = self.folder.0.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn terraform(&self) -> String {
        fs::read_to_string(self.folder.0.join("infra/main.tf")).expect("the file")
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_trimtrail"))
            .current_dir(&self.folder.0)
            .args(arguments)
            .output()
            .expect("the program")
    }

    /// `patch` with these flags: its exit code, and all that it says.
    fn patch(&self, more: &[&str]) -> (i32, String) {
        let output = self.run(&[&["patch", "out", "infra", "--allow-expired"], more].concat());
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.code().expect("a code"),
            String::from_utf8_lossy(&said).into_owned(),
        )
    }
}

const SHARED: &str = r#"data "aws_iam_policy_document" "worker" {
  statement {
    actions   = ["ec2:DescribeVpcs", "ec2:DescribeSubnets"] # both
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "worker" {
  for_each = toset(["worker-a", "worker-b"])
  name     = "${each.key}-p"
  role     = each.key
  policy   = data.aws_iam_policy_document.worker.json
}
"#;

#[test]
fn what_one_role_of_a_shared_document_uses_stays_for_the_other() {
    let team = Team::new(&[("worker-a", "*", &ACTIONS), ("worker-b", "*", &ACTIONS[..1])], SHARED);
    let (code, said) = team.patch(&["--write"]);
    assert_eq!((code, team.terraform().as_str()), (0, SHARED));
    assert!(
        said.contains("infra/main.tf:1 stands for worker-a-p of role/worker-a too"),
        "{said}"
    );
}

#[test]
fn what_no_role_of_a_shared_document_uses_goes_and_comes_back() {
    let used = &ACTIONS[..1];
    let text = SHARED.replace('\n', "\r\n");
    let team = Team::new(&[("worker-a", "*", used), ("worker-b", "*", used)], &text);
    assert_eq!(team.patch(&["--check"]).0, 10);
    assert_eq!(team.terraform(), text);
    let (code, said) = team.patch(&["--write"]);
    let expected = text.replace(", \"ec2:DescribeSubnets\"", "");
    assert_eq!((code, team.terraform()), (0, expected.clone()), "{said}");
    let (code, said) = team.patch(&["--check"]);
    assert_eq!(code, 0, "a second run changes nothing");
    for role in ["worker-a", "worker-b"] {
        let already = format!("already as suggested: {role}-p of role/{role} at infra/main.tf:1");
        assert!(said.contains(&already), "{said}");
    }
    assert!(said.contains("for 0 policies, 0 left"), "{said}");
    let (code, said) = team.patch(&["--revert"]);
    assert_eq!((code, team.terraform()), (0, text), "{said}");
    let (code, said) = team.patch(&["--revert"]);
    assert_eq!(code, 1);
    assert!(said.contains("nothing to put back"), "{said}");
}

#[test]
fn a_file_that_was_edited_since_is_not_put_back() {
    let used = &ACTIONS[..1];
    let team = Team::new(&[("worker-a", "*", used), ("worker-b", "*", used)], SHARED);
    assert_eq!(team.patch(&["--write"]).0, 0);
    team.put("infra/main.tf", "# mine\n");
    let (code, said) = team.patch(&["--revert"]);
    assert_eq!((code, team.terraform().as_str()), (1, "# mine\n"));
    assert!(said.contains("changed since it was read"), "{said}");
}

#[test]
fn a_document_of_somebody_else_is_not_edited() {
    let text = "variable \"resource_arn\" { type = string }\n\ndata \"aws_iam_policy_document\" \"unrelated\" {\n  statement {\n    actions   = [\"ec2:DescribeVpcs\", \"ec2:DescribeSubnets\"]\n    resources = [var.resource_arn]\n  }\n}\n";
    let vpc = "arn:aws:ec2:eu-west-2:111122223333:vpc/vpc-0a1b2c3d";
    let team = Team::new(&[("console-made", vpc, &ACTIONS[..1])], text);
    let (code, said) = team.patch(&["--write"]);
    assert_eq!((code, team.terraform().as_str()), (0, text), "{said}");
    assert!(said.contains("left: console-made-p of role/console-made"), "{said}");
}

#[test]
fn what_a_comment_keeps_stays_until_its_day() {
    let used = &ACTIONS[..1];
    let roles: [(&str, &str, &[&str]); 2] = [("worker-a", "*", used), ("worker-b", "*", used)];
    let with = |comment: &str| SHARED.replace("# both", comment);
    for comment in [
        "# trimtrail: keep ec2:DescribeSubnets",
        "# trimtrail: keep ec2:DescribeSubnets until 2999-01 the yearly audit",
        "// trimtrail: keep ec2:Describe*,s3:GetObject until someday",
    ] {
        let team = Team::new(&roles, &with(comment));
        let (code, said) = team.patch(&["--write"]);
        assert_eq!((code, team.terraform()), (0, with(comment)), "{comment}: {said}");
        assert!(said.contains("a comment keeps ec2:Describe"), "{said}");
    }
    let past = "# trimtrail: keep ec2:DescribeSubnets until 2020-02 over";
    let team = Team::new(&roles, &with(past));
    let (_, said) = team.patch(&["--write"]);
    assert_eq!(
        team.terraform(),
        with(past).replace(", \"ec2:DescribeSubnets\"", ""),
        "{said}"
    );
}

#[test]
fn every_policy_of_the_grants_stands_in_the_result() {
    let team = Team::new(&[("worker-a", "*", &ACTIONS), ("worker-b", "*", &ACTIONS[..1])], SHARED);
    let text = fs::read_to_string(team.folder.0.join("out/result.json")).expect("a result");
    let result: Value = serde_json::from_str(&text).expect("JSON");
    let policies: Vec<(&Value, bool)> = result["policies"]
        .as_array()
        .expect("policies")
        .iter()
        .map(|policy| (&policy["policy"], policy["why_not"].is_null()))
        .collect();
    assert_eq!(policies, [(&json!("worker-a-p"), false), (&json!("worker-b-p"), true)]);
    // Both say the same, and a suggestion holds it.
    assert_eq!(result["policy_documents"], json!({}));
}

#[test]
fn every_policy_of_the_sample_is_found_in_its_files() {
    let folder = Folder::new();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/sample-logs");
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_trimtrail"))
            .current_dir(&folder.0)
            .args(arguments)
            .output()
            .expect("the program")
    };
    let (logs, grants) = (format!("{sample}/AWSLogs"), format!("{sample}/grants"));
    let analyzed = run(&[
        "analyze",
        "--logs",
        &logs,
        "--grants",
        &grants,
        "--min-window",
        "7d",
        "--out",
        "result",
    ]);
    assert!(
        analyzed.status.success(),
        "{}",
        String::from_utf8_lossy(&analyzed.stderr)
    );
    copy(Path::new(sample).join("infra").as_path(), &folder.0.join("infra"));
    code_scanning_points_where_patch_edits(&run);
    copy(
        Path::new(sample).join("infra").as_path(),
        &folder.0.join("sample-logs/infra"),
    );
    the_lines_of_the_readme_run(&run);
    let said = |arguments: &[&str]| {
        let output = run(arguments);
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let first = said(&["patch", "result/result.json", "infra/", "--write", "--allow-expired"]);
    let text = fs::read_to_string(folder.0.join("result/result.json")).expect("a result");
    let result: Value = serde_json::from_str(&text).expect("JSON");
    let ready = result["totals"]["ready"].as_u64().expect("a number");
    assert!(ready >= 9, "{ready}");
    assert!(
        first.contains(&format!(" files for {ready} policies, 0 left")),
        "{first}"
    );
    let shown = run(&["patch", "result/result.json", "infra/", "--allow-expired"]);
    assert_eq!(shown.stdout, b"", "a second run changes nothing");
    said(&["patch", "result/result.json", "infra/", "--revert"]);
    assert_same(Path::new(sample).join("infra").as_path(), &folder.0.join("infra"));
    // What is held is found as well.
    let all = said(&[
        "patch",
        "result/result.json",
        "infra/",
        "--allow-expired",
        "--include-held",
    ]);
    let lost = |line: &&str| {
        ["no document", "nothing tells", "several documents"]
            .iter()
            .any(|why| line.contains(why))
    };
    assert_eq!(all.lines().filter(lost).collect::<Vec<_>>(), Vec::<&str>::new());
}

/// What README.md says to do with the sample's files, as it stands there.
fn the_lines_of_the_readme_run(run: &dyn Fn(&[&str]) -> Output) {
    let all = include_str!("../README.md").lines().filter_map(|line| {
        let (command, _) = line.strip_prefix("    trimtrail ")?.split_once("  ")?;
        command.contains("sample-logs/infra").then_some(command)
    });
    let all: Vec<&str> = all.collect();
    assert_eq!(all.len(), 2, "{all:?}");
    for command in all {
        let output = run(&command.split(' ').collect::<Vec<&str>>());
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && told.contains("infra/terraform/people.tf"),
            "{command}: {told}"
        );
    }
}

/// Each suggestion stands in SARIF at the file and line that `patch` names for its policy.
fn code_scanning_points_where_patch_edits(run: &dyn Fn(&[&str]) -> Output) {
    let output = run(&["patch", "result", "infra", "--allow-expired"]);
    let diff = String::from_utf8_lossy(&output.stdout).into_owned();
    let edited = diff.lines().filter_map(|line| {
        let (policy, place) = line.strip_prefix("# ")?.split_once(" at ")?;
        let (file, line) = place.split_once(" (")?.0.split_once(':')?;
        Some((policy.to_owned(), file.to_owned(), line.parse::<u64>().expect("a line")))
    });
    let edited: Vec<(String, String, u64)> = edited.collect();
    assert!(edited.len() >= 9, "{diff}");
    let output = run(&["report", "result", "--format", "sarif", "--sources", "infra"]);
    let log: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let results = log["runs"][0]["results"].as_array().expect("results");
    let places = results.iter().map(|result| {
        let physical = &result["locations"][0]["physicalLocation"];
        let file = physical["artifactLocation"]["uri"].as_str().expect("a file");
        (
            file,
            physical["region"]["startLine"].as_u64().expect("a line"),
            &result["message"]["text"],
        )
    });
    let places: Vec<(&str, u64, &Value)> = places.collect();
    for (policy, file, line) in &edited {
        let name = policy.split(" of ").next().and_then(|name| name.rsplit('/').next());
        let name = name.unwrap_or_default();
        let is_here =
            |(uri, at, text): &&(&str, u64, &Value)| file == uri && at == line && text.to_string().contains(name);
        assert!(
            places.iter().any(|place| is_here(&place)),
            "{policy} at {file}:{line}: {places:?}"
        );
    }
    let with_other_files = run(&["report", "result", "--format", "sarif"]);
    let fingerprints = |bytes: &[u8]| -> Vec<String> {
        let log: Value = serde_json::from_slice(bytes).expect("JSON");
        let results = log["runs"][0]["results"].as_array().expect("results").clone();
        results
            .iter()
            .map(|result| result["partialFingerprints"].to_string())
            .collect()
    };
    assert_eq!(fingerprints(&output.stdout), fingerprints(&with_other_files.stdout));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let to = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).expect("a copy");
        }
    }
}

fn assert_same(one: &Path, two: &Path) {
    for entry in fs::read_dir(one).expect("a folder") {
        let path = entry.expect("an entry").path();
        let other = two.join(path.file_name().expect("a name"));
        if path.is_dir() {
            assert_same(&path, &other);
        } else {
            assert_eq!(
                fs::read(&path).expect("a file"),
                fs::read(&other).expect("a file"),
                "{}",
                path.display()
            );
        }
    }
}
