//! Binds the variables of ARN formats to the input members of an operation, and finds members that matter: roles, tags.

use std::collections::BTreeMap;

use super::super::row::Binding;
use super::super::template::{substitute, variables};
use super::hand::{HandBinding, HandTables};
use super::packages::{MapEntry, Model, Operation, Packages};
use super::sides;

/// How deep input shapes are followed, and how many members of one operation are looked at.
const DEPTH: usize = 6;
const MEMBERS: usize = 5_000;

/// An input member of an operation.
pub(super) struct Member {
    /// Path with `[]` after lists and `{}` after maps.
    pub(super) path: String,
    /// Name of the last member on the path.
    pub(super) name: String,
    /// Whether it holds text, or a list of texts.
    pub(super) text: bool,
    /// Whether the value's shape says that it is an ARN.
    arn: bool,
    /// Whether it stands directly in the input, or is a list that does.
    pub(super) top_level: bool,
    /// Where in the URI it goes.
    pub(super) location: Option<String>,
}

/// All input members of an operation, in the order of their paths.
pub(super) fn members(model: &Model, operation: &Operation, rename: &BTreeMap<String, String>) -> Vec<Member> {
    let mut out = Vec::new();
    if let Some(input) = &operation.input {
        walk(model, &input.shape, "", &mut Vec::new(), rename, &mut out);
    }
    out
}

fn walk(
    model: &Model,
    shape: &str,
    path: &str,
    above: &mut Vec<String>,
    rename: &BTreeMap<String, String>,
    out: &mut Vec<Member>,
) {
    if above.len() >= DEPTH || above.iter().any(|known| known == shape) {
        return;
    }
    let Some(structure) = model.shapes.get(shape) else {
        return;
    };
    above.push(shape.to_owned());
    for (name, member) in &structure.members {
        if out.len() >= MEMBERS {
            break;
        }
        let logged = if path.is_empty() {
            rename.get(name).unwrap_or(name)
        } else {
            name
        };
        let mut full = if path.is_empty() {
            logged.clone()
        } else {
            format!("{path}.{logged}")
        };
        let mut inner = member.shape.as_str();
        // Lists of lists and maps of lists occur, and end soon.
        for _ in 0..4 {
            let Some(shape) = model.shapes.get(inner) else { break };
            let (next, mark) = match shape.kind.as_str() {
                "list" => (shape.member.as_ref(), "[]"),
                "map" => (shape.value.as_ref(), "{}"),
                _ => break,
            };
            let Some(next) = next else { break };
            // A renamed member says itself where its items are.
            if !(path.is_empty() && logged != name) {
                full.push_str(mark);
            }
            inner = &next.shape;
        }
        let target = model.shapes.get(inner);
        let kind = target.map_or("", |shape| shape.kind.as_str());
        let pattern = target.and_then(|shape| shape.pattern.as_deref()).unwrap_or("");
        out.push(Member {
            path: full.clone(),
            name: name.clone(),
            text: kind == "string",
            arn: inner.to_ascii_lowercase().contains("arn") || pattern.contains("arn"),
            top_level: path.is_empty(),
            location: member.location_name.clone(),
        });
        if kind == "structure" {
            walk(model, inner, &full, above, rename, out);
        }
    }
    above.pop();
}

/// The parameters that hand a role to the service.
pub(super) fn role_paths(members: &[Member]) -> Vec<(String, Handed)> {
    let mut out = Vec::new();
    for member in members {
        let name = member.name.to_ascii_lowercase();
        if name.contains("instanceprofile") {
            out.push((member.path.clone(), Handed::InstanceProfile));
        } else if member.text {
            let arn = ["rolearn", "rolearns", "iamroles"]
                .iter()
                .any(|ending| name.ends_with(ending))
                || (name.contains("role") && member.arn);
            let external = name.contains("principal") || name.contains("status");
            // Roles of chats, databases and reviews.
            let other = [
                "participantrole",
                "snowflakerole",
                "backendrole",
                "memberrole",
                "approverrole",
            ];
            let named = (name.ends_with("role") || name.ends_with("rolename"))
                && !other.iter().any(|ending| name.ends_with(ending));
            match (arn && !external, named) {
                (true, _) => out.push((member.path.clone(), Handed::Role)),
                (false, true) => out.push((member.path.clone(), Handed::PerhapsRole)),
                (false, false) => {}
            }
        }
    }
    out
}

/// What a parameter hands over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Handed {
    Role,
    /// Named like a role, without a word on its form.
    PerhapsRole,
    InstanceProfile,
}

