//! How well an archive's calls are mapped, for people: resources named, and calls that no action is known for.

use std::io::{self, Write};

use super::escape;
use crate::gap::{Named, UnmappedCalls};

/// Most event sources and calls that are listed.
const LISTED: usize = 10;

/// Writes it in a few lines.
///
/// # Errors
/// Where `out` fails.
pub fn mapped(named: &Named, unmapped: &[UnmappedCalls], out: &mut dyn Write) -> io::Result<()> {
    if named.total.calls > 0 {
        writeln!(
            out,
            "\nResources: {:.1} % of {} calls on actions with resources name one",
            named.total.percent(),
            named.total.calls
        )?;
    }
    let missing = named.sources.iter().filter(|(_, calls)| calls.unnamed() > 0);
    for (source, calls) in missing.take(LISTED) {
        let line = format!("  {source}: {} of {} name none", calls.unnamed(), calls.calls);
        writeln!(out, "{}", escape::terminal(&line))?;
    }
    if !unmapped.is_empty() {
        writeln!(
            out,
            "\nCalls that keep their whole service, because no action is known for them"
        )?;
    }
    for one in unmapped.iter().take(LISTED) {
        let line = format!(
            "  {} {} ({} calls): {}",
            one.event_source, one.event_name, one.calls, one.why
        );
        writeln!(out, "{}", escape::terminal(&line))?;
    }
    if unmapped.len() > LISTED {
        writeln!(out, "  and {} more", unmapped.len() - LISTED)?;
    }
    Ok(())
}
