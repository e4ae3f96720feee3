//! Files in, edited files out: every edit is read again and compared with the policy that it should hold.

use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::edits::{apply, edits};
use super::tree::{Fit, fit};
use super::{Error, documents, plan, same, write};
use crate::iam::PolicyText;
use crate::report::Suggestion;

/// The file after its one document, which must say `before`, was made to say `after`.
fn patched(name: &str, text: &str, before: &Value, after: &Value) -> Result<String, String> {
    let found = documents(Path::new(name), text);
    let [document] = &found[..] else {
        return Err(format!("{} documents", found.len()));
    };
    if fit(&document.root, before) == Fit::No {
        return Err("another document".to_owned());
    }
    let new = apply(text, &edits(text, document, before, after)?);
    let read = documents(Path::new(name), &new);
    assert_eq!(read.len(), 1, "{new}");
    assert!(fit(&read[0].root, after) >= fit(&document.root, before), "{new}");
    Ok(new)
}

fn check(name: &str, text: &str, before: &Value, after: &Value, expected: &str) {
    assert_eq!(patched(name, text, before, after).unwrap(), expected);
}

fn policy(statements: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn allow(action: &Value) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": "*"})
}

const JSON: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "s3:*",
            "Resource": "*"
        },
        {
            "Effect": "Allow",
            "Action": ["ec2:StopInstances", "ec2:StartInstances"],
            "Resource": "*"
        }
    ]
}
"#;

fn json_before() -> Value {
    policy(&json!([
        allow(&json!("s3:*")),
        allow(&json!(["ec2:StopInstances", "ec2:StartInstances"]))
    ]))
}

#[test]
fn one_string_becomes_a_list() {
    check(
        "deploy.json",
        JSON,
        &json_before(),
        &policy(&json!([
            allow(&json!(["s3:GetObject", "s3:PutObject"])),
            allow(&json!(["ec2:StopInstances", "ec2:StartInstances"]))
        ])),
        &JSON.replace(
            r#""Action": "s3:*""#,
            "\"Action\": [\n                \"s3:GetObject\",\n                \"s3:PutObject\"\n            ]",
        ),
    );
}

#[test]
fn an_element_and_a_statement_go() {
    check(
        "deploy.json",
        JSON,
        &json_before(),
        &policy(&json!([allow(&json!(["ec2:StartInstances"]))])),
        r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["ec2:StartInstances"],
            "Resource": "*"
        }
    ]
}
"#,
    );
}

#[test]
fn the_last_statement_goes_with_the_comma_before_it() {
    let new = patched("a.json", JSON, &json_before(), &policy(&json!([allow(&json!("s3:*"))]))).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&new).unwrap(),
        policy(&json!([allow(&json!("s3:*"))]))
    );
    assert!(new.ends_with("        }\n    ]\n}\n"), "{new}");
}

#[test]
fn a_line_of_json_stays_one_line() {
    let before = policy(&json!([allow(&json!("s3:*"))]));
    let after = policy(&json!([allow(&json!(["s3:GetObject", "s3:PutObject"]))]));
    let text = before.to_string();
    let expected = text.replace("\"s3:*\"", "[\"s3:GetObject\", \"s3:PutObject\"]");
    check("a.json", &text, &before, &after, &expected);
}

#[test]
fn crlf_and_a_byte_order_mark_stay() {
    let text = format!("\u{feff}{}", JSON.replace('\n', "\r\n"));
    let after = policy(&json!([
        allow(&json!(["s3:GetObject", "s3:PutObject"])),
        allow(&json!(["ec2:StopInstances", "ec2:StartInstances"]))
    ]));
    let new = patched("a.json", &text, &json_before(), &after).unwrap();
    assert!(new.starts_with('\u{feff}'));
    assert_eq!(new.matches('\n').count(), new.matches("\r\n").count());
}

