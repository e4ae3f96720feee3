//! Edits of Terraform: `jsonencode`, heredocs, `aws_iam_policy_document`.

use std::path::Path;

use serde_json::{Value, json};

use super::{check, patched, policy};
use crate::patch::documents;
use crate::patch::tree::{Fit, fit};

pub(super) const TERRAFORM: &str = r#"# The deploy role.
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

pub(super) const DATA_SOURCE: &str = r#"data "aws_iam_policy_document" "app" {
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

pub(super) fn data_source(read: &Value, middle: Option<Value>) -> Value {
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
    let found = documents(Path::new("app.tf"), &text, None);
    assert_eq!(found[0].left.as_deref(), Some("it has `source_policy_documents`"));
}

#[test]
fn a_reference_is_paired_with_what_another_cannot_stand_for() {
    let text = "data \"aws_iam_policy_document\" \"x\" {\n  statement {\n    actions   = [\"s3:GetObject\", \"s3:GetObject\"]\n    resources = [\"arn:aws:s3:::${var.a}\", \"arn:aws:s3:::${var.a}/*\"]\n  }\n}\n";
    let document = &documents(Path::new("app.tf"), text, None)[0].root;
    let of = |resources: &Value| policy(&json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": resources}]));
    assert_eq!(
        fit(document, &of(&json!(["arn:aws:s3:::b/*", "arn:aws:s3:::b"]))),
        Fit::WithReferences
    );
    assert_eq!(
        fit(document, &of(&json!(["arn:aws:s3:::b", "arn:aws:s3:::c"]))),
        Fit::No
    );
}
