//! The facts of a request that decide which actions it needed, and the resources that it named.

use std::collections::BTreeSet;

use super::operation::Operation;
use super::path::{is_empty, is_there, told, unwrapped, values};
use super::templates::{SESSION_POLICIES, Template, set_apart};
use super::{PASSED_PROFILE, PASSED_ROLE};
use crate::catalog::{Mapping, decoded_object};
use crate::decode::json::Value;
use crate::decode::{Event, Payload};
use crate::iam::{arn, pattern};

/// Most ARNs that one event yields; an event that names more is not complete.
const ARNS: usize = 512;
/// How deep parameters are searched for ARNs.
const DEPTH: usize = 6;
/// Longest value that decides, and most values of one path; the rest stands as [`OTHER`].
const VALUE: usize = 40;
const VALUES: usize = 8;
/// Stands for values that were too long or too many to keep.
const OTHER: &str = "*";

/// What of a request decides which actions it needed: facts of the request alone, free of grants and catalog.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Facts {
    /// Whether the event shows the request's parameters; CloudTrail omits those over 100 KB, and those of many denials.
    pub known: bool,
    /// Whether the event names more resources than were kept.
    pub cut: bool,
    /// Names of the parameters that carry something, sorted.
    pub parameters: Vec<String>,
    /// Nested paths that were looked for, sorted, and whether they carry something.
    pub nested: Vec<(String, bool)>,
    /// Values that decide: (path, value), sorted; `*` stands for values that were not kept.
    pub values: Vec<(String, String)>,
    /// Types of the resources that the event shows, sorted: `s3:object`.
    pub kinds: Vec<String>,
}

impl Facts {
    /// Whether the event shows a resource of this type.
    pub fn has_kind(&self, kind: &str) -> bool {
        self.kinds.binary_search_by(|known| known.as_str().cmp(kind)).is_ok()
    }

    /// Whether a parameter carries something; `None` where the facts do not tell.
    pub(super) fn present(&self, path: &str) -> Option<bool> {
        if !self.known {
            return None;
        }
        let first = top(path);
        let has_first = self.parameters.iter().any(|known| same_parameter(known, first));
        if first == path || !has_first {
            return Some(has_first);
        }
        // Where nobody looked inside for this path when the call was counted, nobody knows.
        self.nested
            .iter()
            .find(|(known, _)| known == path)
            .map(|(_, present)| *present)
    }

    /// The values at a path that decide, so far as they were kept.
    pub(super) fn values<'f>(&'f self, path: &'f str) -> impl Iterator<Item = &'f str> {
        let of_path = self.values.iter().filter(move |(known, _)| known == path);
        of_path.map(|(_, value)| value.as_str())
    }

    /// Whether the values at a path may hold others than those that were kept.
    pub(super) fn holds_others(&self, path: &str) -> bool {
        self.values(path).any(|value| value == OTHER)
    }
}

/// The parameter that a path starts at.
pub(super) fn top(path: &str) -> &str {
    path.split(['.', '[', '{', ':']).next().unwrap_or(path)
}

/// Equal but for the case of the first letter.
fn same_parameter(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && a.is_char_boundary(1)
        && b.is_char_boundary(1)
        && a[..1].eq_ignore_ascii_case(&b[..1])
        && a[1..] == b[1..]
}

/// Facts and resources of one event.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Observed {
    /// What decides.
    pub facts: Facts,
    /// ARNs that the event names, of types that its operation may touch, sorted. One that belongs to some actions of the
    /// call alone stands behind the parameter that names it: see [`bare`](super::bare).
    pub resources: Vec<String>,
}

