//! Every format on one report that a stranger wrote half of.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use unicode_width::UnicodeWidthStr;

use super::{Format, Options, diff, escape, folder, policies, write};
use crate::patch::WrittenAt;
use crate::report::{AccountFinding, Excluded, Finding, LivePolicy, PolicyNote, Report, Severity, Suggestion};

mod comment;
mod contrast;
mod large;
mod sample;

use sample::{sample, suggestion};

fn text(format: Format, options: &Options) -> String {
    let mut bytes = Vec::new();
    write(&sample(), format, options, &mut bytes).expect("a Vec takes everything");
    String::from_utf8(bytes).expect("UTF-8")
}

fn written(report: &Report, format: Format) -> String {
    let mut bytes = Vec::new();
    write(report, format, &Options::default(), &mut bytes).expect("a Vec takes everything");
    String::from_utf8(bytes).expect("UTF-8")
}

fn plain(format: Format) -> String {
    text(
        format,
        &Options {
            include_held: true,
            verbose: 1,
            ..Options::default()
        },
    )
}

#[cfg(not(feature = "polars"))]
const TEXTS: &[Format] = Format::ALL;
#[cfg(feature = "polars")]
const TEXTS: &[Format] = Format::ALL.split_at(Format::ALL.len() - 1).0;

#[test]
fn hostile_characters_never_appear_raw() {
    for format in TEXTS {
        let text = plain(*format);
        for steering in ['\u{1b}', '\u{202e}', '\u{2066}', '\u{0}'] {
            assert!(!text.contains(steering), "{format} holds {steering:?}");
        }
        let lone = text.replace("\r\n", "\n");
        assert!(!lone.contains('\r'), "{format} holds a carriage return");
    }
}

#[test]
fn same_report_same_bytes() {
    for format in TEXTS {
        assert_eq!(plain(*format), plain(*format));
    }
}

#[test]
fn people_read_no_logged_use_and_never_safe_or_unused() {
    for format in [Format::Terminal, Format::Markdown] {
        let text = plain(format);
        assert!(text.contains("no logged") || text.contains("No logged"), "{format}");
        assert!(!text.to_lowercase().contains("unused"), "{format}");
        assert!(!text.to_lowercase().contains(" safe"), "{format}");
    }
}

/// Removes `ESC [ … m`, the only sequence that we write.
fn without_colour(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').expect("a colour ends").1);
    }
    plain
}

#[test]
fn terminal_lines_fit() {
    for width in [60, 80, 100, 120, 140, 200] {
        for verbose in [0, 1] {
            let options = Options {
                width,
                verbose,
                ..Options::default()
            };
            let plain = text(Format::Terminal, &options);
            let colour = text(
                Format::Terminal,
                &Options {
                    colour: true,
                    ..options
                },
            );
            for line in plain.lines() {
                assert!(line.width() <= width, "{} columns of {width}: {line}", line.width());
            }
            assert!(colour.contains("\u{1b}["));
            let bare: Vec<String> = colour.lines().map(without_colour).collect();
            assert_eq!(bare, plain.lines().collect::<Vec<_>>());
        }
    }
}

#[test]
fn the_first_screen_has_its_tone() {
    let text = text(
        Format::Terminal,
        &Options {
            width: 140,
            ..Options::default()
        },
    );
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[..10],
        [
            "Window 180d · 1 account · 1 region unproven · S3 data events: 1 bucket · SCPs: not seen",
            "READY NOW        3 suggestions   0 of 41,202 observed calls lost (catalog 2026-10-27) · 2 keep something unseen · backtest: 0 of 38,000",
            "                                 later calls would have broken",
            "                                 trimtrail patch result/result.json DIR --write",
            "HELD             1               1 until 2026-12-01 · backtest: 2 later calls would have broken · --include-held takes them",
            "NEEDS A CHOICE  31               policies grant what no log shows, ready ones too; 40 questions for those who know",
            "                                 trimtrail decide result/result.json -o choices.toml",
            "NOT TOUCHED    105               61 too new · 44 service roles",
            "Top risk removed   role/ci-deploy (1 policy, 1 principal): iam:PutRolePolicy, iam:CreateAccessKey",
            "Would prove most   data events on 4 buckets",
        ]
    );
}

