//! Kustomize: which files an overlay takes in, and what it makes of their service accounts: namespace, names, annotations.
//!
//! Reference: kustomize's documentation, "The Kustomization File". Plug-ins, components' conditions and charts are not run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::yaml::{self, Yaml};
use super::{ANNOTATION, ServiceAccount, accounts};

/// How deep overlays may stand upon each other.
const DEPTH: usize = 20;
/// Most service accounts of all overlays together.
const MOST: usize = 100_000;
/// What a JSON patch calls the annotation (RFC 6901 writes `/` as `~1`).
const POINTER: &str = "/metadata/annotations/eks.amazonaws.com~1role-arn";

/// What was found, and what was left out with the reason.
type Found = (Vec<ServiceAccount>, Vec<(String, String)>);

/// Whether a file is one of Kustomize's own.
pub(super) fn is_kustomization(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
    matches!(name, "kustomization.yaml" | "kustomization.yml" | "Kustomization")
}

/// The service accounts of all files: what an overlay takes in counts as the overlay has it.
pub(super) fn all(files: BTreeMap<PathBuf, Vec<Yaml>>) -> Found {
    let mut overlays: BTreeMap<PathBuf, &Yaml> = BTreeMap::new();
    for (path, documents) in &files {
        if let (true, Some(first)) = (is_kustomization(path), documents.first()) {
            overlays.insert(path.parent().unwrap_or(Path::new("")).to_owned(), first);
        }
    }
    let mut tree = Tree {
        files: &files,
        overlays: &overlays,
        skipped: Vec::new(),
        taken: BTreeSet::new(),
        left: MOST,
    };
    // An overlay that another one takes in stands for itself no more.
    let mut below: BTreeSet<PathBuf> = BTreeSet::new();
    for (folder, overlay) in &overlays {
        for path in resources(folder, overlay) {
            below.insert(path);
        }
    }
    let mut found = Vec::new();
    let tops: Vec<&PathBuf> = overlays.keys().filter(|folder| !below.contains(*folder)).collect();
    for folder in tops {
        let place = folder.display().to_string();
        for account in tree.built(folder, 0) {
            // One that is annotated nowhere is nobody's here.
            found.push(ServiceAccount {
                place: if account.place.is_empty() {
                    place.clone()
                } else {
                    account.place.clone()
                },
                ..account
            });
        }
    }
    let (taken, skipped) = (tree.taken, tree.skipped);
    for (path, documents) in &files {
        if !is_kustomization(path) && !taken.contains(path) {
            let place = path.display().to_string();
            documents
                .iter()
                .for_each(|document| accounts(document, &place, &mut found));
        }
    }
    (found, skipped)
}

struct Tree<'f> {
    files: &'f BTreeMap<PathBuf, Vec<Yaml>>,
    overlays: &'f BTreeMap<PathBuf, &'f Yaml>,
    skipped: Vec<(String, String)>,
    /// Files that an overlay takes in, as a resource or as a patch.
    taken: BTreeSet<PathBuf>,
    left: usize,
}