/// Looks at one event.
pub fn observe(event: &Event<'_>, operation: &Operation) -> Observed {
    let Mapping::Actions(_) = &operation.mapping else {
        return Observed::default();
    };
    let request = event.request_parameters.parse().map(unwrapped);
    // Null means "no parameters" on a call that went through, and "left out" on one that did not.
    let known = !event.coarse
        && match &event.request_parameters {
            Payload::Json(_) => request.is_some(),
            Payload::Null => event.error_code.is_none(),
            Payload::Absent | Payload::Text(_) => false,
        };
    let mut facts = Facts {
        known,
        ..Facts::default()
    };
    let mut found = Found::default();
    let mut session_policies = BTreeSet::new();
    if !event.coarse {
        listed_resources(event, &mut found);
    }
    if let Some(request) = &request {
        facts.parameters = request
            .members()
            .iter()
            .filter(|(_, value)| !is_empty(value))
            .map(|(name, _)| name.to_string())
            .collect();
        facts.parameters.sort_unstable();
        facts.parameters.dedup();
        for path in &operation.paths {
            if top(path) != path {
                facts.nested.push((path.clone(), is_there(request, path)));
            }
        }
        for path in &operation.value_paths {
            facts
                .values
                .extend(deciding(request, path).into_iter().map(|value| (path.clone(), value)));
        }
        named(request, operation, &Place::of(event), &mut found);
        if event.source == "sts.amazonaws.com"
            && let Some(policies) = request.get(SESSION_POLICIES)
        {
            let mut passed = Found::default();
            arns_in(policies, DEPTH, &mut passed);
            session_policies = passed.arns;
        }
    }
    found.settle();
    let mut resources = BTreeSet::new();
    let mut kinds: BTreeSet<String> = found.passed.iter().map(|(kind, _)| (*kind).to_owned()).collect();
    let sort_in =
        |arns: BTreeSet<String>, only_new: bool, resources: &mut BTreeSet<String>, kinds: &mut BTreeSet<String>| {
            let before = kinds.clone();
            for arn in arns {
                if let Some(kind) = operation.kind_of(&arn)
                    && !(only_new && before.contains(&kind.name))
                {
                    kinds.insert(kind.name.clone());
                    resources.insert(arn);
                }
            }
        };
    sort_in(std::mem::take(&mut found.arns), false, &mut resources, &mut kinds);
    let hints = std::mem::take(&mut found.hints);
    resources.extend(hints.into_iter().filter(|arn| operation.kind_of(arn).is_some()));
    let apart = std::mem::take(&mut found.apart).into_iter();
    let apart = apart.filter(|(_, arn)| operation.kind_of(arn).is_some());
    resources.extend(apart.map(|(role, arn)| set_apart(&role, &arn)));
    resources.extend(found.passed.iter().map(|(_, arn)| arn.clone()));
    resources.extend(session_policies.iter().map(|arn| set_apart(SESSION_POLICIES, arn)));
    if let Some(caller) = the_caller(event, operation).filter(|_| known && !kinds.contains(USER)) {
        kinds.insert(USER.to_owned());
        resources.insert(caller.to_owned());
    }
    // What a call has made is named in its response alone.
    if let Some(response) = event.response_elements.parse().filter(|_| !event.coarse) {
        let mut made = Found::default();
        arns_in(&response, 3, &mut made);
        sort_in(made.arns, true, &mut resources, &mut kinds);
    }
    // A denial names the one resource on which permission failed, which may not have been the only one.
    if let Some(denied) = denied_resource(event).filter(|arn| operation.kind_of(arn).is_some()) {
        resources.insert(denied.to_owned());
    }
    facts.cut = found.cut;
    facts.kinds = kinds.into_iter().collect();
    Observed {
        facts,
        resources: resources.into_iter().collect(),
    }
}

/// What a request names: by templates, by ARNs anywhere in it, and as roles that it hands over.
fn named(request: &Value<'_>, operation: &Operation, place: &Place<'_>, found: &mut Found) {
    for template in operation.templates.iter().filter(|template| template.may_fill(request)) {
        found.fill(template, request, place);
    }
    // What a parameter names that no template knows is not among what they tell.
    let unknown = |arn: &String| !found.taken.contains(arn) && operation.kind_of(arn).is_none();
    found.cut |= found.refused.iter().any(unknown);
    arns_in(request, DEPTH, found);
    let together = &found.together;
    let stays = |arn: &String| together.contains(arn) || !found.replaced.contains(arn);
    found.arns.retain(stays);
    if operation.takes_roles {
        passed(request, operation, place, found);
    }
    let whole: Vec<String> = found.arns.iter().filter_map(|arn| whole_secret(arn)).collect();
    whole.into_iter().for_each(|arn| found.arn(arn));
}

