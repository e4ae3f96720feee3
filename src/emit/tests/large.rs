//! What becomes of a report whose principals have much in common, and much.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::sample::sample;
use super::{Format, Options, write};
use crate::catalog::Catalog;
use crate::gap::Grade;
use crate::report::{ActionGroup, GrantedBy, Report, Room, Shared, Suggestion, changes};

fn written(report: &Report, format: Format) -> String {
    let mut bytes = Vec::new();
    write(report, format, &Options::default(), &mut bytes).expect("a Vec takes everything");
    String::from_utf8(bytes).expect("UTF-8")
}

/// Groups of services `s000` to `s399`; every other of them is large.
fn groups() -> Vec<Shared<ActionGroup>> {
    let group = |n: u64| ActionGroup {
        service: format!("s{n:03}"),
        grade: Grade::Unused,
        why: "no \"call\" \u{202e}of it".to_owned(),
        count: if n.is_multiple_of(2) { 1_000 - n } else { 2 },
        patterns: vec![format!("s{n:03}:Get*")],
        granted_by: vec![GrantedBy {
            policy: "inline:all".to_owned(),
            statement: "0".to_owned(),
            index: 0,
        }],
    };
    (0..400).map(|n| group(n).into()).collect()
}

/// Principals that all have these groups.
fn principals(n: usize) -> Report {
    let (mut report, groups) = (sample(), groups());
    let template = report.principals[0].clone();
    report.principals = (0..n)
        .map(|n| {
            let mut principal = template.clone();
            principal.arn = format!("arn:aws:iam::111122223333:role/r{n:03}");
            principal.action_groups.clone_from(&groups);
            principal
        })
        .collect();
    report.suggestions.clear();
    report
}

#[test]
fn a_group_of_many_is_written_as_one_of_its_own() {
    let shared = principals(3);
    let mut own = shared.clone();
    for group in own
        .principals
        .iter_mut()
        .flat_map(|principal| &mut principal.action_groups)
    {
        *group = ActionGroup::clone(group).into();
    }
    let text = written(&shared, Format::Json);
    assert_eq!(text, written(&own, Format::Json));
    assert_eq!(text, written(&shared, Format::Json), "and the second time too");
    assert_eq!(Report::from_json(&text).expect("a result"), shared);
}

#[test]
fn a_group_takes_one_line() {
    let text = written(&principals(3), Format::Json);
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("\"service\":")).collect();
    assert_eq!(lines.len(), 3 * 400);
    for line in lines {
        let group: Value = serde_json::from_str(line.trim().trim_end_matches(',')).expect("a whole object");
        assert_eq!(group["why"], "no \"call\" \u{202e}of it");
        assert_eq!(group["granted_by"][0]["statement"], "0");
    }
    assert!(!text.contains('\u{202e}'));
}

/// Principals whose groups would be written often enough to make a large result, and suggestions that take the same
/// services from each, beside one action of its own.
fn alike_in_thousands() -> Report {
    let mut report = principals(200);
    let suggested = sample().suggestions;
    let services: Vec<Arc<[String]>> = (0..300)
        .map(|n| (0..5).map(|action| format!("s{n:03}:Action{action}")).collect())
        .collect();
    let one = |at: usize| {
        let own: Arc<[String]> = Arc::from([format!("own:Action{at}")]);
        let removed = services[..150].iter().chain([&own]).chain(&services[150..]).cloned();
        let room = services.iter().take(at).cloned().collect();
        let beside = Suggestion {
            id: format!("s-{at}"),
            removed: removed.collect(),
            room: Some(Room {
                actions: 7,
                patterns: room,
                note: "for \"room\"".to_owned(),
            }),
            ..Suggestion::clone(&suggested[0])
        };
        suggested[0].clone().with(beside)
    };
    report.suggestions = (0..200).map(one).collect();
    report
}

