//! Brings objects, many at once, in the order in which they will be opened.
//!
//! A walker goes along that order and starts a request as long as fewer than the allowed ones are under way and the
//! bytes that are held fit the allowance; reading an object gives its bytes back. An object counts only when it is here
//! whole: a body that breaks is taken up again where it broke, under the ETag that was listed. Objects too large to be
//! held come in pieces, each whole.

use std::collections::{HashMap, HashSet};
use std::io::{self, Cursor, Read};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::{Error, Fetch, Remote};
use super::{Bucket, Options, address, way_out};
use crate::aws::{Connection, Kind, Trouble, explain, patiently};

/// Memory is counted in these.
const UNIT: u64 = 1 << 10;

/// Bytes a second below which a transfer counts as stalled: 128 of them at this pace fill a line of 64 kbit/s.
const SLOWEST: u64 = 64;

/// The fetcher of all S3 places of one run.
pub(super) struct Fetcher {
    connection: Connection,
    options: Options,
    parcels: Parcels,
    desk: Arc<Desk>,
    flights: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    units: u32,
}

/// What makes a request of a listed object, when its turn comes: many wait, and each waits as what was listed.
#[derive(Clone)]
struct Parcels {
    buckets: Arc<Mutex<HashMap<String, Bucket>>>,
    patience: Duration,
    /// Requests in a row that met no network.
    in_the_dark: Arc<AtomicUsize>,
    too_dark: usize,
}

/// Where arrivals wait to be collected.
#[derive(Default)]
struct Desk {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    /// Under way (`None`) or here.
    parcels: HashMap<String, Option<Result<Body, Trouble>>>,
    /// Opened before the walker came to them.
    taken: HashSet<String>,
    /// Walkers that are not at their end.
    walkers: usize,
}

