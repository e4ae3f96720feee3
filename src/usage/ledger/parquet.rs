//! Tables of text and numbers as Parquet, and back.

use std::io::Cursor;

use polars_core::prelude::{
    Column, DataFrame, IntoColumn, NamedFrom, PolarsResult, Series, StringChunked, UInt64Chunked, polars_bail,
    polars_ensure,
};
use polars_io::prelude::{ParquetCompression, ParquetReader, ParquetWriter, SerReader, StatisticsOptions};

use super::footer;

/// A table that grows column by column.
pub(super) struct Columns {
    height: usize,
    columns: Vec<Column>,
}

impl Columns {
    pub(super) fn new(height: usize) -> Columns {
        Columns {
            height,
            columns: Vec::new(),
        }
    }

    pub(super) fn text<S: AsRef<str>>(mut self, name: &str, cells: impl Iterator<Item = S>) -> Columns {
        let cells: Vec<S> = cells.collect();
        let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
        self.columns.push(Series::new(name.into(), cells).into_column());
        self
    }

    pub(super) fn number(mut self, name: &str, cells: impl Iterator<Item = u64>) -> Columns {
        let cells: Vec<u64> = cells.collect();
        self.columns.push(Series::new(name.into(), cells).into_column());
        self
    }

    pub(super) fn frame(self) -> PolarsResult<DataFrame> {
        DataFrame::new(self.height, self.columns)
    }

    /// The table as a file; equal tables give equal bytes.
    pub(super) fn bytes(self) -> PolarsResult<Vec<u8>> {
        let mut frame = self.frame()?;
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes)
            .with_compression(ParquetCompression::Zstd(None))
            .with_statistics(StatisticsOptions::empty())
            .set_parallel(false)
            .finish(&mut frame)?;
        Ok(bytes)
    }
}

/// Most rows for each byte of a file. Rows of ours hold times, hashes or names that take more than a byte, however well
/// they are packed.
const ROWS_PER_BYTE: usize = 8;

/// A file's table. What is no table of ours is an error, whatever the Parquet library makes of it: on some files it
/// panics, and memory for more rows than such a file can hold is not asked for.
pub(super) fn read(bytes: Vec<u8>) -> PolarsResult<DataFrame> {
    let read = move || {
        let length = bytes.len();
        polars_ensure!(footer::fits(&bytes), ComputeError: "a list is longer than the file");
        let mut reader = ParquetReader::new(Cursor::new(bytes));
        let groups = reader.get_metadata()?.row_groups.iter();
        let rows = groups.fold(0_usize, |rows, group| rows.saturating_add(group.num_rows()));
        polars_ensure!(rows / ROWS_PER_BYTE <= length, ComputeError: "{} rows in {} bytes", rows, length);
        reader.finish()
    };
    std::panic::catch_unwind(read).unwrap_or_else(|_| polars_bail!(ComputeError: "no Parquet file that can be read"))
}

/// A column of text.
pub(super) fn text<'f>(frame: &'f DataFrame, name: &str) -> PolarsResult<&'f StringChunked> {
    frame.column(name)?.str()
}

/// A column of numbers.
pub(super) fn number<'f>(frame: &'f DataFrame, name: &str) -> PolarsResult<&'f UInt64Chunked> {
    frame.column(name)?.u64()
}

/// The cells of a column of text; one that is null reads as empty.
pub(super) fn cells(column: &StringChunked) -> impl Iterator<Item = &str> {
    column.iter().map(Option::unwrap_or_default)
}

/// The cells of a column of numbers; one that is null reads as 0.
pub(super) fn numbers(column: &UInt64Chunked) -> impl Iterator<Item = u64> {
    column.iter().map(Option::unwrap_or_default)
}
