//! Tables as Parquet, and back: a group of rows at a time, so that a long one takes little memory.

use std::io::Cursor;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use polars_core::prelude::{
    BinaryChunkedBuilder, DataFrame, DataType, Field, IntoColumn, NamedFrom, PolarsError, PolarsResult, Schema, Series,
    StringChunkedBuilder, polars_bail, polars_ensure,
};
use polars_io::parquet::write::BatchedWriter;
use polars_io::prelude::{
    ParallelStrategy, ParquetCompression, ParquetReader, ParquetWriter, SerReader, StatisticsOptions,
};

use super::footer;

/// Most rows of a group.
const ROWS: usize = 1 << 16;
/// A group that holds so many bytes of text is full.
const BYTES: usize = 1 << 20;

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Text,
    Number,
    /// Days since 1970.
    Day,
    /// Seconds since 1970.
    Moment,
    Truth,
    /// 128 bits.
    Id,
}

/// One cell.
pub(super) enum Cell<'c> {
    Text(&'c str),
    Number(u64),
    Day(i32),
    Moment(i64),
    Truth(bool),
    Id([u8; 16]),
}

/// The cells of a column that wait for their group to be full.
enum Cells {
    Text(StringChunkedBuilder),
    Number(Vec<u64>),
    Day(Vec<i32>),
    Moment(Vec<i64>),
    Truth(Vec<bool>),
    Id(BinaryChunkedBuilder),
}

/// What a cell stands for.
pub(super) trait Value<'c>: Sized {
    const KIND: Kind;

    fn cell(self) -> Cell<'c>;

    /// The cells of a column; `None` for one that stands for nothing.
    fn read(frame: &'c DataFrame, name: &str) -> PolarsResult<impl Iterator<Item = Option<Self>>>;
}

impl<'c> Value<'c> for &'c str {
    const KIND: Kind = Kind::Text;

    fn cell(self) -> Cell<'c> {
        Cell::Text(self)
    }

    fn read(frame: &'c DataFrame, name: &str) -> PolarsResult<impl Iterator<Item = Option<Self>>> {
        // One that is null reads as empty.
        Ok(frame
            .column(name)?
            .str()?
            .iter()
            .map(|text| Some(text.unwrap_or_default())))
    }
}

impl<'c> Value<'c> for [u8; 16] {
    const KIND: Kind = Kind::Id;

    fn cell(self) -> Cell<'c> {
        Cell::Id(self)
    }

    fn read(frame: &'c DataFrame, name: &str) -> PolarsResult<impl Iterator<Item = Option<Self>>> {
        let column = frame.column(name)?.binary()?;
        Ok(column.iter().map(|bytes| bytes?.try_into().ok()))
    }
}

macro_rules! value {
    ($of:ty, $kind:ident, $column:ident) => {
        impl<'c> Value<'c> for $of {
            const KIND: Kind = Kind::$kind;

            fn cell(self) -> Cell<'c> {
                Cell::$kind(self)
            }

            fn read(frame: &'c DataFrame, name: &str) -> PolarsResult<impl Iterator<Item = Option<Self>>> {
                // One that is null reads as nothing at all.
                Ok(frame
                    .column(name)?
                    .$column()?
                    .iter()
                    .map(|value| Some(value.unwrap_or_default())))
            }
        }
    };
}

value!(u64, Number, u64);
value!(i32, Day, i32);
value!(i64, Moment, i64);
value!(bool, Truth, bool);

/// A file that grows row by row. Equal rows give equal bytes.
pub(super) struct Table<'b> {
    columns: &'static [(&'static str, Kind)],
    cells: Vec<Cells>,
    /// Rows in the group at hand, and bytes of text in them.
    rows: usize,
    bytes: usize,
    writer: BatchedWriter<&'b mut Vec<u8>>,
}

