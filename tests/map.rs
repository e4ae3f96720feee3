//! Holds the map: a module imports only from modules that `src/lib.rs` lists above it.

use std::fs;
use std::path::{Path, PathBuf};

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
    fs::read_to_string("src/lib.rs")
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect()
}

/// (file, the module it belongs to, its text)
pub(super) fn files() -> Vec<(PathBuf, String, String)> {
    let mut paths = Vec::new();
    sources(Path::new("src"), &mut paths);
    paths
        .into_iter()
        .filter_map(|path| {
            let inside = path.strip_prefix("src").unwrap();
            let first = inside.components().next()?.as_os_str().to_str()?;
            let module = first.strip_suffix(".rs").unwrap_or(first).to_owned();
            let text = fs::read_to_string(&path).unwrap();
            Some((path, module, text))
        })
        .filter(|(_, module, _)| module != "lib" && module != "main")
        .collect()
}

#[test]
fn a_module_imports_only_from_modules_above_it() {
    let order = order();
    assert!(!order.is_empty());
    let mut wrong = Vec::new();
    for (path, module, text) in files() {
        let own = order
            .iter()
            .position(|name| *name == module)
            .unwrap_or_else(|| panic!("{module} is not on the map"));
        for (below, name) in order.iter().enumerate().skip(own + 1) {
            if text.contains(&format!("crate::{name}::")) || text.contains(&format!("use crate::{name};")) {
                wrong.push(format!(
                    "{} imports {name}, which stands below it ({own} < {below})",
                    path.display()
                ));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_file_opens_by_saying_what_it_is_for() {
    let silent: Vec<PathBuf> = files()
        .into_iter()
        .filter(|(_, _, text)| !text.starts_with("//! "))
        .map(|(path, _, _)| path)
        .collect();
    assert_eq!(silent, Vec::<PathBuf>::new());
}
