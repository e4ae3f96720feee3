//! ARN templates, prepared for one operation, and what a request fills into them.

use super::observe::{Place, top};
use super::operation::Concern;
use super::path::{MOST, text, values};
use crate::catalog::{ArnTemplate, Elsewhere, Form, Head, Name, Part, Reach, Slot, is_account};
use crate::decode::json::{Value, same_name};

/// Most ARNs that one template yields; an event that names more is not complete.
const ARNS: usize = 512;
/// Stands between the parameter that names a resource and the resource, where what one parameter names belongs to other
/// actions than what another one names: `x-amz-copy-source=arn:aws:s3:::b/k`.
const APART: char = '=';

/// The parameter of STS that holds managed policies for the session.
pub(super) const SESSION_POLICIES: &str = "policyArns";

/// The resource of an observation, without the parameter that it stands apart for.
pub fn bare(resource: &str) -> &str {
    apart(resource).1
}

/// The managed policy of a resource that was passed as a session policy (STS API reference, AssumeRole, `PolicyArns`).
pub fn session_policy(resource: &str) -> Option<&str> {
    let (role, arn) = apart(resource);
    (role == Some(SESSION_POLICIES)).then_some(arn)
}

/// The parameter that a resource stands apart for, and the resource.
pub(super) fn apart(resource: &str) -> (Option<&str>, &str) {
    match resource.split_once(APART) {
        Some((role, arn)) if arn.starts_with("arn:") && !role.contains(':') => (Some(role), arn),
        Some(_) | None => (None, resource),
    }
}

/// A resource that stands apart for a parameter.
pub(super) fn set_apart(role: &str, arn: &str) -> String {
    format!("{role}{APART}{arn}")
}

/// An ARN template, prepared.
#[derive(Clone, Debug)]
pub(super) struct Template {
    head: Option<Head>,
    parts: Vec<Part<'static>>,
    /// The parameter that it needs first.
    pub(super) first: Option<String>,
    /// The parameter that its resources stand apart for.
    pub(super) role: Option<String>,
    /// Whether it surely spells resources as AWS does; else they are hints, and what else the call touched is open.
    pub(super) known: bool,
}

/// What a request fills into a template.
#[derive(Default)]
pub(super) struct Filled {
    pub(super) arns: Vec<String>,
    /// ARNs in the request for which another one stands in policies.
    pub(super) replaced: Vec<String>,
    /// ARNs in the request that the template took something of, and those that it could take nothing of.
    pub(super) taken: Vec<String>,
    pub(super) refused: Vec<String>,
    /// Whether there may be more resources.
    pub(super) cut: bool,
}

/// A resource in the making.
#[derive(Clone, Default)]
struct Draft {
    elsewhere: Elsewhere,
    text: String,
    reach: Option<Reach>,
}

impl Draft {
    fn is_done(&self) -> bool {
        matches!(self.reach, Some(Reach::All | Reach::Arn))
    }

    fn with(&self, name: &Name) -> Draft {
        let mut draft = self.clone();
        match name.reach {
            Reach::Own => draft.text.push_str(&name.text),
            Reach::SoFar | Reach::All | Reach::Arn => draft.text.clone_from(&name.text),
        }
        let known = &mut draft.elsewhere;
        for (known, new) in [
            (&mut known.partition, &name.place.partition),
            (&mut known.region, &name.place.region),
            (&mut known.account, &name.place.account),
        ] {
            if new.is_some() {
                known.clone_from(new);
            }
        }
        draft.reach = Some(name.reach);
        draft
    }
}

impl Template {
    pub(super) fn new(template: &ArnTemplate, role: Option<String>, known: bool) -> Self {
        let (head, parts) = template.split();
        Self {
            first: template.parameters().first().map(|path| top(path).to_owned()),
            parts: parts.into_iter().map(Part::into_owned).collect(),
            head,
            role,
            known,
        }
    }

