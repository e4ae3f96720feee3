//! A folder of Terraform as a whole: which live policies a document stands for, through locals, outputs and modules.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Body};

use super::entries;
use super::given::{Given, given};
use super::instances::{Context, Each, Made, contexts, made, several};
use super::reads::{Reading, Reads, Search};
pub(super) use super::refers::file_name;
pub(in crate::patch) use super::refers::path_of;
use super::refers::refers;
use super::source::Source;
use super::state::State;
use super::value::Name;
use crate::patch::tree::Piece;

/// Steps from a document to what is made of it, after which it is left alone.
const STEPS: usize = 64;

/// One folder: what Terraform calls a module.
#[derive(Default)]
pub(in crate::patch) struct Module<'a> {
    pub(in crate::patch) blocks: Vec<(&'a Source, &'a Block)>,
}

impl<'a> Module<'a> {
    /// Blocks of one kind: `resource`, `module`, `locals`.
    pub(in crate::patch) fn of_kind(&self, kind: &str) -> impl Iterator<Item = (&'a Source, &'a Block)> {
        let kind = kind.to_owned();
        self.blocks
            .iter()
            .copied()
            .filter(move |(_, block)| block.has_ident(&kind))
    }

    /// The block with these labels.
    pub(in crate::patch) fn block(&self, kind: &str, labels: &[&str]) -> Option<&'a Block> {
        self.of_kind(kind)
            .map(|(_, block)| block)
            .find(|block| self::labels(block) == labels)
    }

    /// The expression that a local value stands for.
    pub(in crate::patch) fn local(&self, name: &str) -> Option<&'a Expression> {
        self.of_kind("locals")
            .find_map(|(_, block)| block.body.get_attribute(name))
            .map(|attribute| &attribute.value)
    }
}

/// All of them, by folder.
pub(in crate::patch) struct Project<'a> {
    pub(in crate::patch) modules: BTreeMap<PathBuf, Module<'a>>,
    pub(super) states: &'a [State],
    /// What files of variables and Terragrunt give to folders: each of them makes all that the folder makes.
    pub(super) given: BTreeMap<PathBuf, Vec<Given<'a>>>,
}

/// Something that a document is handed to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Handed {
    /// Whatever refers to this, such as `data.aws_iam_policy_document.app`, `local.policy`, `module.x.json`, `var.policy`.
    Reference(Vec<String>),
    /// Whoever reads this file.
    File(PathBuf),
}

/// What a document stands for.
#[derive(Default, Debug)]
pub(in crate::patch) struct Stands {
    /// The policies that are made of it.
    pub(in crate::patch) made: Vec<Made>,
    /// Why there may be others.
    pub(in crate::patch) unknown: Option<String>,
    /// Where that is written.
    pub(in crate::patch) unknown_at: Option<(PathBuf, usize)>,
    /// The blocks that take it on the way, and the locals, each with its file.
    pub(in crate::patch) uses: Vec<(PathBuf, Range<usize>)>,
    /// The policies of calls that may stand outside of the folder, as far as its own module tells what they are called.
    pub(in crate::patch) outside: Vec<Made>,
}

impl<'a> Project<'a> {
    pub(in crate::patch) fn of(sources: &[&'a Source], states: &'a [State]) -> Project<'a> {
        let mut modules: BTreeMap<PathBuf, Module<'a>> = BTreeMap::new();
        for source in sources.iter().copied() {
            let module = modules.entry(folder(&source.path)).or_default();
            module.blocks.extend(source.body.blocks().map(|block| (source, block)));
        }
        let given = BTreeMap::new();
        Project { modules, states, given }
    }

