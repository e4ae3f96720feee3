//! Strangers' text through every output of the real program: nothing raw comes out.
//!
//! Log fields, names in grants and file names hold terminal codes, HTML, Markdown, spreadsheet formulas, templates, marks
//! of direction, 250 KB of text; some records are nested too deeply, hold a name twice, or are no UTF-8.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

/// What must come out as text, whatever it would be where it is shown.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}<script>alert(1)</script><img src=x onerror=alert(2)>`|**b**| @octocat #1 ${jndi:ldap} {{7*7}} \
     [x](https://evil.example) \u{202e}txt\u{2066}\u{200b}\u{0}\r\n| a | b |\n```\n</details>&lt;";
const FORMULA: &str = "=HYPERLINK(\"https://evil.example\")";
const ROLE: &str = "arn:aws:iam::111122223333:role/app";

/// A folder that goes when the test does.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Records with hostile text in every field that is kept or shown.
fn records() -> Vec<String> {
    let identity = |session: &str, role: &str| {
        json!({"type": "AssumedRole", "principalId": format!("AROAAPP:{session}"), "accountId": "111122223333", "accessKeyId": format!("ASIA{session}"),
            "arn": format!("arn:aws:sts::111122223333:assumed-role/app/{session}"), "userName": session, "invokedBy": session,
            "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": "AROAAPP", "arn": role, "accountId": "111122223333", "userName": "app"}}})
    };
    let event = |number: usize, more: &[(&str, Value)]| {
        let day = number % 14 + 1;
        let mut event = json!({"eventVersion": "1.09", "eventTime": format!("2026-10-{day:02}T12:00:00Z"), "eventSource": "s3.amazonaws.com",
            "eventName": "GetObject", "awsRegion": "eu-west-1", "eventID": format!("event-{number}"), "eventType": "AwsApiCall",
            "eventCategory": "Management", "managementEvent": true, "recipientAccountId": "111122223333", "readOnly": number.is_multiple_of(2),
            "requestParameters": {"bucketName": "b", "key": "k"}, "userIdentity": identity("s", ROLE)});
        for (name, value) in more {
            event[*name] = value.clone();
        }
        event.to_string()
    };
    let long = "A".repeat(250_000);
    let mut records: Vec<String> = (0..28)
        .map(|number| {
            event(
                number,
                &[
                    ("eventSource", json!("ec2.amazonaws.com")),
                    ("eventName", json!("DescribeVpcs")),
                ],
            )
        })
        .collect();
    let mut number = records.len();
    for text in [HOSTILE, FORMULA, long.as_str()] {
        let fields = [
            "eventSource",
            "eventName",
            "awsRegion",
            "eventID",
            "recipientAccountId",
            "errorCode",
            "errorMessage",
            "userAgent",
            "sourceIPAddress",
            "eventType",
            "eventCategory",
            "requestID",
            "vpcEndpointId",
            "requestParameters",
            "responseElements",
        ];
        for field in fields {
            number += 1;
            records.push(event(number, &[(field, json!(text))]));
        }
        let denial = format!("User: {text} is not authorized to perform: s3:GetObject on resource: {text}");
        let arn = format!("arn:aws:s3:::b/{text}");
        for more in [
            vec![("userIdentity", identity(text, ROLE))],
            vec![(
                "userIdentity",
                identity("s", &format!("arn:aws:iam::111122223333:role/{text}")),
            )],
            vec![("errorCode", json!("AccessDenied")), ("errorMessage", json!(denial))],
            vec![(
                "requestParameters",
                json!({"bucketName": "b", "key": text, text: {text: [text]}}),
            )],
            vec![
                (
                    "resources",
                    json!([{"ARN": arn, "type": "AWS::S3::Object", "accountId": text}]),
                ),
                ("eventCategory", json!("Data")),
            ],
            vec![
                ("eventSource", json!("cloudtrail.amazonaws.com")),
                ("eventName", json!("PutEventSelectors")),
                (
                    "requestParameters",
                    json!({"trailName": text, "eventSelectors": [{"readWriteType": text, "dataResources": [{"type": text, "values": [text]}]}]}),
                ),
            ],
            vec![
                ("eventSource", json!("sts.amazonaws.com")),
                ("eventName", json!("AssumeRoleWithWebIdentity")),
                (
                    "userIdentity",
                    json!({"type": "WebIdentityUser", "userName": format!("system:serviceaccount:{text}:{text}"), "identityProvider": text}),
                ),
                (
                    "responseElements",
                    json!({"credentials": {"accessKeyId": "ASIAs"}, "assumedRoleUser": {"assumedRoleId": "AROAAPP:s"}, "subjectFromWebIdentityToken": text}),
                ),
            ],
        ] {
            number += 1;
            records.push(event(number, &more));
        }
    }
    // A name twice, and nesting that no parser should follow.
    let twice = event(number + 1, &[]);
    records.push(twice.replacen('{', &format!("{{\"eventName\":{},", json!(HOSTILE)), 1));
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    records.push(event(number + 2, &[("requestParameters", json!("DEEP"))]).replace("\"DEEP\"", &deep));
    records.push("{\"eventVersion\":\"1.09\",\"eventTime\":\"2026-10-01T00:00:00Z\",\"lone\":\"\\ud800\",\"eventSource\":\"s3.amazonaws.com\",\"eventName\":\"\\udead\"}".to_owned());
    records
}

