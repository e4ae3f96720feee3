//! How many live policies a resource makes, and what each is called: `count`, `for_each`, the calls of its module.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::Block;

use super::accounts::accounts;
use super::project::{Project, chain, labels};
use super::source::Source;
use super::state;
use super::value::{self, Name, literal};

/// Most policies that one document is followed to.
const MOST: usize = 128;
/// How deep modules call one another.
const DEPTH: usize = 12;

/// A module as it is called.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) dir: PathBuf,
    pub(super) call: Option<Call>,
    /// Which of the environments it is that its folder is given, where nothing calls it.
    pub(super) given: Option<usize>,
    /// Why there may be others like it.
    pub(super) unknown: Option<String>,
    is_optional: bool,
}

impl Context {
    /// A folder as somebody outside may call it.
    pub(super) fn outside(dir: &Path) -> Rc<Context> {
        Rc::new(Context {
            dir: dir.to_owned(),
            call: None,
            given: None,
            unknown: None,
            is_optional: true,
        })
    }

    /// What tells a context that nothing calls from others.
    fn key(&self) -> (&Path, Option<usize>) {
        (&self.dir, self.given)
    }

    /// The root with the keys of its calls.
    fn keys(&self) -> (&Path, Option<usize>, Vec<&str>) {
        let Some(call) = &self.call else {
            return (&self.dir, self.given, Vec::new());
        };
        let (dir, given, mut keys) = call.parent.keys();
        keys.push(match &call.each {
            Each::Key(key, _) => key,
            Each::One | Each::Any => "",
        });
        (dir, given, keys)
    }

    /// The context that nothing calls, at the end of its calls.
    pub(super) fn root(&self) -> &Context {
        self.call.as_ref().map_or(self, |call| call.parent.root())
    }
}

/// The call of a module.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) parent: Rc<Context>,
    pub(super) name: String,
    pub(super) each: Each,
}

/// Which of several a block stands for.
#[derive(Clone, Debug)]
pub(super) enum Each {
    /// There is but one.
    One,
    /// The one with this key, and the value of it.
    Key(String, Option<Box<Expression>>),
    /// Any of a number that is not written.
    Any,
}

/// Those that a block makes.
pub(super) struct Several {
    pub(super) each: Vec<Each>,
    pub(super) unknown: Option<String>,
    pub(super) is_optional: bool,
}

/// What kind of policy a resource makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::patch) enum Makes {
    Inline(&'static str),
    Managed,
    PermissionSet,
    /// A module that is not under the folder.
    Elsewhere,
}

/// A live policy that a document stands for.
#[derive(Clone, Debug)]
pub(in crate::patch) struct Made {
    pub(in crate::patch) makes: Makes,
    /// `module.a.aws_iam_role_policy.app["x"]`
    pub(in crate::patch) address: String,
    pub(in crate::patch) file: PathBuf,
    pub(in crate::patch) at: usize,
    /// What the policy may be called; empty where nothing says so.
    pub(in crate::patch) policy: Vec<Name>,
    /// What its owner may be called.
    pub(in crate::patch) owner: Vec<Name>,
    /// Its path, or its owner's where it is inline; empty where nothing says so.
    pub(in crate::patch) path: Vec<Name>,
    /// The accounts that it can be of, where that is written.
    pub(in crate::patch) accounts: Option<BTreeSet<String>>,
    /// The tags of its owner that are written out.
    pub(in crate::patch) tags: Vec<(String, String)>,
    /// Why there may be more of them.
    pub(in crate::patch) unknown: Option<String>,
    /// Whether there may be none.
    pub(in crate::patch) is_optional: bool,
    /// Whether a state names it.
    pub(in crate::patch) is_in_state: bool,
}