    /// Whether the request has the parameter that the template needs first. A request of one or two members may be
    /// wrapped.
    pub(super) fn may_fill(&self, request: &Value<'_>) -> bool {
        let members = request.members();
        let Some(first) = self
            .first
            .as_ref()
            .filter(|first| !first.is_empty() && members.len() > 2)
        else {
            return true;
        };
        members.iter().any(|(name, _)| same_name(name, first))
    }

    /// Fills the template from the request: every combination of the values at its paths, or nothing where one is
    /// missing.
    pub(super) fn fill(&self, request: &Value<'_>, place: &Place<'_>) -> Filled {
        let mut filled = Filled::default();
        let mut drafts = vec![Draft::default()];
        for (at, part) in self.parts.iter().enumerate() {
            let append = |drafts: &mut Vec<Draft>, text: &str| {
                let open = drafts.iter_mut().filter(|draft| !draft.is_done());
                open.for_each(|draft| draft.text.push_str(text));
            };
            let (path, form) = match part {
                Part::Literal(text) => {
                    append(&mut drafts, text);
                    continue;
                }
                Part::Partition => {
                    append(&mut drafts, place.partition);
                    continue;
                }
                Part::Region => {
                    append(&mut drafts, place.region);
                    continue;
                }
                Part::Account => {
                    append(&mut drafts, place.account);
                    continue;
                }
                Part::Parameter { path, form } => (path, *form),
            };
            let slot = self.slot(at, path, form);
            let names = names(&slot, request, &mut filled);
            let (done, open): (Vec<Draft>, Vec<Draft>) = drafts.into_iter().partition(Draft::is_done);
            if done.len() + open.len() * names.len() > ARNS {
                filled.cut = true;
                return filled;
            }
            drafts = done;
            for name in &names {
                drafts.extend(open.iter().map(|draft| draft.with(name)));
            }
        }
        let owner = self.owner(request);
        filled.arns = drafts
            .into_iter()
            .map(|draft| self.finish(draft, place, owner.as_deref()))
            .collect();
        filled
    }

    /// The members that the template takes names from, where the request has names there and no ARNs.
    pub(super) fn plain_parameters(&self, request: &Value<'_>) -> Vec<String> {
        let mut members = Vec::new();
        for part in self.parts.iter().filter(|_| self.head.is_some()) {
            let Part::Parameter { path, .. } = part else { continue };
            let is_arn = |value: &Value<'_>| text(value).is_some_and(|text| text.starts_with("arn:"));
            let values = values(request, path);
            if values.is_empty() || values.into_iter().any(is_arn) {
                return Vec::new();
            }
            let member = path.rsplit('.').next().unwrap_or(path);
            members.push(member.trim_end_matches(['[', ']', '{', '}']).to_owned());
        }
        members
    }

    fn slot<'s>(&'s self, at: usize, path: &'s str, form: Form) -> Slot<'s> {
        let literal = |part: Option<&'s Part<'static>>| match part {
            Some(Part::Literal(text)) => text.as_ref(),
            Some(Part::Partition | Part::Region | Part::Account | Part::Parameter { .. }) | None => "",
        };
        let before = &self.parts[..at];
        Slot {
            path,
            form,
            service: self.head.as_ref().map(|head| head.service.as_str()),
            lead: literal(self.parts.first()).trim_end_matches('*'),
            first: !before.iter().any(|part| matches!(part, Part::Parameter { .. })),
            before: literal(before.last()),
            after: literal(self.parts.get(at + 1)),
        }
    }

    /// The account that a parameter names as the owner.
    fn owner(&self, request: &Value<'_>) -> Option<String> {
        let paths = &self.head.as_ref()?.owner;
        let found = paths
            .iter()
            .find_map(|path| values(request, path).into_iter().find_map(text))?;
        Some(if is_account(found) { found } else { "*" }.to_owned())
    }