/// Logs, grants, policies and cases under a folder, all of them hostile.
fn world(name: &str) -> Folder {
    let folder = Folder(std::env::temp_dir().join(format!("trimtrail-hostile-{name}-{}", std::process::id())));
    fs::create_dir_all(folder.0.join("logs")).expect("a folder");
    let file = |name: &str, bytes: &[u8]| fs::write(folder.0.join(name), bytes).expect("a file");
    let records = records();
    file(
        "logs/a.json",
        format!("{{\"Records\":[{}]}}", records.join(",")).as_bytes(),
    );
    let mut broken = records[0].clone().into_bytes();
    broken.splice(20..20, b"\xff\xfe\x1b[31m".iter().copied());
    file("logs/\u{1b}[31m<b>=1+1.json", &broken);
    file("logs/@SUM(A1).json", HOSTILE.as_bytes());
    let document = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": HOSTILE, "Effect": "Allow", "Action": ["s3:*", "ec2:*", format!("iam:{FORMULA}")], "Resource": "*"},
        {"Sid": FORMULA, "Effect": "Allow", "Action": "dynamodb:*", "Resource": [format!("arn:aws:dynamodb:*:*:table/{}", HOSTILE.replace("${jndi:ldap}", ""))]}]});
    let role = |name: &str, arn: &str, id: &str| {
        json!({"Arn": arn, "RoleName": name, "RoleId": id, "Path": format!("/{HOSTILE}/"), "CreateDate": "2025-01-01T00:00:00Z",
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}]},
            "RolePolicyList": [{"PolicyName": HOSTILE, "PolicyDocument": document}, {"PolicyName": FORMULA, "PolicyDocument": document}],
            "AttachedManagedPolicies": [], "Tags": [{"Key": HOSTILE, "Value": FORMULA}]})
    };
    let hostile_arn = format!("arn:aws:iam::111122223333:role/{HOSTILE}");
    let grants = json!({"UserDetailList": [], "GroupDetailList": [], "Policies": [],
        "RoleDetailList": [role("app", ROLE, "AROAAPP"), role(HOSTILE, &hostile_arn, "AROAB"), role(FORMULA, &format!("arn:aws:iam::111122223333:role/{FORMULA}"), "AROAC")]});
    file("grants.json", grants.to_string().as_bytes());
    file("old.json", document.to_string().as_bytes());
    let mut wider = document.clone();
    wider["Statement"][0]["Action"] = json!(["*"]);
    file("new.json", wider.to_string().as_bytes());
    let case = json!([{"name": HOSTILE, "request": {"principal": ROLE, "action": "s3:GetObject", "resource": HOSTILE, "context": {HOSTILE: HOSTILE}},
        "identity_policies": [document]}, {"request": HOSTILE}]);
    file("cases.json", case.to_string().as_bytes());
    folder
}

fn run(folder: &Folder, arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_trimtrail"))
        .args(arguments)
        .current_dir(&folder.0)
        .env("COLUMNS", "120")
        .output()
        .expect("the program runs");
    assert!(
        output.status.code().is_some_and(|code| code != 101),
        "{arguments:?} panicked: {}",
        text(&output.stderr)
    );
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("what comes out is UTF-8")
}

/// Characters that steer a terminal, an editor or a reader's eye.
fn steers(c: char) -> bool {
    c.is_control() && c != '\n' || matches!(c, '\u{200b}' | '\u{202e}' | '\u{2066}' | '\u{feff}')
}

