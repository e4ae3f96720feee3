//! Each suggestion once, and of those that say the same one.

use serde_json::{Value, json};

use super::{Error, Room, suggestion};
use crate::emit::view;
use crate::report::Report;

/// Which suggestions the page has told, so that each is told once, and of those that say the same one.
pub(super) struct Told {
    pub(super) shown: Vec<bool>,
    /// Of each suggestion the group of those that say the same.
    group: Vec<usize>,
    /// The groups, and which of each was told whole.
    groups: Vec<(Vec<usize>, Option<usize>)>,
}

impl Told {
    pub(super) fn of(report: &Report) -> Told {
        let all: Vec<usize> = (0..report.suggestions.len()).collect();
        let groups = view::alike(all, |at| &report.suggestions[*at]);
        let mut group = vec![0; report.suggestions.len()];
        for (place, alike) in groups.iter().enumerate() {
            alike.iter().for_each(|at| group[*at] = place);
        }
        Told {
            shown: vec![false; report.suggestions.len()],
            group,
            groups: groups.into_iter().map(|alike| (alike, None)).collect(),
        }
    }

    /// Whether it was told, or one that says the same.
    pub(super) fn is_told(&self, at: usize) -> bool {
        self.groups[self.group[at]].1.is_some()
    }

    /// A suggestion: whole where neither it nor one like it was told before, else with where that stands.
    pub(super) fn suggestion(&mut self, report: &Report, at: usize, room: &mut Room) -> Result<Value, Error> {
        let seen = std::mem::replace(&mut self.shown[at], true);
        let (alike, first) = &mut self.groups[self.group[at]];
        let whole = first.is_none();
        let first = *first.get_or_insert(at);
        let mut told = suggestion(report, at, whole, room)?;
        told["first"] = json!(first + 1);
        told["own"] = json!(!seen && !whole);
        if whole {
            let others = alike.iter().filter(|other| **other != at);
            let others: Vec<&String> = others.flat_map(|other| &report.suggestions[*other].affects).collect();
            let own = view::accounts(&report.suggestions[at].affects);
            let label = |arn: &String| match view::account(arn) {
                Some(account) if !own.contains(account) => format!("{} ({account})", view::short(arn)),
                Some(_) | None => view::short(arn),
            };
            told["alike"] = json!(others.iter().take(20).map(|arn| label(arn)).collect::<Vec<_>>());
            told["more_alike"] = json!(others.len().saturating_sub(20));
        }
        Ok(told)
    }
}
