//! Who may do what: asks the engine with everything that bears on a principal, denials and boundaries included.

mod bounds;
pub(super) mod paths;
pub(super) mod pods;
pub(super) mod strangers;
pub(super) mod takes;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, OnceLock};

use crate::catalog::{Catalog, escalation_paths};
use crate::grants::{Grants, Kind, PolicyIndex, Principal, PrincipalIndex};
use crate::iam::evaluate::PolicyRef;
use crate::iam::policy::Principal as Named;
use crate::iam::{
    ActionPart, Answer, Effect, Policies, Policy, PrincipalPart, Request, ResourcePart, Statement, evaluate, pattern,
};

/// The grants of all accounts as one question: `can(principal, action, resource)`.
pub struct Graph<'a> {
    catalog: &'a Catalog,
    grants: &'a Grants,
    /// Roles by the services that their trust policies name.
    by_service: BTreeMap<&'a str, Vec<PrincipalIndex>>,
    /// Whether a principal has a sure way to everything; asked for few.
    powerful: Vec<OnceLock<bool>>,
    /// Who can take whom; asked for once.
    takes: OnceLock<takes::Takes>,
    /// What permissions boundaries leave open; asked for once each.
    bounds: Mutex<bounds::Known>,
}

/// What the engine says of a question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Told {
    /// Whether it may.
    pub(super) answer: Answer,
    /// The policies of the principal that allow it.
    pub(super) by: BTreeSet<PolicyIndex>,
    /// Condition keys that leave it open, or another reason.
    pub(super) open: BTreeSet<String>,
    /// The permissions boundary that the request must carry, where that does not close it.
    pub(super) boundary: Option<String>,
}

impl Told {
    fn no() -> Told {
        Told {
            answer: Answer::No,
            by: BTreeSet::new(),
            open: BTreeSet::new(),
            boundary: None,
        }
    }
}

/// What bears on one principal.
pub(super) struct Held<'a> {
    graph: &'a Graph<'a>,
    principal: Cow<'a, Principal>,
    /// Its place in the grants, where it is there.
    index: Option<PrincipalIndex>,
    policies: Policies,
    /// The place of each identity policy among those of the grants.
    order: Vec<PolicyIndex>,
    /// Every condition key and variable that one of the policies asks about.
    keys: BTreeSet<String>,
    /// Why even an Allow is not sure.
    doubt: Option<String>,
    /// How many permissions boundaries deep the question is.
    depth: u8,
}

/// Condition keys of a request that are known; `None` is absent.
pub(super) type Context = Vec<(String, Option<String>)>;

