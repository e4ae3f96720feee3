//! Which service account is to have which role, as files say: manifests, values of Helm charts, Kustomize.
//!
//! Nothing is rendered: what a template would put in is named and left out. A file that is no YAML, is too large or nests
//! without end counts only where it speaks of the annotation, and then it is named.

mod kustomize;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::Error;
use yaml::Yaml;

/// The annotation that gives a service account a role (EKS user guide, "Assign IAM roles to Kubernetes service accounts").
const ANNOTATION: &str = "eks.amazonaws.com/role-arn";
/// The largest file that is read.
const LARGEST: u64 = 4 << 20;
/// Most files of a folder.
const FILES: usize = 50_000;
/// How deep folders may nest.
const DEPTH: usize = 32;

/// What files say of service accounts and their roles.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Manifests {
    /// Sorted, each once.
    pub accounts: BTreeSet<ServiceAccount>,
    /// What could not be read, and why: files, or places in them.
    pub skipped: BTreeSet<(String, String)>,
}

/// A service account that a file annotates with a role.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ServiceAccount {
    /// The role's ARN.
    pub role: String,
    /// Its namespace, where the file says it: charts and bases often leave it to whoever installs them.
    pub namespace: Option<String>,
    /// Its name, where the file says it.
    pub name: Option<String>,
    /// Where that stands.
    pub place: String,
}

impl ServiceAccount {
    /// `shop/cart`, with `?` for what the file leaves open.
    pub fn label(&self) -> String {
        let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "?".to_owned());
        format!("{}/{}", part(&self.namespace), part(&self.name))
    }

    /// Whether it may be the one of these names: what a file leaves open may be anything.
    pub fn may_be(&self, namespace: &str, name: &str) -> bool {
        let fits = |said: &Option<String>, is: &str| said.as_deref().is_none_or(|said| said == is);
        fits(&self.namespace, namespace) && fits(&self.name, name)
    }
}

impl Manifests {
    /// Reads what lies in a folder, or one file.
    ///
    /// # Errors
    /// A folder or file that cannot be listed or read.
    pub(super) fn read(&mut self, root: &Path) -> Result<(), Error> {
        let mut files = Files::default();
        self.list(root, &mut files, 0)?;
        let skipped = std::mem::take(&mut files.skipped);
        self.skipped.extend(skipped);
        let (accounts, skipped) = kustomize::all(files.read);
        for account in accounts {
            self.add(account);
        }
        self.skipped.extend(skipped);
        Ok(())
    }

    /// What another folder says, too.
    pub(super) fn extend(&mut self, other: Manifests) {
        self.accounts.extend(other.accounts);
        self.skipped.extend(other.skipped);
    }

    /// Those that a role is for.
    pub fn of_role(&self, role: &str) -> impl Iterator<Item = &ServiceAccount> {
        let first = ServiceAccount {
            role: role.to_owned(),
            namespace: None,
            name: None,
            place: String::new(),
        };
        let of_role = self.accounts.range(first..);
        of_role.take_while(move |account| account.role == role)
    }

    /// Keeps one whose role is one.
    fn add(&mut self, account: ServiceAccount) {
        let open = [Some(&account.role), account.namespace.as_ref(), account.name.as_ref()];
        if open.into_iter().flatten().any(|text| is_template(text)) {
            self.skipped
                .insert((account.place, "a template puts the value in".to_owned()));
        } else if is_role(&account.role) {
            self.accounts.insert(account);
        } else if !account.role.is_empty() {
            self.skipped
                .insert((account.place, "the annotation is no ARN of a role".to_owned()));
        }
    }

    fn list(&mut self, path: &Path, files: &mut Files, depth: usize) -> Result<(), Error> {
        let io = |source| Error::Io {
            path: path.display().to_string(),
            source,
        };
        let kind = match depth {
            // Whoever names a link means what it leads to.
            0 => fs::metadata(path).map_err(io)?,
            _ => match fs::symlink_metadata(path) {
                Ok(kind) => kind,
                Err(_) => return Ok(()),
            },
        };
        if kind.is_dir() {
            let entries = match fs::read_dir(path) {
                Ok(entries) => entries,
                Err(source) if depth == 0 => return Err(io(source)),
                Err(source) => {
                    self.skipped.insert((path.display().to_string(), source.to_string()));
                    return Ok(());
                }
            };
            if depth > DEPTH {
                self.skipped
                    .insert((path.display().to_string(), format!("deeper than {DEPTH} folders")));
                return Ok(());
            }
            let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
            paths.sort();
            for path in paths {
                let name = path
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default();
                if !name.starts_with('.') && name != "node_modules" {
                    self.list(&path, files, depth + 1)?;
                }
            }
            return Ok(());
        }
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
        let is_yaml = matches!(extension.to_ascii_lowercase().as_str(), "yaml" | "yml" | "json" | "tpl");
        if kind.is_file() && (is_yaml || depth == 0 || kustomize::is_kustomization(path)) {
            files.read(path, kind.len());
        }
        Ok(())
    }
}

