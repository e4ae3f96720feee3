//! The twelve practices on a terminal: a line each, what it rests on, the next step.

use std::io::{self, Write};

use super::escape::terminal as plain;
use crate::report::{PracticesReport, State};

/// Writes the scorecard, wrapped to so many columns.
pub fn practices(report: &PracticesReport, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let count = |state: State| report.practices.iter().filter(|line| line.state == state).count();
    writeln!(
        out,
        "Twelve practices: {} done, {} to do, {} cannot be judged from this input",
        count(State::Done),
        count(State::ToDo),
        count(State::CannotBeJudged)
    )?;
    for line in &report.practices {
        let state = match line.state {
            State::Done => "done",
            State::ToDo => "TO DO",
            State::CannotBeJudged => "?",
        };
        writeln!(out, "\n{:>2}  {:<6} {}", line.number, state, line.practice)?;
        for evidence in &line.evidence {
            wrapped("           ", &plain(evidence), width, out)?;
        }
        if line.state != State::Done {
            wrapped("           next: ", &plain(&line.next), width, out)?;
        }
    }
    Ok(())
}

/// Words after a start, continued under its end.
fn wrapped(start: &str, text: &str, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut line = start.to_owned();
    let mut is_empty = true;
    for word in text.split(' ') {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > width {
            writeln!(out, "{line}")?;
            line = " ".repeat(start.chars().count());
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    writeln!(out, "{line}")
}