#[test]
fn thousands_stand_apart_from_what_they_count() {
    let mut report = sample();
    report.totals.needs_choice = 5004;
    let mut out = Vec::new();
    write(&report, Format::Terminal, &Options::default(), &mut out).expect("a Vec takes everything");
    let text = String::from_utf8(out).expect("text");
    assert!(text.contains("NEEDS A CHOICE 5,004 "), "{text}");
    assert!(text.contains("READY NOW          3 "), "{text}");
}

#[test]
fn a_result_read_back_is_the_same_result() {
    let first = plain(Format::Json);
    assert!(first.ends_with("}\n"));
    let report = Report::from_json(&first).expect("our own result");
    assert_eq!(report, sample());
    let mut again = Vec::new();
    write(&report, Format::Json, &Options::default(), &mut again).expect("a Vec takes everything");
    assert_eq!(first.as_bytes(), again);
}

#[test]
fn csv_reads_back_and_calculates_nothing() {
    let text = plain(Format::Csv);
    let mut table = ::csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> = table.headers().expect("a header").iter().map(str::to_owned).collect();
    assert_eq!(
        header.join(","),
        "principal,account,kind,action,grade,why,calls,first_seen,last_seen,granted_by,suggestion"
    );
    let rows: Vec<::csv::StringRecord> = table.records().collect::<Result<_, _>>().expect("rows");
    // Each of four suggestions has a choice about one pattern.
    assert_eq!(rows.len(), 2 * (3 + 2) + 4);
    for cell in rows.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
    }
    let row = rows
        .iter()
        .find(|row| &row[3] == "iam:Put*")
        .expect("a row for each pattern");
    assert_eq!(&row[10], "s-1; s-2; s-3; s-4");
    assert_eq!(&row[9], "inline:deploy#Storage");
    assert!(rows.iter().any(|row| row[5].starts_with("'=cmd")));
}

#[test]
fn findings_about_accounts_and_uses_left_out_stand_in_csv_and_markdown() {
    let mut report = sample();
    report.account_findings.push(AccountFinding {
        account: "111122223333".to_owned(),
        finding: Finding {
            id: "root-used".to_owned(),
            key: "root-used:111122223333".to_owned(),
            severity: Severity::High,
            practice: "Nobody works as root".to_owned(),
            title: "root made 3 calls".to_owned(),
            why: "3 calls".to_owned(),
            fix: "Use a role".to_owned(),
            commands: Vec::new(),
            evidence: Vec::new(),
        },
    });
    report.coverage.excluded.push(Excluded {
        rule: "session \u{1b}evil".to_owned(),
        events: 12,
    });
    let written = |format| {
        let mut bytes = Vec::new();
        write(&report, format, &Options::default(), &mut bytes).expect("a Vec takes everything");
        String::from_utf8(bytes).expect("UTF-8")
    };
    let text = written(Format::Csv);
    let mut table = ::csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<::csv::StringRecord> = table.records().collect::<Result<_, _>>().expect("rows");
    let cells = |row: &::csv::StringRecord| [1, 2, 3, 4, 6].map(|at| row[at].to_owned());
    assert_eq!(
        cells(&rows[14]),
        ["111122223333", "account", "root-used", "finding", "0"]
    );
    assert_eq!(cells(&rows[15]), ["", "archive", "", "excluded", "12"]);
    let text = written(Format::Markdown);
    assert!(
        text.contains("- <code>111122223333</code>, high: root made 3 calls. Use a role.\n"),
        "{text}"
    );
    assert!(
        text.contains("- What 12 events needed that `--exclude-use` left out: session "),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn csv_prefixes_what_would_calculate() {
    for (cell, expected) in [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\\t=1"),
        ("\r=1", "'\\r=1"),
        ("a=1", "a=1"),
        ("", ""),
    ] {
        assert_eq!(escape::csv(cell), expected);
    }
}

#[test]
fn sarif_has_what_the_schema_requires() {
    let log: Value = serde_json::from_str(&plain(Format::Sarif)).expect("JSON");
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "trimtrail");
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), 2 + 3);
    for result in results {
        assert!(!result["message"]["text"].as_str().expect("a message").is_empty());
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().expect("a level")));
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small")];
        assert_eq!(rule["id"], result["ruleId"]);
        let location = &result["locations"][0];
        assert!(
            location["logicalLocations"][0]["fullyQualifiedName"]
                .as_str()
                .expect("an ARN")
                .starts_with("arn:")
        );
    }
}

