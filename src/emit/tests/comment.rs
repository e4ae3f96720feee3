//! What is posted on a pull request: the comment, and reviewdog's diagnostics.

use serde_json::Value;

use super::sample::sample;
use super::{plain, written};
use crate::emit::{Format, comment};
use crate::report::{AccountFinding, Finding, Severity};

#[test]
fn a_comment_is_known_by_its_mark_and_always_fits() {
    let mark = |text: &str| text.lines().next().unwrap_or("").to_owned();
    let (once, again) = (plain(Format::Markdown), plain(Format::Markdown));
    assert!(mark(&once).starts_with("<!-- trimtrail:summary ") && mark(&once).ends_with(" -->"));
    assert_eq!(once, again);
    let mut report = sample();
    report.window.days += 1.0;
    assert_ne!(mark(&once), mark(&written(&report, Format::Markdown)));
    // Names of characters that each take many to show.
    let hostile = "@".repeat(400);
    let finding = Finding {
        id: "root-used".to_owned(),
        key: "root-used".to_owned(),
        severity: Severity::High,
        practice: hostile.clone(),
        title: hostile.clone(),
        why: hostile.clone(),
        fix: hostile.clone(),
        commands: Vec::new(),
        evidence: Vec::new(),
    };
    let one = AccountFinding {
        account: hostile,
        finding,
    };
    report.account_findings = vec![one; 50];
    let text = written(&report, Format::Markdown);
    assert!(text.chars().count() < 65_536, "{}", text.chars().count());
    assert!(text.ends_with("The rest did not fit into a comment: `result.json` and `report.html` hold it.\n"));
    assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
}

#[test]
fn what_is_cut_inside_a_fold_is_closed() {
    let text = format!("<details>\n\n````diff\n{}", "- x\n```\n".repeat(20_000));
    let cut = comment::marked("x", &text);
    assert!(cut.chars().count() < 65_536);
    assert!(
        cut.contains("\n````\n\n</details>\n\nThe rest"),
        "{}",
        &cut[cut.len() - 200..]
    );
}

/// `proto/rdf/reviewdog.proto`: what reviewdog asks for.
#[test]
fn reviewdog_reads_what_code_scanning_reads() {
    let read = |format| serde_json::from_str::<Value>(&plain(format)).expect("JSON");
    let (reviewdog, log) = (read(Format::Rdjson), read(Format::Sarif));
    assert_eq!(reviewdog["source"]["name"], "trimtrail");
    let diagnostics = reviewdog["diagnostics"].as_array().expect("diagnostics");
    let results = log["runs"][0]["results"].as_array().expect("results");
    assert_eq!(diagnostics.len(), results.len());
    for (diagnostic, result) in diagnostics.iter().zip(results) {
        assert_eq!(diagnostic["code"]["value"], result["ruleId"]);
        let level = match diagnostic["severity"].as_str().expect("a severity") {
            "ERROR" => "error",
            "WARNING" => "warning",
            "INFO" => "note",
            other => panic!("{other}"),
        };
        assert_eq!(result["level"], level);
        assert!(diagnostic["location"]["range"]["start"]["line"].as_u64() >= Some(1));
        let path = diagnostic["location"]["path"].as_str().expect("a path");
        let leads_out = |part| matches!(part, "" | "." | "..");
        assert!(!path.split('/').any(leads_out), "{path}");
        let message = diagnostic["message"].as_str().expect("a message");
        for raw in ["@octocat", "https://", "<script", "[x]("] {
            assert!(!message.contains(raw), "{message}");
        }
    }
}