#[track_caller]
fn check_plain(what: &str, shown: &str) {
    let found = shown.char_indices().find(|(_, c)| steers(*c));
    let around = found.map(|(at, _)| {
        let start = shown.floor_char_boundary(at.saturating_sub(60));
        format!("{:?}", &shown[start..shown.ceil_char_boundary(at + 20)])
    });
    assert_eq!(around, None, "{what}");
}

#[track_caller]
fn check_html(what: &str, shown: &str) {
    check_plain(what, shown);
    for raw in ["<script>alert", "<img src=x", "</details>&lt;"] {
        assert!(!shown.contains(raw), "{what} holds {raw}");
    }
}

#[track_caller]
fn check_markdown(what: &str, shown: &str) {
    check_plain(what, shown);
    let outside = fenced_apart(shown);
    check_html(what, &outside);
    for raw in ["](https://evil", " @octocat", "**b**"] {
        assert!(!outside.contains(raw), "{what} holds {raw}");
    }
}

/// Markdown without its fenced blocks, in which nothing is markup.
fn fenced_apart(markdown: &str) -> String {
    let mut fence: Option<String> = None;
    let mut outside = String::new();
    for line in markdown.lines() {
        let ticks: String = line.trim_start().chars().take_while(|c| *c == '`').collect();
        match &fence {
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => outside.extend([line, "\n"]),
            Some(open) if ticks.len() >= open.len() => fence = None,
            Some(_) => {}
        }
    }
    outside
}

#[track_caller]
fn check_csv(what: &str, shown: &str) {
    check_plain(what, &shown.replace("\r\n", "\n"));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(false)
        .from_reader(shown.as_bytes());
    for row in reader.records() {
        for cell in &row.expect("a row") {
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                "{what}: {cell:?} would calculate"
            );
        }
    }
}

#[track_caller]
fn check_json_lines(what: &str, shown: &str) {
    check_plain(what, shown);
    for line in shown.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}

const LOGS: [&str; 4] = ["--logs", "logs", "--grants", "grants.json"];

#[test]
fn every_format_of_a_result() {
    let folder = world("formats");
    let analyzed = run(
        &folder,
        &[&["analyze", "--min-window", "1d", "--out", "out"], LOGS.as_slice()].concat(),
    );
    assert!(
        matches!(analyzed.status.code(), Some(0 | 10)),
        "{}",
        text(&analyzed.stderr)
    );
    check_plain("analyze", &text(&analyzed.stdout));
    check_plain("analyze, stderr", &text(&analyzed.stderr));
    let result = "out/result.json";
    for format in ["terminal", "json", "markdown", "diff", "html", "sarif", "rdjson", "csv"] {
        for verbose in [&[][..], &["-v", "--include-held"]] {
            let output = run(&folder, &[&["report", result, "--format", format], verbose].concat());
            let shown = text(&output.stdout);
            // A diff holds what may be applied, which may be nothing.
            let some = format == "diff" || !shown.is_empty();
            assert!(some, "{format} is empty: {}", text(&output.stderr));
            match format {
                "html" => check_html(format, &shown),
                "markdown" => check_markdown(format, &shown),
                "csv" => check_csv(format, &shown),
                "json" | "sarif" | "rdjson" => {
                    check_plain(format, &shown);
                    serde_json::from_str::<Value>(&shown).expect("JSON");
                }
                _ => check_plain(format, &shown),
            }
        }
    }
    files(&folder.0.join("out"), &mut |path, bytes| {
        let shown = text(bytes);
        let name = path.display().to_string();
        check_plain("a file's name", &name);
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("html") => check_html(&name, &shown),
            Some("md") => check_markdown(&name, &shown),
            Some("json") => {
                check_plain(&name, &shown);
                serde_json::from_str::<Value>(&shown).expect("JSON");
            }
            _ => check_plain(&name, &shown),
        }
    });
    for principal in ["app", "*", HOSTILE, FORMULA] {
        // NUL cannot stand in an argument.
        let principal = principal.replace('\0', "?");
        for more in [&[][..], &["s3:*"], &["s3:GetObject"]] {
            let output = run(&folder, &[&["explain", result, &principal], more].concat());
            check_plain("explain", &text(&output.stdout));
            check_plain("explain, stderr", &text(&output.stderr));
        }
    }
    let patched = run(&folder, &["patch", result, "."]);
    check_plain("patch", &text(&patched.stdout));
    check_plain("patch, stderr", &text(&patched.stderr));
}

