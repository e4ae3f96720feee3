//! Compressed bytes to plain ones: what the first bytes say, one gzip file in one go, everything else as a stream.
//!
//! Nothing that a file says of its own size is trusted. What goes wrong is told as a [`Why`], carried by the stream's
//! `io::Error`, so that the records before the damage still count.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

use super::{Compression, Why};

/// Layers of compression that are taken off. Two happen: a `.gz` that was uploaded through something that gzips.
const MAX_LAYERS: usize = 3;

/// Deflate's best case: 258 bytes out of two bits.
const MAX_RATIO: u64 = 1032;

const GZIP: &[u8] = b"\x1f\x8b\x08";

/// What the first bytes say of the compression.
pub(super) fn compression(head: &[u8]) -> Compression {
    match head {
        [0x1f, 0x8b, 0x08, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31 | 0x17, ..] => Compression::Bzip2,
        _ => Compression::None,
    }
}

/// Inflates a gzip file that is in memory and a single member, in one go, into a reused buffer: how many bytes came
/// out. `None`: it is something else, or damaged, or too large, and must stream.
pub(super) fn one_shot(
    inflate: &mut libdeflater::Decompressor,
    bytes: &[u8],
    out: &mut Vec<u8>,
    limit: u64,
) -> Option<usize> {
    let tail = bytes.last_chunk::<4>()?;
    let size = u32::from_le_bytes(*tail);
    if u64::from(size) > limit.min(bytes.len() as u64 * MAX_RATIO) {
        return None;
    }
    // libdeflate reads the first member and does not say where it ended. If nothing after the file's start looks like
    // another member, and the file's last bytes are the size of what came out, then it ended at the file's end.
    if memchr::memmem::find(bytes.get(GZIP.len()..)?, GZIP).is_some() {
        return None;
    }
    let size = size as usize;
    if out.len() < size {
        out.resize(size, 0);
    }
    let written = inflate.gzip_decompress(bytes, &mut out[..size]).ok()?;
    (written == size).then_some(size)
}

/// Takes every layer of compression off a stream. `Err`: there are too many.
pub(super) fn layers<'r>(source: Box<dyn Read + 'r>) -> Result<(Box<dyn Read + 'r>, Compression), Why> {
    let mut stream = source;
    let mut outermost = Compression::None;
    for layer in 0.. {
        // Errors surface when the same bytes are asked for again.
        let (head, chained) = peek(stream);
        let found = compression(&head);
        if layer == 0 {
            outermost = found;
        }
        if found != Compression::None && layer == MAX_LAYERS {
            return Err(Why::CompressedTooOften);
        }
        stream = match found {
            Compression::None => return Ok((chained, outermost)),
            Compression::Gzip => Box::new(Members::new(BufReader::with_capacity(1 << 16, chained))),
            Compression::Zstd => match zstd::Decoder::new(chained) {
                Ok(decoder) => Box::new(Told(decoder)),
                Err(_) => return Err(Why::CompressionDamaged),
            },
            Compression::Bzip2 => Box::new(Told(bzip2::read::MultiBzDecoder::new(chained))),
        };
    }
    Ok((stream, outermost))
}

/// The first bytes of a stream, and the stream with them in front again.
fn peek<'r>(mut stream: Box<dyn Read + 'r>) -> (Vec<u8>, Box<dyn Read + 'r>) {
    let mut head = Vec::new();
    let mut failed = None;
    while head.len() < 8 {
        let mut byte = [0; 8];
        let want = 8 - head.len();
        match stream.read(&mut byte[..want]) {
            Ok(0) => break,
            Ok(read) => head.extend_from_slice(&byte[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    let again = io::Cursor::new(head.clone());
    match failed {
        Some(error) => (head, Box::new(again.chain(Failing(Some(error))))),
        None => (head, Box::new(again.chain(stream))),
    }
}

/// A reason, on its way through `io::Error`.
#[derive(Debug)]
struct Reason(Why);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Reason {}

fn because(why: Why) -> io::Error {
    io::Error::other(Reason(why))
}

/// The reason that an error of a stream carries.
pub(super) fn reason(error: &io::Error) -> Why {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Reason>()) {
        Some(reason) => reason.0,
        None => Why::ReadFailed,
    }
}

/// Fails once, then is at its end.
pub(super) struct Failing(pub(super) Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// The bytes as they lie: counts them, and tells a failure to read from damage inside.
pub(super) struct Source<'c, R> {
    pub(super) inner: R,
    pub(super) count: &'c Cell<u64>,
}

impl<R: Read> Read for Source<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Ok(read) => {
                self.count.set(self.count.get() + read as u64);
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(_) => Err(because(Why::ReadFailed)),
        }
    }
}

/// The reason for a decoder's error that is not the source's.
fn told(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::Interrupted => error,
        _ if error.get_ref().is_some_and(|inner| inner.is::<Reason>()) => error,
        io::ErrorKind::UnexpectedEof => because(Why::CompressionTorn),
        _ if error.to_string().contains("checksum") => because(Why::BadChecksum),
        _ => because(Why::CompressionDamaged),
    }
}

/// A decoder whose errors carry their reason.
struct Told<R>(R);

impl<R: Read> Read for Told<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(told)
    }
}

/// gzip members in a row. Zeros may follow (tapes and block devices pad with them); anything else is garbage.
struct Members<R> {
    decoder: Option<GzDecoder<R>>,
    /// Members begun so far.
    begun: u64,
}

impl<R: BufRead> Members<R> {
    fn new(source: R) -> Self {
        Self {
            decoder: Some(GzDecoder::new(source)),
            begun: 1,
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(decoder) = &mut self.decoder {
            match decoder.read(buffer) {
                Ok(0) => {}
                Ok(read) => return Ok(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(error) => {
                    let garbage = decoder.header().is_none() && self.begun > 1;
                    let torn = error.kind() == io::ErrorKind::UnexpectedEof;
                    self.decoder = None;
                    return Err(if garbage && !torn {
                        because(Why::TrailingGarbage)
                    } else {
                        told(error)
                    });
                }
            }
            let Some(mut source) = self.decoder.take().map(GzDecoder::into_inner) else {
                return Ok(0);
            };
            match next_byte(&mut source)? {
                None => return Ok(0),
                Some(0x1f) => {
                    self.decoder = Some(GzDecoder::new(source));
                    self.begun += 1;
                }
                Some(_) => return Err(because(Why::TrailingGarbage)),
            }
        }
        Ok(0)
    }
}

/// The next byte that is not zero, left where it is.
fn next_byte(source: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        let held = match source.fill_buf() {
            Ok(held) => held,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(told(error)),
        };
        if held.is_empty() {
            return Ok(None);
        }
        let zeros = held.iter().take_while(|byte| **byte == 0).count();
        let found = held.get(zeros).copied();
        source.consume(zeros);
        if found.is_some() {
            return Ok(found);
        }
    }
}
