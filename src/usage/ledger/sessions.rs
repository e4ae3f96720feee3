//! Sessions and who stood behind them: calls and the opening of their session may stand in different parts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::Error;
use super::book::BookKey;
use super::part::{Fact, Part, Session};
use super::store::Writer;
use super::text;
use crate::attribute::{Actor, Openings};
use crate::usage::join::{Bound, Sessions};
use crate::usage::{self, Behind, PartKey};

/// Days after which a session is dropped for the workload behind it.
const SESSION_DAYS: i32 = 3;
/// Days that a session may last beyond the one on which it was opened: 12 hours at most (STS API reference,
/// "AssumeRole"), and as long again for the session that opened it.
const OPENING_DAYS: i32 = 2;

/// In parts three days older than the newest, puts the workload behind each session in the session's place, and drops
/// the openings that no later part can need.
pub(super) fn join_sessions(writer: &mut Writer) -> Result<(), Error> {
    let books = writer.parts();
    let parts = || books.values().flat_map(BTreeMap::values);
    let newest = parts().map(|part| part.date.as_str()).max();
    let newest = newest.and_then(|date| text::day(date).ok());
    // The empty date of files outside AWS's layout is the oldest of all: their sessions are joined at once.
    let before = |days: i32| newest.map_or_else(String::new, |newest| text::date(newest - days));
    let (last_joined, last_opening) = (before(SESSION_DAYS), before(SESSION_DAYS + OPENING_DAYS));
    // Around a day of which files are missing, sessions and what may have opened them wait for it.
    let lacking: BTreeSet<i32> = parts()
        .filter(|part| part.unread > 0)
        .filter_map(|part| text::day(&part.date).ok())
        .collect();
    let waits = |date: &str, days: i32| {
        text::day(date).is_ok_and(|day| lacking.range(day - days..=day + days).next().is_some())
    };

    let open: Vec<&BookKey> = books
        .iter()
        .filter(|(_, parts)| parts.values().any(|part| part.sessions))
        .map(|(key, _)| key)
        .collect();
    let mut facts: Vec<Session> = Vec::new();
    for key in &open {
        facts.extend(writer.sessions(key)?.into_values().flatten());
    }
    let sessions = sessions_of(facts);
    let known = Sessions::of(&sessions);
    let roles = sessions
        .iter()
        .map(|session| (&*session.access_key_id, &*session.role_id));
    let roles: HashMap<&str, &str> = roles.collect();
    for key in &open {
        for (date, entry) in &books[*key] {
            if *date > last_joined || !entry.sessions || waits(date, OPENING_DAYS) {
                continue;
            }
            let part_key = PartKey {
                date: date.clone(),
                account: key.account.clone(),
            };
            let Some(part) = writer.part(&part_key)? else { continue };
            let keeps_openings = *date > last_opening || waits(date, 2 * OPENING_DAYS);
            let joined = joined(part.clone(), keeps_openings, &known, &roles);
            if joined != part || !joined.has_sessions() {
                writer.put(&part_key, joined);
            }
        }
    }
    Ok(())
}

/// A part's calls with the workloads in the places of their sessions.
fn joined(mut part: Part, keeps_openings: bool, known: &Sessions<'_>, roles: &HashMap<&str, &str>) -> Part {
    // Of a session that is not among them nothing is known, not even whose it is.
    let role_of = |hash: &str| roles.get(hash).copied().unwrap_or_default();
    let actors: Vec<Option<(&str, Actor)>> = part
        .calls
        .iter()
        .map(|row| match &row.behind {
            Behind::Session(hash) => {
                let role_id = role_of(hash);
                Some((role_id, known.actor(role_id, hash, (row.first, row.last))))
            }
            Behind::Nobody | Behind::Actor(_) => None,
        })
        .collect();
    let mut bound = Bound::default();
    for (role_id, actor) in actors.iter().flatten() {
        bound.note(role_id, actor);
    }
    let kept: Vec<Option<Actor>> = actors
        .iter()
        .map(|known| {
            let (role_id, actor) = known.as_ref()?;
            Some(bound.told(role_id, actor).into_owned())
        })
        .collect();
    for (row, actor) in part.calls.iter_mut().zip(kept) {
        if let Some(actor) = actor {
            row.behind = Behind::Actor(Arc::new(actor));
        }
    }
    part.gather();
    part.sessions
        .retain(|known| keeps_openings && matches!(known.fact, Fact::Opened(_)));
    part
}

/// What is known of each session, from the facts that parts hold.
pub(super) fn sessions_of(facts: impl IntoIterator<Item = Session>) -> Vec<usage::table::Session> {
    let mut known: BTreeMap<(String, String), usage::table::Session> = BTreeMap::new();
    for Session { role_id, session, fact } in facts {
        let session = known
            .entry((role_id, session))
            .or_insert_with_key(|(role_id, session)| usage::table::Session {
                role_id: role_id.as_str().into(),
                access_key_id: session.as_str().into(),
                shown: None,
                provider: Arc::default(),
                opened: Openings::default(),
            });
        match fact {
            Fact::Shown(shown) => session.shown = session.shown.take().into_iter().chain([shown]).min(),
            Fact::Provider(provider) if session.provider.is_empty() || *provider < *session.provider => {
                session.provider = provider.into();
            }
            Fact::Provider(_) => {}
            Fact::Opened(opening) => {
                session.opened.insert(opening);
            }
        }
    }
    known.into_values().collect()
}
