//! Tables of version 1, whose cells were text: as rows of today. They tell no workloads apart.

use polars_core::prelude::{DataFrame, DataType, PolarsResult};

use super::book::Damage;
use super::columns::{CallRow, ObjectRow, SignatureRow};
use super::parquet::Value;
use super::part::read_digest;
use super::signatures::SignatureId;
use super::text;
use crate::attribute::Known;

/// Whether a table is of version 1: a column that is typed today held text.
pub(super) fn is_old(frame: &DataFrame, column: &str) -> bool {
    frame
        .column(column)
        .is_ok_and(|column| *column.dtype() == DataType::String)
}

/// Text columns by name, as rows of cells.
fn texts<'c, const CELLS: usize>(
    frame: &'c DataFrame,
    names: [&str; CELLS],
) -> PolarsResult<impl Iterator<Item = [&'c str; CELLS]>> {
    let mut columns = Vec::with_capacity(CELLS);
    for name in names {
        columns.push(<&str as Value>::read(frame, name)?);
    }
    Ok((0..frame.height()).map(move |_| {
        let mut row = [""; CELLS];
        for (cell, column) in row.iter_mut().zip(&mut columns) {
            *cell = column.next().flatten().unwrap_or_default();
        }
        row
    }))
}

fn id(hex: &str) -> Result<[u8; 16], String> {
    Ok(hex.parse::<SignatureId>()?.bytes())
}

pub(super) fn calls(frame: &DataFrame, mut each: impl FnMut(CallRow<'_>) -> Result<(), Damage>) -> Result<(), Damage> {
    let names = ["account", "date", "signature", "day", "first", "last", "resources"];
    let counts = u64::read(frame, "calls")?.map(Option::unwrap_or_default);
    for ([account, date, signature, day, first, last, resources], calls) in texts(frame, names)?.zip(counts) {
        each(CallRow {
            account,
            date,
            signature: id(signature)?,
            day: text::day(day)?,
            calls,
            first: text::seconds(first)?,
            last: text::seconds(last)?,
            resources,
            known: Known::Untold.name(),
            ..CallRow::default()
        })?;
    }
    Ok(())
}

pub(super) fn signatures(
    frame: &DataFrame,
    mut each: impl FnMut(SignatureRow<'_>) -> Result<(), Damage>,
) -> Result<(), Damage> {
    let who = ["signature", "kind", "principal", "principal_id", "principal_account"];
    let what = [
        "account",
        "region",
        "event_source",
        "event_name",
        "error_code",
        "denied_action",
    ];
    let facts = [
        "parameters_known",
        "resources_cut",
        "parameters",
        "nested",
        "values",
        "kinds",
    ];
    let witnesses = ["first", "first_event", "last", "last_event"];
    let truth = |text: &str| match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("`{text}` is neither yes nor no")),
    };
    let rows = texts(frame, who)?.zip(texts(frame, what)?);
    let rows = rows.zip(texts(frame, facts)?).zip(texts(frame, witnesses)?);
    for (((who, what), facts), [first, first_event, last, last_event]) in rows {
        let [signature, kind, principal, principal_id, principal_account] = who;
        let [account, region, event_source, event_name, error_code, denied_action] = what;
        let [known, cut, parameters, nested, values, kinds] = facts;
        each(SignatureRow {
            signature: id(signature)?,
            kind,
            principal,
            principal_id,
            principal_account,
            account,
            region,
            event_source,
            event_name,
            error_code,
            denied_action,
            parameters_known: truth(known)?,
            resources_cut: truth(cut)?,
            parameters,
            nested,
            values,
            kinds,
            first: text::seconds(first)?,
            first_event,
            last: text::seconds(last)?,
            last_event,
        })?;
    }
    Ok(())
}

pub(super) fn objects(
    frame: &DataFrame,
    mut each: impl FnMut(ObjectRow<'_>) -> Result<(), Damage>,
) -> Result<(), Damage> {
    let sizes = u64::read(frame, "bytes")?.map(Option::unwrap_or_default);
    for ([account, date, key, digest, stamp], bytes) in
        texts(frame, ["account", "date", "key", "digest", "stamp"])?.zip(sizes)
    {
        each(ObjectRow {
            account,
            date,
            key,
            bytes,
            digest: read_digest(digest)?,
            stamp,
        })?;
    }
    Ok(())
}
