//! Finds the objects under a prefix, many folders at once, and only those that may hold something wanted.

use std::sync::Arc;

use aws_sdk_s3::types::{EncodingType, ObjectStorageClass as Class, OptionalObjectAttributes};
use percent_encoding::percent_decode_str;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::super::layout::is_named_like_a_log;
use super::super::{Fetch, Remote, Wanted, remote};
use super::Bucket;
use super::fetch::Fetcher;
use super::layout::{Depth, Layout};
use crate::aws::{Connection, Kind, Trouble, patiently};
use crate::progress::Progress;

/// Folders below the asked one that are looked into for `AWSLogs/` before everything is listed as it lies.
const FOLDERS_ABOVE: usize = 3;

/// A bucket, and who fetches its objects.
#[derive(Clone)]
struct Shelf {
    bucket: Bucket,
    place: Arc<dyn Fetch>,
}

/// What lies under a prefix.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) objects: Vec<Remote>,
    /// Folders of which not everything could be listed.
    pub(super) troubles: Vec<(String, Trouble)>,
    /// The first of the objects that no trail could have written, and how many there are.
    pub(super) others: Option<(String, u64)>,
}

/// What one folder shows.
#[derive(Debug, Default)]
struct Folder {
    objects: Vec<Remote>,
    folders: Vec<String>,
    trouble: Option<Trouble>,
    /// Where the next page begins.
    next: Option<String>,
}

/// Lists what may hold something wanted, and finds the bucket's region on the way.
///
/// # Errors
/// The bucket cannot be listed at all.
pub(super) fn list(
    connection: &Connection,
    bucket: &str,
    prefix: &str,
    wanted: &Wanted,
    fetcher: &Arc<Fetcher>,
    progress: &Progress,
) -> Result<(Bucket, Listed), Trouble> {
    connection.wait(async {
        let (shelf, first) = knock(connection, bucket, prefix, fetcher).await?;
        let mut listed = Listed::default();
        let roots = roots(&shelf, prefix, first, &mut listed).await;
        let place = shelf.name(prefix);
        walk(&shelf, roots, wanted, &mut listed, &|sofar| {
            progress.stage(&format!("{place}: {sofar}"))
        })
        .await;
        let Listed { objects, others, .. } = &mut listed;
        let start = shelf.name("").len();
        objects.retain(|object| {
            let name = object.name();
            let key = &name[start..];
            // The console marks folders by empty objects.
            if key.ends_with('/') || !Layout::of(key).may_hold(wanted) {
                return false;
            }
            let is_other = name != place && !may_be_a_log(key);
            if is_other {
                let (first, count) = others.get_or_insert_with(|| (name.clone(), 0));
                *count += 1;
                if name < *first {
                    *first = name;
                }
            }
            !is_other
        });
        Ok((shelf.bucket, listed))
    })
}

impl Shelf {
    /// The name of an object, or of a folder.
    fn name(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket.name)
    }
}

/// Whether a name may be that of a log, by its ending. Of those that are words, others than logs have are pages,
/// pictures, programs; what is no word may be a part of a date.
fn may_be_a_log(key: &str) -> bool {
    let ending = key.rsplit('/').next().and_then(|name| Some(name.rsplit_once('.')?.1));
    let is_word = ending
        .is_some_and(|ending| (1..=5).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphabetic()));
    !is_word || is_named_like_a_log(key) || ending.is_some_and(|ending| ending.eq_ignore_ascii_case("log"))
}

/// The first page, from the region where the bucket lies.
async fn knock(
    connection: &Connection,
    name: &str,
    prefix: &str,
    fetcher: &Arc<Fetcher>,
) -> Result<(Shelf, Folder), Trouble> {
    let shelf = |connection: &Connection| Shelf {
        bucket: Bucket::new(name, connection, fetcher.options()),
        place: Arc::clone(fetcher) as Arc<dyn Fetch>,
    };
    let near = shelf(connection);
    match page(&near, prefix, true, None, None).await {
        Ok(first) => Ok((near, first)),
        Err(Trouble {
            kind: Kind::Elsewhere(Some(region)),
            ..
        }) => {
            let shelf = shelf(&connection.in_region(&region));
            let first = page(&shelf, prefix, true, None, None).await?;
            Ok((shelf, first))
        }
        Err(trouble) => Err(trouble),
    }
}