/// The parameters of a request that the event shows to hold what an ARN has: with them a template yields an ARN that the
/// event lists, that its answer names, or that a denial names.
pub fn shown(event: &Event<'_>, operation: &Operation) -> BTreeSet<String> {
    let mut parameters = BTreeSet::new();
    let Some(request) = event.request_parameters.parse().map(unwrapped) else {
        return parameters;
    };
    let mut named = Found::default();
    listed_resources(event, &mut named);
    if let Some(response) = event.response_elements.parse() {
        arns_in(&response, DEPTH, &mut named);
    }
    named
        .arns
        .extend(denied_resource(event).map(|arn| arn.trim_end_matches('.').to_owned()));
    let place = Place::of(event);
    for template in &operation.templates {
        let plain = template.plain_parameters(&request);
        let filled = template.fill(&request, &place).arns;
        let fits = |pattern: &String| named.arns.iter().any(|arn| same_resource(pattern, arn));
        if filled.iter().any(fits) {
            parameters.extend(plain);
        }
    }
    parameters
}

/// Whether a filled template is this ARN, but for the region and account, which examples invent.
fn same_resource(pattern: &str, arn: &str) -> bool {
    let part = |text: &str, at: usize| text.splitn(6, ':').nth(at).unwrap_or("").to_owned();
    part(pattern, 2) == part(arn, 2) && pattern::matches(&part(pattern, 5), &part(arn, 5))
}

/// The kind of an IAM user in [`Facts::kinds`].
const USER: &str = "iam:user";

/// Calls on a user that name none are on the caller (IAM API reference, `UserName`: "it defaults to the user making the
/// request").
fn the_caller<'e>(event: &'e Event<'_>, operation: &Operation) -> Option<&'e str> {
    let identity = event.identity.as_ref()?;
    let of_users = event.source == "iam.amazonaws.com" && operation.kinds.iter().any(|kind| kind.name == USER);
    (of_users && identity.kind.as_deref() == Some("IAMUser")).then_some(identity.arn.as_deref()?)
}

/// `… is not authorized to perform: ACTION on resource: ARN …` (IAM user guide, "Troubleshoot access denied errors").
fn denied_resource<'e>(event: &'e Event<'_>) -> Option<&'e str> {
    let rest = event.error_message.as_deref()?.split_once(" on resource: ")?.1;
    rest.split_ascii_whitespace()
        .next()
        .filter(|arn| arn.starts_with("arn:"))
}

/// The values at a path that decides, sorted, few and short: they are names of operations and modes.
fn deciding(request: &Value<'_>, path: &str) -> BTreeSet<String> {
    let mut kept = BTreeSet::new();
    for value in told(request, path) {
        if value.len() <= VALUE && kept.len() < VALUES {
            kept.insert(value);
        } else {
            kept.insert(OTHER.to_owned());
        }
    }
    kept
}

#[derive(Default)]
struct Found {
    arns: BTreeSet<String>,
    /// From templates of which nobody knows whether they spell resources as AWS does.
    hints: BTreeSet<String>,
    /// Behind the parameters that they stand apart for.
    apart: BTreeSet<(String, String)>,
    /// From the templates of actions for which nothing stands apart.
    together: BTreeSet<String>,
    replaced: BTreeSet<String>,
    taken: BTreeSet<String>,
    refused: BTreeSet<String>,
    passed: BTreeSet<(&'static str, String)>,
    cut: bool,
}

impl Found {
    fn fill(&mut self, template: &Template, request: &Value<'_>, place: &Place<'_>) {
        let filled = template.fill(request, place);
        self.cut |= filled.cut;
        self.replaced.extend(filled.replaced);
        self.taken.extend(filled.taken);
        self.refused.extend(filled.refused);
        for arn in filled.arns {
            match &template.role {
                Some(role) => {
                    self.apart.insert((role.clone(), arn));
                }
                None => {
                    self.together.insert(arn.clone());
                    if template.known {
                        self.arn(arn);
                    } else {
                        self.hints.insert(arn);
                    }
                }
            }
        }
    }

    /// Leaves out what an event lists that stands apart already.
    fn settle(&mut self) {
        let Found {
            arns, apart, together, ..
        } = self;
        arns.retain(|arn| together.contains(arn) || apart.iter().all(|(_, known)| known != arn));
    }

