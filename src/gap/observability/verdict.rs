//! What known trails say of one kind of event, before what was seen decides.

use super::super::selectors::Takes;
use super::super::trails::{Delivers, State, Stretch};

/// What the trails that are known say of one kind of event in one stretch.
pub(super) enum Verdict {
    /// Some trail logs every such event, and the archive holds that trail.
    Logged,
    /// A trail that is known hides some of them, and no other shows all.
    LeftOut(String),
    /// What was seen must decide.
    Unknown,
}

/// `answers` says what a trail takes, `None` for one that is elsewhere; `is_here` whether the archive holds its files.
pub(super) fn verdict(
    stretch: &Stretch<'_>,
    answers: &dyn Fn(&State<'_>) -> Option<Takes>,
    is_here: &dyn Fn(&State<'_>) -> bool,
) -> Verdict {
    let mut left_out = None;
    for state in stretch.trails.iter().filter(|state| state.delivers == Delivers::Yes) {
        if state.selectors.is_empty() {
            continue;
        }
        let label = &state.label;
        let why = match answers(state) {
            Some(Takes::All) if is_here(state) => return Verdict::Logged,
            Some(Takes::All) if state.configured => {
                format!("{label} logs such events, but the archive has none of them from anyone: are its files there?")
            }
            Some(Takes::Some(field)) => format!("{label} picks events by {field}"),
            Some(Takes::None) if state.configured => format!("{label} does not log such events"),
            None if state.configured => format!("{label} does not log what happens there"),
            Some(Takes::All | Takes::None) | None => continue,
        };
        left_out = left_out.or(Some(why));
    }
    left_out.map_or(Verdict::Unknown, Verdict::LeftOut)
}
