//! What goes wrong, as it is met: each row is run, and `docs/errors.md` holds its exit code, sentence and way out.
//!
//! `TRIMTRAIL_UPDATE=1 cargo test errors` writes the page anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::json;

const PROGRAM: &str = env!("CARGO_BIN_EXE_trimtrail");
const PAGE: &str = "docs/errors.md";

/// A folder that goes when the test does, with one small archive in it and what goes with it.
struct World(PathBuf);

impl World {
    fn new(name: &str) -> World {
        let path = std::env::temp_dir().join(format!("trimtrail-errors-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let world = World(path);
        let event = json!({"eventVersion": "1.09", "eventTime": "2026-10-03T12:00:00Z", "eventSource": "s3.amazonaws.com",
            "eventName": "ListBuckets", "awsRegion": "eu-west-1", "eventID": "e1", "eventType": "AwsApiCall", "readOnly": true,
            "managementEvent": true, "eventCategory": "Management", "recipientAccountId": "111122223333", "requestParameters": null,
            "userIdentity": {"type": "IAMUser", "principalId": "AIDAANA", "arn": "arn:aws:iam::111122223333:user/ana",
                "accountId": "111122223333", "userName": "ana", "accessKeyId": "AKIAANA"}});
        let policy = |actions: &str| json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
        let grants = json!({"UserDetailList": [{"UserName": "ana", "UserId": "AIDAANA", "Path": "/",
            "Arn": "arn:aws:iam::111122223333:user/ana", "CreateDate": "2024-01-01T00:00:00Z",
            "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": policy("s3:List*")}]}]});
        let mut more = grants.clone();
        more["IsTruncated"] = true.into();
        let other = json!({"request": {"principal": 7}});
        for (name, text) in [
            ("logs/a.json", json!({"Records": [event]}).to_string()),
            ("empty/notes.md", "nothing\n".to_owned()),
            ("grants.json", grants.to_string()),
            ("half.json", more.to_string()),
            ("nobody.json", "{}".to_owned()),
            ("void.json", json!({"RoleDetailList": []}).to_string()),
            ("no-catalog/sources.tsv", "date\n".to_owned()),
            ("torn.json", "{\"Version\": ".to_owned()),
            ("old.json", policy("s3:List*").to_string()),
            ("new.json", policy("s3:*").to_string()),
            ("cases.json", json!([other, other]).to_string()),
            ("wrong.toml", "no-such-flag = 1\n".to_owned()),
            ("schema.json", "{\"schema\": \"trimtrail.result/99\"}".to_owned()),
        ] {
            let path = world.0.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(path, text).expect("a file");
        }
        world
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TRIMTRAIL_") || name.starts_with("AWS_"))
        {
            command.env_remove(name);
        }
        let output = command.args(words).current_dir(&self.0).stdin(Stdio::null()).output();
        output.expect("the program")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What is typed behind `trimtrail`.
#[cfg(all(unix, feature = "aws", feature = "polars"))]
const ROWS: &[&str] = &[
    "analyze",
    "analyze --logs logs",
    "analyze --grants grants.json",
    "analyze --logs missing --grants grants.json",
    "analyze --logs no*fit --grants grants.json",
    "analyze --logs x[ --grants grants.json",
    "analyze --logs s3:// --grants grants.json",
    "analyze --logs logs --grants missing.json",
    "analyze --logs logs --grants torn.json",
    "analyze --logs logs --grants nobody.json",
    "analyze --logs logs --grants half.json",
    "analyze --logs logs --grants void.json",
    "analyze --logs empty --grants grants.json",
    "analyze --logs logs --grants grants.json --since 2027-01-01",
    "analyze --logs logs --grants grants.json --since soon",
    "analyze --logs logs --grants grants.json --since 2026-10-04 --until 2026-10-03",
    "analyze --logs logs --grants grants.json --role nobody",
    "analyze --logs logs --grants grants.json --keep torn.json",
    "analyze --logs logs --grants grants.json --exclude-use torn.json",
    "analyze --logs logs --grants grants.json --last-accessed torn.json",
    "analyze --logs logs --grants grants.json --trail-config torn.json",
    "analyze --logs logs --grants grants.json --org-policies torn.json",
    "analyze --logs logs --grants grants.json --credential-report torn.json",
    "analyze --logs logs --grants grants.json --format poster",
    "analyze --logs logs --grants grants.json --max-inflated lots",
    "analyze --logs logs --grants grants.json --catalog empty",
    "analyze --logs logs --grants grants.json --catalog no-catalog",
    "analyze --logs logs --grants grants.json --config missing.toml",
    "analyze --logs logs --grants grants.json --config wrong.toml",
    "analyze --logs logs --grants grants.json --accept-loss 2026-10-09..soon",
    "analyze --logs logs --grants grants.json --out grants.json",
    "analyze --ledger missing --grants grants.json",
    "analyze --ledger damaged --grants grants.json",
    "backtest --logs logs --grants grants.json",
    "catalog s3",
    "catalog s3:NoSuchAction",
    "collect --logs logs",
    "collect --logs logs --ledger newer",
    "collect --logs logs --ledger ledger --keep-identities",
    "collect --logs logs --ledger ledger --region eu-west-1",
    "collect --logs - --ledger ledger",
    "collect --logs empty --ledger fresh",
    "collect --logs logs --ledger ledger --shard 4/3",
    "collect --logs logs --athena",
    "coverage --logs missing",
    "coverage --ledger ledger --validate",
    "coverage --logs logs --validate --public-keys torn.json",
    "doctor --logs s3:// --offline",
    "explain missing.json ana",
    "explain result nobody",
    "merge missing --ledger merged",
    "patch result missing",
    "patch result . --owner nobody",
    "query no-such-question --result result",
    "query --result result",
    "query risky-unused",
    "query --sql NONSENSE --result result",
    "report missing.json --format json",
    "report torn.json --format json",
    "report nobody.json --format json",
    "report schema.json --format json",
    "report --since-last --ledger ledger",
    "resolve --logs missing",
    "simulate missing.json",
    "simulate torn.json",
    "simulate cases.json",
    "verify old.json missing.json",
    "verify old.json torn.json",
    "verify old.json new.json",
    "verify old.json old.json --logs logs --principal ana",
    "verify - -",
    "verify",
    "verify --git HEAD",
    "verify --git HEAD missing",
    "verify --git HEAD old.json new.json",
    "verify --git HEAD --plan old.json",
    "verify --plan torn.json",
    "verify --plan old.json new.json",
    "verify old.json new.json --must-not-grant torn.json",
    "verify . old.json",
];

/// `error: …` and `help: …` as they were said, or what stands in their place.
#[cfg(all(unix, feature = "aws", feature = "polars"))]
fn row(words: &str, output: &Output) -> String {
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ").trim().to_owned();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = |of: &str| {
        said.lines()
            .find_map(|line| line.strip_prefix(of))
            .unwrap_or_default()
            .to_owned()
    };
    let (error, help) = (line("error: "), line("help: "));
    // clap's own sentences may go on over lines, to what is missing.
    let more: Vec<&str> = said
        .lines()
        .skip_while(|line| !line.starts_with("error: "))
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .map(str::trim)
        .filter(|line| line.starts_with('-') || line.starts_with('<'))
        .collect();
    let mut sentence = match error.as_str() {
        "" => said.lines().next().unwrap_or_default().to_owned(),
        _ => [&[error.as_str()], more.as_slice()].concat().join(" "),
    };
    if sentence.is_empty() {
        sentence = String::from_utf8_lossy(&output.stdout)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
    }
    let code = output.status.code().map_or("none".to_owned(), |code| code.to_string());
    format!(
        "| `{}` | {code} | {} | {} |\n",
        cell(words),
        cell(&sentence),
        cell(&help)
    )
}

#[cfg(all(unix, feature = "aws", feature = "polars"))]
fn page() -> String {
    let world = World::new("page");
    let done = |words: &[&str]| {
        let output = world.run(words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {said}");
    };
    done(&["collect", "--logs", "logs", "--ledger", "ledger"]);
    done(&["collect", "--logs", "logs", "--ledger", "damaged"]);
    done(&[
        "analyze",
        "--logs",
        "logs",
        "--grants",
        "grants.json",
        "--out",
        "result",
    ]);
    let index = fs::read_to_string(world.0.join("ledger/ledger.json")).expect("an index");
    fs::write(world.0.join("damaged/ledger.json"), &index[..index.len() / 2]).expect("a file");
    fs::create_dir(world.0.join("newer")).expect("a folder");
    fs::write(
        world.0.join("newer/ledger.json"),
        "{\"schema\": \"trimtrail.ledger/99\"}",
    )
    .expect("a file");
    let mut page = String::from(
        "# Errors and exit codes\n\n\
         Made by running each row (`TRIMTRAIL_UPDATE=1 cargo test errors`); a test holds it. Codes: 0 clear · 1 failed · 2 usage ·\n\
         3 no events seen · 10 something reached `--fail-on`, or a proof failed. A broken pipe is success.\n\n\
         | `trimtrail …` | code | it says | way out |\n|---|---|---|---|\n",
    );
    for words in ROWS {
        let output = world.run(&words.split(' ').collect::<Vec<_>>());
        page.push_str(&row(words, &output));
    }
    page
}

#[cfg(all(unix, feature = "aws", feature = "polars"))]
#[test]
fn every_error_ends_as_the_page_says() {
    let page = page();
    if std::env::var_os("TRIMTRAIL_UPDATE").is_some() {
        fs::write(PAGE, &page).expect("the page");
    }
    let known = fs::read_to_string(PAGE).expect("the page");
    for (line, expected) in page.lines().zip(known.lines()) {
        assert_eq!(line, expected);
    }
    assert_eq!(page.lines().count(), known.lines().count());
    for line in known.lines().filter(|line| line.starts_with("| `")) {
        assert!(!line.contains("panicked"), "{line}");
        assert!(!line.contains("|  |  |"), "neither sentence nor way out: {line}");
    }
}

/// Sentences that no row of the page meets, and what holds them instead.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "src/catalog/refresh.rs",
        "maintainers alone meet them; its own tests do",
    ),
    ("src/usage/ledger/book.rs", "inside of `… is damaged`"),
    ("src/iam/subset.rs", "inside of `not shown to allow no more`"),
    ("src/emit/mod.rs", "a disk that is full: tests/faults.rs"),
    ("src/patch/change/git.rs", "a repository: tests/branches.rs"),
    ("src/patch/mod.rs", "a file that changes meanwhile: its own tests"),
    ("src/usage/collect.rs", "a system without threads"),
    ("src/config.rs", "a test of each key: command/configured/tests.rs"),
    ("src/rightsize/choices.rs", "rightsize/choices: its own tests"),
    ("src/verify/mod.rs", "answers of `verify`, in its own words"),
    (
        "src/rightsize/choices.rs",
        "a file of choices, by its line: its own tests",
    ),
    ("src/query/mod.rs", "a disk that is full: tests/faults.rs"),
];