impl<'a> Graph<'a> {
    /// The graph of these grants.
    pub fn new(catalog: &'a Catalog, grants: &'a Grants) -> Graph<'a> {
        let mut by_service: BTreeMap<&str, Vec<PrincipalIndex>> = BTreeMap::new();
        for (index, principal) in grants.principals.iter().enumerate() {
            for statement in principal.trust_statements() {
                let (Effect::Allow, PrincipalPart::Principal(named)) = (statement.effect, &statement.principal) else {
                    continue;
                };
                for who in named {
                    if let Named::Service(service) = who {
                        by_service.entry(service).or_default().push(index);
                    }
                }
            }
        }
        Graph {
            catalog,
            grants,
            by_service,
            powerful: grants.principals.iter().map(|_| OnceLock::new()).collect(),
            takes: OnceLock::new(),
            bounds: Mutex::default(),
        }
    }

    fn principal(&self, index: PrincipalIndex) -> &'a Principal {
        &self.grants.principals[index]
    }

    /// Roles of an account that a service may take, as their trust policies name it.
    fn trusting(&self, service: &str, account: &str) -> impl Iterator<Item = &'a Principal> {
        let roles = self.by_service.get(service).map_or(&[][..], Vec::as_slice);
        let roles = roles.iter().map(|index| self.principal(*index));
        roles.filter(move |role| role.account == account)
    }

    /// What bears on a principal, with other documents in the place of some of its policies.
    pub(super) fn held(&'a self, index: PrincipalIndex, instead: &BTreeMap<PolicyIndex, &Policy>) -> Held<'a> {
        let (principal, mut doubt) = (self.principal(index), None);
        let mut policies = Policies::default();
        let mut order = Vec::new();
        for policy in self.grants.policies_of(index) {
            let document = &self.grants.policies[policy];
            match (instead.get(&policy), &document.policy) {
                (Some(smaller), _) => policies.identity.push((*smaller).clone()),
                (None, Ok(own)) => policies.identity.push(own.clone()),
                (None, Err(_)) => {
                    doubt = Some(format!("policy {} cannot be understood", document.name));
                    continue;
                }
            }
            order.push(policy);
        }
        Held {
            index: Some(index),
            order,
            ..self.bounded(Cow::Borrowed(principal), policies, doubt)
        }
    }

    /// What bears on a principal with these identity policies: its boundary and the organization's policies beside them.
    fn bounded(&'a self, principal: Cow<'a, Principal>, mut policies: Policies, mut doubt: Option<String>) -> Held<'a> {
        if let Some(arn) = &principal.permissions_boundary {
            match self.boundary(arn) {
                Some(boundary) => policies.boundaries.push(boundary),
                None => doubt = Some(bounds::not_known(arn)),
            }
        }
        let organization = self.grants.supplements.organization.as_ref();
        if let Some(of_account) = organization.and_then(|organization| organization.get(&principal.account)) {
            policies.service_control.clone_from(&of_account.service_control);
            policies.resource_control.clone_from(&of_account.resource_control);
        }
        let keys = all_statements(&policies).flat_map(Statement::keys).collect();
        Held {
            graph: self,
            principal,
            index: None,
            policies,
            order: Vec::new(),
            keys,
            doubt,
            depth: 0,
        }
    }

    /// A managed policy by its ARN, from the grants or else from the catalog.
    fn boundary(&self, arn: &str) -> Option<Policy> {
        let mut known = self.grants.policies.iter().filter(|policy| policy.arn == arn);
        match known.find(|policy| policy.kind != crate::grants::PolicyKind::Inline) {
            Some(policy) => policy.policy.clone().ok(),
            None => Policy::parse(&self.catalog.managed_policy(arn)?).ok(),
        }
    }

    /// Whether a statement of a principal allows all actions, whatever takes it back.
    fn names_everything(&self, index: PrincipalIndex) -> bool {
        let policies = self.grants.policies_of(index).into_iter();
        let mut known = policies.filter_map(|policy| self.grants.policies[policy].policy.as_ref().ok());
        known.any(|policy| policy.statements.iter().any(names_everything))
    }

    /// Whether a principal has everything, or a sure way to it that takes nobody else's role.
    fn is_powerful(&'a self, index: PrincipalIndex) -> bool {
        *self.powerful[index].get_or_init(|| {
            let mut held = self.held(index, &BTreeMap::new());
            held.is_administrator()
                || escalation_paths()
                    .iter()
                    .filter(|path| !path.actions.contains(&"sts:AssumeRole"))
                    // Most have no statement that speaks of it: the engine need not be asked.
                    .filter(|path| path.actions.iter().all(|action| held.speaks_of(action)))
                    .collect::<Vec<_>>()
                    .into_iter()
                    .any(|path| held.open(path).is_some_and(|open| open.is_sure()))
        })
    }
}