    fn arn(&mut self, arn: String) {
        if self.arns.len() < ARNS {
            self.arns.insert(arn);
        } else {
            self.cut = true;
        }
    }
}

/// `resources[].ARN`; where S3 lists, it names a prefix instead, which is no resource.
fn listed_resources(event: &Event<'_>, found: &mut Found) {
    let Some(resources) = event.resources.parse() else {
        return;
    };
    for resource in resources.elements() {
        if let Some(arn) = resource
            .get("ARN")
            .or_else(|| resource.get("arn"))
            .and_then(Value::as_str)
            && arn.starts_with("arn:")
        {
            found.cut |= is_access_point(arn);
            // An event may percent-encode the key of an object.
            if let Some(decoded) = decoded_object(arn) {
                found.arn(literal_object(&decoded));
            }
            found.arn(literal_object(arn));
        }
    }
}

/// The ARN of an object, whose key may hold stars, as what stands for it alone; any other ARN as it is.
fn literal_object(arn: &str) -> String {
    match arn.split_once(":s3:::") {
        Some((_, name)) if name.contains('/') => arn::literal(arn).into_owned(),
        Some(_) | None => arn.to_owned(),
    }
}

/// Whether a call that lists this resource came through an access point: S3 asked for permission on that and on the object
/// behind it, whose ARN no field has whole (S3 user guide, "Monitoring and logging access points"). On Outposts there is no
/// other way.
fn is_access_point(arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':').skip(2);
    match (parts.next(), parts.nth(1), parts.next()) {
        (Some("s3-outposts"), ..) => true,
        (Some("s3" | "s3express" | "s3-object-lambda"), Some(account), Some(resource)) => {
            !account.is_empty() && resource.starts_with("accesspoint/")
        }
        _ => false,
    }
}

/// Where a call took place: what ARN templates take from the event itself.
pub(super) struct Place<'e> {
    pub(super) partition: &'e str,
    pub(super) region: &'e str,
    pub(super) account: &'e str,
}

impl<'e> Place<'e> {
    pub(super) fn of(event: &'e Event<'_>) -> Place<'e> {
        let identity = event.identity.as_ref();
        // The partition stands in the caller's own ARN; no list of regions is needed to tell.
        let arn = identity.and_then(|identity| {
            let issuer = identity
                .session_issuer
                .as_ref()
                .and_then(|issuer| issuer.arn.as_deref());
            issuer.or(identity.arn.as_deref())
        });
        let account = event
            .recipient_account_id
            .as_deref()
            .or_else(|| identity?.account_id.as_deref());
        Place {
            partition: arn
                .filter(|arn| !arn.starts_with("arn:aws:"))
                .and_then(|arn| arn.split(':').nth(1))
                .filter(|text| !text.is_empty())
                .unwrap_or("aws"),
            region: event.region.as_deref().unwrap_or(""),
            account: account.unwrap_or(""),
        }
    }
}

