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
    check_refused(&file("dorp", "Ana"), "choice 1: `dorp` is no decision");
    check_refused(&file("ask again on 2027-02-30", "Ana"), "is no decision");
    check_refused(&file("Drop", "Ana"), "is no decision");
}

#[test]
fn nobody_drops() {
    check_refused(&file("drop", " "), "who drops it?");
    assert!(Choices::parse(&file("keep", "")).is_ok());
}

#[test]
fn a_reason_a_field_and_an_action_that_are_none_are_refused() {
    check_refused(&file("keep", "Ana").replace("data-events", "whim"), "no reason `whim`");
    check_refused(&file("keep", "Ana").replace("who", "whom"), "whom");
    check_refused(
        &file("keep", "Ana").replace("sns:Publish", "*"),
        "`*` is no action of sns",
    );
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
    let text = question("one line", hostile, "sns", Reason::DataEvents, &actions);
    let read = Choices::parse(&text).expect("a question").0;
    assert_eq!(read.len(), 1);
    assert_eq!((read[0].principal.as_str(), &read[0].actions), (hostile, &actions));
    assert_eq!(read[0].decision, Decision::Open);
    assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
}
