//! Values as rows of the ledger's tables, and back.

use std::sync::Arc;

use polars_core::prelude::PolarsResult;

use super::columns::{CallRow, SessionRow, SignatureRow};
use super::parquet::Table;
use super::part::{Fact, Session, read_session_hash, spell_session_hash};
use super::signatures::SignatureId;
use super::text;
use crate::attribute::opening::{Claim, Opener, Opening};
use crate::attribute::{Actor, Known, Shown, Workload};
use crate::resolve::Facts;
use crate::usage::table::{Behind, Caller, Seen, Signature, Witness};

/// A session's hash as its number.
fn number(hash: &str) -> u64 {
    read_session_hash(hash).unwrap_or_default()
}

/// The row with the columns of whoever stood behind it.
pub(super) fn put_behind<'c>(row: CallRow<'c>, behind: &'c Behind) -> CallRow<'c> {
    match behind {
        Behind::Nobody => row,
        Behind::Session(hash) => CallRow {
            session: number(hash),
            ..row
        },
        Behind::Actor(actor) => {
            let [workload, cluster, namespace, name] = text::spell_workload(actor.workload.as_ref(), &actor.sessions);
            CallRow {
                known: actor.known.name(),
                opener: actor.opener().map_or("", |kind| kind.name()),
                workload,
                cluster,
                namespace,
                name,
                provider: &actor.provider,
                ..row
            }
        }
    }
}

/// The inverse of [`put_behind`].
pub(super) fn behind(row: &CallRow<'_>) -> text::Result<Behind> {
    if row.session != 0 {
        return Ok(Behind::Session(spell_session_hash(row.session).into()));
    }
    if row.known.is_empty() {
        return Ok(Behind::Nobody);
    }
    let opener = match row.opener {
        "" => None,
        kind => Some(text::workload_kind(kind)?),
    };
    let known = Known::read(row.known, opener);
    let (workload, sessions) = text::read_workload([row.workload, row.cluster, row.namespace, row.name])?;
    Ok(Behind::Actor(Arc::new(Actor {
        workload,
        known: known.ok_or_else(|| format!("`{}` is no way to know a workload", row.known))?,
        provider: row.provider.to_owned(),
        sessions,
    })))
}

const SHOWN: &str = "shown";
const SAID: &str = "said";
const PROVIDER: &str = "provider";
const OPENED: &str = "opened";
const UNNAMED: &str = "unnamed";
const CLAIMED: &str = "claimed";

/// The row with the columns of what is known of a session.
pub(super) fn put_session<'c>(row: SessionRow<'c>, known: &'c Session) -> SessionRow<'c> {
    let row = SessionRow {
        role_id: &known.role_id,
        session: number(&known.session),
        ..row
    };
    let sessions = match &known.fact {
        Fact::Opened(opening) => &opening.sessions,
        Fact::Shown(_) | Fact::Provider(_) => "",
    };
    let with = |event: &'static str, workload: Option<&'c Workload>| {
        let [workload, cluster, namespace, name] = text::spell_workload(workload, sessions);
        SessionRow {
            event,
            workload,
            cluster,
            namespace,
            name,
            ..row
        }
    };
    let opening = match &known.fact {
        Fact::Shown(shown) => return with(if shown.said { SAID } else { SHOWN }, Some(&shown.workload)),
        Fact::Provider(provider) => {
            return SessionRow {
                provider,
                ..with(PROVIDER, None)
            };
        }
        Fact::Opened(opening) => opening,
    };
    let row = match &*opening.opener {
        Opener::Named(workload) => with(OPENED, Some(workload)),
        Opener::Unnamed(kind) => SessionRow {
            workload: kind.name(),
            ..with(UNNAMED, None)
        },
        Opener::Claimed(claim) => {
            let [_, pod_cluster, pod_namespace, pod_name] = text::spell_workload(Some(&claim.pod), "");
            SessionRow {
                by_role: &claim.role_id,
                by_session: number(&claim.session),
                pod_cluster,
                pod_namespace,
                pod_name,
                ..with(CLAIMED, Some(&claim.caller))
            }
        }
    };
    SessionRow {
        from: opening.from,
        until: opening.until,
        ..row
    }
}