/// Single sentences of the other files that no row meets, and what holds them instead.
const UNMET: &[(&str, &str)] = &[
    ("the catalog in `", "tests/catalog_in_use.rs"),
    ("another catalog is in use already", "tests/catalog_in_use.rs"),
    ("` is described twice, differently", "grants: its own tests"),
    ("snapshot `", "grants: its own tests"),
    (
        "not a JSON object from digest file to signature",
        "integrity: its own tests",
    ),
    ("children a node of its resource shapes", "ledger: its own tests"),
    ("` is held by ", "ledger: its own tests"),
    (
        "the ledgers hold different files of the same day",
        "ledger/merge: its own tests",
    ),
    ("a cut at ", "verify/backtest: its own tests"),
    ("suggestion ", "report/read: tests/journey.rs"),
];

#[test]
fn every_sentence_of_an_error_is_met_somewhere() {
    if std::env::var_os("TRIMTRAIL_UPDATE").is_some() {
        println!("skipped: the page is being written");
        return;
    }
    let page = fs::read_to_string(PAGE).expect("the page");
    let mut unmet = Vec::new();
    let mut sentences = 0;
    for (path, _, text) in super::map::files() {
        let path = path.display().to_string();
        if ELSEWHERE.iter().any(|(file, _)| *file == path) {
            continue;
        }
        for (at, _) in text.match_indices("#[error(") {
            let rest = text[at + 8..].trim_start();
            let Some(rest) = rest.strip_prefix('"') else { continue };
            let sentence = &rest[..rest.find('"').expect("an end")];
            sentences += 1;
            // The longest piece between what is filled in.
            let pieces = sentence.split(['{', '}']).step_by(2);
            let piece = pieces.max_by_key(|piece| piece.len()).unwrap_or_default();
            if piece.trim().len() < 4 || page.contains(piece) || UNMET.iter().any(|(known, _)| sentence.contains(known))
            {
                continue;
            }
            unmet.push(format!("{path}: {sentence}"));
        }
    }
    assert!(sentences > 20, "{sentences}");
    assert_eq!(unmet, Vec::<String>::new(), "add a row, or say where it is met");
    for (path, _) in ELSEWHERE {
        assert!(Path::new(path).exists(), "{path}");
    }
}

