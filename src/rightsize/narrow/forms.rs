//! What a touched resource is called in a policy: by its name, in the forms that AWS's documentation writes, or by the
//! folder that it lies in.
//!
//! People name buckets, tables, functions and parameters, and name them again tomorrow; an id that a service chose
//! stands for one occurrence, and nobody can tell the next. So names stay, ids become `*`, and what has ids alone is not
//! narrowed, but for a few kinds that are made once and kept.

use std::collections::{BTreeMap, BTreeSet};

use crate::iam::arn::Arn;
use crate::resolve::ANY_ACCOUNT;

/// Fewest names in a folder that the folder stands for.
const FEWEST: usize = 3;

/// What a name ends in, where one may follow.
const PLAIN: &[&str] = &[""];
const QUALIFIED: &[&str] = &["", ":*"];
const INDEXED: &[&str] = &["", "/index/*"];
const CHOSEN: &[&str] = &["-??????"];
const MAYBE_CHOSEN: &[&str] = &["", "-??????"];

/// Kinds of things with ids that are made once and kept, by service and the start of their resource.
const KEPT: [(&str, &str); 5] = [
    ("cloudfront", "distribution/"),
    ("cognito-idp", "userpool/"),
    ("elasticfilesystem", "file-system/"),
    ("kms", "key/"),
    ("route53", "hostedzone/"),
];

/// Ends of the variables in ARN formats that hold what people call a thing.
const NAMES: [&str; 6] = [
    "Name",
    "NameWithPath",
    "NameWithoutLeadingSlash",
    "CacheClusterId",
    "DBInstanceIdentifier",
    "WorkGroup",
];

/// How a name may be cut.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Parts {
    /// Not at all.
    One,
    /// At each `/`, but for all that has no folder.
    Path,
    /// At each `/`, down to the bucket.
    Key,
}

/// A resource, or all below a folder, as a policy names it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Named {
    /// All before the name: `arn:aws:logs:*:111122223333:log-group:`.
    head: String,
    /// The name, or the folder with its `/`.
    name: String,
    /// What the name ends in; of a folder nothing.
    tails: &'static [&'static str],
    parts: Parts,
    is_folder: bool,
}

impl Named {
    /// The patterns.
    pub(super) fn patterns(&self) -> Vec<String> {
        let Named { head, name, .. } = self;
        if self.is_folder {
            return vec![format!("{head}{name}*")];
        }
        self.tails.iter().map(|tail| format!("{head}{name}{tail}")).collect()
    }

    /// Whether it lies in a bucket: of objects there are many, and tomorrow others.
    pub(super) fn is_object(&self) -> bool {
        self.parts == Parts::Key
    }

    /// The folder that it lies in.
    fn folder(&self) -> Option<Named> {
        let inner = if self.is_folder {
            self.name.strip_suffix('/')?
        } else {
            &self.name
        };
        let cut = inner.rfind('/').map_or(0, |slash| slash + 1);
        let enough = match self.parts {
            Parts::One => false,
            Parts::Path => cut > 1,
            Parts::Key => true,
        };
        (enough && wildcard(&inner[..cut]).is_none()).then(|| Named {
            name: inner[..cut].to_owned(),
            is_folder: true,
            ..self.clone()
        })
    }
}

/// Puts a folder in the place of those names in it that `fitting` concerns, where it holds enough of them. Whether
/// anything changed.
pub(super) fn lift(names: &mut [Named], fitting: impl Fn(&Named) -> bool) -> bool {
    let mut held: BTreeMap<Named, BTreeSet<Named>> = BTreeMap::new();
    for name in names.iter().filter(|name| fitting(name)) {
        if let Some(folder) = name.folder() {
            held.entry(folder).or_default().insert(name.clone());
        }
    }
    let mut changed = false;
    for name in names.iter_mut().filter(|name| fitting(name)) {
        if let Some(folder) = name.folder()
            && held.get(&folder).is_some_and(|names| names.len() >= FEWEST)
        {
            *name = folder;
            changed = true;
        }
    }
    changed
}

