//! One way of changing a file a test; what is called proved is evaluated request by request.

use serde_json::{Value, json};

use super::files::Texts;
use super::*;
use crate::catalog::Catalog;

mod indirect;
mod random;

fn texts_of(all: &[(&str, &str)]) -> Texts {
    all.iter()
        .map(|(path, text)| (PathBuf::from(path), (*text).to_owned()))
        .collect()
}

fn of_texts(before: &Texts, after: &Texts, asked: Asked<'_>) -> Change {
    of_files(&before.clone().into(), &after.clone().into(), asked)
}

fn between(before: &[(&str, &str)], after: &[(&str, &str)]) -> Change {
    of_texts(&texts_of(before), &texts_of(after), Asked::default())
}

/// What is found, each as `kind address: sentence`.
fn said(change: &Change) -> Vec<String> {
    let all = change.touched.iter().flat_map(|touched| {
        let of = |finding: &Finding| format!("{} {}: {}", finding.kind.name(), touched.address, finding.what);
        touched.findings.iter().map(of)
    });
    all.collect()
}

#[track_caller]
fn check(before: &str, after: &str, expected: &[&str]) {
    let said = said(&between(&[("a/main.tf", before)], &[("a/main.tf", after)]));
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.contains(expected), "{said:?} says nothing of {expected:?}");
    }
}