/// The ARN that a secret's ARN may be a part of: requests may leave out the hyphen and six random characters at its end
/// (Secrets Manager API reference, `SecretId`), which policies write as `-??????`. A name may end as if it had them, as
/// `app/db-j3di3x` does; a capital letter says that they were drawn, of which six have one 96 times in 100.
fn whole_secret(arn: &str) -> Option<String> {
    let mut segments = arn.splitn(7, ':').skip(2);
    let (service, _region, _account) = (segments.next()?, segments.next()?, segments.next()?);
    let (resource_type, name) = (segments.next()?, segments.next()?);
    if service != "secretsmanager" || resource_type != "secret" {
        return None;
    }
    let is_drawn = |end: &str| {
        let drawn = end.bytes().any(|byte| byte.is_ascii_uppercase());
        end == "??????" || end.len() == 6 && drawn && end.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let whole = name.rsplit_once('-').is_some_and(|(_, end)| is_drawn(end));
    (!whole).then(|| format!("{arn}-??????"))
}

/// ARNs among the strings of a tree.
fn arns_in(value: &Value<'_>, depth: usize, found: &mut Found) {
    match value {
        Value::String(text) if is_arn(text) => found.arn(text.to_string()),
        Value::Array(elements) if depth > 0 => {
            // Beside ARNs names may stand, which say no less; nobody knows of which type.
            let texts = || elements.iter().filter_map(Value::as_str);
            found.cut |= texts().any(is_arn) && !texts().all(is_arn);
            elements.iter().for_each(|element| arns_in(element, depth - 1, found));
        }
        Value::Object(members) if depth > 0 => {
            for (name, member) in members {
                // A batch of DynamoDB names its tables so.
                if is_arn(name) {
                    found.arn(name.to_string());
                }
                arns_in(member, depth - 1, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {}
    }
}

fn is_arn(text: &str) -> bool {
    text.starts_with("arn:") && text.len() < 2048 && text.matches(':').count() >= 5
}

/// Roles and instance profiles that the request hands over: any role's ARN, and the parameters known to name one.
fn passed(request: &Value<'_>, operation: &Operation, place: &Place<'_>, found: &mut Found) {
    let of_kind = |arn: &str| -> Option<&'static str> {
        let mut segments = arn.splitn(6, ':').skip(2);
        let (service, _region, _account) = (segments.next()?, segments.next()?, segments.next()?);
        let resource = segments.next()?;
        match service {
            "iam" if resource.starts_with("role/") => Some(PASSED_ROLE),
            "iam" if resource.starts_with("instance-profile/") => Some(PASSED_PROFILE),
            _ => None,
        }
    };
    for arn in &found.arns {
        if let Some(kind) = of_kind(arn) {
            found.passed.insert((kind, arn.clone()));
        }
    }
    for parameter in &operation.role_parameters {
        let is_profile = parameter.path.to_ascii_lowercase().contains("instanceprofile");
        for value in values(request, &parameter.path) {
            let nested = ["arn", "name"]
                .iter()
                .filter_map(|name| value.get(name))
                .find_map(Value::as_str);
            let Some(name) = value.as_str().or(nested).filter(|name| !name.is_empty()) else {
                continue;
            };
            let (kind, resource) = if is_profile {
                (PASSED_PROFILE, "instance-profile")
            } else {
                (PASSED_ROLE, "role")
            };
            if name.starts_with("arn:") {
                if let Some(kind) = of_kind(name) {
                    found.passed.insert((kind, name.to_owned()));
                }
            } else {
                // A role's name lacks its path.
                let path = if is_profile { "" } else { "*" };
                let name = arn::literal(name);
                let arn = format!("arn:{}:iam::{}:{resource}/{path}{name}", place.partition, place.account);
                found.passed.insert((kind, arn));
            }
        }
    }
}

/// Whether the event is a data event. Before version 1.06 no field tells; the operation does.
pub fn is_data(event: &Event<'_>, operation: &Operation) -> bool {
    match (event.event_category.as_deref(), event.management_event) {
        (Some("Data"), _) | (_, Some(false)) => true,
        (Some(_), _) | (_, Some(true)) => false,
        (None, None) => operation.data_type.is_some(),
    }
}

/// Whether the event says itself that it is a management event.
pub fn is_management(event: &Event<'_>) -> bool {
    match (event.event_category.as_deref(), event.management_event) {
        (Some("Management"), Some(true) | None) | (None, Some(true)) => true,
        (Some(_), _) | (None, _) => false,
    }
}

/// The resources whose data events this event is one of: (resource type, root).
pub fn data_roots(event: &Event<'_>, operation: &Operation) -> Vec<(String, String)> {
    let mut roots = Vec::new();
    let Some(resources) = event.resources.parse() else {
        return roots;
    };
    for resource in resources.elements() {
        let arn = resource
            .get("ARN")
            .or_else(|| resource.get("arn"))
            .and_then(Value::as_str);
        let kind = operation
            .data_type
            .as_deref()
            .or_else(|| resource.get("type").and_then(Value::as_str));
        if let (Some(arn), Some(kind)) = (arn, kind) {
            let root = (kind.to_owned(), root(arn).to_owned());
            if !roots.contains(&root) {
                roots.push(root);
            }
        }
    }
    roots
}

/// The thing that a data event selector names: the bucket of an object, the table of an index or stream, the function
/// of a version.
pub fn root(arn: &str) -> &str {
    let service = arn.split(':').nth(2).unwrap_or("");
    let cut = match service {
        "s3" | "s3express" => arn.find('/'),
        "dynamodb" => arn.match_indices('/').nth(1).map(|(at, _)| at),
        "lambda" => arn.match_indices(':').nth(6).map(|(at, _)| at),
        _ => None,
    };
    cut.map_or(arn, |at| &arn[..at])
}