fn files(folder: &Path, check: &mut dyn FnMut(&Path, &[u8])) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, check);
        } else {
            check(&path, &fs::read(&path).expect("a file"));
        }
    }
}

#[test]
fn every_other_subcommand() {
    let folder = world("subcommands");
    let shown = |arguments: &[&str]| {
        let output = run(&folder, arguments);
        check_plain(arguments[0], &text(&output.stdout));
        check_plain(&format!("{}, stderr", arguments[0]), &text(&output.stderr));
        text(&output.stdout)
    };
    assert!(shown(&["coverage", "--logs", "logs"]).contains("Skipped"));
    shown(&["coverage", "--logs", "logs", "--validate"]);
    check_json_lines("resolve", &shown(&["resolve", "--logs", "logs"]));
    check_json_lines("simulate", &shown(&["simulate", "cases.json"]));
    shown(&["verify", "old.json", "new.json"]);
    let answer = shown(&["verify", "old.json", "new.json", "--format", "json"]);
    serde_json::from_str::<Value>(&answer).expect("JSON");
    shown(&["verify", "new.json", "old.json", "--principal", ROLE, "--logs", "logs"]);
    shown(&[&["backtest"], LOGS.as_slice()].concat());
    shown(&["catalog", "\u{1b}[31m*"]);
    let answer = shown(&["coverage", "--logs", "logs", "--format", "json"]);
    serde_json::from_str::<Value>(&answer).expect("JSON");
    shown(&["coverage", "--logs", "logs", "--grants", "grants.json"]);
    let answer = shown(&[&["backtest", "--format", "json"], LOGS.as_slice()].concat());
    serde_json::from_str::<Value>(&answer).expect("JSON");
    let place = format!("s3://{}/{}", HOSTILE.replace('\0', ""), FORMULA);
    shown(&[
        "doctor",
        "--offline",
        "--logs",
        &place,
        "--org",
        "--assume-role-name",
        FORMULA,
    ]);
    // What goes wrong names its input.
    for wrong in [
        &["analyze", "--logs", "\u{1b}[31mnowhere", "--grants", "grants.json"][..],
        &["analyze", "--logs", "logs", "--grants", "logs/@SUM(A1).json"],
        &["report", "cases.json", "--format", "csv"],
        &["verify", "grants.json", "\u{202e}"],
        &["coverage", "--logs", "logs", "--since", "\u{1b}[31m"],
    ] {
        let output = run(&folder, wrong);
        assert_ne!(output.status.code(), Some(0), "{wrong:?}");
        check_plain("an error", &text(&output.stderr));
    }
}

/// Two results, the second of which lacks a role, has another, and grants less.
#[test]
fn what_changed() {
    let folder = world("changes");
    let mut grants: Value =
        serde_json::from_slice(&fs::read(folder.0.join("grants.json")).expect("a file")).expect("JSON");
    let roles = grants["RoleDetailList"].as_array_mut().expect("roles");
    roles[0]["RolePolicyList"].as_array_mut().expect("policies").truncate(1);
    roles[2]["RoleName"] = json!(format!("{HOSTILE}2"));
    roles[2]["RoleId"] = json!("AROAD");
    roles[2]["Arn"] = json!(format!("arn:aws:iam::111122223333:role/{HOSTILE}2"));
    fs::write(folder.0.join("later.json"), grants.to_string()).expect("a file");
    for (grants, out) in [("grants.json", "before"), ("later.json", "after")] {
        let arguments = [
            "analyze",
            "--logs",
            "logs",
            "--grants",
            grants,
            "--min-window",
            "1d",
            "--out",
            out,
        ];
        run(&folder, &arguments);
    }
    #[cfg(feature = "polars")]
    run(&folder, &["collect", "--logs", "logs", "--ledger", "ledger"]);
    for format in ["terminal", "markdown", "html", "json"] {
        for ledger in [&[][..], &["--ledger", "ledger"]] {
            if !ledger.is_empty() && cfg!(not(feature = "polars")) {
                continue;
            }
            let between = [
                "report",
                "after",
                "--since-last",
                "--baseline",
                "before",
                "--format",
                format,
            ];
            let output = run(&folder, &[&between, ledger].concat());
            let shown = text(&output.stdout);
            assert!(shown.contains("octocat"), "{format}: {shown}{}", text(&output.stderr));
            match format {
                "markdown" => check_markdown(format, &shown),
                "html" => check_html(format, &shown),
                _ => check_plain(format, &shown),
            }
        }
    }
}