#[test]
fn a_document_in_a_json_template_is_found() {
    let before = policy(
        &json!([{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::b/*"}]),
    );
    let mut after = before.clone();
    after["Statement"][0]["Action"] = json!(["s3:GetObject"]);
    let text = r#"{"Resources": {"P": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument":
  {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
   "Resource": {"Fn::Sub": "arn:${AWS::Partition}:s3:::${Bucket}/*"}}}}}}}"#;
    check(
        "stack.template",
        text,
        &before,
        &after,
        &text.replace("\"s3:GetObject\", \"s3:PutObject\"", "\"s3:GetObject\""),
    );
}

const TERRAFORM: &str = r#"# The deploy role.
resource "aws_iam_role_policy" "deploy" {
  name = "deploy" # keep
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # Objects of the site.
        Effect = "Allow"
        Action = [
          "s3:GetObject",
          "s3:DeleteObject", # never
          # puts
          "s3:PutObject",
        ]
        Resource = "arn:aws:s3:::${var.bucket}/*"
      },
      {
        Sid      = "Wide"
        Effect   = "Allow"
        Action   = "ec2:*"
        Resource = "*"
      },
    ]
  })
}
"#;

fn terraform(first: &Value, second: Option<&Value>) -> Value {
    let mut statements = vec![json!({"Effect": "Allow", "Action": first, "Resource": "arn:aws:s3:::site/*"})];
    if let Some(action) = second {
        statements.push(json!({"Sid": "Wide", "Effect": "Allow", "Action": action, "Resource": "*"}));
    }
    policy(&Value::Array(statements))
}

#[test]
fn jsonencode_keeps_its_comments_and_its_style() {
    check(
        "iam.tf",
        TERRAFORM,
        &terraform(
            &json!(["s3:GetObject", "s3:DeleteObject", "s3:PutObject"]),
            Some(&json!("ec2:*")),
        ),
        &terraform(
            &json!(["s3:GetObject", "s3:PutObject"]),
            Some(&json!(["ec2:RunInstances", "ec2:StopInstances"])),
        ),
        &TERRAFORM
            .replace("          \"s3:DeleteObject\", # never\n", "")
            .replace(
                "\"ec2:*\"",
                "[\n          \"ec2:RunInstances\",\n          \"ec2:StopInstances\"\n        ]",
            ),
    );
}

#[test]
fn a_statement_of_jsonencode_goes() {
    let new = patched(
        "iam.tf",
        TERRAFORM,
        &terraform(
            &json!(["s3:GetObject", "s3:DeleteObject", "s3:PutObject"]),
            Some(&json!("ec2:*")),
        ),
        &terraform(&json!(["s3:GetObject", "s3:DeleteObject", "s3:PutObject"]), None),
    );
    let start = TERRAFORM.find("      {\n        Sid").unwrap();
    let end = TERRAFORM.find("    ]\n  })").unwrap();
    assert_eq!(new.unwrap(), format!("{}{}", &TERRAFORM[..start], &TERRAFORM[end..]));
}

#[test]
fn a_heredoc_is_json_with_escaped_variables() {
    let text = "resource \"aws_iam_policy\" \"p\" {\n  policy = <<-EOT\n    {\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\",\n      \"Action\": [\"s3:GetObject\", \"s3:PutObject\"],\n      \"Resource\": \"arn:aws:s3:::${var.bucket}/$${aws:username}/*\"}]}\n  EOT\n}\n";
    let before = policy(&json!([{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": "arn:aws:s3:::home/${aws:username}/*"}]));
    let mut after = before.clone();
    after["Statement"][0]["Action"] = json!(["s3:PutObject"]);
    check(
        "p.tf",
        text,
        &before,
        &after,
        &text.replace("\"s3:GetObject\", \"s3:PutObject\"", "\"s3:PutObject\""),
    );
}

const DATA_SOURCE: &str = r#"data "aws_iam_policy_document" "app" {
  statement {
    sid       = "Read"
    actions   = ["s3:GetObject", "s3:ListBucket"]
    resources = ["arn:aws:s3:::b", "arn:aws:s3:::b/&{aws:username}/*"]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }

  # everything but IAM
  statement {
    not_actions = ["iam:*"]
    resources   = ["*"]
  }

  statement {
    effect    = "Deny"
    actions   = ["s3:DeleteBucket"]
    resources = ["*"]
  }
}
"#;

fn data_source(read: &Value, middle: Option<Value>) -> Value {
    let mut statements = vec![
        json!({"Sid": "Read", "Effect": "Allow", "Action": read, "Resource": ["arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b"],
        "Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
    ];
    statements.extend(middle);
    statements.push(json!({"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"}));
    policy(&Value::Array(statements))
}

#[test]
fn not_actions_of_a_data_source_become_actions() {
    check(
        "app.tf",
        DATA_SOURCE,
        &data_source(
            &json!(["s3:ListBucket", "s3:GetObject"]),
            Some(json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})),
        ),
        &data_source(
            &json!("s3:GetObject"),
            Some(json!({"Effect": "Allow", "Action": ["ec2:RunInstances", "s3:PutObject"], "Resource": "*"})),
        ),
        &DATA_SOURCE
            .replace("[\"s3:GetObject\", \"s3:ListBucket\"]", "[\"s3:GetObject\"]")
            .replace(
                "not_actions = [\"iam:*\"]",
                "actions = [\"ec2:RunInstances\", \"s3:PutObject\"]",
            ),
    );
}

#[test]
fn a_statement_block_goes() {
    check(
        "app.tf",
        DATA_SOURCE,
        &data_source(
            &json!(["s3:ListBucket", "s3:GetObject"]),
            Some(json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})),
        ),
        &data_source(&json!(["s3:ListBucket", "s3:GetObject"]), None),
        &DATA_SOURCE.replace(
            "  statement {\n    not_actions = [\"iam:*\"]\n    resources   = [\"*\"]\n  }\n\n",
            "",
        ),
    );
}

#[test]
fn a_data_source_that_merges_others_is_left_alone() {
    let text = DATA_SOURCE.replacen("  statement", "  source_policy_documents = [var.base]\n  statement", 1);
    assert_eq!(documents(Path::new("app.tf"), &text), []);
}

const YAML: &str = "# the stack
Resources:
  Role: # ünïcode before it
    Properties:
      Policies:
        - PolicyName: deploy
          PolicyDocument:
            Version: 2012-10-17
            Statement:
              - Effect: Allow
                Action: s3:*   # objects
                Resource: !Sub 'arn:aws:s3:::${Bucket}/*'
              # machines
              - Effect: Allow
                Action:
                  - ec2:StartInstances # mornings
                  - 'ec2:StopInstances'
                  - ec2:TerminateInstances
                Resource: '*'
";

fn yaml(first: Option<&Value>, second: &Value) -> Value {
    let mut statements = Vec::new();
    if let Some(action) = first {
        statements.push(json!({"Effect": "Allow", "Action": action, "Resource": "arn:aws:s3:::site/*"}));
    }
    statements.push(json!({"Effect": "Allow", "Action": second, "Resource": "*"}));
    policy(&Value::Array(statements))
}

fn machines() -> Value {
    json!(["ec2:StartInstances", "ec2:StopInstances", "ec2:TerminateInstances"])
}

#[test]
fn yaml_keeps_tags_comments_and_quotes() {
    check(
        "stack.yaml",
        YAML,
        &yaml(Some(&json!("s3:*")), &machines()),
        &yaml(
            Some(&json!(["s3:GetObject", "s3:Put*"])),
            &json!(["ec2:StartInstances", "ec2:RebootInstances"]),
        ),
        &YAML
            .replace(
                "s3:*   # objects",
                "\n                  - s3:GetObject\n                  - s3:Put*   # objects",
            )
            .replace("Action: \n", "Action:\n")
            .replace("'ec2:StopInstances'", "'ec2:RebootInstances'")
            .replace("                  - ec2:TerminateInstances\n", ""),
    );
}

#[test]
fn a_statement_of_yaml_goes() {
    check(
        "stack.yml",
        YAML,
        &yaml(Some(&json!("s3:*")), &machines()),
        &yaml(None, &machines()),
        &YAML.replace(
            "              - Effect: Allow\n                Action: s3:*   # objects\n                Resource: !Sub 'arn:aws:s3:::${Bucket}/*'\n",
            "",
        ),
    );
}

#[test]
fn json_in_a_block_of_yaml_is_found() {
    let text = "spec:\n  policyDocument: |\n    {\n      \"Version\": \"2012-10-17\",\n      \"Statement\": [{\"Effect\": \"Allow\", \"Action\": [\"s3:A\", \"s3:B\"], \"Resource\": \"*\"}]\n    }\n";
    let before = policy(&json!([allow(&json!(["s3:A", "s3:B"]))]));
    let after = policy(&json!([allow(&json!(["s3:A"]))]));
    check(
        "ack.yaml",
        text,
        &before,
        &after,
        &text.replace("\"s3:A\", \"s3:B\"", "\"s3:A\""),
    );
}

#[test]
fn what_an_alias_repeats_is_not_edited() {
    let before = policy(&json!([allow(&json!(["s3:A", "s3:B"]))]));
    let after = policy(&json!([allow(&json!(["s3:A"]))]));
    let check = |text: &str| assert!(patched("a.yaml", text, &before, &after).is_err(), "{text}");
    let statement = "Effect: Allow, Resource: '*'";
    check(&format!(
        "Version: '2012-10-17'\nStatement:\n  - {{{statement}, Action: &all ['s3:A', 's3:B']}}\nx: *all\n"
    ));
    check(&format!(
        "a: &one {{p: {{Version: '2012-10-17', Statement: [{{{statement}, Action: ['s3:A', 's3:B']}}]}}}}\nb: *one\n"
    ));
    check(&format!("a: &one |\n  {before}\nb: *one\n"));
}

#[test]
fn flow_style_yaml_stays_flow_style() {
    let text = "a: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:*', Resource: '*'}]}\n";
    let before = policy(&json!([allow(&json!("s3:*"))]));
    let after = policy(&json!([allow(&json!(["s3:GetObject", "s3:PutObject"]))]));
    check(
        "a.yaml",
        text,
        &before,
        &after,
        &text.replace("'s3:*'", "['s3:GetObject', 's3:PutObject']"),
    );
}

#[test]
fn references_stand_for_one_value_each() {
    let text = TERRAFORM;
    let before = |resource: Value| {
        policy(&json!([
            {"Effect": "Allow", "Action": ["s3:GetObject", "s3:DeleteObject", "s3:PutObject"], "Resource": resource},
            {"Sid": "Wide", "Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
        ]))
    };
    let document = &documents(Path::new("iam.tf"), text)[0].root;
    assert_eq!(
        fit(document, &before(json!("arn:aws:s3:::site/*"))),
        Fit::WithReferences
    );
    assert_eq!(fit(document, &before(json!("arn:aws:s3:::site/x"))), Fit::No);
    assert_eq!(
        fit(document, &before(json!(["arn:aws:s3:::site/*", "arn:aws:s3:::b/*"]))),
        Fit::No
    );
}

#[test]
fn a_statement_in_a_list_of_actions_stands_for_no_action() {
    let known = policy(&json!([allow(&json!(["ec2:StopInstances", "ec2:StartInstances"]))]));
    for odd in [json!({"Effect": "Allow"}), json!(["ec2:StopInstances"]), Value::Null] {
        let text = policy(&json!([allow(&json!([odd, "ec2:StartInstances"]))])).to_string();
        assert_eq!(
            fit(&documents(Path::new("a.json"), &text)[0].root, &known),
            Fit::No,
            "{text}"
        );
    }
}

#[test]
fn what_is_no_policy_is_not_found() {
    for (name, text) in [
        ("a.json", "{\"Statement\": []}"),
        ("a.json", "{\"Statement\": [{\"Action\": \"s3:*\"}]}"),
        ("a.json", "[[[[[[["),
        ("a.json", &"[".repeat(100_000)),
        ("a.yaml", &"- ".repeat(10_000)),
        ("a.yaml", &"[".repeat(100_000)),
        ("a.tf", &"a = [".repeat(10_000)),
        ("a.tf", "resource {"),
        ("a.tf", &"x = a*b*{x = a*b*{\n  \"V\" = \"4\", \n".repeat(40)),
        ("a.yaml", "a: &x [*x]\nb: *x\n"),
        ("a.md", JSON),
        (
            "a.yaml",
            &format!("a: |\n  {},\n", JSON.replace('\n', "\n  ").trim_end()),
        ),
    ] {
        assert_eq!(documents(Path::new(name), text), [], "{name}");
    }
}

#[test]
fn an_export_is_no_source() {
    let text = format!("{{\"RoleDetailList\": [{{\"RolePolicyList\": [{{\"PolicyDocument\": {JSON}}}]}}]}}");
    assert_eq!(documents(Path::new("grants.json"), &text), []);
    let text = format!("{{\"schema\": \"trimtrail.result/1\", \"suggestions\": [{{\"before\": {JSON}}}]}}");
    assert_eq!(documents(Path::new("result.json"), &text), []);
}

#[test]
fn places_do_not_count_in_what_is_said() {
    let a = documents(Path::new("a.json"), JSON);
    let b = documents(Path::new("a.json"), &JSON.replace("    ", " "));
    assert!(same(&a[0].root, &b[0].root));
}

/// A folder with files, gone with the test.
struct Folder(std::path::PathBuf);

impl Folder {
    fn with(name: &str, files: &[(&str, &str)]) -> Folder {
        let path = std::env::temp_dir().join(format!("trimtrail-patch-{}-{name}", std::process::id()));
        for (name, text) in files {
            let file = path.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn suggestion(policy: &str, owner: &str, before: &Value, after: &Value) -> crate::verify::Verified<Suggestion> {
    let (before, after) = (PolicyText::from(before), PolicyText::from(after));
    let digest = Sha256::digest(before.as_str().as_bytes());
    let suggestion = Suggestion {
        id: policy.to_owned(),
        policy: policy.to_owned(),
        policy_arn: format!("arn:aws:iam::111122223333:role/{owner}"),
        kind: "inline".to_owned(),
        affects: Vec::new(),
        step: "actions".to_owned(),
        change: "replace".to_owned(),
        before: before.clone(),
        before_sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        after: after.clone(),
        expires: "2026-12-01T00:00:00Z".to_owned(),
        ..Suggestion::default()
    };
    crate::verify::again(suggestion, &before, &after).unwrap()
}

/// What a plan says of one suggestion over some files: the files edited, then why it was left.
fn planned(name: &str, files: &[(&str, &str)], now: i64) -> (Vec<String>, Vec<String>) {
    let folder = Folder::with(name, files);
    let (before, after) = (json_before(), policy(&json!([allow(&json!("s3:*"))])));
    let plan = plan(&[&suggestion("deploy", "ci", &before, &after)], &folder.0, Some(now)).unwrap();
    write(&plan).unwrap();
    for file in &plan.files {
        assert_eq!(std::fs::read_to_string(&file.path).unwrap(), file.after);
    }
    (
        plan.files
            .iter()
            .map(|file| file.path.strip_prefix(&folder.0).unwrap().display().to_string())
            .collect(),
        plan.left.into_iter().map(|left| left.why).collect(),
    )
}

#[test]
fn the_file_that_says_what_the_policy_says_is_edited() {
    let files = [
        ("iam/x.json", JSON),
        ("iam/x.original.json", JSON),
        ("iam/y.json", "{}"),
        (".git/z.json", JSON),
    ];
    assert_eq!(planned("one", &files, 0), (vec!["iam/x.json".to_owned()], vec![]));
}

#[test]
fn of_two_documents_the_one_with_the_name_is_edited() {
    let files = [("a/other.json", JSON), ("a/deploy.json", JSON)];
    assert_eq!(planned("named", &files, 0).0, ["a/deploy.json"]);
}

#[test]
fn of_two_documents_without_a_name_none_is_edited() {
    let (edited, why) = planned("twins", &[("dev.json", JSON), ("prod.json", JSON)], 0);
    assert!(
        edited.is_empty() && why[0].starts_with("several documents say what it says"),
        "{why:?}"
    );
}

#[test]
fn an_expired_suggestion_is_left() {
    let (edited, why) = planned("late", &[("deploy.json", JSON)], 1_900_000_000);
    assert!(edited.is_empty() && why[0].contains("expired"), "{why:?}");
}

#[test]
fn nothing_found_is_said() {
    assert_eq!(
        planned("none", &[("deploy.json", "{}")], 0).1,
        ["no document under the folder says what this policy says"]
    );
}

#[test]
fn a_document_that_was_edited_in_the_result_is_refused() {
    let folder = Folder::with("digest", &[("deploy.json", JSON)]);
    let after = policy(&json!([allow(&json!("s3:*"))]));
    let one = suggestion("deploy", "ci", &json_before(), &after).map(|mut one| {
        one.before_sha256 = "00".to_owned();
        one
    });
    let plan = plan(&[&one], &folder.0, Some(0)).unwrap();
    assert!(plan.files.is_empty() && plan.left[0].why.contains("analyze again"));
}

#[test]
fn a_file_that_changed_meanwhile_is_not_overwritten() {
    let folder = Folder::with("race", &[("deploy.json", JSON)]);
    let after = policy(&json!([allow(&json!("s3:*"))]));
    let plan = plan(
        &[&suggestion("deploy", "ci", &json_before(), &after)],
        &folder.0,
        Some(0),
    )
    .unwrap();
    std::fs::write(folder.0.join("deploy.json"), "{}").unwrap();
    assert!(matches!(write(&plan), Err(Error::Changed(_))));
}

#[test]
fn two_suggestions_for_one_document_must_agree() {
    let folder = Folder::with("shared", &[("module.json", JSON)]);
    let one = suggestion("deploy", "a", &json_before(), &policy(&json!([allow(&json!("s3:*"))])));
    let other = suggestion(
        "deploy",
        "b",
        &json_before(),
        &policy(&json!([allow(&json!("s3:Get*"))])),
    );
    assert_eq!(plan(&[&one, &other], &folder.0, Some(0)).unwrap().left.len(), 2);
    assert_eq!(
        plan(&[&one, &one], &folder.0, Some(0)).unwrap().files[0].policies.len(),
        2
    );
}
