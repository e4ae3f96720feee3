//! How much of what people write can be edited: a corpus of each construct, or any folder (`TRIMTRAIL_REACH=DIR`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::plan::World;
use crate::patch::terraform::{Makes, Name, Project, Source};
use crate::patch::tree::{Document, KEY_SID, Kind, Node, Piece};
use crate::patch::{File, walk};

/// What stands for references.
fn filled(pieces: &[Piece]) -> String {
    let each = pieces.iter().map(|piece| match piece {
        Piece::Literal(text) => text.as_str(),
        Piece::Reference => "filled",
        Piece::Suffix => "20240115093045123400000001",
    });
    each.collect()
}

/// The document as IAM would hold it.
fn rendered(node: &Node) -> Value {
    match &node.kind {
        Kind::Text(pieces) => Value::from(filled(pieces)),
        Kind::Plain(value) => value.clone(),
        Kind::List(elements) => elements.iter().map(rendered).collect(),
        Kind::Map(members) => {
            let written = members.iter().filter(|member| member.name != KEY_SID);
            let members = written.map(|member| match (member.name.as_str(), &member.value.kind) {
                // One that is not written.
                ("Condition", Kind::Unknown) => (member.name.clone(), json!({"Bool": {"aws:SecureTransport": "true"}})),
                _ => (member.name.clone(), rendered(&member.value)),
            });
            Value::Object(members.collect::<Map<_, _>>())
        }
        Kind::Unknown => json!("arn:aws:s3:::filled"),
    }
}

/// The same without one action; `None` where it grants but one, or says who.
fn smaller(policy: &Value) -> Option<Value> {
    let mut after = policy.clone();
    let statement = after.get_mut("Statement")?;
    let mut statements: Vec<&mut Value> = match statement {
        Value::Array(all) => all.iter_mut().collect(),
        one => vec![one],
    };
    if statements.iter().any(|statement| statement.get("Principal").is_some()) {
        return None;
    }
    let allows = |statement: &&mut &mut Value| {
        statement["Effect"] == "Allow" && statement["Action"].as_array().is_some_and(|all| all.len() > 1)
    };
    statements.iter_mut().find(allows)?["Action"].as_array_mut()?.pop();
    Some(after)
}

fn form(path: &Path, document: &Document) -> String {
    let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    format!("{extension} {:?}", document.syntax)
}

/// Every document of some files as the policies that it makes, one action of each without use: form, and what became of it.
fn reach(files: &[File]) -> Vec<(String, String)> {
    let sources: Vec<&Source> = files.iter().filter_map(|file| file.terraform.as_ref()).collect();
    let project = Project::of(&sources, &[]);
    let texts = || {
        files
            .iter()
            .map(|file| (file.path.display().to_string(), file.text.clone()))
            .collect::<Vec<_>>()
    };
    let mut table = Vec::new();
    for file in files {
        for document in &file.documents {
            let form = form(&file.path, document);
            if let Some(why) = &document.left {
                table.push((form, why.clone()));
                continue;
            }
            let before = rendered(&document.root);
            let Some(after) = smaller(&before) else { continue };
            let stands = match &file.terraform {
                Some(_) => project.of_document(&file.path, &document.root.span),
                None => project.of_file(&file.path),
            };
            let mut world = World::default();
            let name = |names: &[Name], or: &str| names.first().map_or_else(|| or.to_owned(), |name| filled(name));
            for made in stands.iter().flat_map(|stands| &stands.made) {
                let (policy, owner) = (name(&made.policy, "some-policy"), name(&made.owner, "some-owner"));
                let path = name(&made.path, "/");
                let arn = match made.makes {
                    Makes::Inline(kind) => format!("arn:aws:iam::111122223333:{kind}{path}{owner}"),
                    Makes::Managed | Makes::PermissionSet | Makes::Elsewhere => {
                        format!("arn:aws:iam::111122223333:policy{path}{policy}")
                    }
                };
                world = world.with(&policy, &arn, &before, Some(&after));
            }
            if stands.is_none() {
                let stem = file.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let policy = document.policy.as_deref().map_or(stem, filled);
                let owner = document
                    .patterns
                    .last()
                    .map_or_else(|| "some-owner".to_owned(), |name| filled(name));
                world = world.role(&policy, &owner, &before, Some(&after));
            }
            let texts = texts();
            let texts: Vec<(&str, &str)> = texts
                .iter()
                .map(|(name, text)| (name.as_str(), text.as_str()))
                .collect();
            let plan = world.plan(&texts);
            let outcome = match (plan.files.first(), plan.left.first()) {
                (Some(_), _) => "edited".to_owned(),
                (None, Some(left)) => left.why.clone(),
                (None, None) => "nothing is made of it".to_owned(),
            };
            table.push((form, outcome));
        }
    }
    table
}

fn print(table: &[(String, String)]) {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for (form, outcome) in table {
        *counts.entry((form, outcome)).or_default() += 1;
    }
    for ((form, outcome), count) in counts {
        println!("{count:5}  {form:20}  {outcome}");
    }
}

