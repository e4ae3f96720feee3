//! The rows of the CSV as a typed table.

use std::io::Write;

use polars_core::prelude::{Column, DataFrame, IntoColumn, NamedFrom, Series};
use polars_io::prelude::ParquetWriter;

use super::{Error, csv};
use crate::report::Report;

/// Writes one Parquet file; texts as they are, since nothing calculates or renders them.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> Result<(), Error> {
    let rows = csv::rows(report);
    let height = rows.len();
    let text = |at: usize, cell: fn(&csv::Row<'_>) -> Option<String>| -> Column {
        let cells: Vec<Option<String>> = rows.iter().map(cell).collect();
        Series::new(csv::COLUMNS[at].into(), cells).into_column()
    };
    let calls: Vec<u64> = rows.iter().map(|row| row.calls).collect();
    let columns = vec![
        text(0, |row| Some(row.principal.to_owned())),
        text(1, |row| Some(row.account.to_owned())),
        text(2, |row| Some(row.kind.to_owned())),
        text(3, |row| Some(row.action.to_owned())),
        text(4, |row| Some(row.grade.to_owned())),
        text(5, |row| Some(row.why.to_owned())),
        Series::new(csv::COLUMNS[6].into(), calls).into_column(),
        text(7, |row| row.first_seen.map(str::to_owned)),
        text(8, |row| row.last_seen.map(str::to_owned)),
        text(9, |row| Some(row.granted_by.clone())),
        text(10, |row| Some(row.suggestion.clone())),
    ];
    let mut table = DataFrame::new(height, columns)?;
    // The writer may need to send its buffers between threads, which `out` does not promise; the table is small.
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut table)?;
    out.write_all(&bytes)?;
    Ok(())
}