    /// The same with what files of variables and Terragrunt give.
    pub(in crate::patch) fn with_given(mut self, sources: &[&'a Source]) -> Project<'a> {
        self.given = given(&self.modules, sources);
        self
    }

    pub(in crate::patch) fn is_empty(&self) -> bool {
        self.modules.is_empty()
    }

    /// What stands for the document at `span` of a Terraform file; `None` where it stands in no block.
    pub(in crate::patch) fn of_document(&self, path: &Path, span: &Range<usize>) -> Option<Stands> {
        let dir = folder(path);
        let module = self.modules.get(&dir)?;
        let (source, block) = module.blocks.iter().copied().find(|(source, block)| {
            let span = source.parsed(span).filter(|_| source.path == path);
            span.is_some_and(|span| contains(block.span(), &span))
        })?;
        let span = source.parsed(span)?;
        let mut walk = Walk::new(self);
        walk.home = Some(dir.clone());
        if let ("data", ["aws_iam_policy_document", name]) = (block.ident.as_str(), &labels(block)[..]) {
            let path = ["data", "aws_iam_policy_document", name];
            walk.refer(&dir, &path);
            walk.origin = Some(path.map(str::to_owned).to_vec());
            return Some(walk.walk());
        }
        walk.hand(&dir, source, block, &|expression| within(expression, &span));
        // Its own block is looked at as what stands around it.
        walk.stands.uses.clear();
        Some(walk.walk())
    }

    /// What is made of a file that Terraform reads: `file`, `templatefile`.
    pub(in crate::patch) fn of_file(&self, path: &Path) -> Option<Stands> {
        let path = normal(path);
        let of = |reads: Reads| {
            let mut walk = Walk::new(self);
            walk.reads = reads;
            for dir in self.modules.keys() {
                walk.queue.push((dir.clone(), Handed::File(path.clone())));
            }
            walk.walk()
        };
        let (mut stands, maybe) = (of(Reads::Yes), of(Reads::Maybe));
        stands.made.extend(maybe.made);
        stands.uses.extend(maybe.uses);
        if stands.unknown.is_none() {
            (stands.unknown, stands.unknown_at) = (maybe.unknown, maybe.unknown_at);
        }
        (!stands.made.is_empty() || stands.unknown.is_some()).then_some(stands)
    }

    /// The blocks of a folder that refer to what `path` names.
    pub(in crate::patch) fn referring(
        &self,
        dir: &Path,
        path: &[&str],
    ) -> impl Iterator<Item = (&'a Source, &'a Block)> {
        let blocks = self
            .modules
            .get(dir)
            .into_iter()
            .flat_map(|module| module.blocks.iter().copied());
        let found: Vec<_> = blocks.filter(|(_, block)| Project::takes(&block.body, path)).collect();
        found.into_iter()
    }

    /// Whether a body refers to what `path` names.
    pub(in crate::patch) fn takes(body: &Body, path: &[&str]) -> bool {
        body_takes(body, &|value| Project::takes_value(value, path))
    }

    /// Whether an expression does.
    pub(in crate::patch) fn takes_value(value: &Expression, path: &[&str]) -> bool {
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        refers(value, &path)
    }

    /// How Terraform reads a file; `None` where it does not, or in two ways.
    pub(in crate::patch) fn reading(&self, path: &Path) -> Option<Reading> {
        let path = normal(path);
        let mut found = BTreeSet::new();
        for (dir, module) in &self.modules {
            for (_, block) in &module.blocks {
                let is_template = block.has_ident("data") && labels(block).first() == Some(&"template_file");
                let context = Context::outside(dir);
                let search = Search::of(self, &context, &Each::Any, &path).block(block, &block.body);
                found.extend(search.how.into_iter().map(|reading| match is_template {
                    true => Reading::Template,
                    false => reading,
                }));
            }
        }
        match found.len() {
            1 => found.pop_first(),
            _ => None,
        }
    }

    /// The calls of a module: the folder of each with its block.
    pub(in crate::patch) fn calls_of(&self, dir: &Path) -> Vec<(PathBuf, &'a Block)> {
        let mut calls = Vec::new();
        for (caller, module) in &self.modules {
            for (_, block) in module.of_kind("module") {
                if self.called(caller, block).as_deref() == Some(dir) {
                    calls.push((caller.clone(), block));
                }
            }
        }
        calls
    }

    /// The folder that a `module` block calls, where it is one of these.
    pub(in crate::patch) fn called(&self, caller: &Path, block: &Block) -> Option<PathBuf> {
        let Expression::String(source) = &block.body.get_attribute("source")?.value else {
            return None;
        };
        let source = source.as_str();
        if !source.starts_with("./") && !source.starts_with("../") {
            return None;
        }
        let dir = normal(&caller.join(source));
        self.modules.contains_key(&dir).then_some(dir)
    }
}

/// From a document to what is made of it.
struct Walk<'p, 'a> {
    project: &'p Project<'a>,
    queue: Vec<(PathBuf, Handed)>,
    seen: BTreeSet<(PathBuf, Handed)>,
    stands: Stands,
    /// Whether the file is read that is followed, or only may be.
    reads: Reads,
    /// The file, where what is looked at reads it itself.
    read: Option<PathBuf>,
    /// The folder that the document stands in.
    home: Option<PathBuf>,
    /// What others of that folder refer to it by.
    origin: Option<Vec<String>>,
}

impl<'p, 'a> Walk<'p, 'a> {
    fn new(project: &'p Project<'a>) -> Walk<'p, 'a> {
        Walk {
            project,
            queue: Vec::new(),
            seen: BTreeSet::new(),
            stands: Stands::default(),
            reads: Reads::Yes,
            read: None,
            home: None,
            origin: None,
        }
    }

    fn walk(mut self) -> Stands {
        while let Some((dir, handed)) = self.queue.pop() {
            if !self.seen.insert((dir.clone(), handed.clone())) {
                continue;
            }
            if self.seen.len() > STEPS + self.project.modules.len() {
                self.doubt("it is handed on too often to follow".to_owned());
                break;
            }
            let Some(module) = self.project.modules.get(&dir) else {
                continue;
            };
            let path = match &handed {
                Handed::Reference(path) => {
                    for (source, block) in &module.blocks {
                        self.hand(&dir, source, block, &|expression| refers(expression, path));
                    }
                    continue;
                }
                Handed::File(path) => path,
            };
            let (project, context, wanted) = (self.project, Context::outside(&dir), self.reads);
            self.read = Some(path.clone());
            for (source, block) in &module.blocks {
                let search = || Search::of(project, &context, &Each::Any, path);
                if let ("data", ["local_file", name]) = (block.ident.as_str(), &labels(block)[..])
                    && search().block(block, &block.body).reads == wanted
                {
                    self.refer(&dir, &["data", "local_file", name]);
                }
                // A path of which nothing is written may be that of a key, or of a script.
                let is_policys = !block.has_ident("resource")
                    || labels(block)
                        .first()
                        .is_some_and(|kind| kind.starts_with("aws_iam_") || kind.starts_with("aws_ssoadmin_"));
                self.hand(&dir, source, block, &|expression| {
                    let found = search().expression(expression);
                    found.reads == wanted && (found.is_named || is_policys)
                });
            }
            self.read = None;
        }
        self.stands
    }

    fn doubt(&mut self, why: String) {
        self.stands.unknown.get_or_insert(why);
    }

    /// The same, where a block tells so.
    fn doubt_at(&mut self, why: String, source: &Source, block: &Block) {
        if self.stands.unknown.is_none() {
            self.stands.unknown_at = Some((source.path.clone(), source.place(block)));
        }
        self.doubt(why);
    }

    /// Whether one of those that a block makes reads the file.
    fn reads(&self, context: &Rc<Context>, block: &Block, body: &Body, address: &str) -> Reads {
        let Some(path) = &self.read else {
            return self.reads;
        };
        let all = several(self.project, context, block).each;
        let is_it = |each: &&Each| match each {
            Each::One => true,
            Each::Key(key, _) => address.ends_with(&format!("[\"{key}\"]")),
            Each::Any => false,
        };
        let each = all.iter().find(is_it).unwrap_or(&Each::Any);
        Search::of(self.project, context, each, path).block(block, body).reads
    }

    /// Where a policy is looked up by its ARN, whoever takes the document from there.
    fn look_up(&mut self, dir: &Path, arn: &[&str]) {
        for (_, block) in self.project.referring(dir, arn) {
            if let ("data", ["aws_iam_policy", name]) = (block.ident.as_str(), &labels(block)[..]) {
                self.refer(dir, &["data", "aws_iam_policy", name, "policy"]);
            }
        }
    }

    /// Where a block takes the document in one of its expressions, what becomes of it there.
    fn hand(&mut self, dir: &Path, source: &'a Source, block: &'a Block, takes: &dyn Fn(&Expression) -> bool) {
        let labels = labels(block);
        let names: Vec<&str> = block
            .body
            .attributes()
            .filter(|attribute| takes(&attribute.value))
            .map(|attribute| attribute.key.as_str())
            // How many there are of it may hang on whether it is given.
            .filter(|name| !matches!(*name, "count" | "depends_on"))
            .collect();
        self.note(source, block, takes);
        match (block.ident.as_str(), &labels[..]) {
            // Another document takes it in.
            ("data", ["aws_iam_policy_document", name]) if body_takes(&block.body, takes) => {
                self.refer(dir, &["data", "aws_iam_policy_document", name]);
            }
            ("data", [kind @ ("template_file" | "local_file"), name]) if !names.is_empty() => {
                self.refer(dir, &["data", kind, name]);
            }
            ("resource", [kind, resource]) => {
                for name in names.iter().copied().filter(|name| *name != "assume_role_policy") {
                    let origin = self.origin.as_deref().filter(|_| self.home.as_deref() == Some(dir));
                    if let ("for_each", Some(keys)) = (name, entries::keys(self.project, dir, block, origin)) {
                        self.make_some(dir, source, block, None, kind, &|address| {
                            keys.iter().any(|key| address.ends_with(&format!("[\"{key}\"]")))
                        });
                        continue;
                    }
                    self.make(dir, source, block, None, kind, name);
                    // Another block may take it from there: `policy = aws_iam_policy.app.policy`.
                    self.refer(dir, &[kind, resource, name]);
                    self.look_up(dir, &[kind, resource, "arn"]);
                }
                for inner in block.body.blocks().filter(|inner| body_takes(&inner.body, takes)) {
                    if let Some(content) = entries::inline(kind, inner) {
                        let from = self.stands.made.len();
                        self.make_some(dir, source, block, Some(content), kind, &|_| true);
                        // How many there are of it hangs on values: one at most, as it has one name.
                        self.stands.made[from..]
                            .iter_mut()
                            .for_each(|made| made.is_optional = true);
                        continue;
                    }
                    self.make(dir, source, block, Some(inner), kind, inner.ident.as_str());
                }
            }
            ("locals", _) => names.iter().for_each(|name| self.refer(dir, &["local", name])),
            ("output", [name]) if !names.is_empty() => {
                let calls = self.project.calls_of(dir);
                if calls.is_empty() {
                    self.doubt(format!(
                        "it is handed out as the output `{name}`, to whom is not under the folder"
                    ));
                }
                for (caller, call) in calls {
                    if let [call] = self::labels(call)[..] {
                        self.refer(&caller, &["module", call, name]);
                    }
                }
            }
            ("module", [call]) if !names.is_empty() => match self.project.called(dir, block) {
                Some(callee) => names.iter().for_each(|name| self.refer(&callee, &["var", name])),
                None => {
                    let many = block.body.has_attribute("for_each") || block.body.has_attribute("count");
                    self.make_elsewhere(dir, source, block, call, many);
                }
            },
            _ => {}
        }
    }

    /// Where a block takes the document, or a local.
    fn note(&mut self, source: &Source, block: &Block, takes: &dyn Fn(&Expression) -> bool) {
        let spans: Vec<Option<Range<usize>>> = match block.has_ident("locals") {
            true => {
                let locals = block.body.attributes().filter(|local| takes(&local.value));
                locals.map(Span::span).collect()
            }
            false => vec![block.span().filter(|_| body_takes(&block.body, takes))],
        };
        // What stands in JSON is no comment of its block.
        let spans = spans.into_iter().flatten().filter(|_| source.native.is_none());
        let spans = spans.map(|span| span.start + source.offset..span.end + source.offset);
        self.stands.uses.extend(spans.map(|span| (source.path.clone(), span)));
    }

    fn refer(&mut self, dir: &Path, path: &[&str]) {
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        self.queue.push((dir.to_owned(), Handed::Reference(path)));
    }

    /// A resource that takes the document: a policy for each context of its module and each of its keys.
    fn make(&mut self, dir: &Path, source: &Source, block: &Block, inner: Option<&Block>, kind: &str, name: &str) {
        match (kind, name) {
            ("aws_iam_role_policy" | "aws_iam_user_policy" | "aws_iam_group_policy" | "aws_iam_policy", "policy")
            | ("aws_ssoadmin_permission_set_inline_policy", "inline_policy")
            | ("aws_iam_role", "inline_policy") => {
                self.make_some(dir, source, block, inner, kind, &|_| true);
            }
            _ if kind.starts_with("aws_iam_") || kind.starts_with("aws_ssoadmin_") => {
                let labels = labels(block).join(".");
                self.doubt_at(
                    format!("{labels} takes it as `{name}`, which is not followed"),
                    source,
                    block,
                );
            }
            // What may take it takes a key or a script as well.
            _ if self.reads == Reads::Maybe && self.read.is_none() => {}
            // Of an organization, or something that only looks at it: what becomes of that is not known.
            _ => {
                let labels = labels(block).join(".");
                self.doubt_at(format!("{labels} takes it as `{name}`"), source, block);
            }
        }
    }

    /// Those policies of a resource of which an address tells that they take the document.
    fn make_some(
        &mut self,
        dir: &Path,
        source: &Source,
        block: &Block,
        inner: Option<&Block>,
        kind: &str,
        takes: &dyn Fn(&str) -> bool,
    ) {
        let found = contexts(self.project, dir);
        for context in &found {
            let all = made(self.project, context, source, block, inner, kind);
            for made in all.into_iter().filter(|made| takes(&made.address)) {
                match self.reads(context, block, &inner.unwrap_or(block).body, &made.address) {
                    Reads::Yes => self.stands.made.push(made),
                    Reads::Maybe => {
                        let why = format!(
                            "{} reads a file whose path is not written, which may be this one",
                            made.address
                        );
                        self.doubt_at(why, source, block);
                    }
                    Reads::No => {}
                }
            }
        }
        let is_called = found.iter().any(|context| context.call.is_some());
        if is_called && self.home.as_deref() == Some(dir) {
            let from_outside = made(self.project, &Context::outside(dir), source, block, inner, kind);
            self.stands.outside.extend(from_outside);
        }
    }

    /// A module that is not under the folder: what it makes is named by its arguments, if at all.
    fn make_elsewhere(&mut self, dir: &Path, source: &Source, block: &Block, call: &str, many: bool) {
        if many {
            self.doubt(format!(
                "module.{call}, which is not under the folder, makes several policies of it"
            ));
        }
        for context in contexts(self.project, dir) {
            let names = block.body.attributes().filter(|attribute| {
                let key = attribute.key.as_str();
                key == "name" || key.ends_with("_name") || key.ends_with("role") || key.ends_with("policy_name")
            });
            let mut names: Vec<Name> = names
                .flat_map(|attribute| super::value::names(self.project, &context, &Each::One, &attribute.value))
                .collect();
            // Many modules take a name for a prefix (terraform-aws-modules, `use_name_prefix`).
            let dashed = |name: &Name| [&name[..], &[Piece::Literal("-".to_owned()), super::value::open()]].concat();
            names.extend(names.iter().map(dashed).collect::<Vec<Name>>());
            self.stands
                .made
                .push(Made::elsewhere(self.project, &context, source, block, call, names));
        }
    }
}

/// Every attribute of a body and of the blocks in it.
fn body_takes(body: &Body, takes: &dyn Fn(&Expression) -> bool) -> bool {
    body.attributes().any(|attribute| takes(&attribute.value))
        || body.blocks().any(|block| body_takes(&block.body, takes))
}

/// The labels of a block.
pub(in crate::patch) fn labels(block: &Block) -> Vec<&str> {
    block.labels.iter().map(|label| label.as_str()).collect()
}

/// The folder of a file, its `.` and `..` resolved.
pub(in crate::patch) fn folder(path: &Path) -> PathBuf {
    normal(path.parent().unwrap_or(Path::new("")))
}

pub(in crate::patch) fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

fn contains(block: Option<Range<usize>>, span: &Range<usize>) -> bool {
    block.is_some_and(|block| block.start <= span.start && span.end <= block.end)
}

/// Whether the document at `span` is a part of an expression.
fn within(expression: &Expression, span: &Range<usize>) -> bool {
    contains(expression.span(), span)
}

/// The chain of calls that leads to a context, as an address begins: `module.a.module.b`.
pub(super) fn chain(context: &Context) -> String {
    let mut parts = Vec::new();
    let mut at = context;
    while let Some(call) = &at.call {
        parts.push(format!("module.{}", call.name));
        at = &call.parent;
    }
    parts.reverse();
    parts.join(".")
}