/// A source where one is known, else the file of the grants, else the answer itself.
#[test]
fn results_point_to_where_a_policy_is_written() {
    let mut report = sample();
    let role = "arn:aws:iam::111122223333:role/ci/ci-deploy";
    let principal = report
        .principals
        .iter_mut()
        .find(|one| one.arn == role)
        .expect("the role");
    principal.policies = vec![PolicyNote {
        policy: "../../etc".to_owned(),
        policy_arn: role.to_owned(),
        kind: "inline".to_owned(),
        file: "grants/page 1.json".to_owned(),
        rewritable: true,
        why_not: None,
    }];
    report.policies = vec![LivePolicy {
        policy: "deploy".to_owned(),
        policy_arn: role.to_owned(),
        kind: "inline".to_owned(),
        ..LivePolicy::default()
    }];
    let written = WrittenAt {
        file: "infra/100%/main.tf".to_owned(),
        line: 12,
    };
    let known = BTreeMap::from([((role.to_owned(), "deploy".to_owned()), written)]);
    for (sources, expected) in [
        (known, ("infra/100%25/main.tf", 12)),
        (BTreeMap::new(), ("grants/page%201.json", 1)),
    ] {
        let options = Options {
            include_held: true,
            sources,
            ..Options::default()
        };
        let json = |format: Format| -> Value {
            let mut bytes = Vec::new();
            write(&report, format, &options, &mut bytes).expect("a Vec takes everything");
            serde_json::from_slice(&bytes).expect("JSON")
        };
        let (log, diagnostics) = (json(Format::Sarif), json(Format::Rdjson));
        let results = log["runs"][0]["results"].as_array().expect("results");
        let diagnostics = diagnostics["diagnostics"].as_array().expect("diagnostics");
        let places = results.iter().zip(diagnostics).map(|(result, diagnostic)| {
            let physical = &result["locations"][0]["physicalLocation"];
            let line = physical["region"]["startLine"].as_u64().expect("a line");
            assert_eq!(diagnostic["location"]["range"]["start"]["line"], line);
            (physical["artifactLocation"]["uri"].as_str().expect("a file"), line)
        });
        let places: Vec<(&str, u64)> = places.collect();
        let grants = ("grants/page%201.json", 1);
        assert_eq!(places, [expected, grants, expected, grants, ("result.json", 1)]);
    }
}

/// GitHub docs, "SARIF support for code scanning": what an upload is refused or cut for.
#[test]
fn code_scanning_accepts_the_sarif() {
    let log: Value = serde_json::from_str(&plain(Format::Sarif)).expect("JSON");
    let run = &log["runs"][0];
    for rule in run["tool"]["driver"]["rules"].as_array().expect("rules") {
        for text in ["shortDescription", "fullDescription", "help"] {
            let length = rule[text]["text"].as_str().expect("a text").chars().count();
            assert!((1..=5_000).contains(&length), "{text}: {length}");
        }
        assert!(rule["id"].as_str().expect("an id").chars().count() <= 255);
        assert!(rule["properties"]["tags"].as_array().expect("tags").len() <= 20);
    }
    let mut fingerprints = std::collections::BTreeSet::new();
    for result in run["results"].as_array().expect("results") {
        let locations = result["locations"].as_array().expect("locations");
        assert!(!locations.is_empty() && locations.len() <= 1_000);
        for location in locations {
            let physical = &location["physicalLocation"];
            let uri = physical["artifactLocation"]["uri"].as_str().expect("a file");
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~%/".contains(c);
            assert!(
                uri.chars().all(plain) && !uri.starts_with('/') && !uri.contains("//"),
                "{uri}"
            );
            assert!(uri.split('/').all(|part| !matches!(part, "." | "..")), "{uri}");
            assert!(physical["region"]["startLine"].as_u64().expect("a line") >= 1);
        }
        let print = result["partialFingerprints"]["trimtrail/v2"]
            .as_str()
            .expect("a fingerprint");
        assert!(
            fingerprints.insert(print.to_owned()),
            "two results with one fingerprint"
        );
    }
}

#[test]
fn a_day_more_leaves_the_fingerprints_as_they_are() {
    let prints = |report: &Report| -> Vec<Value> {
        let log: Value = serde_json::from_str(&written(report, Format::Sarif)).expect("JSON");
        let results = log["runs"][0]["results"].as_array().expect("results").clone();
        results
            .into_iter()
            .map(|result| result["partialFingerprints"].clone())
            .collect()
    };
    let today = sample();
    let mut tomorrow = sample();
    for finding in tomorrow.principals.iter_mut().flat_map(|one| &mut one.findings) {
        finding.evidence.push("2026-11-30T00:00:00Z".to_owned());
        finding.why.push_str(" 181 days");
        finding.title.push_str(" for 181 days");
    }
    assert_eq!(prints(&tomorrow), prints(&today));
}

