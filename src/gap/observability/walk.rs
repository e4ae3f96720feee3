//! One walk over the stretches of an account's trails, with a question about one kind of event.

use super::super::selectors::Takes;
use super::super::trails::{SHORT, State, Stretch};
use super::Blind;
use super::verdict::{Verdict, verdict};
use crate::time::Window;

/// What is asked of each stretch, in the order in which it is asked.
pub(super) trait Question {
    /// How much of such events a trail's configuration takes; `None` for a trail that is elsewhere.
    fn taken(&self, state: &State<'_>) -> Option<Takes>;

    /// Whether the archive holds the files of a trail.
    fn is_here(&self, state: &State<'_>) -> bool;

    /// What is missing of a stretch, whoever was to log there. A trail of all regions says by the files of one that it
    /// was delivered in the others.
    fn hole(&self, asked: Window, all_regions: bool) -> Option<Blind>;

    /// What no event of the whole archive shows.
    fn never_shown(&self) -> Option<Blind>;

    /// What no event of a stretch shows; `None` where some event does.
    fn not_shown(&self, stretch: &Stretch<'_>) -> Option<NotShown<'_>>;

    /// The answer where a trail leaves such events out.
    fn left_out(&self, why: String) -> Blind;
}

/// What no event of a stretch shows.
pub(super) struct NotShown<'q> {
    /// Whether that decides however short the stretch is.
    pub at_once: bool,
    /// The answer, given for how long nothing was shown.
    pub answer: Box<dyn Fn(Window) -> Blind + 'q>,
}

/// The first reason for which not all such events in a window would have been seen.
pub(super) fn walk(question: &dyn Question, stretches: &[Stretch<'_>], window: Window) -> Option<Blind> {
    // Since when nothing has shown that such events are logged, across stretches too short to ask each for one.
    let mut unseen = None;
    for stretch in stretches {
        let asked = Window {
            first: stretch.from.max(window.first),
            end: stretch.to.min(window.end),
        };
        let taken = |state: &State<'_>| question.taken(state);
        match verdict(stretch, &taken, &|state| question.is_here(state)) {
            // It says which events a trail logs, and not that this archive holds its files of every day.
            Verdict::Logged => match question.hole(asked, stretch.is_in_all_regions()) {
                Some(hole) => return Some(hole),
                None => {
                    unseen = None;
                    continue;
                }
            },
            Verdict::LeftOut(why) => return Some(question.left_out(why)),
            Verdict::Unknown => {}
        }
        if let Some(blind) = question.never_shown().or_else(|| question.hole(asked, false)) {
            return Some(blind);
        }
        let Some(not_shown) = question.not_shown(stretch) else {
            unseen = None;
            continue;
        };
        let since = *unseen.get_or_insert(asked.first);
        if not_shown.at_once || asked.end - since > SHORT {
            return Some((not_shown.answer)(Window {
                first: since,
                end: asked.end,
            }));
        }
    }
    None
}