/// Files as they are read.
#[derive(Default)]
struct Files {
    read: BTreeMap<PathBuf, Vec<Yaml>>,
    skipped: Vec<(String, String)>,
}

impl Files {
    fn read(&mut self, path: &Path, length: u64) {
        let place = path.display().to_string();
        if self.read.len() >= FILES {
            self.skipped.push((place, format!("more than {FILES} files")));
            return;
        }
        if length > LARGEST {
            self.skipped.push((place, "larger than 4 MiB".to_owned()));
            return;
        }
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.skipped.push((place, error.to_string()));
                return;
            }
        };
        let is_kustomization = kustomize::is_kustomization(path);
        // What a kustomization takes in may speak of service accounts without the annotation, which a patch brings.
        let speaks = |word: &str| memmem::find(&bytes, word.as_bytes()).is_some();
        let annotates = speaks(ANNOTATION) || speaks("eks.amazonaws.com~1role-arn");
        if !is_kustomization && !annotates && !speaks("ServiceAccount") {
            return;
        }
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => text.trim_start_matches('\u{feff}'),
            Err(_) if annotates => {
                self.skipped.push((place, "not UTF-8".to_owned()));
                return;
            }
            Err(_) => return,
        };
        match yaml::documents(text) {
            Ok(documents) => _ = self.read.insert(path.to_owned(), documents),
            Err(_) if annotates && is_template(text) => {
                self.skipped
                    .push((place, "a template: give what it renders to (helm template)".to_owned()));
            }
            Err(why) if annotates || is_kustomization => self.skipped.push((place, why)),
            Err(_) => {}
        }
    }
}

/// The service accounts that a document says, and what it says of those that a chart makes: values at any depth.
fn accounts(document: &Yaml, place: &str, found: &mut Vec<ServiceAccount>) {
    if document.text_of("kind") == Some("List") {
        for item in document.get("items").map_or(&[][..], Yaml::list) {
            accounts(item, place, found);
        }
        return;
    }
    if document.text_of("kind") == Some("ServiceAccount") {
        if let Some(metadata) = document.get("metadata") {
            let text = |key: &str| metadata.text_of(key).map(str::to_owned);
            let role = metadata.get("annotations").and_then(|all| all.text_of(ANNOTATION));
            found.push(ServiceAccount {
                role: role.unwrap_or_default().to_owned(),
                namespace: text("namespace"),
                name: text("name"),
                place: place.to_owned(),
            });
        }
        return;
    }
    values(document, place, found);
}

/// Values of a chart: whatever has annotations of its own, one of which names a role.
fn values(value: &Yaml, place: &str, found: &mut Vec<ServiceAccount>) {
    match value {
        Yaml::Map(members) => {
            if let Some(role) = value.get("annotations").and_then(|all| all.text_of(ANNOTATION)) {
                let text = |key: &str| value.text_of(key).filter(|text| !text.is_empty()).map(str::to_owned);
                found.push(ServiceAccount {
                    role: role.to_owned(),
                    namespace: text("namespace"),
                    name: text("name"),
                    place: place.to_owned(),
                });
            }
            for (key, member) in members.iter().filter(|(key, _)| *key != "annotations") {
                values(member, &format!("{place}: {key}"), found);
            }
        }
        Yaml::List(elements) => elements.iter().for_each(|element| values(element, place, found)),
        Yaml::Text(_) => {}
    }
}

/// Whether a template has its say in a text: Helm's, a variable of Kustomize or of Flux, one of a shell.
fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("${") || text.contains("$(")
}

fn is_role(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    matches!(parts[..], ["arn", _, "iam", "", account, name]
        if account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) && name.starts_with("role/"))
}

#[cfg(test)]
mod tests;
