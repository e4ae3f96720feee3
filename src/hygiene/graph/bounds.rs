//! What is left open by a condition that asks for a permissions boundary.
//!
//! `iam:PermissionsBoundary` is the boundary of the user or role that a request is about; of a request that makes one, or
//! gives it a boundary, the boundary that is asked for (Service Authorization Reference, "AWS Identity and Access
//! Management"). A boundary closes a path only where whoever is under it is held by it: one that allows everything, lets
//! its holder out, or may be taken off or rewritten holds nobody.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::PoisonError;

use super::{Context, Graph, Held, Told, all_statements, partition, speaks_of};
use crate::catalog::{Target, escalation_paths};
use crate::grants::{Kind, PolicyKind, Principal};
use crate::iam::{Answer, Policies, Policy, pattern};

/// The condition key.
pub(super) const KEY: &str = "iam:PermissionsBoundary";

/// Most boundaries that a request is tried with.
const TRIED: usize = 200;

/// How far boundaries are followed that ask for boundaries themselves.
const DEEPEST: u8 = 2;

/// By whom it holds, the boundary, and the depth: whether it leaves a way open.
pub(super) type Known = BTreeMap<(String, String, u8), Answer>;

/// The boundary that a request carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Carried {
    /// That of what it is about.
    Of(Option<String>),
    /// Whatever whoever asks would like: what it is about is yet to be made, or not in the grants.
    Chosen,
}

/// Why a boundary cannot be judged.
pub(super) fn not_known(arn: &str) -> String {
    format!("the permissions boundary {arn}, whose document is not known,")
}

impl Held<'_> {
    /// Asks the engine of an action on a user or role, with the boundaries that a request about it may carry.
    pub(super) fn can_under(&self, action: &str, resource: &str, known: &Context, carried: &Carried) -> Told {
        let plain = self.can(action, resource, known);
        if !self.keys.contains(&KEY.to_lowercase()) {
            return plain;
        }
        let id = self.graph.catalog.id(action);
        if !id.is_some_and(|id| self.graph.catalog.condition_keys(id).contains(&KEY)) {
            return plain;
        }
        let (mut best, mut tried) = (plain, Vec::new());
        match carried {
            Carried::Of(Some(own)) => {
                let told = self.with(action, resource, known, own);
                if told.answer == Answer::No {
                    best = Told::no();
                } else {
                    tried.push((own.clone(), told));
                }
            }
            Carried::Of(None) | Carried::Chosen => {}
        }
        if best.answer == Answer::Yes || self.depth >= DEEPEST {
            return best;
        }
        for boundary in self.worth_asking() {
            let told = self.with(action, resource, known, &boundary);
            let told = match (carried, told.answer) {
                (_, Answer::No) => continue,
                (Carried::Chosen, _) => told,
                (Carried::Of(_), _) => {
                    let put = format!("iam:Put{}PermissionsBoundary", kind_of(resource));
                    match self.with(&put, resource, known, &boundary) {
                        put if put.answer == Answer::No => continue,
                        put => both(told, put),
                    }
                }
            };
            tried.push((boundary, told));
        }
        for (boundary, told) in tried {
            let told = match self.leaves_open(&boundary, resource, known) {
                left if left.answer == Answer::No => continue,
                left => both(told, left),
            };
            let sure = told.answer == Answer::Yes;
            if sure || best.answer == Answer::No {
                best = Told {
                    boundary: Some(boundary),
                    ..told
                };
            }
            if sure {
                break;
            }
        }
        best
    }

    fn with(&self, action: &str, resource: &str, known: &Context, boundary: &str) -> Told {
        let mut known = known.clone();
        known.push((KEY.to_owned(), Some(boundary.to_owned())));
        self.can(action, resource, &known)
    }

    /// Boundaries worth asking for: those of AWS that bound little, those that conditions name, and all of the account.
    fn worth_asking(&self) -> Vec<String> {
        let principal = self.principal();
        let start = format!("arn:{}:iam::", partition(&principal.arn));
        let wide = ["AdministratorAccess", "IAMFullAccess", "PowerUserAccess"];
        let mut all: Vec<String> = wide.iter().map(|name| format!("{start}aws:policy/{name}")).collect();
        let own = format!("{start}{}:policy/", principal.account);
        let managed = self.graph.grants.policies.iter();
        let managed = managed.filter(|policy| policy.kind == PolicyKind::Managed && policy.arn.starts_with(&own));
        all.extend(managed.map(|policy| policy.arn.clone()).take(TRIED));
        let conditions = all_statements(&self.policies).flat_map(|statement| &statement.conditions);
        let asked = conditions.filter(|condition| condition.key.eq_ignore_ascii_case(KEY));
        for value in asked.flat_map(|condition| &condition.values).take(TRIED) {
            let named = self.instance(value).unwrap_or_else(|| {
                let name = value.rsplit("policy/").next().unwrap_or_default();
                format!("{own}{}", name.replace(['*', '?'], "x"))
            });
            // What a pattern stands for is there, or may be written; where neither is so nobody knows it.
            let is_there = all.iter().any(|arn| pattern::matches(value, arn));
            let written = || self.can("iam:CreatePolicy", &named, &Vec::new()).answer != Answer::No;
            if !all.contains(&named) && (!is_there || written()) {
                all.push(named);
            }
        }
        all
    }

    /// Whether more can be had under a boundary: past it, or because the principal may take it off or rewrite it.
    fn leaves_open(&self, boundary: &str, resource: &str, known: &Context) -> Told {
        let mut own = Told {
            answer: self.graph.leaves_a_way(boundary, resource, self.depth),
            ..Told::no()
        };
        if own.answer == Answer::Unknown {
            own.open.insert(not_known(boundary));
        }
        let take_off = format!("iam:Delete{}PermissionsBoundary", kind_of(resource));
        let mut ways = vec![own, self.with(&take_off, resource, known, boundary)];
        if boundary.split(':').nth(4) != Some("aws") {
            ways.push(self.can("iam:CreatePolicyVersion", boundary, &Vec::new()));
            // What is not there yet it may write itself.
            if self.graph.boundary(boundary).is_none() {
                ways.push(self.can("iam:CreatePolicy", boundary, &Vec::new()));
            }
        }
        if let Some(sure) = ways.iter().position(|told| told.answer == Answer::Yes) {
            return ways.swap_remove(sure);
        }
        let doubtful = ways.into_iter().find(|told| told.answer == Answer::Unknown);
        doubtful.unwrap_or_else(Told::no)
    }
}