/// The inverse of [`put_session`].
pub(super) fn session(row: &SessionRow<'_>) -> text::Result<Session> {
    // Of an opening that names nobody `workload` is the kind alone.
    let (workload, sessions) = text::read_workload([row.workload, row.cluster, row.namespace, row.name])?;
    let named = || {
        let named = workload.clone();
        named.ok_or_else(|| format!("`{}` names no workload", row.event))
    };
    let opened = |opener: Opener| {
        Fact::Opened(Opening {
            opener: opener.into(),
            from: row.from,
            until: row.until,
            sessions: sessions.as_str().into(),
        })
    };
    let fact = match row.event {
        SHOWN | SAID => Fact::Shown(Box::new(Shown {
            said: row.event == SAID,
            workload: named()?,
        })),
        PROVIDER => Fact::Provider(row.provider.to_owned()),
        OPENED => opened(Opener::Named(named()?)),
        UNNAMED => opened(Opener::Unnamed(text::workload_kind(row.workload)?)),
        CLAIMED => {
            let pod = [
                crate::attribute::WorkloadKind::PodIdentity.name(),
                row.pod_cluster,
                row.pod_namespace,
                row.pod_name,
            ];
            opened(Opener::Claimed(Box::new(Claim {
                caller: named()?,
                role_id: row.by_role.to_owned(),
                session: spell_session_hash(row.by_session),
                pod: text::read_workload(pod)?.0.ok_or("a claim names no pod")?,
            })))
        }
        other => return Err(format!("`{other}` is nothing that is known of a session")),
    };
    Ok(Session {
        role_id: row.role_id.to_owned(),
        session: spell_session_hash(row.session),
        fact,
    })
}

/// Adds a signature with its witnesses.
pub(super) fn write_signature(id: SignatureId, seen: &Seen, table: &mut Table<'_>) -> PolarsResult<()> {
    let Signature {
        caller,
        account,
        region,
        event_source,
        event_name,
        error_code,
        denied_action,
        facts,
    } = &seen.signature;
    let row = SignatureRow {
        signature: id.bytes(),
        kind: caller.kind.name(),
        principal: &caller.arn,
        principal_id: &caller.id,
        principal_account: &caller.account,
        account,
        region,
        event_source,
        event_name,
        error_code,
        denied_action,
        parameters_known: facts.known,
        resources_cut: facts.cut,
        parameters: &text::list(&facts.parameters),
        nested: &text::list(&facts.nested),
        values: &text::list(&facts.values),
        kinds: &text::list(&facts.kinds),
        first: seen.first.time,
        first_event: &seen.first.event_id,
        last: seen.last.time,
        last_event: &seen.last.event_id,
    };
    row.write(table)
}

/// The inverse of [`write_signature`].
pub(super) fn signature(row: &SignatureRow<'_>) -> text::Result<Seen> {
    let witness = |time: i64, event_id: &str| Witness {
        time,
        event_id: event_id.to_owned(),
    };
    Ok(Seen {
        signature: Signature {
            caller: Caller {
                kind: text::principal_kind(row.kind)?,
                arn: row.principal.into(),
                id: row.principal_id.into(),
                account: row.principal_account.into(),
            },
            account: row.account.into(),
            region: row.region.into(),
            event_source: row.event_source.into(),
            event_name: row.event_name.into(),
            error_code: row.error_code.into(),
            denied_action: row.denied_action.into(),
            facts: Arc::new(Facts {
                known: row.parameters_known,
                cut: row.resources_cut,
                parameters: text::values(row.parameters)?,
                nested: text::values(row.nested)?,
                values: text::values(row.values)?,
                kinds: text::values(row.kinds)?,
            }),
        },
        first: witness(row.first, row.first_event),
        last: witness(row.last, row.last_event),
    })
}
