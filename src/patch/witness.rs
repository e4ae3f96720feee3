//! What tells, beside what it says, that a document is the one that a live policy was made of.

use std::path::Path;

use super::called::{Called, Written, called, tells};
use super::live::Live;
use super::terraform::{Made, Makes, Name};
use super::tree::{Document, Kind, Node, Piece, stands_for};
use crate::report::LivePolicy;

/// Letters and digits that a name has to have for telling anything.
const TELLING: usize = 3;

/// Which names tell.
#[derive(Clone, Copy)]
pub(super) enum Names<'n> {
    /// Those that few things have, by what they say and by who has them.
    Telling(&'n Rare<'n>),
    /// All that may be the policy's.
    Any,
}

/// Whose a name is, a policy's or its owner's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Whose {
    Policy,
    Owner,
}

/// What the grants say of names.
pub(super) struct Rare<'n> {
    /// Whether no other owner has an inline policy of the same name.
    pub(super) is_only: &'n dyn Fn(&Live<'_>) -> bool,
    /// Whether somebody may be called so whose policies no document under the folder says.
    pub(super) is_strangers: &'n dyn Fn(Written<'_>, Whose) -> bool,
}

/// How much tells so, from nothing on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Told {
    /// It is another one: all that is made of it has other names.
    Against,
    /// Nothing beside what it says.
    Nothing,
    /// A resource that both name.
    Resource(String),
    /// A tag of its owner.
    Tag(String),
    /// A name with open parts.
    Pattern(String),
    /// A name as it is written.
    Name(String),
    /// The state's own address.
    Address(String),
}

impl Told {
    pub(super) fn is_enough(&self) -> bool {
        match self {
            Told::Against | Told::Nothing => false,
            Told::Resource(_) | Told::Tag(_) | Told::Pattern(_) | Told::Name(_) | Told::Address(_) => true,
        }
    }

    /// Its order alone.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Told::Against => 0,
            Told::Nothing => 1,
            Told::Resource(_) => 2,
            // Neither weighs more: two documents that have one each are two.
            Told::Tag(_) | Told::Pattern(_) => 3,
            Told::Name(_) => 4,
            Told::Address(_) => 5,
        }
    }

    /// As an edit names it.
    pub(super) fn words(&self) -> String {
        match self {
            Told::Against | Told::Nothing => "nothing".to_owned(),
            Told::Resource(arn) => format!("both name {arn}"),
            Told::Tag(tag) => format!("its owner is tagged {tag}"),
            Told::Pattern(name) | Told::Name(name) => format!("named {name}"),
            Told::Address(address) => format!("the state's {address}"),
        }
    }
}

/// Whether a policy is what Terraform makes here.
pub(super) fn of_made(live: &Live<'_>, made: &Made, names: Names<'_>) -> Told {
    let kind = live.policy.kind.as_str();
    let owner_kind = live
        .policy
        .policy_arn
        .splitn(6, ':')
        .nth(5)
        .and_then(|rest| rest.split('/').next());
    let fits = match made.makes {
        Makes::Managed => kind == "managed",
        Makes::PermissionSet => kind == "permission_set",
        Makes::Inline(owner) => matches!(kind, "inline" | "group") && owner_kind == Some(owner),
        Makes::Elsewhere => true,
    };
    if !fits || is_elsewhere(live, made) {
        return Told::Against;
    }
    let own = [live.policy.policy.as_str()];
    let owners: Vec<&str> = live.owners().collect();
    let (policy, owner) = match made.makes {
        // Its arguments may name either.
        Makes::Elsewhere => {
            let (policy, owner) = (called(&made.policy, &own), called(&made.policy, &owners));
            return of_called(live, policy.or_unsaid(), owner.or_unsaid(), names);
        }
        Makes::PermissionSet => return Told::Nothing,
        // It may be attached elsewhere, too.
        Makes::Managed => (called(&made.policy, &own), called(&made.owner, &owners).or_unsaid()),
        Makes::Inline(_) => (called(&made.policy, &own), called(&made.owner, &owners)),
    };
    if policy == Called::Otherwise || owner == Called::Otherwise {
        return Told::Against;
    }
    if made.is_in_state && !(made.policy.is_empty() && made.owner.is_empty()) {
        return Told::Address(made.address.clone());
    }
    let is_inline = matches!(made.makes, Makes::Inline(_));
    match of_called(live, policy, owner, names) {
        Told::Nothing if is_inline => of_tags(live, &made.tags),
        told => told,
    }
}

/// Whether what Terraform makes here is in another account than a policy, or of another path.
///
/// (IAM User Guide, "IAM identifiers": a name is one policy's of an account, whatever its path.)
fn is_elsewhere(live: &Live<'_>, made: &Made) -> bool {
    if made.makes == Makes::PermissionSet {
        return false;
    }
    let arn: Vec<&str> = live.policy.policy_arn.splitn(6, ':').collect();
    let [.., account, resource] = arn[..] else {
        return false;
    };
    if made
        .accounts
        .as_ref()
        .is_some_and(|accounts| !accounts.contains(account))
    {
        return true;
    }
    let path = resource.find('/').zip(resource.rfind('/'));
    let path = path.map_or("/", |(from, to)| &resource[from..=to]);
    !made.path.is_empty() && !made.path.iter().any(|written| stands_for(written, path))
}

