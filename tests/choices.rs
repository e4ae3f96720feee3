//! Choices: asked once, obeyed, named, and told where they no longer match.

mod alike;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use trimtrail::inside::gap::Reason;
use trimtrail::inside::report::Report;
use trimtrail::inside::rightsize::{Choice, Choices, Decision, EvidenceLevel, Keep, KeepRule, Options};

use super::journey::{Folder, allow, analyze, background, call, options, role, secret};

/// What `app` may do: one read that is used, and two calls that only data events would show.
fn document() -> Value {
    allow(
        &json!(["secretsmanager:GetSecretValue", "sns:Publish", "sqs:SendMessage"]),
        &json!("*"),
    )
}

fn choice(decision: Decision, action: &str) -> Choice {
    Choice {
        principal: "app".to_owned(),
        exact: false,
        service: action.split(':').next().expect("a service").to_owned(),
        reason: Reason::DataEvents,
        actions: vec![action.to_owned()],
        decision,
        who: "Ana".to_owned(),
        why: "retired".to_owned(),
    }
}

fn run(events: &[Value], choices: Vec<Choice>, more: Options) -> Report {
    let options = Options {
        choices: Choices(choices),
        ..more
    };
    let events = [background(), vec![secret()], events.to_vec()].concat();
    analyze(&events, &role(&document()), &options, 1)
}

/// The actions that stay; all where nothing is suggested.
fn stays(report: &Report) -> Vec<String> {
    let after = match report.suggestions.iter().find(|one| one.step == "actions") {
        Some(suggestion) => suggestion.after().value(),
        None => document(),
    };
    let statements = after["Statement"].as_array().expect("statements").clone();
    let mut actions: Vec<String> = statements
        .iter()
        .flat_map(|statement| match &statement["Action"] {
            Value::Array(actions) => actions.clone(),
            one => vec![one.clone()],
        })
        .map(|action| action.as_str().expect("text").to_owned())
        .collect();
    actions.sort();
    actions
}

fn asked(report: &Report) -> Vec<(String, String)> {
    let questions = report.questions.iter();
    let mut asked: Vec<_> = questions.map(|one| (one.service.clone(), one.reason.clone())).collect();
    asked.sort();
    asked
}

fn question(service: &str) -> (String, String) {
    (service.to_owned(), "data-events".to_owned())
}

#[test]
fn what_nobody_can_see_is_asked_by_service() {
    assert_eq!(
        asked(&run(&[], Vec::new(), options())),
        [question("sns"), question("sqs")]
    );
}

#[test]
fn a_drop_goes_and_is_asked_no_more() {
    let report = run(&[], vec![choice(Decision::Drop, "sns:Publish")], options());
    assert_eq!(stays(&report), ["secretsmanager:GetSecretValue", "sqs:SendMessage"]);
    assert_eq!(asked(&report), [question("sqs")]);
    let [suggestion] = &report.suggestions[..] else {
        panic!("{} suggestions", report.suggestions.len());
    };
    assert_eq!(suggestion.verdict.chosen_by, ["Ana"]);
    assert_eq!(suggestion.chosen[0].actions.iter().collect::<Vec<_>>(), ["sns:Publish"]);
    assert_eq!(report.choices[0].stale, None);
}

#[test]
fn a_keep_stays_at_every_level_and_is_asked_no_more() {
    let aggressive = Options {
        evidence: EvidenceLevel::Aggressive,
        ..options()
    };
    let without = run(&[], Vec::new(), aggressive.clone());
    assert_eq!(stays(&without), ["secretsmanager:GetSecretValue"]);
    let report = run(&[], vec![choice(Decision::Keep, "sns:Publish")], aggressive);
    assert_eq!(stays(&report), ["secretsmanager:GetSecretValue", "sns:Publish"]);
    assert_eq!(asked(&report), [question("sqs")]);
    assert_eq!(report.suggestions[0].chosen[0].decision, "keep");
    assert_eq!(report.suggestions[0].verdict.chosen_by, Vec::<String>::new());
}

