//! The `simulate` contract: a case as JSON in, a decision as JSON out.

use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::evaluate::{self, Decision, Outcome, Policies};
use super::policy::{Error, Position, json, place, wrapped};
use super::request::{Context, Request};
use super::{Effect, Policy, PrincipalPart};

fn wrong(place: &str, problem: impl Into<String>) -> Error {
    super::policy::element_error(place, problem)
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// The case's name, printed with the answer.
    pub name: Option<String>,
    /// The request to decide.
    pub request: Request,
    /// The policies to decide it under.
    pub policies: Policies,
}

/// The answer to one case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Line {
    /// The case's name.
    pub name: Option<String>,
    /// `allowed`, `implicitly_denied`, `explicitly_denied` or `unknown`.
    pub decision: &'static str,
    /// The statements that made the decision.
    pub because: Vec<LineBecause>,
    /// The unknown context keys that left it undecided.
    pub missing_keys: Vec<String>,
    /// What is wrong with the case; the decision is then `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One statement that made a decision.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LineBecause {
    /// The policy, by its place in the case.
    pub policy: String,
    /// The statement's Sid, or its index.
    pub statement: String,
    /// `Allow` or `Deny`.
    pub effect: &'static str,
}

/// Decides one case; a malformed one gets the decision `unknown` and an `error`.
///
/// ```
/// use serde_json::json;
/// let line = trimtrail::simulate(&json!({
///     "request": {"principal": "arn:aws:iam::111122223333:user/ana", "action": "s3:ListAllMyBuckets", "resource": "*", "context": {}},
///     "identity_policies": [{"Statement": {"Effect": "Allow", "Action": "s3:List*", "Resource": "*"}}],
/// }));
/// assert_eq!(line["decision"], "allowed");
/// ```
pub fn decide(case: &Value) -> Value {
    serde_json::to_value(line(case)).unwrap_or_default()
}

/// [`decide`], typed.
pub fn line(case: &Value) -> Line {
    match Case::from_value(case) {
        Ok(case) => Line::new(case.name, evaluate::evaluate(&case.request, &case.policies)),
        Err(error) => Line::malformed(case.get("name").and_then(Value::as_str), &error),
    }
}

/// Decides the cases of a document: one case, an array of them, or one after the other (NDJSON).
///
/// A malformed case gets the decision `unknown` and an `error` with its line and column, and those after it are decided
/// all the same. Only where the text is torn so that no case can be found any more the last item is an error.
pub fn lines(text: &str) -> Vec<Result<Line, Error>> {
    let mut out = Vec::new();
    let mut from = 0;
    while let Some(rest) = text.get(from..).filter(|rest| !rest.trim().is_empty()) {
        let start = from + (rest.len() - rest.trim_start().len());
        let rest = &text[start..];
        let array = rest.starts_with('[');
        let mut cases = Vec::new();
        let mut reader = serde_json::Deserializer::from_str(rest);
        let read = if array {
            Elements(&mut cases).deserialize(&mut reader)
        } else {
            <&RawValue as serde::Deserialize>::deserialize(&mut reader).map(|case| cases.push(case))
        };
        let end = cases.last().map_or(0, |case| end_of(rest, case));
        out.extend(cases.into_iter().map(|case| Ok(line_of(text, case))));
        match read {
            Ok(()) => {
                from = start
                    + if array {
                        end + rest[end..].find(']').map_or(1, |at| at + 1)
                    } else {
                        end
                    }
            }
            Err(error) => {
                let torn = json::torn(&error);
                let at = torn.position().map(|at| at.after(Position::of(text, start)));
                let torn = torn.moved(at);
                // Cases one after the other begin at the start of a line.
                match rest.find("\n{") {
                    Some(newline) if !array => {
                        out.push(Ok(Line::malformed(None, &torn)));
                        from = start + newline + 1;
                    }
                    Some(_) | None => {
                        out.push(Err(torn));
                        return out;
                    }
                }
            }
        }
    }
    out
}

/// Keeps the elements of an array that could be read before it breaks off.
struct Elements<'v, 'a>(&'v mut Vec<&'a RawValue>);