    fn finish(&self, draft: Draft, place: &Place<'_>, owner: Option<&str>) -> String {
        let Some(head) = self.head.as_ref().filter(|_| draft.reach != Some(Reach::Arn)) else {
            return draft.text;
        };
        let elsewhere = &draft.elsewhere;
        let region = elsewhere.region.as_deref().or(head.region.as_deref());
        let account = elsewhere.account.as_deref().or(owner).or(head.account.as_deref());
        format!(
            "arn:{}:{}:{}:{}:{}",
            elsewhere.partition.as_deref().unwrap_or(place.partition),
            head.service,
            region.unwrap_or(place.region),
            account.unwrap_or(place.account),
            draft.text
        )
    }
}

fn names(slot: &Slot<'_>, request: &Value<'_>, filled: &mut Filled) -> Vec<Name> {
    let values = values(request, slot.path);
    filled.cut |= values.len() >= MOST;
    let mut names = Vec::new();
    for value in values.into_iter().filter_map(text) {
        let mut found = slot.names_in(value);
        // Through an access point S3 asks for permission on the access point too.
        let of_s3 = matches!(slot.form, Form::Bucket | Form::Object);
        filled.cut |= !slot.form.knows(value);
        filled.cut |= of_s3 && found.iter().all(|name| name.reach == Reach::Arn);
        if value.starts_with("arn:") {
            if slot.form.replaces() {
                filled.replaced.push(value.to_owned());
            }
            let by = if found.is_empty() {
                &mut filled.refused
            } else {
                &mut filled.taken
            };
            by.push(value.to_owned());
        } else {
            // In an ARN a star may be meant as a wildcard, in a name never.
            found.iter_mut().for_each(Name::escape);
        }
        names.extend(found);
    }
    names
}

/// Where a template takes a parameter's value as it is, between colons and slashes, one plain name does as well as
/// another.
pub(super) fn template_concerns(template: &ArnTemplate, concern: &mut impl FnMut(&str, Concern)) {
    let separator = |byte: Option<u8>| byte.is_none_or(|byte| byte == b':' || byte == b'/');
    let parts = template.parts();
    let literal = |at: Option<usize>| match at.and_then(|at| parts.get(at)) {
        Some(Part::Literal(text)) => Some(Some(text.as_bytes())),
        Some(Part::Partition | Part::Region | Part::Account | Part::Parameter { .. }) => None,
        None => Some(None),
    };
    for (at, part) in parts.iter().enumerate() {
        if let Part::Parameter { path, form } = part {
            let before =
                literal(at.checked_sub(1)).is_some_and(|text| separator(text.and_then(|text| text.last().copied())));
            let after =
                literal(Some(at + 1)).is_some_and(|text| separator(text.and_then(|text| text.first().copied())));
            // A secret's name may lack what AWS adds to it, see `observe`.
            let as_it_is =
                form.takes_plain_names() && before && after && !template.as_str().contains(":secretsmanager:");
            concern(path, if as_it_is { Concern::Names } else { Concern::Whole });
        }
    }
    let owner = template.split().0.map_or_else(Vec::new, |head| head.owner);
    owner.iter().for_each(|path| concern(path, Concern::Whole));
}

/// What templates spell out between colons and slashes in resources: in a value it is no plain name.
pub(super) fn spelt_out<'t>(templates: impl IntoIterator<Item = &'t Template>) -> Vec<String> {
    let mut tokens = Vec::new();
    for part in templates.into_iter().flat_map(|template| &template.parts) {
        match part {
            Part::Literal(text) => tokens.extend(text.split([':', '/']).map(str::to_owned)),
            Part::Parameter { form, .. } => tokens.extend(form.looks_for().iter().map(|name| (*name).to_owned())),
            Part::Partition | Part::Region | Part::Account => {}
        }
    }
    tokens.retain(|token| !token.is_empty());
    tokens
}

#[cfg(test)]
mod tests;
