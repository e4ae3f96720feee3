//! Holds the map: a module imports only from modules that `src/lib.rs` lists above it; files and functions stay readable.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// Lines that a file may have.
const FILE: usize = 600;
/// Lines that a function may have, from `fn` to its last brace.
const FUNCTION: usize = 100;

/// Files that are longer, and why each is one file all the same.
const LONG_FILES: [(&str, &str); 8] = [
    ("src/emit/tests.rs", "one test a format, over one invented report"),
    ("src/iam/evaluate/tests.rs", "one row a rule of IAM's evaluation"),
    ("src/iam/subset/tests.rs", "one row a pair of documents"),
    ("src/usage/ledger/tests.rs", "one way of growing a test"),
    (
        "tests/journey.rs",
        "one invented account, and what each stage makes of it",
    ),
    ("tests/network/s3.rs", "one test a way in which a bucket answers"),
    ("tests/rightsizing.rs", "one test a rule of what may go"),
    ("tests/spellings.rs", "one row a spelling of an ARN"),
];

/// Functions that are longer, as `file: name`, and why.
const LONG_FUNCTIONS: [(&str, &str); 17] = [
    (
        "src/emit/changes.rs: write",
        "one section a kind of change, in the order of the page",
    ),
    ("src/emit/csv.rs: rows", "one line a column"),
    ("src/emit/html/mod.rs: view", "one key a value of the page's template"),
    (
        "src/emit/terminal/table.rs: principals",
        "the widths of a table hang together",
    ),
    (
        "src/emit/tests/sample.rs: sample",
        "one invented report, all fields of it",
    ),
    ("src/gap/evidence.rs: record", "one call, by each case of its outcome"),
    (
        "src/iam/subset/tests.rs: conditions_may_take_fewer_values_or_be_stricter_where_the_key_is_absent",
        "one row a pair",
    ),
    ("src/query/tables.rs: of", "one line a column"),
    ("src/report/build.rs: build", "one line a field of the answer"),
    (
        "src/usage/ledger/gather.rs: collect_within",
        "one plan a part, then one pass over what was chosen",
    ),
    (
        "src/usage/shard.rs: count",
        "the hot path: one event, decided from top to bottom",
    ),
    (
        "tests/generator/corpus/population.rs: principal",
        "one kind of principal an arm",
    ),
    (
        "tests/generator/sample/cluster.rs: controller_policy",
        "policies as their vendors publish them",
    ),
    ("tests/generator/sample/jobs.rs: grant", "one job an arm"),
    ("tests/hostile.rs: every_query", "one hostile row a query"),
    ("tests/hostile.rs: records", "one hostile record a field"),
    (
        "tests/spellings.rs: names_arns_and_urls_of_many_services",
        "one row a spelling",
    ),
];

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// Module names in the order of `src/lib.rs`.
fn order() -> Vec<String> {
    let text = fs::read_to_string("src/lib.rs").unwrap();
    let tokens: Vec<TokenTree> = text.parse::<TokenStream>().unwrap().into_iter().collect();
    tokens
        .windows(2)
        .filter(|pair| matches!(&pair[0], TokenTree::Ident(word) if word == "mod"))
        .map(|pair| pair[1].to_string())
        .collect()
}

/// (file, the module it belongs to, its text)
pub(super) fn files() -> Vec<(PathBuf, String, String)> {
    let mut paths = Vec::new();
    sources(Path::new("src"), &mut paths);
    paths
        .into_iter()
        .filter_map(|path| {
            let module = place(&path).into_iter().next()?;
            let text = fs::read_to_string(&path).unwrap();
            Some((path, module, text))
        })
        .filter(|(_, module, _)| module != "lib" && module != "main")
        .collect()
}

/// The modules that a file of `src` lies in: `src/usage/ledger/mod.rs` is `usage`, `ledger`.
fn place(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = path
        .strip_prefix("src")
        .unwrap()
        .components()
        .map(|part| part.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned())
        .collect();
    if names.last().is_some_and(|name| name == "mod") {
        names.pop();
    }
    names
}

/// What a file names of the crate's root: first words after `crate::`, or after as many `super::` as lead there. In `use`
/// trees however deep, in paths, types and macros; `*` where everything of the root is taken.
fn named(tokens: TokenStream, inside: &[String]) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    walk(&tokens.into_iter().collect::<Vec<_>>(), inside, &mut out);
    out
}