/// An object in memory.
struct Body {
    bytes: Cursor<Vec<u8>>,
    /// Gives the memory back when the reader is done.
    _memory: Option<OwnedSemaphorePermit>,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(buffer)
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a parcel that is under way. `None`: the caller has to fetch it.
    fn collect(&self, name: &str) -> Option<Result<Body, Trouble>> {
        let mut state = self.lock();
        loop {
            match state.parcels.get_mut(name) {
                Some(parcel) => {
                    if let Some(arrived) = parcel.take() {
                        state.parcels.remove(name);
                        return Some(arrived);
                    }
                }
                None => {
                    if state.walkers > 0 {
                        state.taken.insert(name.to_owned());
                    }
                    return None;
                }
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Notes that a parcel is under way, unless somebody took it already.
    fn announce(&self, name: &str) -> bool {
        let mut state = self.lock();
        if state.taken.remove(name) || state.parcels.contains_key(name) {
            return false;
        }
        state.parcels.insert(name.to_owned(), None);
        true
    }

    fn put(&self, name: &str, parcel: Result<Body, Trouble>) {
        self.lock().parcels.insert(name.to_owned(), Some(parcel));
        self.arrived.notify_all();
    }
}

impl Fetcher {
    pub(super) fn new(connection: &Connection, options: &Options) -> Arc<Fetcher> {
        let units = u32::try_from(options.ahead.div_ceil(UNIT)).unwrap_or(u32::MAX).max(1);
        Arc::new(Fetcher {
            connection: connection.clone(),
            options: options.clone(),
            parcels: Parcels {
                buckets: Arc::default(),
                patience: connection.patience(),
                in_the_dark: Arc::default(),
                too_dark: 3 * options.in_flight.max(1),
            },
            desk: Arc::default(),
            flights: Arc::new(Semaphore::new(options.in_flight.max(1))),
            memory: Arc::new(Semaphore::new(units as usize)),
            units,
        })
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// Objects of this bucket will be asked for.
    pub(super) fn know(&self, bucket: Bucket) {
        self.parcels
            .buckets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(bucket.name.clone(), bucket);
    }

    /// The first byte, to see that it may be read.
    pub(super) fn sample(&self, what: &Remote) -> Result<(), Trouble> {
        let parcel = self.parcels.of(what)?;
        self.connection.wait(parcel.fetch(0..1)).map(|_| ())
    }
}

impl Parcels {
    fn of(&self, what: &Remote) -> Result<Parcel, Trouble> {
        let unknown = || Trouble::new(Kind::Other, "not listed before");
        let name = what.name();
        let (bucket, key) = address(&name).ok_or_else(unknown)?;
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Parcel {
            bucket: buckets.get(bucket).ok_or_else(unknown)?.clone(),
            key: key.to_owned(),
            bytes: what.bytes,
            etag: what.etag().to_owned(),
            archived: what.archived,
            patience: self.patience,
            in_the_dark: Arc::clone(&self.in_the_dark),
            too_dark: self.too_dark,
        })
    }
}

impl Fetch for Fetcher {
    fn expect(&self, order: &[&Remote]) {
        let order: Vec<Remote> = order
            .iter()
            .filter(|what| what.bytes <= self.options.piece)
            .map(|what| (*what).clone())
            .collect();
        let parcels = self.parcels.clone();
        let (desk, flights, memory) = (
            Arc::clone(&self.desk),
            Arc::clone(&self.flights),
            Arc::clone(&self.memory),
        );
        let most = self.units;
        self.desk.lock().walkers += 1;
        self.connection.spawn(async move {
            for what in order {
                let Ok(parcel) = parcels.of(&what) else { continue };
                let name = what.name();
                let units = u32::try_from(parcel.bytes.div_ceil(UNIT)).unwrap_or(most).min(most);
                let held = Arc::clone(&memory).acquire_many_owned(units).await.ok();
                let flight = Arc::clone(&flights).acquire_owned().await;
                if !desk.announce(&name) {
                    continue;
                }
                let desk = Arc::clone(&desk);
                tokio::spawn(async move {
                    let fetched = parcel.fetch(0..parcel.bytes).await;
                    drop(flight);
                    let body = fetched.map(|bytes| Body {
                        bytes: Cursor::new(bytes),
                        _memory: held,
                    });
                    desk.put(&name, body);
                });
            }
            let mut state = desk.lock();
            state.walkers -= 1;
            if state.walkers == 0 {
                state.taken.clear();
            }
        });
    }

    fn open(&self, what: &Remote) -> io::Result<Box<dyn Read + Send>> {
        if what.bytes > self.options.piece {
            return Ok(Box::new(Pieces {
                parcel: self.parcels.of(what).map_err(io::Error::other)?,
                connection: self.connection.clone(),
                piece: self.options.piece,
                here: Cursor::default(),
                next: 0,
            }));
        }
        let body = match self.desk.collect(&what.name()) {
            Some(body) => body,
            None => self.parcels.of(what).and_then(|parcel| {
                let bytes = self.connection.wait(parcel.fetch(0..parcel.bytes))?;
                Ok(Body {
                    bytes: Cursor::new(bytes),
                    _memory: None,
                })
            }),
        };
        Ok(Box::new(body.map_err(io::Error::other)?))
    }

    fn metadata(&self, what: &Remote, name: &str) -> io::Result<Option<String>> {
        let parcel = self.parcels.of(what).map_err(io::Error::other)?;
        let fields = self.connection.wait(parcel.metadata()).map_err(io::Error::other)?;
        Ok(fields.get(name).cloned())
    }

    fn verdict(&self, earlier: u64) -> Result<(), Error> {
        let buckets = self.parcels.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buckets: Vec<&Bucket> = buckets.values().collect();
        buckets.sort_by_key(|bucket| &bucket.name);
        buckets
            .into_iter()
            .try_for_each(|bucket| bucket.tally.verdict(format!("s3://{}", bucket.name), earlier, way_out))
    }
}

/// One object, as it was listed.
struct Parcel {
    bucket: Bucket,
    key: String,
    bytes: u64,
    etag: String,
    /// As its listing says.
    archived: bool,
    patience: Duration,
    in_the_dark: Arc<AtomicUsize>,
    too_dark: usize,
}

impl Parcel {
    /// These bytes of it, whole.
    async fn fetch(&self, range: Range<u64>) -> Result<Vec<u8>, Trouble> {
        let asks = !range.is_empty();
        // One that was refused stands for all that are listed like it.
        let fetched = if self.archived && self.bucket.tally.met_archived() {
            Err(Trouble::archived())
        } else {
            self.persist(range).await
        };
        if asks {
            self.bucket.tally.note(&fetched);
        }
        fetched
    }

    /// Asks until all is here, or until asking is of no more use.
    async fn persist(&self, range: Range<u64>) -> Result<Vec<u8>, Trouble> {
        let mut bytes = Vec::with_capacity(usize::try_from(range.end - range.start).unwrap_or(0));
        let mut again = 0;
        loop {
            if range.end - range.start == bytes.len() as u64 {
                self.in_the_dark.store(0, Ordering::Relaxed);
                return Ok(bytes);
            }
            let (before, begun) = (bytes.len(), Instant::now());
            let Err(trouble) = self.some(&range, &mut bytes).await else {
                continue;
            };
            if is_moving(bytes.len() - before, begun.elapsed()) {
                again = 0;
            }
            let is_dark =
                trouble.kind == Kind::Unreachable && self.in_the_dark.fetch_add(1, Ordering::Relaxed) >= self.too_dark;
            let Some(pause) = trouble.pause(again).filter(|_| !is_dark) else {
                return Err(self.in_words(trouble));
            };
            tokio::time::sleep(pause).await;
            again += 1;
        }
    }

    /// One request for what is missing; what arrives is kept even where the rest does not.
    async fn some(&self, range: &Range<u64>, bytes: &mut Vec<u8>) -> Result<(), Trouble> {
        let from = range.start + bytes.len() as u64;
        let is_whole = from == 0 && range.end == self.bytes;
        let part = (!is_whole).then(|| format!("bytes={from}-{}", range.end - 1));
        let answer = self
            .bucket
            .client
            .get_object()
            .bucket(&self.bucket.name)
            .key(&self.key)
            .set_if_match((!self.etag.is_empty()).then(|| self.etag.clone()))
            .set_range(part)
            .set_request_payer(self.bucket.payer())
            .send()
            .await
            .map_err(|error| explain(&error))?;
        if !is_whole && answer.content_range.is_none() {
            return Err(Trouble::new(
                Kind::Other,
                "the other side does not serve parts of an object",
            ));
        }
        let mut body = answer.body;
        let (mut begun, mut before) = (Instant::now(), bytes.len());
        loop {
            let chunk = match tokio::time::timeout(self.patience, body.next()).await {
                Ok(Some(Ok(chunk))) => chunk,
                Ok(Some(Err(error))) => {
                    return Err(Trouble::new(Kind::Unreachable, format!("the transfer broke: {error}")));
                }
                Ok(None) => break,
                Err(_) => return Err(Trouble::new(Kind::Unreachable, "the transfer stalled")),
            };
            bytes.extend_from_slice(&chunk);
            // Whoever sends a byte a second is never silent, and never done.
            if begun.elapsed() > self.patience {
                if !is_moving(bytes.len() - before, begun.elapsed()) {
                    return Err(Trouble::new(Kind::Unreachable, "the transfer trickled"));
                }
                (begun, before) = (Instant::now(), bytes.len());
            }
            if bytes.len() as u64 > range.end - range.start {
                return Err(Trouble::new(Kind::Changed, "longer than it was when it was listed"));
            }
        }
        if (bytes.len() as u64) < range.end - range.start {
            return Err(Trouble::new(Kind::Unreachable, "the transfer ended early"));
        }
        Ok(())
    }

    /// What is kept beside it, by names without `x-amz-meta-`.
    async fn metadata(&self) -> Result<HashMap<String, String>, Trouble> {
        let answer = patiently(|| {
            self.bucket
                .client
                .head_object()
                .bucket(&self.bucket.name)
                .key(&self.key)
                .set_if_match((!self.etag.is_empty()).then(|| self.etag.clone()))
                .set_request_payer(self.bucket.payer())
                .send()
        })
        .await
        .map_err(|trouble| self.in_words(trouble))?;
        Ok(answer.metadata.unwrap_or_default())
    }

    /// S3 says `Access Denied` for a key that may not be used, too.
    fn in_words(&self, trouble: Trouble) -> Trouble {
        match trouble.kind {
            Kind::Denied => Trouble::new(
                Kind::Denied,
                format!("{trouble}; needs s3:GetObject, and kms:Decrypt where the object is encrypted with a KMS key"),
            ),
            _ => trouble,
        }
    }
}

/// Whether so many bytes in that time are a transfer.
fn is_moving(bytes: usize, took: Duration) -> bool {
    bytes > 0 && bytes as f64 >= SLOWEST as f64 * took.as_secs_f64()
}

/// An object too large to be held, piece by piece.
struct Pieces {
    parcel: Parcel,
    connection: Connection,
    piece: u64,
    here: Cursor<Vec<u8>>,
    next: u64,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.here.read(buffer)?;
            if read > 0 || buffer.is_empty() || self.next == self.parcel.bytes {
                return Ok(read);
            }
            let end = self.parcel.bytes.min(self.next + self.piece);
            let piece = self.connection.wait(self.parcel.fetch(self.next..end));
            self.here = Cursor::new(piece.map_err(io::Error::other)?);
            self.next = end;
        }
    }
}