/// Where to begin. A prefix without a slash at its end means that folder or object if there is one, and else whatever
/// begins like it.
async fn roots(shelf: &Shelf, prefix: &str, first: Folder, listed: &mut Listed) -> Vec<String> {
    if prefix.is_empty() || prefix.ends_with('/') {
        return vec![prefix.to_owned()];
    }
    let folder = format!("{prefix}/");
    let begins = if first.next.is_some() {
        whole(shelf, prefix, true).await
    } else {
        first
    };
    if let Some(trouble) = begins.trouble {
        listed.troubles.push((prefix.to_owned(), trouble));
    }
    let name = shelf.name(prefix);
    let (exact, others): (Vec<Remote>, Vec<Remote>) =
        begins.objects.into_iter().partition(|object| object.name() == name);
    let is_folder = begins.folders.contains(&folder);
    if is_folder || !exact.is_empty() {
        listed.objects.extend(exact);
        return if is_folder { vec![folder] } else { Vec::new() };
    }
    listed.objects.extend(others);
    begins.folders
}

/// Looks into folder after folder, many at once.
async fn walk(shelf: &Shelf, roots: Vec<String>, wanted: &Wanted, listed: &mut Listed, say: &dyn Fn(&str)) {
    let turns = Arc::new(Semaphore::new(shelf.bucket.options.in_flight.max(1)));
    let wanted = Arc::new(wanted.clone());
    let top = roots.first().map_or(0, |root| root.matches('/').count());
    let mut looking = JoinSet::new();
    let look_into = |looking: &mut JoinSet<(String, Folder)>, folder: String| {
        let (shelf, turns, wanted) = (shelf.clone(), Arc::clone(&turns), Arc::clone(&wanted));
        looking.spawn(async move {
            let _turn = turns.acquire_owned().await;
            let found = look(&shelf, &folder, top, &wanted).await;
            (folder, found)
        });
    };
    for root in roots {
        look_into(&mut looking, root);
    }
    let mut folders = 0_u64;
    while let Some(looked) = looking.join_next().await {
        let (name, folder) = match looked {
            Ok(looked) => looked,
            Err(error) => {
                let trouble = Trouble::new(Kind::Other, error.to_string());
                listed.troubles.push((String::new(), trouble));
                continue;
            }
        };
        folders += 1;
        listed.objects.extend(folder.objects);
        listed.troubles.extend(folder.trouble.map(|trouble| (name, trouble)));
        for folder in folder.folders {
            if Layout::of(&folder).may_hold(&wanted) {
                look_into(&mut looking, folder);
            }
        }
        let waiting = looking.len();
        say(&format!(
            "{} objects in {folders} folders, {waiting} more to look into",
            listed.objects.len()
        ));
    }
}

async fn look(shelf: &Shelf, folder: &str, top: usize, wanted: &Wanted) -> Folder {
    let layout = Layout::of(folder);
    let by_folder = match layout.depth() {
        Depth::Files => false,
        Depth::Above(depth) => depth < top + FOLDERS_ABOVE,
        Depth::Folders => true,
        Depth::Region | Depth::Month => match at_once(shelf, folder, &layout, wanted).await {
            Some(all) => return all,
            None => true,
        },
    };
    whole(shelf, folder, by_folder).await
}

/// A request that shows all of a month, or of a region since a day, is cheaper than one a folder; where there is more
/// than a page of it, folders are looked into many at once.
async fn at_once(shelf: &Shelf, folder: &str, layout: &Layout<'_>, wanted: &Wanted) -> Option<Folder> {
    let from = layout.wanted_from(wanted)?;
    // A region may hold years.
    if from.is_empty() && layout.depth() == Depth::Region {
        return None;
    }
    let after = (!from.is_empty()).then(|| format!("{folder}{from}"));
    let page = page(shelf, folder, false, None, after).await.ok()?;
    page.next.is_none().then_some(page)
}

/// All pages of a folder, or those before the one that could not be had.
async fn whole(shelf: &Shelf, prefix: &str, by_folder: bool) -> Folder {
    let mut all = Folder::default();
    let mut next = None;
    loop {
        match page(shelf, prefix, by_folder, next.clone(), None).await {
            Ok(page) if page.next.is_some() && page.next == next => {
                all.trouble = Some(Trouble::new(
                    Kind::Other,
                    "its listing begins the same page again and again",
                ));
            }
            Ok(page) => {
                all.objects.extend(page.objects);
                all.folders.extend(page.folders);
                next = page.next;
            }
            Err(trouble) => all.trouble = Some(trouble),
        }
        if next.is_none() || all.trouble.is_some() {
            return all;
        }
    }
}

