//! Each policy is edited in its own source, and nowhere where that source is hidden.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::plan::{World, only};
use super::policy;

/// Terraform of roles that each have their own document, with the policies that were made of it.
fn corpus() -> Vec<(String, String, Value)> {
    let names = ["ledger", "checkout", "mailer", "invoice", "thumbs"];
    let forms = names.iter().enumerate().map(|(at, name)| {
        let resource = ["\"*\"", "var.arn", "\"arn:aws:s3:::${var.bucket}/*\""][at % 3];
        let live = ["*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/*"][at % 3];
        let document = format!(
            "data \"aws_iam_policy_document\" \"{name}\" {{\n  statement {{\n    actions   = [\"s3:GetObject\", \"s3:PutObject\"]\n    resources = [{resource}]\n  }}\n}}\n"
        );
        let user = format!(
            "resource \"aws_iam_role_policy\" \"{name}\" {{\n  name   = \"inline\"\n  role   = aws_iam_role.{name}.name\n  policy = data.aws_iam_policy_document.{name}.json\n}}\nresource \"aws_iam_role\" \"{name}\" {{\n  name = \"{name}-service\"\n}}\n"
        );
        let before = policy(&json!([{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": live}]));
        ((*name).to_owned(), document + &user, before)
    });
    forms.collect()
}

#[test]
fn where_its_own_source_is_hidden_no_stranger_is_edited() {
    hide_each(&corpus(), &|name| format!("{name}-service"), &|_| Vec::new());
}

#[test]
fn a_tag_tells_whose_a_document_is_and_no_stranger_where_that_is_hidden() {
    // Names are open: a tag alone tells. Each role has one of the three kinds, and one that all have.
    let tag = |name: &str| match name {
        "ledger" | "checkout" => ("Name", format!("{name}-service")),
        "mailer" | "invoice" => (
            "yor_trace",
            format!("0d3f7a52-1c3e-4b7e-9c58-{:012x}", name.as_bytes()[0]),
        ),
        _ => ("git_file", format!("infra/{name}.tf")),
    };
    let open = corpus().into_iter().map(|(name, text, before)| {
        let (key, value) = tag(&name);
        let written = match key {
            // Written by whoever applies it.
            "git_file" => "tags = { ManagedBy = \"terraform/all\" }".to_owned(),
            _ => format!(
                "tags = merge({{ {key} = \"other\" }}, {{ {key} = \"{value}\", ManagedBy = \"terraform/all\" }})"
            ),
        };
        let text = text.replace(
            &format!("name = \"{name}-service\""),
            &format!("name = var.{name}\n  {written}"),
        );
        (name, text, before)
    });
    let open: Vec<(String, String, Value)> = open.collect();
    let all = |name: &str| {
        let (key, value) = tag(name);
        vec![(key, value), ("ManagedBy", "terraform/all".to_owned())]
    };
    hide_each(&open, &|name| format!("{name}-a1b2c3"), &all);
    // Without the tags nothing tells.
    let (_, _, before) = &open[0];
    let world = World::default().role("inline", "a-role", before, Some(&only("s3:GetObject")));
    let files: Vec<(String, String)> = open
        .iter()
        .map(|(name, text, _)| (format!("infra/{name}.tf"), text.clone()))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    world.left(&files);
}

/// What anybody calls a policy and who has it.
const COMMON: [&str; 16] = [
    "policy",
    "main",
    "role",
    "athena-access",
    "firehose-delivery",
    "CodeBuildServiceRole",
    "ecstaskrole",
    "deploy",
    "prod-api",
    "inline",
    "default",
    "LambdaRole",
    "lambda-policy",
    "app-policy",
    "worker-role",
    "ecs-task-execution",
];

#[test]
fn strangers_with_common_names_are_nobodys() {
    let text = |policy: &str, role: &str| {
        format!(
            "variable \"name\" {{}}\nvariable \"role\" {{}}\nresource \"aws_iam_role_policy\" \"app\" {{\n  name   = {policy}\n  role   = {role}\n  policy = jsonencode({{ Version = \"2012-10-17\", Statement = [{{ Effect = \"Allow\", Action = [\"s3:GetObject\", \"s3:PutObject\"], Resource = \"*\" }}] }})\n}}\n"
        )
    };
    let before = policy(&json!([{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"}]));
    let after = only("s3:GetObject");
    let live = |policy: &str, role: &str| World::default().role(policy, role, &before, Some(&after));
    for common in COMMON {
        let whole = format!("\"{common}\"");
        let open = format!("\"${{var.name}}-{common}\"");
        let other = format!("mailer-{common}");
        for (policy, role, world) in [
            (whole.as_str(), "var.role", live(common, "mailer")),
            (open.as_str(), "var.role", live(&other, "mailer")),
            ("var.name", open.as_str(), live("mailer", &other)),
            (open.as_str(), open.as_str(), live(&other, &other)),
        ] {
            world.left(&[("main.tf", &text(policy, role))]);
        }
        // A managed one likewise.
        let managed = text(&open, "var.role")
            .replace("role_policy\"", "policy\"")
            .replace("  role   = var.role\n", "");
        let arn = format!("arn:aws:iam::111122223333:policy/{other}");
        World::default()
            .with(&other, &arn, &before, Some(&after))
            .left(&[("main.tf", &managed)]);
        let pair = live(common, common).plan(&[("main.tf", &text(&whole, &whole))]);
        assert_eq!(pair.files.len(), 1, "{common}: {:?}", pair.left);
    }
}

#[test]
fn a_name_that_others_may_bear_tells_nothing() {
    let objects = policy(&json!([{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"}]));
    let queues = policy(&json!([{"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": "*"}]));
    let world = || World::default().role("one", "mailer-acme", &objects, Some(&only("s3:GetObject")));
    let text = |name: &str, statement: &str| {
        format!(
            "variable \"name\" {{}}\nresource \"aws_iam_role\" \"app\" {{\n  name = {name}\n}}\nresource \"aws_iam_role_policy\" \"app\" {{\n  name   = var.name\n  role   = aws_iam_role.app.id\n  policy = jsonencode({{ Version = \"2012-10-17\", Statement = [{{ Effect = \"Allow\", Action = {statement}, Resource = \"*\" }}] }})\n}}\n"
        )
    };
    let own = text("\"${var.name}-acme\"", "[\"s3:GetObject\", \"s3:PutObject\"]");
    world().edited(&[("app/main.tf", &own)]);
    // Another one that it may name was made elsewhere: so may be this.
    let two = || world().role("two", "thumbs-acme", &queues, None);
    let why = two().left(&[("app/main.tf", &own)]);
    assert!(why.contains("nothing tells"), "{why}");
    // Of which another document is told to be the source, as in a folder that holds all that bear a company's name.
    let other = text("\"thumbs-acme\"", "[\"sqs:SendMessage\"]");
    two().edited(&[("app/main.tf", &own), ("thumbs/main.tf", &other)]);
    // The same role may have more, from elsewhere; and one that lags behind is told as such.
    world()
        .role("two", "mailer-acme", &queues, None)
        .edited(&[("app/main.tf", &own)]);
    let older = policy(&json!([{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*"}]));
    let why = world()
        .role("one", "thumbs-acme", &older, None)
        .left(&[("app/main.tf", &own)]);
    assert!(why.contains("may be an older copy"), "{why}");
    // A policy's own name likewise.
    let managed = own
        .replace("name   = var.name", "name = \"${var.name}-acme\"")
        .replace("role_policy\"", "policy\"")
        .replace("  role   = aws_iam_role.app.id\n", "");
    let of = |world: World, name: &str, before: &Value, after: Option<&Value>| {
        world.with(name, &format!("arn:aws:iam::111122223333:policy/{name}"), before, after)
    };
    let one = || of(World::default(), "mailer-acme", &objects, Some(&only("s3:GetObject")));
    one().edited(&[("app/main.tf", &managed)]);
    let why = of(one(), "thumbs-acme", &queues, None).left(&[("app/main.tf", &managed)]);
    assert!(why.contains("nothing tells"), "{why}");
}

/// Each policy is edited in its own source, and nowhere where that is hidden.
#[track_caller]
fn hide_each(
    corpus: &[(String, String, Value)],
    role: &dyn Fn(&str) -> String,
    tags: &dyn Fn(&str) -> Vec<(&'static str, String)>,
) {
    for (hidden, _, before) in corpus {
        let mut after = before.clone();
        after["Statement"][0]["Action"] = json!("s3:GetObject");
        let mut world = World::default();
        for (name, _, document) in corpus {
            let after = (name == hidden).then_some(&after);
            let all = tags(name);
            let all: Vec<(&str, &str)> = all.iter().map(|(key, value)| (*key, value.as_str())).collect();
            world = world.role("inline", &role(name), document, after).tagged(&all);
        }
        let plan_of = |is_there: &dyn Fn(&str) -> bool| {
            let files = corpus.iter().filter(|(name, ..)| is_there(name));
            let files: Vec<(String, &str)> = files
                .map(|(name, text, _)| (format!("infra/{name}.tf"), text.as_str()))
                .collect();
            let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
            world.plan(&files)
        };
        assert_eq!(plan_of(&|name| name != hidden).files, [], "{hidden}");
        let whole = plan_of(&|_| true);
        assert_eq!(whole.files.len(), 1, "{hidden}: {:?}", whole.left);
        assert_eq!(whole.files[0].path, PathBuf::from(format!("infra/{hidden}.tf")));
        assert_eq!(
            before["Statement"][0]["Action"],
            json!(["s3:GetObject", "s3:PutObject"])
        );
    }
}
