//! Documents that take in others: each statement is edited where it stands, for all that were made of it.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::plan::World;
use super::policy;

const MERGED: &str = r#"data "aws_iam_policy_document" "base" {
  statement {
    sid       = "Logs"
    actions   = ["logs:PutLogEvents", "logs:CreateLogStream"] # both
    resources = ["*"]
  }
}

locals {
  queue = jsonencode({
    Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["sqs:SendMessage", "sqs:PurgeQueue"], Resource = "*" }]
  })
}

data "aws_iam_policy_document" "app" {
  source_policy_documents   = [data.aws_iam_policy_document.base.json]
  override_policy_documents = [local.queue]
  statement {
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["arn:aws:s3:::shop-app/*"]
  }
}

resource "aws_iam_policy" "app" {
  name   = "shop-app"
  policy = data.aws_iam_policy_document.app.json
}
"#;

fn logs(actions: &Value) -> Value {
    json!({"Sid": "Logs", "Effect": "Allow", "Action": actions, "Resource": "*"})
}

fn objects(actions: &Value) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": "arn:aws:s3:::shop-app/*"})
}

fn queue(actions: &Value) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": "*"})
}

fn whole() -> Value {
    policy(&json!([
        logs(&json!(["logs:PutLogEvents", "logs:CreateLogStream"])),
        objects(&json!(["s3:GetObject", "s3:PutObject"])),
        queue(&json!(["sqs:SendMessage", "sqs:PurgeQueue"])),
    ]))
}

const ARN: &str = "arn:aws:iam::111122223333:policy/shop-app";

#[test]
fn each_statement_is_edited_where_it_stands() {
    let after = policy(&json!([
        logs(&json!(["logs:PutLogEvents"])),
        objects(&json!(["s3:GetObject"])),
        queue(&json!(["sqs:SendMessage"])),
    ]));
    let world = World::default().with("shop-app", ARN, &whole(), Some(&after));
    let expected = MERGED
        .replace(", \"logs:CreateLogStream\"", "")
        .replace(", \"s3:PutObject\"", "")
        .replace(", \"sqs:PurgeQueue\"", "");
    assert_eq!(world.edited(&[("main.tf", MERGED)]), expected);
}

#[test]
fn documents_in_two_files_are_edited_in_both() {
    let (base, app) = MERGED.split_at(MERGED.find("locals").unwrap());
    let after = policy(&json!([
        logs(&json!(["logs:PutLogEvents"])),
        objects(&json!(["s3:GetObject"])),
        queue(&json!(["sqs:SendMessage", "sqs:PurgeQueue"])),
    ]));
    let world = World::default().with("shop-app", ARN, &whole(), Some(&after));
    let plan = world.plan(&[("base.tf", base), ("main.tf", app)]);
    assert_eq!(plan.left, []);
    let after: Vec<&str> = plan.files.iter().map(|file| file.after.as_str()).collect();
    assert_eq!(
        after,
        [
            base.replace(", \"logs:CreateLogStream\"", ""),
            app.replace(", \"s3:PutObject\"", "")
        ]
    );
}

#[test]
fn what_a_second_policy_uses_of_the_shared_base_stays() {
    let other = policy(&json!([logs(&json!(["logs:PutLogEvents", "logs:CreateLogStream"]))]));
    let text = format!(
        "{MERGED}resource \"aws_iam_role_policy\" \"logs\" {{\n  name   = \"only-logs\"\n  role   = \"logger\"\n  policy = data.aws_iam_policy_document.base.json\n}}\n"
    );
    let after = policy(&json!([
        logs(&json!(["logs:PutLogEvents"])),
        objects(&json!(["s3:GetObject"])),
        queue(&json!(["sqs:SendMessage", "sqs:PurgeQueue"])),
    ]));
    let world =
        World::default()
            .with("shop-app", ARN, &whole(), Some(&after))
            .role("only-logs", "logger", &other, None);
    let plan = world.plan(&[("main.tf", &text)]);
    assert_eq!(plan.files[0].after, text.replace(", \"s3:PutObject\"", ""));
    assert!(
        plan.left[0]
            .why
            .contains("main.tf:1 stands for only-logs of role/logger too"),
        "{plan:#?}"
    );
    // Nor where it is in no grants.
    let world = World::default().with("shop-app", ARN, &whole(), Some(&after));
    let plan = world.plan(&[("main.tf", &text)]);
    assert!(plan.left[0].why.contains("is not in the grants"), "{plan:#?}");
    assert!(plan.files[0].after.contains("CreateLogStream"));
}

#[test]
fn a_base_that_nobody_needs_is_left_without_statements() {
    let after = policy(&json!([
        objects(&json!(["s3:GetObject", "s3:PutObject"])),
        queue(&json!(["sqs:SendMessage", "sqs:PurgeQueue"])),
    ]));
    let world = World::default().with("shop-app", ARN, &whole(), Some(&after));
    let start = MERGED.find("  statement").unwrap();
    let end = MERGED.find("}\n\nlocals").unwrap();
    assert_eq!(
        world.edited(&[("main.tf", MERGED)]),
        format!("{}{}", &MERGED[..start], &MERGED[end..])
    );
}

#[test]
fn what_is_not_followed_is_left_with_its_line() {
    let after = policy(&json!([
        logs(&json!(["logs:PutLogEvents"])),
        objects(&json!(["s3:GetObject", "s3:PutObject"])),
        queue(&json!(["sqs:SendMessage", "sqs:PurgeQueue"])),
    ]));
    let world = World::default().with("shop-app", ARN, &whole(), Some(&after));
    for (from, to, why) in [
        (
            "local.queue",
            "var.more",
            "main.tf:15 takes in `var.more`, which is not followed",
        ),
        (
            "[local.queue]",
            "concat([local.queue], var.more)",
            "which is not followed",
        ),
        (
            "document.base.json",
            "document.gone.json",
            "`data.aws_iam_policy_document.gone`, which is no document beside it",
        ),
        ("document.base.json", "document.app.json", "too often to follow"),
        (
            "[local.queue]",
            "[local.queue, data.aws_iam_policy_document.base.json]",
            "takes in one document twice",
        ),
        (
            "  statement {\n    actions ",
            "  statement {\n    sid = \"Logs\"\n    actions ",
            "have the Sid `Logs`",
        ),
        (
            "  statement {\n    actions ",
            "  statement {\n    sid = var.sid\n    actions ",
            "a Sid holds references",
        ),
    ] {
        let text = MERGED.replace(from, to);
        assert_ne!(text, MERGED);
        let left = world.left(&[("main.tf", &text)]);
        assert!(left.contains(why), "{to}: {left}");
    }
}

#[test]
fn an_override_that_takes_a_statements_place_edits_nothing() {
    // IAM holds the override alone, so that the base says something that no policy holds.
    let text = MERGED.replace(
        "Effect = \"Allow\", Action",
        "Sid = \"Logs\", Effect = \"Allow\", Action",
    );
    let held = |actions: &Value| {
        policy(&json!([
            {"Sid": "Logs", "Effect": "Allow", "Action": actions, "Resource": "*"},
            objects(&json!(["s3:GetObject", "s3:PutObject"])),
        ]))
    };
    let before = held(&json!(["sqs:SendMessage", "sqs:PurgeQueue"]));
    let world = World::default().with("shop-app", ARN, &before, Some(&held(&json!(["sqs:SendMessage"]))));
    world.left(&[("main.tf", &text)]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    /// Documents a, b and c, of which x takes in two and y two, in any order: whatever each policy may lose, none loses what
    /// another may need.
    #[test]
    fn no_used_action_goes_from_documents_that_several_take_in(
        x in (0..3_usize, 0..3_usize), y in (0..3_usize, 0..3_usize), used in prop::collection::vec(any::<[bool; 2]>(), 4),
    ) {
        prop_assume!(x.0 != x.1 && y.0 != y.1 && x != y);
        let names = ["a", "b", "c"];
        let actions = |of: usize| [format!("s3:Get{}", names[of]), format!("s3:Put{}", names[of])];
        let mut text = String::new();
        for (at, name) in names.iter().enumerate() {
            let [get, put] = actions(at);
            text.push_str(&format!("data \"aws_iam_policy_document\" \"{name}\" {{\n  statement {{\n    actions = [\"{get}\", \"{put}\"]\n    resources = [\"*\"]\n  }}\n}}\n"));
        }
        let mut world = World::default();
        let mut kept = Vec::new();
        for (at, (name, of)) in [("first", x), ("second", y)].into_iter().enumerate() {
            text.push_str(&format!("data \"aws_iam_policy_document\" \"{name}\" {{\n  source_policy_documents = [data.aws_iam_policy_document.{}.json, data.aws_iam_policy_document.{}.json]\n}}\nresource \"aws_iam_policy\" \"{name}\" {{\n  name = \"{name}\"\n  policy = data.aws_iam_policy_document.{name}.json\n}}\n", names[of.0], names[of.1]));
            let statement = |list: Vec<String>| json!({"Effect": "Allow", "Action": list, "Resource": "*"});
            let (mut before, mut after) = (Vec::new(), Vec::new());
            for (nth, document) in [of.0, of.1].into_iter().enumerate() {
                before.push(statement(actions(document).to_vec()));
                let stay = actions(document).into_iter().zip(used[at * 2 + nth]).filter(|(_, used)| *used);
                let stay: Vec<String> = stay.map(|(action, _)| action).collect();
                kept.extend(stay.iter().cloned());
                if !stay.is_empty() {
                    after.push(statement(stay));
                }
            }
            let after = (before != after).then(|| policy(&Value::Array(after)));
            if after.is_none() {
                kept.extend([of.0, of.1].into_iter().flat_map(actions));
            }
            let arn = format!("arn:aws:iam::111122223333:policy/{name}");
            world = world.with(name, &arn, &policy(&Value::Array(before)), after.as_ref());
        }
        let plan = world.plan(&[("main.tf", &text)]);
        let edited = plan.files.first().map_or(text.as_str(), |file| &file.after);
        for action in kept {
            prop_assert!(edited.contains(&format!("\"{action}\"")), "{} is lost: {}", action, edited);
        }
    }
}