#[test]
fn what_is_to_be_asked_later_stays_at_every_level() {
    let aggressive = Options {
        evidence: EvidenceLevel::Aggressive,
        ..options()
    };
    let later = choice(Decision::Later("2999-01-01".to_owned()), "sns:Publish");
    let report = run(&[], vec![later], aggressive);
    assert_eq!(stays(&report), ["secretsmanager:GetSecretValue", "sns:Publish"]);
    assert_eq!(asked(&report), [question("sqs")]);
}

#[test]
fn an_open_question_decides_nothing() {
    let report = run(&[], vec![choice(Decision::Open, "sns:Publish")], options());
    assert_eq!(stays(&report).len(), 3);
    assert_eq!(asked(&report), [question("sns"), question("sqs")]);
}

#[test]
fn a_keep_rule_wins_over_a_drop() {
    let rule = KeepRule {
        principal: "app".to_owned(),
        action: Some("sns:*".to_owned()),
        reason: "alarms".to_owned(),
        expires: None,
        own: false,
    };
    let kept = Options {
        keep: Keep(vec![rule]),
        ..options()
    };
    let report = run(&[], vec![choice(Decision::Drop, "sns:Publish")], kept);
    assert!(stays(&report).contains(&"sns:Publish".to_owned()));
}

#[test]
fn of_two_choices_the_one_that_keeps_wins() {
    let both = vec![
        choice(Decision::Drop, "sns:Publish"),
        choice(Decision::Keep, "sns:Publish"),
    ];
    let report = run(&[], both, options());
    assert!(stays(&report).contains(&"sns:Publish".to_owned()));
    let stale = report.choices[0].stale.as_deref().expect("told");
    assert!(stale.contains("another choice keeps sns:Publish"), "{stale}");
}

#[test]
fn what_is_used_is_nobodys_to_drop() {
    let drop = vec![choice(Decision::Drop, "secretsmanager:GetSecretValue")];
    let report = run(&[], drop, options());
    assert_eq!(stays(&report).len(), 3);
    let stale = report.choices[0].stale.as_deref().expect("told");
    assert!(
        stale.contains("needed secretsmanager:GetSecretValue") || stale.contains("may have needed"),
        "{stale}"
    );
}

#[test]
fn a_drop_for_another_reason_than_the_one_asked_stays() {
    let drop = Choice {
        reason: Reason::Hole,
        ..choice(Decision::Drop, "sns:Publish")
    };
    let report = run(&[], vec![drop], options());
    assert_eq!(stays(&report).len(), 3);
    let stale = report.choices[0].stale.as_deref().expect("told");
    assert!(stale.contains("for another reason now"), "{stale}");
    assert_eq!(asked(&report), [question("sns"), question("sqs")]);
}

#[test]
fn what_an_unknown_call_may_have_needed_is_nobodys_to_drop() {
    let unknown = call(4, "sns", "PublishTomorrow", json!({}));
    for reason in Reason::ALL {
        let drop = Choice {
            reason,
            ..choice(Decision::Drop, "sns:Publish")
        };
        let report = run(std::slice::from_ref(&unknown), vec![drop], options());
        assert!(stays(&report).contains(&"sns:Publish".to_owned()), "{}", reason.name());
    }
}

#[test]
fn a_choice_for_nobody_and_one_for_what_is_not_granted_are_told() {
    let nobody = Choice {
        principal: "nobody".to_owned(),
        ..choice(Decision::Keep, "sns:Publish")
    };
    let report = run(&[], vec![nobody, choice(Decision::Drop, "sns:CreateTopic")], options());
    let stale: Vec<&str> = report.choices.iter().filter_map(|one| one.stale.as_deref()).collect();
    assert_eq!(
        stale,
        [
            "it names nobody in the grants",
            "nothing that it names is granted any more"
        ]
    );
}

/// The role `app` with tags.
fn tagged() -> Value {
    let mut grants = role(&document());
    grants["RoleDetailList"][0]["Tags"] = json!([
        {"Key": "team", "Value": "payments"},
        {"Key": "cost=center", "Value": "a=b"},
        {"Key": "empty", "Value": ""},
    ]);
    grants
}

