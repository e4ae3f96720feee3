//! Log files that digests name, against those that a run was given: what is named and not given is lost.

use std::collections::HashSet;

use super::filter::Filter;
use crate::coverage::{Coverage, Loss};
use crate::source::Source;
use crate::time::{DAY, day_of};

/// Notes what is gone, of accounts and regions whose files go by the names that CloudTrail gave them. `sources` are all
/// files of the archive that the filter leaves.
pub(super) fn settle(coverage: &mut Coverage, sources: &[Source], filter: &Filter) {
    let named = std::mem::take(&mut coverage.named_files);
    if named.is_empty() {
        return;
    }
    let names: Vec<String> = sources.iter().map(Source::name).collect();
    let here: HashSet<&str> = names.iter().map(|name| base(name)).collect();
    for ((account, region), files) in named {
        // A copy under other names tells of none that is gone.
        if !files.keys().any(|file| here.contains(base(file))) {
            continue;
        }
        for (file, window) in files {
            // What was delivered before the first day that is asked for was perhaps not looked for.
            let listed = filter.since.is_none_or(|since| day_of(since) * DAY <= window.first);
            let loss = Loss {
                account: account.clone(),
                region: region.clone(),
                window,
                why: "a digest names it, and it is not there".to_owned(),
            };
            if listed && !base(&file).is_empty() && !here.contains(base(&file)) && filter.may_take(&loss) {
                coverage.lose(&file, loss);
            }
        }
    }
}

/// A file's name without its folders, packed or not.
fn base(name: &str) -> &str {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    file.strip_suffix(".gz").unwrap_or(file)
}
