//! What IAM holds beside policies: which roles an instance profile stands for, and how entities spell their names.

use std::collections::{BTreeSet, HashMap};

use crate::catalog::Catalog;
use crate::grants::{Grants, Kind};
use crate::resolve::{self, Call};
use crate::usage::Table;

/// Calls that make an entity under the very name that they bring.
const MAKES: [&str; 6] = [
    "CreateGroup",
    "CreateInstanceProfile",
    "CreatePolicy",
    "CreateRole",
    "CreateUser",
    "UploadServerCertificate",
];

/// What is known of the entities of IAM, from grants and from calls that made some.
#[derive(Debug, Default)]
pub(super) struct Entities {
    /// By account and name of an instance profile: the roles that it holds.
    profiles: HashMap<(String, String), Vec<String>>,
    /// By account, kind and name in lower case: the name as the entity spells it.
    names: HashMap<(String, String, String), BTreeSet<String>>,
}

impl Entities {
    pub(super) fn of(grants: &Grants, table: &Table) -> Entities {
        let mut entities = Entities::default();
        for principal in &grants.principals {
            let kind = match principal.kind {
                Kind::Role => "role",
                Kind::User => "user",
                Kind::Group => "group",
            };
            entities.is_named(&principal.account, kind, &principal.name);
            for profile in &principal.instance_profiles {
                entities.is_named(&principal.account, "instance-profile", profile);
                let key = (principal.account.clone(), profile.clone());
                entities.profiles.entry(key).or_default().push(principal.arn.clone());
            }
        }
        for policy in &grants.policies {
            if let Some(entity) = Entity::of(&policy.arn) {
                entities.is_named(entity.account, entity.kind, entity.name);
            }
        }
        for row in &table.rows {
            let signature = &table.signatures[row.signature].signature;
            let made = &*signature.event_source == "iam.amazonaws.com"
                && signature.error_code.is_empty()
                && MAKES.contains(&&*signature.event_name);
            for resource in row.resources.iter().filter(|_| made) {
                if let Some(entity) = Entity::of(resolve::bare(resource)) {
                    entities.is_named(entity.account, entity.kind, entity.name);
                }
            }
        }
        entities
    }

    fn is_named(&mut self, account: &str, kind: &str, name: &str) {
        let key = (account.to_owned(), kind.to_owned(), name.to_lowercase());
        self.names.entry(key).or_default().insert(name.to_owned());
    }

    /// A call on what it meant: the roles of an instance profile that it handed over, and entities as they spell their
    /// names themselves.
    pub(super) fn meant(&self, catalog: &Catalog, call: Call) -> Call {
        let call = self.with_roles(catalog, call);
        if call.resources.iter().any(|arn| arn.contains(":iam::")) {
            self.in_their_case(call)
        } else {
            call
        }
    }

    /// A call that handed over an instance profile handed over its roles.
    fn with_roles(&self, catalog: &Catalog, mut call: Call) -> Call {
        if catalog.name(call.action) != "iam:PassRole" {
            return call;
        }
        let (handed, roles): (Vec<String>, Vec<String>) = call
            .resources
            .into_iter()
            .partition(|arn| arn.contains(":instance-profile/"));
        call.resources = roles;
        for profile in handed {
            let account = profile.split(':').nth(4).unwrap_or("").to_lowercase();
            let name = profile.rsplit('/').next().unwrap_or("");
            let same = |(of, known): &&(String, String)| *of == account && known.eq_ignore_ascii_case(name);
            match self.profiles.keys().find(same) {
                Some(key) => call.resources.extend(self.profiles[key].iter().cloned()),
                None => call.complete = false,
            }
        }
        call.complete = call.complete && !call.resources.is_empty();
        call
    }

    /// Names of IAM's entities are not distinguished by case (IAM API reference, CreateRole, RoleName): a request that
    /// writes another case finds the entity, and nobody says in which case its ARN is asked for. Where no entity of a name
    /// is known, its case is not either.
    fn in_their_case(&self, mut call: Call) -> Call {
        let mut more = BTreeSet::new();
        for arn in &call.resources {
            let Some(entity) = Entity::of(arn) else { continue };
            let key = (
                entity.account.to_owned(),
                entity.kind.to_owned(),
                entity.name.to_lowercase(),
            );
            match self.names.get(&key) {
                Some(names) => {
                    let others = names.iter().filter(|name| *name != entity.name);
                    let head = &arn[..arn.len() - entity.name.len()];
                    more.extend(others.map(|name| format!("{head}{name}")));
                }
                None if entity.by_name => call.complete = false,
                None => {}
            }
        }
        more.retain(|arn| !call.resources.contains(arn));
        call.resources.extend(more);
        call
    }
}

/// An entity that an ARN or shape names.
struct Entity<'a> {
    account: &'a str,
    kind: &'a str,
    name: &'a str,
    /// Whether the request gave the name alone: its path is a `*`.
    by_name: bool,
}

impl<'a> Entity<'a> {
    fn of(arn: &'a str) -> Option<Entity<'a>> {
        let mut parts = arn.splitn(6, ':').skip(2);
        let (service, _, account, resource) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let (kind, path) = resource.split_once('/')?;
        let last = path.rsplit('/').next()?;
        let name = last.trim_start_matches('*');
        let named = matches!(
            kind,
            "group" | "instance-profile" | "policy" | "role" | "server-certificate" | "user"
        );
        let plain = service == "iam" && named && !name.is_empty() && !name.contains(['*', '?']);
        plain.then_some(Entity {
            account,
            kind,
            name,
            by_name: path.starts_with('*'),
        })
    }
}