impl<'a> DeserializeSeed<'a> for Elements<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for Elements<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of cases")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut access: A) -> Result<(), A::Error> {
        while let Some(case) = access.next_element()? {
            self.0.push(case);
        }
        Ok(())
    }
}

/// Where `inner`, a part of `text`, begins.
fn start_of(text: &str, inner: &RawValue) -> usize {
    (inner.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

fn end_of(text: &str, inner: &RawValue) -> usize {
    start_of(text, inner) + inner.get().len()
}

/// Decides a case that is a part of `text`.
fn line_of(text: &str, case: &RawValue) -> Line {
    let start = || Position::of(text, start_of(text, case));
    // Read again and strictly: a key that stands twice could hide a Deny.
    let value = match json::strict(case.get()) {
        Ok(value) => value,
        Err(error) => {
            let at = error.position().map(|at| at.after(start()));
            return Line::malformed(None, &error.moved(at));
        }
    };
    match Case::from_value(&value) {
        Ok(case) => Line::new(case.name, evaluate::evaluate(&case.request, &case.policies)),
        Err(error) => {
            let at = place::locate(case.get(), error.place()).after(start());
            Line::malformed(value.get("name").and_then(Value::as_str), &error.at(at))
        }
    }
}

impl Line {
    fn malformed(name: Option<&str>, error: &Error) -> Self {
        Self {
            name: name.map(str::to_owned),
            decision: "unknown",
            because: Vec::new(),
            missing_keys: Vec::new(),
            error: Some(error.to_string()),
        }
    }

    fn new(name: Option<String>, decision: Decision) -> Self {
        Self {
            name,
            decision: match decision.outcome {
                Outcome::Allowed => "allowed",
                Outcome::ImplicitlyDenied => "implicitly_denied",
                Outcome::ExplicitlyDenied => "explicitly_denied",
                Outcome::Unknown => "unknown",
            },
            because: decision
                .because
                .into_iter()
                .map(|because| LineBecause {
                    policy: because.policy.to_string(),
                    statement: because.statement,
                    effect: match because.effect {
                        Effect::Allow => "Allow",
                        Effect::Deny => "Deny",
                    },
                })
                .collect(),
            missing_keys: decision.missing_keys,
            error: None,
        }
    }
}

impl Case {
    /// Reads a case; a field that the contract does not name is an error, lest a misspelled policy go unheard.
    pub fn from_value(value: &Value) -> Result<Self, Error> {
        const KNOWN: [&str; 8] = [
            "name",
            "request",
            "identity_policies",
            "permission_boundaries",
            "service_control_policies",
            "resource_control_policies",
            "session_policies",
            "resource_policy",
        ];
        let case = object(value, "case", &KNOWN)?;
        let request = case.get("request").ok_or_else(|| wrong("request", "is missing"))?;
        Ok(Self {
            name: optional_text(case, "name", "name")?,
            request: request_from(request)?,
            policies: Policies {
                identity: attached(case, "identity_policies")?,
                boundaries: attached(case, "permission_boundaries")?,
                service_control: levels(case, "service_control_policies")?,
                resource_control: levels(case, "resource_control_policies")?,
                session: attached(case, "session_policies")?,
                resource: match case.get("resource_policy") {
                    None | Some(Value::Null) => None,
                    Some(value) => Some(resource_policy(value, "resource_policy")?),
                },
            },
        })
    }
}

fn object<'a>(value: &'a Value, place: &str, known: &[&str]) -> Result<&'a Map<String, Value>, Error> {
    let object = value.as_object().ok_or_else(|| wrong(place, "must be an object"))?;
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(unknown) => Err(wrong(place, format!("unknown field `{unknown}`"))),
        None => Ok(object),
    }
}

fn optional_text(object: &Map<String, Value>, field: &str, place: &str) -> Result<Option<String>, Error> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(wrong(place, "must be a string"))
        }
    }
}