#[test]
fn a_large_result_says_once_what_many_have_alike_and_reads_back_as_it_was() {
    let report = alike_in_thousands();
    let text = written(&report, Format::Json);
    let in_full = serde_json::to_string(&report).expect("JSON");
    assert!(in_full.len() > 20_000_000, "{}", in_full.len());
    assert!(text.len() < 3_000_000, "{}", text.len());
    let value: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value["schema"], "trimtrail.result/2");
    assert_eq!(value["alike"]["action_groups"].as_array().map(Vec::len), Some(400));
    assert_eq!(value["alike"]["patterns"].as_array().map(Vec::len), Some(300));
    assert_eq!(value["principals"][199]["action_groups"][399], 399);
    assert_eq!(value["suggestions"][3]["removed"][150], "own:Action3");
    assert!(!text.contains('\u{202e}'));
    assert_eq!(Report::from_json(&text).expect("a result"), report);
    assert_eq!(Report::from_json(&in_full).expect("a result"), report);
}

#[test]
fn a_result_that_is_compared_is_read_without_what_nobody_compares() {
    let report = alike_in_thousands();
    assert!(!report.alternatives.is_empty() && !report.policies.is_empty() && !report.refused.is_empty());
    let text = written(&report, Format::Json);
    let read = Report::read_to_compare(|| Ok(text.as_bytes())).expect("a result");
    let without = Report {
        alternatives: Vec::new(),
        refused: Vec::new(),
        policies: Vec::new(),
        policy_documents: BTreeMap::new(),
        ..report.clone()
    };
    assert_eq!(read, without);
    // Room that is held and not used is what made results large in memory.
    for principal in &read.principals {
        assert_eq!(principal.action_groups.capacity(), principal.action_groups.len());
    }
    let changes = |report: &Report| changes(Catalog::embedded(), report, report, None);
    assert_eq!(changes(&read), changes(&report));
}

#[test]
fn what_was_read_back_is_written_alike_again() {
    let text = written(&alike_in_thousands(), Format::Json);
    let read = Report::from_json(&text).expect("a result");
    assert_eq!(written(&read, Format::Json), text);
    let from_full = Report::from_json(&serde_json::to_string(&read).expect("JSON")).expect("a result");
    assert_eq!(written(&from_full, Format::Json), text);
}

#[test]
fn tables_may_stand_behind_what_refers_to_them() {
    let report = alike_in_thousands();
    let mut value: Value = serde_json::from_str(&written(&report, Format::Json)).expect("JSON");
    let fields = value.as_object_mut().expect("an object");
    let tables = fields.shift_remove("alike").expect("tables");
    fields.insert("alike".to_owned(), tables);
    assert_eq!(Report::from_json(&value.to_string()).expect("a result"), report);
}

#[test]
fn a_number_that_no_table_has_is_told() {
    let mut value: Value = serde_json::from_str(&written(&principals(1), Format::Json)).expect("JSON");
    value["principals"][0]["action_groups"] = serde_json::json!([3]);
    let error = Report::from_json(&value.to_string()).expect_err("no table");
    assert_eq!(error.to_string(), "not a result of `analyze`: `alike` has no entry 3");
}

#[test]
fn a_page_shows_the_largest_groups_of_those_who_come_last() {
    let page = written(&principals(15), Format::Html);
    let rows: Vec<Vec<&str>> = page
        .split("<h3 class=\"long\">The rest, by service</h3>")
        .skip(1)
        .map(|table| {
            let table = table.split("</table>").next().unwrap_or_default();
            let cells = table.split("<tr><td><b>").skip(1);
            cells.map(|cell| cell.split('<').next().unwrap_or_default()).collect()
        })
        .collect();
    let shown: Vec<usize> = rows.iter().map(Vec::len).collect();
    assert_eq!(shown, [[100; 10].as_slice(), &[10; 5]].concat());
    // The largest of the 200 large ones.
    let large = rows[0]
        .iter()
        .filter(|service| service.ends_with(['0', '2', '4', '6', '8']));
    assert_eq!(large.collect::<BTreeSet<_>>().len(), 100);
    assert_eq!(
        rows[14],
        [
            "s000", "s002", "s004", "s006", "s008", "s010", "s012", "s014", "s016", "s018"
        ]
    );
    assert!(page.contains("<p class=\"soft\">390 smaller in result.json.</p>"));
}