impl Held<'_> {
    pub(super) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Asks the engine. What nobody knows of the request stays unknown; `known` says what is.
    pub(super) fn can(&self, action: &str, resource: &str, known: &Context) -> Told {
        if !self.may_ask_for(action, resource) {
            return Told::no();
        }
        let policies = self.attached(action);
        let regions = self.regions(action).into_iter();
        let pairs = regions.flat_map(|region| policies.iter().map(move |policy| (region.clone(), policy.clone())));
        let tried = pairs.map(|(region, policy)| {
            let mut known = known.clone();
            known.push(("aws:RequestedRegion".to_owned(), Some(region)));
            known.push(("iam:PolicyARN".to_owned(), Some(policy)));
            self.ask(action, resource, &known)
        });
        let rank = |told: &Told| match told.answer {
            Answer::Yes => 0,
            Answer::Unknown => 1,
            Answer::No => 2,
        };
        tried.min_by_key(rank).unwrap_or_else(Told::no)
    }

    /// Whether some statement of its own may allow that, whatever the request carries. Where none does, and nobody else
    /// can, the engine need not be asked: of thousands of questions most end here.
    fn may_ask_for(&self, action: &str, resource: &str) -> bool {
        let mut allowing = self.statements().filter(|one| one.effect == Effect::Allow);
        self.policies.resource.is_some()
            || action.eq_ignore_ascii_case("sts:GetCallerIdentity")
            || allowing.any(|one| {
                concerns(one, action)
                    && match &one.resource {
                        ResourcePart::Resource(patterns) => patterns.iter().any(|pattern| pattern.may_name(resource)),
                        ResourcePart::NotResource(_) | ResourcePart::None => true,
                    }
            })
    }

    fn ask(&self, action: &str, resource: &str, known: &Context) -> Told {
        let principal = self.principal();
        let owner = resource.split(':').nth(4);
        let mut request = Request {
            principal: principal.arn.clone(),
            action: action.to_owned(),
            resource: resource.to_owned(),
            // What names no account is taken for its own, and so is what AWS owns.
            resource_account: Some(
                owner
                    .filter(|account| account.len() == 12)
                    .unwrap_or(&principal.account)
                    .to_owned(),
            ),
            context: Default::default(),
        };
        for key in &self.keys {
            request.context.set_unknown(key);
        }
        // A key that no policy asks about decides nothing.
        if !self.keys.is_empty() {
            let account = ("aws:ResourceAccount".to_owned(), request.resource_account.clone());
            let carried = self
                .own_context()
                .into_iter()
                .chain([account])
                .chain(known.iter().cloned());
            for (key, value) in carried.filter(|(key, _)| self.keys.contains(&key.to_lowercase())) {
                request.context.set(&key, value.into_iter().collect());
            }
        }
        let decision = evaluate(&request, &self.policies);
        let by = decision
            .because
            .iter()
            .filter(|because| because.effect == Effect::Allow);
        let by = by.filter_map(|because| match because.policy {
            PolicyRef::Identity(at) => self.order.get(at).copied(),
            PolicyRef::Boundary(_)
            | PolicyRef::ServiceControl(..)
            | PolicyRef::ResourceControl(..)
            | PolicyRef::Session(_)
            | PolicyRef::Resource => None,
        });
        let by = by.collect();
        let mut open: BTreeSet<String> = decision.missing_keys.into_iter().collect();
        let mut answer = decision.allows;
        if let (Answer::Yes, Some(doubt)) = (answer, &self.doubt) {
            answer = Answer::Unknown;
            open.insert(doubt.clone());
        }
        Told {
            answer,
            by,
            open,
            boundary: None,
        }
    }

    /// What every request of the principal carries.
    fn own_context(&self) -> Context {
        let principal = self.principal();
        let some = |key: &str, value: &str| (key.to_owned(), Some(value.to_owned()));
        let mut context = vec![
            some("aws:PrincipalArn", &principal.arn),
            some("aws:PrincipalAccount", &principal.account),
            some("aws:SecureTransport", "true"),
            some("aws:ViaAWSService", "false"),
            some("aws:PrincipalIsAWSService", "false"),
            // Whoever wants more asks for no boundary; `bounds` asks for those that leave a way.
            (bounds::KEY.to_owned(), None),
        ];
        for key in ["aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast"] {
            context.push((key.to_owned(), None));
        }
        if principal.kind == Kind::User {
            context.push(some("aws:username", &principal.name));
        }
        for (key, value) in &principal.tags {
            context.push(some(&format!("aws:PrincipalTag/{key}"), value));
        }
        context
    }

    /// Policies worth attaching: the one that allows everything, and where conditions speak of policies the next best.
    fn attached(&self, action: &str) -> Vec<String> {
        let chosen = action.starts_with("iam:Attach") && self.keys.contains("iam:policyarn");
        let names = ["AdministratorAccess", "IAMFullAccess", "PowerUserAccess"];
        let names = names.into_iter().take(if chosen { names.len() } else { 1 });
        let partition = partition(&self.principal().arn);
        names
            .map(|name| format!("arn:{partition}:iam::aws:policy/{name}"))
            .collect()
    }

    /// Regions worth asking for: those that conditions name, since whoever asks may choose.
    fn regions(&self, action: &str) -> Vec<String> {
        let own = "us-east-1".to_owned();
        if action.starts_with("iam:") || !self.keys.contains("aws:requestedregion") {
            return vec![own];
        }
        let conditions = self.statements().flat_map(|statement| &statement.conditions);
        let named = conditions.filter(|condition| condition.key.eq_ignore_ascii_case("aws:RequestedRegion"));
        let named = named
            .flat_map(|condition| &condition.values)
            .map(|value| value.replace(['*', '?'], "1"));
        let all: BTreeSet<String> = named.chain([own]).collect();
        all.into_iter().take(8).collect()
    }

    /// The same with only the statements that concern an action, for who asks about that one alone, and often.
    pub(super) fn only(mut self, action: &str) -> Self {
        let policies = &mut self.policies;
        let levels = policies
            .service_control
            .iter_mut()
            .chain(&mut policies.resource_control);
        let all = policies.identity.iter_mut().chain(&mut policies.boundaries);
        let all = all.chain(levels.flatten());
        self.keys.clear();
        for policy in all {
            policy.statements.retain(|statement| concerns(statement, action));
            self.keys.extend(policy.statements.iter().flat_map(Statement::keys));
        }
        self
    }

    fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.policies.identity.iter().flat_map(|policy| &policy.statements)
    }

    /// Whether some statement allows an action on something, under some condition.
    fn speaks_of(&self, action: &str) -> bool {
        self.policies.identity.iter().any(|policy| speaks_of(policy, action))
    }

    /// Resources that the principal's statements may allow an action on: one of each pattern, within its account.
    pub(super) fn resources(&self, action: &str) -> BTreeSet<String> {
        let mut resources = BTreeSet::new();
        for statement in self.statements().filter(|statement| statement.effect == Effect::Allow) {
            if let (true, ResourcePart::Resource(patterns)) = (concerns(statement, action), &statement.resource) {
                resources.extend(patterns.iter().filter_map(|pattern| self.instance(pattern.text())));
            }
        }
        resources
    }

    /// A resource that a pattern matches, in the principal's account where that is left open.
    fn instance(&self, pattern: &str) -> Option<String> {
        let principal = self.principal();
        let mut text = pattern.replace("${aws:PrincipalAccount}", &principal.account);
        if principal.kind == Kind::User {
            text = text.replace("${aws:username}", &principal.name);
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let [arn, partition_, service, region, account, resource] = parts[..] else {
            return None;
        };
        if arn != "arn" || text.contains("${") {
            return None;
        }
        let fill = |part: &str, with: &str| {
            if part.contains(['*', '?']) {
                with.to_owned()
            } else {
                part.to_owned()
            }
        };
        Some(format!(
            "arn:{}:{service}:{}:{}:{}",
            fill(partition_, partition(&principal.arn)),
            fill(region, "us-east-1"),
            fill(account, &principal.account),
            resource.replace(['*', '?'], "x"),
        ))
    }

    /// Whether it may do everything: asked of one action of each kind, on things that are nobody's in particular.
    pub(super) fn is_administrator(&mut self) -> bool {
        // Not of KMS: a key's own policy must allow those too.
        const PROBES: [&str; 6] = [
            "iam:AttachRolePolicy",
            "iam:CreateUser",
            "ec2:TerminateInstances",
            "sqs:DeleteQueue",
            "lambda:UpdateFunctionCode",
            "s3:DeleteBucket",
        ];
        self.statements().any(names_everything)
            && PROBES
                .iter()
                .all(|action| self.anywhere(action, &Vec::new()).answer == Answer::Yes)
    }

    /// Whether it may do something on some resource of each kind that the action needs.
    pub(super) fn anywhere(&self, action: &str, known: &Context) -> Told {
        let mut all = Told {
            answer: Answer::Yes,
            ..Told::no()
        };
        for candidates in self.candidates(action) {
            let mut best: Option<Told> = None;
            for resource in candidates {
                let told = self.can_under(action, &resource, known, &bounds::Carried::Chosen);
                match (told.answer, &best) {
                    (Answer::Yes, _) | (Answer::Unknown, None) => best = Some(told),
                    (Answer::Unknown, Some(_)) | (Answer::No, _) => {}
                }
                if best.as_ref().is_some_and(|best| best.answer == Answer::Yes) {
                    break;
                }
            }
            let Some(best) = best else {
                all.answer = Answer::No;
                return all;
            };
            if best.answer == Answer::Unknown {
                all.answer = Answer::Unknown;
            }
            all.by.extend(best.by);
            all.open.extend(best.open);
            all.boundary = all.boundary.or(best.boundary);
        }
        all
    }

    /// For each kind of resource that an action needs, some resources of that kind; any will do where it needs none.
    fn candidates(&self, action: &str) -> Vec<Vec<String>> {
        let types = match self.graph.catalog.id(action) {
            Some(id) => self.graph.catalog.resource_types(id),
            None => Vec::new(),
        };
        if types.is_empty() {
            return vec![vec!["*".to_owned()]];
        }
        let own = self.resources(action);
        let of_type = |formats: &[&str]| -> Vec<String> {
            let imagined = formats.iter().map(|format| self.filled(format, "x"));
            let shapes: Vec<String> = formats.iter().map(|format| self.filled(format, "*")).collect();
            let fitting = own
                .iter()
                .filter(|arn| shapes.iter().any(|shape| pattern::matches(shape, arn)));
            imagined.chain(fitting.cloned()).collect()
        };
        let required: Vec<Vec<String>> = types
            .iter()
            .filter(|of| of.required)
            .map(|of| of_type(&of.arns))
            .collect();
        if required.is_empty() {
            vec![types.iter().flat_map(|of| of_type(&of.arns)).collect()]
        } else {
            required
        }
    }

    /// An ARN format of the catalog with the principal's partition and account in it, and `other` for what is open.
    fn filled(&self, format: &str, other: &str) -> String {
        let principal = self.principal();
        let mut out = String::new();
        let mut rest = format;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            out.push_str(before);
            out.push_str(match name {
                "Partition" => partition(&principal.arn),
                "Account" => &principal.account,
                "Region" if other != "*" => "us-east-1",
                _ => other,
            });
            rest = after;
        }
        out + rest
    }
}

