//! Which catalog a run uses, and how old it is.

use std::path::PathBuf;

use clap::Args;

use super::{GENERAL, Terminal};
use crate::catalog::{Catalog, folder};

/// A folder of this name beside the program is used where it is newer than what the program carries.
const BESIDE: &str = "trimtrail-catalog";
/// Days after which a catalog is said to be old.
const OLD: i64 = 90;

/// Which catalog to use.
#[derive(Args, Debug)]
pub(super) struct CatalogInUse {
    /// A newer catalog in the place of this program's own: what `catalog refresh --to DIR` wrote; without it a folder
    /// `trimtrail-catalog` beside the program, if that is newer
    #[arg(long = "catalog", global = true, help_heading = GENERAL, value_name = "DIR", env = "TRIMTRAIL_CATALOG")]
    folder: Option<PathBuf>,
}

impl CatalogInUse {
    /// The folder that takes the place of what the program carries, if any.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        if self.folder.is_some() {
            return self.folder.clone();
        }
        let beside = std::env::current_exe().ok()?.parent()?.join(BESIDE);
        let newer = beside.is_dir() && folder::date_of(&beside).map_or(true, |date| date > folder::embedded_date());
        newer.then_some(beside)
    }

    /// Puts it in use.
    ///
    /// # Errors
    /// It is damaged, or older than what the program carries.
    pub(super) fn install(&self) -> Result<(), folder::Error> {
        match self.folder() {
            Some(folder) => Catalog::read(&folder)?.install(),
            None => Ok(()),
        }
    }
}

/// How many days ago AWS's list of actions was taken; none where the clock runs behind it.
pub(super) fn age() -> Option<i64> {
    let day: jiff::civil::Date = Catalog::embedded().date().parse().ok()?;
    let seconds = jiff::Timestamp::now().as_second() - crate::time::midnight(day);
    (seconds >= 0).then(|| seconds.div_euclid(crate::time::DAY))
}

/// `catalog of 2026-10-27, 33 days old`
pub(super) fn line() -> String {
    let date = Catalog::embedded().date();
    match age() {
        Some(1) => format!("catalog of {date}, 1 day old"),
        Some(days) => format!("catalog of {date}, {days} days old"),
        None => format!("catalog of {date}"),
    }
}

/// Warns where the catalog is old.
pub(super) fn warn(terminal: &Terminal) {
    if age().is_some_and(|days| days > OLD) {
        terminal.say(&format!(
            "warning: {}: actions and operations newer than it are not known, and what may need them stays; \
             --catalog DIR gives a newer one",
            line()
        ));
    }
}