fn walk(tokens: &[TokenTree], inside: &[String], out: &mut BTreeSet<String>) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            // `mod name { … }`: what lies in it is one step further from the root.
            TokenTree::Ident(word) if word == "mod" => {
                if let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) =
                    (tokens.get(at + 1), tokens.get(at + 2))
                {
                    let deeper = [inside, &[name.to_string()]].concat();
                    walk(&body.stream().into_iter().collect::<Vec<_>>(), &deeper, out);
                    at += 2;
                }
            }
            TokenTree::Ident(word) if word == "crate" || word == "super" || word == "self" => {
                let from = if word == "crate" { 0 } else { inside.len() };
                let from = if word == "super" {
                    from.checked_sub(1).expect("a parent")
                } else {
                    from
                };
                if let Some(rest) = after_colons(tokens, at + 1) {
                    tree(&tokens[rest..], from, out);
                }
            }
            TokenTree::Group(group) => walk(&group.stream().into_iter().collect::<Vec<_>>(), inside, out),
            _ => {}
        }
        at += 1;
    }
}

/// What follows a path that leads to the module `from` steps below the root.
fn tree(tokens: &[TokenTree], from: usize, out: &mut BTreeSet<String>) {
    match tokens.first() {
        Some(TokenTree::Ident(word)) if word == "super" => {
            let from = from.checked_sub(1).expect("a parent");
            if let Some(rest) = after_colons(tokens, 1) {
                tree(&tokens[rest..], from, out);
            }
        }
        Some(TokenTree::Ident(word)) if from == 0 => {
            out.insert(word.to_string());
        }
        Some(TokenTree::Punct(star)) if star.as_char() == '*' && from == 0 => {
            out.insert("*".to_owned());
        }
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            for branch in inner.split(|token| matches!(token, TokenTree::Punct(comma) if comma.as_char() == ',')) {
                tree(branch, from, out);
            }
        }
        _ => {}
    }
}

/// Where a path goes on after `::`, if it does.
fn after_colons(tokens: &[TokenTree], at: usize) -> Option<usize> {
    let colon = |at: usize, spacing: Option<Spacing>| {
        matches!(tokens.get(at), Some(TokenTree::Punct(punct))
            if punct.as_char() == ':' && spacing.is_none_or(|spacing| punct.spacing() == spacing))
    };
    (colon(at, Some(Spacing::Joint)) && colon(at + 1, None)).then_some(at + 2)
}

/// Each function's name, and how many lines it takes.
fn functions(tokens: TokenStream, out: &mut Vec<(String, usize)>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            functions(group.stream(), out);
        }
        let TokenTree::Ident(word) = token else { continue };
        let Some(TokenTree::Ident(name)) = tokens.get(at + 1).filter(|_| word == "fn") else {
            continue;
        };
        let ends = |token: &&TokenTree| match token {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            TokenTree::Punct(punct) => punct.as_char() == ';',
            _ => false,
        };
        if let Some(TokenTree::Group(body)) = tokens[at..].iter().find(ends) {
            let lines = body.span_close().end().line - word.span().start().line + 1;
            out.push((name.to_string(), lines));
        }
    }
}

/// All Rust that is ours.
fn everything() -> Vec<(String, String)> {
    let mut paths = Vec::new();
    sources(Path::new("src"), &mut paths);
    sources(Path::new("tests"), &mut paths);
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path.display().to_string(), text)
    };
    let ours = |path: &PathBuf| !path.components().any(|part| part.as_os_str() == "target");
    let mut files: Vec<(String, String)> = paths.into_iter().filter(ours).map(read).collect();
    files.sort();
    files
}