impl Made {
    pub(super) fn elsewhere(
        project: &Project<'_>,
        context: &Rc<Context>,
        source: &Source,
        block: &Block,
        call: &str,
        names: Vec<Name>,
    ) -> Made {
        Made {
            path: Vec::new(),
            accounts: accounts(project, context, block),
            makes: Makes::Elsewhere,
            address: joined(&chain(context), &format!("module.{call}")),
            file: source.path.clone(),
            at: source.place(block),
            policy: names,
            owner: Vec::new(),
            tags: Vec::new(),
            unknown: context.unknown.clone(),
            is_optional: context.is_optional,
            is_in_state: false,
        }
    }
}

/// Every way in which a folder is called.
pub(super) fn contexts(project: &Project<'_>, dir: &Path) -> Vec<Rc<Context>> {
    let mut found = Vec::new();
    collect(project, dir, 0, &mut found);
    if found.len() > MOST {
        found.truncate(MOST);
        let why = format!("the module {} is called more than {MOST} times", dir.display());
        let last = Context {
            dir: dir.to_owned(),
            call: None,
            given: None,
            unknown: Some(why),
            is_optional: false,
        };
        found.push(Rc::new(last));
    }
    found
}

fn collect(project: &Project<'_>, dir: &Path, depth: usize, found: &mut Vec<Rc<Context>>) {
    let calls = project.calls_of(dir);
    let given = project.given.get(dir).map_or(0, Vec::len);
    found.extend((0..given).map(|at| {
        Rc::new(Context {
            dir: dir.to_owned(),
            call: None,
            given: Some(at),
            unknown: None,
            is_optional: false,
        })
    }));
    if given > 0 && calls.is_empty() {
        return;
    }
    if calls.is_empty() || depth > DEPTH {
        let is_module = dir.components().any(|part| part.as_os_str() == "modules");
        found.push(Rc::new(Context {
            dir: dir.to_owned(),
            call: None,
            given: None,
            unknown: (is_module || depth > DEPTH)
                .then(|| format!("nothing under the folder calls the module {}", dir.display())),
            is_optional: false,
        }));
        return;
    }
    for (caller, block) in calls {
        let mut parents = Vec::new();
        collect(project, &caller, depth + 1, &mut parents);
        for parent in parents {
            let several = several(project, &parent, block);
            for each in several.each {
                if found.len() > MOST {
                    return;
                }
                found.push(Rc::new(Context {
                    dir: dir.to_owned(),
                    given: None,
                    unknown: several.unknown.clone().or_else(|| parent.unknown.clone()),
                    is_optional: several.is_optional || parent.is_optional,
                    call: Some(Call {
                        parent: parent.clone(),
                        name: labels(block).join("."),
                        each,
                    }),
                }));
            }
        }
    }
}