#[test]
fn the_page_runs_no_script_but_its_own_and_needs_no_network() {
    let page = plain(Format::Html);
    let (head, rest) = page.split_once("<script>").expect("the script");
    let (script, tail) = rest.split_once("</script>").expect("its end");
    let hash = BASE64_STANDARD.encode(Sha256::digest(script));
    assert!(page.contains(&format!("script-src 'sha256-{hash}'; base-uri 'none'")));
    for forbidden in ["eval", "innerhtml", "fetch", "http", "insertadjacent", "document.write"] {
        assert!(!script.to_lowercase().contains(forbidden), "{forbidden}");
    }
    let page = format!("{head}{tail}");
    // Arrows name their tip, which the page holds.
    let lower = page.to_lowercase().replace("url(#tip)", "");
    for forbidden in [
        "<script",
        "src=/",
        "src=\"",
        "href=\"h",
        "url(",
        "@import",
        "javascript:",
        "<iframe",
        "<link",
        "onload=",
    ] {
        assert!(!lower.contains(forbidden), "{forbidden}");
    }
    assert!(
        page.contains("default-src &#x27;none&#x27;") || page.contains("default-src 'none'; style-src 'unsafe-inline'")
    );
    assert!(page.len() < 400_000, "250 kB of a name do not belong on a page");
    assert!(page.contains("&lt;script"));
    assert!(!page.contains("{{") || page.contains("{{7*7}}"));
}

#[test]
fn the_page_is_balanced() {
    let page = plain(Format::Html);
    let mut open: Vec<&str> = Vec::new();
    let body = page.split_once("</style>").expect("a style").1;
    for tag in body
        .split('<')
        .skip(1)
        .map(|rest| rest.split('>').next().unwrap_or_default())
    {
        let name = tag
            .trim_start_matches('/')
            .split_whitespace()
            .next()
            .unwrap_or_default();
        if tag.starts_with('/') {
            let last = open.pop();
            // The head was opened before the part that is looked at.
            assert!(
                last == Some(name) || (last.is_none() && ["head", "html"].contains(&name)),
                "</{name}> closes {last:?}"
            );
        } else if !tag.ends_with('/') && !["br", "meta", "input"].contains(&name) {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<&str>::new());
}

#[test]
fn markdown_tables_keep_their_columns() {
    let text = plain(Format::Markdown);
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
    assert_eq!(rows.len(), 1 + 3);
    for row in rows {
        assert_eq!(row.matches('|').count(), 7, "{row}");
    }
}

#[test]
fn markdown_stays_markup_of_ours() {
    let text = plain(Format::Markdown);
    assert!(text.chars().count() < 65_536);
    assert!(
        !text.contains("@octocat") || text.contains("```diff"),
        "a mention notifies"
    );
    let mut fenced = false;
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            for raw in [
                "<script",
                "@octocat",
                "https://evil",
                "**b**",
                "[x](",
                "</details> ",
                "{{7",
            ] {
                assert!(!line.contains(raw), "{raw} in {line}");
            }
        }
    }
    assert!(!fenced);
    assert_eq!(text.matches("<details>").count(), 3);
    assert_eq!(text.lines().filter(|line| *line == "</details>").count(), 3);
}

#[test]
fn a_comment_with_too_much_says_what_it_left_out() {
    let mut report = sample();
    for n in 0..400 {
        report.suggestions.push(suggestion(
            &format!("m-{n}"),
            &format!("many-{n}"),
            "replace",
            "actions",
            None,
        ));
    }
    let mut bytes = Vec::new();
    write(&report, Format::Markdown, &Options::default(), &mut bytes).expect("a Vec takes everything");
    let text = String::from_utf8(bytes).expect("UTF-8");
    assert!(text.chars().count() <= 65_536, "{}", text.chars().count());
    assert!(text.contains("did not fit here: they stand"));
}