#[test]
fn a_choice_and_a_keep_rule_name_whom_a_tag_does() {
    let grants = trimtrail::inside::grants::read(&[("grants".to_owned(), tagged().to_string())]).expect("grants");
    let app = &grants.principals[0];
    for (principal, expected) in [
        ("tag:team=payments", true),
        ("tag:team=pay*", true),
        ("tag:team=*", true),
        // AWS takes keys of roles in any case, and values as they are.
        ("tag:Team=payments", true),
        ("tag:team=Payments", false),
        ("tag:team=pay", false),
        ("tag:team=", false),
        ("tag:empty=", true),
        ("tag:empty=*", true),
        ("tag:other=payments", false),
        ("tag:*=payments", false),
        ("tag:team", false),
        ("tag:", false),
        ("tag:cost=center=a=b", true),
        ("tag:cost=center=a", false),
        ("tag:cost=a=b", false),
        ("team=payments", false),
    ] {
        let choice = Choice {
            principal: principal.to_owned(),
            ..choice(Decision::Keep, "sns:Publish")
        };
        assert_eq!(choice.fits(&grants, 0), expected, "{principal}");
        let rule = KeepRule {
            principal: principal.to_owned(),
            action: None,
            reason: "emergencies".to_owned(),
            expires: None,
            own: false,
        };
        assert_eq!(rule.fits(app), expected, "{principal}");
    }
}

#[test]
fn a_drop_by_tag_goes_from_whoever_has_the_tag() {
    let drop = |principal: &str| {
        let choices = Choices(vec![Choice {
            principal: principal.to_owned(),
            ..choice(Decision::Drop, "sns:Publish")
        }]);
        let options = Options { choices, ..options() };
        analyze(&[background(), vec![secret()]].concat(), &tagged(), &options, 1)
    };
    let report = drop("tag:team=pay*");
    assert_eq!(stays(&report), ["secretsmanager:GetSecretValue", "sqs:SendMessage"]);
    assert_eq!(asked(&report), [question("sqs")]);
    let report = drop("tag:team=sales");
    assert_eq!(stays(&report).len(), 3);
    assert_eq!(
        report.choices[0].stale.as_deref(),
        Some("it names nobody in the grants")
    );
}

struct Sample {
    folder: Folder,
}

impl Sample {
    fn run(&self, arguments: &[&str]) -> Output {
        let mut program = Command::new(env!("CARGO_BIN_EXE_trimtrail"));
        let output = program.current_dir(&self.folder.0).args(arguments).output();
        output.expect("the program runs")
    }

    fn analyze(&self, format: &str, more: &[&str]) -> (String, String) {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs");
        let (logs, grants) = (sample.join("AWSLogs"), sample.join("grants"));
        let (logs, grants) = (logs.display().to_string(), grants.display().to_string());
        let fixed = [
            "analyze",
            "--logs",
            &logs,
            "--grants",
            &grants,
            "--min-window",
            "7d",
            "--backtest",
            "never",
            "--format",
            format,
        ];
        let output = self.run(&[&fixed[..], more].concat());
        assert!(output.status.success(), "{output:?}");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (text(output.stdout), text(output.stderr))
    }
}

/// Answers the first open question about a principal and a service.
fn answer(file: &str, principal: &str, service: &str, decision: &str) -> String {
    let mut done = false;
    let entries: Vec<String> = file
        .split("[[choice]]")
        .map(|entry| {
            let asks = entry.contains(&format!("role/{principal}\"\nservice = \"{service}\""));
            if !asks || done {
                return entry.to_owned();
            }
            done = true;
            let decided = entry.replace("decision = \"\"", &format!("decision = \"{decision}\""));
            let signed = decided.replace("who = \"\"", "who = \"Ana Lima\"");
            signed.replace("why = \"\"", "why = \"the queue is gone\"")
        })
        .collect();
    assert!(done, "no question of {principal} about {service} in\n{file}");
    entries.join("[[choice]]")
}

fn questions(result: &str) -> Vec<(String, String, String)> {
    let report = Report::from_json(result).expect("a result");
    let key =
        |one: &trimtrail::inside::report::Question| (one.principal.clone(), one.service.clone(), one.reason.clone());
    report.questions.iter().map(key).collect()
}