/// The top-level parameters that hold tags.
pub(super) fn tag_paths(members: &[Member]) -> Vec<String> {
    let is_tags = |name: &str| {
        matches!(
            name.to_ascii_lowercase().as_str(),
            "tags"
                | "tag"
                | "taglist"
                | "tagset"
                | "tagspecifications"
                | "tagspecification"
                | "resourcetags"
                | "tagsmap"
        )
    };
    let bare = |path: &str| path.trim_end_matches("[]").trim_end_matches("{}").to_owned();
    let tops = members.iter().filter(|member| member.top_level);
    tops.filter(|member| is_tags(&member.name))
        .map(|member| bare(&member.path))
        .collect()
}

/// What the request tells about an action's resources.
#[derive(Default)]
pub(super) struct Told {
    pub(super) bindings: Vec<Binding>,
    /// Whether that is all of them.
    pub(super) complete: bool,
    /// Whether nobody has shown that requests spell them so.
    pub(super) hint: bool,
    /// Whether several parameters name resources of one type, and nobody says which action is on which.
    pub(super) open: bool,
}

/// What the request tells about an action's resources, and whether that is all of them.
pub(super) fn resources(
    action: &str,
    members: &[Member],
    entries: &[MapEntry],
    packages: &Packages,
    hand: &HandTables,
) -> Told {
    let Some((prefix, found)) = packages.action(action) else {
        return Told::default();
    };
    let binder = Binder {
        prefix,
        action,
        members,
        entries,
        hand,
    };
    let mut told = Told::default();
    let mut unbound = Vec::new();
    let mut known = true;
    for (name, required) in &found.types {
        let formats = packages
            .arns
            .get(prefix)
            .and_then(|arns| arns.get(name))
            .map_or(&[][..], Vec::as_slice);
        let before = told.bindings.len();
        match binder.by_hand(name) {
            rows if !rows.is_empty() => {
                let templates = rows.into_iter().flat_map(|row| &row.templates);
                told.bindings.extend(templates.cloned().map(Binding::Template));
            }
            _ => {
                for format in formats {
                    if let Some((binding, sure)) = binder.bound(name, format, formats.len() == 1) {
                        told.bindings.push(binding);
                        known &= sure;
                    }
                }
                told.open |= !sides::of(name, formats, members).is_empty();
            }
        }
        if told.bindings.len() == before {
            unbound.push((name, required));
        }
    }
    for entry in entries.iter().filter(|entry| entry.action.eq_ignore_ascii_case(action)) {
        if let Some(template) = entry
            .arn_override
            .as_ref()
            .and_then(|template| plain(&template.template))
        {
            told.bindings.push(Binding::Template(template));
        }
    }
    told.bindings.sort();
    told.bindings.dedup();
    // An access point's ARN comes in the place of the bucket's name, so a bound bucket covers it.
    let bound = !told.bindings.is_empty()
        && unbound
            .iter()
            .all(|(name, required)| !**required && name.starts_with("accesspoint"));
    // CloudTrail writes EC2's lists under names of its own, so that a name which is missing proves nothing.
    told.hint = !known;
    told.complete = bound && known && (prefix != "ec2" || found.types.len() == 1);
    told
}

/// Binds the types of one action to the parameters of one operation.
struct Binder<'b> {
    prefix: &'b str,
    action: &'b str,
    members: &'b [Member],
    entries: &'b [MapEntry],
    hand: &'b HandTables,
}

impl Binder<'_> {
    fn by_hand(&self, name: &str) -> Vec<&HandBinding> {
        let has = |wanted: &String| {
            self.members
                .iter()
                .any(|member| member.top_level && member.name == *wanted)
        };
        let rows = self.hand.bindings.iter();
        rows.filter(|row| row.prefix == self.prefix && row.resource_type == name && row.members.iter().all(has))
            .collect()
    }

    /// The parameters that name the owner of the resource.
    fn owner(&self) -> Option<String> {
        let names = self.hand.owners.get(self.prefix)?;
        if names.iter().any(|name| name == "*") {
            return Some("*".to_owned());
        }
        let has = |name: &&String| {
            self.members
                .iter()
                .any(|member| member.top_level && member.name == **name)
        };
        // CloudTrail writes some of them as the URI has them: `domain-owner`.
        let mut paths = Vec::new();
        for member in self.members.iter().filter(|member| member.top_level) {
            if names.iter().filter(has).any(|name| *name == member.name) {
                paths.push(member.path.clone());
                paths.extend(member.location.clone().filter(|location| *location != member.path));
            }
        }
        (!paths.is_empty()).then(|| paths.join("/"))
    }

    /// A binding, and whether it surely spells the resource as AWS does.
    fn bound(&self, name: &str, format: &str, only: bool) -> Option<(Binding, bool)> {
        let wanted = variables(format);
        let mut pairs = Vec::new();
        let mut known = true;
        for variable in &wanted {
            let Some(path) = variable_path(variable, self.action, self.members, self.entries) else {
                return whole_arn(name, self.members).map(|binding| (binding, true));
            };
            let member = path.split('|').next().unwrap_or(&path);
            let member = member.rsplit('.').next().unwrap_or(member);
            let member = member.trim_end_matches(['[', ']', '{', '}']);
            let (form, shown) = match path.as_str() {
                "*" => (None, true),
                _ => self.hand.form(self.action, variable, member),
            };
            known &= shown;
            pairs.push((
                (*variable).to_owned(),
                match form {
                    Some(form) if !path.contains('|') => format!("{path}|{form}"),
                    Some(_) | None => path,
                },
            ));
        }
        if let Some(owner) = self.owner().filter(|_| format.contains("${Account}")) {
            pairs.push(("Account".to_owned(), owner));
        }
        if wanted.is_empty() || !only {
            let lookup = |variable: &str| {
                let path = pairs.iter().find(|(known, _)| known == variable).map(|(_, path)| path);
                match (variable, path) {
                    (_, Some(path)) if path == "*" => Some(path.clone()),
                    ("Account", path) => path.map(|path| format!("${{Account|{path}}}")),
                    (_, path) => path.map(|path| format!("${{{path}}}")),
                }
            };
            return substitute(format, lookup).map(|template| (Binding::Template(template), known));
        }
        pairs.retain(|(variable, path)| !super::super::template::same_parameter(variable, path));
        let binding = Binding::Type {
            name: name.to_owned(),
            variables: pairs,
        };
        Some((binding, known))
    }
}