/// Puts a unified diff on top of a text: what `patch` would do.
fn patched(before: &str, hunks: &str) -> String {
    let old: Vec<&str> = before.lines().collect();
    let mut new: Vec<String> = Vec::new();
    let mut at = 0;
    for line in hunks.lines() {
        if let Some(range) = line.strip_prefix("@@ -") {
            let (start, rest) = range.split_once(',').expect("a range");
            let start: usize = start.parse().expect("a number");
            let length: usize = rest.split(' ').next().expect("a length").parse().expect("a number");
            let from = if length == 0 { start } else { start - 1 };
            while at < from {
                new.push(old[at].to_owned());
                at += 1;
            }
            continue;
        }
        let (mark, content) = line.split_at(1);
        match mark {
            "+" => new.push(content.to_owned()),
            "-" => {
                assert_eq!(old[at], content);
                at += 1;
            }
            _ => {
                assert_eq!(old[at], content);
                new.push(content.to_owned());
                at += 1;
            }
        }
    }
    new.extend(old[at..].iter().map(|line| (*line).to_owned()));
    new.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_diff_on_top_of_the_old_text_is_the_new_text() {
    let report = sample();
    for one in policies::chosen(&report, true) {
        let before = policies::text(one.suggestion.before()).expect("JSON");
        let after = policies::text(one.suggestion.after()).expect("JSON");
        assert_eq!(patched(&before, &diff::unified(&before, &after)), after);
    }
    // Every text of up to five lines out of two, against every other.
    let small: Vec<String> = (0..6_u32)
        .flat_map(|n| {
            (0..1_u32 << n).map(move |bits| (0..n).map(|i| if bits >> i & 1 == 1 { "a\n" } else { "b\n" }).collect())
        })
        .collect();
    for before in &small {
        for after in &small {
            assert_eq!(&patched(before, &diff::unified(before, after)), after);
        }
    }
    let long: String = (0..40).map(|n| format!("{n}\n")).collect();
    let other = long.replace("\n3\n", "\n").replace("\n30\n", "\nthirty\n");
    let hunks = diff::unified(&long, &other);
    assert_eq!(hunks.matches("@@ -").count(), 2);
    assert_eq!(patched(&long, &hunks), other);
}

#[test]
fn the_folder_holds_the_last_step_that_is_not_held() {
    let dir = std::env::temp_dir().join(format!("trimtrail-emit-{}", std::process::id()));
    let names = |options: &Options| {
        let written = folder(&sample(), &dir, options).expect("a folder to write to").files;
        let names: Vec<String> = written
            .iter()
            .map(|path| {
                path.strip_prefix(&dir)
                    .expect("below the folder")
                    .to_string_lossy()
                    .replace('\\', "/")
            })
            .collect();
        assert!(written.iter().all(|path| path.is_file()));
        names
    };
    let ready = ["result.json", "report.html", "summary.md"];
    let deploy = "policies/111122223333/role/ci-deploy/inline-deploy";
    let held = "policies/111122223333/role/ci-deploy/inline-%2E.%2F..%2Fetc";
    let mut expected: Vec<String> = ready.map(str::to_owned).to_vec();
    expected.extend([format!("{deploy}.json"), format!("{deploy}.original.json")]);
    assert_eq!(names(&Options::default()), expected);
    expected.extend([format!("{held}.json"), format!("{held}.original.json")]);
    assert_eq!(
        names(&Options {
            include_held: true,
            ..Options::default()
        }),
        expected
    );
    let original = std::fs::read_to_string(dir.join(format!("{deploy}.original.json"))).expect("a file");
    let original: Value = serde_json::from_str(&original).expect("JSON");
    assert_eq!(original, sample().suggestions[1].before().value());
    std::fs::remove_dir_all(&dir).expect("our own folder");
}

/// The path of a replacement for a policy of this name and ARN.
fn path(policy: &str, policy_arn: &str, affects: &[&str]) -> String {
    let one = suggestion("s", policy, "replace", "actions", None);
    let beside = Suggestion {
        policy_arn: policy_arn.to_owned(),
        affects: affects.iter().map(|arn| (*arn).to_owned()).collect(),
        ..Suggestion::clone(&one)
    };
    let one = one.with(beside);
    let report = Report {
        suggestions: vec![one],
        ..sample()
    };
    policies::chosen(&report, false)[0].path()
}

#[test]
fn every_name_is_one_component_of_a_path() {
    let role = "arn:aws:iam::111122223333:role/team/api";
    let user = "arn:aws:iam::111122223333:user/ann";
    let managed = "arn:aws:iam::111122223333:policy/team/api";
    for (policy, arn, affects, expected) in [
        ("a", role, &[role][..], "policies/111122223333/role/api/inline-a.json"),
        (
            "a b/é",
            user,
            &[user],
            "policies/111122223333/user/ann/inline-a%20b%2F%C3%A9.json",
        ),
        (
            "api",
            managed,
            &[role],
            "policies/111122223333/role/api/managed-api.json",
        ),
        (
            "api",
            managed,
            &[role, user],
            "policies/111122223333/shared/api/managed-api.json",
        ),
        (
            "ReadOnlyAccess",
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
            &[user],
            "policies/111122223333/user/ann/managed-ReadOnlyAccess.json",
        ),
        (
            "g",
            "arn:aws:iam::111122223333:group/devs",
            &[user, role],
            "policies/111122223333/group/devs/inline-g.json",
        ),
        ("", role, &[role], "policies/111122223333/role/api/inline-%.json"),
        (
            "x.original",
            role,
            &[role],
            "policies/111122223333/role/api/inline-x%2Eoriginal.json",
        ),
        ("..", "nonsense", &[], "policies/unknown/shared/%2E./inline-%2E..json"),
    ] {
        assert_eq!(path(policy, arn, affects), expected);
    }
    let long = path(&"é".repeat(125_000), role, &[role]);
    assert!(long.split('/').all(|part| part.len() < 240), "{long}");
    assert!(
        Path::new(&long)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)))
    );
}

