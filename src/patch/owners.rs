//! Whose each edited file is, so that everybody gets a pull request with their own files alone: a tag of the principals,
//! `CODEOWNERS`, the folder, in this order.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use sha2::{Digest as _, Sha256};

use super::{FileEdit, Plan};

/// Where GitHub and GitLab look for the list, the first that is there (GitHub Docs, "About code owners"; GitLab Docs,
/// "Code Owners").
const LISTS: [&str; 4] = [
    ".github/CODEOWNERS",
    "CODEOWNERS",
    "docs/CODEOWNERS",
    ".gitlab/CODEOWNERS",
];
/// Longest part of a name that tells the owner.
const NAME: usize = 40;

/// The edits of one owner.
#[derive(Clone, PartialEq, Debug)]
pub struct Owned {
    /// As a tag, `CODEOWNERS` or a folder names it: a stranger's text.
    pub owner: String,
    /// Letters, digits and hyphens, for a branch.
    pub name: String,
    /// What is edited, as a digest: the same while the same lines go and come, wherever they stand.
    pub answer: String,
    /// The edits.
    pub plan: Plan,
}

/// The list of owners of the repository that `dir` lies in.
#[derive(Clone, Debug, Default)]
pub struct CodeOwners {
    /// What paths in the list start from.
    root: PathBuf,
    rules: Vec<(Vec<Pattern>, String)>,
}

impl CodeOwners {
    /// Reads the list of the working tree around `dir`; without one nobody owns anything by it.
    pub fn around(dir: &Path) -> CodeOwners {
        let here = || fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
        let root = repository(dir).unwrap_or_else(here);
        let text = LISTS.iter().find_map(|name| fs::read_to_string(root.join(name)).ok());
        CodeOwners {
            rules: rules(&text.unwrap_or_default()),
            root,
        }
    }

    /// The path from the root of the repository, with `/`.
    fn path(&self, file: &Path) -> String {
        below(&self.root, file)
    }

    /// The owners of the last rule that fits.
    fn of(&self, path: &str) -> Option<&str> {
        let how = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: false,
        };
        let mut rules = self.rules.iter().rev();
        let fits = rules.find(|(patterns, _)| patterns.iter().any(|one| one.matches_with(path, how)));
        fits.map(|(_, owners)| owners.as_str())
            .filter(|owners| !owners.is_empty())
    }
}

/// The root of the repository that a folder lies in.
pub(super) fn repository(dir: &Path) -> Option<PathBuf> {
    let here = fs::canonicalize(dir).ok()?;
    let root = here.ancestors().find(|above| above.join(".git").exists());
    root.map(Path::to_owned)
}

/// The path of a file from a folder that it lies in, with `/`.
pub(super) fn below(root: &Path, file: &Path) -> String {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (root, file) = (real(root), real(file));
    let parts = file.strip_prefix(root).unwrap_or(&file).components();
    let parts: Vec<String> = parts
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    parts.join("/")
}

/// A line is a pattern and its owners; GitLab's `[Section]` heads none.
fn rules(text: &str) -> Vec<(Vec<Pattern>, String)> {
    let mut rules = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', '[', '!']) || line.starts_with("^[") {
            continue;
        }
        let mut words = words(line).into_iter();
        let Some(pattern) = words.next() else { continue };
        let owners: Vec<String> = words.take_while(|word| !word.starts_with('#')).collect();
        rules.push((patterns(&pattern), owners.join(" ")));
    }
    rules
}

