//! Whether a path to more permissions is open to a principal, and what opens it.

use std::collections::BTreeSet;

use super::bounds::Carried;
use super::{Context, Held, Told, partition, tags};
use crate::catalog::{EscalationPath, Target};
use crate::grants::{Kind, PolicyIndex, PolicyKind, Principal, PrincipalIndex};
use crate::iam::Answer;

/// Most things of one kind that a path is tried on.
const TRIED: usize = 200;

/// A path that is open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::hygiene) struct Open {
    /// The path.
    pub(in crate::hygiene) path: &'static EscalationPath,
    /// What it leads over: the ARN of a role, user, group or policy.
    pub(in crate::hygiene) over: Option<String>,
    /// Whether that is there, in the grants.
    pub(in crate::hygiene) is_there: bool,
    /// The policies that open it together.
    pub(in crate::hygiene) by: BTreeSet<PolicyIndex>,
    /// Condition keys that decide whether it is open, or another doubt.
    pub(in crate::hygiene) under: BTreeSet<String>,
    /// Permissions boundaries that its steps must carry, and that leave it open.
    pub(in crate::hygiene) boundaries: BTreeSet<String>,
}

impl Open {
    /// Whether it is open today, whatever the request carries.
    pub(in crate::hygiene) fn is_sure(&self) -> bool {
        self.under.is_empty() && self.is_there
    }

    /// Whether it is open only if a boundary that nobody has read bounds nothing.
    pub(in crate::hygiene) fn rests_on_unread(&self) -> bool {
        let mut boundaries = self.boundaries.iter();
        boundaries.any(|boundary| self.under.contains(&super::bounds::not_known(boundary)))
    }

    /// Notes what a step rests on; `None` where it is not allowed.
    fn take(&mut self, told: Told) -> Option<()> {
        match told.answer {
            Answer::No => return None,
            Answer::Yes => {}
            Answer::Unknown => {
                let unnamed = told.open.is_empty().then(|| "what the request carries".to_owned());
                self.under.extend(told.open.into_iter().chain(unnamed));
            }
        }
        self.by.extend(told.by);
        self.boundaries.extend(told.boundary);
        Some(())
    }
}

/// Whom the IAM actions of a path are tried on.
#[derive(Clone)]
struct Aim {
    arn: String,
    /// The policy that is changed, where one is.
    policy: Option<String>,
    is_there: bool,
    /// Whether its trust lets the principal in, where the path takes it; `None` where that is not known.
    taken: Option<Told>,
    tags: Context,
    /// The permissions boundary that a request about it carries.
    boundary: Carried,
}

