//! What is given to a folder of Terraform from outside: files of variables, and Terragrunt, each an environment of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hcl_edit::expr::{Expression, ObjectKey, Traversal};
use hcl_edit::visit::{Visit, visit_traversal};

use super::project::{Module, file_name, folder, labels, normal};
use super::source::Source;

/// The values of one environment.
pub(in crate::patch) struct Given<'a> {
    /// The file that gives them, or the first of several beside each other.
    pub(super) path: PathBuf,
    values: BTreeMap<&'a str, &'a Expression>,
}

impl<'a> Given<'a> {
    /// The value of a variable, where it is written out.
    pub(super) fn value(&self, name: &str) -> Option<&'a Expression> {
        self.values.get(name).copied().filter(|value| is_written_out(value))
    }
}

impl Source {
    /// A file of variables or of Terragrunt; `None` where it is neither.
    pub(in crate::patch) fn given(path: &Path, text: &str) -> Option<Source> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let extension = path.extension().and_then(|extension| extension.to_str());
        if !matches!(extension, Some("tfvars" | "hcl")) || super::depth(text) > super::DEPTH {
            return None;
        }
        Some(Source {
            path: path.to_owned(),
            body: text.parse().ok()?,
            offset: 0,
            spans: Vec::new(),
            native: None,
        })
    }
}

/// What each folder is given.
pub(super) fn given<'a>(
    modules: &BTreeMap<PathBuf, Module<'a>>,
    sources: &[&'a Source],
) -> BTreeMap<PathBuf, Vec<Given<'a>>> {
    let mut found = BTreeMap::new();
    for (dir, module) in modules {
        let mut all = environments(modules, dir, module, sources);
        all.extend(sources.iter().filter_map(|source| terragrunt(dir, source)));
        if !all.is_empty() {
            found.insert(dir.clone(), all);
        }
    }
    found
}

/// What a file of Terragrunt gives to the folder that it names as its source.
///
/// (Terragrunt documentation, "Configuration blocks and attributes", `terraform` and `inputs`: `//` in a path only tells how
/// much of it is copied.)
fn terragrunt<'a>(dir: &Path, source: &'a Source) -> Option<Given<'a>> {
    if source.path.extension().is_none_or(|extension| extension != "hcl") {
        return None;
    }
    let block = source.body.blocks().find(|block| block.has_ident("terraform"))?;
    let written = &block.body.get_attribute("source")?.value;
    let name = file_name(written)?;
    let is_called = match written {
        Expression::String(_) if name.starts_with('.') => normal(&folder(&source.path).join(&name)) == dir,
        // `${get_repo_root()}/stacks/app`: which folder that is, is not written.
        Expression::StringTemplate(_) => dir.ends_with(normal(Path::new(&name))),
        _ => false,
    };
    let mut values = BTreeMap::new();
    if let Some(Expression::Object(inputs)) = source.body.get_attribute("inputs").map(|inputs| &inputs.value) {
        for (key, value) in inputs.iter() {
            match key {
                ObjectKey::Ident(name) => drop(values.insert(name.as_str(), value.expr())),
                ObjectKey::Expression(Expression::String(name)) => drop(values.insert(name.as_str(), value.expr())),
                ObjectKey::Expression(_) => {}
            }
        }
    }
    let path = source.path.clone();
    is_called.then_some(Given { path, values })
}

/// The environments that files of variables tell apart: two files that give one variable are not given together.
///
/// (Terraform documentation, "Variables on the command line": `terraform.tfvars` and `*.auto.tfvars` beside the folder's own
/// files are always read, others by `-var-file`.)
fn environments<'a>(
    modules: &BTreeMap<PathBuf, Module<'a>>,
    dir: &Path,
    module: &Module<'a>,
    sources: &[&'a Source],
) -> Vec<Given<'a>> {
    let variables: BTreeSet<&str> = module
        .of_kind("variable")
        .filter_map(|(_, block)| labels(block).first().copied())
        .collect();
    let mut files: Vec<Given<'a>> = Vec::new();
    for source in sources.iter().filter(|source| is_for(modules, dir, &source.path)) {
        let attributes = source.body.attributes();
        let values: BTreeMap<&str, &Expression> = attributes
            .map(|attribute| (attribute.key.as_str(), &attribute.value))
            .filter(|(name, _)| variables.contains(name))
            .collect();
        let path = source.path.clone();
        files.push(Given { path, values });
    }
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for name in files.iter().flat_map(|file| file.values.keys()) {
        *times.entry(name).or_default() += 1;
    }
    files.retain(|file| {
        file.values
            .keys()
            .any(|name| times.get(name).is_some_and(|times| *times > 1))
    });
    let mut all: Vec<Given<'a>> = Vec::new();
    for file in files {
        let beside = all.iter_mut().find(|known| {
            folder(&known.path) == folder(&file.path) && file.values.keys().all(|name| !known.values.contains_key(name))
        });
        match beside {
            Some(known) => known.values.extend(file.values),
            None => all.push(file),
        }
    }
    all
}

/// Whether a file of variables may be given to a folder: one below it that is nearer to no other, or one beside all of them.
fn is_for(modules: &BTreeMap<PathBuf, Module<'_>>, dir: &Path, path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let at = folder(path);
    if !name.ends_with(".tfvars") || at == dir && (name == "terraform.tfvars" || name.ends_with(".auto.tfvars")) {
        return false;
    }
    match at.ancestors().find(|at| modules.contains_key(*at)) {
        Some(nearest) => nearest == dir,
        None => true,
    }
}

/// Whether an expression says all of itself.
fn is_written_out(expression: &Expression) -> bool {
    struct Open(bool);
    impl Visit for Open {
        fn visit_traversal(&mut self, traversal: &Traversal) {
            self.0 = true;
            visit_traversal(self, traversal);
        }

        fn visit_expr(&mut self, expression: &Expression) {
            self.0 |= matches!(
                expression,
                Expression::Variable(_) | Expression::FuncCall(_) | Expression::ForExpr(_)
            );
            hcl_edit::visit::visit_expr(self, expression);
        }
    }
    let mut open = Open(false);
    open.visit_expr(expression);
    !open.0
}
