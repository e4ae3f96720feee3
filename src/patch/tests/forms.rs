//! What others than Terraform and CloudFormation themselves write: edited where the document stands, else named.

use serde_json::{Value, json};

use super::plan::World;
use super::policy;

fn statement(sid: Option<&str>, actions: &[&str], resource: &str) -> Value {
    let mut found = json!({"Effect": "Allow", "Action": actions, "Resource": resource});
    if let Some(sid) = sid {
        found["Sid"] = json!(sid);
    }
    found
}

/// A policy of two actions of which the second may go, and what it is left with.
fn two(resource: &str) -> (Value, Value) {
    let of = |actions: &[&str]| policy(&json!([statement(None, actions, resource)]));
    (of(&["s3:GetObject", "s3:PutObject"]), of(&["s3:GetObject"]))
}

fn world(policy: &str, role: &str) -> World {
    let (before, after) = two("arn:aws:s3:::shop-app/*");
    World::default().role(policy, role, &before, Some(&after))
}

const TERRAFORM_JSON: &str = r#"{
	"//": "generated, then kept by hand",
	"data": {"aws_iam_policy_document": {"app": {
		"count": "${var.create ? 1 : 0}",
		"statement": [
			{"sid": "", "actions": [ "s3:GetObject" , "s3:PutObject" ], "resources": ["arn:aws:s3:::${var.bucket}/*"]},
			{ "not_actions": ["iam:*"], "resources": ["*"], "effect": "Deny" }
		]
	}}},
	"resource": {"aws_iam_role_policy": {"app": [{
		"name": "${local.prefix}-app", "role": "shop",
		"policy": "${data.aws_iam_policy_document.app[0].json}"
	}]}},
	"locals": {"prefix": "shop", "quote": "a \"b\" ${join(\",\", [\"}\"])} $${c}"}
}
"#;

#[test]
fn terraform_json_is_edited_in_place() {
    let of = |actions: &[&str]| {
        policy(&json!([
            statement(None, actions, "arn:aws:s3:::site/*"),
            {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}
        ]))
    };
    let world = |name: &str, role: &str| {
        let after = of(&["s3:GetObject"]);
        World::default().role(name, role, &of(&["s3:GetObject", "s3:PutObject"]), Some(&after))
    };
    let expected = TERRAFORM_JSON.replace(" , \"s3:PutObject\"", "");
    assert_eq!(
        world("shop-app", "shop").edited(&[("iam.tf.json", TERRAFORM_JSON)]),
        expected
    );
    let windows = format!("\u{feff}{}", TERRAFORM_JSON.replace('\n', "\r\n"));
    let expected = windows.replace(" , \"s3:PutObject\"", "");
    assert_eq!(world("shop-app", "shop").edited(&[("iam.tf.json", &windows)]), expected);
    // Its own name says that it is another's.
    world("other-app", "other").left(&[("iam.tf.json", TERRAFORM_JSON)]);
    // Nor may it lose what a second resource, written in the other language, may need.
    let more = "resource \"aws_iam_user_policy\" \"more\" {\n  name   = \"more\"\n  user   = \"ana\"\n  policy = data.aws_iam_policy_document.app[0].json\n}\n";
    let left = world("shop-app", "shop").left(&[("iam.tf.json", TERRAFORM_JSON), ("more.tf", more)]);
    assert!(
        left.contains("aws_iam_user_policy.more (more.tf:1) is made of it too"),
        "{left}"
    );
}

#[test]
fn json_in_a_string_of_terraform_json_is_named() {
    let (before, _) = two("arn:aws:s3:::shop-app/*");
    for written in [json!(before.to_string()), json!(format!("${{jsonencode({before})}}"))] {
        let file =
            json!({"resource": {"aws_iam_role_policy": {"app": {"name": "app", "role": "shop", "policy": written}}}});
        let text = serde_json::to_string_pretty(&file).unwrap();
        let left = world("app", "shop").left(&[("main.tf.json", &text)]);
        assert!(
            left.contains("main.tf.json:7 comes nearest, and is not edited: it is JSON in a string of JSON"),
            "{left}"
        );
    }
}

