//! `verify` of a whole change from the command line: branches of a repository, folders, plans, templates.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::journey::Folder;

const MAIN: &str = r#"
data "aws_iam_policy_document" "app" {
  statement {
    sid       = "Read"
    actions   = ["s3:GetObject", "s3:ListBucket"]
    resources = ["arn:aws:s3:::data", "arn:aws:s3:::data/*"]
  }
}
"#;

struct Repository {
    folder: Folder,
}

impl Repository {
    fn new(files: &[(&str, &str)]) -> Repository {
        let repository = Repository { folder: Folder::new() };
        for (name, text) in files {
            repository.put(name, text);
        }
        repository.git(&["init", "--quiet"]);
        repository.git(&["add", "--all"]);
        repository.git(&[
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.com",
            "commit",
            "--quiet",
            "--message",
            "base",
        ]);
        repository
    }

    fn path(&self) -> &Path {
        &self.folder.0
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn git(&self, arguments: &[&str]) {
        let status = Command::new("git")
            .arg("-C")
            .arg(self.path())
            .args(arguments)
            .status()
            .unwrap();
        assert!(status.success(), "{arguments:?}");
    }

    fn verify(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_trimtrail"))
            .current_dir(self.path())
            .arg("verify")
            .args(arguments)
            .output()
            .unwrap()
    }

    #[track_caller]
    fn json(&self, arguments: &[&str], exit: i32) -> Value {
        let output = self.verify(&[arguments, &["--format", "json"]].concat());
        assert_eq!(output.status.code(), Some(exit), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[test]
fn a_branch_is_proved_or_says_what_is_new() {
    let repository = Repository::new(&[("infra/main.tf", MAIN), ("README.md", "policy\n")]);
    assert_eq!(repository.json(&["--git", "HEAD"], 0)["touched"], 0);
    repository.put(
        "infra/main.tf",
        &MAIN.replace("\"s3:ListBucket\"", "\"s3:ListBucket\", \"s3:DeleteObject\""),
    );
    let answer = repository.json(&["--git", "HEAD", "infra"], 10);
    let finding = &answer["documents"][0]["findings"][0];
    assert_eq!(answer["documents"][0]["file"], "main.tf");
    assert_eq!(
        (&finding["kind"], &finding["statement"]),
        (&json!("new"), &json!("Read"))
    );
    assert_eq!(finding["example"]["action"], "s3:DeleteObject");
    assert_eq!(finding["example"]["resource"], "arn:aws:s3:::data/example");
    repository.put("infra/main.tf", &MAIN.replace("\"s3:GetObject\", ", ""));
    assert_eq!(repository.json(&["--git", "HEAD"], 0)["proved"], 1);
    // What git does not know yet is new, and what moved is what it was.
    fs::rename(
        repository.path().join("infra/main.tf"),
        repository.path().join("infra/iam.tf"),
    )
    .unwrap();
    repository.put(
        "new.json",
        r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}"#,
    );
    let answer = repository.json(&["--git", "HEAD"], 10);
    assert_eq!(
        (&answer["touched"], &answer["proved"]),
        (&json!(2), &json!(1)),
        "{answer:#}"
    );
}

#[test]
fn nothing_of_the_repository_runs() {
    let repository = Repository::new(&[("main.tf", MAIN), (".gitattributes", "*.tf filter=evil diff=evil\n")]);
    let mark = repository.path().join("mark");
    let evil = format!("sh -c 'touch {}; cat'", mark.display());
    for key in [
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "diff.evil.command",
        "diff.evil.textconv",
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "core.sshCommand",
    ] {
        repository.git(&["config", key, &evil]);
    }
    repository.put("main.tf", &MAIN.replace("s3:GetObject", "s3:*"));
    let index = fs::read(repository.path().join(".git/index")).unwrap();
    assert_eq!(repository.json(&["--git", "HEAD"], 10)["findings"], 1);
    assert!(!mark.exists());
    assert_eq!(fs::read(repository.path().join(".git/index")).unwrap(), index);
    for base in ["-x", "--output=x", "", "HEAD:main.tf", "nothing"] {
        let output = repository.verify(&[&format!("--git={base}")]);
        assert_eq!(output.status.code(), Some(1), "{base}: {output:?}");
    }
    assert_eq!(repository.verify(&["--git", "HEAD", "/"]).status.code(), Some(1));
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_and_names_are_escaped() {
    let repository = Repository::new(&[("main.tf", MAIN)]);
    let outside = Folder::new();
    fs::write(outside.0.join("secret.tf"), MAIN.replace("s3:", "iam:")).unwrap();
    std::os::unix::fs::symlink(outside.0.join("secret.tf"), repository.path().join("link.tf")).unwrap();
    assert_eq!(repository.json(&["--git", "HEAD"], 0)["touched"], 0);
    let name = "a\u{1b}[31m|@all <b>\n# x.json";
    repository.put(name, r#"{"Version": "2012-10-17", "Statement": [{"Sid": "S", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}"#);
    for format in ["terminal", "json", "markdown", "sarif"] {
        let output = repository.verify(&["--git", "HEAD", "--format", format]);
        assert_eq!(output.status.code(), Some(10), "{format}: {output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains('\u{1b}'), "{format}: {text}");
        assert!(!text.contains("@all") || format != "markdown", "{text}");
        assert!(!text.contains("<b>") || format != "markdown", "{text}");
        assert!(!text.lines().any(|line| line.starts_with("# x")), "{format}: {text}");
    }
}

#[test]
fn folders_templates_and_plans_are_compared() {
    let repository = Repository::new(&[
        ("old/main.tf", MAIN),
        ("new/main.tf", &MAIN.replace("s3:GetObject", "s3:Get*")),
    ]);
    assert_eq!(repository.json(&["old", "new"], 10)["findings"], 1);
    assert_eq!(repository.json(&["new", "old"], 0)["proved"], 1);
    let template = |action: &str| {
        format!(
            "Resources:\n  P:\n    Type: AWS::S3::BucketPolicy\n    Properties:\n      Bucket: b\n      PolicyDocument:\n        Statement:\n          - Effect: Allow\n            Principal: '*'\n            Action: {action}\n            Resource: !Sub arn:aws:s3:::b/*\n"
        )
    };
    repository.put("a.yaml", &template("s3:GetObject"));
    repository.put("b.yaml", &template("s3:GetObject*"));
    assert_eq!(repository.json(&["a.yaml", "b.yaml"], 10)["findings"], 1);
    assert_eq!(repository.json(&["b.yaml", "a.yaml"], 0)["findings"], 0);
    let public = repository.json(&["b.yaml", "a.yaml", "--not-public"], 10);
    assert_eq!(public["documents"][0]["findings"][0]["kind"], "public");
    repository.put(
        "bans.toml",
        "[[must_not_grant]]\nactions = [\"s3:Get*\"]\nresources = [\"arn:aws:s3:::b*\"]\n",
    );
    let banned = repository.json(&["b.yaml", "a.yaml", "--must-not-grant", "bans.toml"], 10);
    assert_eq!(
        banned["documents"][0]["findings"][0]["kind"], "must-not-grant",
        "{banned:#}"
    );
    let policy =
        |action: &str| format!(r#"{{"Statement": [{{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}]}}"#);
    repository.put("a.json", &policy("s3:GetObject"));
    let banned = repository.json(&["a.json", "a.json", "--must-not-grant", "bans.toml"], 10);
    assert_eq!(
        banned["documents"][0]["findings"][0]["kind"], "must-not-grant",
        "{banned:#}"
    );
    let plan = json!({"resource_changes": [{"address": "aws_iam_policy.p", "mode": "managed", "type": "aws_iam_policy",
        "change": {"actions": ["update"], "before": {"policy": policy("s3:Get*")}, "after": {"policy": policy("s3:GetObject")},
            "after_unknown": {}}}]});
    repository.put("plan.json", &plan.to_string());
    assert_eq!(repository.json(&["--plan", "plan.json"], 0)["proved"], 1);
    for arguments in [
        &["--plan", "a.json"][..],
        &["old"],
        &["old", "a.json"],
        &["--plan", "plan.json", "--git", "HEAD"],
        &[],
    ] {
        assert!(
            matches!(repository.verify(arguments).status.code(), Some(1 | 2)),
            "{arguments:?}"
        );
    }
}

#[test]
fn sarif_names_a_file_and_a_line_and_keeps_its_fingerprints() {
    let repository = Repository::new(&[("main.tf", MAIN)]);
    let sarif = |text: &str| -> Value {
        repository.put("main.tf", text);
        let output = repository.verify(&["--git", "HEAD", "--format", "sarif"]);
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let wide = MAIN.replace("s3:GetObject", "s3:*");
    let (first, moved) = (sarif(&wide), sarif(&format!("# a comment\n\n{wide}")));
    let result = |log: &Value| log["runs"][0]["results"][0].clone();
    let line = |log: &Value| result(log)["locations"][0]["physicalLocation"]["region"]["startLine"].clone();
    assert_eq!((line(&first), line(&moved)), (json!(3), json!(5)));
    assert_eq!(
        result(&first)["partialFingerprints"],
        result(&moved)["partialFingerprints"]
    );
    assert_eq!(result(&first)["ruleId"], "verify-new");
}
