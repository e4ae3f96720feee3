//! Pull requests from end to end: `templates/trimtrail/pull-requests.sh` with a bare remote and a fake of the forge's API.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use serde_json::{Value, json};

use crate::http::serve;
use crate::patching::{ACTIONS, Team};
use forge::Forge;

mod forge;

const TOKEN: &str = "a-secret-token";

/// A module, and those that call it.
const WORKER: &str = r#"variable "name" {}

data "aws_iam_policy_document" "worker" {
  statement {
    actions   = ["ec2:DescribeVpcs", "ec2:DescribeSubnets"] # both
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "worker" {
  name   = "${var.name}-p"
  role   = var.name
  policy = data.aws_iam_policy_document.worker.json
}
"#;
const WORKERS: &str = r#"module "workers" {
  for_each = toset(["worker-a", "worker-b"])
  source   = "../modules/worker"
  name     = each.key
}
"#;

const BATCH: &str = r#"resource "aws_iam_role_policy" "batch" {
  name = "batch-p"
  role = "batch"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["ec2:DescribeVpcs", "ec2:DescribeSubnets"]
      Resource = "*"
    }]
  })
}
"#;

/// A repository with a document that two roles share, an over-wide role of another team, and the answer for them.
struct World {
    team: Team,
    forge: Arc<Mutex<Forge>>,
    address: SocketAddr,
}

impl World {
    fn new(is_gitlab: bool) -> World {
        let used = &ACTIONS[..1];
        let team = Team::new(
            &[("worker-a", "*", used), ("worker-b", "*", used), ("batch", "*", used)],
            WORKERS,
        );
        let forge = Arc::new(Mutex::new(Forge {
            is_gitlab,
            ..Forge::default()
        }));
        let shared = Arc::clone(&forge);
        let address = serve(move |request| shared.lock().expect("the forge").answer(request));
        let world = World { team, forge, address };
        world.put("infra/modules/worker/main.tf", WORKER);
        world.put("infra/shared/main.tf", WORKERS);
        world.put("infra/batch/main.tf", BATCH);
        world.put("infra/$(touch mark)/@all <b>.json", "{}");
        world.put("README.md", "ours\n");
        world.put(
            ".github/CODEOWNERS",
            "* @shop/all\n/infra/batch/ @shop/data `touch mark`\n",
        );
        let (repository, remote) = (world.repository(), world.remote());
        world.git(&["init", "--quiet", "--bare", "--initial-branch", "main", &remote]);
        world.git(&[
            "init",
            "--quiet",
            "--initial-branch",
            "main",
            &repository.display().to_string(),
        ]);
        world.git(&["config", "user.name", "Ana"]);
        world.git(&["config", "user.email", "ana@example.com"]);
        world.git(&["remote", "add", "origin", &remote]);
        world.commit("base");
        world
    }

    fn root(&self) -> &Path {
        &self.team.folder.0
    }

    fn repository(&self) -> PathBuf {
        self.root().join("repository")
    }

    fn remote(&self) -> String {
        self.root().join("remote.git").display().to_string()
    }

    fn put(&self, name: &str, text: &str) {
        self.team.put(&format!("repository/{name}"), text);
    }

