//! As much of S3 as reading needs: ListObjectsV2 with prefixes, delimiters and pages, GetObject with ranges and ETags.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::http::{Request, Response, serve};

/// What a request for an object meets.
#[derive(Clone)]
pub(super) enum Oddity {
    /// `(status, code)` every time.
    Refuses(u16, &'static str),
    /// It comes byte by byte, each after so long.
    Drips(Duration),
    /// Too many requests, so many times.
    SlowDown(usize),
    /// What is listed breaks off in the middle, in an answer that is as long as it says.
    Tears,
    /// There is more, and nothing says where it goes on.
    LosesToken,
    /// The next page is the same page again, for ever.
    RepeatsToken,
    /// Fewer names than it says.
    Miscounts,
}

/// One bucket, `trails`.
#[derive(Default)]
pub(super) struct Bucket {
    pub(super) objects: BTreeMap<String, Vec<u8>>,
    /// Keys that are still listed and gone.
    pub(super) ghosts: BTreeSet<String>,
    /// Key, or prefix ending in `/` whose listing is meant → what is odd about it.
    pub(super) oddities: Mutex<BTreeMap<String, Oddity>>,
    /// Key → what is kept beside it as `signature`.
    pub(super) signatures: BTreeMap<String, String>,
    /// Keys of which only that was asked.
    pub(super) heads: Mutex<Vec<String>>,
    /// Keys of objects in Glacier, and whether they were restored.
    pub(super) archived: BTreeMap<String, bool>,
    /// Names a page.
    pub(super) page: usize,
    /// Time to the first byte of an object.
    pub(super) latency: Duration,
    /// Where the bucket lies, if not where it is asked for.
    pub(super) region: Option<&'static str>,
    /// What every request for an object meets after so many: `(after, status, code)`.
    pub(super) refuses_after: Option<(usize, u16, &'static str)>,
    /// Requests must say that they pay.
    pub(super) requester_pays: bool,
    /// (prefix, delimiter) of each listing.
    pub(super) listings: Mutex<Vec<(String, String)>>,
    /// No object is given out until so many are on their way at once.
    pub(super) gate: usize,
    /// Objects on their way now.
    pub(super) at_once: AtomicUsize,
    /// Most objects that were on their way at one time.
    pub(super) most_at_once: AtomicUsize,
    /// Keys asked for.
    pub(super) gets: Mutex<Vec<String>>,
}

impl Bucket {
    /// The files below a folder, under their paths.
    pub(super) fn of(folder: &Path) -> Bucket {
        let mut bucket = Bucket {
            page: 1000,
            ..Bucket::default()
        };
        bucket.take(folder, "");
        bucket
    }