impl<'b> Table<'b> {
    pub(super) fn new(file: &'b mut Vec<u8>, columns: &'static [(&'static str, Kind)]) -> PolarsResult<Table<'b>> {
        let fields = columns.iter().map(|(name, kind)| {
            let of = match kind {
                Kind::Text => DataType::String,
                Kind::Number => DataType::UInt64,
                Kind::Day => DataType::Int32,
                Kind::Moment => DataType::Int64,
                Kind::Truth => DataType::Boolean,
                Kind::Id => DataType::Binary,
            };
            Field::new((*name).into(), of)
        });
        let schema: Schema = fields.collect();
        let writer = ParquetWriter::new(file)
            .with_compression(ParquetCompression::Zstd(None))
            .with_statistics(StatisticsOptions::empty())
            .set_parallel(false)
            .batched(&schema)?;
        Ok(Table {
            columns,
            cells: empty(columns),
            rows: 0,
            bytes: 0,
            writer,
        })
    }

    /// Adds a row; a cell for each column, of its kind.
    pub(super) fn push<const CELLS: usize>(&mut self, row: [Cell<'_>; CELLS]) -> PolarsResult<()> {
        for (cells, cell) in self.cells.iter_mut().zip(row) {
            match (cells, cell) {
                (Cells::Text(cells), Cell::Text(text)) => {
                    self.bytes += text.len();
                    cells.append_value(text);
                }
                (Cells::Number(cells), Cell::Number(number)) => cells.push(number),
                (Cells::Day(cells), Cell::Day(day)) => cells.push(day),
                (Cells::Moment(cells), Cell::Moment(moment)) => cells.push(moment),
                (Cells::Truth(cells), Cell::Truth(truth)) => cells.push(truth),
                (Cells::Id(cells), Cell::Id(id)) => cells.append_value(id),
                (_, _) => polars_bail!(ComputeError: "a cell of another kind than its column"),
            }
        }
        self.rows += 1;
        if self.rows == ROWS || self.bytes >= BYTES {
            self.write_group()?;
        }
        Ok(())
    }

    fn write_group(&mut self) -> PolarsResult<()> {
        let cells = std::mem::replace(&mut self.cells, empty(self.columns));
        let named = self.columns.iter().zip(cells);
        let columns = named.map(|((name, _), cells)| match cells {
            Cells::Text(cells) => cells.finish().into_column(),
            Cells::Number(cells) => Series::new((*name).into(), cells).into_column(),
            Cells::Day(cells) => Series::new((*name).into(), cells).into_column(),
            Cells::Moment(cells) => Series::new((*name).into(), cells).into_column(),
            Cells::Truth(cells) => Series::new((*name).into(), cells).into_column(),
            Cells::Id(cells) => cells.finish().into_column(),
        });
        let group = DataFrame::new(self.rows, columns.collect())?;
        (self.rows, self.bytes) = (0, 0);
        self.writer.write_batch(&group)
    }

    /// Ends the file.
    pub(super) fn finish(mut self) -> PolarsResult<()> {
        if self.rows > 0 {
            self.write_group()?;
        }
        self.writer.finish()?;
        Ok(())
    }
}

fn empty(columns: &[(&'static str, Kind)]) -> Vec<Cells> {
    let cells = columns.iter().map(|(name, kind)| match kind {
        Kind::Text => Cells::Text(StringChunkedBuilder::new((*name).into(), 0)),
        Kind::Number => Cells::Number(Vec::new()),
        Kind::Day => Cells::Day(Vec::new()),
        Kind::Moment => Cells::Moment(Vec::new()),
        Kind::Truth => Cells::Truth(Vec::new()),
        Kind::Id => Cells::Id(BinaryChunkedBuilder::new((*name).into(), 0)),
    });
    cells.collect()
}

/// Most rows for each byte of a file. Rows of ours hold times, hashes or names that take more than a byte, however well
/// they are packed.
const ROWS_PER_BYTE: usize = 8;

/// Hands out a file's table, some groups of rows at a time. What is no table of ours is an error, whatever the Parquet
/// library makes of it: on some files it panics, and memory for more rows than such a file can hold is not asked for.
pub(super) fn read<E: From<PolarsError>>(
    file: &[u8],
    mut each: impl FnMut(&DataFrame) -> Result<(), E>,
) -> Result<(), E> {
    let metadata = guarded(|| {
        polars_ensure!(footer::fits(file), ComputeError: "a list is longer than the file");
        let metadata = Arc::clone(ParquetReader::new(Cursor::new(file)).get_metadata()?);
        let lengths = metadata.row_groups.iter().map(|group| group.num_rows());
        let rows = lengths.fold(0_usize, usize::saturating_add);
        polars_ensure!(rows / ROWS_PER_BYTE <= file.len(), ComputeError: "{} rows in {} bytes", rows, file.len());
        Ok(metadata)
    })?;
    let lengths = || metadata.row_groups.iter().map(|group| group.num_rows());
    let rows: usize = lengths().sum();
    let (mut start, mut end) = (0, 0);
    for length in lengths() {
        end += length;
        // Small groups are read together, since each reading looks at all of them.
        if end - start >= ROWS / 16 || end == rows && start < end {
            let frame = guarded(|| {
                let mut reader = ParquetReader::new(Cursor::new(file))
                    .with_slice(Some((start, end - start)))
                    .read_parallel(ParallelStrategy::None);
                reader.set_metadata(Arc::clone(&metadata));
                reader.finish()
            })?;
            each(&frame)?;
            start = end;
        }
    }
    Ok(())
}

/// A panic in the Parquet library as an error.
fn guarded<T>(read: impl FnOnce() -> PolarsResult<T>) -> PolarsResult<T> {
    // Nothing of what it may have left half done is looked at again.
    std::panic::catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| polars_bail!(ComputeError: "no Parquet file that can be read"))
}
