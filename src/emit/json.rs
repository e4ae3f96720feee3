//! `result.json`: the answer as programs read it.

use std::io::{self, BufWriter, Write};

use super::{Error, escape};
use crate::report::Report;

/// Writes the report with two spaces of indent and a line feed at the end.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> Result<(), Error> {
    let mut shown = Shown(BufWriter::new(out));
    serde_json::to_writer_pretty(&mut shown, report).map_err(io::Error::from)?;
    shown.0.write_all(b"\n")?;
    shown.0.flush()?;
    Ok(())
}

/// Escapes what `escape::json` escapes, piece by piece: an answer of thousands of principals takes gigabytes.
struct Shown<W>(W);

impl<W: Write> Write for Shown<W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if escape::is_plain(piece) {
            self.0.write_all(piece)?;
        } else {
            // serde_json cuts strings where it escapes, never within a character.
            let text = std::str::from_utf8(piece).map_err(io::Error::other)?;
            self.0.write_all(escape::json(text).as_bytes())?;
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
