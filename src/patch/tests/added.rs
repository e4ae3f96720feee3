//! Statements added beside those that they come from, in the file's own form.

use std::path::Path;

use serde_json::{Value, json};

use super::cloudformation::YAML;
use super::terraform::{DATA_SOURCE, TERRAFORM};
use super::{JSON, allow, check, json_before, policy};
use crate::patch::documents;
use crate::patch::edits::{apply, edits};

fn machines() -> Value {
    allow(&json!(["ec2:StopInstances", "ec2:StartInstances"]))
}

#[test]
fn json_gets_a_statement_of_its_own_indentation() {
    let after = policy(&json!([
        allow(&json!("s3:ListAllMyBuckets")),
        allow(&json!(["s3:GetObject", "s3:PutObject"])),
        machines()
    ]));
    let added = r#""Action": "s3:ListAllMyBuckets",
            "Resource": "*"
        },
        {
            "Effect": "Allow",
            "Action": [
                "s3:GetObject",
                "s3:PutObject"
            ],
            "Resource": "*"
        },"#;
    let first = "\"Action\": \"s3:*\",\n            \"Resource\": \"*\"\n        },";
    check("deploy.json", JSON, &json_before(), &after, &JSON.replace(first, added));
}

#[test]
fn a_statement_is_added_behind_the_last_one() {
    let after = policy(&json!([
        allow(&json!("s3:*")),
        allow(&json!(["ec2:StopInstances"])),
        allow(&json!(["ec2:StartInstances"]))
    ]));
    let last = r#""Action": ["ec2:StopInstances", "ec2:StartInstances"],
            "Resource": "*"
        }"#;
    let two = r#""Action": ["ec2:StopInstances"],
            "Resource": "*"
        },
        {
            "Effect": "Allow",
            "Action": [
                "ec2:StartInstances"
            ],
            "Resource": "*"
        }"#;
    check("deploy.json", JSON, &json_before(), &after, &JSON.replace(last, two));
}

#[test]
fn a_line_of_json_stays_a_line() {
    let before = policy(&json!([allow(&json!("s3:*"))]));
    let after = policy(&json!([
        allow(&json!("s3:GetObject")),
        allow(&json!(["s3:Put*", "s3:List*"]))
    ]));
    let (before_text, after_text) = (before.to_string(), after.to_string());
    let expected = after_text
        .replace("},{", "}, {")
        .replace("\"s3:Put*\",\"s3:List*\"", "\"s3:Put*\", \"s3:List*\"");
    check("a.json", &before_text, &before, &after, &expected);
}

#[test]
fn a_statement_that_stood_alone_becomes_a_list() {
    let before = policy(&allow(&json!("s3:*")));
    let after = policy(&json!([allow(&json!("s3:GetObject")), allow(&json!("s3:Put*"))]));
    let expected = after.to_string().replace("},{", "}, {");
    check("a.json", &before.to_string(), &before, &after, &expected);

    let text =
        "Version: 2012-10-17\nStatement:\n  Effect: Allow\n  # all of it\n  Action: s3:*\n  Resource: '*'\nOther: 1\n";
    let text = text.replace("Other: 1\n", "");
    let expected = "Version: 2012-10-17\nStatement:\n  - Effect: Allow\n    # all of it\n    Action: s3:GetObject\n    Resource: '*'\n  - Effect: Allow\n    # all of it\n    Action: s3:Put*\n    Resource: '*'\n";
    check("a.yaml", &text, &before, &after, expected);

    let text = "{Version: 2012-10-17, Statement: {Effect: Allow, Action: 's3:*', Resource: '*'}}\n";
    let expected = "{Version: 2012-10-17, Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: '*'}, {Effect: Allow, Action: 's3:Put*', Resource: '*'}]}\n";
    check("a.yaml", text, &before, &after, expected);
}

#[test]
fn jsonencode_keeps_the_references_of_the_statement_in_both() {
    let bucket = "arn:aws:s3:::site/*";
    let of = |action: Value| json!({"Effect": "Allow", "Action": action, "Resource": bucket});
    let wide = json!({"Sid": "Wide", "Effect": "Allow", "Action": "ec2:*", "Resource": "*"});
    let before = policy(&json!([
        of(json!(["s3:GetObject", "s3:DeleteObject", "s3:PutObject"])),
        wide
    ]));
    let after = policy(&json!([of(json!(["s3:GetObject"])), of(json!(["s3:PutObject"])), wide]));
    let text = TERRAFORM
        .replace("          \"s3:DeleteObject\", # never\n", "")
        .replace("          # puts\n          \"s3:PutObject\",\n", "");
    let added = r#"        Resource = "arn:aws:s3:::${var.bucket}/*"
      },
      {
        # Objects of the site.
        Effect = "Allow"
        Action = [
          "s3:PutObject"
        ]
        Resource = "arn:aws:s3:::${var.bucket}/*"
      },
