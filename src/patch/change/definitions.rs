//! What a reference of Terraform is defined by: the same words mean another thing once a local or a default changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hcl_edit::expr::{Expression, FuncCall, Traversal};
use hcl_edit::structure::{Block, Body};
use hcl_edit::visit::{Visit, visit_body, visit_func_call, visit_traversal};

use serde_json::Value;

use super::files::{Files, Read, Unread, named_by, read_by};
use super::given::inputs;
use crate::patch::terraform::{Project, folder, labels, normal, path_of};

/// Most definitions that are followed from one reference.
const MOST: usize = 256;
/// Blocks of Terragrunt's files. (Terragrunt documentation, "HCL blocks".)
const TERRAGRUNT: [&str; 13] = [
    "catalog",
    "dependencies",
    "dependency",
    "engine",
    "errors",
    "exclude",
    "feature",
    "generate",
    "include",
    "locals",
    "remote_state",
    "stack",
    "terraform",
];
/// Attributes of a resource that say nothing but which one it is.
const IDENTITY: [&str; 8] = ["arn", "bucket", "id", "key_id", "name", "unique_id", "url", "user_id"];

/// The definitions of one side.
pub(super) struct Definitions<'a> {
    pub(super) project: Project<'a>,
    /// What files of variables say, by variable; of none in particular, what may say it of any.
    values: BTreeMap<String, Vec<String>>,
    /// What files of parameters say, by parameter.
    pub(super) parameters: BTreeMap<String, Vec<String>>,
    files: &'a [(PathBuf, String)],
    unread: &'a [(PathBuf, Unread)],
}

