//! Life cycles out of the SDK's models: a call whose response alone tells an identifier has made or started what it names,
//! and who holds it will come back with it, to follow, finish or end that: `GetQueryResults` after `StartQuery`.
//!
//! What a call makes is known to more operations than belong to its life (a user pool's id to all that is done in the
//! pool), so of things only what is named after them counts; of what nobody makes by its name, such as jobs and uploads,
//! everything that takes their identifier.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::lifecycle::name::{Name, is_job, is_side, noun, without_job};
use super::operations::Compiled;
use super::packages::{Client, Model, Operation, Packages, ShapeRef};

/// Beyond as many members a response describes a thing, and the identifiers in it are the thing's attributes.
const SHORT: usize = 3;

/// First words of identifiers that name no thing, but a page or an attempt.
const OF_NOTHING: [&str; 5] = ["next", "client", "continuation", "page", "pagination"];

/// How an identifier identifies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// By what the caller chose.
    Name,
    /// By what is given out to be handed back.
    Token,
    /// By an id or ARN.
    Id,
}

/// A member of a request or response that identifies something.
struct Identifier<'m> {
    /// The noun of what it identifies, as [`Name`] writes nouns.
    of: String,
    form: Form,
    member: &'m str,
    /// The structure that it stands in, where that is not the request or response itself.
    within: Option<&'m str>,
}

/// An operation as far as identifiers go.
struct Call<'m> {
    /// The actions that it shows, as `prefix:Name`.
    actions: &'m [String],
    level: &'static str,
    name: Name,
    told: Vec<Identifier<'m>>,
    asked: Vec<Identifier<'m>>,
    required: Vec<Identifier<'m>>,
    /// Members of the response, and those of them that are structures or lists.
    answers: (usize, usize),
}

impl Call<'_> {
    fn noun(&self) -> &str {
        self.name.nouns.first().map_or("", String::as_str)
    }

    /// Whether the call may make or start something.
    fn acts(&self) -> bool {
        let reads = ["List", "Read"].contains(&self.level) && !self.name.starts();
        !reads && self.level != "Tagging" && !self.tags()
    }

    fn tags(&self) -> bool {
        ["tag", "untag"].contains(&self.name.verb.as_str())
    }
}

/// Nouns that operations of a service create, and that they start, by name.
#[derive(Default)]
struct Nouns {
    created: BTreeSet<String>,
    started: BTreeSet<String>,
}

/// An identifier that a call gives out.
struct Handle {
    /// The noun of what it identifies.
    of: String,
    member: String,
    /// Whether it identifies what the call's own name says.
    own: bool,
    form: Form,
}

/// What a response tells of, and what then belongs to it: by prefix, noun and action.
type Found = BTreeMap<(String, String, String), BTreeSet<String>>;

/// Derives the text of `handles.tsv`.
pub(super) fn derive(packages: &Packages, compiled: &Compiled) -> String {
    let clients: Vec<Vec<Call<'_>>> = packages
        .clients
        .iter()
        .map(|client| calls(packages, compiled, client))
        .collect();
    let mut nouns: BTreeMap<&str, Nouns> = BTreeMap::new();
    for call in clients.iter().flatten().filter(|call| !call.noun().is_empty()) {
        let known = nouns.entry(prefix(&call.actions[0])).or_default();
        if call.name.names() {
            known.created.insert(call.noun().to_owned());
        } else if call.name.starts() {
            known.started.insert(call.noun().to_owned());
        }
    }
    let mut found = Found::new();
    for calls in &clients {
        follow(calls, &nouns, &mut found);
    }
    text(packages, found)
}

fn text(packages: &Packages, found: Found) -> String {
    let mut text = format!(
        "# Derived by `trimtrail catalog refresh` from the SDK's models in botocore, {}.\n\
         # kind, service, what tells an identifier of one, what takes that\n",
        packages.date
    );
    let mut rows: BTreeMap<(String, String, Vec<String>), BTreeSet<String>> = BTreeMap::new();
    for ((prefix, of, makes), keeps) in found {
        let keeps = keeps.into_iter().map(|keep| short(&prefix, &keep).to_owned()).collect();
        rows.entry((prefix, of, keeps)).or_default().insert(makes);
    }
    let mut lines = BTreeSet::new();
    for ((prefix, of, keeps), makes) in rows {
        let makes: Vec<&str> = makes.iter().map(|makes| short(&prefix, makes)).collect();
        let mut line = String::new();
        let _ = writeln!(
            line,
            "{prefix}{}\t{prefix}\t{}\t{}",
            of.trim_end(),
            makes.join(" "),
            keeps.join(" ")
        );
        lines.insert(line);
    }
    text.extend(lines);
    text
}

fn prefix(action: &str) -> &str {
    action.split_once(':').map_or("", |(prefix, _)| prefix)
}

fn short<'a>(prefix: &str, action: &'a str) -> &'a str {
    let own = action.strip_prefix(prefix).and_then(|rest| rest.strip_prefix(':'));
    own.unwrap_or(action)
}

