//! Which files an expression reads: `file("${path.module}/app.json")`, as far as its path is written.

use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Body};
use hcl_edit::visit::{Visit, visit_expr};

use super::instances::{Context, Each};
use super::project::{Project, normal};
use super::value::{Name, literal, names};
use crate::patch::tree::{Piece, stands_for};

/// How a file is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::patch) enum Reading {
    /// As it is: `file`.
    Plain,
    /// Its `${…}` filled in: `templatefile`.
    Template,
}

/// Whether a file is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Reads {
    No,
    /// Its path is not written, and nothing of what is written tells that it is another's.
    Maybe,
    Yes,
}

/// The calls that read one file, for one of those that a block makes in one context of its module.
pub(super) struct Search<'s, 'a> {
    project: &'s Project<'a>,
    context: &'s Rc<Context>,
    each: &'s Each,
    path: &'s Path,
    pub(super) how: BTreeSet<Reading>,
    pub(super) reads: Reads,
    /// Whether something is written of the path of each call that may.
    pub(super) is_named: bool,
}

impl<'s, 'a> Search<'s, 'a> {
    pub(super) fn of(project: &'s Project<'a>, context: &'s Rc<Context>, each: &'s Each, path: &'s Path) -> Self {
        Search {
            project,
            context,
            each,
            path,
            how: BTreeSet::new(),
            reads: Reads::No,
            is_named: true,
        }
    }

    /// Looks at a block of Terraform. `filename` of the data source `local_file` is read without a call.
    pub(super) fn block(mut self, block: &Block, body: &Body) -> Self {
        self.visit_body(body);
        if super::labels(block).first() == Some(&"local_file")
            && let Some(filename) = body.get_attribute("filename")
        {
            self.call(Reading::Plain, &filename.value);
        }
        self
    }

    /// Looks at an expression.
    pub(super) fn expression(mut self, expression: &Expression) -> Self {
        self.visit_expr(expression);
        self
    }

    fn call(&mut self, how: Reading, path: &Expression) {
        let mut path = path;
        while let Expression::FuncCall(call) = path
            && matches!(call.name.name.as_str(), "abspath" | "pathexpand")
            && let Some(inner) = call.args.iter().next()
        {
            path = inner;
        }
        for name in names(self.project, self.context, self.each, path) {
            let reads = fits(&name, &self.context.dir, self.path);
            self.reads = self.reads.max(reads);
            match reads {
                Reads::Yes => drop(self.how.insert(how)),
                Reads::Maybe => self.is_named &= name.iter().any(is_word),
                Reads::No => {}
            }
        }
    }
}

impl Visit for Search<'_, '_> {
    fn visit_expr(&mut self, expression: &Expression) {
        if let Expression::FuncCall(call) = expression
            && let Some(path) = call.args.iter().next()
        {
            match call.name.name.as_str() {
                "file" | "filebase64" => self.call(Reading::Plain, path),
                "templatefile" => self.call(Reading::Template, path),
                _ => {}
            }
        }
        visit_expr(self, expression);
    }
}

fn is_word(piece: &Piece) -> bool {
    matches!(piece, Piece::Literal(text) if text.contains(|letter: char| letter.is_ascii_alphanumeric()))
}

/// `${path.module}`, told apart from what is written from the folder that Terraform runs in.
pub(in crate::patch) fn module_path(dir: &Path) -> String {
    match dir.is_absolute() {
        true => dir.display().to_string(),
        false => format!("./{}", dir.display()).trim_end_matches('/').to_owned(),
    }
}

/// Whether a path is a file's, written in a module of the folder `dir`.
fn fits(name: &Name, dir: &Path, path: &Path) -> Reads {
    let module = module_path(dir);
    let is_of_module = matches!(name.first(), Some(Piece::Literal(first)) if first.starts_with(&format!("{module}/")));
    let written = match &name[..] {
        // Whatever folder a path begins with, it goes on as it is written.
        [Piece::Reference, Piece::Literal(rest)] if rest.starts_with('/') => {
            Some(rest.trim_start_matches('/').to_owned())
        }
        _ => literal(std::slice::from_ref(name)),
    };
    if let Some(written) = written {
        let own = normal(Path::new(&written));
        if own == path || normal(&dir.join(&written)) == path || path.ends_with(&own) {
            return Reads::Yes;
        }
        if is_of_module || !written.contains("..") {
            return Reads::No;
        }
    }
    let mut pattern = name.clone();
    match pattern.first_mut() {
        Some(Piece::Literal(first)) if is_of_module => {
            let (folder, rest) = first.rsplit_once('/').unwrap_or(("", first));
            let folder = normal(Path::new(folder)).display().to_string();
            *first = format!("/{}/{rest}", folder.trim_start_matches('/')).replace("//", "/");
        }
        _ => {
            // What a path is taken from is not known, and what stands before its last `..` neither.
            let up = |piece: &Piece| matches!(piece, Piece::Literal(text) if text.contains(".."));
            let from = pattern.iter().rposition(up).unwrap_or(0);
            pattern.drain(..from);
            if let Some(Piece::Literal(first)) = pattern.first_mut() {
                let rest = first.rsplit("..").next().unwrap_or_default().trim_start_matches("./");
                *first = format!("/{}", rest.trim_start_matches('/'));
            }
            pattern.insert(0, Piece::Reference);
        }
    }
    let path = path.display().to_string();
    match stands_for(&pattern, &format!("/{}", path.trim_start_matches('/'))) {
        true => Reads::Maybe,
        false => Reads::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::tree::{Template, pieces};

    #[track_caller]
    fn check(name: &str, expected: Reads) {
        let name = name.replace("${path.module}", &module_path(Path::new("infra/b")));
        let path = Path::new("infra/shared/p.json");
        assert_eq!(
            fits(&pieces(&name, Template::Terraform), Path::new("infra/b"), path),
            expected,
            "{name}"
        );
    }

    #[test]
    fn a_path_may_name_every_file_that_what_is_written_of_it_fits() {
        check("${path.module}/../shared/p.json", Reads::Yes);
        check("../shared/p.json", Reads::Yes);
        check("${var.root}/shared/p.json", Reads::Yes);
        check("${path.module}/../shared/${var.f}.json", Reads::Maybe);
        check("${path.module}/../${var.f}", Reads::Maybe);
        check("${var.f}", Reads::Maybe);
        check("${path.root}/../shared/p.json", Reads::Yes);
        check("${path.root}/../infra/shared/p.json", Reads::Maybe);
        check("../../infra/shared/p.json", Reads::Yes);
        check("../../../a/infra/shared/p.json", Reads::No);
        check("${var.a}/shared/${var.f}.json", Reads::Maybe);
        check("${path.module}/../shared/${var.f}.tpl", Reads::No);
        check("${path.module}/shared/${var.f}.json", Reads::No);
        check("${path.module}/${var.f}.json", Reads::No);
        check("${path.module}/p.json", Reads::No);
        check("${path.module}/../shared/q.json", Reads::No);
        check("shared/q-${var.f}.json", Reads::No);
    }
}