fn request_from(value: &Value) -> Result<Request, Error> {
    let request = object(
        value,
        "request",
        &["principal", "action", "resource", "resource_account", "context"],
    )?;
    let text = |field: &str| {
        let place = format!("request.{field}");
        optional_text(request, field, &place)?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| wrong(&place, "is missing"))
    };
    let mut context = Context::default();
    match request.get("context") {
        None | Some(Value::Null) => {}
        Some(Value::Object(keys)) => {
            for (key, value) in keys {
                let place = format!("request.context.{key}");
                match value {
                    Value::Null => context.set_unknown(key),
                    Value::Array(values) => {
                        let values = values
                            .iter()
                            .map(|value| scalar(value, &place))
                            .collect::<Result<_, _>>()?;
                        context.set(key, values);
                    }
                    Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                        context.set(key, vec![scalar(value, &place)?]);
                    }
                }
            }
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            return Err(wrong("request.context", "must be an object"));
        }
    }
    let action = text("action")?;
    if !action.contains(':') {
        return Err(wrong("request.action", format!("`{action}` is no `service:Action`")));
    }
    Ok(Request {
        principal: text("principal")?,
        action,
        resource: text("resource")?,
        resource_account: optional_text(request, "resource_account", "request.resource_account")?,
        context,
    })
}

fn scalar(value: &Value, place: &str) -> Result<String, Error> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(value) => Ok(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(wrong(place, "must be a string, number or boolean, or an array of them"))
        }
    }
}

fn list<T>(value: &Value, place: &str, read: impl Fn(&Value, &str) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    let values = value.as_array().ok_or_else(|| wrong(place, "must be an array"))?;
    values
        .iter()
        .enumerate()
        .map(|(at, value)| read(value, &format!("{place}[{at}]")))
        .collect()
}

/// Policies that are attached to their principal and so name none.
fn attached(case: &Map<String, Value>, field: &str) -> Result<Vec<Policy>, Error> {
    match case.get(field) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(value) => list(value, field, attached_policy),
    }
}

fn levels(case: &Map<String, Value>, field: &str) -> Result<Vec<Vec<Policy>>, Error> {
    let read = if field == "resource_control_policies" {
        resource_control_policy
    } else {
        attached_policy
    };
    match case.get(field) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(value) => list(value, field, |level, place| list(level, place, read)),
    }
}

fn policy(value: &Value, place: &str) -> Result<Policy, Error> {
    let parsed = match value {
        Value::String(text) => wrapped::from_string(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Policy::from_value(value)
        }
    };
    parsed.map_err(|error| error.under(place))
}

fn attached_policy(value: &Value, place: &str) -> Result<Policy, Error> {
    let policy = policy(value, place)?;
    for statement in &policy.statements {
        let place = format!("{place}.Statement[{}]", statement.index);
        match (&statement.principal, &statement.resource) {
            (PrincipalPart::None, super::ResourcePart::Resource(_) | super::ResourcePart::NotResource(_)) => {}
            (PrincipalPart::None, super::ResourcePart::None) => {
                return Err(wrong(&place, "has neither Resource nor NotResource"));
            }
            (PrincipalPart::Principal(_) | PrincipalPart::NotPrincipal(_), _) => {
                return Err(wrong(&place, "names a principal, which only resource policies do"));
            }
        }
    }
    Ok(policy)
}

fn resource_policy(value: &Value, place: &str) -> Result<Policy, Error> {
    let policy = policy(value, place)?;
    for statement in &policy.statements {
        match statement.principal {
            PrincipalPart::Principal(_) | PrincipalPart::NotPrincipal(_) => {}
            PrincipalPart::None => {
                let place = format!("{place}.Statement[{}]", statement.index);
                return Err(wrong(&place, "has neither Principal nor NotPrincipal"));
            }
        }
    }
    Ok(policy)
}

/// Resource control policies concern everybody, and may say so ("RCP syntax" of the Organizations user guide).
fn resource_control_policy(value: &Value, place: &str) -> Result<Policy, Error> {
    let policy = policy(value, place)?;
    for statement in &policy.statements {
        match &statement.principal {
            PrincipalPart::None => {}
            PrincipalPart::Principal(principals) if *principals == [super::policy::Principal::Everyone] => {}
            PrincipalPart::Principal(_) | PrincipalPart::NotPrincipal(_) => {
                let place = format!("{place}.Statement[{}]", statement.index);
                return Err(wrong(
                    &place,
                    "names a principal other than \"*\", which no resource control policy may",
                ));
            }
        }
    }
    Ok(policy)
}

#[cfg(test)]
mod tests;
