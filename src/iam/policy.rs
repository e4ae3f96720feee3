//! Policy documents: parsed strictly once, printed as they were written.
//!
//! An element, operator or type that is not known is an error that names it: a guess could drop a restriction.

use std::fmt;

use serde_json::{Map, Value};

use super::condition::{self, Condition};
use super::{ActionPattern, Resource, Version};

pub(super) mod json;
mod parts;
pub(super) mod place;
mod text;
pub(super) mod wrapped;

use parts::{
    action_part, optional_text, principal_part, print_list, print_principals, put, resource_part, resource_texts,
    same_spelling, texts_of,
};
pub use place::Position;
pub use text::PolicyText;

/// Why a text is no policy: it is no JSON, or it says something that a policy cannot say, or that this program does not
/// know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    at: Option<Position>,
    place: String,
    problem: String,
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{at}: {}", self.what()),
            None => f.write_str(&self.what()),
        }
    }
}

impl Error {
    /// Where in the text, if it was parsed from one.
    pub fn position(&self) -> Option<Position> {
        self.at
    }

    /// Path of the element, such as `Statement[2].Action`; empty where the text is no JSON.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The element and what is wrong with it, without the position.
    pub fn what(&self) -> String {
        if self.place.is_empty() {
            self.problem.clone()
        } else {
            format!("{}: {}", self.place, self.problem)
        }
    }

    pub(super) fn at(mut self, at: Position) -> Self {
        // What is wrong inside a string keeps its own position, which is one in that string.
        if let Some(inner) = self.at {
            self.problem = format!("{inner} of the text in it: {}", self.problem);
        }
        self.at = Some(at);
        self
    }

    /// The same error at another position.
    pub(super) fn moved(mut self, at: Option<Position>) -> Self {
        self.at = at;
        self
    }

    /// The same error of a policy that stands at `outer` of something larger.
    pub(super) fn under(mut self, outer: &str) -> Self {
        if outer.is_empty() {
            return self;
        }
        if self.at.is_some() {
            // The inner text is a string of its own; the place of the whole is what can be found again.
            self.problem = self.what();
            self.place = outer.to_owned();
        } else if self.place.is_empty() || self.place == WHOLE {
            self.place = outer.to_owned();
        } else {
            self.place = format!("{outer}.{}", self.place);
        }
        self
    }
}

/// How errors call a document that is none at all.
const WHOLE: &str = "policy";

fn wrong(place: &str, problem: impl Into<String>) -> Error {
    Error {
        at: None,
        place: place.to_owned(),
        problem: problem.into(),
    }
}

/// A policy document.
#[derive(Clone, PartialEq, Debug)]
pub struct Policy {
    /// What `Version` says; absent means 2008-10-17.
    pub version: Version,
    /// What `Id` says.
    pub id: Option<String>,
    /// The statements in the order of the document.
    pub statements: Vec<Statement>,
    /// The top level as it was written, for printing.
    written: Map<String, Value>,
}

/// `Allow` or `Deny`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Effect {
    /// Grants.
    Allow,
    /// Forbids, whatever else grants.
    Deny,
}

/// One statement.
#[derive(Clone, PartialEq, Debug)]
pub struct Statement {
    /// Its place in the document it was parsed from, from 0.
    pub index: usize,
    /// What `Sid` says.
    pub sid: Option<String>,
    /// Grants or forbids.
    pub effect: Effect,
    /// Whom it concerns; stated in resource policies only.
    pub principal: PrincipalPart,
    /// Which actions it concerns.
    pub action: ActionPart,
    /// Which resources it concerns.
    pub resource: ResourcePart,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// The statement as it was written, for printing.
    written: Map<String, Value>,
}

/// `Action` or `NotAction`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ActionPart {
    /// The actions that one of these matches.
    Action(Vec<ActionPattern>),
    /// The actions that none of these matches.
    NotAction(Vec<ActionPattern>),
}

/// `Resource`, `NotResource`, or neither (trust policies).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ResourcePart {
    /// The resources that one of these matches.
    Resource(Vec<Resource>),
    /// The resources that none of these matches.
    NotResource(Vec<Resource>),
    /// The resource that the policy hangs on.
    None,
}

/// `Principal`, `NotPrincipal`, or neither (identity policies).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PrincipalPart {
    /// One of these.
    Principal(Vec<Principal>),
    /// None of these.
    NotPrincipal(Vec<Principal>),
    /// Whoever the policy is attached to.
    None,
}