#[test]
fn three_questions_of_the_sample_are_answered_and_the_next_run_asks_the_others() {
    let sample = Sample { folder: Folder::new() };
    let (before, _) = sample.analyze("json", &[]);
    fs::write(sample.folder.0.join("result.json"), &before).expect("a file");
    let decided = sample.run(&["decide", "result.json", "-o", "choices.toml"]);
    assert!(decided.status.success(), "{decided:?}");
    let path = sample.folder.0.join("choices.toml");
    let asked = fs::read_to_string(&path).expect("the questions");
    let all = questions(&before);
    assert_eq!(Choices::parse(&asked).expect("choices").0.len(), all.len());
    let risks: Vec<u64> = Report::from_json(&before)
        .expect("a result")
        .questions
        .iter()
        .map(|one| one.risk)
        .collect();
    assert!(risks.is_sorted_by(|a, b| a >= b), "{risks:?}");

    let three = [
        ("nightly-report", "sns", "drop"),
        ("nightly-report", "dynamodb", "keep"),
        ("shop-orders", "sqs", "ask again on 2999-01-01"),
    ];
    let mut answered = asked;
    for (principal, service, decision) in three {
        answered = answer(&answered, principal, service, decision);
    }
    answered.push_str("\n[[choice]]\nprincipal = \"long-gone\"\nservice = \"s3\"\nreason = \"hole\"\nactions = [\"s3:GetObject\"]\ndecision = \"keep\"\n");
    fs::write(&path, &answered).expect("a file");

    let (after, told) = sample.analyze("json", &["--choices", "choices.toml"]);
    assert!(
        told.contains("a choice no longer matches (keep s3 of long-gone): it names nobody"),
        "{told}"
    );
    let is_answered = |(arn, service, _): &&(String, String, String)| {
        three
            .iter()
            .any(|(principal, of, _)| arn.ends_with(&format!("/{principal}")) && service == of)
    };
    let left: Vec<_> = all.iter().filter(|one| !is_answered(one)).cloned().collect();
    assert_eq!(left.len() + 3, all.len());
    assert_eq!(questions(&after), left);
    let report = Report::from_json(&after).expect("a result");
    let dropping = report
        .suggestions
        .iter()
        .filter(|one| one.removed.iter().any(|action| action == "sns:Publish"));
    assert!(dropping.clone().count() > 0, "sns:Publish goes");
    assert!(dropping.clone().all(|one| one.verdict.chosen_by == ["Ana Lima"]));

    for format in ["json", "markdown", "diff", "html", "sarif", "rdjson", "csv"] {
        let (text, _) = sample.analyze(format, &["--choices", "choices.toml", "--include-held"]);
        assert!(text.contains("Ana Lima"), "{format} does not say who chose");
    }
    let (text, _) = sample.analyze("terminal", &["--choices", "choices.toml", "-v"]);
    assert!(text.contains("Ana Lima"), "the terminal does not say who chose");

    // Asked again, the file stays as it is: what is answered is answered, what is open is there.
    fs::write(sample.folder.0.join("result.json"), &after).expect("a file");
    let again = sample.run(&["decide", "result.json", "-o", "choices.toml"]);
    assert!(again.status.success(), "{again:?}");
    assert_eq!(fs::read_to_string(&path).expect("the questions"), answered);
}

/// A path may hold what a glob reads as any text (IAM API reference, "CreateRole", Path).
#[test]
fn a_choice_about_a_path_with_a_star_is_about_nobody_else() {
    let role = |path: &str, id: &str| {
        json!({"Arn": format!("arn:aws:iam::111122223333:role{path}app"), "RoleName": "app", "RoleId": id, "Path": path,
            "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": document()}]})
    };
    let page = json!({"RoleDetailList": [role("/team*/", "AROASTAR"), role("/teams/", "AROAPLAIN")]});
    let grants = trimtrail::inside::grants::read(&[("grants".to_owned(), page.to_string())]).expect("grants");
    let fits = |principal: &str| {
        let choice = Choice {
            principal: principal.to_owned(),
            ..choice(Decision::Drop, "sns:Publish")
        };
        [choice.fits(&grants, 0), choice.fits(&grants, 1)]
    };
    assert_eq!(fits("arn:aws:iam::111122223333:role/team*/app"), [true, false]);
    assert_eq!(fits("arn:aws:iam::111122223333:role/teams/app"), [false, true]);
    assert_eq!(fits("arn:aws:iam::111122223333:role/t*/app"), [true, true]);
}