#[test]
fn principals_of_whom_the_same_is_suggested_are_one_line() {
    let mut report = principals(5);
    let suggested = sample().suggestions;
    let one = |arn: &str| {
        let beside = Suggestion {
            affects: vec![arn.to_owned()],
            policy_arn: arn.to_owned(),
            ..Suggestion::clone(&suggested[0])
        };
        suggested[0].clone().with(beside)
    };
    report.suggestions = report.principals[..4].iter().map(|who| one(&who.arn)).collect();
    // Less is granted to one of them.
    report.principals[3].totals.granted -= 1;
    let text = written(&report, Format::Terminal);
    assert!(text.contains("apply 1, and 2 alike"), "{text}");
    let lines = |name: &str| text.lines().filter(|line| line.trim_start().starts_with(name)).count();
    assert_eq!(
        ["role/r000", "role/r001", "role/r002", "role/r003", "role/r004"].map(lines),
        [1, 0, 0, 1, 1]
    );
}

#[test]
fn a_page_of_a_thousand_has_a_place_for_each_and_stays_below_a_megabyte() {
    let report = principals(1_000);
    let start = std::time::Instant::now();
    let page = written(&report, Format::Html);
    // A program that is built without optimisation takes about twenty times as long as a released one.
    assert!(start.elapsed().as_secs() < 40, "{:?}", start.elapsed());
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    for principal in &report.principals {
        let place = format!("id=\"{}\"", principal.arn);
        assert_eq!(page.matches(&place).count(), 1, "{place}");
    }
}

/// Three roles of whom the same is suggested, and a fourth whose suggestion rests on one assumption more.
fn alike() -> Report {
    let mut report = principals(4);
    let suggested = sample().suggestions;
    let one = |at: usize, arn: &str| {
        let mut beside = Suggestion {
            affects: vec![arn.to_owned()],
            policy_arn: arn.to_owned(),
            policy: "de|ploy<b>\u{202e}".to_owned(),
            ..Suggestion::clone(&suggested[0])
        };
        beside.verdict.calls_represented = 100 + at as u64;
        if at == 3 {
            beside.assumptions.push("the fourth is not quite the same".to_owned());
        }
        suggested[0].clone().with(beside)
    };
    let people = report.principals.iter().enumerate();
    report.suggestions = people.map(|(at, who)| one(at, &who.arn)).collect();
    report
}

#[test]
fn a_comment_says_once_what_is_suggested_of_many() {
    let text = written(&alike(), Format::Markdown);
    assert!(text.contains("## trimtrail: 4 policies allow less"), "{text}");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| <code>")).collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert!(
        rows[0].contains(", 3 alike | <code>role/r000</code>, <code>role/r001</code> and 1 more | 301 actions each |")
    );
    assert!(
        !rows[1].contains("alike") && rows[1].contains("<code>role/r003</code>"),
        "{}",
        rows[1]
    );
    assert_eq!(text.matches("<details>").count(), 2);
    assert!(
        text.contains(", 3 alike, of <code>role/r000</code>, <code>role/r001</code> and 1 more</summary>"),
        "{text}"
    );
    // What differs is there: whom each is for, and where it stands.
    for name in ["r000", "r001", "r002", "r003"] {
        assert!(text.contains(&format!("role/{name}/inline-")), "{name} in {text}");
    }
    assert!(text.contains("the fourth is not quite the same"));
    assert!(text.contains("4 of 4"), "each is proved: {text}");
    assert!(!text.contains("<b>") && !text.contains('\u{202e}'), "{text}");
}