/// The policies that a resource makes in one context of its module.
pub(super) fn made(
    project: &Project<'_>,
    context: &Rc<Context>,
    source: &Source,
    block: &Block,
    inner: Option<&Block>,
    kind: &str,
) -> Vec<Made> {
    let several = several(project, context, block);
    let makes = match kind {
        "aws_iam_policy" => Makes::Managed,
        "aws_iam_user_policy" => Makes::Inline("user"),
        "aws_iam_group_policy" => Makes::Inline("group"),
        "aws_ssoadmin_permission_set_inline_policy" => Makes::PermissionSet,
        _ => Makes::Inline("role"),
    };
    let plain = joined(&chain(context), &labels(block).join("."));
    let root = context.root();
    let environment = root.given.and_then(|at| project.given.get(&root.dir)?.get(at));
    // As it is told to people.
    let address = match environment {
        Some(given) => format!("{} of {plain}", given.path.display()),
        None => plain.clone(),
    };
    let named = |block: &Block, keys: &[&str], each: &Each| -> Vec<Name> {
        let mut names = Vec::new();
        for key in keys {
            if let Some(attribute) = block.body.get_attribute(key) {
                let mut found = value::names(project, context, each, &attribute.value);
                if key.ends_with("_prefix") {
                    found.iter_mut().for_each(|name| name.push(value::suffix()));
                }
                names.append(&mut found);
            }
        }
        names
    };
    let attached_to: Vec<Name> = match makes {
        Makes::Managed => {
            let by = attaching(project, &context.dir, block);
            by.into_iter()
                .flat_map(|other| named(other, &["role", "user", "group"], &Each::Any))
                .collect()
        }
        Makes::Inline(_) | Makes::PermissionSet | Makes::Elsewhere => Vec::new(),
    };
    let workspaces = workspaces(project, context, block, &plain);
    let accounts = accounts(project, context, block);
    let mut all = Vec::new();
    for each in &several.each {
        let (policy, owner) = match inner {
            Some(inner) if kind == "aws_iam_role" => (
                named(inner, &["name"], each),
                named(block, &["name", "name_prefix"], each),
            ),
            None if makes == Makes::Managed => (named(block, &["name", "name_prefix"], each), attached_to.clone()),
            Some(_) | None => (
                named(block, &["name", "name_prefix"], each),
                named(block, &["role", "user", "group"], each),
            ),
        };
        all.push(Made {
            makes,
            address: match each {
                Each::Key(key, _) => format!("{address}[\"{key}\"]"),
                Each::One | Each::Any => address.clone(),
            },
            file: source.path.clone(),
            at: source.place(block),
            policy,
            owner,
            path: match makes {
                Makes::Inline(_) | Makes::Managed => {
                    value::paths(project, context, each, block, makes != Makes::Managed)
                }
                Makes::PermissionSet | Makes::Elsewhere => Vec::new(),
            },
            accounts: accounts.clone(),
            tags: match makes {
                Makes::Inline(_) => value::owner_tags(project, context, each, block),
                Makes::Managed | Makes::PermissionSet | Makes::Elsewhere => Vec::new(),
            },
            unknown: several
                .unknown
                .clone()
                .or_else(|| context.unknown.clone())
                .or_else(|| workspaces.clone()),
            is_optional: several.is_optional || context.is_optional,
            is_in_state: false,
        });
    }
    match workspaces {
        Some(_) => all,
        None => as_states_tell(project, context, &plain, all),
    }
}

/// The blocks that attach a policy beside it.
fn attaching<'a>(project: &Project<'a>, dir: &Path, block: &Block) -> Vec<&'a Block> {
    let path = [&labels(block)[..], &["arn"]].concat();
    let is_attachment = |other: &&Block| {
        let kind = labels(other).first().copied().unwrap_or_default();
        kind.starts_with("aws_iam_") && kind.ends_with("_policy_attachment")
    };
    let by = project.referring(dir, &path).map(|(_, other)| other);
    by.filter(is_attachment).collect()
}

/// Why other workspaces may make a policy, too, unless a state of each is given.
fn workspaces(project: &Project<'_>, context: &Rc<Context>, block: &Block, plain: &str) -> Option<String> {
    let by_name = ["name", "name_prefix", "role", "user", "group"].iter().any(|key| {
        let value = block.body.get_attribute(key).map(|attribute| &attribute.value);
        value.is_some_and(|value| value::takes_workspace(project, context, value))
    });
    let why = match by_name {
        true => {
            let what = format!("{} is named after the workspace", labels(block).join("."));
            Some(format!(
                "{what}, and how many there are is not written: give the state of each"
            ))
        }
        false => value::workspaces(project, context.root()),
    };
    why.filter(|_| state::telling(project.states, plain) < 2)
}

/// What states say of an address in the place of what the files do, where there is one for each that makes it: a state tells
/// of one folder that is applied, in one workspace, and what others make is there for all that.
fn as_states_tell(project: &Project<'_>, context: &Rc<Context>, plain: &str, mut all: Vec<Made>) -> Vec<Made> {
    let known = state::resources(project.states, plain);
    let Some(like) = all.first().cloned().filter(|_| !known.is_empty()) else {
        return all;
    };
    let calls = chain(context);
    let mut same = contexts(project, &context.dir);
    same.retain(|other| chain(other) == calls);
    let roots: BTreeSet<(&Path, Option<usize>)> = same.iter().map(|other| other.root().key()).collect();
    let told_by = state::telling(project.states, plain);
    if told_by < roots.len() {
        for made in &mut all {
            if let Some(why) = &mut made.unknown {
                *why = format!("{why}, and {told_by} of {} states are given", roots.len());
            }
        }
        return all;
    }
    // All of them together tell of all that is made: once.
    match same.first().is_some_and(|first| first.keys() == context.keys()) {
        true => known.into_iter().map(|resource| resource.made(&like)).collect(),
        false => Vec::new(),
    }
}