impl Held<'_> {
    /// Whether all steps of a path are allowed, on the first thing on which they surely are.
    pub(in crate::hygiene) fn open(&mut self, path: &'static EscalationPath) -> Option<Open> {
        let mut start = Open {
            path,
            over: None,
            is_there: true,
            by: BTreeSet::new(),
            under: BTreeSet::new(),
            boundaries: BTreeSet::new(),
        };
        let aimed = |action: &str| action.starts_with("iam:") || action == "sts:AssumeRole";
        for action in path.actions.iter().filter(|action| !aimed(action)) {
            start.take(self.anywhere(action, &Vec::new()))?;
        }
        if path.target == Target::Nobody {
            return Some(start);
        }
        let mut best: Option<Open> = None;
        for aim in self.aims(path) {
            let mut open = start.clone();
            let mut steps = path.actions.iter().filter(|action| aimed(action));
            if steps.any(|action| open.take(self.aimed(action, path, &aim)).is_none()) {
                continue;
            }
            open.over = Some(aim.policy.unwrap_or(aim.arn));
            open.is_there = aim.is_there;
            if open.is_sure() {
                return Some(open);
            }
            let rank = |open: &Open| (open.under.len(), !open.is_there);
            if best.as_ref().is_none_or(|best| rank(&open) < rank(best)) {
                best = Some(open);
            }
        }
        best
    }

    /// One IAM action of a path, on what it is aimed at.
    fn aimed(&self, action: &str, path: &EscalationPath, aim: &Aim) -> Told {
        if let ("sts:AssumeRole", Some(told)) = (action, &aim.taken) {
            return told.clone();
        }
        let mut known = aim.tags.clone();
        // In China some services go by another name, so that nobody knows what the request says.
        if let ("iam:PassRole", Some(service), false) = (action, path.passed_to, partition(&aim.arn) == "aws-cn") {
            known.push(("iam:PassedToService".to_owned(), Some(service.to_owned())));
        }
        let resource = match (&aim.policy, action) {
            (Some(policy), "iam:CreatePolicyVersion") => policy,
            _ => &aim.arn,
        };
        self.can_under(action, resource, &known, &aim.boundary)
    }

    /// What a path may be aimed at: what is there first, then things that its statements name or that may be made.
    fn aims(&mut self, path: &'static EscalationPath) -> Vec<Aim> {
        let (graph, index) = (self.graph, self.index);
        let own = self.principal();
        let kind = kind_of(path);
        let principals = || graph.grants.principals.iter().enumerate();
        let others = |wanted: Kind| {
            let others = principals().filter(move |(other, principal)| {
                principal.kind == wanted && Some(*other) != index && principal.account == own.account
            });
            others
                .map(|(index, _)| index)
                .take(TRIED)
                .collect::<Vec<PrincipalIndex>>()
        };
        let there = |indices: Vec<PrincipalIndex>| -> Vec<Aim> {
            indices
                .into_iter()
                .map(|index| Aim::of(graph.principal(index)))
                .collect()
        };
        let takes = path.actions.contains(&"sts:AssumeRole");
        let changes_policy = path.actions.contains(&"iam:CreatePolicyVersion");
        let mut aims = match path.target {
            Target::Nobody => Vec::new(),
            Target::Itself => {
                if own.kind == kind {
                    vec![Aim::of(own)]
                } else {
                    Vec::new()
                }
            }
            Target::OwnPolicy => index.map_or_else(Vec::new, |index| self.policies_over(index)),
            Target::OwnGroup => there(own.groups.clone()),
            Target::OtherGroup => {
                let groups = others(Kind::Group);
                // Whoever is no user can add nobody that it is itself.
                there(
                    groups
                        .into_iter()
                        .filter(|group| own.kind == Kind::User && !own.groups.contains(group))
                        .collect(),
                )
            }
            Target::OtherUser => there(others(Kind::User)),
            Target::OtherRole if takes => {
                let roles: Vec<PrincipalIndex> = if path.actions.len() == 1 {
                    // Of any account: its trust says who may take it.
                    let roles = principals().filter(|(role, one)| one.kind == Kind::Role && Some(*role) != index);
                    let strong = roles.filter(|(role, _)| graph.is_powerful(*role));
                    strong.map(|(role, _)| role).take(TRIED).collect()
                } else {
                    others(Kind::Role)
                };
                roles
                    .into_iter()
                    .flat_map(|role| self.taken(role, changes_policy))
                    .collect()
            }
            Target::OtherRole if changes_policy => {
                let roles = others(Kind::Role).into_iter();
                roles.flat_map(|role| self.policies_over(role)).collect()
            }
            Target::OtherRole => there(others(Kind::Role)),
            Target::PassedRole => {
                let service = path.passed_to.unwrap_or_default();
                let roles = graph.trusting(service, &own.account).take(TRIED);
                roles.map(Aim::of).collect()
            }
        };
        aims.extend(self.imagined(path, kind));
        aims
    }

    /// A role as the principal may take it, itself or the policies that it has.
    fn taken(&mut self, role: PrincipalIndex, by_policy: bool) -> Vec<Aim> {
        let graph = self.graph;
        let told = self.can_take(graph.principal(role));
        if told.answer == Answer::No {
            return Vec::new();
        }
        let mut aims = if by_policy {
            self.policies_over(role)
        } else {
            vec![Aim::of(graph.principal(role))]
        };
        aims.iter_mut().for_each(|aim| aim.taken = Some(told.clone()));
        aims
    }

    /// The customer-managed policies of a principal, as a way to change what it may do.
    fn policies_over(&self, holder: PrincipalIndex) -> Vec<Aim> {
        let grants = self.graph.grants;
        let policies = grants
            .policies_of(holder)
            .into_iter()
            .map(|policy| &grants.policies[policy]);
        policies
            .filter(|policy| policy.kind == PolicyKind::Managed)
            .map(|policy| Aim {
                policy: Some(policy.arn.clone()),
                ..Aim::of(&grants.principals[holder])
            })
            .collect()
    }

    /// Things that the grants do not show: some of each pattern that a statement names, and one that nobody named.
    fn imagined(&self, path: &EscalationPath, kind: Kind) -> Vec<Aim> {
        // Who may take a role its trust policy says, and of what is not there nobody has read one.
        if path.actions.contains(&"sts:AssumeRole") {
            return Vec::new();
        }
        let own = self.principal();
        let start = |what: &str| format!("arn:{}:iam::{}:{what}/", partition(&own.arn), own.account);
        let changes_policy = path.actions.contains(&"iam:CreatePolicyVersion");
        let named = |start: &str| -> BTreeSet<String> {
            let aimed = path
                .actions
                .iter()
                .filter(|action| action.starts_with("iam:") || **action == "sts:AssumeRole");
            let named = aimed.flat_map(|action| self.resources(action));
            let of_kind = named.filter(|arn| arn.starts_with(start) && *arn != own.arn);
            of_kind.chain([format!("{start}x")]).take(TRIED).collect()
        };
        let (holders, policies) = (named(&start(kind.name())), named(&start("policy")));
        let aim = |arn: &String, policy: Option<&String>| Aim {
            arn: arn.clone(),
            policy: policy.cloned(),
            is_there: false,
            taken: None,
            tags: Vec::new(),
            boundary: Carried::Chosen,
        };
        if changes_policy {
            let pairs = policies
                .iter()
                .flat_map(|policy| holders.iter().map(move |holder| (holder, policy)));
            pairs
                .map(|(holder, policy)| aim(holder, Some(policy)))
                .take(TRIED)
                .collect()
        } else {
            holders.iter().map(|holder| aim(holder, None)).collect()
        }
    }
}

impl Aim {
    fn of(principal: &Principal) -> Aim {
        Aim {
            arn: principal.arn.clone(),
            policy: None,
            is_there: true,
            taken: None,
            tags: tags(principal),
            boundary: Carried::Of(principal.permissions_boundary.clone()),
        }
    }
}

/// What kind of principal the IAM actions of a path are about.
fn kind_of(path: &EscalationPath) -> Kind {
    let names = |word: &str| path.actions.iter().any(|action| action.contains(word));
    match path.target {
        Target::OtherUser => Kind::User,
        Target::OwnGroup | Target::OtherGroup => Kind::Group,
        Target::Itself if names("UserPolicy") => Kind::User,
        Target::Itself | Target::OwnPolicy | Target::OtherRole | Target::PassedRole | Target::Nobody => Kind::Role,
    }
}

#[cfg(test)]
mod tests;