fn calls<'m>(packages: &Packages, compiled: &'m Compiled, client: &'m Client) -> Vec<Call<'m>> {
    let mut calls = Vec::new();
    for (name, operation) in &client.model.operations {
        let actions = compiled.shown.get(&(client.name.clone(), name.clone()));
        let Some(actions) = actions.filter(|actions| !actions.is_empty()) else {
            continue;
        };
        let level = packages.action(&actions[0]).map_or("", |(_, action)| action.level);
        calls.push(call(&client.model, name, operation, actions, level));
    }
    calls
}

fn call<'m>(
    model: &'m Model,
    name: &str,
    operation: &'m Operation,
    actions: &'m [String],
    level: &'static str,
) -> Call<'m> {
    let name = Name::of(name);
    let own = name.nouns.first().map_or("", String::as_str);
    let of = |shape: &'m Option<ShapeRef>| identifiers(model, shape.as_ref(), own);
    let shape = |shape: &Option<ShapeRef>| shape.as_ref().and_then(|shape| model.shapes.get(&shape.shape));
    let required = shape(&operation.input).map_or(&[][..], |input| input.required.as_slice());
    let mut must = of(&operation.input);
    must.retain(|one| one.within.is_none() && required.iter().any(|member| member == one.member));
    let answers = shape(&operation.output).map_or((0, 0), |output| {
        let kinds = output
            .members
            .values()
            .filter_map(|member| model.shapes.get(&member.shape));
        let parts = kinds.filter(|shape| ["list", "structure"].contains(&shape.kind.as_str()));
        (output.members.len(), parts.count())
    });
    Call {
        actions,
        level,
        told: of(&operation.output),
        asked: of(&operation.input),
        required: must,
        answers,
        name,
    }
}

/// The identifiers in a structure and in those directly in it; one without a noun is of the structure's, or of `own`.
fn identifiers<'m>(model: &'m Model, shape: Option<&'m ShapeRef>, own: &str) -> Vec<Identifier<'m>> {
    let shape_of = |member: &ShapeRef| model.shapes.get(&member.shape);
    let item = |member: &ShapeRef| {
        let shape = shape_of(member)?;
        let item = shape.member.as_ref().and_then(shape_of);
        Some(item.filter(|_| shape.kind == "list").unwrap_or(shape))
    };
    let mut found = Vec::new();
    for (member, of) in shape.and_then(shape_of).into_iter().flat_map(|shape| &shape.members) {
        let Some(shape) = item(of) else {
            continue;
        };
        found.extend(identifier(member, of, &shape.kind, None, own));
        for (inner, of) in shape.members.iter().filter(|_| shape.kind == "structure") {
            let kind = item(of).map_or("", |shape| shape.kind.as_str());
            found.extend(identifier(inner, of, kind, Some(member), &noun(member)));
        }
    }
    found
}

fn identifier<'m>(
    member: &'m str,
    of: &ShapeRef,
    kind: &str,
    within: Option<&'m str>,
    own: &str,
) -> Option<Identifier<'m>> {
    if of.idempotency_token || !["integer", "long", "string"].contains(&kind) {
        return None;
    }
    let words = noun(&member.replace("IDs", "Ids").replace("ARNs", "Arns"));
    let (of, last) = words.trim_end().rsplit_once(' ')?;
    let form = match last {
        "name" => Form::Name,
        "handle" | "token" => Form::Token,
        "arn" | "id" | "identifier" => Form::Id,
        _ => return None,
    };
    let of = if of.is_empty() {
        own.to_owned()
    } else {
        format!("{of} ")
    };
    Some(Identifier {
        of,
        form,
        member,
        within,
    })
}

