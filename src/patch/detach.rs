//! A managed policy of which its holders need nothing: its attachments to them go, and it stays for others.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::called::{Called, called};
use super::edits::{Edit, without_elements};
use super::matching::Matching;
use super::removal;
use super::terraform::{Name, Policy, attachments};
use super::tree::{Node, Piece, Syntax};
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
    /// Each whom it is attached to there: the kind, and what that is called.
    holders: Result<Vec<(&'static str, Name)>, String>,
    /// The accounts that they can be of, where that is written.
    accounts: Option<BTreeSet<String>>,
    goes: Goes,
}

/// What goes of a place.
enum Goes {
    /// The whole of it, where it goes from the only one that has it there.
    Whole(Result<Vec<Edit>, String>),
    /// Those of lists that it goes from, in the order of the holders; all of it where nobody is left.
    Of(Syntax, Vec<Node>, Result<Vec<Edit>, String>),
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
            let holders = place.holders.as_ref().map_err(|why| format!("{at}: {why}"))?;
            let mut goes = Vec::new();
            for (kind, name) in holders {
                let is_there = |owner: &str| {
                    let account = owner.split(':').nth(4).unwrap_or_default();
                    place
                        .accounts
                        .as_ref()
                        .is_none_or(|accounts| accounts.contains(account))
                };
                let owned = owners
                    .iter()
                    .filter(|owner| is_called(owner, kind, name) && is_there(owner));
                let owned: Vec<&String> = owned.collect();
                goes.push(!owned.is_empty());
                let Some(first) = owned.first() else { continue };
                let known = times.entry(first.as_str()).or_default();
                *known += 1;
                if *known > owned.len() {
                    return Err(format!("{at} attaches it once more than it is attached"));
                }
                gone.extend(owned.into_iter().cloned());
            }
            if !goes.contains(&true) {
                return Err(format!("{at} attaches it to somebody who is not told to have it"));
            }
            let cut = self.cut_of(place, &goes).map_err(|why| format!("{at}: {why}"))?;
            edits.extend(cut.into_iter().map(|edit| (place.file, edit)));
        }
        gone.sort();
        gone.dedup();
        let owners = gone;
        Ok(Detached { edits, owners })
    }

    /// The edits of a place for those of its holders that lose the policy.
    fn cut_of(&self, place: &Place, goes: &[bool]) -> Result<Vec<Edit>, String> {
        let (syntax, lists, whole) = match &place.goes {
            Goes::Whole(whole) => return whole.clone(),
            Goes::Of(syntax, lists, whole) => (*syntax, lists, whole),
        };
        if !goes.contains(&false) && whole.is_ok() {
            return whole.clone();
        }
        let mut rest = goes;
        let mut edits = Vec::new();
        for list in lists {
            let (here, behind) = rest.split_at(list.elements().len());
            rest = behind;
            edits.extend(without(&self.files[place.file].text, syntax, list, here)?);
        }
        Ok(edits)
    }

    fn in_terraform(&self, policy: Policy<'_>) -> Vec<Place> {
        let mut places = Vec::new();
        for one in attachments(self.project, policy) {
            let Some(file) = self.files.iter().position(|file| file.path == one.source.path) else {
                continue;
            };
            let text = &self.files[file].text;
            let (is_json, at) = (one.source.native.is_some(), one.source.near(one.span.start));
            let syntax = if is_json { Syntax::Json } else { Syntax::Hcl };
            let kept = self.unless_kept(file, &(if is_json { at..at } else { one.span.clone() }));
            let own = |list: &Node| one.source.in_file(text, list);
            let whole = || match &one.list {
                Some((list, goes)) => without(text, syntax, &own(list)?, goes),
                None if one.has_groups => Err("it is attached to groups, too".to_owned()),
                None if is_json => self.without_json(file, &one.address),
                None => self.without_block(file, &one.span, &one.address),
            };
            let whole = kept.clone().and_then(|()| whole());
            let lists = one.owners.iter().flatten().filter_map(|owners| owners.list.as_ref());
            let lists: Result<Vec<Node>, String> = lists.map(own).collect();
            places.push(Place {
                file,
                at,
                holders: kept.and(one.owners).map(|all| {
                    let each = all.into_iter().flat_map(|owners| {
                        let kind = owners.kind;
                        owners
                            .names
                            .into_iter()
                            .map(move |name| (kind, vec![Piece::Literal(name)]))
                    });
                    each.collect()
                }),
                accounts: one.accounts,
                goes: match lists {
                    Ok(lists) if lists.is_empty() => Goes::Whole(whole),
                    Ok(lists) => Goes::Of(syntax, lists, whole),
                    Err(why) => Goes::Whole(Err(why)),
                },
            });
        }
        places
    }

    /// A block of Terraform that attaches, with its lines.
    fn without_block(&self, file: usize, span: &Range<usize>, address: &str) -> Result<Vec<Edit>, String> {
        let here = &self.files[file];
        let goes = removal::Goes {
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

    /// The same of Terraform's JSON.
    fn without_json(&self, file: usize, address: &str) -> Result<Vec<Edit>, String> {
        let here = &self.files[file];
        let (kind, name) = address.split_once('.').unwrap_or_default();
        let gone = stack::without_block(&here.text, &["resource", kind, name])?;
        let goes = removal::Goes {
            path: &here.path,
            span: gone.clone(),
            instead: "",
            address: address.to_owned(),
        };
        match self.still_named(&goes, std::slice::from_ref(&goes)) {
            Some(place) => Err(format!("{place} still names {address}")),
            None => Ok(vec![cut(gone)]),
        }
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
                    holders: Ok(vec![(entry.kind, entry.name.unwrap_or_else(of_stack))]),
                    accounts: None,
                    goes: Goes::Whole(
                        self.unless_kept(file, &(entry.at..entry.at))
                            .and(entry.gone.map(|all| all.into_iter().map(cut).collect())),
                    ),
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

/// A list without some of its elements.
fn without(text: &str, syntax: Syntax, list: &Node, goes: &[bool]) -> Result<Vec<Edit>, String> {
    if !goes.contains(&false) {
        return Ok(vec![Edit {
            range: list.span.clone(),
            text: "[]".to_owned(),
        }]);
    }
    if !goes.contains(&true) {
        return Ok(Vec::new());
    }
    let cuts = without_elements(text, syntax, list, goes)?;
    Ok(cuts.into_iter().map(cut).collect())
}

/// A part of a file without anything in its place.
fn cut(range: Range<usize>) -> Edit {
    Edit {
        range,
        text: String::new(),
    }
}
