//! The one-line form of what a call needs, as it stands in the operation lines and in `hand.tsv`.
//!
//! Needs are separated by spaces; a need is `action|when|resources|flags`, the last three optional:
//!
//! * `~` before the action: the call may need it, not surely;
//! * when: `+a,b` any of these request parameters is present and not empty, `-a,b` none is, `a=x,y` a has one of these values
//!   (`!` among them: the log always shows a where it is given, so that a request without it has none of the values;
//!   `a:verb` is the first word of a statement, `a:versionId` the query parameter of that name in the value);
//! * resources, separated by commas: `type` or `type{Variable=path;…}` binds the ARN formats of the action's resource type
//!   (a variable left out is bound to the parameter of its own name), `=template` is an ARN template as it stands;
//! * flags: `c` the resources are all that the call touches; `a` this need's resources stand apart: what else the event
//!   names of their type belongs to another action of the call (the target of a copy); `o` open: two parameters name
//!   resources of one type and nobody says which action is on which, so that what the event shows is never all;
//!   `h` hints: no example, denial or trail has shown that the request spells its resources so.
//!
//! In `hand.tsv`, needs that start with a `+` of their own stand beside what the other steps find, instead of in its place;
//! the resource `?` says that the request does not tell the resource.

use std::fmt::Write as _;

/// In which requests a need arises. Where parameters were left out of the event, take it as possible.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum When {
    /// In every request.
    Always,
    /// If any of these request parameters is present and not empty.
    Present(Vec<String>),
    /// If none of these request parameters is present, or all are empty.
    Absent(Vec<String>),
    /// If this request parameter has one of these values.
    Equals {
        /// Where in the request parameters.
        path: String,
        /// Compared ignoring ASCII case.
        values: Vec<String>,
    },
}

/// A resource of a need, before the catalog turns it into templates.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Binding {
    /// A resource type of the action's service, and the parameters behind its variables.
    Type {
        name: String,
        variables: Vec<(String, String)>,
    },
    /// A template as it stands.
    Template(String),
}

/// One need, before the catalog knows its action.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct RowNeed {
    pub(super) action: String,
    pub(super) certain: bool,
    pub(super) when: When,
    pub(super) bindings: Vec<Binding>,
    pub(super) complete: bool,
    /// Whether resources of the same type elsewhere in the event belong to another action.
    pub(super) apart: bool,
    /// Whether what the event shows is never all.
    pub(super) open: bool,
    /// Whether nobody has shown that requests spell the resources so.
    pub(super) hint: bool,
}

impl RowNeed {
    pub(super) fn new(action: &str) -> Self {
        Self {
            action: action.to_owned(),
            certain: true,
            when: When::Always,
            bindings: Vec::new(),
            complete: false,
            apart: false,
            open: false,
            hint: false,
        }
    }
}

/// Among the values of [`When::Equals`]: the log shows the parameter wherever it is given.
pub const ALWAYS_LOGGED: &str = "!";

/// The resource that the request does not tell.
const UNTOLD: &str = "?";

/// Reads a list of needs.
pub(super) fn read(text: &str) -> Vec<RowNeed> {
    text.split_ascii_whitespace().map(read_need).collect()
}

fn read_need(text: &str) -> RowNeed {
    let mut columns = text.splitn(4, '|');
    let action = columns.next().unwrap_or("");
    let mut need = RowNeed::new(action.trim_start_matches('~'));
    need.certain = !action.starts_with('~');
    need.when = columns.next().map_or(When::Always, read_when);
    // A template may hold `|basename`, so the flag is what follows the last bar, if that is one.
    let rest = match (columns.next(), columns.next()) {
        (Some(resources), Some(more)) => format!("{resources}|{more}"),
        (Some(resources), None) => resources.to_owned(),
        (None, _) => String::new(),
    };
    let (resources, flag) = match rest.rsplit_once('|') {
        Some((resources, flag @ ("a" | "c" | "h" | "o"))) => (resources, flag),
        Some(_) | None => (rest.as_str(), ""),
    };
    need.complete = flag == "c";
    need.open = flag == "o";
    need.hint = flag == "h";
    need.apart = flag == "a" || resources == UNTOLD;
    need.bindings = resources
        .split(',')
        .filter(|one| !one.is_empty())
        .map(read_binding)
        .collect();
    need
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}