#[test]
fn a_cut_text_keeps_both_ends_and_fits() {
    for (text, columns, expected) in [
        ("abcdefghij", 10, "abcdefghij"),
        ("abcdefghijk", 10, "abcde…hijk"),
        ("abcdefghijk", 1, "…"),
        ("abcdefghijk", 0, ""),
        ("表表表表表表", 7, "表…表"),
    ] {
        assert_eq!(escape::cut(text, columns), expected);
    }
    for columns in 0..30 {
        assert!(escape::cut("ärole/表-with-é-long-name-表表", columns).width() <= columns);
    }
}

#[test]
fn a_markdown_name_shows_as_it_is_written() {
    for (text, expected) in [
        ("role/ci-deploy", "role/ci-deploy"),
        ("s3:GetObject", "s3:GetObject"),
        ("a|b", "a&#124;b"),
        ("@ann", "&#64;<!-- -->ann"),
        ("fixes #12", "fixes &#35;<!-- -->12"),
        ("closes GH-12", "closes GH&#45;<!-- -->12"),
        ("resolves gh-1", "resolves gh&#45;<!-- -->1"),
        ("SHOP-7", "SHOP&#45;<!-- -->7"),
        ("eu-west-1", "eu-west-1"),
        ("at 0ddba11 and", "at 0ddba1<!-- -->1 and"),
        ("111122223333", "111122223333"),
        ("AROA0123456", "AROA0123456"),
        ("https://x", "https&#58;//x"),
        ("www.x", "www&#46;x"),
        ("1. x", "1&#46; x"),
        ("- x", "&#45; x"),
        ("<b>", "&#60;b&#62;"),
        ("a\nb", "a&#92;nb"),
    ] {
        assert_eq!(escape::markdown(text), expected);
    }
}

#[test]
fn a_format_is_known_by_its_name() {
    for format in Format::ALL {
        assert_eq!(format.to_string().parse(), Ok(*format));
    }
    let said = "pdf".parse::<Format>().expect_err("no format").to_string();
    assert!(said.starts_with("no format `pdf`; terminal, json, markdown"), "{said}");
}

#[test]
fn nothing_found_is_written_too() {
    let empty = Report {
        coverage: Default::default(),
        window: Default::default(),
        principals: Vec::new(),
        suggestions: Vec::new(),
        refused: Vec::new(),
        totals: Default::default(),
        ..sample()
    };
    for (format, expected) in [
        (Format::Terminal, "READY NOW        0 suggestions\n"),
        (Format::Json, "\"suggestions\": [],"),
        (Format::Markdown, "## trimtrail: no policy can allow less yet\n"),
        (Format::Diff, ""),
        (Format::Html, "no suggestion is ready"),
        (Format::Sarif, "\"results\": [],"),
        (Format::Csv, "granted_by,suggestion\r\n"),
    ] {
        let mut bytes = Vec::new();
        write(&empty, format, &Options::default(), &mut bytes).expect("a Vec takes everything");
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert!(text.contains(expected), "{format}: {text}");
        assert_eq!(text.is_empty(), expected.is_empty(), "{format}: {text}");
    }
}
