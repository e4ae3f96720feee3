//! Trails where CloudTrail delivers them: `s3://bucket/prefix`.
//!
//! `list` finds objects folder by folder, so that accounts, regions and days that nobody asked for are never listed;
//! `fetch` brings them, many at once, into a bounded amount of memory.

mod fetch;
mod layout;
mod list;

use std::sync::Arc;

use aws_sdk_s3::Client;

use super::tally::Tally;
use super::{Error, Source, Unreadable, Wanted};
use crate::aws::{Connection, Kind, Trouble, Whole};
use crate::progress::Progress;

/// How objects are fetched.
#[derive(Clone, Debug)]
pub struct Options {
    /// Requests that are under way at once.
    pub in_flight: usize,
    /// Bytes of objects that are held, on their way or waiting to be read.
    pub ahead: u64,
    /// Whether we pay for requests and transfer (requester-pays buckets refuse everybody else).
    pub request_payer: bool,
    /// Objects up to this size are held whole before anything of them counts; larger ones come in pieces of this size.
    pub piece: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            in_flight: 128,
            ahead: 256 << 20,
            request_payer: false,
            piece: 32 << 20,
        }
    }
}

/// A bucket, and a client that speaks to its region.
#[derive(Clone, Debug)]
struct Bucket {
    name: String,
    client: Client,
    options: Options,
    tally: Arc<Tally>,
}

impl Bucket {
    fn new(name: &str, connection: &Connection, options: &Options) -> Bucket {
        // Elsewhere than at AWS a bucket seldom has a host name of its own.
        let config = aws_sdk_s3::config::Builder::from(connection.config())
            .force_path_style(connection.is_elsewhere())
            .interceptor(Whole)
            .build();
        Bucket {
            name: name.to_owned(),
            client: Client::from_conf(config),
            options: options.clone(),
            tally: Arc::new(Tally::of(["object", "objects"])),
        }
    }

    fn payer(&self) -> Option<aws_sdk_s3::types::RequestPayer> {
        self.options
            .request_payer
            .then_some(aws_sdk_s3::types::RequestPayer::Requester)
    }
}

/// `s3://bucket/prefix` → bucket and prefix
pub fn address(place: &str) -> Option<(&str, &str)> {
    let (bucket, prefix) = match place.strip_prefix("s3://")?.split_once('/') {
        Some((bucket, prefix)) => (bucket, prefix),
        None => (place.strip_prefix("s3://")?, ""),
    };
    (!bucket.is_empty()).then_some((bucket, prefix))
}

/// The objects under these places that may hold something wanted, each once, sorted by name.
///
/// # Errors
/// A place that is no address, or whose first page cannot be listed. A folder further down that cannot be listed is a
/// source that says so.
pub fn find(
    connection: &Connection,
    places: &[String],
    wanted: &Wanted,
    options: &Options,
    progress: &Progress,
) -> Result<Vec<Source>, Error> {
    let fetcher = fetch::Fetcher::new(connection, options);
    let mut found = Vec::new();
    for place in places {
        let Some((bucket, prefix)) = address(place) else {
            return Err(Error::Network {
                place: place.clone(),
                why: "no bucket named".to_owned(),
                help: "write s3://bucket/prefix",
            });
        };
        let failed = |trouble: Trouble| Error::Network {
            place: place.clone(),
            why: trouble.to_string(),
            help: way_out(&trouble),
        };
        let (bucket, listed) = list::list(connection, bucket, prefix, wanted, &fetcher, progress).map_err(failed)?;
        for (folder, trouble) in listed.troubles {
            let name = format!("s3://{}/{folder}", bucket.name);
            let unreadable = Unreadable {
                why: format!("cannot be listed whole: {trouble}"),
                out_of_reach: false,
            };
            found.push(unreadable.source(name));
        }
        if let Some((first, count)) = listed.others {
            let more = match count {
                1 => String::new(),
                count => format!(", nor were {} others like it", count - 1),
            };
            let unread = Unreadable {
                why: format!("not fetched, for no trail writes such names{more}; name an object to read it"),
                out_of_reach: true,
            };
            found.push(unread.source(first));
        }
        found.extend(listed.objects.into_iter().map(Source::Remote));
        fetcher.know(bucket);
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The way out, where S3 says less than it means.
fn way_out(trouble: &Trouble) -> &'static str {
    match trouble.kind {
        // Whoever does not say that they pay is told no more than `Access Denied` (S3 user guide, "Using Requester Pays
        // general purpose buckets").
        Kind::Denied => {
            "`trimtrail doctor --logs PLACE` prints the policy that this needs; a bucket whose requesters pay needs \
             --request-payer"
        }
        Kind::Archived => {
            "restore the objects (aws s3api restore-object), or leave their days out with --since, then run again"
        }
        _ => trouble.help(),
    }
}

/// Lists a place and reads one object of it: a sentence on what worked.
///
/// # Errors
/// What stood in the way.
pub fn check(connection: &Connection, place: &str, options: &Options) -> Result<String, Trouble> {
    let (bucket, prefix) = address(place).ok_or_else(|| Trouble::new(Kind::Other, "write s3://bucket/prefix"))?;
    let fetcher = fetch::Fetcher::new(connection, options);
    let (bucket, first) = list::first(connection, bucket, prefix, &fetcher)?;
    let Some(object) = first else {
        return Ok("may be listed; no object lies there, so reading was not tried".to_owned());
    };
    fetcher.know(bucket);
    fetcher.sample(&object)?;
    Ok(format!("may be listed and read ({})", object.name()))
}