/// A member that holds the resource's whole ARN.
fn whole_arn(name: &str, members: &[Member]) -> Option<Binding> {
    let squeezed: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    let names = [
        format!("{squeezed}arn"),
        format!("{squeezed}arns"),
        "resourcearn".to_owned(),
        "arn".to_owned(),
    ];
    let matching = |wanted: &String| {
        members
            .iter()
            .find(|member| member.top_level && member.text && member.name.to_ascii_lowercase() == *wanted)
    };
    let member = names.iter().find_map(matching)?;
    Some(Binding::Template(format!("${{{}}}", member.path)))
}

fn variable_path(variable: &str, action: &str, members: &[Member], entries: &[MapEntry]) -> Option<String> {
    let top = |wanted: &str| {
        members
            .iter()
            .find(|member| member.top_level && member.text && member.name.eq_ignore_ascii_case(wanted))
    };
    if let Some(member) = top(variable).or_else(|| top(&format!("{variable}s"))) {
        return Some(member.path.clone());
    }
    let entry = entries.iter().find(|entry| entry.action.eq_ignore_ascii_case(action))?;
    let template = &entry.resource_mappings.get(variable)?.template;
    if template == "*" {
        return Some("*".to_owned());
    }
    let path = single_path(template)?;
    // The map is older than the model: take only members that are still there, by the name that is logged.
    let first = path.split(['.', '[', '{', '|']).next().unwrap_or(&path);
    let member = members
        .iter()
        .find(|member| member.name.eq_ignore_ascii_case(first) && member.top_level)?;
    let logged = member.path.trim_end_matches("[]");
    Some(format!("{logged}{}", &path[first.len()..]))
}

/// The one parameter of a map template, if its rule is one that we know.
fn single_path(template: &str) -> Option<String> {
    if let Some(rest) = template.strip_prefix("%%regex%") {
        let (inner, pattern) = rest.strip_suffix("%%")?.split_once('%')?;
        let path = single_path(inner)?;
        return match pattern {
            r"/^.+\/(.+?)$/g" | r"/^(?:.+\/)?(.+)$/g" => Some(format!("{path}|basename")),
            _ if pattern.contains("function") => Some(path),
            _ => None,
        };
    }
    let path = template.strip_prefix("${")?.strip_suffix('}')?;
    (!path.is_empty() && !path.contains(['$', '{', '}', '%', ' ', '|', ','])).then(|| path.to_owned())
}

/// An override that is one parameter, or an ARN with plain placeholders only.
fn plain(template: &str) -> Option<String> {
    let ok = !template.contains("%%")
        && !template.contains([' ', ',', '|'])
        && (template.starts_with("arn:") || single_path(template).is_some());
    ok.then(|| template.to_owned())
}

/// The paths of the parameters behind the map's PassRole entries.
pub(super) fn map_role_paths(entries: &[MapEntry]) -> Vec<String> {
    let passes = entries
        .iter()
        .filter(|entry| entry.action.eq_ignore_ascii_case("iam:PassRole"));
    let templates = passes.filter_map(|entry| entry.arn_override.as_ref());
    templates
        .flat_map(|template| variables(&template.template))
        .filter(|path| !path.contains('%'))
        .map(str::to_owned)
        .collect()
}