fn joined(chain: &str, address: &str) -> String {
    if chain.is_empty() {
        address.to_owned()
    } else {
        format!("{chain}.{address}")
    }
}

/// What a block's `count` or `for_each` makes of it.
pub(super) fn several(project: &Project<'_>, context: &Rc<Context>, block: &Block) -> Several {
    let one = Several {
        each: vec![Each::One],
        unknown: None,
        is_optional: false,
    };
    let unknown = |what: &str| Several {
        each: vec![Each::Any],
        unknown: Some(format!(
            "how many there are of {} is not written ({what})",
            labels(block).join(".")
        )),
        is_optional: true,
    };
    if let Some(attribute) = block.body.get_attribute("count") {
        return match count(project, context, &attribute.value, 0) {
            Some((1, true)) => Several {
                is_optional: true,
                ..one
            },
            Some((many, is_optional)) if many <= MOST => Several {
                each: (0..many).map(|index| Each::Key(index.to_string(), None)).collect(),
                unknown: None,
                is_optional,
            },
            Some(_) | None => unknown("count"),
        };
    }
    if let Some(attribute) = block.body.get_attribute("for_each") {
        return match keys(project, context, &attribute.value, 0) {
            Some(each) if each.len() <= MOST => Several {
                each,
                unknown: None,
                is_optional: false,
            },
            Some(_) | None => unknown("for_each"),
        };
    }
    one
}

/// The largest number that an expression may be, and whether it may be less; `None` where that is not written.
fn count(project: &Project<'_>, context: &Rc<Context>, expression: &Expression, depth: usize) -> Option<(usize, bool)> {
    if depth > DEPTH {
        return None;
    }
    match expression {
        Expression::Number(number) => Some((usize::try_from(number.value().as_u64()?).ok()?, false)),
        Expression::Parenthesis(inner) => count(project, context, inner.inner(), depth + 1),
        Expression::Conditional(choice) => {
            let (yes, no) = (
                count(project, context, &choice.true_expr, depth + 1)?,
                count(project, context, &choice.false_expr, depth + 1)?,
            );
            Some((yes.0.max(no.0), yes != no || yes.1))
        }
        Expression::Traversal(_) => {
            let (context, found) = value::resolved(project, context, expression)?;
            count(project, &context, &found, depth + 1)
        }
        _ => None,
    }
}

/// The keys of a `for_each` that is written out.
fn keys(project: &Project<'_>, context: &Rc<Context>, expression: &Expression, depth: usize) -> Option<Vec<Each>> {
    if depth > DEPTH {
        return None;
    }
    match expression {
        Expression::Parenthesis(inner) => keys(project, context, inner.inner(), depth + 1),
        Expression::FuncCall(call) if matches!(call.name.name.as_str(), "toset" | "tomap") => {
            keys(project, context, call.args.iter().next()?, depth + 1)
        }
        Expression::Array(array) => array
            .iter()
            .map(|element| {
                let name = literal(&value::names(project, context, &Each::One, element))?;
                Some(Each::Key(name.clone(), Some(Box::new(Expression::from(name)))))
            })
            .collect(),
        Expression::Object(object) => object
            .iter()
            .map(|(key, value)| {
                let name = match key {
                    ObjectKey::Ident(name) => name.as_str().to_owned(),
                    ObjectKey::Expression(key) => literal(&value::names(project, context, &Each::One, key))?,
                };
                Some(Each::Key(name, Some(Box::new(value.expr().clone()))))
            })
            .collect(),
        Expression::Traversal(_) => {
            let (context, found) = value::resolved(project, context, expression)?;
            keys(project, &context, &found, depth + 1)
        }
        _ => None,
    }
}