/// One principal that a resource policy names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Principal {
    /// `"*"`, or `{"AWS": "*"}`.
    Everyone,
    /// An ARN, an account id, or the id that stands for a deleted principal.
    Aws(String),
    /// `lambda.amazonaws.com`.
    Service(String),
    /// A SAML or OIDC provider.
    Federated(String),
    /// The canonical user id of S3.
    CanonicalUser(String),
}

impl Principal {
    fn kind(&self) -> &'static str {
        match self {
            Self::Everyone | Self::Aws(_) => "AWS",
            Self::Service(_) => "Service",
            Self::Federated(_) => "Federated",
            Self::CanonicalUser(_) => "CanonicalUser",
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Everyone => "*",
            Self::Aws(text) | Self::Service(text) | Self::Federated(text) | Self::CanonicalUser(text) => text,
        }
    }
}

impl Policy {
    /// Parses a policy from its text.
    ///
    /// ```
    /// use trimtrail::Policy;
    /// let policy = Policy::parse(r#"{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}"#).unwrap();
    /// assert_eq!(policy.statements.len(), 1);
    /// ```
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::from_value(&json::strict(text)?).map_err(|error| {
            let at = place::locate(text, error.place());
            error.at(at)
        })
    }

    /// Parses a policy from JSON that was read already.
    pub fn from_value(value: &Value) -> Result<Self, Error> {
        let written = value
            .as_object()
            .ok_or_else(|| wrong(WHOLE, format!("must be an object, not {}", kind(value))))?;
        for (element, _) in written {
            if !["Version", "Id", "Statement"].contains(&element.as_str()) {
                return Err(wrong(element, "unknown element"));
            }
        }
        let version = match optional_text(written, "", "Version")?.as_deref() {
            None | Some("2008-10-17") => Version::V2008,
            Some("2012-10-17") => Version::V2012,
            Some(other) => return Err(wrong("Version", format!("unknown version `{other}`"))),
        };
        let statements = match written.get("Statement") {
            None => return Err(wrong("Statement", "is missing")),
            Some(Value::Array(statements)) => statements
                .iter()
                .enumerate()
                .map(|(index, statement)| Statement::from_value(statement, index, version))
                .collect::<Result<_, _>>()?,
            Some(statement) => vec![Statement::from_value(statement, 0, version)?],
        };
        Ok(Self {
            version,
            id: optional_text(written, "", "Id")?,
            statements,
            written: written.iter().map(without_statements).collect(),
        })
    }

    /// A policy of statements that were parsed elsewhere.
    pub(super) fn of(statements: Vec<Statement>) -> Self {
        Self {
            version: Version::V2012,
            id: None,
            statements,
            written: Map::new(),
        }
    }

    /// Allows every action on every resource.
    pub(super) fn of_everything() -> Self {
        Self::of(vec![Statement {
            index: 0,
            sid: None,
            effect: Effect::Allow,
            principal: PrincipalPart::None,
            action: ActionPart::Action(vec![ActionPattern::new("*")]),
            resource: ResourcePart::Resource(vec![Resource::new("*", Version::V2012)]),
            conditions: Vec::new(),
            written: Map::new(),
        }])
    }

    /// The document as JSON: what was not changed since parsing stands as it was written.
    pub fn to_value(&self) -> Value {
        let mut out = self.written.clone();
        let statements: Vec<Value> = self.statements.iter().map(Statement::to_value).collect();
        let single = matches!(out.get("Statement"), Some(Value::Object(_)));
        let statement = match <[Value; 1]>::try_from(statements) {
            Ok([one]) if single => one,
            Ok([one]) => Value::Array(vec![one]),
            Err(many) => Value::Array(many),
        };
        out.insert("Statement".to_owned(), statement);
        Value::Object(out)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_value().fmt(f)
    }
}

impl Statement {
    /// Condition keys and variables that it asks for, in lower case.
    pub fn keys(&self) -> Vec<String> {
        let conditions = self.conditions.iter();
        let mut keys: Vec<String> = conditions
            .clone()
            .map(|condition| condition.key.to_lowercase())
            .collect();
        let in_conditions = conditions.flat_map(|condition| condition.values.iter().map(String::as_str));
        let in_resources = match &self.resource {
            ResourcePart::Resource(patterns) | ResourcePart::NotResource(patterns) => patterns.as_slice(),
            ResourcePart::None => &[],
        };
        for text in in_conditions.chain(in_resources.iter().map(|pattern| pattern.text())) {
            for variable in text.split("${").skip(1) {
                let name = variable.split(['}', ',']).next().unwrap_or("").trim();
                if !matches!(name, "*" | "?" | "$" | "") {
                    keys.push(name.to_lowercase());
                }
            }
        }
        keys
    }