impl<'a> Definitions<'a> {
    pub(super) fn new(project: Project<'a>, files: &'a Files) -> Definitions<'a> {
        let mut found = Definitions {
            project,
            values: BTreeMap::new(),
            parameters: BTreeMap::new(),
            files: &files.texts,
            unread: &files.unread,
        };
        for (path, text) in &files.texts {
            let name = path.to_string_lossy();
            if name.ends_with(".tfvars") || name.ends_with(".tfvars.json") || name.ends_with(".hcl") {
                found.given(path, text);
            } else if name.ends_with(".json") && text.contains("Parameter") {
                found.parameters(path, text);
            } else if path.file_stem().is_some_and(|stem| stem == "samconfig") {
                // AWS SAM developer guide, "AWS SAM CLI configuration file": `parameter_overrides`.
                let given = format!("{}: {}", path.display(), words(text));
                found.parameters.entry(String::new()).or_default().push(given);
            }
        }
        found
    }

    fn give(&mut self, path: &Path, name: &str, value: &str) {
        let value = format!("{}: {value}", path.display());
        self.values.entry(name.to_owned()).or_default().push(value);
    }

    /// What a file of variables, or Terragrunt, gives.
    fn given(&mut self, path: &Path, text: &str) {
        let Ok(body) = text.parse::<Body>() else {
            return self.give(path, "", text);
        };
        if path.extension().is_none_or(|extension| extension != "hcl") {
            for attribute in body.attributes() {
                self.give(path, attribute.key.as_str(), &words(&attribute.value.to_string()));
            }
            return;
        }
        // Others write in this language, too.
        let is_known = |block: &Block| TERRAGRUNT.contains(&block.ident.as_str());
        if !body.blocks().all(is_known) {
            return;
        }
        // What it reads and includes may stand in any other file of Terragrunt.
        let mut uses = Uses::default();
        visit_body(&mut uses, &body);
        let read = uses
            .calls
            .iter()
            .flat_map(|call| read_by(&self.project, &folder(path), call));
        let read: Vec<String> = read.map(|read| self.read(&read)).collect();
        if !read.is_empty() {
            self.give(path, "", &read.join("\n"));
        }
        match inputs(&body) {
            Some(inputs) => {
                for (key, value) in inputs {
                    self.give(path, key, &value);
                }
                let mut rest = body.clone();
                rest.remove_attribute("inputs");
                self.give(path, "", &words(&rest.to_string()));
            }
            None => self.give(path, "", text),
        }
    }

    /// What a file of parameters gives to CloudFormation.
    ///
    /// (AWS CLI reference, `cloudformation deploy`, `--parameter-overrides`: a list of `ParameterKey` and `ParameterValue`,
    /// or `{"Parameters": {…}}` as CodePipeline has it.)
    fn parameters(&mut self, path: &Path, text: &str) {
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            return;
        };
        let mut add = |name: &str, value: &Value| {
            let value = format!("{}: {value}", path.display());
            self.parameters.entry(name.to_owned()).or_default().push(value);
        };
        for one in value.as_array().into_iter().flatten() {
            if let Some(name) = one.get("ParameterKey").and_then(Value::as_str) {
                add(name, one.get("ParameterValue").unwrap_or(&Value::Null));
            }
        }
        let all = value.get("Parameters").and_then(Value::as_object).into_iter().flatten();
        all.filter(|(_, value)| !value.is_object())
            .for_each(|(name, value)| add(name, value));
    }

    /// What templates hand out to others, of those that name one of the words of a reference.
    pub(super) fn exports(&self, reference: &str) -> String {
        let names: Vec<&str> = reference
            .split(|c: char| !c.is_ascii_alphanumeric() && !"-_:".contains(c))
            .collect();
        let names = names
            .iter()
            .filter(|name| name.len() > 2 && !name.contains("ImportValue"));
        let names: Vec<&&str> = names.collect();
        let outputs = self.files.iter().filter(|(_, text)| text.contains("Export"));
        let outputs = outputs.filter_map(|(path, text)| Some((path, &text[text.find("Outputs")?..])));
        let named = outputs.filter(|(_, text)| names.iter().any(|name| text.contains(**name)));
        let all = named.map(|(path, text)| format!("{}: {}", path.display(), words(text)));
        all.collect::<Vec<String>>().join("\n")
    }

    /// The text of a file.
    pub(super) fn text(&self, path: &Path) -> Option<&'a str> {
        let mut found = self.files.iter().filter(|(known, _)| normal(known) == path);
        found.next().map(|(_, text)| text.as_str())
    }

    /// The text of all that a call reads.
    fn read(&self, read: &Read) -> String {
        let is_it = |path: &Path| match read {
            Read::File(file) => normal(path) == *file,
            Read::Folder(folder) => path.starts_with(folder),
            Read::Module(dir) => folder(path) == *dir,
        };
        let texts = self.files.iter().filter(|(path, _)| is_it(path));
        let texts = texts.map(|(path, text)| format!("{}: {text}", path.display()));
        let unread = self.unread.iter().filter(|(path, _)| is_it(path));
        let unread = unread.map(|(path, file)| format!("{}: {}", path.display(), file.identity));
        texts.chain(unread).collect::<Vec<String>>().join("\n")
    }

    /// All that defines what `text` refers to, in a folder and a block of it. `whose`: a resource is taken for itself,
    /// whatever it is called.
    pub(super) fn of(&self, dir: &Path, block: Option<&'a Block>, text: &str, whose: bool) -> String {
        let mut walk = Walk {
            of: self,
            found: BTreeSet::new(),
            seen: BTreeSet::new(),
            whose,
        };
        match text.parse::<Expression>() {
            Ok(expression) => walk.expression(dir, block, &expression),
            // A span of a file: a block, or the inside of an object.
            Err(_) => match inside(text).parse::<Body>() {
                Ok(body) => walk.body(dir, block, &body),
                Err(_) => {
                    let inside: Vec<&str> = super::node::interpolations(text);
                    for each in inside {
                        if let Ok(expression) = each.parse::<Expression>() {
                            walk.expression(dir, block, &expression);
                        }
                    }
                }
            },
        }
        walk.found.into_iter().collect::<Vec<String>>().join("\n")
    }
}

/// A block's text without its braces.
fn inside(text: &str) -> &str {
    let text = text.trim();
    let bare = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    bare.unwrap_or(text)
}

