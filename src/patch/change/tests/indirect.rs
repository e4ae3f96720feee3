//! A policy that is widened by something other than its own text is found, or cannot be judged: it is never "no wider".

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::{Asked, Change, of_files, of_git, said};

/// A repository of one commit, gone with the test.
struct Repository(PathBuf);

impl Repository {
    fn with(name: &str, files: &[(&str, &str)]) -> Repository {
        let path = std::env::temp_dir().join(format!("trimtrail-indirect-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        let repository = Repository(path);
        files
            .iter()
            .for_each(|(name, text)| repository.put(name, text.as_bytes()));
        repository.git(&["init", "--quiet"]);
        repository.git(&["add", "--all", "--force"]);
        let who = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
        repository.git(&[&who[..], &["commit", "--quiet", "--no-verify", "--message", "base"]].concat());
        repository
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn git(&self, arguments: &[&str]) {
        let done = Command::new("git")
            .arg("-C")
            .arg(&self.0)
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{arguments:?}: {done:?}");
    }

    fn change(&self, folder: &str) -> Change {
        let (before, after) = of_git(&self.0.join(folder), "HEAD").unwrap();
        of_files(&before, &after, Asked::default())
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The folder that is asked about, the files, which of them changes, and how.
type Case<'c> = (&'c str, &'c [(&'c str, &'c str)], &'c str, (&'c str, &'c str));

#[track_caller]
fn found((folder, files, file, (from, to)): Case<'_>) {
    let name = file.replace('/', "-");
    let line = std::panic::Location::caller().line();
    let repository = Repository::with(&format!("{line}-{name}"), files);
    assert_eq!(said(&repository.change(folder)), Vec::<String>::new(), "as it is");
    let (_, text) = files.iter().find(|(name, _)| *name == file).unwrap();
    assert!(text.contains(from));
    repository.put(file, text.replace(from, to).as_bytes());
    let said = said(&repository.change(folder));
    assert!(!said.is_empty(), "{file}: {from} becomes {to}");
}

const WIDER: (&str, &str) = ("s3:GetObject", "s3:*");
const JSON: &str =
    r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*"}]}"#;
const BY_VARIABLE: &str = r#"
variable "actions" {}
data "aws_iam_policy_document" "d" {
  statement {
    actions   = var.actions
    resources = ["*"]
  }
}
resource "aws_iam_policy" "p" {
  policy = data.aws_iam_policy_document.d.json
}
"#;

fn policy(expression: &str) -> String {
    format!("resource \"aws_iam_policy\" \"p\" {{\n  name   = \"p\"\n  policy = {expression}\n}}\n")
}

#[test]
fn through_files_of_any_name_and_place_that_terraform_reads() {
    for (expression, file) in [
        ("file(\"t.policy\")", "t.policy"),
        ("templatefile(\"${path.module}/t.txt\", { a = 1 })", "t.txt"),
        ("base64decode(filebase64(\"t.bin\"))", "t.bin"),
        ("file(\".iam/t.json\")", ".iam/t.json"),
        ("file(\"${path.module}/vendor/t.json\")", "vendor/t.json"),
        ("file(local.name)", "t.iam"),
        (
            "join(\"\", [for name in fileset(\"${path.module}/all\", \"*.iam\") : file(\"all/${name}\")])",
            "all/a.iam",
        ),
    ] {
        let main = policy(expression) + "locals {\n  name = \"t.iam\"\n}\n";
        found(("", &[("main.tf", &main), (file, JSON)], file, WIDER));
    }
    let main = policy("file(\"../shared/t.iam\")");
    found((
        "app",
        &[("app/main.tf", &main), ("shared/t.iam", JSON)],
        "shared/t.iam",
        WIDER,
    ));
    let csv = "resource \"aws_iam_role_policy\" \"p\" {\n  for_each = { for one in csvdecode(file(\"r.csv\")) : one.name => one }\n  role     = each.key\n  policy   = jsonencode({ Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Action = each.value.action, Resource = \"*\" }] })\n}\n";
    found((
        "",
        &[("main.tf", csv), ("r.csv", "name,action\napp,s3:GetObject\n")],
        "r.csv",
        WIDER,
    ));
}

#[test]
fn through_values_that_are_given_from_outside() {
    let given = "actions = [\"s3:GetObject\"]\n";
    for file in ["prod.tfvars", "env/prod.tfvars", ".env/prod.tfvars", "vendor/x.tfvars"] {
        found(("", &[("main.tf", BY_VARIABLE), (file, given)], file, WIDER));
    }
    let json = "{\"actions\": [\"s3:GetObject\"]}";
    found((
        "",
        &[("main.tf", BY_VARIABLE), ("x.auto.tfvars.json", json)],
        "x.auto.tfvars.json",
        WIDER,
    ));
    let hcl = "terraform {\n  source = \"./m\"\n}\ninputs = {\n  actions = [\"s3:GetObject\"]\n}\n";
    found((
        "",
        &[("m/main.tf", BY_VARIABLE), ("terragrunt.hcl", hcl)],
        "terragrunt.hcl",
        WIDER,
    ));
    let parent = "locals {\n  actions = [\"s3:GetObject\"]\n}\n";
    let child = "include \"root\" {\n  path = find_in_parent_folders()\n}\ninputs = merge(local.common, {})\n";
    let files = [
        ("m/main.tf", BY_VARIABLE),
        ("live/root.hcl", parent),
        ("live/dev/terragrunt.hcl", child),
    ];
    found(("", &files, "live/root.hcl", WIDER));
    let parameters = "[{\"ParameterKey\": \"A\", \"ParameterValue\": \"s3:GetObject\"}]";
    let template = "Parameters:\n  A: {Type: String}\nResources:\n  P:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      PolicyDocument:\n        Version: \"2012-10-17\"\n        Statement:\n          - {Effect: Allow, Action: !Ref A, Resource: \"*\"}\n";
    found((
        "",
        &[("t.yaml", template), ("prod.json", parameters)],
        "prod.json",
        WIDER,
    ));
}

#[test]
fn through_modules() {
    let main =
        BY_VARIABLE.replace("var.actions", "module.m.actions") + "module \"m\" {\n  source = \"./vendor/m\"\n}\n";
    let output = "output \"actions\" {\n  value = [\"s3:GetObject\"]\n}\n";
    found((
        "",
        &[("main.tf", &main), ("vendor/m/main.tf", output)],
        "vendor/m/main.tf",
        WIDER,
    ));
    let through = "module \"n\" {\n  source = \"../n\"\n}\noutput \"actions\" {\n  value = module.n.actions\n}\n";
    let files = [
        ("main.tf", main.as_str()),
        ("vendor/m/main.tf", through),
        ("vendor/n/main.tf", output),
    ];
    found(("", &files, "vendor/n/main.tf", WIDER));
    let remote =
        "module \"x\" {\n  source  = \"example.com/iam-role/aws\"\n  version = \"5.0.0\"\n  access  = \"read\"\n}\n";
    found(("", &[("main.tf", remote)], "main.tf", ("5.0.0", "6.0.0")));
    found(("", &[("main.tf", remote)], "main.tf", ("read", "admin")));
}

#[test]
fn through_files_of_the_other_language() {
    let json = r#"{"data": {"aws_iam_policy_document": {"d": {"statement": [{"actions": "${local.a}", "resources": ["*"]}]}}}}"#;
    let local = "locals {\n  a = [\"s3:GetObject\"]\n}\n";
    found(("", &[("m.tf.json", json), ("l.tf", local)], "l.tf", WIDER));
    let main = BY_VARIABLE.replace("var.actions", "local.a");
    found((
        "",
        &[
            ("main.tf", &main),
            ("l.tf.json", "{\"locals\": {\"a\": [\"s3:GetObject\"]}}"),
        ],
        "l.tf.json",
        WIDER,
    ));
    let tofu = BY_VARIABLE.replace("var.actions", "[\"s3:GetObject\"]");
    found(("", &[("main.tofu", &tofu)], "main.tofu", WIDER));
}

#[test]
fn by_a_function_around_it_or_a_choice() {
    let encoded = r#"jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "*" }] })"#;
    let replaced = policy(&format!("replace({encoded}, \"none\", \"x\")"));
    found((
        "",
        &[("main.tf", &replaced)],
        "main.tf",
        ("\"none\", \"x\"", "\"s3:GetObject\", \"*\""),
    ));
    let plain = policy(encoded);
    found((
        "",
        &[("main.tf", &plain)],
        "main.tf",
        (encoded, &format!("replace({encoded}, \"s3:GetObject\", \"*\")")),
    ));
    let chosen = policy(&format!(
        "var.admin ? {} : {encoded}",
        encoded.replace("s3:GetObject", "*")
    )) + "variable \"admin\" {\n  default = false\n}\n";
    found((
        "",
        &[("main.tf", &chosen)],
        "main.tf",
        ("default = false", "default = true"),
    ));
}

#[test]
fn by_what_lets_somebody_in_without_a_document() {
    for (kind, body, change) in [
        (
            "aws_lambda_permission",
            "function_name = \"f\"\n  principal = \"s3.amazonaws.com\"\n  source_account = \"1\"",
            ("\n  source_account = \"1\"", ""),
        ),
        (
            "aws_eks_access_entry",
            "principal_arn = \"a\"\n  kubernetes_groups = [\"viewers\"]",
            ("viewers", "system:masters"),
        ),
        (
            "aws_eks_access_policy_association",
            "policy_arn = \"p\"\n  principal_arn = \"role/x\"",
            ("role/x", "role/y"),
        ),
        ("aws_kms_grant", "operations = [\"Encrypt\"]", ("Encrypt", "Decrypt")),
        (
            "aws_s3_bucket_public_access_block",
            "block_public_policy = true",
            ("true", "false"),
        ),
        (
            "aws_ssoadmin_account_assignment",
            "principal_id = \"u\"",
            ("\"u\"", "\"v\""),
        ),
        ("aws_iam_instance_profile", "role = \"app\"", ("app", "admin")),
    ] {
        let text = format!("resource \"{kind}\" \"x\" {{\n  {body}\n}}\n");
        found(("", &[("main.tf", &text)], "main.tf", change));
    }
    let permission =
        "Resources:\n  P:\n    Type: AWS::Lambda::Permission\n    Properties:\n      Principal: s3.amazonaws.com\n";
    found(("", &[("t.yaml", permission)], "t.yaml", ("s3.amazonaws.com", "\"*\"")));
    let serverless = "service: x\nprovider:\n  iam:\n    role:\n      statements:\n        - Effect: Allow\n          Action: [s3:GetObject]\n          Resource: \"*\"\n";
    found(("", &[("serverless.yml", serverless)], "serverless.yml", WIDER));
}

#[test]
fn by_a_file_that_cannot_be_read() {
    let wide = JSON.replace("s3:GetObject", "*");
    let repository = Repository::with("unread", &[("a.json", JSON)]);
    let check = |expected: &str| {
        let said = said(&repository.change(""));
        assert!(
            said.iter().any(|line| line.contains(expected)),
            "{said:?} says nothing of {expected}"
        );
    };
    repository.put("a.json", format!("{}{wide}", " ".repeat(9 << 20)).as_bytes());
    check("it is larger than 8 MiB");
    repository.put("a.json", &[wide.as_bytes(), b"\xff"].concat());
    check("it is no UTF-8");
    #[cfg(unix)]
    {
        repository.put("wide.txt", wide.as_bytes());
        fs::remove_file(repository.0.join("a.json")).unwrap();
        std::os::unix::fs::symlink("wide.txt", repository.0.join("a.json")).unwrap();
        check("it is a link");
    }
}

#[test]
fn what_nobody_touched_is_not_told_where_it_cannot_be_read() {
    let repository = Repository::with("same", &[("a.json", JSON), ("big.json", &" ".repeat(9 << 20))]);
    repository.put("b.json", b"\xff");
    repository.git(&["add", "--all"]);
    let who = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
    repository.git(&[&who[..], &["commit", "--quiet", "--message", "more"]].concat());
    assert_eq!(said(&repository.change("")), Vec::<String>::new());
}

#[test]
fn a_document_elsewhere_may_say_less() {
    let two = JSON.replace("[\"s3:GetObject\"]", "[\"s3:GetObject\", \"s3:PutObject\"]");
    let encoded = "jsonencode({ Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Action = [\"s3:GetObject\", \"s3:PutObject\"], Resource = \"*\" }] })";
    for (at, (expression, file)) in [
        ("file(\"t.json\")", "t.json"),
        (
            "templatefile(\"${path.module}/t.json.tftpl\", { a = var.a })",
            "t.json.tftpl",
        ),
        ("file(\"t.policy\")", "t.policy"),
        ("local.policy", "main.tf"),
        ("local.file", "t.json"),
    ]
    .into_iter()
    .enumerate()
    {
        let main = policy(expression) + &format!("locals {{\n  file   = file(\"t.json\")\n  policy = {encoded}\n}}\n");
        let files: Vec<(&str, &str)> = match file {
            "main.tf" => vec![("main.tf", &main)],
            file => vec![("main.tf", &main), (file, &two)],
        };
        let repository = Repository::with(&format!("less-{at}"), &files);
        let (_, text) = files.iter().find(|(name, _)| *name == file).unwrap();
        let less = text.replace(", \"s3:PutObject\"", "");
        assert_ne!(*text, less);
        repository.put(file, less.as_bytes());
        let change = repository.change("");
        assert_eq!((said(&change), change.touched.len()), (Vec::new(), 1), "{expression}");
    }
}