#[test]
fn a_choice_about_a_role_is_about_none_of_the_same_name_in_another_account() {
    let role = |account: &str| {
        json!({"Arn": format!("arn:aws:iam::{account}:role/app"), "RoleName": "app", "RoleId": format!("AROA{account}"),
            "Path": "/", "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": document()}]})
    };
    let page = json!({"RoleDetailList": [role("111122223333"), role("444455556666")]});
    let grants = trimtrail::inside::grants::read(&[("grants".to_owned(), page.to_string())]).expect("grants");
    let fits = |principal: &str| {
        let choice = Choice {
            principal: principal.to_owned(),
            ..choice(Decision::Drop, "sns:Publish")
        };
        [choice.fits(&grants, 0), choice.fits(&grants, 1)]
    };
    assert_eq!(fits("arn:aws:iam::111122223333:role/app"), [true, false]);
    assert_eq!(fits("arn:aws:iam::444455556666:role/app"), [false, true]);
    assert_eq!(fits("arn:aws:iam::777788889999:role/app"), [false, false]);
    assert_eq!(fits("app"), [true, true]);
}

#[test]
fn an_action_that_the_catalog_does_not_know_is_told() {
    let mut drop = choice(Decision::Drop, "sns:Publish");
    drop.actions.push("sns:Publsh".to_owned());
    let report = run(&[], vec![drop], options());
    assert_eq!(stays(&report), ["secretsmanager:GetSecretValue", "sqs:SendMessage"]);
    assert_eq!(
        report.choices[0].stale.as_deref(),
        Some("the catalog knows no sns:Publsh")
    );
    let report = run(&[], vec![choice(Decision::Keep, "sns:Publsh")], options());
    assert_eq!(
        report.choices[0].stale.as_deref(),
        Some("the catalog knows no sns:Publsh")
    );
}

/// A file that somebody saved with an editor of theirs: the program says where it goes wrong, and adds to it as it is.
#[test]
fn a_file_of_another_editor_is_read_and_added_to_as_it_is() {
    let sample = Sample { folder: Folder::new() };
    let (result, _) = sample.analyze("json", &["--role", "nightly-report"]);
    fs::write(sample.folder.0.join("result.json"), &result).expect("a file");
    let path = sample.folder.0.join("choices.toml");
    let choice = "\u{feff}[[choice]]\r\nprincipal = \"nightly-*\"\r\nservice = \"SNS\"\r\nreason = \"data-events\"\r\n\
                  actions = [\"sns:*\"]\r\ndecision = \"keep\"\r\n";
    fs::write(&path, choice).expect("a file");
    let decided = sample.run(&["decide", "result.json", "-o", "choices.toml"]);
    assert!(decided.status.success(), "{decided:?}");
    let text = fs::read_to_string(&path).expect("text");
    assert!(text.starts_with(choice));
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    let held = Choices::parse(&text).expect("choices").0;
    let all = questions(&result);
    let of_sns = |service: &str| service == "sns";
    assert!(all.iter().any(|(_, service, _)| of_sns(service)));
    // What the file answers by a pattern is not asked again.
    assert_eq!(held.iter().filter(|one| of_sns(&one.service)).count(), 1);
    assert_eq!(held.len(), all.len());

    for (wrong, says) in [
        (
            choice.replace("keep", "kepe").into_bytes(),
            "line 6: `kepe` is no decision",
        ),
        (
            choice.replace("keep", "ask again on 2027-02-30").into_bytes(),
            "line 6: there is no day `2027-02-30`",
        ),
        (b"# a\n# \xff\n".to_vec(), "line 2: this is no UTF-8"),
    ] {
        fs::write(&path, &wrong).expect("a file");
        let grants = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs/grants");
        let grants = grants.display().to_string();
        for arguments in [
            &["decide", "result.json", "-o", "choices.toml"][..],
            &[
                "analyze",
                "--logs",
                &grants,
                "--grants",
                &grants,
                "--choices",
                "choices.toml",
            ],
        ] {
            let output = sample.run(arguments);
            let told = String::from_utf8(output.stderr).expect("text");
            assert_eq!(output.status.code(), Some(1));
            assert!(told.contains(&format!("choices file `choices.toml`: {says}")), "{told}");
        }
        assert_eq!(fs::read(&path).expect("a file"), wrong, "it stays as it is");
    }
}
