//! What digest files prove of an archive, for people.

use std::io::{self, Write};

use super::escape;
use crate::report::{FindingReport, IntegrityReport};

/// Most lines of one kind that are printed.
const LINES: usize = 200;

/// Writes what was found wrong first, then what is not proved.
///
/// # Errors
/// What the writer says.
pub fn integrity(report: &IntegrityReport, out: &mut dyn Write) -> io::Result<()> {
    if report.digests == 0 && report.wrong.is_empty() {
        return writeln!(
            out,
            "\nDigest files: none in the archive; turn log file validation on, and copy AWSLogs/…/CloudTrail-Digest too"
        );
    }
    writeln!(
        out,
        "\nDigest files: {} ({} proved by a signature); log files that they name: {} as delivered ({} proved)",
        report.digests, report.digests_proved, report.log_files_intact, report.log_files_proved
    )?;
    findings("Wrong", &report.wrong, out)?;
    findings("Not proved", &report.not_proved, out)?;
    if !report.uncovered.is_empty() {
        writeln!(out, "\nLog files that no digest file answers for")?;
        for stream in &report.uncovered {
            let name = format!("{} {}", stream.account, stream.region);
            writeln!(out, "  {}  {}", escape::terminal(&name), stream.files)?;
        }
    }
    if !report.empty.is_empty() {
        writeln!(out, "\nHours in which nothing was delivered, by digest")?;
        for period in &report.empty {
            let stream = format!("{} {} {}", period.account, period.region, period.trail);
            writeln!(out, "  {}  {} to {}", escape::terminal(&stream), period.from, period.to)?;
        }
    }
    Ok(())
}

fn findings(title: &str, findings: &[FindingReport], out: &mut dyn Write) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}: {}", findings.len())?;
    for FindingReport { what, why } in findings.iter().take(LINES) {
        writeln!(out, "  {}: {}", escape::terminal(what), escape::terminal(why))?;
    }
    if findings.len() > LINES {
        writeln!(out, "  … and {} more", findings.len() - LINES)?;
    }
    Ok(())
}