const MODULE: &str = r#"module "function" {
  source        = "terraform-aws-modules/lambda/aws"
  function_name = "shop-${var.stage}"

  attach_policy_statements = true
  policy_statements = {
    read-all = { # everybody
      effect    = "Allow"
      actions   = ["s3:GetObject", "s3:PutObject"],
      resources = ["arn:aws:s3:::${var.bucket}/*"]
    },
    "queue" = {
      actions   = ["sqs:SendMessage"]
      resources = [var.queue]
      condition = { one = { test = "Bool", variable = "aws:SecureTransport", values = ["true"] } }
    }
  }
}
"#;

fn module(read: &[&str], queue: bool) -> Value {
    let mut all = Vec::new();
    if queue {
        all.push(json!({"Sid": "queue", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:eu-west-1:111122223333:q",
            "Condition": {"Bool": {"aws:SecureTransport": "true"}}}));
    }
    all.push(statement(Some("readall"), read, "arn:aws:s3:::shop-app/*"));
    policy(&Value::Array(all))
}

#[test]
fn statements_handed_to_a_module_are_edited() {
    let before = module(&["s3:GetObject", "s3:PutObject"], true);
    let world = |after: &Value| {
        let world = World::default();
        world.with(
            "shop-dev-inline",
            "arn:aws:iam::111122223333:policy/shop-dev-inline",
            &before,
            Some(after),
        )
    };
    assert_eq!(
        world(&module(&["s3:GetObject"], true)).edited(&[("main.tf", MODULE)]),
        MODULE.replace(", \"s3:PutObject\"", "")
    );
    let start = MODULE.find("    \"queue\"").unwrap();
    let end = MODULE.find("  }\n}\n").unwrap();
    assert_eq!(
        world(&module(&["s3:GetObject", "s3:PutObject"], false)).edited(&[("main.tf", MODULE)]),
        format!("{}{}", &MODULE[..start], &MODULE[end..])
    );
    let one_line = MODULE
        .replace("{ # everybody\n", "{\n")
        .replace("    },\n    \"queue\"", "    }, \"queue\"");
    assert_ne!(one_line, MODULE);
    let left = world(&module(&["s3:GetObject", "s3:PutObject"], false)).left(&[("main.tf", &one_line)]);
    assert!(
        left.contains("main.tf:6: a statement to take out shares its lines"),
        "{left}"
    );
    let many = MODULE.replace("  source ", "  for_each = var.all\n  source ");
    let left = world(&module(&["s3:GetObject"], true)).left(&[("main.tf", &many)]);
    assert!(left.contains("makes several policies of it"), "{left}");
}

