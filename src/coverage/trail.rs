//! What trails are told to log: selectors as CloudTrail writes them, and the calls that changed them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Longest request of which the selectors are kept; what is longer is a change to something unknown.
const LONGEST: usize = 64 << 10;

/// Calls that change what a trail logs (CloudTrail API reference).
pub const TRAIL_CHANGES: [&str; 6] = [
    "CreateTrail",
    "DeleteTrail",
    "PutEventSelectors",
    "StartLogging",
    "StopLogging",
    "UpdateTrail",
];

/// How a value is compared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// The whole value.
    Equals,
    /// Its beginning.
    StartsWith,
    /// Its end.
    EndsWith,
}

/// What a selector asks of one field of an event.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct FieldSelector {
    /// `eventCategory`, `readOnly`, `eventSource`, `eventName`, `resources.type`, `resources.ARN`, `userIdentity.arn`, …
    pub field: String,
    /// One of these must hold; empty asks nothing.
    pub any: Vec<(Comparison, String)>,
    /// None of these may hold.
    pub none: Vec<(Comparison, String)>,
}

/// One advanced event selector: it takes an event if all its fields agree.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Selector {
    /// What is asked.
    pub fields: Vec<FieldSelector>,
}

/// What one trail logs: an event that one of the selectors takes. Without selectors it logs nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Selectors(pub Vec<Selector>);

/// A call that changed what some trail logs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct TrailChange {
    /// Seconds since 1970.
    pub time: i64,
    /// The account that owns the trail.
    pub account: String,
    /// The trail's name; empty where the event does not tell.
    pub trail: String,
    /// `StopLogging`, `PutEventSelectors`, …
    pub name: String,
    /// The trail's home region.
    pub region: String,
    /// What `PutEventSelectors` asked for, where that is known.
    pub selectors: Option<Selectors>,
    /// Whether the trail is in all regions from now on, where the call says so.
    pub multi_region: Option<bool>,
    /// Whether it logs global services, where the call says so.
    pub global_events: Option<bool>,
    /// Whether it serves the whole organization, where the call says so.
    pub organization: Option<bool>,
}

impl TrailChange {
    /// What one successful call changed; `request` and `response` are the event's own JSON. The account and region are
    /// those in which the event was received.
    pub fn read(
        time: i64,
        account: &str,
        region: &str,
        name: &str,
        request: Option<&str>,
        response: Option<&str>,
    ) -> TrailChange {
        let parse = |text: Option<&str>| {
            text.filter(|text| text.len() <= LONGEST)
                .and_then(|text| serde_json::from_str::<Value>(text).ok())
                .unwrap_or(Value::Null)
        };
        let (request, response) = (parse(request), parse(response));
        let named = |name: &str| {
            [&response, &request]
                .into_iter()
                .find_map(|value| member(value, name)?.as_str().map(str::to_owned))
        };
        let flag = |name: &str| {
            [&response, &request]
                .into_iter()
                .find_map(|value| member(value, name)?.as_bool())
        };
        let trail = named("trailARN")
            .or_else(|| named("trailName"))
            .or_else(|| named("name"));
        let (owner, home, trail) = match trail.as_deref().map(trail_of_arn) {
            Some(Some((home, owner, trail))) => (owner.to_owned(), home.to_owned(), trail.to_owned()),
            Some(None) => (account.to_owned(), region.to_owned(), trail.unwrap_or_default()),
            None => (account.to_owned(), region.to_owned(), String::new()),
        };
        TrailChange {
            time,
            account: owner,
            trail,
            name: name.to_owned(),
            region: home,
            // Without selectors of its own a new trail logs all management events and no data events
            // (CloudTrail API reference, PutEventSelectors).
            selectors: match name {
                "PutEventSelectors" => Selectors::read(&request),
                "CreateTrail" => Some(Selectors::management()),
                _ => None,
            },
            multi_region: flag("isMultiRegionTrail"),
            global_events: flag("includeGlobalServiceEvents"),
            organization: flag("isOrganizationTrail"),
        }
    }
}

impl Selectors {
    /// All management events and no others.
    pub fn management() -> Selectors {
        Selectors(vec![Selector {
            fields: vec![equals("eventCategory", &["Management"])],
        }])
    }

    /// Selectors as `get-event-selectors` prints them and as `PutEventSelectors` events hold them: the case of the first
    /// letters does not matter. `None` where there are none or where they cannot be understood.
    pub fn read(value: &Value) -> Option<Selectors> {
        let list = |name: &str| {
            member(value, name)
                .and_then(Value::as_array)
                .filter(|list| !list.is_empty())
        };
        if let Some(advanced) = list("AdvancedEventSelectors") {
            return advanced
                .iter()
                .map(advanced_selector)
                .collect::<Option<Vec<_>>>()
                .map(Selectors);
        }
        let basic = member(value, "EventSelectors")?.as_array()?;
        let mut selectors = Vec::new();
        for selector in basic {
            basic_selector(selector, &mut selectors)?;
        }
        Some(Selectors(selectors))
    }
}