/// What an expression refers to.
#[derive(Default)]
struct Uses {
    paths: Vec<Vec<String>>,
    calls: Vec<FuncCall>,
}

impl Visit for Uses {
    fn visit_traversal(&mut self, traversal: &Traversal) {
        self.paths
            .push(path_of(traversal).0.into_iter().map(str::to_owned).collect());
        visit_traversal(self, traversal);
    }

    fn visit_func_call(&mut self, call: &FuncCall) {
        if call.name.name.as_str().contains("file") {
            self.calls.push(call.clone());
        }
        visit_func_call(self, call);
    }
}

struct Walk<'w, 'a> {
    of: &'w Definitions<'a>,
    found: BTreeSet<String>,
    seen: BTreeSet<(PathBuf, Vec<String>)>,
    whose: bool,
}

impl<'a> Walk<'_, 'a> {
    fn expression(&mut self, dir: &Path, block: Option<&'a Block>, expression: &Expression) {
        let mut uses = Uses::default();
        uses.visit_expr(expression);
        self.uses(dir, block, uses);
    }

    fn body(&mut self, dir: &Path, block: Option<&'a Block>, body: &Body) {
        let mut uses = Uses::default();
        visit_body(&mut uses, body);
        self.uses(dir, block, uses);
    }

    fn uses(&mut self, dir: &Path, block: Option<&'a Block>, uses: Uses) {
        for call in uses.calls {
            for read in read_by(&self.of.project, dir, &call) {
                let text = self.of.read(&read);
                self.found.insert(format!("{read:?}: {text}"));
            }
        }
        for path in uses.paths {
            let parts: Vec<&str> = path.iter().map(String::as_str).collect();
            let key = match parts[..] {
                // Of one block alone.
                ["each" | "count" | "self", ..] => {
                    vec![format!("{:p}", block.map_or(std::ptr::null(), |b| b)), path[0].clone()]
                }
                _ => path.clone(),
            };
            if self.seen.insert((dir.to_owned(), key)) {
                if self.seen.len() > MOST {
                    let all = self.of.files.iter().map(|(_, text)| text.as_str());
                    self.found.insert(all.collect::<Vec<&str>>().join("\n"));
                    return;
                }
                self.path(dir, block, &parts);
            }
        }
    }

    fn path(&mut self, dir: &Path, block: Option<&'a Block>, path: &[&str]) {
        let of = self.of;
        let Some(module) = of.project.modules.get(dir) else {
            return;
        };
        match path {
            ["local", name, ..] => {
                if let Some(value) = module.local(name) {
                    self.found
                        .insert(format!("local.{name} = {}", words(&value.to_string())));
                    self.expression(dir, None, value);
                }
            }
            ["var", name, ..] => self.variable(dir, name),
            ["each" | "count", ..] => {
                let Some(block) = block else { return };
                for key in ["for_each", "count"] {
                    if let Some(attribute) = block.body.get_attribute(key) {
                        self.found
                            .insert(format!("{key} = {}", words(&attribute.value.to_string())));
                        self.expression(dir, None, &attribute.value);
                    }
                }
            }
            ["module", call, ..] => {
                let Some(block) = module.block("module", &[call]) else {
                    return;
                };
                self.found
                    .insert(format!("module.{call} {}", words(&block.body.to_string())));
                self.body(dir, Some(block), &block.body);
                if let Some(callee) = of.project.called(dir, block) {
                    let inside = of.files.iter().filter(|(path, _)| folder(path) == callee);
                    let texts: Vec<&str> = inside.map(|(_, text)| text.as_str()).collect();
                    self.found.insert(texts.join("\n"));
                    // What its outputs take from modules and files of its own.
                    let outputs = of.project.modules.get(&callee).into_iter();
                    for (_, output) in outputs.flat_map(|module| module.of_kind("output")) {
                        self.body(&callee, Some(output), &output.body);
                    }
                }
            }
            // Compared where it stands.
            ["data", "aws_iam_policy_document", ..] => {}
            // What another folder hands out may be what this one looks up.
            ["data", "terraform_remote_state", _, "outputs", output, ..] => self.all_of("output", &[output]),
            ["data", "aws_ssm_parameter", ..] => {
                self.all_of("resource", &["aws_ssm_parameter"]);
                self.looked_up(dir, path);
            }
            ["data", ..] => self.looked_up(dir, path),
            [kind, name, rest @ ..] if kind.contains('_') => {
                if let Some(block) = module.block("resource", &[kind, name]) {
                    self.resource(dir, block, (kind, name), rest);
                }
            }
            _ => {}
        }
    }

    /// What a data source is asked for.
    fn looked_up(&mut self, dir: &Path, path: &[&str]) {
        let of = self.of;
        let ["data", kind, name, ..] = path else { return };
        let Some(block) = of
            .project
            .modules
            .get(dir)
            .and_then(|module| module.block("data", &[kind, name]))
        else {
            return;
        };
        if let ("local_file" | "local_sensitive_file", Some(file)) = (*kind, block.body.get_attribute("filename")) {
            for read in named_by(&of.project, dir, "file", &file.value) {
                self.found.insert(format!("{read:?}: {}", of.read(&read)));
            }
        }
        self.found
            .insert(format!("data.{kind}.{name} {}", words(&block.body.to_string())));
        self.body(dir, Some(block), &block.body);
    }

    /// All blocks of a kind, in any folder, whose labels begin so.
    fn all_of(&mut self, kind: &str, start: &[&str]) {
        let of = self.of;
        for (dir, module) in &of.project.modules {
            for (_, block) in module
                .of_kind(kind)
                .filter(|(_, block)| labels(block).starts_with(start))
            {
                self.found
                    .insert(format!("{} {}", dir.display(), words(&block.body.to_string())));
                self.body(dir, Some(block), &block.body);
            }
        }
    }

    fn resource(&mut self, dir: &Path, block: &'a Block, (kind, name): (&str, &str), rest: &[&str]) {
        let is_identity = rest.first().is_none_or(|attribute| IDENTITY.contains(attribute));
        if self.whose && is_identity {
            return;
        }
        if !is_identity {
            self.found
                .insert(format!("{kind}.{name} {}", words(&block.body.to_string())));
            self.body(dir, Some(block), &block.body);
            return;
        }
        let naming = |key: &str| {
            matches!(
                key,
                "name" | "bucket" | "path" | "provider" | "identifier" | "count" | "for_each" | "namespace"
            ) || ["_name", "_prefix", "_identifier", "_id"]
                .iter()
                .any(|end| key.ends_with(end))
        };
        for attribute in block
            .body
            .attributes()
            .filter(|attribute| naming(attribute.key.as_str()))
        {
            let key = attribute.key.as_str();
            self.found
                .insert(format!("{kind}.{name}.{key} = {}", words(&attribute.value.to_string())));
            self.expression(dir, Some(block), &attribute.value);
        }
    }

    fn variable(&mut self, dir: &Path, name: &str) {
        let of = self.of;
        let Some(module) = of.project.modules.get(dir) else {
            return;
        };
        let default = module
            .block("variable", &[name])
            .and_then(|block| block.body.get_attribute("default"));
        if let Some(default) = default {
            self.found
                .insert(format!("var.{name} = {}", words(&default.value.to_string())));
            self.expression(dir, None, &default.value);
        }
        for value in [name, ""].into_iter().filter_map(|key| of.values.get(key)).flatten() {
            self.found.insert(format!("{name} in {value}"));
        }
        for (caller, call) in of.project.calls_of(dir) {
            let given = call.body.get_attribute(name);
            let given_text = given.map_or_else(|| "default".to_owned(), |given| words(&given.value.to_string()));
            self.found
                .insert(format!("module {} {name} = {given_text}", labels(call).join(".")));
            if let Some(given) = given {
                self.expression(&caller, Some(call), &given.value);
            }
        }
    }
}

/// A text in which all blanks are alike.
pub(super) fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