/// The ways in which a document is written, each with a name and what turns its statements into a file.
type Form = (&'static str, fn(&Value) -> String);

/// JSON as HCL says it.
fn hcl(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let members: Vec<String> = object
                .iter()
                .map(|(key, value)| format!("{key:?} = {}", hcl(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        Value::Array(all) => format!("[{}]", all.iter().map(hcl).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn blocks(policy: &Value) -> String {
    let mut out = String::from("data \"aws_iam_policy_document\" \"p\" {\n");
    for statement in policy["Statement"].as_array().unwrap() {
        out.push_str("  statement {\n");
        for (key, name) in [
            ("Effect", "effect"),
            ("Action", "actions"),
            ("NotAction", "not_actions"),
            ("Resource", "resources"),
        ] {
            if let Some(value) = statement.get(key) {
                out.push_str(&format!("    {name} = {}\n", hcl(value)));
            }
        }
        if let Some(value) = statement.pointer("/Condition/StringEquals/aws:RequestedRegion") {
            out.push_str(&format!(
                "    condition {{\n      test = \"StringEquals\"\n      variable = \"aws:RequestedRegion\"\n      values = {}\n    }}\n",
                hcl(value)
            ));
        }
        out.push_str("  }\n");
    }
    out + "}\n"
}

/// `${var.b}` as CloudFormation has it.
fn sub(value: &Value) -> Value {
    match value {
        Value::String(text) if text.contains("${var.b}") => json!({"Fn::Sub": text.replace("${var.b}", "${B}")}),
        Value::Array(all) => all.iter().map(sub).collect(),
        Value::Object(object) => Value::Object(object.iter().map(|(key, value)| (key.clone(), sub(value))).collect()),
        other => other.clone(),
    }
}

const FORMS: [Form; 6] = [
    ("encoded.tf", |policy| {
        format!(
            "resource \"aws_iam_role_policy\" \"p\" {{\n  role = \"app\"\n  policy = jsonencode({})\n}}\n",
            hcl(policy)
        )
    }),
    ("heredoc.tf", |policy| {
        format!("resource \"aws_iam_policy\" \"p\" {{\n  policy = <<EOF\n{policy:#}\nEOF\n}}\n")
    }),
    ("blocks.tf", blocks),
    ("template.json", |policy| {
        json!({"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {
            "Policies": [{"PolicyName": "p", "PolicyDocument": sub(policy)}]}}}})
        .to_string()
    }),
    ("template.yaml", |policy| {
        let inside = sub(policy).to_string();
        format!(
            "Resources:\n  P:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      Roles: [app]\n      PolicyDocument: {inside}\n"
        )
    }),
    ("policy.json.tftpl", |policy| policy.to_string()),
];

fn policy(statements: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

#[test]
fn every_form_is_read_before_and_after() {
    let wide = policy(
        &json!([{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": ["arn:aws:s3:::${var.b}/*"]}]),
    );
    let narrow =
        policy(&json!([{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::${var.b}/in/*"]}]));
    for (name, write) in FORMS {
        let (wide, narrow) = (write(&wide), write(&narrow));
        let change = between(&[(name, &wide)], &[(name, &narrow)]);
        assert_eq!(change.touched.len(), 1, "{name}: {change:#?}");
        assert_eq!(said(&change), Vec::<String>::new(), "{name}");
        let change = between(&[(name, &narrow)], &[(name, &wide)]);
        let [touched] = &change.touched[..] else {
            panic!("{name}: {change:#?}")
        };
        let [finding] = &touched.findings[..] else {
            panic!("{name}: {change:#?}")
        };
        assert_eq!(finding.kind, FindingKind::New, "{name}");
        let example = finding.example.as_ref().unwrap();
        assert!(example.resource.starts_with("arn:aws:s3:::b/"), "{name}: {example:?}");
        assert!(example.action.starts_with("s3:"), "{name}: {example:?}");
        let change = between(&[], &[(name, &wide)]);
        assert_eq!(
            change
                .touched
                .iter()
                .filter(|one| one.how == How::Added && !one.findings.is_empty())
                .count(),
            1,
            "{name}"
        );
        let change = between(&[(name, &wide)], &[]);
        assert_eq!(said(&change), Vec::<String>::new(), "{name}");
        assert!(change.touched.iter().all(|one| one.how == How::Removed), "{name}");
    }
}

#[test]
fn a_request_that_shows_it_is_of_an_action_that_exists() {
    let catalog = Catalog::embedded();
    for (action, resource) in [
        ("s3:*", "arn:aws:s3:::data/*"),
        ("s3:*", "*"),
        ("*", "*"),
        ("dynamodb:Put*", "*"),
        ("iam:PassRole", "arn:aws:iam::*:role/x-*"),
        ("kms:Decrypt", "arn:aws:kms:*:111122223333:key/*"),
        ("ec2:Describe*", "*"),
        ("sqs:*", "arn:aws:sqs:eu-west-1:*:q?"),
    ] {
        let text = policy(&json!([{"Effect": "Allow", "Action": action, "Resource": resource}])).to_string();
        let change = between(&[], &[("p.json", &text)]);
        let finding = &change.touched[0].findings[0];
        let example = finding
            .example
            .clone()
            .unwrap_or_else(|| panic!("{action} on {resource}: {finding:?}"));
        assert!(catalog.id(&example.action).is_some(), "{action}: {example:?}");
        let shape = &example.resource;
        assert!(
            shape == "*" || shape.starts_with("arn:aws:"),
            "{action} on {resource}: {example:?}"
        );
        assert!(!shape.contains("${"), "{example:?}");
    }
}

const DOCUMENT: &str = r#"
data "aws_iam_policy_document" "p" {
  statement {
    actions   = ["s3:GetObject"]
    resources = [var.bucket]
  }
}
"#;

#[test]
fn a_reference_is_the_same_only_while_it_is_defined_by_the_same() {
    let with = |rest: &str| format!("{DOCUMENT}{rest}");
    let a = with("variable \"bucket\" { default = \"arn:aws:s3:::a/*\" }\n");
    let b = with("variable \"bucket\" { default = \"*\" }\n");
    check(&a, &a, &[]);
    check(&a, &b, &["`var.bucket` stands for something else"]);
    // The default of a module is what its caller says.
    let call = |value: &str| format!("module \"m\" {{\n source = \"../a\"\n bucket = {value}\n}}\n");
    let files = |value: &str| {
        vec![
            ("a/main.tf".to_owned(), a.clone()),
            ("root/main.tf".to_owned(), call(value)),
        ]
    };
    let texts = |value: &str| -> Texts {
        files(value)
            .into_iter()
            .map(|(path, text)| (PathBuf::from(path), text))
            .collect()
    };
    let change = of_texts(&texts("\"x\""), &texts("\"*\""), Asked::default());
    assert_eq!(said(&change).len(), 1, "{change:#?}");
    assert!(said(&change)[0].contains("stands for something else"), "{change:#?}");
    // So are values in files of their own, and locals that a local names.
    let change = between(
        &[("a/main.tf", &a), ("a/prod.tfvars", "bucket = \"x\"\n")],
        &[("a/main.tf", &a), ("a/prod.tfvars", "bucket = \"*\"\n")],
    );
    assert_eq!(said(&change).len(), 1, "{change:#?}");
    let local = |value: &str| {
        DOCUMENT.replace("var.bucket", "\"${local.one}/*\"")
            + &format!("locals {{\n one = local.two\n two = \"{value}\"\n}}\n")
    };
    check(
        &local("arn:aws:s3:::a"),
        &local("arn:aws:s3:::*"),
        &["`local.one` stands for something else"],
    );
}

#[test]
fn a_local_that_is_written_out_is_read() {
    let with =
        |actions: &str| DOCUMENT.replace("[\"s3:GetObject\"]", "local.a") + &format!("locals {{\n a = {actions}\n}}\n");
    let (few, many) = (with("[\"s3:GetObject\"]"), with("[\"s3:GetObject\", \"s3:PutObject\"]"));
    check(&many, &few, &[]);
    check(&few, &many, &["it grants what was not granted before"]);
}

#[test]
fn what_is_for_each_key_is_new_for_a_new_key() {
    let with = |keys: &str| {
        format!(
            "resource \"aws_iam_role_policy\" \"p\" {{\n  for_each = toset({keys})\n  role = each.value\n  policy = data.aws_iam_policy_document.p.json\n}}\n{DOCUMENT}"
        )
    };
    check(&with("[\"a\", \"b\"]"), &with("[\"a\"]"), &["it is now for"]);
    check(&with("[\"a\"]"), &with("[\"a\", \"b\"]"), &["it is now for"]);
}

#[test]
fn a_document_that_stands_already_is_new_for_another_role() {
    let role = |name: &str, policy: &str| {
        format!(
            "resource \"aws_iam_role_policy\" \"{name}\" {{\n  role = \"{name}\"\n  policy = data.aws_iam_policy_document.{policy}.json\n}}\n"
        )
    };
    let one = format!("{DOCUMENT}{}", role("a", "p"));
    check(
        &one,
        &format!("{one}{}", role("b", "p")),
        &["${data.aws_iam_policy_document.p.json} is granted anew"],
    );
    // A new document is judged where it stands, and one whose name begins alike is not it.
    let longer = DOCUMENT.replace("\"p\"", "\"p2\"");
    let both = format!("{one}{longer}{}", role("b", "p2"));
    check(&one, &both, &["it grants what was not granted before"]);
    let known = format!("{one}{longer}");
    check(
        &known,
        &format!("{known}{}", role("b", "p2")),
        &["p2.json} is granted anew"],
    );
    check(
        &one,
        &one.replace("role = \"a\"", "role = \"b\""),
        &["it is now for role=b"],
    );
}

#[test]
fn what_bounds_and_what_denies_may_not_go() {
    let role = |boundary: &str| format!("resource \"aws_iam_role\" \"r\" {{\n  name = \"r\"\n{boundary}}}\n");
    let bound = role("  permissions_boundary = \"arn:aws:iam::111122223333:policy/b\"\n");
    check(&bound, &role(""), &["is gone: what bounded it no longer does"]);
    check(&role(""), &bound, &[]);
    check(
        &bound,
        &bound.replace("policy/b", "policy/c"),
        &["its boundary is another"],
    );
    let deny = r#"
data "aws_iam_policy_document" "d" {
  statement {
    effect    = "Deny"
    actions   = ["iam:*"]
    resources = ["*"]
  }
}
"#;
    check(deny, "", &["it no longer denies"]);
    check(deny, &deny.replace("iam:*", "iam:Create*"), &["it no longer denies"]);
    check(deny, &deny.replace("iam:*", "*"), &[]);
    check(&deny.replace("\"iam:*\"", "var.a"), deny, &["a denial of"]);
}

#[test]
fn attaching_a_managed_policy_says_what_it_grants() {
    let attach = |arn: &str| {
        format!("resource \"aws_iam_role_policy_attachment\" \"a\" {{\n  role = \"r\"\n  policy_arn = \"{arn}\"\n}}\n")
    };
    let read = attach("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess");
    check("", &read, &["AmazonS3ReadOnlyAccess is attached anew"]);
    check(&read, "", &[]);
    check(
        "",
        &attach("arn:aws:iam::111122223333:policy/own"),
        &["is not known here"],
    );
    let template =
        |arn: &str| format!("Resources:\n  R:\n    Properties:\n      ManagedPolicyArns:\n        - {arn}\n");
    let change = between(
        &[("t.yaml", &template("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"))],
        &[("t.yaml", &template("!Ref Policy"))],
    );
    assert_eq!(said(&change).len(), 1, "{change:#?}");
}

#[test]
fn what_cannot_be_read_is_equal_to_itself_alone() {
    let merged = DOCUMENT.replace("  statement {", "  source_policy_documents = [var.more]\n  statement {");
    check(&merged, &merged, &[]);
    check(
        &merged,
        &merged.replace("s3:GetObject", "s3:Get*"),
        &["it cannot be compared: it has `source_policy_documents`"],
    );
    check(
        "resource \"aws_iam_policy\" \"p\" {\n",
        "resource \"aws_iam_policy\" \"q\" {\n",
        &["cannot be read"],
    );
    let list = |statements: &str| {
        format!(
            "resource \"aws_iam_policy\" \"p\" {{\n  policy = jsonencode({{ Version = \"2012-10-17\", Statement = {statements} }})\n}}\n"
        )
    };
    check(
        &list("concat(local.a, local.b)"),
        &list("concat(local.a, local.c)"),
        &["cannot be compared"],
    );
    check(
        &list("[local.a]"),
        &list("[local.a, local.b]"),
        &["what the statement `${local.b}` says is not known"],
    );
    check(&list("[local.a, local.b]"), &list("[local.a]"), &["may have denied"]);
    let encoded = |what: &str| format!("resource \"aws_iam_policy\" \"p\" {{\n  policy = jsonencode({what})\n}}\n");
    check(&encoded("local.a"), &encoded("local.b"), &["is granted anew"]);
}

#[test]
fn a_text_that_pretends_to_be_a_reference_is_none() {
    let own = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "${trimtrail-ref:0}"}]}"#;
    let known = "Resources:\n  P:\n    PolicyDocument: {Version: \"2012-10-17\", Statement: [{Effect: Allow, Action: s3:GetObject, Resource: !Ref A}]}\n";
    let change = between(
        &[("a.yaml", known), ("p.json", "{}")],
        &[("a.yaml", known), ("p.json", own)],
    );
    assert_eq!(said(&change).len(), 1, "{change:#?}");
    assert!(said(&change)[0].starts_with("not-proved"), "{change:#?}");
}

#[test]
fn files_that_are_called_otherwise_are_the_same_files() {
    let text = FORMS[4].1(&policy(
        &json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]),
    ));
    let change = between(&[("old/a.yaml", &text)], &[("new/b.yaml", &text)]);
    assert_eq!((change.touched.len(), change.same), (0, 1), "{change:#?}");
    // In Terraform the folder tells; another file of it is no other place.
    check_moved(DOCUMENT, 0);
}

fn check_moved(text: &str, findings: usize) {
    let change = between(
        &[("a/main.tf", text)],
        &[("a/iam.tf", text), ("a/main.tf", "locals {}\n")],
    );
    assert_eq!(said(&change).len(), findings, "{change:#?}");
}

#[test]
fn a_plan_tells_both_sides() {
    let text = |actions: &str| policy(&json!([{"Effect": "Allow", "Action": actions, "Resource": "*"}])).to_string();
    let plan = |change: Value| {
        json!({"format_version": "1.2", "resource_changes": [{"address": "module.m.aws_iam_role_policy.p[\"x\"]", "mode": "managed",
            "type": "aws_iam_role_policy", "name": "p", "change": change}]})
        .to_string()
    };
    let of = |change: Value| said(&of_plan(Path::new("plan.json"), &plan(change), Asked::default()).unwrap());
    let side = |actions: &str| json!({"role": "app", "policy": text(actions)});
    assert!(
        of(json!({"actions": ["update"], "before": side("s3:*"), "after": side("s3:Get*"), "after_unknown": {}}))
            .is_empty()
    );
    assert_eq!(
        of(json!({"actions": ["update"], "before": side("s3:Get*"), "after": side("s3:*"), "after_unknown": {}})).len(),
        1
    );
    assert_eq!(
        of(json!({"actions": ["create"], "before": null, "after": side("s3:*"), "after_unknown": {"id": true}})).len(),
        1
    );
    assert!(
        of(json!({"actions": ["delete"], "before": side("s3:*"), "after": null, "after_unknown": false})).is_empty()
    );
    let later = of(
        json!({"actions": ["update"], "before": side("s3:*"), "after": {"role": "app"}, "after_unknown": {"policy": true}}),
    );
    assert_eq!(later.len(), 1, "{later:?}");
    assert!(later[0].contains("known after apply"), "{later:?}");
    let whom = of(
        json!({"actions": ["update"], "before": side("s3:*"), "after": {"policy": text("s3:*")}, "after_unknown": {"role": true}}),
    );
    assert!(whom[0].contains("it is now for"), "{whom:?}");
    assert!(of_plan(Path::new("p"), "{}", Asked::default()).is_err());
    assert!(of_plan(Path::new("p"), "[", Asked::default()).is_err());
}

fn bans(text: &str) -> Bans {
    Bans::parse(text).unwrap()
}

#[test]
fn what_nobody_may_be_granted_is_decided_and_not_read() {
    let list = bans(
        "[[must_not_grant]]\nactions = [\"iam:PassRole\"]\nresources = [\"arn:aws:iam::*:role/admin-*\"]\nwhy = \"admins\"\n",
    );
    let asked = Asked {
        bans: Some(&list),
        not_public: false,
    };
    let find = |statements: Value| {
        let text = policy(&statements).to_string();
        let texts = texts_of(&[("p.json", &text)]);
        of_texts(&texts, &texts, asked)
    };
    let allow =
        |action: &str, resource: &str| json!({"Sid": "S", "Effect": "Allow", "Action": action, "Resource": resource});
    for (statements, expected) in [
        (
            json!([allow("iam:PassRole", "arn:aws:iam::111122223333:role/admin-a")]),
            1,
        ),
        (json!([allow("i*:Pa??Role", "*")]), 1),
        (json!([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}]), 1),
        (
            json!([allow("iam:PassRole", "arn:aws:iam::111122223333:role/app-a")]),
            0,
        ),
        (json!([allow("iam:GetRole", "*")]), 0),
        (
            json!([allow("*", "*"), {"Effect": "Deny", "Action": "iam:Pass*", "Resource": "arn:aws:iam::*:role/admin*"}]),
            0,
        ),
        (json!([allow("iam:*", "arn:aws:iam::*:role/${aws:username}")]), 1),
    ] {
        let change = find(statements.clone());
        let found: Vec<&Finding> = change.touched.iter().flat_map(|one| &one.findings).collect();
        assert_eq!(found.len(), expected, "{statements}: {change:#?}");
        assert!(
            found
                .iter()
                .all(|finding| finding.kind == FindingKind::Banned && finding.what.contains("(admins)"))
        );
    }
    let change = find(json!([allow("iam:*", "*")]));
    let example = change.touched[0].findings[0].example.clone().unwrap();
    assert_eq!(example.action, "iam:PassRole");
    assert!(example.resource.contains(":role/admin-"), "{example:?}");
    assert!(Bans::parse("must_not_grant = 3").is_err());
    assert!(Bans::parse("[[must_not_grant]]\nactions = [\"x\"]\n").is_err());
    assert!(Bans::parse("[[must_not_grant]]\nactions = [\"s3:*\"]\nresource = [\"*\"]\n").is_err());
    assert_eq!(
        bans(r#"{"must_not_grant": [{"actions": ["s3:*"]}]}"#).must_not_grant[0].resources,
        ["*"]
    );
}

#[test]
fn nobody_is_let_in_whom_nobody_named() {
    let asked = Asked {
        bans: None,
        not_public: true,
    };
    let find = |statement: Value| {
        let text = policy(&json!([statement])).to_string();
        let texts = texts_of(&[("p.json", &text)]);
        let change = of_texts(&texts, &texts, asked);
        change.touched.iter().map(|one| one.findings.len()).sum::<usize>()
    };
    let open = |who: Value, action: &str, resource: &str, condition: Value| {
        let mut statement = json!({"Effect": "Allow", "Principal": who, "Action": action});
        if !resource.is_empty() {
            statement["Resource"] = json!(resource);
        }
        if !condition.is_null() {
            statement["Condition"] = condition;
        }
        find(statement)
    };
    for (action, resource) in [
        ("s3:GetObject", "arn:aws:s3:::b/*"),
        ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:q"),
        ("sns:Publish", "arn:aws:sns:eu-west-1:111122223333:t"),
        ("kms:*", "*"),
        ("sts:AssumeRole", ""),
    ] {
        assert_eq!(open(json!("*"), action, resource, Value::Null), 1, "{action}");
        assert_eq!(open(json!({"AWS": "*"}), action, resource, Value::Null), 1, "{action}");
        let organization = json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}});
        assert_eq!(open(json!("*"), action, resource, organization), 0, "{action}");
        let own = json!({"StringEquals": {"aws:PrincipalAccount": "111122223333"}});
        assert_eq!(open(json!("*"), action, resource, own), 0, "{action}");
        assert_eq!(
            open(
                json!({"AWS": "arn:aws:iam::444455556666:root"}),
                action,
                resource,
                Value::Null
            ),
            0,
            "{action}"
        );
    }
    for (networks, found) in [
        (json!("0.0.0.0/0"), 1),
        (json!("::/0"), 1),
        (json!(["0.0.0.0/1", "128.0.0.0/1"]), 1),
        (json!(["203.0.113.0/24", "2000::/3"]), 1),
        (json!("203.0.113.0/24"), 0),
        (json!("10.0.0.0/8"), 0),
    ] {
        let anywhere = json!({"IpAddress": {"aws:SourceIp": networks}});
        let said = open(json!("*"), "s3:GetObject", "arn:aws:s3:::b/*", anywhere);
        assert_eq!(said, found, "{networks}");
    }
    let source = json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::b"}});
    assert_eq!(
        open(
            json!("*"),
            "sqs:SendMessage",
            "arn:aws:sqs:eu-west-1:111122223333:q",
            source
        ),
        0
    );
}