    #[track_caller]
    fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        fs::create_dir_all(self.repository()).expect("a folder");
        let output = command
            .arg("-C")
            .arg(self.repository())
            .args(arguments)
            .output()
            .expect("git");
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
        self.git(&["push", "--quiet", "origin", "HEAD:main"]);
    }

    /// Branches of the remote and their commits.
    fn branches(&self) -> BTreeMap<String, String> {
        let listed = self.git(&["ls-remote", "--heads", "origin", "trimtrail/*"]);
        let pairs = listed.lines().filter_map(|line| line.split_once("\trefs/heads/"));
        pairs.map(|(hash, name)| (name.to_owned(), hash.to_owned())).collect()
    }

    fn branch(&self, part: &str) -> String {
        let found: Vec<String> = self.branches().into_keys().filter(|name| name.contains(part)).collect();
        assert_eq!(found.len(), 1, "{part}: {found:?}");
        found[0].clone()
    }

    fn script(&self, arguments: &[&str]) -> Output {
        let gitlab = self.forge().is_gitlab;
        let program = Path::new(env!("CARGO_BIN_EXE_trimtrail")).parent().expect("a folder");
        let path = std::env::var("PATH").unwrap_or_default();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/trimtrail/pull-requests.sh");
        let mut command = Command::new("bash");
        command
            .env_clear()
            .env("PATH", format!("{}:{path}", program.display()))
            .env("HOME", self.root())
            .env("FORGE", if gitlab { "gitlab" } else { "github" })
            .env("FORGE_API", format!("http://{}/", self.address))
            .env("FORGE_REPOSITORY", if gitlab { "1" } else { "shop/infra" })
            .env("FORGE_TOKEN", TOKEN)
            .env("FORGE_NUMBER", "7")
            .env("FORGE_BRANCH", "main")
            .env("GITHUB_SHA", self.git(&["rev-parse", "HEAD"]))
            .env("GITHUB_REF", "refs/pull/7/merge");
        let output = command
            .arg(script)
            .args(arguments)
            .current_dir(self.repository())
            .output();
        let output = output.expect("bash");
        let said = said(&output);
        assert!(!said.contains(TOKEN), "{said}");
        assert!(!self.repository().join("mark").exists(), "a name ran");
        assert_eq!(self.git(&["worktree", "list"]).lines().count(), 1, "{said}");
        output
    }

    /// The weekly job: its exit code, what it said, what it asked the forge to change.
    fn weekly(&self) -> (i32, String, Vec<String>) {
        let output = self.script(&["weekly", "infra", "../out"]);
        (
            output.status.code().expect("a code"),
            said(&output),
            std::mem::take(&mut self.forge().writes),
        )
    }

    fn review(&self) -> (i32, String, Vec<String>) {
        let output = self.script(&["review", "infra", "HEAD"]);
        (
            output.status.code().expect("a code"),
            said(&output),
            std::mem::take(&mut self.forge().writes),
        )
    }

    fn forge(&self) -> std::sync::MutexGuard<'_, Forge> {
        self.forge.lock().expect("the forge")
    }

    fn states(&self) -> Vec<String> {
        let forge = self.forge();
        let state = |pull: &Value| pull["state"].as_str().expect("a state").to_owned();
        forge.pulls.iter().map(state).collect()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

#[test]
fn a_branch_for_each_owner_is_minimal_proved_and_opened_once() {
    for is_gitlab in [false, true] {
        let world = World::new(is_gitlab);
        let (code, said, writes) = world.weekly();
        assert_eq!((code, writes.len()), (0, 2), "{said}");
        let (all, data) = (world.branch("shop-all"), world.branch("shop-data"));
        for (branch, file, gone) in [
            (&all, "infra/modules/worker/main.tf", ", \"ec2:DescribeSubnets\""),
            (&data, "infra/batch/main.tf", ", \"ec2:DescribeSubnets\""),
        ] {
            world.git(&["fetch", "--quiet", "origin", branch]);
            assert_eq!(
                world.git(&["rev-parse", "FETCH_HEAD^"]),
                world.git(&["rev-parse", "HEAD"])
            );
            let counted = world.git(&["diff", "--numstat", "HEAD", "FETCH_HEAD"]);
            assert_eq!(counted, format!("1\t1\t{file}"));
            let now = world.git(&["show", &format!("FETCH_HEAD:{file}")]);
            let before = world.git(&["show", &format!("HEAD:{file}")]);
            assert_eq!(now, before.replace(gone, ""));
            // What a reviewer's job says of it.
            world.git(&["checkout", "--quiet", "FETCH_HEAD"]);
            let verified = world.team.run(&["verify", "--git", "main", "repository/infra"]);
            assert_eq!(verified.status.code(), Some(0), "{verified:?}");
            world.git(&["checkout", "--quiet", "main"]);
        }
        let text = if is_gitlab { "description" } else { "body" };
        for pull in &world.forge().pulls {
            let body = pull[text].as_str().expect("a text");
            assert!(body.starts_with("<!-- trimtrail patch shop-"), "{body}");
            assert!(
                body.contains("; the logs end on 2026-11-10. Then analyze again"),
                "{body}"
            );
            assert!(pull["title"].as_str().expect("a title").contains("grant"), "{pull}");
        }
        let names = |at: usize| {
            world.forge().pulls[at][text]
                .as_str()
                .expect("a text")
                .contains("worker-a")
        };
        assert_ne!(names(0), names(1), "each tells of its own policies alone");

        // The second run, and one after a change elsewhere.
        let before = world.branches();
        let (code, said, writes) = world.weekly();
        assert_eq!(
            (code, writes.as_slice(), world.branches()),
            (0, &[][..], before.clone()),
            "{said}"
        );
        world.put("README.md", "ours and theirs\n");
        world.commit("readme");
        let (code, said, writes) = world.weekly();
        assert_eq!(
            (code, writes.as_slice(), world.branches()),
            (0, &[][..], before),
            "{said}"
        );
    }
}

#[test]
fn what_was_written_is_put_back_to_the_byte() {
    let world = World::new(false);
    let done = world.team.run(&["patch", "out", "repository/infra", "--write"]);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(
        world.git(&["diff", "--shortstat"]),
        "2 files changed, 2 insertions(+), 2 deletions(-)"
    );
    let done = world.team.run(&["patch", "out", "repository/infra", "--revert"]);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(world.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_branch_follows_its_file_and_is_closed_when_nothing_is_left() {
    for is_gitlab in [false, true] {
        let world = World::new(is_gitlab);
        world.weekly();
        let data = world.branch("shop-data");
        let before = world.branches()[&data].clone();
        world.put("infra/batch/main.tf", &format!("# ours\n{BATCH}"));
        world.commit("a comment");
        let (code, said, writes) = world.weekly();
        assert_eq!((code, writes.len()), (0, 0), "the request stays as it is: {said}");
        assert_ne!(world.branches()[&data], before, "{said}");
        // The team does it by hand.
        world.put("infra/batch/main.tf", &BATCH.replace(", \"ec2:DescribeSubnets\"", ""));
        world.commit("less");
        let (code, said, writes) = world.weekly();
        assert_eq!((code, writes.len()), (0, 1), "{said}");
        assert_eq!(world.branches().len(), 1, "{said}");
        let mut states = world.states();
        states.sort();
        assert_eq!(states, ["closed", if is_gitlab { "opened" } else { "open" }]);
        assert_eq!(world.weekly().2, [""; 0]);
    }
}

#[test]
fn what_somebody_closed_is_not_opened_again_and_their_commits_stay() {
    let world = World::new(false);
    world.weekly();
    world.forge().pulls[0]["state"] = "closed".into();
    world.git(&["push", "--quiet", "origin", "--delete", &world.branch("shop-all")]);
    let (code, said, writes) = world.weekly();
    assert_eq!((code, writes.as_slice()), (0, &[][..]), "{said}");
    assert_eq!(world.branches().len(), 1, "{said}");
    // Somebody goes on on the other branch, and the file changes below it.
    let data = world.branch("shop-data");
    world.git(&["fetch", "--quiet", "origin", &data]);
    world.git(&["checkout", "--quiet", "FETCH_HEAD"]);
    world.put("README.md", "more\n");
    world.git(&["commit", "--quiet", "--all", "--message", "by hand"]);
    world.git(&["push", "--quiet", "origin", &format!("HEAD:refs/heads/{data}")]);
    world.git(&["checkout", "--quiet", "main"]);
    let before = world.branches();
    for text in [
        format!("# ours\n{BATCH}"),
        BATCH.replace(", \"ec2:DescribeSubnets\"", ""),
    ] {
        world.put("infra/batch/main.tf", &text);
        world.commit("a change");
        let (code, said, writes) = world.weekly();
        assert_eq!(
            (code, writes.as_slice(), world.branches()),
            (0, &[][..], before.clone()),
            "{said}"
        );
        assert!(said.contains("somebody else's commits"), "{said}");
    }
}

#[test]
fn an_expired_answer_opens_and_closes_nothing() {
    let world = World::new(false);
    world.weekly();
    let result = world.root().join("out/result.json");
    let mut value: Value = serde_json::from_str(&fs::read_to_string(&result).expect("a result")).expect("JSON");
    for suggestion in value["suggestions"].as_array_mut().expect("suggestions") {
        suggestion["expires"] = "2026-11-24T00:00:00Z".into();
    }
    fs::write(&result, value.to_string()).expect("a file");
    let before = world.branches();
    let (code, said, writes) = world.weekly();
    assert_eq!(
        (code, writes.as_slice(), world.branches()),
        (10, &[][..], before),
        "{said}"
    );
    assert!(
        said.contains("this answer expired on 2026-11-24, 14 days after its analysis: nothing is edited"),
        "{said}"
    );
    for more in [&[][..], &["--check"], &["--write"]] {
        let done = world.team.run(&[&["patch", "out", "repository/infra"], more].concat());
        assert_eq!((done.status.code(), done.stdout.len()), (Some(10), 0), "{more:?}");
    }
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    assert_eq!(
        world
            .team
            .run(&["patch", "out", "repository/infra", "--check", "--allow-expired"])
            .status
            .code(),
        Some(10)
    );
}

#[test]
fn a_comment_is_written_once_and_kept_up_to_date() {
    for is_gitlab in [false, true] {
        let world = World::new(is_gitlab);
        let (code, said, writes) = world.review();
        let uploads = usize::from(!is_gitlab);
        assert_eq!(
            (code, writes.len()),
            (0, uploads),
            "nothing was touched, nothing is said: {said}"
        );
        // Others say what looks like it, and so much that there is a second page.
        for at in 0..150 {
            let comment = json!({"id": 1000 + at, "body": "<!-- trimtrail verify infra -->\nmine",
                "user": {"login": "eve"}, "author": {"username": "eve"}});
            world.forge().comments.push(comment);
        }
        world.put("infra/batch/main.tf", &BATCH.replace("ec2:DescribeVpcs", "ec2:*"));
        let (code, said, writes) = world.review();
        assert_eq!((code, writes.len()), (10, 1 + uploads), "{said}");
        let comment = world.forge().comments[150]["body"].as_str().expect("a text").to_owned();
        assert!(
            comment.starts_with("<!-- trimtrail verify infra -->\n### IAM: 1 finding"),
            "{comment}"
        );
        assert!(comment.contains("infra/batch/main"), "{comment}");
        let (code, said, writes) = world.review();
        assert_eq!((code, writes.len()), (10, uploads), "{said}");
        world.put("infra/batch/main.tf", BATCH);
        let (code, said, writes) = world.review();
        assert_eq!((code, writes.len()), (0, 1 + uploads), "{said}");
        let now = world.forge().comments[150]["body"].as_str().expect("a text").to_owned();
        assert!(
            now.contains("No IAM document was touched") && world.forge().comments.len() == 151,
            "{now}"
        );
        if !is_gitlab {
            let sent = world.forge().sarif[1].clone();
            assert_eq!(
                (&sent["ref"], &sent["commit_sha"]),
                (&json!("refs/pull/7/merge"), &json!(world.git(&["rev-parse", "HEAD"])))
            );
            let packed = base64::engine::general_purpose::STANDARD.decode(sent["sarif"].as_str().expect("a text"));
            let mut text = String::new();
            flate2::read::GzDecoder::new(packed.expect("base64").as_slice())
                .read_to_string(&mut text)
                .expect("gzip");
            let run = &serde_json::from_str::<Value>(&text).expect("JSON")["runs"][0];
            let place = &run["results"][0]["locations"][0]["physicalLocation"];
            assert_eq!(place["artifactLocation"]["uri"], "infra/batch/main.tf", "{text}");
            assert_eq!(run["automationDetails"]["id"], "trimtrail-verify/infra/");
        }
    }
}

#[test]
fn a_fork_whose_token_only_reads_is_reviewed_all_the_same() {
    let world = World::new(false);
    world.forge().is_read_only = true;
    world.put("infra/batch/main.tf", &BATCH.replace("ec2:DescribeVpcs", "ec2:*"));
    let (code, all, _) = world.review();
    assert_eq!(code, 10, "{all}");
    assert!(
        all.contains("could not be written (HTTP 403)") && all.contains("### IAM: 1 finding"),
        "{all}"
    );
    // Nothing that a name or a commit could be taken for runs.
    for arguments in [
        &["review", "infra", "--help"][..],
        &["review", "infra", "$(touch mark)"],
        &["review", "-x", "HEAD"],
        &["weekly", "../..", "../out"],
        &["weekly", "infra", "missing"],
        &["monthly", "infra", "HEAD"],
        &["review"],
    ] {
        let output = world.script(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", said(&output));
    }
}
