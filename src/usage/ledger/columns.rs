//! The ledger's tables, each described once: a struct whose fields are the columns, by name and type.

use polars_core::prelude::{DataFrame, PolarsResult};

use super::book::Damage;
use super::parquet::{Kind, Table, Value};

/// A struct whose fields are the columns of a table.
macro_rules! columns {
    ($(#[$doc:meta])* $row:ident { $($column:ident: $of:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub(super) struct $row<'c> {
            $(pub(super) $column: $of,)*
        }

        impl<'c> $row<'c> {
            /// Names and kinds.
            pub(super) const COLUMNS: &'static [(&'static str, Kind)] =
                &[$((stringify!($column), <$of as Value<'c>>::KIND),)*];

            /// Adds the row to a table of these columns.
            pub(super) fn write(self, table: &mut Table<'_>) -> PolarsResult<()> {
                table.push([$(self.$column.cell(),)*])
            }

            /// Hands out the rows of a table.
            pub(super) fn each(
                frame: &'c DataFrame,
                mut each: impl FnMut($row<'c>) -> Result<(), Damage>,
            ) -> Result<(), Damage> {
                $(let mut $column = <$of as Value<'c>>::read(frame, stringify!($column))?;)*
                for _ in 0..frame.height() {
                    each($row { $($column: next(&mut $column)?,)* })?;
                }
                Ok(())
            }
        }
    };
}

fn next<T>(cells: &mut impl Iterator<Item = Option<T>>) -> Result<T, Damage> {
    let cell = cells.next().flatten();
    cell.ok_or_else(|| Damage::Cell("a cell holds nothing, or nothing of its kind".to_owned()))
}

columns! {
    /// One signature on one day, by one of those who stood behind its caller.
    CallRow {
        account: &'c str,
        date: &'c str,
        signature: [u8; 16],
        day: i32,
        calls: u64,
        first: i64,
        last: i64,
        resources: &'c str,
        session: u64,
        known: &'c str,
        opener: &'c str,
        workload: &'c str,
        cluster: &'c str,
        namespace: &'c str,
        name: &'c str,
        provider: &'c str,
    }
}

columns! {
    /// What was called, with the first and the last call.
    SignatureRow {
        signature: [u8; 16],
        kind: &'c str,
        principal: &'c str,
        principal_id: &'c str,
        principal_account: &'c str,
        account: &'c str,
        region: &'c str,
        event_source: &'c str,
        event_name: &'c str,
        error_code: &'c str,
        denied_action: &'c str,
        parameters_known: bool,
        resources_cut: bool,
        parameters: &'c str,
        nested: &'c str,
        values: &'c str,
        kinds: &'c str,
        first: i64,
        first_event: &'c str,
        last: i64,
        last_event: &'c str,
    }
}

columns! {
    /// What is known of a session that is not joined yet.
    SessionRow {
        account: &'c str,
        date: &'c str,
        role_id: &'c str,
        session: u64,
        event: &'c str,
        workload: &'c str,
        cluster: &'c str,
        namespace: &'c str,
        name: &'c str,
        provider: &'c str,
        from: i64,
        until: i64,
        by_role: &'c str,
        by_session: u64,
        pod_cluster: &'c str,
        pod_namespace: &'c str,
        pod_name: &'c str,
    }
}

columns! {
    /// One file that was read.
    ObjectRow {
        account: &'c str,
        date: &'c str,
        key: &'c str,
        bytes: u64,
        digest: [u8; 16],
        stamp: &'c str,
    }
}