#[test]
fn a_case_that_cannot_be_decided_shows_in_the_exit_code() {
    let world = World::new("simulate");
    let output = world.run(&["simulate", "cases.json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("`cases.json`: 2 of 2 cases cannot be decided"), "{said}");
}

#[cfg(not(feature = "polars"))]
#[test]
fn a_build_without_the_ledger_says_what_it_lacks() {
    let world = World::new("light");
    for words in [
        "collect --logs logs --ledger ledger",
        "query --list",
        "merge a b",
        "analyze --ledger ledger --grants grants.json",
    ] {
        let output = world.run(&words.split(' ').collect::<Vec<_>>());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("this build has no `"), "{said}");
        assert!(said.contains("feature `polars`"), "{said}");
    }
}

#[cfg(not(feature = "aws"))]
#[test]
fn a_build_without_the_network_says_what_it_lacks() {
    let world = World::new("offline");
    let output = world.run(&["grants", "-o", "x.json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("this build has no `grants`"), "{said}");
    for places in ["--logs s3://bucket --grants grants.json", "--logs logs --grants live"] {
        let words: Vec<&str> = ["analyze"].into_iter().chain(places.split(' ')).collect();
        let output = world.run(&words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("this build cannot reach a network"), "{said}");
        assert!(said.contains("help: "), "{said}");
    }
}
