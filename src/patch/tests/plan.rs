//! Which file is edited for which policies, and what is left.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{JSON, allow, json_before, policy};
use crate::iam::PolicyText;
use crate::patch::{Answer, Error, Options, Plan, State, documents, plan, plan_texts, write};
use crate::report::{LivePolicy, Suggestion};
use crate::verify::{self, Verified};

/// A folder with files, gone with the test.
struct Folder(std::path::PathBuf);

impl Folder {
    fn with(name: &str, files: &[(&str, &str)]) -> Folder {
        let path = std::env::temp_dir().join(format!("trimtrail-patch-{}-{name}", std::process::id()));
        for (name, text) in files {
            let file = path.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Policies of an account with what may go from each.
#[derive(Default)]
pub(super) struct World {
    policies: Vec<LivePolicy>,
    documents: BTreeMap<String, PolicyText>,
    suggestions: Vec<Verified<Suggestion>>,
}

fn digest(text: &PolicyText) -> String {
    let digest = Sha256::digest(text.as_str().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl World {
    /// A policy of which all that `after` lacks may go; `None` where nothing may.
    pub(super) fn with(mut self, policy: &str, arn: &str, before: &Value, after: Option<&Value>) -> World {
        let before = PolicyText::from(before);
        let sha256 = digest(&before);
        let kind = if arn.contains(":policy/") { "managed" } else { "inline" };
        self.documents.insert(sha256.clone(), before.clone());
        self.policies.push(LivePolicy {
            policy: policy.to_owned(),
            policy_arn: arn.to_owned(),
            kind: kind.to_owned(),
            owners: vec![arn.to_owned()],
            sha256: sha256.clone(),
            tags: BTreeMap::new(),
            why_not: after.is_none().then(|| "all of it is used".to_owned()),
        });
        if let Some(after) = after {
            let after = PolicyText::from(after);
            let suggestion = Suggestion {
                id: format!("{arn} {policy}"),
                policy: policy.to_owned(),
                policy_arn: arn.to_owned(),
                kind: kind.to_owned(),
                step: "actions".to_owned(),
                change: match after.value()["Statement"].as_array().is_some_and(Vec::is_empty) {
                    true => "delete".to_owned(),
                    false => "replace".to_owned(),
                },
                before_sha256: sha256,
                expires: "2026-12-01T00:00:00Z".to_owned(),
                ..Suggestion::default()
            };
            self.suggestions.push(verify::again(before, after, suggestion).unwrap());
        }
        self
    }

    /// A managed policy of which none of its owners needs anything.
    pub(super) fn detached(mut self, arn: &str, before: &Value, owners: &[&str]) -> World {
        let (before, after) = (PolicyText::from(before), PolicyText::from(&policy(&json!([]))));
        let kind = if arn.contains("::aws:") {
            "aws_managed"
        } else {
            "managed"
        };
        let name = arn.rsplit('/').next().unwrap();
        let owners: Vec<String> = owners.iter().map(|owner| (*owner).to_owned()).collect();
        self.documents.insert(digest(&before), before.clone());
        self.policies.push(LivePolicy {
            policy: name.to_owned(),
            policy_arn: arn.to_owned(),
            kind: kind.to_owned(),
            owners: owners.clone(),
            sha256: digest(&before),
            tags: BTreeMap::new(),
            why_not: None,
        });
        let suggestion = Suggestion {
            id: format!("{arn} detached"),
            policy: name.to_owned(),
            policy_arn: arn.to_owned(),
            kind: kind.to_owned(),
            step: "actions".to_owned(),
            change: "detach".to_owned(),
            before_sha256: digest(&before),
            expires: "2026-12-01T00:00:00Z".to_owned(),
            affects: owners,
            ..Suggestion::default()
        };
        self.suggestions.push(verify::again(before, after, suggestion).unwrap());
        self
    }

    /// The last one of an owner with these tags.
    pub(super) fn tagged(mut self, tags: &[(&str, &str)]) -> World {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        self.policies.last_mut().unwrap().tags = tags.collect();
        self
    }

    /// The same of a role in one account.
    pub(super) fn role(self, policy: &str, role: &str, before: &Value, after: Option<&Value>) -> World {
        self.with(policy, &format!("arn:aws:iam::111122223333:role/{role}"), before, after)
    }

    fn answer(&self) -> Answer<'_> {
        Answer {
            policies: &self.policies,
            documents: &self.documents,
            suggestions: &self.suggestions,
        }
    }

    pub(super) fn plan(&self, files: &[(&str, &str)]) -> Plan {
        self.plan_with(files, &[])
    }

    pub(super) fn plan_with(&self, files: &[(&str, &str)], states: &[State]) -> Plan {
        let texts = files
            .iter()
            .map(|(name, text)| (PathBuf::from(name), (*text).to_owned()));
        let options = Options {
            states,
            ..Options::default()
        };
        plan_texts(self.answer(), options, texts.collect())
    }

    /// The one file that is edited.
    #[track_caller]
    pub(super) fn edited(&self, files: &[(&str, &str)]) -> String {
        let plan = self.plan(files);
        assert_eq!((plan.files.len(), &plan.left[..]), (1, &[][..]), "{plan:#?}");
        plan.files[0].after.clone()
    }

    /// Why nothing is edited.
    #[track_caller]
    pub(super) fn left(&self, files: &[(&str, &str)]) -> String {
        let plan = self.plan(files);
        assert_eq!(plan.files, []);
        let all: Vec<String> = plan
            .left
            .into_iter()
            .map(|left| format!("{}: {}", left.policy, left.why))
            .collect();
        all.join("\n")
    }
}

fn one() -> World {
    let after = policy(&json!([allow(&json!("s3:*"))]));
    World::default().role("checkout", "ci", &json_before(), Some(&after))
}

/// What a plan says of one suggestion over some files: the files edited, then why it was left.
fn planned(name: &str, files: &[(&str, &str)], now: i64) -> (Vec<String>, Vec<String>) {
    let folder = Folder::with(name, files);
    let world = one();
    let options = Options {
        now: Some(now),
        ..Options::default()
    };
    let plan = plan(world.answer(), options, &folder.0).unwrap();
    write(&plan).unwrap();
    for file in &plan.files {
        assert_eq!(std::fs::read_to_string(&file.path).unwrap(), file.after);
    }
    (
        plan.files
            .iter()
            .map(|file| file.path.strip_prefix(&folder.0).unwrap().display().to_string())
            .collect(),
        plan.left.into_iter().map(|left| left.why).collect(),
    )
}

#[test]
fn the_file_that_says_what_the_policy_says_and_has_its_name_is_edited() {
    let files = [
        ("iam/checkout.json", JSON),
        ("iam/x.original.json", JSON),
        ("iam/y.json", "{}"),
        (".git/z.json", JSON),
    ];
    assert_eq!(
        planned("one", &files, 0),
        (vec!["iam/checkout.json".to_owned()], vec![])
    );
}

#[test]
fn of_two_documents_the_one_with_the_name_is_edited() {
    let files = [("a/other.json", JSON), ("a/checkout.json", JSON)];
    assert_eq!(planned("named", &files, 0).0, ["a/checkout.json"]);
}

#[test]
fn of_two_documents_with_the_name_none_is_edited() {
    let (edited, why) = planned("twins", &[("dev/checkout.json", JSON), ("prod/checkout.json", JSON)], 0);
    assert!(
        edited.is_empty() && why[0].starts_with("several documents say what it says"),
        "{why:?}"
    );
}

#[test]
fn what_it_says_alone_edits_nothing_and_names_the_place() {
    let (edited, why) = planned("strange", &[("iam/x.json", JSON)], 0);
    assert!(
        edited.is_empty()
            && why[0].starts_with("nothing tells that it was made of what says the same")
            && why[0].contains("x.json:1"),
        "{why:?}"
    );
}

#[test]
fn an_expired_suggestion_is_left() {
    let (edited, why) = planned("late", &[("checkout.json", JSON)], 1_900_000_000);
    assert!(edited.is_empty() && why[0].contains("expired"), "{why:?}");
}

#[test]
fn nothing_found_is_said() {
    assert_eq!(
        planned("none", &[("checkout.json", "{}")], 0).1,
        ["no document under the folder says what this policy says"]
    );
}

#[test]
fn the_nearest_is_named_where_none_says_the_same() {
    let other = JSON.replace("ec2:StopInstances", "ec2:RebootInstances");
    assert_eq!(planned("near", &[("checkout.json", &other)], 0).1.len(), 1);
    assert!(planned("near2", &[("checkout.json", &other)], 0).1[0].ends_with("checkout.json:1 comes nearest"));
}

#[test]
fn a_document_that_was_edited_in_the_result_is_refused() {
    let mut world = one();
    world.suggestions = world
        .suggestions
        .into_iter()
        .map(|one| {
            let beside = Suggestion {
                before_sha256: "00".to_owned(),
                ..Suggestion::clone(&one)
            };
            one.with(beside)
        })
        .collect();
    assert!(world.left(&[("checkout.json", JSON)]).contains("analyze again"));
}

#[test]
fn a_file_that_changed_meanwhile_is_not_overwritten() {
    let folder = Folder::with("race", &[("checkout.json", JSON)]);
    let world = one();
    let plan = plan(world.answer(), Options::default(), &folder.0).unwrap();
    std::fs::write(folder.0.join("checkout.json"), "{}").unwrap();
    assert!(matches!(write(&plan), Err(Error::Changed(_))));
}

const WORKERS: &str = r#"data "aws_iam_policy_document" "worker" {
  statement {
    actions   = ["ec2:DescribeVpcs", "ec2:DescribeSubnets"]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "worker" {
  for_each = toset(["worker-a", "worker-b"])
  name     = "${each.key}-p"
  role     = each.key
  policy   = data.aws_iam_policy_document.worker.json
}
"#;

fn both() -> Value {
    policy(&json!([allow(&json!(["ec2:DescribeVpcs", "ec2:DescribeSubnets"]))]))
}

pub(super) fn only(action: &str) -> Value {
    policy(&json!([allow(&json!([action]))]))
}

#[test]
fn what_one_of_two_workers_uses_stays_for_both() {
    let world = World::default().role("worker-a-p", "worker-a", &both(), None).role(
        "worker-b-p",
        "worker-b",
        &both(),
        Some(&only("ec2:DescribeVpcs")),
    );
    let why = world.left(&[("main.tf", WORKERS)]);
    assert!(
        why.contains("main.tf:1 stands for worker-a-p of role/worker-a too, of which nothing may go"),
        "{why}"
    );
}

#[test]
fn what_neither_of_two_workers_uses_goes_from_both() {
    let world = World::default()
        .role("worker-a-p", "worker-a", &both(), Some(&only("ec2:DescribeVpcs")))
        .role("worker-b-p", "worker-b", &both(), Some(&only("ec2:DescribeVpcs")));
    let plan = world.plan(&[("main.tf", WORKERS)]);
    let expected = WORKERS.replace(", \"ec2:DescribeSubnets\"", "");
    assert_eq!(plan.files[0].after, expected);
    assert_eq!(plan.files[0].policies.len(), 2);
}

#[test]
fn two_workers_that_use_different_actions_lose_nothing() {
    let world = World::default()
        .role("worker-a-p", "worker-a", &both(), Some(&only("ec2:DescribeVpcs")))
        .role("worker-b-p", "worker-b", &both(), Some(&only("ec2:DescribeSubnets")));
    let why = world.left(&[("main.tf", WORKERS)]);
    assert!(why.contains("what one of them may lose another needs"), "{why}");
}

#[test]
fn a_worker_that_is_in_no_grants_keeps_all() {
    let world = World::default().role("worker-a-p", "worker-a", &both(), Some(&only("ec2:DescribeVpcs")));
    let why = world.left(&[("main.tf", WORKERS)]);
    assert!(
        why.contains(
            "aws_iam_role_policy.worker[\"worker-b\"] (main.tf:8) is made of it too, and is not in the grants"
        ),
        "{why}"
    );
}

#[test]
fn keys_that_are_not_written_keep_all_until_a_state_tells_them() {
    let text = WORKERS
        .replace("toset([\"worker-a\", \"worker-b\"])", "var.workers")
        .replace("-p\"", "-invoices\"");
    let world = World::default().role(
        "worker-a-invoices",
        "worker-a",
        &both(),
        Some(&only("ec2:DescribeVpcs")),
    );
    let files = [("main.tf", text.as_str())];
    let why = world.left(&files);
    assert!(
        why.contains("how many there are of aws_iam_role_policy.worker is not written (for_each)"),
        "{why}"
    );
    let state = |keys: &[&str]| {
        let resources: Vec<Value> = keys
            .iter()
            .map(|key| {
                json!({"address": format!("aws_iam_role_policy.worker[\"{key}\"]"), "mode": "managed",
                    "values": {"name": format!("{key}-invoices"), "role": key}})
            })
            .collect();
        let text = json!({"format_version": "1.0", "values": {"root_module": {"resources": resources}}}).to_string();
        State::parse(&text).unwrap()
    };
    let plan = world.plan_with(&files, &[state(&["worker-a"])]);
    assert!(plan.files[0].policies[0].contains("the state's aws_iam_role_policy.worker[\"worker-a\"]"));
    let plan = world.plan_with(&files, &[state(&["worker-a", "worker-b"])]);
    assert!(
        plan.files.is_empty() && plan.left[0].why.contains("worker-b"),
        "{:?}",
        plan.left
    );
}

#[test]
fn a_strangers_document_with_the_same_words_is_not_edited() {
    let text = "variable \"resource_arn\" { type = string }\n\ndata \"aws_iam_policy_document\" \"unrelated\" {\n  statement {\n    actions   = [\"ec2:DescribeVpcs\", \"ec2:DescribeSubnets\"]\n    resources = [var.resource_arn]\n  }\n}\n";
    let world = World::default().role("p", "console-made", &both(), Some(&only("ec2:DescribeVpcs")));
    world.left(&[("main.tf", text)]);
    let used = format!(
        "{text}\nresource \"aws_iam_role_policy\" \"other\" {{\n  name   = var.name\n  role   = var.role\n  policy = data.aws_iam_policy_document.unrelated.json\n}}\n"
    );
    assert!(
        world
            .left(&[("main.tf", &used)])
            .contains("nothing tells that it was made of what says the same: main.tf:3")
    );
}

#[test]
fn a_module_that_is_called_twice_stands_for_two() {
    let module = "variable \"env\" {}\n\nresource \"aws_iam_policy\" \"app\" {\n  name = \"${var.env}-shop\"\n  policy = jsonencode({\n    Version = \"2012-10-17\"\n    Statement = [{ Effect = \"Allow\", Action = [\"ec2:DescribeVpcs\", \"ec2:DescribeSubnets\"], Resource = \"*\" }]\n  })\n}\n";
    let root = "module \"dev\" {\n  source = \"./modules/app\"\n  env    = \"dev\"\n}\n\nmodule \"prod\" {\n  source = \"./modules/app\"\n  env    = \"prod\"\n}\n";
    let files = [("main.tf", root), ("modules/app/main.tf", module)];
    let arn = |env: &str| format!("arn:aws:iam::111122223333:policy/{env}-shop");
    let dev = World::default().with("dev-shop", &arn("dev"), &both(), Some(&only("ec2:DescribeVpcs")));
    assert!(dev.left(&files).contains("module.prod.aws_iam_policy.app"));
    let used = World::default()
        .with("dev-shop", &arn("dev"), &both(), Some(&only("ec2:DescribeVpcs")))
        .with("prod-shop", &arn("prod"), &both(), None);
    assert!(
        used.left(&files)
            .contains("policy/prod-shop too, of which nothing may go")
    );
    let neither = World::default()
        .with("dev-shop", &arn("dev"), &both(), Some(&only("ec2:DescribeVpcs")))
        .with("prod-shop", &arn("prod"), &both(), Some(&only("ec2:DescribeVpcs")));
    assert_eq!(
        neither.plan(&files).files[0].after,
        module.replace(", \"ec2:DescribeSubnets\"", "")
    );
    assert!(
        dev.left(&[files[1]])
            .contains("nothing under the folder calls the module modules/app"),
        "{}",
        dev.left(&[files[1]])
    );
}

#[test]
fn a_local_that_two_roles_share_stands_for_both() {
    let text = "locals {\n  policy = jsonencode({\n    Version = \"2012-10-17\"\n    Statement = [{ Effect = \"Allow\", Action = [\"ec2:DescribeVpcs\", \"ec2:DescribeSubnets\"], Resource = \"*\" }]\n  })\n}\n\nresource \"aws_iam_role\" \"a\" {\n  name = \"first\"\n  inline_policy {\n    name   = \"vpc\"\n    policy = local.policy\n  }\n}\n\nresource \"aws_iam_role_policy\" \"b\" {\n  name   = \"vpc\"\n  role   = aws_iam_role.b.id\n  policy = local.policy\n}\n\nresource \"aws_iam_role\" \"b\" {\n  name = \"second\"\n}\n";
    let files = [("main.tf", text)];
    let may = only("ec2:DescribeVpcs");
    let used = World::default()
        .role("vpc", "first", &both(), Some(&may))
        .role("vpc", "second", &both(), None);
    assert!(
        used.left(&files).contains("stands for vpc of role/second too"),
        "{}",
        used.left(&files)
    );
    let neither = World::default()
        .role("vpc", "first", &both(), Some(&may))
        .role("vpc", "second", &both(), Some(&may));
    assert_eq!(
        neither.plan(&files).files[0].after,
        text.replace(", \"ec2:DescribeSubnets\"", "")
    );
}

#[test]
fn a_name_with_an_open_part_is_a_witness() {
    let text = WORKERS
        .replace("  for_each = toset([\"worker-a\", \"worker-b\"])\n", "")
        .replace("each.key", "var.env");
    let text = text.replace("role     = var.env", "role     = var.role");
    let may = only("ec2:DescribeVpcs");
    let of = |name: &str| World::default().role(name, "anything", &both(), Some(&may));
    // One letter tells nothing.
    of("dev-p").left(&[("main.tf", &text)]);
    // Nor does a word that many are called.
    let common = text.replace("-p\"", "-worker\"");
    of("dev-worker").left(&[("main.tf", &common)]);
    let text = text.replace("-p\"", "-invoices\"");
    assert_eq!(of("dev-invoices").plan(&[("main.tf", &text)]).files.len(), 1);
    assert!(
        of("dev-waiter")
            .left(&[("main.tf", &text)])
            .contains("no document under the folder")
    );
}

#[test]
fn an_empty_sid_is_no_sid() {
    let mut before = both();
    before["Statement"][0]["Sid"] = json!("");
    let mut after = only("ec2:DescribeVpcs");
    after["Statement"][0]["Sid"] = json!("");
    let world = World::default()
        .role("worker-a-p", "worker-a", &before, Some(&after))
        .role("worker-b-p", "worker-b", &both(), Some(&only("ec2:DescribeVpcs")));
    assert_eq!(world.plan(&[("main.tf", WORKERS)]).files.len(), 1);
}

#[test]
fn a_json_file_that_terraform_reads_twice_stands_for_both() {
    let json = both().to_string();
    let text = "resource \"aws_iam_role_policy\" \"a\" {\n  name   = \"one\"\n  role   = \"first\"\n  policy = file(\"${path.module}/vpc.json\")\n}\n\nresource \"aws_iam_role_policy\" \"b\" {\n  name   = \"two\"\n  role   = \"second\"\n  policy = file(\"vpc.json\")\n}\n";
    let files = [("main.tf", text), ("vpc.json", json.as_str())];
    let may = only("ec2:DescribeVpcs");
    let first = World::default().role("one", "first", &both(), Some(&may));
    assert!(
        first.left(&files).contains("aws_iam_role_policy.b"),
        "{}",
        first.left(&files)
    );
    let two = first.role("two", "second", &both(), Some(&may));
    assert_eq!(two.plan(&files).files[0].path, PathBuf::from("vpc.json"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Policies of one source, each using some of its actions: none loses one that it uses, and what nobody uses goes.
    #[test]
    fn no_policy_of_a_source_loses_what_it_uses(
        used in prop::collection::vec(prop::collection::vec(any::<bool>(), 5), 1..5),
        silent in prop::option::of(0_usize..5),
    ) {
        let actions = ["ec2:DescribeVpcs", "ec2:DescribeSubnets", "s3:ListAllMyBuckets", "sqs:ListQueues", "sns:ListTopics"];
        let before = policy(&json!([allow(&json!(actions))]));
        let keys: Vec<String> = (0..used.len()).map(|at| format!("\"worker-{at}\"")).collect();
        let text = WORKERS
            .replace("\"worker-a\", \"worker-b\"", &keys.join(", "))
            .replace("[\"ec2:DescribeVpcs\", \"ec2:DescribeSubnets\"]", &json!(actions).to_string());
        let mut world = World::default();
        for (at, used) in used.iter().enumerate() {
            let stays: Vec<&str> = actions.iter().zip(used).filter(|(_, used)| **used).map(|(action, _)| *action).collect();
            let after = policy(&json!([allow(&json!(stays))]));
            let may = (silent != Some(at) && !stays.is_empty() && stays.len() < actions.len()).then_some(&after);
            world = world.role(&format!("worker-{at}-p"), &format!("worker-{at}"), &before, may);
        }
        let plan = world.plan(&[("main.tf", &text)]);
        let now = plan.files.first().map_or(text.as_str(), |file| file.after.as_str());
        let written = &documents(std::path::Path::new("main.tf"), now, None)[0];
        let statement = &written.root.member("Statement").unwrap().value.elements()[0];
        let left: Vec<String> = statement.member("Action").unwrap().value.elements().iter().filter_map(|node| node.literal()).collect();
        for (at, action) in actions.iter().enumerate() {
            // A policy without a suggestion uses all of it, and so does one whose every action is in use or none.
            let uses = |(index, used): (usize, &Vec<bool>)| {
                silent == Some(index) || used[at] || used.iter().all(|used| *used) || used.iter().all(|used| !*used)
            };
            prop_assert_eq!(left.contains(&(*action).to_owned()), used.iter().enumerate().any(uses), "{}", action);
        }
    }
}
