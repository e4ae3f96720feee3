//! What an account's stream in one region lacks, and how that is said.

use crate::coverage::{Coverage, Hole, Why};
use crate::time::{Window, minute};

/// What an account's stream in one region lacks.
#[derive(Clone, Debug, Default)]
pub(super) struct Silence {
    /// Nothing was ever heard, and no digest says why.
    pub(super) nothing: bool,
    /// What is missing of its management events, and of its data events.
    pub(super) holes: Vec<Hole>,
    pub(super) data_holes: Vec<Hole>,
    /// Whether it is too quiet to have a usual gap, and what is missing of the account in all regions together.
    pub(super) quiet: bool,
    pub(super) everywhere: Vec<Window>,
}

impl Silence {
    pub(super) fn of(coverage: &Coverage, account: &str, region: &str, window: Window) -> Silence {
        Silence {
            nothing: coverage.management_hours(account, region).is_empty()
                && coverage.digest_hours(account, region).is_empty(),
            holes: coverage.holes(account, region, window),
            data_holes: coverage.holes_of_all(account, region, window),
            quiet: coverage.is_quiet(account, region),
            everywhere: coverage.silences_everywhere(account, window),
        }
    }

    /// What is missing between two moments. What a trail of all regions logs in a quiet one shows by the files of the
    /// others that it was delivered.
    pub(super) fn between<'h>(&self, holes: &'h [Hole], from: i64, to: i64, all_regions: bool) -> Option<&'h Hole> {
        let asked = Window { first: from, end: to };
        let counts = |hole: &&Hole| match hole.why {
            Why::Lost { .. } | Why::Missing => true,
            Why::Silent if self.quiet && all_regions => {
                let silent = |window: &Window| window.intersection(hole.window);
                self.everywhere
                    .iter()
                    .filter_map(silent)
                    .any(|both| both.intersection(asked).is_some())
            }
            Why::Silent => true,
        };
        let mut holes = holes.iter().filter(|hole| hole.window.intersection(asked).is_some());
        holes.find(counts)
    }
}

/// What a hole is, in words.
pub(super) fn missing(account: &str, region: &str, hole: &Hole) -> String {
    let (from, to) = (minute(hole.window.first), minute(hole.window.end));
    match &hole.why {
        Why::Silent => format!("no event of account {account} in {region} from {from} to {to}"),
        why @ (Why::Lost { .. } | Why::Missing) => {
            format!("a hole in what is known of account {account} in {region}, {from} to {to}: {why}")
        }
    }
}
