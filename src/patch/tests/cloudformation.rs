//! Edits of YAML: block and flow style, tags, aliases, JSON in a block.

use serde_json::{Value, json};

use super::{allow, check, patched, policy};

pub(super) const YAML: &str = "# the stack
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