/// Words of a line; a backslash keeps a space.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let last = words.len() - 1;
        match character {
            '\\' => words[last].extend(characters.next()),
            _ if character.is_whitespace() => {
                if !words[last].is_empty() {
                    words.push(String::new());
                }
            }
            _ => words[last].push(character),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// As in `.gitignore`, but that `[` stands for itself: what has a slash before its end starts at the root, a folder stands
/// for all below it, and `folder/*` for its files alone.
fn patterns(written: &str) -> Vec<Pattern> {
    let folder = written.ends_with('/');
    let inner = written.trim_end_matches('/');
    let from_root = inner.contains('/');
    // `**` stands between slashes alone; beside other characters it is `*`.
    let parts: Vec<String> = inner
        .trim_start_matches('/')
        .split('/')
        .map(|part| match part {
            "**" => part.to_owned(),
            _ => part.replace('[', "[[]").replace("**", "*"),
        })
        .collect();
    let base = if from_root {
        parts.join("/")
    } else {
        format!("**/{}", parts.join("/"))
    };
    let files_alone = from_root && parts.last().is_some_and(|last| last == "*");
    let mut all = Vec::new();
    if !folder {
        all.push(base.clone());
    }
    if !files_alone || folder {
        all.push(format!("{base}/**"));
    }
    all.iter().filter_map(|one| Pattern::new(one).ok()).collect()
}

/// Divides a plan by owner. `tag` tells whom a principal of a suggestion belongs to, all of them: suggestions whose
/// principals agree on one go there. Files that become smaller by the same suggestion stay together.
pub fn owned(plan: Plan, dir: &Path, list: &CodeOwners, tag: &dyn Fn(&str) -> Vec<Option<String>>) -> Vec<Owned> {
    let heads = together(&plan.files);
    let mut by_owner: BTreeMap<String, Vec<FileEdit>> = BTreeMap::new();
    let owners: Vec<String> = plan.files.iter().map(|file| owner(file, dir, list, tag)).collect();
    for (file, head) in plan.files.into_iter().zip(heads) {
        by_owner.entry(owners[head].clone()).or_default().push(file);
    }
    by_owner
        .into_iter()
        .map(|(owner, files)| Owned {
            name: name(&owner),
            answer: answer(&files, list),
            owner,
            plan: Plan {
                files,
                ..Plan::default()
            },
        })
        .collect()
}

/// A plan that is nobody's in particular.
pub fn all(plan: Plan, dir: &Path) -> Owned {
    Owned {
        owner: "all".to_owned(),
        name: "all".to_owned(),
        answer: answer(&plan.files, &CodeOwners::around(dir)),
        plan,
    }
}

/// For each file the first one that it has to stay with.
fn together(files: &[FileEdit]) -> Vec<usize> {
    let mut heads: Vec<usize> = (0..files.len()).collect();
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (at, file) in files.iter().enumerate() {
        for id in &file.suggestions {
            let known = *first.entry(id).or_insert(at);
            let (a, b) = (heads[known], heads[at]);
            heads
                .iter_mut()
                .filter(|head| **head == a.max(b))
                .for_each(|head| *head = a.min(b));
        }
    }
    heads
}

fn owner(file: &FileEdit, dir: &Path, list: &CodeOwners, tag: &dyn Fn(&str) -> Vec<Option<String>>) -> String {
    let tags: BTreeSet<Option<String>> = file.suggestions.iter().flat_map(|id| tag(id)).collect();
    if tags.len() == 1
        && let Some(Some(tag)) = tags.into_iter().next()
    {
        return tag;
    }
    if let Some(owners) = list.of(&list.path(&file.path)) {
        return owners.to_owned();
    }
    let below = file.path.strip_prefix(dir).unwrap_or(&file.path);
    match below.parent().and_then(|folder| folder.components().next()) {
        Some(folder) => format!("folder {}", folder.as_os_str().to_string_lossy()),
        None => "folder".to_owned(),
    }
}

/// `@shop/Platform team` is `shop-platform-team-` and a digest, for other owners may look alike without their signs.
fn name(owner: &str) -> String {
    let mut name = String::new();
    for character in owner.chars().take(NAME) {
        if character.is_ascii_alphanumeric() {
            name.push(character.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    let digest = hex(&Sha256::digest(owner.as_bytes()));
    format!("{}-{}", name.trim_end_matches('-'), &digest[..8])
        .trim_start_matches('-')
        .to_owned()
}

fn answer(files: &[FileEdit], list: &CodeOwners) -> String {
    let mut digest = Sha256::new();
    let mut add = |text: &str| {
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text.as_bytes());
    };
    for file in files {
        add(&list.path(&file.path));
        for (sign, from, other) in [("-", &file.before, &file.after), ("+", &file.after, &file.before)] {
            let mut there: HashMap<&str, usize> = HashMap::new();
            other.lines().for_each(|line| *there.entry(line).or_default() += 1);
            for line in from.lines() {
                match there.get_mut(line) {
                    Some(count) if *count > 0 => *count -= 1,
                    Some(_) | None => {
                        add(sign);
                        add(line);
                    }
                }
            }
        }
    }
    hex(&digest.finalize())[..32].to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