/// Finds the calls of a client that give out identifiers, and the operations that take these.
fn follow(calls: &[Call<'_>], nouns: &BTreeMap<&str, Nouns>, found: &mut Found) {
    let mut given: BTreeMap<String, Vec<(&Call<'_>, Handle)>> = BTreeMap::new();
    let empty = Nouns::default();
    for call in calls.iter().filter(|call| call.acts() && call.actions.len() == 1) {
        let nouns = nouns.get(prefix(&call.actions[0])).unwrap_or(&empty);
        for handle in handles(call, nouns) {
            let read = |other: &Call<'_>| {
                ["List", "Read"].contains(&other.level) && other.told.iter().any(|told| told.of == handle.of)
            };
            // A token that reads tell as well is of a lock, which every update takes.
            if handle.form != Form::Token || !calls.iter().any(read) {
                given.entry(handle.of.clone()).or_default().push((call, handle));
            }
        }
    }
    for (of, from) in &given {
        let gives = |call: &Call<'_>| from.iter().any(|(giver, _)| giver.actions == call.actions);
        let takes = |call: &Call<'_>| call.required.iter().any(|required| required.of == *of);
        // What other things are made in is more than a handle.
        let holds_others = calls.iter().any(|call| {
            let makes = call.name.makes() && call.name.verb != "upload";
            makes && takes(call) && !gives(call) && !call.noun().starts_with(of.as_str())
        });
        for (call, handle) in from {
            let others: Vec<&str> = from.iter().map(|(other, _)| other.noun()).collect();
            let key = (prefix(&call.actions[0]).to_owned(), of.clone(), call.actions[0].clone());
            for keep in keeps(call, handle, calls, &others, holds_others) {
                let keeps = keep.actions.iter().filter(|action| **action != call.actions[0]);
                found.entry(key.clone()).or_default().extend(keeps.cloned());
            }
        }
    }
    found.retain(|_, keeps| !keeps.is_empty());
}

/// The identifiers that a call's response tells and its request did not: of what its name says, or else of what nobody makes
/// by name.
fn handles(call: &Call<'_>, nouns: &Nouns) -> Vec<Handle> {
    let names = call.name.names();
    let mut own = Vec::new();
    let mut others = Vec::new();
    for told in &call.told {
        let of = &told.of;
        // A name in the request of what makes a thing is its caller's; the thing's id is new.
        let asked = call
            .asked
            .iter()
            .any(|asked| asked.of == *of && !(names && asked.form == Form::Name));
        let first = of.split_ascii_whitespace().next().unwrap_or("");
        let nothing = first.is_empty()
            || OF_NOTHING.contains(&first)
            || of == " resource "
            || is_side(of)
            || told.member.eq_ignore_ascii_case("requestid");
        if asked || nothing {
            continue;
        }
        let handle = Handle {
            of: of.clone(),
            member: told.member.to_owned(),
            own: of == call.noun() || names && call.noun().ends_with(of.as_str()),
            form: told.form,
        };
        if handle.own {
            if !call.name.closes() && (names || call.name.starts() || !nouns.created.contains(of)) {
                own.push(handle);
            }
            continue;
        }
        let (members, parts) = call.answers;
        let token = told.form == Form::Token;
        let in_it = told
            .within
            .is_none_or(|within| parts == 1 && (token || noun(within) == *of));
        let tells = call.name.starts() || is_job(of) || !call.name.closes() && (members <= SHORT || token);
        if in_it && tells && !nouns.created.contains(of) && !nouns.started.contains(of) {
            others.push(handle);
        }
    }
    if own.is_empty() { others } else { own }
}

/// The operations that belong to what a call's handle identifies.
fn keeps<'c, 'm>(
    call: &Call<'_>,
    handle: &Handle,
    calls: &'c [Call<'m>],
    others: &[&str],
    holds_others: bool,
) -> Vec<&'c Call<'m>> {
    let own = call.noun();
    let job = without_job(own);
    let after = |noun: &str, of: &str| !of.is_empty() && noun.starts_with(of);
    let candidates: Vec<&Call<'_>> = calls.iter().filter(|other| takes(call, handle, other)).collect();
    // Where a service calls many jobs alike (JobId), each has its own followers, named as it is.
    let has_own = candidates.iter().any(|other| after(other.noun(), job)) && others.iter().any(|of| *of != own);
    let mut keeps = candidates;
    keeps.retain(|other| {
        let noun = other.noun();
        let its = [handle.of.as_str(), own, job].iter().any(|of| other.name.is_about(of));
        let after_it = after(noun, own) || after(noun, job);
        let is_made = handle.own && call.name.names();
        match () {
            () if holds_others => its && other.name.follows(),
            () if its => true,
            () if has_own => after_it,
            () if is_made => other.name.follows() && (after_it || after(noun, &handle.of)),
            () => true,
        }
    });
    if !handle.own && handle.form != Form::Token && !keeps.is_empty() {
        // Whoever may ask for one by its identifier may list them all.
        let named = calls.iter().filter(|other| {
            let follows = other.name.looks() || other.name.closes();
            !other.tags() && follows && other.name.is_about(&handle.of)
        });
        keeps.extend(named);
    }
    keeps
}

/// Whether an operation takes the handle, and every other identifier that it requires is known to who made the call.
fn takes(call: &Call<'_>, handle: &Handle, other: &Call<'_>) -> bool {
    if std::ptr::eq(call, other) || other.tags() || other.name.names() && other.name.verb != "upload" {
        return false;
    }
    // `Name` alone may be anybody's.
    let fits = |member: &str| !member.eq_ignore_ascii_case("name") || handle.member.eq_ignore_ascii_case("name");
    let known = |of: &str, member: &str| {
        let mut said = call.told.iter().chain(&call.asked);
        said.any(|said| said.of == of)
            || call
                .asked
                .iter()
                .any(|asked| asked.within.is_none() && asked.member == member)
    };
    let mut required = other.required.iter();
    required.clone().any(|one| one.of == handle.of && fits(one.member))
        && required.all(|one| known(&one.of, one.member))
}
