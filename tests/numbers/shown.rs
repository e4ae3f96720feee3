//! What the screen, the page and the comment show of each principal, each suggestion and each question: computed again from
//! the documents and the catalog, and found in the text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use trimtrail::inside::catalog::{ActionId, Catalog};
use trimtrail::inside::gap::Grade;
use trimtrail::inside::report::{GradeTotals, Principal, Suggestion};

use super::{Run, check_says, count, number, people};

/// What the catalog knows of a statement's `Action`, and the names that it does not know.
fn granted(catalog: &Catalog, statement: &Value) -> (BTreeSet<ActionId>, u64) {
    let list = &statement["Action"];
    let one = list.as_str().map(|one| vec![one]);
    let many = || {
        list.as_array()
            .expect("actions")
            .iter()
            .map(|one| one.as_str().expect("a name"))
    };
    let patterns: Vec<&str> = one.unwrap_or_else(|| many().collect());
    let known = patterns.iter().flat_map(|one| catalog.expand(one)).collect();
    let unknown = patterns.iter().filter(|one| catalog.expand(one).is_empty()).count();
    (known, unknown as u64)
}

fn statements(document: &Value) -> Vec<Value> {
    match &document["Statement"] {
        Value::Array(statements) => statements.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

/// All that a document's Allow statements grant, on whatever.
fn all(catalog: &Catalog, document: &Value) -> BTreeSet<ActionId> {
    let statements = statements(document);
    let allows = statements.iter().filter(|one| one["Effect"] == "Allow");
    allows.flat_map(|one| granted(catalog, one).0).collect()
}

/// How many actions go, and how many stay in statements of their own: from the two documents.
pub(super) fn check_documents(run: &Run) {
    let catalog = Catalog::embedded();
    for one in &run.report.suggestions {
        let (before, after) = (one.before().value(), one.after().value());
        let (before, after) = (all(catalog, &before), all(catalog, &after));
        assert_eq!(
            one.removed_actions as usize,
            before.difference(&after).count(),
            "{}",
            one.policy
        );
        assert!(after.is_subset(&before), "{}", one.policy);
        let document = one.after().value();
        let statements = statements(&document);
        for (at, origin) in one.statements.iter().enumerate() {
            let Some(unseen) = &origin.unseen else { continue };
            // What its patterns hold beside stands by name in the statement of what was seen.
            let beside = one.statements.iter().enumerate();
            let beside = beside.filter(|(_, other)| other.unseen.is_none() && other.from == origin.from);
            let seen: BTreeSet<ActionId> = beside.flat_map(|(at, _)| granted(catalog, &statements[at]).0).collect();
            let (held, unknown) = granted(catalog, &statements[at]);
            let mut services: BTreeMap<&str, u64> = BTreeMap::new();
            for action in held.difference(&seen) {
                let service = catalog.name(*action).split(':').next().expect("a service");
                *services.entry(service).or_default() += 1;
            }
            let stays = services.values().sum::<u64>() + unknown;
            assert_eq!(unseen.actions, stays, "{} statement {at}", one.policy);
            assert_eq!(
                unseen.services.iter().map(|of| of.actions).sum::<u64>(),
                stays,
                "{}",
                one.policy
            );
            for of in &unseen.services {
                let known = services.get(of.service.as_str()).copied().unwrap_or_default();
                assert!(
                    of.actions == known || unknown > 0 && of.actions > known,
                    "{of:?} of {}",
                    one.policy
                );
            }
        }
    }
    for one in run.report.chosen(false) {
        let goes = count(one.removed_actions, "action", "actions");
        check_says(&run.comment, &format!("<code>{}</code> | ", one.policy));
        check_says(&run.comment, &format!(" | {goes} | "));
        check_says(
            &run.page,
            &format!(
                "{} · step: {}",
                count(one.removed_actions, "action goes", "actions go"),
                one.step
            ),
        );
    }
}

/// The numbers of one principal's line.
fn line(totals: &GradeTotals) -> [u64; 6] {
    let unseen = totals.unobservable + totals.outside_coverage;
    [
        totals.granted,
        totals.used,
        totals.inferred,
        unseen,
        totals.denied_only,
        totals.unused,
    ]
}

/// Granted actions by service.
fn services(principal: &Principal) -> BTreeMap<&str, GradeTotals> {
    let mut services: BTreeMap<&str, GradeTotals> = BTreeMap::new();
    let single = principal
        .actions
        .iter()
        .map(|one| (one.action.split(':').next().expect("a service"), one.grade, 1));
    let many = principal
        .action_groups
        .iter()
        .map(|one| (one.service.as_str(), one.grade, one.count));
    for (service, grade, n) in single.chain(many) {
        services.entry(service).or_default().add(grade, n);
    }
    services
}

/// Everybody's line on the page, in the table of the first screen, and by service.
pub(super) fn check_lines(run: &Run) {
    let all = run
        .report
        .principals
        .iter()
        .map(|one| line(&one.totals).map(number).join(" "));
    let rows = all.filter(|row| run.screen.contains(&format!(" {row} "))).count();
    assert!(rows >= run.report.principals.len().min(12), "{}", run.screen);
    for principal in people(&run.report) {
        let parts = line(&principal.totals);
        let [granted, rest @ ..] = parts;
        if granted > 0 {
            check_says(&run.page, &format!("<b>{}</b> granted", number(granted)));
        }
        let labels = ["used", "inferred", "kept though unseen", "denied only", "no logged use"];
        for (n, label) in rest.into_iter().zip(labels).filter(|(n, _)| *n > 0) {
            check_says(&run.page, &format!("<b>{}</b> {label}", number(n)));
        }
        let by_service = services(principal);
        assert_eq!(
            by_service.values().map(|of| of.granted).sum::<u64>(),
            granted,
            "{}",
            principal.arn
        );
        // Twelve have a bar.
        if (2..=12).contains(&by_service.len()) {
            for (service, of) in by_service {
                let cell = format!("<td>{service}</td><td class=\"n\">{}</td>", number(of.granted));
                check_says(&run.page, &cell);
            }
        }
        for one in principal.actions.iter().filter(|one| one.grade == Grade::Used) {
            check_says(&run.page, &format!("<code>{}</code>", one.action));
        }
    }
}

/// The four cards, and what stands beside their numbers.
pub(super) fn check_cards(run: &Run) {
    let totals = &run.report.totals;
    for (label, n) in [
        ("Ready now", totals.ready),
        ("Held", totals.held),
        ("Needs a choice", totals.needs_choice),
        ("Not touched", totals.not_touched.values().sum()),
    ] {
        check_says(&run.page, &format!("{label}</span><b>{}</b>", number(n)));
    }
    for (reason, n) in &totals.not_touched {
        check_says(&run.screen, &format!("{} {reason}", number(*n)));
        check_says(&run.page, &format!("{} {reason}", number(*n)));
    }
    if totals.ready > 0 {
        check_says(
            &run.page,
            &format!("{} granted actions go", number(totals.removable_actions)),
        );
    }
    if totals.ready_unseen > 0 {
        let says = format!("{} keep something unseen", number(totals.ready_unseen));
        check_says(&run.screen, &says);
        check_says(&run.page, &says);
    }
    let first: Option<&Suggestion> = run
        .report
        .suggestions
        .iter()
        .map(|one| &**one)
        .find(|one| one.held.is_none() && !one.risk_removed.is_empty());
    if let Some(first) = first {
        let reach = count(first.affects.len() as u64, "principal", "principals");
        check_says(&run.screen, &format!("(1 policy, {reach}): {}", first.risk_removed[0]));
    }
}

/// Whom questions are about, the most risk first, and how many each.
pub(super) fn check_questions(run: &Run) {
    let mut whom: Vec<(&str, u64)> = Vec::new();
    for question in &run.report.questions {
        let name = question
            .principal
            .split_once("::")
            .expect("an ARN")
            .1
            .split_once(':')
            .expect("an account")
            .1;
        let place = whom.iter().position(|(known, _)| *known == name);
        match place {
            Some(place) => whom[place].1 += 1,
            None => whom.push((name, 1)),
        }
    }
    let says = |name: &str| {
        name.rsplit_once('/')
            .map(|(kind, last)| (kind.split('/').next().expect("a kind").to_owned(), last.to_owned()))
    };
    for (name, n) in whom.iter().take(8) {
        let (kind, last) = says(name).expect("a name");
        check_says(
            &run.page,
            &format!(">{kind}&#x2f;{last}</a> <span class=\"soft\">({n})</span>"),
        );
    }
    let names = whom.iter().take(2).filter_map(|(name, _)| says(name));
    let names: Vec<String> = names.map(|(kind, last)| format!("{kind}/{last}")).collect();
    if !names.is_empty() {
        check_says(&run.screen, &format!("for those who know {}", names.join(", ")));
    }
    let risks: Vec<u64> = run.report.questions.iter().map(|one| one.risk).collect();
    assert!(risks.is_sorted_by(|a, b| a >= b), "{risks:?}");
}

/// What data events would cost, at the rate of those that are logged.
pub(super) fn check_cost(run: &Run) {
    let Some(says) = &run.report.totals.would_prove_most else {
        return;
    };
    check_says(&run.screen, &says.replace("  ", " "));
    if !says.contains("AWS::S3::Object") || says.contains("none is logged") {
        return;
    }
    // Calls on objects, and the list of a bucket's, are data events.
    let in_a_bucket = |event: &&Value| {
        let calls = event["calls"].as_array().expect("a list").iter();
        let mut resources = calls.flat_map(|call| call["resources"].as_array().expect("a list"));
        let object = resources.any(|arn| arn.as_str().is_some_and(|arn| arn.contains('/')));
        event["event_source"] == "s3.amazonaws.com" && (object || event["event_name"] == "ListObjects")
    };
    let events = run.events.iter().filter(in_a_bucket).count();
    let buckets = run.report.coverage.data_events.iter();
    let buckets: usize = buckets
        .filter(|one| one.resource_type == "AWS::S3::Object")
        .map(|one| one.seen.len())
        .sum();
    let a_month = events as f64 / buckets as f64 / run.report.window.days * 365.25 / 12.0;
    assert!(
        says.contains(&format!("({a_month:.0} events;")),
        "{a_month} a month: {says}"
    );
    let dollars = a_month * 0.1 / 100_000.0;
    assert_eq!(says.contains("less than $0.01 a month"), dollars < 0.01, "{dollars}");
}
