//! Numbers that lines of `resolve` only bound, computed another way: calls that show only part of their resources event by
//! event, and policies that need a choice from what the result says of actions and of who grants them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use trimtrail::inside::catalog::{ActionId, Catalog};
use trimtrail::inside::decode::{Item, Limits, Reader};
use trimtrail::inside::report::Report;
use trimtrail::inside::resolve::{self, Operation};

use super::{Run, affected, check_says, count, counted, denied, is_replayed, people};

/// For each event the actions that it may have needed on resources that it does not tell, by id and account.
fn partial() -> BTreeMap<(String, String), BTreeSet<String>> {
    let catalog = Catalog::embedded();
    let mut partial = BTreeMap::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs/AWSLogs")];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).expect("a folder");
        let paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        let (deeper, files): (Vec<PathBuf>, Vec<PathBuf>) = paths.into_iter().partition(|path| path.is_dir());
        folders.extend(deeper);
        for file in files {
            let file = File::open(&file).expect("a file");
            Reader::new().read(file, &Limits::default(), &mut |item| {
                let Item::Event(event) = item else { return };
                let operation = Operation::of(catalog, &event.source, &event.name);
                let observed = resolve::observe(event, &operation);
                let resolution = resolve::resolve(catalog, &operation, &observed.facts, &observed.resources);
                let of = resolution.may_need.iter().filter(|call| !call.complete);
                let names = of.map(|call| catalog.name(call.action).to_owned()).collect();
                let part = |text: Option<&str>| text.unwrap_or_default().to_owned();
                let own = event
                    .identity
                    .as_ref()
                    .and_then(|identity| identity.account_id.as_deref());
                let account = event.recipient_account_id.as_deref().or(own);
                partial.insert((part(event.id.as_deref()), part(account)), names);
            });
        }
    }
    partial
}

/// Calls that show only part of their resources, of each principal and in the comment.
pub(super) fn check_partial(run: &Run) {
    let report = &run.report;
    let partial = partial();
    let of_event = |event: &serde_json::Value| {
        let part = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let names = partial.get(&(part("event_id"), part("account"))).expect("the event");
        is_replayed(event) && names.iter().any(|name| Some(name.as_str()) != denied(event))
    };
    let calls = counted(&run.events, of_event);
    for principal in people(report) {
        let of = calls.get(principal.arn.as_str()).copied().unwrap_or_default();
        assert_eq!(principal.calls_incomplete, of, "{}", principal.arn);
    }
    let shown = |arn: &&str| report.principals.iter().any(|one| one.arn == *arn);
    let whose = affected(report).into_iter().filter(shown);
    let told: u64 = whose.map(|arn| calls.get(arn).copied().unwrap_or_default()).sum();
    if told > 0 && !report.chosen(false).is_empty() {
        let says = count(told, "call shows", "calls show");
        check_says(&run.comment, &format!("{says} only part of their resources"));
    }
}

/// Policies that may be rewritten and grant something that somebody is asked about; `whole` tells of everybody.
pub(super) fn check_choices(run: &Run, whole: &Report) {
    let catalog = Catalog::embedded();
    let expand = |pattern: &str| catalog.expand(pattern).into_iter().collect::<Vec<ActionId>>();
    let mut asked: BTreeMap<&str, BTreeSet<ActionId>> = BTreeMap::new();
    for question in &whole.questions {
        let actions: Vec<ActionId> = question.actions.iter().flat_map(expand).collect();
        for arn in [&question.principal].into_iter().chain(&question.also) {
            asked.entry(arn).or_default().extend(&actions);
        }
    }
    let mut open: BTreeSet<(&str, &str)> = BTreeSet::new();
    for principal in people(whole) {
        let Some(asked) = asked.get(principal.arn.as_str()) else {
            continue;
        };
        let mut granted: BTreeSet<&str> = BTreeSet::new();
        for line in &principal.actions {
            if catalog.id(&line.action).is_some_and(|id| asked.contains(&id)) {
                granted.extend(line.granted_by.iter().map(|by| by.policy.as_str()));
            }
        }
        for group in &principal.action_groups {
            if group
                .patterns
                .iter()
                .flat_map(|one| expand(one))
                .any(|id| asked.contains(&id))
            {
                granted.extend(group.granted_by.iter().map(|by| by.policy.as_str()));
            }
        }
        for policy in principal.policies.iter().filter(|policy| policy.rewritable) {
            let label = match policy.policy_arn.contains(":policy/") {
                true => policy.policy_arn.clone(),
                false => format!("inline:{}", policy.policy),
            };
            if granted.contains(label.as_str()) {
                open.insert((&policy.policy_arn, &policy.policy));
            }
        }
    }
    let held = run.report.principals.iter().flat_map(|one| &one.policies);
    let held: BTreeSet<(&str, &str)> = held.map(|one| (one.policy_arn.as_str(), one.policy.as_str())).collect();
    let open: BTreeSet<_> = open.intersection(&held).collect();
    assert_eq!(run.report.totals.needs_choice as usize, open.len(), "{open:?}");
    check_says(&run.screen, &format!("NEEDS A CHOICE {}", open.len()));
}