#[test]
fn a_statement_for_the_unseen_gets_a_key_of_its_own() {
    let before = module(&["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], false);
    let text = MODULE.replace("\"s3:PutObject\"", "\"s3:PutObject\", \"s3:DeleteObject\"");
    let start = text.find("    \"queue\"").unwrap();
    let text = format!("{}{}", &text[..start], &text[text.find("  }\n}\n").unwrap()..]);
    let after = policy(&json!([
        statement(Some("readall"), &["s3:GetObject"], "arn:aws:s3:::shop-app/*"),
        statement(Some("readallUnseen"), &["s3:DeleteObject"], "arn:aws:s3:::shop-app/*"),
    ]));
    let world = World::default();
    let arn = "arn:aws:iam::111122223333:policy/shop-dev-inline";
    let plan = world
        .with("shop-dev-inline", arn, &before, Some(&after))
        .plan(&[("main.tf", &text)]);
    let edited = &plan.files.first().unwrap_or_else(|| panic!("{plan:#?}")).after;
    assert!(
        edited.contains("read-allUnseen = { # everybody\n") && edited.contains("read-all = {"),
        "{edited}"
    );
}

#[test]
fn a_list_of_statements_and_terragrunt_inputs_are_edited() {
    let text = "terraform {\n  source = \"git::https://example.com/role.git\"\n}\ninputs = {\n  role_name = \"shop\"\n  policy_statements = [\n    { actions = [\"s3:GetObject\",\n      \"s3:PutObject\"], resources = [\"arn:aws:s3:::shop-app/*\"], sid = null },\n  ]\n}\n";
    let edited = world("any", "shop").edited(&[("live/shop/terragrunt.hcl", text)]);
    assert_eq!(
        edited,
        text.replace("\"s3:GetObject\",\n      \"s3:PutObject\"", "\"s3:GetObject\"")
    );
    let text = text
        .replace(
            "policy_statements = [",
            "policy = jsonencode({ Version = \"2012-10-17\", Statement = [",
        )
        .replace("actions", "Effect = \"Allow\", Action")
        .replace("resources = ", "Resource = ")
        .replace(", sid = null", "")
        .replace("  ]\n}", "  ] })\n}");
    let edited = world("any", "shop").edited(&[("live/shop/terragrunt.hcl", &text)]);
    assert_eq!(
        edited,
        text.replace("\"s3:GetObject\",\n      \"s3:PutObject\"", "\"s3:GetObject\"")
    );
}

#[test]
fn a_policy_of_a_bucket_is_no_argument_of_these() {
    let text = MODULE.replace(
        "effect    = \"Allow\"",
        "principals = [{ type = \"AWS\", identifiers = [\"*\"] }]",
    );
    let before = module(&["s3:GetObject", "s3:PutObject"], true);
    let arn = "arn:aws:iam::111122223333:policy/shop-dev-inline";
    let world = World::default().with("shop-dev-inline", arn, &before, Some(&module(&["s3:GetObject"], true)));
    world.left(&[("main.tf", &text)]);
}

const SERVERLESS: &str = "service: shop\nprovider:\n  name: aws\n  iam:\n    role:\n      statements: # ours\n        - Effect: Allow\n          Action:\n            - s3:GetObject\n            - s3:PutObject # never\n          Resource: arn:aws:s3:::${self:custom.bucket}/*\n        - { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: !GetAtt Queue.Arn }\nfunctions:\n  hello:\n    handler: a.b\n";

fn serverless(actions: &[&str]) -> Value {
    policy(&json!([
        statement(None, &["logs:CreateLogStream", "logs:CreateLogGroup"], "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/shop-dev*:*"),
        statement(None, actions, "arn:aws:s3:::shop-app/*"),
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:eu-west-1:111122223333:q"},
        statement(None, &["dynamodb:GetRecords"], "arn:aws:dynamodb:eu-west-1:111122223333:table/t/stream/1"),
    ]))
}

#[test]
fn statements_of_the_serverless_framework_are_edited_between_its_own() {
    let before = serverless(&["s3:GetObject", "s3:PutObject"]);
    let world = |policy: &str, after: &Value| {
        World::default().role(policy, "shop-dev-eu-west-1-lambdaRole", &before, Some(after))
    };
    let edited = world("shop-dev-lambda", &serverless(&["s3:GetObject"])).edited(&[("serverless.yml", SERVERLESS)]);
    assert_eq!(edited, SERVERLESS.replace("            - s3:PutObject # never\n", ""));
    let older = SERVERLESS.replace("  iam:\n    role:\n      statements:", "  iamRoleStatements:");
    let edited = world("shop-dev-lambda", &serverless(&["s3:GetObject"])).edited(&[("serverless.yml", &older)]);
    assert_eq!(edited, older.replace("            - s3:PutObject # never\n", ""));
    world("other-dev-lambda", &serverless(&["s3:GetObject"])).left(&[("serverless.yml", SERVERLESS)]);
    // What goes from the framework's own statements is no edit of this file.
    let mut own = before.clone();
    own["Statement"][0]["Action"] = json!(["logs:CreateLogStream"]);
    let plan = world("shop-dev-lambda", &own).plan(&[("serverless.yml", SERVERLESS)]);
    assert_eq!(plan.files, []);
    assert!(plan.left[0].why.contains("its framework adds them"), "{plan:#?}");
    let elsewhere = SERVERLESS.replace("        - { Effect", "        - ${file(more.yml)}\n        - { Effect");
    let left = world("shop-dev-lambda", &serverless(&["s3:GetObject"])).left(&[("serverless.yml", &elsewhere)]);
    assert!(left.contains("put together elsewhere"), "{left}");
}

#[test]
fn manifests_and_pulumi_programs_are_edited() {
    let (before, _) = two("arn:aws:s3:::shop-app/*");
    let block = serde_json::to_string_pretty(&before).unwrap().replace('\n', "\n      ");
    let ack = format!(
        "apiVersion: iam.services.k8s.aws/v1alpha1\nkind: Policy\nmetadata:\n  name: shop-app\nspec:\n  policyDocument: |\n      {block}\n"
    );
    let crossplane = format!(
        "apiVersion: iam.aws.upbound.io/v1beta1\nkind: Policy\nmetadata:\n  annotations: {{crossplane.io/external-name: shop-app}}\n  name: other\nspec:\n  forProvider:\n    policy: |\n      {block}\n"
    );
    let pulumi = "name: infra\nruntime: yaml\nresources:\n  shop-app:\n    type: aws:iam:RolePolicy\n    properties:\n      policy:\n        fn::toJSON:\n          Version: 2012-10-17\n          Statement:\n            - {Effect: Allow, Action: ['s3:GetObject', 's3:PutObject'], Resource: '${bucket.arn}/*'}\n";
    for text in [&ack, &crossplane] {
        let edited = world("shop-app", "any").edited(&[("k8s/iam.yaml", text)]);
        let expected = text.replace("\"s3:GetObject\",", "\"s3:GetObject\"");
        let lines = expected
            .split_inclusive('\n')
            .filter(|line| !line.contains("s3:PutObject"));
        assert_eq!(edited, lines.collect::<String>());
    }
    let edited = world("shop-app-1a2b3c4", "any").edited(&[("Pulumi.yaml", pulumi)]);
    assert_eq!(edited, pulumi.replace(", 's3:PutObject'", ""));
    world("another", "any").left(&[("Pulumi.yaml", pulumi)]);
}

#[test]
fn what_the_cdk_writes_is_named_with_its_construct() {
    let (before, _) = two("arn:aws:s3:::shop-app/*");
    let resource = json!({"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": "app", "PolicyDocument": before},
        "Metadata": {"aws:cdk:path": "Shop/Role/DefaultPolicy/Resource"}});
    let text = json!({"Resources": {"App": resource}}).to_string();
    for path in ["cdk.out/Shop.template.json", "templates/shop.json"] {
        let left = world("app", "shop").left(&[(path, &text)]);
        assert!(
            left.contains(&format!("{path}:1 comes nearest, and is not edited: the CDK writes it: change the construct Shop/Role/DefaultPolicy/Resource")),
            "{left}"
        );
    }
    let text = text.replace("aws:cdk:path", "other");
    let left = world("app", "shop").left(&[("cdk.out/tree.json", &text)]);
    assert!(left.contains("change what it is made from"), "{left}");
    assert_eq!(
        world("app", "shop").plan(&[("templates/shop.json", &text)]).files.len(),
        1
    );
}

#[test]
fn templates_and_connectors_of_sam_are_named() {
    let text = "Transform: AWS::Serverless-2016-10-31\nResources:\n  Hello:\n    Type: AWS::Serverless::Function\n    Properties:\n      Policies:\n        - AWSLambdaBasicExecutionRole\n        - S3CrudPolicy: {BucketName: !Ref Bucket}\n        - Version: '2012-10-17'\n          Statement:\n            - {Effect: Allow, Action: ['s3:GetObject', 's3:PutObject'], Resource: !Sub '${Bucket.Arn}/*'}\n  Link:\n    Type: AWS::Serverless::Connector\n    Properties: {Permissions: [Write]}\n";
    // The template's own policy, which says something else.
    let other = |actions: &[&str]| policy(&json!([statement(None, actions, "arn:aws:s3:::b")]));
    let (before, after) = (
        other(&["s3:ListBucket", "s3:PutLifecycleConfiguration"]),
        other(&["s3:ListBucket"]),
    );
    let left = World::default()
        .role("HelloRolePolicy1", "app-HelloRole-1ABC", &before, Some(&after))
        .left(&[("template.yaml", text)]);
    assert!(
        left.contains("template.yaml:8 may be where it comes from, and is not edited: the SAM policy template `S3CrudPolicy` makes it"),
        "{left}"
    );
    let left = World::default()
        .with(
            "app-LinkPolicy-1ABC",
            "arn:aws:iam::111122223333:policy/app-LinkPolicy-1ABC",
            &before,
            Some(&after),
        )
        .left(&[("template.yaml", text)]);
    assert!(
        left.contains("template.yaml:13 may be where it comes from, and is not edited: a SAM connector makes it"),
        "{left}"
    );
    let (before, after) = two("arn:aws:s3:::shop-app/*");
    let edited = World::default()
        .role("HelloRolePolicy2", "app-HelloRole-1ABC", &before, Some(&after))
        .edited(&[("template.yaml", text)]);
    assert_eq!(edited, text.replace(", 's3:PutObject'", ""));
}
