//! The corpus `tests/sources`: each folder is a repository with the policies that live of it, and what becomes of both.
//!
//! `case.json` holds the live policies (`goes`: the actions that nobody used), the edits that are expected as pairs of text
//! before and after, and words of the reasons of what is left. Each case is tried in every formatting that leaves its meaning:
//! what is edited must be the expected text in that same formatting, byte for byte. `TRIMTRAIL_CORPUS=DIR` tries another
//! folder of such cases.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::plan::World;
use super::policy;
use crate::patch::{State, walk};

/// A formatting that changes no meaning: its name, and what becomes of a file's text.
type Formatting = (&'static str, fn(&str, &str) -> String);

const FORMATTINGS: [Formatting; 5] = [
    ("as it is", |_, text| text.to_owned()),
    ("CRLF", |_, text| text.replace('\n', "\r\n")),
    ("no final newline", |_, text| text.trim_end_matches('\n').to_owned()),
    ("byte order mark", |name, text| match name.ends_with(".tf") {
        true => format!("\u{feff}{text}"),
        false => text.to_owned(),
    }),
    ("tabs", |name, text| {
        match name.ends_with(".yaml") || name.ends_with(".yml") {
            true => text.to_owned(),
            false => tabbed(text),
        }
    }),
];

/// A tab for every two columns that a line is indented by.
fn tabbed(text: &str) -> String {
    let each = text.split_inclusive('\n').map(|line| {
        let rest = line.trim_start_matches(' ');
        let columns = line.len() - rest.len();
        format!("{}{}{rest}", "\t".repeat(columns / 2), " ".repeat(columns % 2))
    });
    each.collect()
}

/// A case as it is written.
struct Case {
    name: String,
    told: Value,
    files: Vec<(String, String)>,
}

fn cases(folder: &Path) -> Vec<Case> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.retain(|path| path.join("case.json").exists());
    found.sort();
    let case = |path: PathBuf| {
        let told = fs::read_to_string(path.join("case.json")).unwrap();
        let mut files = Vec::new();
        walk(&path, 0, &mut |file, text| {
            let name = file.strip_prefix(&path).unwrap().display().to_string();
            if !matches!(name.as_str(), "case.json" | "state.json") {
                files.push((name, text));
            }
        })
        .unwrap();
        Case {
            name: path.file_name().unwrap().to_string_lossy().into_owned(),
            told: serde_json::from_str(&told).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
            files,
        }
    };
    found.into_iter().map(case).collect()
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// A policy without some of its actions, and without the statements that are left with none.
fn without(before: &Value, goes: &[&str]) -> Value {
    let mut after = before.clone();
    let statements = after["Statement"].as_array_mut().unwrap();
    for statement in statements.iter_mut() {
        if statement["Effect"] == "Allow"
            && let Some(actions) = statement.get("Action").cloned()
            && goes
                .iter()
                .any(|gone| actions.to_string().contains(&format!("{gone:?}")))
        {
            let all = actions.as_array().cloned().unwrap_or_else(|| vec![actions]);
            let left = all
                .into_iter()
                .filter(|action| !goes.contains(&action.as_str().unwrap()));
            statement["Action"] = left.collect();
        }
    }
    statements.retain(|statement| statement.get("Action") != Some(&json!([])));
    after
}

/// The accounts of a case.
fn world(told: &Value) -> World {
    let mut world = World::default();
    for live in list(told, "policies") {
        let text = |key: &str| live[key].as_str().unwrap_or_default();
        let before = match &live["before"] {
            Value::Array(_) => policy(&live["before"]),
            whole => whole.clone(),
        };
        let goes: Vec<&str> = list(live, "goes").filter_map(Value::as_str).collect();
        let after = match live.get("after") {
            Some(after) => Some(policy(after)),
            None => (!goes.is_empty()).then(|| without(&before, &goes)),
        };
        let arn = match text("of").starts_with("arn:") {
            true => text("of").to_owned(),
            false => format!("arn:aws:iam::111122223333:{}", text("of")),
        };
        world = world.with(text("policy"), &arn, &before, after.as_ref());
    }
    world
}

/// What became of a case in one formatting, or how it is not what was expected.
fn tried(case: &Case, states: &[State], formatting: Formatting) -> Result<usize, String> {
    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    for edit in list(&case.told, "edits") {
        let [file, from, to] = [0, 1, 2].map(|at| edit[at].as_str().unwrap_or_default());
        let text = wanted.entry(file.to_owned()).or_insert_with(|| {
            let known = case.files.iter().find(|(name, _)| name == file);
            known.unwrap_or_else(|| panic!("{} has no {file}", case.name)).1.clone()
        });
        assert_eq!(
            text.matches(from).count(),
            1,
            "{}: `{from}` stands once in {file}",
            case.name
        );
        *text = text.replace(from, to);
    }
    let (_, form) = formatting;
    let texts: Vec<(String, String)> = case
        .files
        .iter()
        .map(|(name, text)| (name.clone(), form(name, text)))
        .collect();
    let files: Vec<(&str, &str)> = texts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let plan = world(&case.told).plan_with(&files, states);
    let left = plan
        .left
        .iter()
        .map(|left| format!("  left: {}: {}\n", left.policy, left.why))
        .collect::<String>();
    for file in &plan.files {
        let name = file.path.display().to_string();
        let Some(wanted) = wanted.remove(&name) else {
            return Err(format!("{name} is edited:\n{}{left}", file.after));
        };
        if file.after != form(&name, &wanted) {
            return Err(format!(
                "{name} becomes\n{:?}\nnot\n{:?}\n{left}",
                file.after,
                form(&name, &wanted)
            ));
        }
    }
    if let Some(name) = wanted.keys().next() {
        return Err(format!("{name} is not edited\n{left}"));
    }
    let words: Vec<&str> = list(&case.told, "left").filter_map(Value::as_str).collect();
    match words.iter().find(|word| !left.contains(**word)) {
        Some(word) => Err(format!("nothing says `{word}`\n{left}")),
        None if words.is_empty() && !plan.left.is_empty() => Err(format!("something is left\n{left}")),
        None => Ok(plan.files.len()),
    }
}

#[test]
fn every_repository_of_the_corpus_is_edited_as_its_case_says() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sources");
    let folder = std::env::var_os("TRIMTRAIL_CORPUS").map_or(own, PathBuf::from);
    let (mut wrong, mut edited, mut all) = (Vec::new(), 0, 0);
    for case in cases(&folder) {
        let state = fs::read_to_string(folder.join(&case.name).join("state.json")).ok();
        let states: Vec<State> = state.iter().map(|text| State::parse(text).unwrap()).collect();
        let is_edited = list(&case.told, "edits").next().is_some();
        // What must never be edited is no measure of what can be.
        if case.told.get("never").is_none() {
            all += 1;
            edited += usize::from(is_edited);
        }
        let why = list(&case.told, "left")
            .next()
            .and_then(Value::as_str)
            .unwrap_or_default();
        println!("{:38} {:6} {why}", case.name, if is_edited { "edited" } else { "left" });
        for formatting in FORMATTINGS {
            if let Err(why) = tried(&case, &states, formatting) {
                wrong.push(format!("{} ({}): {why}", case.name, formatting.0));
            }
        }
    }
    println!("{edited} of {all} edited");
    assert_eq!(wrong, Vec::<String>::new(), "{}", wrong.join("\n"));
    assert!(edited * 100 >= all * 85, "{edited} of {all}");
}