#[test]
fn a_page_tells_once_what_is_suggested_of_many() {
    let report = alike();
    let page = written(&report, Format::Html).replace("&#x2f;", "/");
    assert_eq!(page.matches("<details class=\"suggest\"").count(), 2);
    assert_eq!(page.matches(" · alike, shown above · ").count(), 2);
    assert!(
        page.contains("<dt>Alike for</dt><dd>role/r001, role/r002</dd>"),
        "{page}"
    );
    // How much was replayed differs, and is told of each.
    for calls in ["100 calls", "101 calls", "102 calls", "103 calls"] {
        assert!(page.contains(calls), "{calls}");
    }
    for at in 1..=report.suggestions.len() {
        assert_eq!(page.matches(&format!("id=\"s-{at}\"")).count(), 1, "{at}");
    }
    assert!(!page.contains("<b>\u{202e}") && !page.contains('\u{202e}'));
}

/// Two roles of whom the same is suggested, each in an account whose number stands in its policy, and a third whose policy
/// names the first one's account.
fn in_two_accounts() -> Report {
    let mut report = principals(3);
    let suggested = sample().suggestions;
    let accounts = ["111122223333", "444455556666", "777788889999"];
    for (at, account) in accounts.iter().enumerate() {
        report.principals[at].account = (*account).to_owned();
        report.principals[at].arn = format!("arn:aws:iam::{account}:role/app");
    }
    let one = |at: usize| {
        let arn = report.principals[at].arn.clone();
        let named = accounts[if at == 2 { 0 } else { at }];
        let document = |actions: &[&str]| {
            let queue = format!("arn:aws:sqs:eu-west-1:{named}:jobs");
            let statement = json!({"Effect": "Allow", "Action": actions, "Resource": queue});
            json!({"Version": "2012-10-17", "Statement": [statement]})
        };
        // Whatever else it says of an account it says of the same.
        let words = serde_json::to_string(&suggested[0]).expect("JSON");
        let mut text: Value = serde_json::from_str(&words.replace(accounts[0], named)).expect("JSON");
        text["affects"] = json!([arn]);
        text["policy_arn"] = json!(arn);
        text["before"] = document(&["sqs:SendMessage", "sqs:DeleteQueue"]);
        text["after"] = document(&["sqs:SendMessage"]);
        text["before_sha256"] = json!(format!("of {named}"));
        text
    };
    let mut value = serde_json::to_value(&report).expect("JSON");
    value["suggestions"] = (0..3).map(one).collect();
    Report::from_json(&value.to_string()).expect("a result")
}

#[test]
fn what_is_the_same_in_several_accounts_is_told_once() {
    let report = in_two_accounts();
    let text = written(&report, Format::Markdown);
    assert_eq!(text.matches("<details>").count(), 2, "{text}");
    assert!(
        text.contains(", 2 alike | <code>role/app</code> in 2 accounts | "),
        "{text}"
    );
    assert!(
        text.contains("- Accounts: <code>111122223333</code>, <code>444455556666</code>; what follows"),
        "{text}"
    );
    let page = written(&report, Format::Html).replace("&#x2f;", "/");
    assert_eq!(page.matches("<details class=\"suggest\"").count(), 2);
    assert!(
        page.contains("<dt>Alike for</dt><dd>role/app (444455556666)</dd>"),
        "{page}"
    );
    let screen = written(&report, Format::Terminal);
    let lines: Vec<&str> = screen.lines().filter(|line| line.starts_with("role/app")).collect();
    assert_eq!(lines.len(), 2, "{screen}");
    assert!(
        lines[0].starts_with("role/app 2 accounts") && lines[0].contains("and 1 alike"),
        "{screen}"
    );
    assert!(
        lines[1].starts_with("role/app 777788889999") && !lines[1].contains("alike"),
        "{screen}"
    );
}