/// What an answer holds of strangers' text comes out of each named question and of each table, in each form.
#[cfg(feature = "polars")]
#[test]
fn every_query() {
    use polars_io::prelude::{ParquetReader, SerReader};
    let folder = world("queries");
    let identities = ["collect", "--keep-identities", "--logs", "logs", "--ledger", "ledger"];
    let collected = run(&folder, &identities);
    assert_eq!(collected.status.code(), Some(0), "{}", text(&collected.stderr));
    check_plain("collect, stderr", &text(&collected.stderr));
    run(
        &folder,
        &[&["analyze", "--min-window", "1d", "--out", "out"], LOGS.as_slice()].concat(),
    );
    let mut asked: Vec<(String, [&str; 2])> = Vec::new();
    let (over_result, over_ledger) = (["--result", "out"], ["--ledger", "ledger"]);
    let mut over = over_result;
    for line in text(&run(&folder, &["query", "--list"]).stdout).lines() {
        match line.strip_prefix("  ") {
            Some(named) => asked.push((named.split(' ').next().expect("a name").to_owned(), over)),
            None => {
                over = if line.starts_with("--ledger") {
                    over_ledger
                } else {
                    over_result
                }
            }
        }
    }
    assert!(
        asked.iter().filter(|(_, over)| *over == over_ledger).count() >= 10,
        "{asked:?}"
    );
    let of_result = [
        "principals",
        "actions",
        "groups",
        "suggestions",
        "affected",
        "risks",
        "findings",
        "workloads",
        "data_events",
        "gaps",
    ];
    let of_ledger = [
        "ledger",
        "calls",
        "signatures",
        "touched",
        "sessions",
        "keys",
        "streams",
        "data_events",
    ];
    let tables = of_result.map(|table| (table, over_result)).into_iter();
    let tables = tables.chain(of_ledger.map(|table| (table, over_ledger)));
    asked.extend(tables.map(|(table, over)| (format!("--sql=SELECT * FROM {table}"), over)));
    let mut steering = 0;
    for (question, over) in asked {
        let mut rows = Vec::new();
        let forms: &[&str] = match question.starts_with("--sql") {
            true => &["table", "csv", "json", "parquet"],
            false => &["table", "csv"],
        };
        for &format in forms {
            let output = run(
                &folder,
                &[&["query", &question, "--format", format], &over[..]].concat(),
            );
            assert_eq!(output.status.code(), Some(0), "{question}: {}", text(&output.stderr));
            if format == "parquet" {
                // For programs: the values as they are.
                let frame = ParquetReader::new(std::io::Cursor::new(output.stdout))
                    .finish()
                    .expect("Parquet");
                rows.push(frame.height());
                let cells = frame.columns().iter().filter_map(|column| column.str().ok());
                steering += cells
                    .flat_map(|cells| cells.iter().flatten())
                    .filter(|cell| cell.contains(steers))
                    .count();
                continue;
            }
            let shown = text(&output.stdout);
            match format {
                "csv" => {
                    check_csv(&question, &shown);
                    rows.push(csv::Reader::from_reader(shown.as_bytes()).records().count());
                }
                "json" => {
                    check_plain(&question, &shown);
                    let list: Vec<Value> = serde_json::from_str(&shown).expect("a list");
                    rows.push(list.len());
                }
                _ => check_plain(&question, &shown),
            }
        }
        assert!(rows.iter().all(|count| *count == rows[0]), "{question}: {rows:?} rows");
    }
    assert!(
        steering > 20,
        "{steering} cells that would steer a terminal are no test"
    );
    for wrong in [
        &["query", "\u{1b}[31m", "--result", "out"][..],
        &[
            "query",
            "--sql",
            "SELECT '\u{1b}[31m' FROM \u{202e}",
            "--ledger",
            "ledger",
        ],
        &["merge", "\u{1b}[31mnowhere", "--ledger", "ledger"],
        &["coverage", "--ledger", "\u{1b}[31mnowhere"],
    ] {
        let output = run(&folder, wrong);
        assert_eq!(output.status.code(), Some(1), "{wrong:?}");
        check_plain("an error", &text(&output.stderr));
    }
    for more in [&[][..], &["--format", "json"], &["--grants", "grants.json"]] {
        let output = run(&folder, &[&["coverage", "--ledger", "ledger"], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        check_plain("coverage of a ledger", &text(&output.stdout));
    }
}
