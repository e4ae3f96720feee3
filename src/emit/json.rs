//! An answer as programs read it: `result.json`, and what others print in that form.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use super::{Error, escape};

/// Writes an answer with two spaces of indent and a line feed at the end; what would steer a terminal is escaped.
///
/// # Errors
/// What writing says.
pub fn json(answer: &impl Serialize, out: &mut dyn Write) -> Result<(), Error> {
    let mut shown = Shown(BufWriter::new(out));
    serde_json::to_writer_pretty(&mut shown, answer).map_err(io::Error::from)?;
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
