//! Values as the text that the ledger's columns hold.

use std::sync::Arc;

use crate::attribute::{PrincipalKind, Workload, WorkloadKind};
use crate::decode::Time;
use crate::resolve::Facts;
use crate::time::DAY;
use crate::usage::{Caller, Signature};

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

/// Columns that spell a signature, in the order of [`spell`]; all of them are its key.
pub(super) const SIGNATURE: [&str; 16] = [
    "kind",
    "principal",
    "principal_id",
    "principal_account",
    "account",
    "region",
    "event_source",
    "event_name",
    "error_code",
    "denied_action",
    "parameters_known",
    "resources_cut",
    "parameters",
    "nested",
    "values",
    "kinds",
];

/// A signature as text, column by column.
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

/// The inverse of [`spell`].
pub(super) fn read(texts: [&str; 16]) -> Result<Signature> {
    let [
        kind,
        arn,
        id,
        caller_account,
        account,
        region,
        event_source,
        event_name,
        error_code,
        denied_action,
        known,
        cut,
        parameters,
        nested,
        pairs,
        kinds,
    ] = texts;
    let truth = |text: &str| match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("`{text}` is neither yes nor no")),
    };
    Ok(Signature {
        caller: Caller {
            kind: PrincipalKind::ALL
                .into_iter()
                .find(|known| known.name() == kind)
                .ok_or_else(|| format!("`{kind}` is no kind of principal"))?,
            arn: arn.into(),
            id: id.into(),
            account: caller_account.into(),
        },
        account: account.into(),
        region: region.into(),
        event_source: event_source.into(),
        event_name: event_name.into(),
        error_code: error_code.into(),
        denied_action: denied_action.into(),
        facts: Arc::new(Facts {
            known: truth(known)?,
            cut: truth(cut)?,
            parameters: values(parameters)?,
            nested: values(nested)?,
            values: values(pairs)?,
            kinds: values(kinds)?,
        }),
    })
}

/// Kind, cluster, namespace and name of a workload; four empty texts for none.
pub(super) fn spell_workload(workload: Option<&Workload>) -> [String; 4] {
    let Some(workload) = workload else {
        return Default::default();
    };
    [
        workload.kind.name().to_owned(),
        workload.cluster.clone().unwrap_or_default(),
        workload.namespace.clone().unwrap_or_default(),
        workload.name.clone(),
    ]
}

/// The inverse of [`spell_workload`].
pub(super) fn read_workload([kind, cluster, namespace, name]: [&str; 4]) -> Result<Option<Workload>> {
    if kind.is_empty() {
        return Ok(None);
    }
    let kind = WorkloadKind::ALL
        .into_iter()
        .find(|known| known.name() == kind)
        .ok_or_else(|| format!("`{kind}` is no kind of workload"))?;
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Ok(Some(Workload {
        kind,
        cluster: given(cluster),
        namespace: given(namespace),
        name: name.to_owned(),
    }))
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