    /// Parses the statement that stands at `index` of a policy of `version`.
    pub fn from_value(value: &Value, index: usize, version: Version) -> Result<Self, Error> {
        let place = format!("Statement[{index}]");
        let written = value
            .as_object()
            .ok_or_else(|| wrong(&place, format!("must be an object, not {}", kind(value))))?;
        const KNOWN: [&str; 9] = [
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
        ];
        for (element, _) in written {
            if !KNOWN.contains(&element.as_str()) {
                return Err(wrong(&format!("{place}.{element}"), "unknown element"));
            }
        }
        let effect = match optional_text(written, &place, "Effect")?.as_deref() {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            Some(other) => {
                return Err(wrong(
                    &format!("{place}.Effect"),
                    format!("must be Allow or Deny, not `{other}`"),
                ));
            }
            None => return Err(wrong(&format!("{place}.Effect"), "is missing")),
        };
        Ok(Self {
            index,
            sid: optional_text(written, &place, "Sid")?,
            effect,
            principal: principal_part(written, &place)?,
            action: action_part(written, &place)?,
            resource: resource_part(written, &place, version)?,
            conditions: match written.get("Condition") {
                Some(value) => condition::parse(value, &format!("{place}.Condition"), version)?,
                None => Vec::new(),
            },
            written: written.clone(),
        })
    }

    /// The statement as JSON: each element that was not changed since parsing stands as it was written.
    pub fn to_value(&self) -> Value {
        let mut out = self.written.clone();
        if optional_text(&out, "", "Sid").ok() != Some(self.sid.clone()) {
            put(
                &mut out,
                ["Sid"],
                self.sid.clone().map(|sid| ("Sid", Value::String(sid))),
            );
        }
        let effect = match self.effect {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
        };
        out.insert("Effect".to_owned(), effect.into());
        if principal_part(&out, "").ok().as_ref() != Some(&self.principal) {
            let element = match &self.principal {
                PrincipalPart::Principal(principals) => Some(("Principal", print_principals(principals))),
                PrincipalPart::NotPrincipal(principals) => Some(("NotPrincipal", print_principals(principals))),
                PrincipalPart::None => None,
            };
            put(&mut out, ["Principal", "NotPrincipal"], element);
        }
        if !action_part(&out, "").is_ok_and(|written| same_spelling(&written, &self.action)) {
            let (element, patterns) = match &self.action {
                ActionPart::Action(patterns) => ("Action", patterns),
                ActionPart::NotAction(patterns) => ("NotAction", patterns),
            };
            let value = print_list(patterns.iter().map(ActionPattern::text));
            put(&mut out, ["Action", "NotAction"], Some((element, value)));
        }
        let (element, texts) = match &self.resource {
            ResourcePart::Resource(resources) => ("Resource", resource_texts(resources)),
            ResourcePart::NotResource(resources) => ("NotResource", resource_texts(resources)),
            ResourcePart::None => ("", Vec::new()),
        };
        if out.get(element).and_then(|value| texts_of(value, "").ok()) != Some(texts.clone()) {
            let element = (!element.is_empty()).then(|| (element, print_list(texts.iter().map(String::as_str))));
            put(&mut out, ["Resource", "NotResource"], element);
        }
        let version = self
            .conditions
            .first()
            .map(|condition| condition.version)
            .unwrap_or_default();
        let written = out
            .get("Condition")
            .and_then(|value| condition::parse(value, "", version).ok())
            .unwrap_or_default();
        if written != self.conditions {
            let value = (!self.conditions.is_empty()).then(|| ("Condition", condition::print(&self.conditions)));
            put(&mut out, ["Condition"], value);
        }
        Value::Object(out)
    }
}

/// The statements keep what was written of them; what stays here is whether one stood alone.
fn without_statements((element, value): (&String, &Value)) -> (String, Value) {
    let value = match (element.as_str(), value) {
        ("Statement", Value::Object(_)) => Value::Object(Map::new()),
        ("Statement", _many) => Value::Array(Vec::new()),
        (_other, value) => value.clone(),
    };
    (element.clone(), value)
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

pub(super) fn element_error(place: &str, problem: impl Into<String>) -> Error {
    wrong(place, problem)
}

#[cfg(test)]
mod tests;