#[track_caller]
fn check_named(text: &str, inside: &str, expected: &[&str]) {
    let inside: Vec<String> = inside.split("::").map(str::to_owned).collect();
    let named = named(text.parse().unwrap(), &inside);
    assert_eq!(named.iter().collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn every_way_to_name_a_module_is_seen() {
    check_named("use crate::emit::escape;", "decode", &["emit"]);
    check_named("use crate::emit;", "decode", &["emit"]);
    check_named("use crate::{emit, time};", "decode", &["emit", "time"]);
    check_named(
        "use crate::{self as root, gap::{Gap, Grade}, emit};",
        "decode",
        &["emit", "gap", "self"],
    );
    check_named("use crate::emit as e;", "decode", &["emit"]);
    check_named("pub(crate) use crate::*;", "decode", &["*"]);
    check_named("pub(in crate::decode) fn a() {}", "decode::text", &["decode"]);
    check_named("use super::emit;", "decode", &["emit"]);
    check_named("use super::super::{emit, iam::Arn};", "decode::text", &["emit", "iam"]);
    check_named("use super::{text, super::emit};", "decode::text", &["emit"]);
    check_named("use self::super::super::emit;", "decode::text", &["emit"]);
    check_named("use super::text;", "decode::wrap", &[]);
    check_named(
        "mod tests { use super::super::emit; use super::a; }",
        "decode",
        &["emit"],
    );
    check_named(
        "fn a() -> crate::gap::Gap { crate::emit::html() }",
        "decode",
        &["emit", "gap"],
    );
    check_named(
        "fn a() { println!(\"{}\", [crate :: emit::html()]); }",
        "decode",
        &["emit"],
    );
    check_named("// crate::emit\nconst A: &str = \"crate::emit\";", "decode", &[]);
}

#[test]
fn the_lines_of_a_function_are_counted_from_its_name_to_its_brace() {
    let mut seen = Vec::new();
    let text = "#[test]\nfn a() {\n}\nimpl X {\n fn b(\n  f: fn(u8),\n ) -> [u8; { 2 }]\n {\n  1\n }\n fn c();\n}";
    functions(text.parse().unwrap(), &mut seen);
    seen.sort();
    assert_eq!(seen, [("a".to_owned(), 2), ("b".to_owned(), 6)]);
}

#[test]
fn a_module_imports_only_from_modules_above_it() {
    let order = order();
    assert!(order.len() > 10, "{order:?}");
    let mut wrong = Vec::new();
    for (path, module, text) in files() {
        let own = order
            .iter()
            .position(|name| *name == module)
            .unwrap_or_else(|| panic!("{module} is not on the map"));
        for name in named(text.parse().unwrap(), &place(&path)) {
            match order.iter().position(|listed| *listed == name) {
                Some(below) if below > own => {
                    wrong.push(format!("{} imports {name}, which stands below it", path.display()));
                }
                Some(_) => {}
                None => wrong.push(format!("{} imports {name} of the crate's root", path.display())),
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_file_opens_by_saying_what_it_is_for() {
    let silent: Vec<String> = everything()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(silent, Vec::<String>::new());
}

#[test]
fn a_file_is_short_or_has_a_reason() {
    let files = everything();
    let long: Vec<String> = files
        .iter()
        .filter(|(path, text)| text.lines().count() > FILE && !LONG_FILES.iter().any(|(listed, _)| listed == path))
        .map(|(path, text)| format!("{path}: {} lines", text.lines().count()))
        .collect();
    assert_eq!(long, Vec::<String>::new(), "split it, or give its reason in LONG_FILES");
    for (listed, _) in LONG_FILES {
        let lines = files
            .iter()
            .find(|(path, _)| path == listed)
            .map_or(0, |(_, text)| text.lines().count());
        assert!(lines > FILE * 3 / 4, "{listed} needs no reason any more: {lines} lines");
    }
}

#[test]
fn a_function_is_short_or_has_a_reason() {
    let mut long = Vec::new();
    let mut seen = 0;
    for (path, text) in everything() {
        let mut all = Vec::new();
        functions(text.parse().unwrap(), &mut all);
        seen += all.len();
        for (name, lines) in all.into_iter().filter(|(_, lines)| *lines > FUNCTION) {
            let name = format!("{path}: {name}");
            if !LONG_FUNCTIONS.iter().any(|(listed, _)| *listed == name) {
                long.push(format!("{name}, {lines} lines"));
            }
        }
    }
    assert!(seen > 1000, "{seen}");
    assert_eq!(
        long,
        Vec::<String>::new(),
        "split it, or give its reason in LONG_FUNCTIONS"
    );
}

/// What stands between single backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn documents_name_files_and_tests_that_are_there() {
    let everything = everything();
    let documents = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "docs/limitations.md",
        "docs/comparison.md",
        "docs/findings.md",
        "docs/pull-requests.md",
        "sample-logs/README.md",
        "tests/bench/README.md",
    ];
    let (mut gone, mut paths, mut tests) = (Vec::new(), 0, 0);
    for document in documents {
        let text = fs::read_to_string(document).unwrap();
        for word in quoted(&text).map(|word| word.split(' ').next().unwrap_or_default()) {
            let is_path = ["src/", "tests/", ".ci/", ".github/", "docs/", "queries/"]
                .iter()
                .any(|top| word.starts_with(top));
            if is_path && !word.contains('…') {
                paths += 1;
                if !Path::new(word).exists() && !word.contains("NAME") {
                    gone.push(format!("{document}: {word}"));
                }
            }
            let is_test =
                word.matches('_').count() > 2 && word.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase());
            if is_test {
                tests += 1;
                if !everything.iter().any(|(_, text)| text.contains(&format!("fn {word}("))) {
                    gone.push(format!("{document}: {word}"));
                }
            }
        }
    }
    assert!(paths > 20 && tests > 15, "{paths} {tests}");
    assert_eq!(gone, Vec::<String>::new());
}
