//! Values as the text that the ledger's columns hold.

use crate::attribute::{PrincipalKind, Workload, WorkloadKind};
use crate::decode::Time;
use crate::time::DAY;
use crate::usage::table::Signature;

/// What a column's text stands for, where it stands for nothing.
pub(super) type Result<T> = std::result::Result<T, String>;

/// `2026-10-03`
pub(super) fn date(day: i32) -> String {
    let mut text = Time::from_seconds(i64::from(day) * DAY).to_string();
    text.truncate(10);
    text
}

/// Days since 1970.
pub(super) fn day(date: &str) -> Result<i32> {
    let time = Time::parse(&format!("{date}T00:00:00Z")).ok_or_else(|| format!("`{date}` is no date"))?;
    i32::try_from(time.days()).map_err(|_| format!("`{date}` is no date"))
}

/// `2026-10-03T11:05:09Z`
pub(super) fn time(seconds: i64) -> String {
    Time::from_seconds(seconds).to_string()
}

/// Seconds since 1970.
pub(super) fn seconds(time: &str) -> Result<i64> {
    Ok(Time::parse(time)
        .ok_or_else(|| format!("`{time}` is no time"))?
        .seconds())
}

/// A list as compact JSON; empty for an empty one.
pub(super) fn list<T: serde::Serialize>(values: &[T]) -> String {
    if values.is_empty() {
        return String::new();
    }
    serde_json::to_string(values).expect("strings, truths and pairs of them are JSON")
}

/// The inverse of [`list`].
pub(super) fn values<T: serde::de::DeserializeOwned>(list: &str) -> Result<Vec<T>> {
    if list.is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(list).map_err(|error| format!("`{list}` is no list: {error}"))
}

/// A signature as text, value by value: what its id is made of, the same in every version.
pub(super) fn spell(signature: &Signature) -> [String; 16] {
    let facts = &signature.facts;
    let truth = |holds: bool| if holds { "yes" } else { "no" }.to_owned();
    [
        signature.caller.kind.name().to_owned(),
        signature.caller.arn.to_string(),
        signature.caller.id.to_string(),
        signature.caller.account.to_string(),
        signature.account.to_string(),
        signature.region.to_string(),
        signature.event_source.to_string(),
        signature.event_name.to_string(),
        signature.error_code.to_string(),
        signature.denied_action.to_string(),
        truth(facts.known),
        truth(facts.cut),
        list(&facts.parameters),
        list(&facts.nested),
        list(&facts.values),
        list(&facts.kinds),
    ]
}

/// The kind of principal that has this name.
pub(super) fn principal_kind(name: &str) -> Result<PrincipalKind> {
    let mut kinds = PrincipalKind::ALL.into_iter();
    kinds
        .find(|known| known.name() == name)
        .ok_or_else(|| format!("`{name}` is no kind of principal"))
}

/// The kind of workload that has this name.
pub(super) fn workload_kind(name: &str) -> Result<WorkloadKind> {
    let mut kinds = WorkloadKind::ALL.into_iter();
    kinds
        .find(|known| known.name() == name)
        .ok_or_else(|| format!("`{name}` is no kind of workload"))
}

/// Kind, cluster, namespace and name of a workload; four empty texts for none. In the namespace's place, which a role or
/// user has not, stands the family of the sessions that it opened.
pub(super) fn spell_workload<'t>(workload: Option<&'t Workload>, sessions: &'t str) -> [&'t str; 4] {
    let Some(workload) = workload else {
        return Default::default();
    };
    [
        workload.kind.name(),
        workload.cluster.as_deref().unwrap_or_default(),
        workload.namespace.as_deref().unwrap_or(sessions),
        &workload.name,
    ]
}

/// The inverse of [`spell_workload`].
pub(super) fn read_workload([kind, cluster, namespace, name]: [&str; 4]) -> Result<(Option<Workload>, String)> {
    if kind.is_empty() {
        return Ok((None, String::new()));
    }
    let kind = workload_kind(kind)?;
    let (namespace, sessions) = match kind {
        WorkloadKind::Principal => ("", namespace.to_owned()),
        _ => (namespace, String::new()),
    };
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let workload = Workload {
        kind,
        cluster: given(cluster),
        namespace: given(namespace),
        name: name.to_owned(),
    };
    Ok((Some(workload), sessions))
}

/// The workload without what its session was called, where that may name a person or a machine.
pub(super) fn without_session_name(workload: Workload) -> Workload {
    match workload.kind {
        WorkloadKind::Ec2 | WorkloadKind::Lambda | WorkloadKind::Ecs | WorkloadKind::Sso | WorkloadKind::Saml => {
            Workload {
                name: String::new(),
                ..workload
            }
        }
        WorkloadKind::ServiceAccount
        | WorkloadKind::PodIdentity
        | WorkloadKind::WebIdentity
        | WorkloadKind::Principal
        | WorkloadKind::Service => workload,
    }
}