impl Tree<'_> {
    /// The service accounts that an overlay makes.
    fn built(&mut self, folder: &Path, depth: usize) -> Vec<ServiceAccount> {
        let Some(overlay) = self.overlays.get(folder).copied() else {
            return Vec::new();
        };
        if depth > DEPTH {
            self.skipped.push((
                folder.display().to_string(),
                format!("overlays stand on each other deeper than {DEPTH}"),
            ));
            return Vec::new();
        }
        let mut built: Vec<ServiceAccount> = Vec::new();
        for path in resources(folder, overlay) {
            if let Some(documents) = self.files.get(&path) {
                self.taken.insert(path.clone());
                let place = path.display().to_string();
                documents
                    .iter()
                    .for_each(|document| accounts(document, &place, &mut built));
            } else if self.overlays.contains_key(&path) {
                built.extend(self.built(&path, depth + 1));
            }
        }
        if built.len() > self.left {
            self.skipped.push((
                folder.display().to_string(),
                format!("more than {MOST} service accounts"),
            ));
            return Vec::new();
        }
        self.left -= built.len();
        self.patch(folder, overlay, &mut built);
        let everywhere = overlay.get("commonAnnotations").and_then(|all| all.text_of(ANNOTATION));
        let text = |key: &str| overlay.text_of(key).unwrap_or_default();
        for account in &mut built {
            if let Some(role) = everywhere {
                account.role = role.to_owned();
            }
            if !text("namespace").is_empty() {
                account.namespace = Some(text("namespace").to_owned());
            }
            if let Some(name) = &mut account.name {
                *name = format!("{}{name}{}", text("namePrefix"), text("nameSuffix"));
            }
        }
        built
    }

    /// Applies what patches say of the annotation.
    fn patch(&mut self, folder: &Path, overlay: &Yaml, built: &mut [ServiceAccount]) {
        let list = |key: &str| overlay.get(key).map_or(&[][..], Yaml::list);
        for entry in list("patchesStrategicMerge") {
            let documents = entry
                .text()
                .map(|text| self.documents(folder, text))
                .unwrap_or_default();
            documents.iter().for_each(|patch| merge(patch, built));
        }
        for entry in list("patches").iter().chain(list("patchesJson6902")) {
            let target = entry.get("target");
            let text = entry.text_of("patch").or_else(|| entry.text_of("path"));
            for patch in text.map(|text| self.documents(folder, text)).unwrap_or_default() {
                match &patch {
                    Yaml::List(operations) => operate(operations, target, built),
                    Yaml::Map(_) => merge(&patch, built),
                    Yaml::Text(_) => {}
                }
            }
        }
    }

    /// The documents of a patch that stands there, or in a file that is named there.
    fn documents(&mut self, folder: &Path, text: &str) -> Vec<Yaml> {
        if !text.contains('\n') && !text.trim_start().starts_with(['{', '[', '-']) {
            let path = within(folder, text);
            self.taken.insert(path.clone());
            return self.files.get(&path).cloned().unwrap_or_default();
        }
        match yaml::documents(text) {
            Ok(documents) => documents,
            Err(why) if text.contains("role-arn") => {
                self.skipped
                    .push((folder.display().to_string(), format!("a patch: {why}")));
                Vec::new()
            }
            Err(_) => Vec::new(),
        }
    }
}

/// A patch that is a part of what it changes.
fn merge(patch: &Yaml, built: &mut [ServiceAccount]) {
    let mut of_patch = Vec::new();
    if patch.text_of("kind") == Some("ServiceAccount") {
        accounts(patch, "", &mut of_patch);
    }
    for change in of_patch.iter().filter(|change| !change.role.is_empty()) {
        for account in built.iter_mut().filter(|account| account.name == change.name) {
            account.role.clone_from(&change.role);
        }
    }
}

/// A patch of operations (RFC 6902), on the service accounts that its target names.
fn operate(operations: &[Yaml], target: Option<&Yaml>, built: &mut [ServiceAccount]) {
    let kind = target.and_then(|target| target.text_of("kind"));
    if kind.is_some_and(|kind| kind != "ServiceAccount") {
        return;
    }
    let name = target.and_then(|target| target.text_of("name"));
    for operation in operations {
        let is_set = matches!(operation.text_of("op"), Some("add" | "replace"));
        let role = match operation.text_of("path") {
            Some(POINTER) if is_set => operation.text_of("value"),
            Some("/metadata/annotations") if is_set => operation.get("value").and_then(|all| all.text_of(ANNOTATION)),
            _ => None,
        };
        let Some(role) = role else { continue };
        let fits = |account: &&mut ServiceAccount| name.is_none_or(|name| account.name.as_deref() == Some(name));
        for account in built.iter_mut().filter(fits) {
            role.clone_into(&mut account.role);
        }
    }
}

/// What an overlay takes in: files and folders.
fn resources(folder: &Path, overlay: &Yaml) -> Vec<PathBuf> {
    let lists = ["resources", "bases", "components"].into_iter();
    let entries = lists.filter_map(|key| overlay.get(key)).flat_map(Yaml::list);
    entries
        .filter_map(|entry| Some(within(folder, entry.text()?)))
        .collect()
}

/// A path from a folder, without `.` and `..`; what is no path, such as a URL, leads nowhere.
fn within(folder: &Path, path: &str) -> PathBuf {
    let mut out = folder.to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir => {
                // From the folder in which the program runs, `..` leads where nothing was read.
                if !out.pop() {
                    out.push("..");
                }
            }
            Component::Normal(part) => out.push(part),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => out = PathBuf::from("/"),
        }
    }
    out
}
