//! A finding for somebody who owns the role and is no expert: what it is, how it is abused, what takes its place.

use std::io::{self, Write};

use super::escape::terminal as plain;
use crate::hygiene::Check;
use crate::report::Finding;

/// Most lines of evidence.
const LINES: usize = 20;

/// What there is to know about a check.
pub fn about(check: &Check, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", check.id)?;
    writeln!(out, "  what it is   {}", check.about.what)?;
    writeln!(out, "  how abused   {}", check.about.abuse)?;
    writeln!(out, "  instead      {}", check.about.instead)?;
    let practice = check.practice;
    writeln!(out, "  practice     {} of 12: {}", practice.number(), practice.title())?;
    writeln!(out, "  AWS says     {}", check.about.page)
}

/// One finding of a result, with what it rests on and what to type.
pub fn finding(whose: &str, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", plain(whose))?;
    writeln!(out, "  {:<6}       {}", finding.severity.name(), plain(&finding.title))?;
    writeln!(out, "  why          {}", plain(&finding.why))?;
    for line in finding.evidence.iter().take(LINES) {
        writeln!(out, "  seen         {}", plain(line))?;
    }
    if finding.evidence.len() > LINES {
        writeln!(
            out,
            "               and {} more in the result",
            finding.evidence.len() - LINES
        )?;
    }
    writeln!(out, "  to do        {}", plain(&finding.fix))?;
    for (at, command) in finding.commands.iter().enumerate() {
        writeln!(out, "  {:>10}.  {}", at + 1, plain(command))?;
    }
    if !finding.key.is_empty() {
        writeln!(out, "  key          {}", plain(&finding.key))?;
    }
    Ok(())
}
