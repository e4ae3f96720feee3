//! `verify` of a whole change from the command line: branches of a repository, folders, plans, templates.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::journey::{Folder, ROLE, call};

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
    // From the root of the repository, as whoever shows it beside the code takes it.
    assert_eq!(answer["documents"][0]["file"], "infra/main.tf");
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
    // Terraform reads what a link points at.
    let linked = repository.json(&["--git", "HEAD"], 10);
    assert_eq!(
        linked["documents"][0]["findings"][0]["what"],
        "it is a link, so that what it grants is not known"
    );
    assert!(!linked.to_string().contains("iam:"));
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
    // A script is not evaluated, and named.
    repository.put(
        "new/deploy.sh",
        "aws iam attach-role-policy --role-name app --policy-arn x\n",
    );
    assert_eq!(repository.json(&["new", "old"], 0)["findings"], 0);
    assert_eq!(repository.json(&["old", "new"], 10)["findings"], 2);
    fs::remove_file(repository.path().join("new/deploy.sh")).unwrap();
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

/// The role reads VPCs by one call, and nothing else.
#[test]
fn calls_that_a_change_breaks_are_named_with_the_document() {
    let policy = |actions: &str| {
        format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": {actions}, "Resource": "*"}}]}}"#
        )
    };
    let both = policy(r#"["ec2:DescribeVpcs", "ec2:DescribeSubnets"]"#);
    let refers = "data \"aws_iam_policy_document\" \"x\" {\n  statement {\n    actions = [\"s3:GetObject\", \"s3:PutObject\"]\n    resources = [var.bucket]\n  }\n}\n";
    let repository = Repository::new(&[("infra/app.json", &both), ("infra/x.tf", refers)]);
    let calls = [
        call(3, "ec2", "DescribeVpcs", json!({})),
        call(4, "ec2", "DescribeVpcs", json!({})),
    ];
    let logs = Folder::new();
    fs::write(logs.0.join("events.json"), json!({"Records": calls}).to_string()).unwrap();
    fs::create_dir(logs.0.join("empty")).unwrap();
    let (events, empty) = (logs.0.join("events.json"), logs.0.join("empty"));
    let replayed = |principal: &str, logs: &Path, exit: i32| {
        let arguments = [
            "--git",
            "HEAD",
            "infra",
            "--principal",
            principal,
            "--logs",
            logs.to_str().unwrap(),
        ];
        repository.json(&arguments, exit)
    };
    // What the calls needed goes: narrower, and yet not fit to be merged.
    repository.put("infra/app.json", &policy(r#"["ec2:DescribeSubnets"]"#));
    let answer = replayed(ROLE, &events, 10);
    assert_eq!((&answer["proved"], &answer["findings"]), (&json!(1), &json!(0)));
    let keeps = &answer["keeps"][0];
    assert_eq!(
        (&keeps["verdict"], &keeps["principal"]),
        (&json!("refuted"), &json!(ROLE))
    );
    assert_eq!(
        (&keeps["lost"][0]["action"], &keeps["lost"][0]["calls"]),
        (&json!("ec2:DescribeVpcs"), &json!(2))
    );
    let document = keeps["document"].as_str().unwrap();
    assert!(document.starts_with("infra/app.json "), "{document}");
    let said = repository.verify(&[
        "--git",
        "HEAD",
        "infra",
        "--principal",
        ROLE,
        "--logs",
        events.to_str().unwrap(),
    ]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(
        said.contains("keeps: not proved") && said.contains("ec2:DescribeVpcs on *, 2 calls"),
        "{said}"
    );
    // Another principal made no call.
    let other = replayed("arn:aws:iam::111122223333:role/other", &events, 0);
    assert_eq!(other["keeps"][0]["verdict"], "proved");
    // What nobody called goes.
    repository.put("infra/app.json", &policy(r#"["ec2:DescribeVpcs"]"#));
    assert_eq!(replayed(ROLE, &events, 0)["keeps"][0]["verdict"], "proved");
    // Nothing to replay is no proof; what is not known is not replayed, and that is said.
    assert_eq!(replayed(ROLE, &empty, 3)["keeps"], json!([]));
    repository.put("infra/app.json", &both);
    repository.put("infra/x.tf", &refers.replace("\"s3:GetObject\", ", ""));
    let output = repository.verify(&[
        "--git",
        "HEAD",
        "infra",
        "--principal",
        ROLE,
        "--logs",
        events.to_str().unwrap(),
    ]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("not replayed, for what it refers to is not known"),
        "{said}"
    );
    let wrong = repository.verify(&[
        "--git",
        "HEAD",
        "infra",
        "--principal",
        "ana",
        "--logs",
        events.to_str().unwrap(),
    ]);
    assert_eq!(wrong.status.code(), Some(1));
}

/// `tests/branches/cases.json`: a folder before, what changes of it (`null`: it goes), and how `verify --git` ends.
#[test]
fn no_way_of_widening_is_called_proved() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/branches/cases.json");
    let cases: Vec<Value> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let wrong = |case: &Value| {
        let texts = |key: &str| {
            let all = case[key].as_object().unwrap().iter();
            all.map(|(name, text)| (name.as_str(), text.as_str()))
                .collect::<Vec<_>>()
        };
        let before: Vec<(&str, &str)> = texts("before")
            .into_iter()
            .map(|(name, text)| (name, text.unwrap()))
            .collect();
        let repository = Repository::new(&before);
        for (name, text) in texts("after") {
            match text {
                Some(text) => repository.put(name, text),
                None => fs::remove_file(repository.path().join(name)).unwrap(),
            }
        }
        let output = repository.verify(&["--git", "HEAD", case["folder"].as_str().unwrap_or(".")]);
        let is_right = output.status.code().map(i64::from) == case["exit"].as_i64();
        (!is_right).then(|| format!("{}: {}", case["name"], String::from_utf8_lossy(&output.stdout)))
    };
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let each = cases.chunks(cases.len() / 4 + 1).map(|part| {
            let part = move || part.iter().filter_map(wrong).collect::<Vec<String>>();
            scope.spawn(part)
        });
        let each: Vec<_> = each.collect();
        each.into_iter().flat_map(|part| part.join().unwrap()).collect()
    });
    assert!(cases.len() > 150 && wrong.is_empty(), "{}", wrong.join("\n"));
}

#[cfg(unix)]
#[test]
fn links_to_folders_and_other_repositories_are_named_where_they_change() {
    let repository = Repository::new(&[
        ("a/main.tf", MAIN),
        ("b/main.tf", &MAIN.replace("s3:GetObject", "s3:*")),
    ]);
    let link = |to: &str| {
        let at = repository.path().join("module");
        let _ = fs::remove_file(&at);
        std::os::unix::fs::symlink(to, at).unwrap();
    };
    let commit = || {
        repository.git(&["add", "--all"]);
        let who = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
        repository.git(&[&who[..], &["commit", "--quiet", "--message", "more"]].concat());
    };
    link("a");
    commit();
    assert_eq!(repository.json(&["--git", "HEAD"], 0)["touched"], 0);
    link("b");
    let found = repository.json(&["--git", "HEAD"], 10);
    assert_eq!(found["documents"][0]["file"], "module", "{found:#}");
    link("a");
    // Another repository, by the commit that is meant of it.
    let other = "160000,1111111111111111111111111111111111111111,other";
    repository.git(&["update-index", "--add", "--cacheinfo", other]);
    let who = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
    repository.git(&[&who[..], &["commit", "--quiet", "--message", "other"]].concat());
    assert_eq!(repository.json(&["--git", "HEAD"], 0)["touched"], 0);
    repository.git(&[
        "update-index",
        "--cacheinfo",
        &other.replace('1', "2").replace("260000", "160000"),
    ]);
    let found = repository.json(&["--git", "HEAD"], 10);
    assert_eq!(found["documents"][0]["file"], "other", "{found:#}");
}

#[test]
fn a_plan_that_does_not_say_all_is_not_proved() {
    let repository = Repository::new(&[("main.tf", MAIN)]);
    let role = |after: Value, unknown: Value| {
        json!({"address": "aws_iam_role_policy_attachment.a", "mode": "managed", "type": "aws_iam_role_policy_attachment",
            "change": {"actions": ["update"], "before": {"role": "a", "policy_arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
                "after": after, "after_unknown": unknown}})
    };
    let same = json!({"role": "a", "policy_arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"});
    let plan = |more: Value, changes: Value| {
        let mut plan = json!({"format_version": "1.2", "planned_values": {}, "resource_changes": changes});
        plan.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        repository.put("plan.json", &plan.to_string());
        repository.verify(&["--plan", "plan.json"]).status.code()
    };
    let whole = json!([role(same.clone(), json!({}))]);
    assert_eq!(
        plan(json!({"errored": false, "complete": true}), whole.clone()),
        Some(0)
    );
    assert_eq!(plan(json!({"errored": true}), whole.clone()), Some(10));
    assert_eq!(plan(json!({"complete": false}), whole.clone()), Some(10));
    assert_eq!(
        plan(json!({"deferred_changes": [{"reason": "unknown"}]}), whole),
        Some(10)
    );
    for (after, unknown) in [
        (json!({"role": "a"}), json!({"policy_arn": true})),
        (json!({"policy_arn": same["policy_arn"]}), json!({"role": true})),
        (json!({}), json!({"role": true, "policy_arn": true})),
    ] {
        assert_eq!(
            plan(json!({}), json!([role(after.clone(), unknown)])),
            Some(10),
            "{after}"
        );
    }
    let of = |kind: &str, before: Value, after: Value, unknown: Value| {
        json!([{"address": format!("{kind}.a"), "mode": "managed", "type": kind,
            "change": {"actions": ["update"], "before": before, "after": after, "after_unknown": unknown}}])
    };
    let document = r#"{"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}"#;
    for (kind, before, after, unknown) in [
        (
            "aws_iam_policy",
            json!({"policy": document}),
            json!({}),
            json!({"policy": true}),
        ),
        (
            "aws_iam_role",
            json!({"inline_policy": [{"name": "a", "policy": document}]}),
            json!({"inline_policy": [{"name": "a"}]}),
            json!({"inline_policy": [{"policy": true}]}),
        ),
        (
            "aws_iam_role",
            json!({"inline_policy": []}),
            json!({}),
            json!({"inline_policy": true}),
        ),
        (
            "aws_iam_role",
            json!({"managed_policy_arns": []}),
            json!({}),
            json!({"managed_policy_arns": true}),
        ),
        (
            "aws_lambda_function",
            json!({"role": "arn:aws:iam::111122223333:role/a"}),
            json!({}),
            json!({"role": true}),
        ),
        (
            "aws_lambda_function",
            json!({"role": "arn:aws:iam::111122223333:role/a"}),
            json!({"role": "arn:aws:iam::111122223333:role/b"}),
            json!({}),
        ),
        (
            "aws_lambda_permission",
            json!({"principal": "s3.amazonaws.com"}),
            json!({}),
            json!({"principal": true}),
        ),
    ] {
        let changes = of(kind, before, after.clone(), unknown);
        assert_eq!(plan(json!({}), changes), Some(10), "{kind} {after}");
    }
}