"#;
    let text = text.replacen(
        "        Resource = \"arn:aws:s3:::${var.bucket}/*\"\n      },\n",
        added,
        1,
    );
    check("iam.tf", TERRAFORM, &before, &after, &text);
}

#[test]
fn a_data_source_gets_a_block_with_its_sid_and_conditions() {
    let of = |sid: &str, action: Value| {
        json!({"Sid": sid, "Effect": "Allow", "Action": action, "Resource": ["arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b"],
            "Condition": {"Bool": {"aws:SecureTransport": "true"}}})
    };
    let rest = [
        json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
        json!({"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"}),
    ];
    let before = policy(&json!([
        of("Read", json!(["s3:GetObject", "s3:ListBucket"])),
        rest[0],
        rest[1]
    ]));
    let after = policy(&json!([
        of("Read", json!(["s3:ListBucket"])),
        of("ReadUnseen", json!(["s3:GetObject"])),
        rest[0],
        rest[1]
    ]));
    let block = |sid: &str, actions: &str| {
        format!(
            "  statement {{\n    sid       = \"{sid}\"\n    actions   = {actions}\n    resources = [\"arn:aws:s3:::b\", \
             \"arn:aws:s3:::b/&{{aws:username}}/*\"]\n\n    condition {{\n      test     = \"Bool\"\n      variable = \
             \"aws:SecureTransport\"\n      values   = [\"true\"]\n    }}\n  }}\n"
        )
    };
    let old = block("Read", "[\"s3:GetObject\", \"s3:ListBucket\"]");
    let seen = block("Read", "[\"s3:ListBucket\"]");
    let unseen = block("ReadUnseen", "[\n      \"s3:GetObject\"\n    ]");
    assert!(DATA_SOURCE.contains(&old));
    let expected = DATA_SOURCE.replace(&old, &format!("{seen}\n{unseen}"));
    check("app.tf", DATA_SOURCE, &before, &after, &expected);
}

#[test]
fn yaml_gets_a_dash_behind_the_statement() {
    let of = |action: Value| json!({"Effect": "Allow", "Action": action, "Resource": "arn:aws:s3:::site/*"});
    let machines = allow(&json!([
        "ec2:StartInstances",
        "ec2:StopInstances",
        "ec2:TerminateInstances"
    ]));
    let before = policy(&json!([of(json!("s3:*")), machines]));
    let after = policy(&json!([
        of(json!("s3:List*")),
        of(json!(["s3:GetObject", "s3:Put*"])),
        machines
    ]));
    let seen =
        "                Action: s3:List*   # objects\n                Resource: !Sub 'arn:aws:s3:::${Bucket}/*'\n";
    let unseen = "              - Effect: Allow\n                Action:\n                  - s3:GetObject\n                  - s3:Put*   # objects\n                Resource: !Sub 'arn:aws:s3:::${Bucket}/*'\n";
    let old = "                Action: s3:*   # objects\n                Resource: !Sub 'arn:aws:s3:::${Bucket}/*'\n";
    check(
        "stack.yaml",
        YAML,
        &before,
        &after,
        &YAML.replace(old, &format!("{seen}{unseen}")),
    );
}

#[test]
fn what_the_result_says_goes_before_what_looks_alike() {
    // Three statements without Sids on one resource: by looks the second could be taken for the first's other half.
    let before = policy(&json!([
        allow(&json!("s3:*")),
        allow(&json!("ec2:*")),
        allow(&json!("sqs:*"))
    ]));
    let after = policy(&json!([
        allow(&json!("s3:List*")),
        allow(&json!("s3:*Object")),
        allow(&json!("sqs:Get*"))
    ]));
    let text = before.to_string();
    let document = &documents(Path::new("a.json"), &text, None)[0];
    let patched = |origins: &[Vec<usize>]| edits(&text, document, &before, &after, Some(origins));
    let new = apply(&text, &patched(&[vec![0], vec![0], vec![2]]).expect("edits"));
    assert_eq!(serde_json::from_str::<Value>(&new).expect("JSON"), after);
    assert!(patched(&[vec![0], vec![0, 1], vec![2]]).is_err(), "joined");
    assert!(patched(&[vec![2], vec![0], vec![1]]).is_err(), "moved");
}
