//! Edits of JSON: in its own style, whatever stands around the document.

use serde_json::{Value, json};

use super::{JSON, allow, check, json_before, patched, policy};

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