    fn take(&mut self, folder: &Path, prefix: &str) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                self.take(&entry.path(), &format!("{name}/"));
            } else {
                self.objects.insert(name, std::fs::read(entry.path()).expect("a file"));
            }
        }
    }

    pub(super) fn serve(self) -> (Arc<Bucket>, SocketAddr) {
        let bucket = Arc::new(self);
        let served = Arc::clone(&bucket);
        (bucket, serve(move |request| served.answer(request)))
    }

    fn answer(&self, request: &Request) -> Response {
        let Some(rest) = request.path.strip_prefix("/trails") else {
            return error(404, "NoSuchBucket");
        };
        if let Some(region) = self.region
            && !request.header("authorization").contains(&format!("/{region}/s3/"))
        {
            return error(301, "PermanentRedirect").with("x-amz-bucket-region", region);
        }
        if self.requester_pays && request.header("x-amz-request-payer") != "requester" {
            return error(403, "AccessDenied");
        }
        let name = match rest.trim_start_matches('/') {
            "" => request.query.get("prefix").cloned().unwrap_or_default(),
            key => key.to_owned(),
        };
        if let Some(oddity) = self.oddities.lock().unwrap().get_mut(&name) {
            match oddity {
                Oddity::Refuses(status, code) => return error(*status, code),
                Oddity::SlowDown(0)
                | Oddity::Drips(_)
                | Oddity::Tears
                | Oddity::LosesToken
                | Oddity::RepeatsToken
                | Oddity::Miscounts => {}
                Oddity::SlowDown(times) => {
                    *times -= 1;
                    return error(503, "SlowDown");
                }
            }
        }
        match rest.trim_start_matches('/') {
            "" => self.list(request),
            key if request.method == "HEAD" => self.head(key),
            key => self.get(key, request),
        }
    }

    fn head(&self, key: &str) -> Response {
        self.heads.lock().unwrap().push(key.to_owned());
        let Some(bytes) = self.objects.get(key) else {
            return error(404, "NoSuchKey");
        };
        let answer = Response::new(200, bytes.clone()).with("etag", etag(bytes));
        match self.signatures.get(key) {
            Some(signature) => answer.with("x-amz-meta-signature", signature),
            None => answer,
        }
    }

    fn list(&self, request: &Request) -> Response {
        let field = |name: &str| request.query.get(name).cloned().unwrap_or_default();
        let (prefix, delimiter) = (field("prefix"), field("delimiter"));
        let after = field("continuation-token").max(field("start-after"));
        self.listings.lock().unwrap().push((prefix.clone(), delimiter.clone()));
        let mut names: BTreeSet<(String, bool)> = BTreeSet::new();
        for key in self.objects.keys().chain(&self.ghosts) {
            let Some(rest) = key.strip_prefix(&prefix) else {
                continue;
            };
            match rest.split_once('/').filter(|_| !delimiter.is_empty()) {
                Some((folder, _)) => names.insert((format!("{prefix}{folder}/"), true)),
                None => names.insert((key.clone(), false)),
            };
        }
        let left: Vec<(String, bool)> = names.into_iter().filter(|(name, _)| *name > after).collect();
        let page = &left[..left.len().min(self.page)];
        let oddity = self.oddities.lock().unwrap().get(&prefix).cloned();
        let encoded = field("encoding-type") == "url";
        let mut xml = format!("<ListBucketResult><KeyCount>{}</KeyCount>", page.len());
        if encoded {
            xml.push_str("<EncodingType>url</EncodingType>");
        }
        for (at, (key, is_folder)) in page.iter().enumerate() {
            if at > 0 && matches!(oddity, Some(Oddity::Miscounts)) {
                break;
            }
            let name = if encoded {
                url(key)
            } else {
                key.replace('&', "&amp;").replace('<', "&lt;")
            };
            if *is_folder {
                xml.push_str(&format!("<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>"));
            } else {
                let bytes = self.objects.get(key).map_or(7, Vec::len);
                let etag = self
                    .objects
                    .get(key)
                    .map_or_else(|| "\"ghost\"".to_owned(), |bytes| etag(bytes));
                let etag = etag.replace('"', "&quot;");
                let class = match self.archived.get(key) {
                    None => "<StorageClass>STANDARD</StorageClass>",
                    Some(true) if request.header("x-amz-optional-object-attributes") == "RestoreStatus" => {
                        "<StorageClass>GLACIER</StorageClass><RestoreStatus><IsRestoreInProgress>false\
                         </IsRestoreInProgress><RestoreExpiryDate>2100-01-01T00:00:00.000Z</RestoreExpiryDate>\
                         </RestoreStatus>"
                    }
                    Some(_) => "<StorageClass>GLACIER</StorageClass>",
                };
                xml.push_str(&format!(
                    "<Contents><Key>{name}</Key><ETag>{etag}</ETag><Size>{bytes}</Size>{class}</Contents>"
                ));
            }
        }
        if matches!(oddity, Some(Oddity::Tears)) {
            let end = xml.len() * 6 / 10;
            let end = xml[..end]
                .rfind("</Contents>")
                .map_or(end, |at| at + "</Contents>".len());
            return Response::new(200, &xml[..end]).with("content-type", "application/xml");
        }
        let more = left.len() > page.len() || matches!(oddity, Some(Oddity::LosesToken | Oddity::RepeatsToken));
        xml.push_str(&format!("<IsTruncated>{more}</IsTruncated>"));
        if matches!(oddity, Some(Oddity::RepeatsToken)) {
            xml.push_str("<NextContinuationToken>0</NextContinuationToken>");
        } else if let (true, Some((last, _)), None) = (more, page.last(), &oddity) {
            xml.push_str(&format!("<NextContinuationToken>{last}</NextContinuationToken>"));
        }
        xml.push_str("</ListBucketResult>");
        Response::new(200, xml).with("content-type", "application/xml")
    }

    fn get(&self, key: &str, request: &Request) -> Response {
        let before = {
            let mut gets = self.gets.lock().unwrap();
            gets.push(key.to_owned());
            gets.len() - 1
        };
        if let Some((_, status, code)) = self.refuses_after.filter(|(after, ..)| *after <= before) {
            return error(status, code);
        }
        if self.archived.get(key) == Some(&false) {
            return error(403, "InvalidObjectState");
        }
        let Some(bytes) = self.objects.get(key) else {
            return error(404, "NoSuchKey");
        };
        let at_once = self.at_once.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_at_once.fetch_max(at_once, Ordering::Relaxed);
        let begun = Instant::now();
        while self.most_at_once.load(Ordering::Relaxed) < self.gate && begun.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(self.latency);
        self.at_once.fetch_sub(1, Ordering::Relaxed);
        let etag = etag(bytes);
        let wanted = request.header("if-match");
        if !wanted.is_empty() && wanted != etag {
            return error(412, "PreconditionFailed");
        }
        let drips = match self.oddities.lock().unwrap().get(key) {
            Some(Oddity::Drips(pause)) => Some(*pause),
            _ => None,
        };
        let whole = Response {
            drips,
            ..Response::new(200, bytes.clone()).with("etag", etag)
        };
        let Some(range) = request.header("range").strip_prefix("bytes=") else {
            return whole;
        };
        let (from, to) = range.split_once('-').expect("a range");
        let (from, to): (usize, usize) = (from.parse().expect("a number"), to.parse().expect("a number"));
        let range = format!("bytes {from}-{to}/{}", bytes.len());
        Response {
            status: 206,
            body: bytes[from..=to].to_vec(),
            ..whole.with("content-range", range)
        }
    }
}

/// A name as S3 writes it under `encoding-type=url`.
fn url(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        match byte {
            b' ' => text.push('+'),
            b'/' | b'-' | b'_' | b'.' | b'*' => text.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

pub(super) fn etag(bytes: &[u8]) -> String {
    let sum = bytes
        .iter()
        .fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    format!("\"{sum:016x}-{}\"", bytes.len())
}

fn error(status: u16, code: &str) -> Response {
    Response::new(
        status,
        format!("<Error><Code>{code}</Code><Message>said so</Message></Error>"),
    )
    .with("content-type", "application/xml")
}