impl<'a> Graph<'a> {
    /// Whether a user or role with everything has everything still, or a way to it, under a boundary. Ways by roles that
    /// are strong already are those of whoever may take them.
    fn leaves_a_way(&'a self, boundary: &str, holder: &str, depth: u8) -> Answer {
        let key = (holder.to_owned(), boundary.to_owned(), depth);
        let known = self.bounds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&key) {
            return *known;
        }
        drop(known);
        let answer = self.judge(boundary, holder, depth);
        let mut known = self.bounds.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, answer);
        answer
    }

    fn judge(&'a self, boundary: &str, holder: &str, depth: u8) -> Answer {
        let Some(document) = self.boundary(boundary) else {
            return Answer::Unknown;
        };
        let everything =
            r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
        let Ok(everything) = Policy::parse(everything) else {
            return Answer::Unknown;
        };
        let policies = Policies {
            identity: vec![everything],
            ..Policies::default()
        };
        let principal = Principal {
            kind: if kind_of(holder) == "User" {
                Kind::User
            } else {
                Kind::Role
            },
            arn: holder.to_owned(),
            id: String::new(),
            name: holder.rsplit('/').next().unwrap_or_default().to_owned(),
            path: "/".to_owned(),
            account: holder.split(':').nth(4).unwrap_or_default().to_owned(),
            created: None,
            last_used: None,
            policies: Vec::new(),
            groups: Vec::new(),
            permissions_boundary: Some(boundary.to_owned()),
            trust: None,
            instance_profiles: Vec::new(),
            tags: BTreeMap::new(),
            unknown: Vec::new(),
        };
        let mut held = Held {
            depth: depth + 1,
            ..self.bounded(Cow::Owned(principal), policies, None)
        };
        if held.is_administrator() {
            return Answer::Yes;
        }
        // What a service runs already, and a role that is strong already, is there without the boundary, too.
        let mut paths = escalation_paths()
            .iter()
            .filter(|path| path.target != Target::Nobody && path.actions != ["sts:AssumeRole"])
            .filter(|path| path.actions.iter().all(|action| speaks_of(&document, action)));
        match paths.any(|path| held.open(path).is_some_and(|open| open.is_sure())) {
            true => Answer::Yes,
            false => Answer::No,
        }
    }
}

/// `User` or `Role`, as the names of actions have it.
fn kind_of(arn: &str) -> &'static str {
    match arn.splitn(6, ':').nth(5) {
        Some(resource) if resource.starts_with("user/") => "User",
        Some(_) | None => "Role",
    }
}

/// Both steps: what each rests on.
fn both(one: Told, other: Told) -> Told {
    let surely = one.answer == Answer::Yes && other.answer == Answer::Yes;
    let mut all = one;
    all.answer = if surely { Answer::Yes } else { Answer::Unknown };
    all.by.extend(other.by);
    all.open.extend(other.open);
    all
}