fn read_when(text: &str) -> When {
    if let Some(paths) = text.strip_prefix('+') {
        When::Present(list(paths))
    } else if let Some(paths) = text.strip_prefix('-') {
        When::Absent(list(paths))
    } else if let Some((path, values)) = text.split_once('=') {
        When::Equals {
            path: path.to_owned(),
            values: list(values),
        }
    } else {
        When::Always
    }
}

fn read_binding(text: &str) -> Binding {
    if let Some(template) = text.strip_prefix('=') {
        return Binding::Template(template.to_owned());
    }
    let (name, variables) = text.split_once('{').unwrap_or((text, ""));
    let variables = variables.strip_suffix('}').unwrap_or(variables);
    let pairs = variables.split(';').filter_map(|pair| pair.split_once('='));
    Binding::Type {
        name: name.to_owned(),
        variables: pairs
            .map(|(variable, path)| (variable.to_owned(), path.to_owned()))
            .collect(),
    }
}

/// The parameters that a resource is told by.
pub(super) fn paths(binding: &Binding) -> Vec<String> {
    match binding {
        Binding::Template(template) => super::template::variables(template)
            .into_iter()
            .map(|path| path.split('|').next().unwrap_or(path).to_owned())
            .collect(),
        Binding::Type { variables, .. } => variables.iter().map(|(_, path)| path.clone()).collect(),
    }
}

/// Writes a list of needs; [`read`] reads it back.
pub(super) fn write(needs: &[RowNeed]) -> String {
    let texts: Vec<String> = needs.iter().map(write_need).collect();
    texts.join(" ")
}

fn write_need(need: &RowNeed) -> String {
    let mut out = format!("{}{}", if need.certain { "" } else { "~" }, need.action);
    let when = match &need.when {
        When::Always => String::new(),
        When::Present(paths) => format!("+{}", paths.join(",")),
        When::Absent(paths) => format!("-{}", paths.join(",")),
        When::Equals { path, values } => format!("{path}={}", values.join(",")),
    };
    let flagged = need.complete || need.apart || need.open || need.hint;
    if when.is_empty() && need.bindings.is_empty() && !flagged {
        return out;
    }
    let _ = write!(out, "|{when}");
    if !need.bindings.is_empty() || flagged {
        let bindings: Vec<String> = need.bindings.iter().map(write_binding).collect();
        let _ = write!(out, "|{}", bindings.join(","));
    }
    let untold = matches!(&need.bindings[..], [Binding::Type { name, .. }] if name == UNTOLD);
    if need.open {
        out.push_str("|o");
    } else if need.hint {
        out.push_str("|h");
    } else if need.complete {
        out.push_str("|c");
    } else if need.apart && !untold {
        out.push_str("|a");
    }
    out
}

fn write_binding(binding: &Binding) -> String {
    match binding {
        Binding::Template(template) => format!("={template}"),
        Binding::Type { name, variables } if variables.is_empty() => name.clone(),
        Binding::Type { name, variables } => {
            let pairs: Vec<String> = variables.iter().map(|(name, path)| format!("{name}={path}")).collect();
            format!("{name}{{{}}}", pairs.join(";"))
        }
    }
}

/// Why a call needs no permission, by the code that stands in place of its needs.
pub(super) fn no_permission(code: &str) -> Option<&'static str> {
    match code {
        "-" => Some("AWS checks no permission for this call"),
        "-unsigned" => Some("the call is not signed with AWS credentials"),
        "-token" => Some("the call is authorised by a token of the service, not by IAM"),
        "-signin" => Some("a sign-in event, not an API call"),
        "-service" => Some("an event of the service itself, not an API call"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
