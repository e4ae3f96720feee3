//! A managed policy of which its holders need nothing: its attachments to them go, and it stays for others.

use std::collections::BTreeMap;
use std::ops::Range;

use super::called::{Called, called};
use super::edits::{Edit, without_elements};
use super::matching::Matching;
use super::removal::{self, Goes};
use super::terraform::{Name, Policy, attachments};
use super::tree::{Piece, Syntax};
use super::{keep, stack};

/// The edits that take a policy from those who have it, and why some of them keep it.
pub(super) struct Detached {
    pub(super) edits: Vec<(usize, Edit)>,
    /// Those from whom it goes.
    pub(super) owners: Vec<String>,
}

/// A place that attaches it.
struct Place {
    file: usize,
    at: usize,
    /// The kind of whom it is attached to, and what that is called.
    kind: &'static str,
    name: Result<Name, String>,
    edits: Result<Vec<Edit>, String>,
}

impl Matching<'_> {
    /// What goes of the files with the attachments of a policy to its `owners`.
    ///
    /// # Errors
    /// Why nothing does, with file and line.
    pub(super) fn detached(&self, policy: Policy<'_>, owners: &[String]) -> Result<Detached, String> {
        let mut places = self.in_terraform(policy);
        places.extend(self.in_stacks(policy.arn));
        if places.is_empty() {
            return Err("nothing under the folder attaches it".to_owned());
        }
        let (mut edits, mut gone) = (Vec::new(), Vec::new());
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for place in &places {
            let at = self.files[place.file].place(place.at);
            let name = place.name.as_ref().map_err(|why| format!("{at}: {why}"))?;
            let owned: Vec<&String> = owners
                .iter()
                .filter(|owner| is_called(owner, place.kind, name))
                .collect();
            let Some(first) = owned.first() else {
                return Err(format!("{at} attaches it to somebody who is not told to have it"));
            };
            let known = times.entry(first.as_str()).or_default();
            *known += 1;
            if *known > owned.len() {
                return Err(format!("{at} attaches it once more than it is attached"));
            }
            gone.extend(owned.into_iter().cloned());
            let cut = place.edits.as_ref().map_err(|why| format!("{at}: {why}"))?;
            edits.extend(cut.iter().map(|edit| (place.file, edit.clone())));
        }
        gone.sort();
        gone.dedup();
        let owners = gone;
        Ok(Detached { edits, owners })
    }

    fn in_terraform(&self, policy: Policy<'_>) -> Vec<Place> {
        let mut places = Vec::new();
        for one in attachments(self.project, policy) {
            let Some(file) = self.files.iter().position(|file| file.path == one.source.path) else {
                continue;
            };
            let text = &self.files[file].text;
            let cut = match &one.list {
                Some((list, goes)) if goes.iter().all(|goes| *goes) => Ok(vec![Edit {
                    range: list.span.clone(),
                    text: "[]".to_owned(),
                }]),
                Some((list, goes)) => {
                    without_elements(text, Syntax::Hcl, list, goes).map(|all| all.into_iter().map(cut).collect())
                }
                None => self.without_block(file, &one.span, &one.address),
            };
            let (kind, name) = one.owner;
            places.push(Place {
                file,
                at: one.span.start,
                kind,
                name: name.map(|name| vec![Piece::Literal(name)]),
                edits: self.unless_kept(file, &one.span).and(cut),
            });
        }
        places
    }

    /// A block of Terraform that attaches, with its lines.
    fn without_block(&self, file: usize, span: &Range<usize>, address: &str) -> Result<Vec<Edit>, String> {
        let here = &self.files[file];
        let goes = Goes {
            path: &here.path,
            span: span.clone(),
            instead: "",
            address: address.to_owned(),
        };
        if let Some(place) = self.still_named(&goes, std::slice::from_ref(&goes)) {
            return Err(format!("{place} still names {address}"));
        }
        let lines = removal::lines(&here.text, span).ok_or("it shares its lines with others")?;
        Ok(vec![cut(lines)])
    }

    fn unless_kept(&self, file: usize, span: &Range<usize>) -> Result<(), String> {
        let kept = keep::kept(&self.files[file].text, span, self.now);
        match kept.patterns.is_empty() && kept.unclear.is_none() {
            true => Ok(()),
            false => Err("a comment keeps some of it".to_owned()),
        }
    }

    fn in_stacks(&self, arn: &str) -> Vec<Place> {
        let mut places = Vec::new();
        for (file, here) in self
            .files
            .iter()
            .enumerate()
            .filter(|(_, file)| file.terraform.is_none())
        {
            if !here.text.contains("ManagedPolicyArns") {
                continue;
            }
            let stem = here.path.file_stem().unwrap_or_default().to_string_lossy();
            for entry in stack::attached(&here.text, arn) {
                let between = Piece::Literal(format!("-{}-", entry.id));
                // What has no name of its own is called STACK-RESOURCE-RANDOM, and its file often as the stack is.
                let of_stack = || {
                    vec![
                        Piece::Literal(stem.clone().into_owned()),
                        Piece::Reference,
                        between.clone(),
                        Piece::Reference,
                    ]
                };
                places.push(Place {
                    file,
                    at: entry.at,
                    kind: entry.kind,
                    name: Ok(entry.name.unwrap_or_else(of_stack)),
                    edits: self
                        .unless_kept(file, &(entry.at..entry.at))
                        .and(entry.gone.map(|all| all.into_iter().map(cut).collect())),
                });
            }
        }
        places
    }
}

/// Whether a principal is of a kind and told by a name.
fn is_called(arn: &str, kind: &str, name: &Name) -> bool {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or("");
    let own = resource.rsplit('/').next().unwrap_or(resource);
    let told = called(std::slice::from_ref(name), &[own]);
    let is_told = matches!(told, Called::So(_, written) if written.is_whole() || written.is_telling());
    is_told && resource.split('/').next() == Some(kind)
}

/// A part of a file without anything in its place.
fn cut(range: Range<usize>) -> Edit {
    Edit {
        range,
        text: String::new(),
    }
}
