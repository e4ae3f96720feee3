//! Log files that digests name, against those that a run was given: what is not there, or not as it was delivered, is lost.

use std::collections::{BTreeMap, HashSet};

use super::filter::Filter;
use crate::coverage::{Coverage, Loss, NamedFile, NamedFiles};
use crate::decode::Digest;
use crate::source::Source;
use crate::time::{DAY, day_of};

/// Why a file is lost that was changed after its delivery.
pub(super) const CHANGED: &str = "its content is not what a digest says was delivered";
/// Why one is that is gone.
const GONE: &str = "a digest names it, and it is not there";

/// A digest answers for the accounts and regions that are asked for, as events do.
pub(super) fn note(coverage: &mut Coverage, filter: &Filter, digest: &Digest) {
    let asked = (filter.accounts.is_empty() || filter.accounts.contains(&digest.account))
        && (filter.regions.is_empty() || filter.regions.contains(&digest.region));
    if asked {
        let key = (digest.account.clone(), digest.region.clone(), digest.trail.clone());
        let facts = coverage.digests.entry(key).or_default();
        facts.proved.add(digest.start);
        for file in &digest.named {
            facts.named.add(file.window.first);
            facts.named.add(file.window.last());
        }
        let key = (digest.account.clone(), digest.region.clone());
        let named = coverage.named_files.named.entry(key).or_default();
        named.extend(digest.named.iter().map(|file| {
            let (window, hash) = (file.window, file.hash);
            (file.key.clone(), NamedFile { window, hash })
        }));
    }
}

/// Notes what is lost. `sources` are all files of the archive that the filter leaves.
pub(super) fn settle(coverage: &mut Coverage, sources: &[Source], filter: &Filter) {
    let files = std::mem::take(&mut coverage.named_files);
    for (key, loss) in losses(files, sources, filter) {
        coverage.lose(&key, loss);
    }
}

/// Files that are gone, of accounts and regions whose files go by the names that CloudTrail gave them, and files of which
/// no copy that was read holds what was delivered, by their keys.
pub(super) fn losses(files: NamedFiles, sources: &[Source], filter: &Filter) -> Vec<(String, Loss)> {
    let mut losses = Vec::new();
    if files.named.is_empty() {
        return losses;
    }
    let keys = files.named.values().flat_map(BTreeMap::keys);
    let asked: HashSet<&str> = keys.map(|key| base(key)).collect();
    let mut here: HashSet<&str> = HashSet::new();
    for source in sources {
        here.extend(asked.get(base(&source.name())));
    }
    for ((account, region), named) in &files.named {
        // A copy under other names tells of none that is gone.
        let has_names = named.keys().any(|key| here.contains(base(key)));
        for (key, file) in named {
            let name = base(key);
            // What was delivered before the first day that is asked for was perhaps not looked for.
            let listed = filter
                .since
                .is_none_or(|since| day_of(since) * DAY <= file.window.first);
            let is_gone = || has_names && listed && !name.is_empty() && !here.contains(name);
            let why = match (file.hash, files.contents.get(name)) {
                (Some(hash), Some(contents)) if !contents.contains(&hash) => CHANGED,
                (Some(_) | None, Some(_)) => continue,
                (Some(_) | None, None) if is_gone() => GONE,
                (Some(_) | None, None) => continue,
            };
            let loss = Loss {
                account: account.clone(),
                region: region.clone(),
                window: file.window,
                why: why.to_owned(),
            };
            if filter.may_take(&loss) {
                losses.push((key.clone(), loss));
            }
        }
    }
    losses
}

/// A file's name without its folders, packed or not.
pub(super) fn base(name: &str) -> &str {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    file.strip_suffix(".gz").unwrap_or(file)
}