const TERRAFORM: &str = r#"
locals {
  prefix = "shop"
  shared = jsonencode({
    Version   = "2012-10-17"
    Statement = { Effect = "Allow", Action = ["sqs:SendMessage", "sqs:DeleteQueue"], Resource = "*" }
  })
}
data "aws_iam_policy_document" "counted" {
  count    = var.create ? 1 : 0
  provider = aws.other
  statement {
    sid       = ""
    actions   = ["s3:GetObject", "s3:GetObject", "s3:PutObject",]
    resources = ["${aws_s3_bucket.b.arn}", "${aws_s3_bucket.b.arn}/*"]
  }
}
resource "aws_iam_policy" "counted" {
  count  = var.create ? 1 : 0
  name   = "${local.prefix}-counted"
  policy = data.aws_iam_policy_document.counted[0].json
}
resource "aws_iam_role_policy" "local" {
  name   = "local"
  role   = aws_iam_role.local.id
  policy = local.shared
}
resource "aws_iam_role" "local" {
  name = format("%s-local", local.prefix)
}
resource "aws_iam_role" "inline" {
  name_prefix = "inline-"
  inline_policy {
    name   = "first"
    policy = jsonencode({ Version = "2012-10-17", Statement = [{ "Effect" : "Allow", "Action" : ["ec2:StartInstances",
      "ec2:StopInstances"], "Resource" : var.instances }] })
  }
}
resource "aws_iam_user_policy" "heredoc" {
  user   = "robot-user"
  name   = "heredoc"
  policy = <<EOF
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:Encrypt"], "Resource": "${var.key}"}]}
EOF
}
resource "aws_iam_group_policy" "file" {
  group  = "readers"
  policy = file("${path.module}/policies/readers.json")
}
resource "aws_iam_policy" "template" {
  name   = "shop-template"
  policy = templatefile("${path.module}/policies/queue.json.tpl", { arn = var.arn })
}
module "worker" {
  source   = "./worker"
  for_each = { "a" = { name = "one" }, "b" = { name = "two" } }
  name     = each.value.name
}
"#;
const WORKER: &str = r#"
variable "name" {}
data "aws_iam_policy_document" "worker" {
  statement {
    actions = [
      "sns:Publish", # always
      "sns:Subscribe"
    ]
    resources = ["*"]
  }
}
resource "aws_iam_policy" "worker" {
  name   = "shop-${var.name}"
  policy = data.aws_iam_policy_document.worker.json
}
"#;
const TEMPLATE: &str = "Resources:\n  AppRole:\n    Type: AWS::IAM::Role\n    Properties:\n      Policies:\n        - PolicyName: app-policy\n          PolicyDocument:\n            Version: '2012-10-17'\n            Statement:\n              - Effect: Allow\n                Action: [ 'dynamodb:GetItem', \"dynamodb:PutItem\" ]\n                Resource:\n                  - !GetAtt Table.Arn\n                  - !Sub '${Table.Arn}/index/*'\n";

#[test]
fn each_construct_is_edited() {
    let one = |actions: &str| {
        format!(
            "{{\"Version\": \"2012-10-17\", \"Statement\": [{{\"Effect\": \"Allow\", \"Action\": {actions}, \"Resource\": \"*\"}}]}}\n"
        )
    };
    let readers = one("[\"s3:GetObject\",\"s3:ListBucket\"]");
    let queue = one("[\"sqs:SendMessage\", \"sqs:ReceiveMessage\"]").replace("\"*\"", "\"${arn}\"");
    let job: Value = serde_json::from_str(&readers.replace("ListBucket", "PutObject")).unwrap();
    let job = json!({"Resources": {"Job": {"Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"ManagedPolicyName": "shop-job-policy", "PolicyDocument": job}}}})
    .to_string();
    let windows = TEMPLATE
        .replace("app-policy", "other-policy")
        .replace("dynamodb", "kinesis")
        .replace('\n', "\r\n");
    let backup = one("[\"rds:CreateDBSnapshot\", \"rds:DeleteDBSnapshot\"]");
    let marked = format!("\u{feff}{}", one("[\"ssm:GetParameter\", \"ssm:PutParameter\"]"));
    let texts = [
        ("main.tf", TERRAFORM),
        ("worker/main.tf", WORKER),
        ("policies/readers.json", &readers),
        ("policies/queue.json.tpl", &queue),
        ("alone/ledger-policy.json", &backup),
        ("shop.yaml", TEMPLATE),
        ("other.template", &windows),
        ("job.json", &job),
        ("marked/marked-policy.json", &marked),
    ];
    let files: Vec<File> = texts
        .iter()
        .filter_map(|(path, text)| File::of(PathBuf::from(path), (*text).to_owned()))
        .collect();
    let table = reach(&files);
    print(&table);
    let left: Vec<_> = table.iter().filter(|(_, outcome)| outcome != "edited").collect();
    assert_eq!((table.len(), left.as_slice()), (12, &[][..]), "{table:#?}");
}

#[test]
fn any_folder_can_be_tried() {
    let Some(dir) = std::env::var_os("TRIMTRAIL_REACH") else {
        println!("skipped: TRIMTRAIL_REACH names no folder");
        return;
    };
    let mut files = Vec::new();
    walk(Path::new(&dir), 0, &mut |path, text| files.extend(File::of(path, text))).unwrap();
    print(&reach(&files));
}
