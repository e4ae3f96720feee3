//! A file that is too large to be read at once is hashed while it is read.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use super::duplicates::Digest;

/// A stream whose bytes are hashed as they pass.
pub(super) struct Hashed<R> {
    inner: R,
    hash: Sha256,
    /// How reading ended.
    ended: Option<Result<(), String>>,
}

impl<R: Read> Hashed<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            ended: None,
        }
    }

    /// The digest, if the stream was read to its end, and else why not.
    pub(super) fn finish(mut self) -> Result<Digest, String> {
        // What nobody wanted to look at belongs to the file all the same.
        if self.ended.is_none() {
            let _ = io::copy(&mut self, &mut io::sink());
        }
        self.ended.unwrap_or(Ok(())).map(|()| self.hash.finalize().into())
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer);
        match &read {
            Ok(0) if !buffer.is_empty() => self.ended = Some(Ok(())),
            Ok(read) => self.hash.update(&buffer[..*read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => self.ended = Some(Err(error.to_string())),
        }
        read
    }
}
