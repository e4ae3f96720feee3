//! Files that digests name and that are gone, or changed since: a loss of the part in which they would stand.

use std::collections::{BTreeMap, HashSet};

use super::Error;
use super::store::Writer;
use crate::coverage::{Loss, NamedFiles};
use crate::source::{self, Source};
use crate::usage::named::{CHANGED, base, losses};
use crate::usage::{self, PartKey};

/// Notes them in the parts that are asked for. `sources` are all files that were given.
pub(super) fn note(
    writer: &mut Writer,
    files: NamedFiles,
    sources: &[Source],
    asked: &dyn Fn(&PartKey) -> bool,
) -> Result<(), Error> {
    let everything = usage::Filter::default();
    let mut lost: BTreeMap<PartKey, Vec<(String, Loss)>> = BTreeMap::new();
    for (file, loss) in losses(files, sources, &everything) {
        let (account, date) = source::part_of(&file);
        let key = PartKey { date, account };
        if asked(&key) {
            lost.entry(key).or_default().push((file, loss));
        }
    }
    for (key, files) in lost {
        let mut part = writer.part(&key)?.unwrap_or_default();
        let read: HashSet<&str> = part.objects.iter().map(|object| base(&object.key)).collect();
        let lost = files.into_iter();
        let lost: Vec<(String, Loss)> = lost
            .filter(|(file, loss)| loss.why == CHANGED || !read.contains(base(file)))
            .collect();
        for (file, loss) in &lost {
            part.coverage.lose(file, loss.clone());
        }
        if !lost.is_empty() {
            writer.put(&key, part);
        }
    }
    Ok(())
}