/// What a shape names; `formats` are the ARN formats of the resources that its action may be limited to. `None` where
/// nobody names such things. Region and account are the source pattern's where it says more.
pub(super) fn named(shape: &str, source: &str, formats: &[&str]) -> Option<Vec<Named>> {
    let shape = Arn::parse(shape)?;
    let source = Arn::parse(source);
    let region = match (shape.region, source) {
        ("", _) => "",
        (_, Some(source)) => source.region,
        (_, None) => "*",
    };
    // Not every request tells whose a queue is.
    let account = match (shape.account, source) {
        (ANY_ACCOUNT, Some(source)) => source.account,
        (ANY_ACCOUNT, None) => "*",
        (account, _) => account,
    };
    let head = |kind: &str| format!("arn:{}:{}:{region}:{account}:{kind}", shape.partition, shape.service);
    let one = |kind: &str, name: &str, tails: &'static [&'static str], parts: Parts| {
        // A wildcard at the end of a folder is all of it.
        let (name, is_folder) = match name.strip_suffix('*') {
            Some(folder) if parts != Parts::One && folder.ends_with('/') && folder.len() > 1 => (folder, true),
            Some(_) | None => (name, false),
        };
        Named {
            head: head(kind),
            name: name.to_owned(),
            tails,
            parts,
            is_folder,
        }
    };
    let resource = shape.resource;
    // Nobody knows whether the log meant a wildcard or a name that holds a star.
    if resource.split(['/', ':']).any(is_doubtful) {
        return None;
    }
    let cut = |kind: &str, end: char| resource.strip_prefix(kind)?.split(end).next();
    let all = match shape.service {
        "s3" if shape.region.is_empty() && shape.account.is_empty() => vec![object(resource, head(""))],
        "dynamodb" if resource.contains("/stream/") => {
            let table = cut("table/", '/')?;
            vec![one("table/", &format!("{table}/stream/*"), PLAIN, Parts::One)]
        }
        "dynamodb" if resource.starts_with("table/") => vec![one("table/", cut("table/", '/')?, INDEXED, Parts::One)],
        "secretsmanager" => secret(resource.strip_prefix("secret:")?)
            .into_iter()
            .map(|(name, tails)| one("secret:", name, tails, Parts::Path))
            .collect(),
        "lambda" if resource.starts_with("function:") => {
            vec![one("function:", cut("function:", ':')?, QUALIFIED, Parts::One)]
        }
        "states" if resource.starts_with("stateMachine:") => {
            vec![one("stateMachine:", cut("stateMachine:", ':')?, QUALIFIED, Parts::One)]
        }
        "logs" if resource.starts_with("log-group:") => {
            vec![one("log-group:", cut("log-group:", ':')?, QUALIFIED, Parts::Path)]
        }
        "ecs" if resource.starts_with("task-definition/") => {
            let family = cut("task-definition/", ':')?;
            vec![one("task-definition/", &format!("{family}:*"), PLAIN, Parts::One)]
        }
        // An alias names no key; policies name keys (KMS developer guide, "Key policies": alias ARNs do not work there).
        "kms" if !resource.starts_with("key/") => return None,
        service => match KEPT
            .iter()
            .find(|(of, kind)| *of == service && resource.starts_with(kind))
        {
            Some((_, kind)) => vec![one(kind, &resource[kind.len()..], PLAIN, Parts::One)],
            None => {
                let mut fitting: Vec<(usize, usize, String)> = formats
                    .iter()
                    .filter_map(|format| Arn::parse(format))
                    .filter(|format| format.service == service)
                    .filter_map(|format| by_format(resource, format.resource))
                    .collect();
                // Of formats that fit, the one that says most.
                fitting.sort();
                let (_, start, name) = fitting.pop()?;
                let (kind, name) = name.split_at(start);
                let parts = if name.contains('/') { Parts::Path } else { Parts::One };
                vec![one(kind, name, PLAIN, parts)]
            }
        },
    };
    // A wildcard alone is no name: too many were seen to tell them.
    let is_named = |named: &Named| named.is_folder || named.name.contains(|c| !matches!(c, '*' | '?'));
    all.iter().all(is_named).then_some(all)
}