/// One page of at most 1,000 names, those of them that are greater than `after`, asked for again where that may help.
async fn page(
    shelf: &Shelf,
    prefix: &str,
    by_folder: bool,
    token: Option<String>,
    after: Option<String>,
) -> Result<Folder, Trouble> {
    let bucket = &shelf.bucket;
    let page = patiently(|| {
        bucket
            .client
            .list_objects_v2()
            .bucket(&bucket.name)
            .prefix(prefix)
            .set_delimiter(by_folder.then(|| "/".to_owned()))
            // A key may hold what XML cannot (S3 API reference, ListObjectsV2, `encoding-type`).
            .encoding_type(EncodingType::Url)
            .optional_object_attributes(OptionalObjectAttributes::RestoreStatus)
            .set_continuation_token(token.clone())
            .set_start_after(after.clone())
            .set_request_payer(bucket.payer())
            .send()
    })
    .await?;
    let contents = page.contents.unwrap_or_default();
    let folders = page.common_prefixes.unwrap_or_default();
    if page.is_truncated == Some(true) && page.next_continuation_token.as_deref().unwrap_or("").is_empty() {
        return Err(Trouble::new(
            Kind::Other,
            "its listing says that there is more, and not where it goes on",
        ));
    }
    let count = contents.len() + folders.len();
    // AWS counts both; some stores that speak its language count objects alone.
    let miscounts = |said: &i32| usize::try_from(*said).is_ok_and(|said| said != count && said != contents.len());
    if let Some(said) = page.key_count.filter(miscounts) {
        let sentence = format!("its listing names {count} objects and folders, and says that they are {said}");
        return Err(Trouble::new(Kind::Other, sentence));
    }
    let is_encoded = page.encoding_type == Some(EncodingType::Url);
    let decoded = |name: String| if is_encoded { decoded(&name) } else { name };
    let objects = contents.into_iter().filter_map(|object| {
        Some(remote::Listed {
            archived: is_archived(&object),
            name: shelf.name(&decoded(object.key?)),
            bytes: u64::try_from(object.size.unwrap_or(0)).unwrap_or(0),
            etag: object.e_tag.unwrap_or_default(),
        })
    });
    let objects: Vec<remote::Listed> = objects.collect();
    Ok(Folder {
        objects: remote::Listed::all(&objects, &shelf.place),
        folders: folders
            .into_iter()
            .filter_map(|folder| Some(decoded(folder.prefix?)))
            .collect(),
        trouble: None,
        next: page.next_continuation_token.filter(|_| page.is_truncated == Some(true)),
    })
}

/// A name as S3 writes it under `encoding-type=url`: a space is a plus sign, a plus sign is encoded. Bytes that are no
/// UTF-8 cannot stand in a key.
fn decoded(name: &str) -> String {
    let spaced = name.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// Whether an object has to be restored before it can be read. A restored copy says until when it stays (S3 API
/// reference, `RestoreStatus`); the archive tiers of Intelligent-Tiering do not show in a listing.
fn is_archived(object: &aws_sdk_s3::types::Object) -> bool {
    let restored = object
        .restore_status
        .as_ref()
        .and_then(|status| status.restore_expiry_date);
    let class = object.storage_class.as_ref();
    restored.is_none() && class.is_some_and(|class| matches!(class, Class::Glacier | Class::DeepArchive))
}

/// The first object under a prefix, to see that it may be listed and read.
///
/// # Errors
/// The bucket cannot be listed.
pub(super) fn first(
    connection: &Connection,
    bucket: &str,
    prefix: &str,
    fetcher: &Arc<Fetcher>,
) -> Result<(Bucket, Option<Remote>), Trouble> {
    connection.wait(async {
        let (shelf, _) = knock(connection, bucket, prefix, fetcher).await?;
        let page = page(&shelf, prefix, false, None, None).await?;
        let first = page.objects.into_iter().find(|object| object.bytes > 0);
        Ok((shelf.bucket, first))
    })
}

#[cfg(test)]
mod tests {
    use super::may_be_a_log;

    #[track_caller]
    fn check(key: &str, may: bool) {
        assert_eq!(may_be_a_log(key), may, "{key}");
    }

    #[test]
    fn what_is_named_like_a_page_or_a_picture_is_no_log() {
        check("a/1_CloudTrail_eu-west-1_20261003T0400Z_x.json.gz", true);
        check("trail.ndjson", true);
        check("no-ending", true);
        check("firehose/events.log", true);
        check("export.2026-10-03", true);
        check("events.json.1", true);
        check("folder.txt/events", true);
        check("notes.txt", false);
        check("a/b/page.HTML", false);
        check("backup.tar", false);
    }
}
