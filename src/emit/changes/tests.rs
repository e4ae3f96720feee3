//! What changed, in each form that people read.

use super::*;

fn suggested(at: usize, held: Option<&str>) -> Suggested {
    Suggested {
        suggestion: format!("s-{at}"),
        policy: format!("p-{at}"),
        policy_arn: "arn:aws:iam::111122223333:role/app".to_owned(),
        step: "actions".to_owned(),
        change: "replace".to_owned(),
        removed_actions: 3,
        affects: 1,
        held: held.map(str::to_owned),
    }
}

fn changed(suggested: Vec<Suggested>, withdrawn: Vec<Withdrawn>) -> Changes {
    let window = Window {
        from: "2026-10-01T00:00:00Z".to_owned(),
        to: "2026-10-07T23:59:59Z".to_owned(),
        days: 7.0,
    };
    Changes {
        schema: "trimtrail.changes/1".to_owned(),
        before: window.clone(),
        after: window,
        practices: Vec::new(),
        applied: Vec::new(),
        hurt: Vec::new(),
        denials_known: true,
        used_after_all: Vec::new(),
        newly_unused: Vec::new(),
        new_workloads: Vec::new(),
        new_principals: Vec::new(),
        gone_principals: Vec::new(),
        new_suggestions: suggested.len() as u64,
        suggested,
        withdrawn,
    }
}

fn written(changed: &Changes, format: Format) -> String {
    let mut out = Vec::new();
    changes(changed, format, &mut out).expect("written");
    String::from_utf8(out).expect("text")
}

const FORMS: [Format; 3] = [Format::Terminal, Format::Markdown, Format::Html];

#[test]
fn new_and_withdrawn_suggestions_are_named() {
    let withdrawn = Withdrawn {
        suggestion: "s-9".to_owned(),
        policy: "old".to_owned(),
        policy_arn: "arn:aws:iam::111122223333:policy/old".to_owned(),
        step: "services".to_owned(),
        change: "detach".to_owned(),
        why: "the policy is not there any more".to_owned(),
    };
    let changed = changed(
        vec![suggested(1, Some("too young")), suggested(2, None)],
        vec![withdrawn],
    );
    for format in FORMS {
        // A page writes `/` by its number, and Markdown takes some signs out of force.
        let text = written(&changed, format).replace("&#x2f;", "/").replace('\\', "");
        for told in [
            "p-1",
            "p-2",
            "3 actions fewer for 1 principal",
            "held: too young",
            "ready to be applied",
        ] {
            assert!(text.contains(told), "{format}: {told} in {text}");
        }
        assert!(
            text.find("p-2") < text.find("p-1"),
            "{format}: what is ready comes first"
        );
        for told in [
            "detach old",
            "policy/old",
            "step services",
            "the policy is not there any more",
        ] {
            assert!(text.contains(told), "{format}: {told} in {text}");
        }
        assert!(!text.contains("Nothing changed"), "{text}");
    }
    for format in FORMS {
        assert!(written(&self::changed(Vec::new(), Vec::new()), format).contains("Nothing changed."));
    }
}

#[test]
fn of_many_suggestions_the_first_are_named_and_the_rest_counted() {
    let changed = changed((0..500).map(|at| suggested(at, None)).collect(), Vec::new());
    for format in FORMS {
        let text = written(&changed, format);
        assert!(text.contains("and 480 more"), "{format}: {text}");
        assert!(text.lines().count() < 100, "{format}: {text}");
    }
}

#[test]
fn a_strangers_name_is_text_in_a_page() {
    let mut hostile = suggested(1, Some("</small><script>alert(1)</script>"));
    hostile.policy = "<img src=x onerror=alert(1)>\u{202e}\u{1b}[31m\"'&".to_owned();
    let page = written(&changed(vec![hostile], Vec::new()), Format::Html);
    assert!(!page.contains("<img") && !page.contains("<script"), "{page}");
    assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}'), "{page}");
    assert!(page.contains("&lt;img src=x"), "{page}");
    assert_eq!(page.matches("<ul>").count(), page.matches("</ul>").count());
}