/// One advanced selector; `None` where an operator is unknown.
fn advanced_selector(value: &Value) -> Option<Selector> {
    let fields = member(value, "FieldSelectors")?.as_array()?.iter().map(|value| {
        let mut field = FieldSelector {
            field: member(value, "Field")?.as_str()?.to_owned(),
            ..FieldSelector::default()
        };
        for (name, values) in value.as_object()? {
            // An operator that is not used may be there with null in it.
            if values.is_null() {
                continue;
            }
            let values = || {
                values
                    .as_array()?
                    .iter()
                    .map(|value| value.as_str().map(str::to_owned))
                    .collect::<Option<Vec<String>>>()
            };
            let (into, comparison) = match name.to_ascii_lowercase().as_str() {
                "field" => continue,
                "equals" => (&mut field.any, Comparison::Equals),
                "startswith" => (&mut field.any, Comparison::StartsWith),
                "endswith" => (&mut field.any, Comparison::EndsWith),
                "notequals" => (&mut field.none, Comparison::Equals),
                "notstartswith" => (&mut field.none, Comparison::StartsWith),
                "notendswith" => (&mut field.none, Comparison::EndsWith),
                _ => return None,
            };
            into.extend(values()?.into_iter().map(|value| (comparison, value)));
        }
        // A field that asks nothing is one that was not understood.
        (!field.any.is_empty() || !field.none.is_empty()).then_some(field)
    });
    fields.collect::<Option<Vec<_>>>().map(|fields| Selector { fields })
}

/// One basic selector, as the advanced ones that say the same (CloudTrail user guide, "Logging data events").
fn basic_selector(value: &Value, selectors: &mut Vec<Selector>) -> Option<()> {
    let read_only = match member(value, "ReadWriteType").and_then(Value::as_str) {
        Some("ReadOnly") => Some(equals("readOnly", &["true"])),
        Some("WriteOnly") => Some(equals("readOnly", &["false"])),
        Some("All") | None => None,
        Some(_) => return None,
    };
    let texts = |value: Option<&Value>| -> Vec<String> {
        let list = value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    if member(value, "IncludeManagementEvents")
        .and_then(Value::as_bool)
        .unwrap_or(true)
    {
        let mut fields = vec![equals("eventCategory", &["Management"])];
        fields.extend(read_only.clone());
        let excluded = texts(member(value, "ExcludeManagementEventSources"));
        if !excluded.is_empty() {
            fields.push(FieldSelector {
                field: "eventSource".to_owned(),
                any: Vec::new(),
                none: excluded
                    .into_iter()
                    .map(|source| (Comparison::Equals, source))
                    .collect(),
            });
        }
        selectors.push(Selector { fields });
    }
    let resources = member(value, "DataResources").and_then(Value::as_array);
    for resource in resources.map_or(&[][..], Vec::as_slice) {
        let kind = member(resource, "Type")?.as_str()?;
        let values = texts(member(resource, "Values"));
        if values.is_empty() {
            continue;
        }
        let mut arns = FieldSelector {
            field: "resources.ARN".to_owned(),
            ..FieldSelector::default()
        };
        for value in values {
            // `arn:aws:lambda` stands for every function, a whole ARN for that function or table alone; S3 takes a bucket
            // with a prefix.
            let whole = value.matches(':').count() >= 5 && kind != "AWS::S3::Object";
            if whole {
                arns.any.push((Comparison::StartsWith, format!("{value}:")));
                arns.any.push((Comparison::StartsWith, format!("{value}/")));
                arns.any.push((Comparison::Equals, value));
            } else {
                arns.any.push((Comparison::StartsWith, value));
            }
        }
        let mut fields = vec![equals("eventCategory", &["Data"]), equals("resources.type", &[kind])];
        fields.extend(read_only.clone());
        fields.push(arns);
        selectors.push(Selector { fields });
    }
    Some(())
}

fn equals(field: &str, values: &[&str]) -> FieldSelector {
    FieldSelector {
        field: field.to_owned(),
        any: values
            .iter()
            .map(|value| (Comparison::Equals, (*value).to_owned()))
            .collect(),
        none: Vec::new(),
    }
}

/// A member by its name, whatever the case of its letters.
pub fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let object = value.as_object()?;
    object.get(name).or_else(|| {
        object
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// Home region, account and name of `arn:aws:cloudtrail:REGION:ACCOUNT:trail/NAME`.
pub fn trail_of_arn(arn: &str) -> Option<(&str, &str, &str)> {
    let mut segments = arn.splitn(6, ':');
    if segments.next() != Some("arn") {
        return None;
    }
    let mut segments = segments.skip(2);
    let (region, account, resource) = (segments.next()?, segments.next()?, segments.next()?);
    Some((region, account, resource.strip_prefix("trail/")?))
}

#[cfg(test)]
mod tests;