/// Whether some statement of a policy allows an action on something, under some condition.
fn speaks_of(policy: &Policy, action: &str) -> bool {
    let mut allowing = policy.statements.iter().filter(|one| one.effect == Effect::Allow);
    allowing.any(|statement| concerns(statement, action))
}

/// Statements of all policies that bear on a principal.
fn all_statements(policies: &Policies) -> impl Iterator<Item = &Statement> {
    let levels = policies.service_control.iter().chain(&policies.resource_control);
    let all = policies.identity.iter().chain(&policies.boundaries);
    all.chain(levels.flatten()).flat_map(|policy| &policy.statements)
}

/// Whether a statement allows all actions by name.
fn names_everything(statement: &Statement) -> bool {
    let ActionPart::Action(patterns) = &statement.action else {
        return false;
    };
    statement.effect == Effect::Allow && patterns.iter().any(|pattern| matches!(pattern.lower(), "*" | "*:*"))
}

/// Whether a statement speaks of an action.
pub(super) fn concerns(statement: &Statement, action: &str) -> bool {
    match &statement.action {
        ActionPart::Action(patterns) => patterns.iter().any(|pattern| pattern.matches(action)),
        ActionPart::NotAction(patterns) => !patterns.iter().any(|pattern| pattern.matches(action)),
    }
}

/// The tags of what is asked for.
pub(super) fn tags(of: &Principal) -> Context {
    let tags = of.tags.iter();
    tags.flat_map(|(key, value)| {
        ["aws:ResourceTag", "iam:ResourceTag"].map(|name| (format!("{name}/{key}"), Some(value.clone())))
    })
    .collect()
}

/// The partition of an ARN.
pub(super) fn partition(arn: &str) -> &str {
    arn.split(':').nth(1).unwrap_or("aws")
}