/// Where a pattern's first wildcard stands; those that are escaped are none.
fn wildcard(pattern: &str) -> Option<usize> {
    let mut stars = pattern.match_indices(['*', '?']).map(|(at, _)| at);
    stars.find(|at| !pattern[..*at].ends_with("${"))
}

/// Whether a part of a resource holds a wildcard among letters: what differs from call to call is `*` as a whole, and a
/// secret ends in six `?`. ARNs that calls write themselves hold whatever they like.
fn is_doubtful(part: &str) -> bool {
    part != "*" && wildcard(part.strip_suffix("-??????").unwrap_or(part)).is_some()
}

/// A bucket, an object, or the folder of objects up to the first part that differs from object to object.
fn object(resource: &str, head: String) -> Named {
    let (bucket, key) = match resource.split_once('/') {
        Some((bucket, key)) if wildcard(bucket).is_none() => (bucket, key),
        _ => {
            return Named {
                head,
                name: resource.to_owned(),
                tails: PLAIN,
                parts: Parts::One,
                is_folder: false,
            };
        }
    };
    let fixed = wildcard(key);
    let name = match fixed {
        Some(at) => &key[..key[..at].rfind('/').map_or(0, |slash| slash + 1)],
        None => key,
    };
    Named {
        head: format!("{head}{bucket}/"),
        name: name.to_owned(),
        tails: PLAIN,
        parts: Parts::Key,
        is_folder: fixed.is_some(),
    }
}

/// A secret's ARN ends in six characters that Secrets Manager chooses (user guide, "What's in a secret"). A name seen
/// without them may end in six letters of its own: then both readings stay, unless a capital letter says that they were
/// drawn (of six drawn ones 96 in 100 have one).
fn secret(name: &str) -> Vec<(&str, &'static [&'static str])> {
    let chosen = |tail: &str| tail.len() == 6 && tail.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let plain = |tail: &str| !tail.bytes().any(|byte| byte.is_ascii_uppercase());
    if name.ends_with('*') {
        return vec![(name, PLAIN)];
    }
    match name.rsplit_once('-') {
        Some((base, "??????")) => vec![(base, CHOSEN)],
        Some((base, tail)) if chosen(tail) && !plain(tail) => vec![(base, CHOSEN)],
        Some((base, tail)) if chosen(tail) => vec![(base, CHOSEN), (name, CHOSEN)],
        _ => vec![(name, MAYBE_CHOSEN)],
    }
}

/// A resource in the format of its kind: how many pieces the format has, where the last name starts, and the resource
/// with `*` for its ids. `None` where it is of another kind, or has no name.
fn by_format(resource: &str, format: &str) -> Option<(usize, usize, String)> {
    let (mut rest, mut format_rest) = (resource, format);
    let (mut pieces, mut last_name, mut out) = (0, None, String::new());
    while !format_rest.is_empty() {
        let literal = &format_rest[..format_rest.find("${").unwrap_or(format_rest.len())];
        rest = rest.strip_prefix(literal)?;
        out.push_str(literal);
        format_rest = &format_rest[literal.len()..];
        pieces += 1;
        let Some((variable, after)) = format_rest.strip_prefix("${").and_then(|rest| rest.split_once('}')) else {
            continue;
        };
        let next = &after[..after.find("${").unwrap_or(after.len())];
        let is_last = after.is_empty();
        let end = if is_last { rest.len() } else { rest.find(next)? };
        let value = &rest[..end];
        if value.is_empty() || value.contains(':') || !is_last && value.contains('/') {
            return None;
        }
        if NAMES.iter().any(|name| variable.ends_with(name)) {
            last_name = Some(out.len());
            out.push_str(value);
        } else {
            out.push('*');
        }
        pieces += 1;
        (rest, format_rest) = (&rest[end..], after);
    }
    rest.is_empty().then_some((pieces, last_name?, out))
}