/// What the names of a policy and its owner tell.
fn of_called(live: &Live<'_>, policy: Called<'_>, owner: Called<'_>, names: Names<'_>) -> Told {
    let Names::Telling(rare) = names else {
        let all = [owner, policy].map(|called| match called {
            Called::So(known, name) if name.letters() >= TELLING => name.told(known),
            Called::So(..) | Called::Otherwise | Called::Unsaid => Told::Nothing,
        });
        return all.into_iter().max_by_key(Told::rank).unwrap_or(Told::Nothing);
    };
    // Many roles have an inline policy of the same name: it tells nothing of whose this is.
    let is_own = live.policy.kind == "managed" || (rare.is_only)(live);
    let tells = |name: Written<'_>, whose| name.is_telling() && !(rare.is_strangers)(name, whose);
    let mut told = Told::Nothing;
    let mut by = |known: &str, name: Written<'_>| {
        let one = name.told(known);
        if one.rank() > told.rank() {
            told = one;
        }
    };
    let are_whole = matches!((policy, owner), (Called::So(_, policy), Called::So(_, owner)) if policy.is_whole() && owner.is_whole());
    if let Called::So(known, name) = owner
        && (are_whole || tells(name, Whose::Owner))
    {
        by(known, name);
    }
    if let Called::So(known, name) = policy
        && is_own
        && tells(name, Whose::Policy)
    {
        by(known, name);
    }
    told
}

/// A tag that the owner of an inline policy has and the one that is written has, too: one that names it, or traces it.
fn of_tags(live: &Live<'_>, written: &[(String, String)]) -> Told {
    let is_telling = |key: &str, value: &str| LivePolicy::is_uuid(value) || LivePolicy::is_name(key) && tells(value);
    let mut tags = live.policy.tags.iter();
    let found = tags.find(|(key, value)| {
        is_telling(key, value) && written.iter().any(|(known, same)| known == *key && same == *value)
    });
    match found {
        Some((key, value)) => Told::Tag(format!("{key} = {value}")),
        None => Told::Nothing,
    }
}

/// A tag of the owner of an inline policy that names one of the files, from the root of the repository.
pub(super) fn of_path(live: &Live<'_>, files: &[&Path]) -> Told {
    let names_it = |value: &str| {
        let path = Path::new(value.trim_start_matches("./"));
        let is_path = path.is_relative() && path.components().count() > 1;
        is_path && files.iter().any(|file| file.ends_with(path))
    };
    match live.policy.tags.iter().find(|(_, value)| names_it(value)) {
        Some((key, value)) => Told::Tag(format!("{key} = {value}")),
        None => Told::Nothing,
    }
}

/// Whether a policy has, word by word, the name that Terraform gives here, and where it is inline its owner too.
pub(super) fn is_named_so(live: &Live<'_>, made: &Made) -> bool {
    let is_name = |called: Called<'_>| matches!(called, Called::So(_, name) if name.is_whole());
    let owners: Vec<&str> = live.owners().collect();
    of_made(live, made, Names::Any) != Told::Against
        && is_name(called(&made.policy, &[live.policy.policy.as_str()]))
        && (made.makes == Makes::Managed || is_name(called(&made.owner, &owners)))
}

/// What the names around a document tell, where it is no Terraform.
pub(super) fn of_names(live: &Live<'_>, document: &Document, names: Names<'_>) -> Told {
    if let Some(name) = &document.policy
        && !stands_for(name, &live.policy.policy)
    {
        return Told::Against;
    }
    let around = document.names.iter().map(|name| vec![Piece::Literal(name.clone())]);
    let all: Vec<Name> = around.chain(document.patterns.iter().cloned()).collect();
    let owners: Vec<&str> = live.owners().collect();
    let policy = called(&all, &[live.policy.policy.as_str()]).or_unsaid();
    match of_called(live, policy, called(&all, &owners).or_unsaid(), names) {
        Told::Against | Told::Nothing => of_tags(live, &document.tags),
        told => told,
    }
}

/// A resource that a document and the policy both name, as few others do.
pub(super) fn of_resources(document: &Node, is_rare: &dyn Fn(&str) -> bool) -> Told {
    let mut found = Vec::new();
    let statements = document
        .member("Statement")
        .map(|member| member.value.elements())
        .unwrap_or_default();
    for statement in statements {
        for name in ["Resource", "NotResource"] {
            let Some(member) = statement.member(name) else { continue };
            if matches!(member.value.kind, Kind::Map(_) | Kind::Unknown) {
                continue;
            }
            found.extend(member.value.elements().iter().filter_map(Node::literal));
        }
    }
    match found.into_iter().find(|arn| names_one(arn) && is_rare(arn)) {
        Some(arn) => Told::Resource(arn),
        None => Told::Nothing,
    }
}

/// Whether an ARN names something of somebody's own: not only a kind of thing, nor what AWS names.
pub(super) fn names_one(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, service, _, account, resource] = parts[..] else {
        return false;
    };
    if account == "aws" || resource.starts_with("log-group:/aws/") || resource.starts_with("/aws/") {
        return false;
    }
    let mut segments = resource.split([':', '/']).filter(|segment| !segment.is_empty());
    // `table/orders`: the first is a kind of thing, but for these services.
    if !matches!(service, "s3" | "sqs" | "sns" | "execute-api") {
        segments.next();
    }
    segments.any(|segment| {
        let letters = segment.chars().filter(char::is_ascii_alphanumeric).count();
        letters >= TELLING && !matches!(segment, "role" | "service-role" | "aws-service-role")
    })
}
