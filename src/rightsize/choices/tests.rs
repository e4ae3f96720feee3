//! What a file of choices may say.

use super::{Choices, Decision, question};
use crate::gap::Reason;

fn file(decision: &str, who: &str) -> String {
    format!(
        "[[choice]]\nprincipal = \"app\"\nservice = \"sns\"\nreason = \"data-events\"\nactions = [\"sns:Publish\"]\n\
         decision = \"{decision}\"\nwho = \"{who}\"\n"
    )
}

#[track_caller]
fn check(decision: &str, expected: Decision) {
    let choices = Choices::parse(&file(decision, "Ana")).expect("a choice");
    assert_eq!(choices.0[0].decision, expected);
}

#[track_caller]
fn check_refused(text: &str, expected: &str) {
    let error = Choices::parse(text).expect_err("refused").to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn decisions() {
    check("", Decision::Open);
    check("keep", Decision::Keep);
    check("drop", Decision::Drop);
    check("ask again on 2027-01-31", Decision::Later("2027-01-31".to_owned()));
}

#[test]
fn a_decision_that_there_is_not_is_refused_and_not_taken_for_none() {
    check_refused(&file("dorp", "Ana"), "line 6: `dorp` is no decision");
    check_refused(
        &file("ask again on 2027-02-30", "Ana"),
        "line 6: there is no day `2027-02-30`",
    );
    check_refused(
        &file("ask again on tomorrow", "Ana"),
        "line 6: there is no day `tomorrow`",
    );
    check_refused(&file("Drop", "Ana"), "is no decision");
}

#[test]
fn nobody_drops() {
    check_refused(&file("drop", " "), "line 6: who drops it?");
    assert!(Choices::parse(&file("keep", "")).is_ok());
}

#[test]
fn a_reason_a_field_and_an_action_that_are_none_are_refused() {
    check_refused(
        &file("keep", "Ana").replace("data-events", "whim"),
        "line 4: no reason `whim`",
    );
    check_refused(
        &file("keep", "Ana").replace("who", "whom"),
        "line 7: unknown field `whom`",
    );
    check_refused(
        &file("keep", "Ana").replace("sns:Publish", "*"),
        "line 5: `*` is no action of sns",
    );
    check_refused(
        &file("keep", "Ana").replace("[\"sns:Publish\"]", "[\"sns:Publish\",\n\"sqs:*\"]"),
        "line 6: `sqs:*` is no action of sns",
    );
    check_refused(
        &file("keep", "Ana").replace("\"sns:Publish\"", ""),
        "line 5: the choice names no action",
    );
    check_refused(
        &file("keep", "Ana").replace("[\"sns:Publish\"]", "\"sns:Publish\""),
        "line 5: invalid type",
    );
    check_refused(
        &[file("keep", "Ana"), file("dorp", "Ana")].concat(),
        "line 13: `dorp` is no decision",
    );
}

#[test]
fn a_sentence_about_a_file_takes_one_line() {
    for text in [
        file("keep", "Ana").replace("[[choice]]", "[[choice"),
        file("keep", "Ana").replace("[[choice]]", "[choice]"),
        file("keep", "Ana").replace("[[choice]]", "[[choices]]"),
        file("keep", "Ana").replace('\n', "\r"),
        format!("{}who = \"twice\"\n", file("keep", "Ana")),
    ] {
        let error = Choices::parse(&text).expect_err("refused").to_string();
        assert!(error.starts_with("line ") && error.lines().count() == 1, "{error:?}");
    }
}

#[test]
fn a_mark_at_the_start_and_both_ends_of_lines_are_read() {
    let plain = file("drop", "Ana");
    let expected = Choices::parse(&plain).expect("a choice");
    for text in [
        format!("\u{feff}{plain}"),
        plain.replace('\n', "\r\n"),
        format!("\u{feff}{}", plain.replace('\n', "\r\n")),
        plain.replace("\"sns\"", "\"SNS\""),
    ] {
        assert_eq!(Choices::parse(&text).expect("a choice"), expected, "{text:?}");
    }
    let windows = file("dorp", "Ana").replace('\n', "\r\n");
    check_refused(&format!("\u{feff}{windows}"), "line 6: `dorp` is no decision");
}

#[test]
fn a_question_comes_back_on_its_day() {
    let on = |today: &str| {
        let mut choices = Choices::parse(&file("ask again on 2027-01-31", "Ana")).expect("a choice");
        choices.wake(today);
        choices.0.remove(0).decision
    };
    assert_eq!(on("2027-01-30"), Decision::Later("2027-01-31".to_owned()));
    assert_eq!(on("2027-01-31"), Decision::Open);
}

#[test]
fn a_question_is_read_back_as_it_was_asked() {
    let hostile = "arn:aws:iam::111122223333:role/a\"]\n[[choice]]\\\u{7f}\u{202e}";
    let actions: Vec<String> = (0..40).map(|number| format!("sns:Action{number}")).collect();
    let text = question("one line", &[hostile.to_owned()], "sns", Reason::DataEvents, &actions);
    let read = Choices::parse(&text).expect("a question").0;
    assert_eq!(read.len(), 1);
    assert_eq!((read[0].principal.as_str(), &read[0].actions), (hostile, &actions));
    assert_eq!(read[0].decision, Decision::Open);
    assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
}

#[test]
fn a_question_about_several_is_about_each_and_nobody_else() {
    let all: Vec<String> = (0..3)
        .map(|at| format!("arn:aws:iam::11112222333{at}:role/t*/app\""))
        .collect();
    let text = question("one line", &all, "sns", Reason::DataEvents, &["sns:Publish".to_owned()]);
    let read = Choices::parse(&text).expect("a question").0;
    let about: Vec<(&str, bool)> = read.iter().map(|one| (one.principal.as_str(), one.exact)).collect();
    let expected: Vec<(&str, bool)> = all.iter().map(|arn| (arn.as_str(), true)).collect();
    assert_eq!(about, expected);
    // One whose path reads as a pattern is asked about as an ARN too.
    let text = question(
        "one line",
        &all[..1],
        "sns",
        Reason::DataEvents,
        &["sns:Publish".to_owned()],
    );
    assert!(Choices::parse(&text).expect("a question").0[0].exact);
    let plain = question(
        "one line",
        &["app".to_owned()],
        "sns",
        Reason::DataEvents,
        &["sns:Publish".to_owned()],
    );
    assert!(plain.contains("\nprincipal = \"app\"\n") && !Choices::parse(&plain).expect("a question").0[0].exact);
}

#[test]
fn a_choice_about_nobody_is_refused() {
    let nobody = file("keep", "Ana").replace("principal = \"app\"\n", "");
    check_refused(&nobody, "line 3: whom is it about?");
    check_refused(
        &nobody.replace("service", "principals = []\nservice"),
        "line 4: whom is it about?",
    );
    check_refused(
        &file("keep", "Ana").replace("service", "principals = [\"a\"]\nservice"),
        "line 5: whom is it about?",
    );
}
