//! An answer as table, CSV, JSON or Parquet.

use std::io::Write;
use std::str::FromStr;

use comfy_table::{ContentArrangement, Table, presets};
use polars_core::prelude::{AnyValue, DataFrame};
use polars_io::prelude::ParquetWriter;
use serde_json::{Map, Value, json};

use super::Error;
use crate::emit::escape;

/// Most columns of a cell for people: whoever needs all of a longer one takes another form.
const CELL: usize = 500;

/// How an answer is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// For people.
    Table,
    /// RFC 4180, formulas disarmed.
    Csv,
    /// A list of objects.
    Json,
    /// A typed table.
    Parquet,
}

impl FromStr for Form {
    type Err = String;

    fn from_str(name: &str) -> Result<Form, String> {
        match name {
            "table" => Ok(Form::Table),
            "csv" => Ok(Form::Csv),
            "json" => Ok(Form::Json),
            "parquet" => Ok(Form::Parquet),
            other => Err(format!("no format `{other}`; table, csv, json or parquet")),
        }
    }
}

fn text(value: &AnyValue<'_>) -> String {
    match value {
        AnyValue::Null => String::new(),
        AnyValue::String(text) => (*text).to_owned(),
        AnyValue::StringOwned(text) => text.to_string(),
        other => other.to_string(),
    }
}

fn typed(value: &AnyValue<'_>) -> Value {
    match value {
        AnyValue::Null => Value::Null,
        AnyValue::Boolean(truth) => json!(truth),
        AnyValue::String(text) => json!(text),
        AnyValue::StringOwned(text) => json!(text.as_str()),
        AnyValue::Float32(_) | AnyValue::Float64(_) => {
            value.extract::<f64>().map_or(Value::Null, |number| json!(number))
        }
        other => match other.extract::<i64>() {
            Some(number) => json!(number),
            None => json!(text(other)),
        },
    }
}

/// Writes an answer.
///
/// # Errors
/// What writing says.
pub fn write(answer: &mut DataFrame, form: Form, width: usize, out: &mut dyn Write) -> Result<(), Error> {
    let names: Vec<String> = answer.get_column_names().iter().map(|name| name.to_string()).collect();
    let rows = |answer: &DataFrame| -> Result<Vec<Vec<AnyValue<'static>>>, Error> {
        (0..answer.height())
            .map(|row| {
                let cells = answer.columns().iter().map(|column| Ok(column.get(row)?.into_static()));
                cells.collect::<Result<Vec<_>, Error>>()
            })
            .collect()
    };
    match form {
        Form::Table => {
            let mut table = Table::new();
            let width = u16::try_from(width).unwrap_or(u16::MAX);
            table
                .load_style(presets::NOTHING)
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(width);
            table.set_header(names);
            for row in rows(answer)? {
                table.add_row(row.iter().map(|cell| {
                    let text = text(cell);
                    escape::cut(&escape::terminal(&text), CELL).into_owned()
                }));
            }
            writeln!(out, "{}", table.trim_fmt())?;
        }
        Form::Csv => {
            let mut writer = csv::Writer::from_writer(out);
            writer.write_record(&names)?;
            for row in rows(answer)? {
                writer.write_record(row.iter().map(|cell| escape::csv(&text(cell)).into_owned()))?;
            }
            writer.flush()?;
        }
        Form::Json => {
            let rows: Vec<Value> = rows(answer)?
                .iter()
                .map(|row| {
                    let members = names.iter().cloned().zip(row.iter().map(typed));
                    Value::Object(members.collect::<Map<_, _>>())
                })
                .collect();
            let text = serde_json::to_string_pretty(&rows)?;
            writeln!(out, "{}", escape::json(&text))?;
        }
        Form::Parquet => {
            let mut bytes = Vec::new();
            ParquetWriter::new(&mut bytes).finish(answer)?;
            out.write_all(&bytes)?;
        }
    }
    Ok(())
}
