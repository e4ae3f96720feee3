//! The documents themselves: each Allow statement's actions cut down to what stays, everything else as it was written.
//!
//! Statement by statement, never a product of two statements' actions and resources. What was used or inferred stands in
//! one statement, what stays only because nobody could see it in one beside it. How short the written form is, `fit`
//! decides.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::{Map, Value, json};

use super::names::{Names, Within, in_order};
use super::quota::characters_of;
use super::twice::{EACH, Wider};
use super::{Candidate, Change, Origin, Step};
use crate::catalog::{ActionId, Catalog};
use crate::gap::ActionSet;
use crate::grants::PolicyKind;
use crate::iam::{ActionPart, Effect, Policy, PolicyText, Statement};

/// Fewest actions that a wildcard stands for, where room is scarce.
pub(super) const SCARCE: usize = 2;

/// How short the written form is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Form<'w> {
    /// Fewest actions that a wildcard stands for.
    pub(super) least: usize,
    /// Whether seen and unseen stand apart.
    pub(super) apart: bool,
    /// Whether statements that differ in one element only become one.
    pub(super) merged: bool,
    /// The actions of services that stay whole to save room.
    pub(super) whole: &'w [Range<u32>],
    /// Which statements need not name what others grant.
    pub(super) wider: &'w Wider,
}

/// A document in one form.
#[derive(Clone)]
pub(super) struct Written {
    pub(super) candidate: Candidate,
    /// Whether something stays, or stands together, to save room.
    pub(super) packed: bool,
}

/// A service that a policy grants whole and that would stay in part.
pub(super) struct Whole {
    /// Its actions.
    pub(super) range: Range<u32>,
    /// Characters that keeping it whole saves.
    pub(super) saved: u64,
    /// Actions that would go.
    pub(super) going: usize,
}

impl Whole {
    /// Characters saved for each action that then stays.
    pub(super) fn for_each(&self) -> f64 {
        self.saved as f64 / self.going as f64
    }
}

/// Services of which what they take can be told without writing the document.
pub(super) enum Plain<'d> {
    All,
    Services(BTreeSet<&'d str>),
}

impl Plain<'_> {
    pub(super) fn holds(&self, service: &str) -> bool {
        match self {
            Plain::All => true,
            Plain::Services(plain) => plain.contains(service),
        }
    }
}

/// What goes down, and how far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) names: &'a Names<'a>,
    /// What kind of policy the document is.
    pub(super) kind: PolicyKind,
    /// The document as it was written …
    pub(super) written: &'a Value,
    /// … and as it is understood.
    pub(super) document: &'a Policy,
    /// For each Allow statement, by its place: the actions that none of the principals may need.
    pub(super) removable: &'a BTreeMap<usize, ActionSet>,
    /// For each statement in which seen and unseen may stand apart, by its place: what was used or inferred.
    pub(super) seen: &'a BTreeMap<usize, ActionSet>,
    /// Names that no catalog has and somebody may need: where the wildcard of a whole service goes, they stay spelled out.
    pub(super) spelled: &'a BTreeSet<String>,
    /// Fewest actions that a wildcard stands for.
    pub(super) least: usize,
}

/// Whether a statement grants all services at once, so that whole services can go first.
pub(super) fn has_service_step(document: &Policy) -> bool {
    let mut allows = document
        .statements
        .iter()
        .filter(|statement| statement.effect == Effect::Allow);
    allows.any(grants_everything)
}

fn grants_everything(statement: &Statement) -> bool {
    match &statement.action {
        ActionPart::Action(patterns) => patterns.iter().any(|pattern| matches!(pattern.text(), "*" | "*:*")),
        ActionPart::NotAction(_) => true,
    }
}

impl Cut<'_> {
    /// Characters of the names alone that stay in rewritten statements: no document is shorter. Of what stands apart as
    /// unseen nothing is counted.
    pub(super) fn at_least(&self, form: &Form<'_>) -> u64 {
        let mut sum = 0;
        let going = self.going(form.whole, form.wider);
        for statement in &self.document.statements {
            let Some(goes) = going.get(&statement.index).filter(|goes| !goes.is_empty()) else {
                continue;
            };
            let mut stays = self.names.of_statement(statement).difference(goes);
            if let Some(seen) = self.seen.get(&statement.index).filter(|_| form.apart) {
                stays = stays.intersection(seen);
            }
            // Of a list each pattern is named by itself; the union takes no more, but for the names that no catalog has.
            let pieces = self.names.pieces(&stays, within(statement), form.least);
            sum += pieces.iter().map(|piece| piece.characters).sum::<u64>();
        }
        sum
    }

    /// The finest document, whatever it takes.
    pub(super) fn finest(&self) -> Candidate {
        let form = Form {
            least: self.least.min(SCARCE),
            apart: false,
            merged: false,
            whole: &[],
            wider: &EACH,
        };
        self.write(&form).candidate
    }

    /// What a statement grants and somebody may need.
    pub(super) fn needed(&self, statement: &Statement) -> ActionSet {
        let granted = self.names.of_statement(statement);
        match self.removable.get(&statement.index) {
            Some(goes) => granted.difference(goes),
            None => granted,
        }
    }

    /// All that the Allow statements of a document name.
    pub(super) fn granted(&self, document: &Policy) -> ActionSet {
        let mut granted = ActionSet::none();
        for statement in document.statements.iter().filter(|one| one.effect == Effect::Allow) {
            granted.extend(&self.names.of_statement(statement));
        }
        granted
    }

    /// The services of which what they take can be told without writing the document: of its one statement one pattern
    /// alone names each, as a whole.
    pub(super) fn plain(&self) -> Plain<'_> {
        let [only] = &self.document.statements[..] else {
            return Plain::Services(BTreeSet::new());
        };
        let ActionPart::Action(patterns) = &only.action else {
            return Plain::Services(BTreeSet::new());
        };
        if patterns.len() == 1 {
            return Plain::All;
        }
        let mut named: BTreeMap<&str, bool> = BTreeMap::new();
        for pattern in patterns {
            let (service, action) = pattern.lower().split_once(':').unwrap_or((pattern.lower(), ""));
            if service.contains(['*', '?']) {
                return Plain::Services(BTreeSet::new());
            }
            let once = named.entry(service).and_modify(|once| *once = false);
            once.or_insert(action == "*");
        }
        let alone = named.into_iter().filter(|(_, alone)| *alone);
        Plain::Services(alone.map(|(service, _)| service).collect())
    }

    /// The service that a piece is of.
    pub(super) fn service(&self, whole: &Whole) -> &str {
        self.catalog.service(ActionId::from_index(whole.range.start as usize))
    }

    /// Services that a statement grants whole and that would stay in part, where keeping them whole saves room; by name.
    pub(super) fn services(&self, wider: &Wider) -> Vec<Whole> {
        let catalog = self.catalog;
        let mut saved: BTreeMap<&str, (i64, usize, Range<u32>)> = BTreeMap::new();
        let going = self.going(&[], wider);
        for statement in &self.document.statements {
            let Some(goes) = going.get(&statement.index).filter(|goes| !goes.is_empty()) else {
                continue;
            };
            let granted = self.names.of_statement(statement);
            let within = within(statement);
            for piece in self.names.pieces(&granted.difference(goes), within, SCARCE) {
                let range = piece.range.clone();
                let service = catalog.service(ActionId::from_index(range.start as usize));
                let going = goes.count_in(range.clone());
                if going == 0 || granted.count_in(range.clone()) < range.len() {
                    continue;
                }
                let entry = saved.entry(service).or_insert((0, 0, range));
                entry.0 += piece.characters as i64 - (service.len() as i64 + 5);
                entry.1 += going;
            }
        }
        saved
            .into_values()
            .filter_map(|(saved, going, range)| {
                let saved = u64::try_from(saved).ok().filter(|saved| *saved > 0)?;
                Some(Whole { range, saved, going })
            })
            .collect()
    }

    /// The document in a form.
    pub(super) fn write(&self, form: &Form<'_>) -> Written {
        let mut left: Vec<(Value, Origin)> = Vec::new();
        let mut sids = Sids::of(self.document);
        let mut removed = ActionSet::none();
        let mut stays_somewhere = ActionSet::none();
        let going = self.going(form.whole, form.wider);
        for (statement, written) in self.document.statements.iter().zip(statements(self.written)) {
            let origin = Origin::of(statement.index);
            let Some(goes) = going.get(&statement.index) else {
                left.push((written.clone(), origin));
                continue;
            };
            removed.extend(goes);
            let stays = self.names.of_statement(statement).difference(goes);
            stays_somewhere.extend(&stays);
            if goes.is_empty() {
                left.push((written.clone(), origin));
                continue;
            }
            let seen = self.seen.get(&statement.index).filter(|_| form.apart);
            let Left { seen: names, unseen } = self.left(statement, goes, &stays, seen, form.least);
            let hidden = Origin {
                unseen: seen.map(|seen| stays.difference(seen).shrunk()),
                ..origin.clone()
            };
            let pair = !names.is_empty() && !unseen.is_empty();
            let (own, other) = match pair {
                true => sids.pair(statement),
                false => (statement.sid.clone(), statement.sid.clone()),
            };
            for (names, sid, origin) in [(names, own, origin), (unseen, other, hidden)] {
                if let Some(cut) = with_actions(written, names, sid) {
                    left.push((cut, origin));
                }
            }
        }
        let apart = left.len();
        if form.merged {
            left = merge(left);
        }
        let packed = left.len() < apart || !form.whole.is_empty();
        let none_left = left.is_empty();
        let (left, origins) = left.into_iter().unzip();
        let after = PolicyText::from(&with_statements(self.written, left));
        let candidate = Candidate {
            change: match (none_left, self.kind) {
                (false, _) => Change::Replace,
                (true, PolicyKind::Inline) => Change::Delete,
                (true, PolicyKind::Managed | PolicyKind::AwsManaged) => Change::Detach,
            },
            characters: characters_of(after.as_str()),
            removed: removed.difference(&stays_somewhere).shrunk(),
            after,
            origins,
            narrowed: Vec::new(),
        };
        Written { candidate, packed }
    }

    /// What is left of a statement's actions, as its document writes them; `seen` is what of them was used or inferred,
    /// where that stands apart.
    fn left(
        &self,
        statement: &Statement,
        goes: &ActionSet,
        stays: &ActionSet,
        seen: Option<&ActionSet>,
        least: usize,
    ) -> Left {
        let mut left = Left::default();
        // What nobody could see is a list of its own.
        let apart = |stays: &ActionSet| match seen {
            Some(seen) => (stays.intersection(seen), stays.difference(seen)),
            None => (stays.clone(), ActionSet::none()),
        };
        match &statement.action {
            ActionPart::Action(patterns) => {
                let mut named = ActionSet::none();
                for pattern in patterns {
                    let within = Within::Pattern(pattern.lower());
                    let expanded = self.names.expanded(pattern.lower());
                    let new = expanded.difference(goes);
                    // A pattern that the catalog does not know, or of which nothing goes, stays as it was written.
                    let as_written = new == *expanded;
                    if as_written && seen.is_none() {
                        left.seen.push(pattern.text().to_owned());
                        named.extend(&new);
                        continue;
                    }
                    let (used, hidden) = apart(&new);
                    let (used, hidden) = (used.difference(&named), hidden.difference(&named));
                    let is_unseen = seen.is_some() && (expanded.is_empty() || !apart(&new).1.is_empty());
                    if as_written && !is_unseen {
                        left.seen.push(pattern.text().to_owned());
                    } else {
                        left.seen.extend(self.names.of(&used, within, least));
                    }
                    if as_written && is_unseen {
                        left.unseen.push(pattern.text().to_owned());
                    } else if !as_written {
                        left.unseen.extend(self.names.covering(&hidden, stays, within));
                        let spelled = self.spelled.iter().filter(|name| pattern.matches(name));
                        left.of_unknown(seen.is_some()).extend(spelled.cloned());
                    }
                    named.extend(&new);
                }
            }
            // What stays becomes explicit.
            ActionPart::NotAction(patterns) => {
                let (used, hidden) = apart(stays);
                let within = within(statement);
                left.seen = self.names.of(&used, within, least);
                left.unseen = self.names.covering(&hidden, stays, within);
                let granted = |name: &&String| !patterns.iter().any(|pattern| pattern.matches(name));
                let spelled = self.spelled.iter().filter(granted);
                left.of_unknown(seen.is_some()).extend(spelled.cloned());
            }
        }
        for list in [&mut left.seen, &mut left.unseen] {
            list.sort_by(|a, b| in_order(a, b));
            list.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
        }
        left
    }
}

/// What is left of a statement's actions.
#[derive(Default)]
struct Left {
    /// Used or inferred; everything, where the two stand together.
    seen: Vec<String>,
    /// What stays only because nobody could see it.
    unseen: Vec<String>,
}

impl Left {
    /// The list for names that the catalog does not know: nobody can tell whether they were used.
    fn of_unknown(&mut self, apart: bool) -> &mut Vec<String> {
        if apart { &mut self.unseen } else { &mut self.seen }
    }
}

/// How the Sid of a statement ends that holds only what nobody could see.
const UNSEEN: &str = "Unseen";

/// The Sids of a document: each stands once in it.
struct Sids(BTreeSet<String>);

impl Sids {
    fn of(document: &Policy) -> Sids {
        let sids = document.statements.iter().filter_map(|statement| statement.sid.clone());
        Sids(sids.collect())
    }

    /// The Sids of the two statements that take a statement's place: of what was seen, and of what was not. One that
    /// has none, or an empty one as Terraform writes it, leaves both without.
    fn pair(&mut self, statement: &Statement) -> (Option<String>, Option<String>) {
        let own = statement.sid.clone();
        let Some(sid) = own.as_deref().filter(|sid| !sid.is_empty()) else {
            return (own.clone(), own);
        };
        match sid.strip_suffix(UNSEEN).filter(|base| !base.is_empty()) {
            // It is one that stood apart already, of which something was seen since.
            Some(base) => (Some(self.free(base)), own),
            None => {
                let unseen = self.free(&format!("{sid}{UNSEEN}"));
                (own, Some(unseen))
            }
        }
    }

    /// The Sid, or with the first number behind it that makes it new, in the letters that IAM takes. (IAM user guide,
    /// "IAM JSON policy elements: Sid": A-Z, a-z, 0-9, unique within a policy; no length is named.)
    fn free(&mut self, sid: &str) -> String {
        let sid: String = sid.chars().filter(char::is_ascii_alphanumeric).collect();
        let numbered = (2_u32..).map(|number| format!("{sid}{number}"));
        let mut tried = std::iter::once(sid.clone()).chain(numbered);
        let free = tried.find(|sid| !self.0.contains(sid)).unwrap_or(sid);
        self.0.insert(free.clone());
        free
    }
}

/// Where a statement's wildcards may stand, roughly: good enough to tell lengths.
fn within(statement: &Statement) -> Within<'_> {
    match &statement.action {
        ActionPart::Action(_) => Within::Anything,
        ActionPart::NotAction(patterns) => Within::AllBut(patterns),
    }
}

/// What of the seen stands apart from the unseen in a step: where whole services go, nothing does yet.
pub(super) fn seen_in_step(
    document: &Policy,
    seen: &BTreeMap<usize, ActionSet>,
    step: Step,
) -> BTreeMap<usize, ActionSet> {
    let mut seen = seen.clone();
    if step == Step::Services {
        for statement in document.statements.iter().filter(|one| grants_everything(one)) {
            seen.remove(&statement.index);
        }
    }
    seen
}

/// What goes in a step: of statements that grant everything, in the first step whole services only.
pub(super) fn of_step(
    catalog: &Catalog,
    document: &Policy,
    removable: &BTreeMap<usize, ActionSet>,
    step: Step,
) -> BTreeMap<usize, ActionSet> {
    let mut removable = removable.clone();
    if step == Step::Services {
        for statement in document.statements.iter().filter(|one| grants_everything(one)) {
            if let Some(goes) = removable.get_mut(&statement.index) {
                *goes = whole_services(catalog, goes);
            }
        }
    }
    removable
}

/// Of a set, the services that are in it whole.
fn whole_services(catalog: &Catalog, actions: &ActionSet) -> ActionSet {
    let mut whole = ActionSet::none();
    for (_, range) in catalog.service_ranges() {
        if actions.count_in(range.clone()) == range.len() {
            whole.insert_range(range);
        }
    }
    whole
}

/// A document's statements, one that stands alone included.
pub(super) fn statements(document: &Value) -> &[Value] {
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements,
        Some(statement) => std::slice::from_ref(statement),
        None => &[],
    }
}

/// The document with other statements; a single statement that stood alone still does.
pub(super) fn with_statements(document: &Value, mut left: Vec<Value>) -> Value {
    let single = document.get("Statement").is_some_and(Value::is_object);
    let statement = if single && left.len() == 1 {
        left.remove(0)
    } else {
        Value::Array(left)
    };
    let mut after = document.clone();
    if let Some(object) = after.as_object_mut() {
        object.insert("Statement".to_owned(), statement);
    }
    after
}

/// The statement with other actions, in the place of `Action` or `NotAction`, under a Sid; `None` where no action is left.
pub(super) fn with_actions(written: &Value, actions: Vec<String>, sid: Option<String>) -> Option<Value> {
    let object = written.as_object()?;
    let value = match &actions[..] {
        [] => return None,
        [one] if !object.get("Action").is_some_and(Value::is_array) => json!(one),
        _ => Value::Array(actions.into_iter().map(Value::String).collect()),
    };
    let elements = object.iter().filter_map(|(name, old)| match name.as_str() {
        "Action" | "NotAction" => Some(("Action".to_owned(), value.clone())),
        "Sid" => Some((name.clone(), json!(sid.as_ref()?))),
        _ => Some((name.clone(), old.clone())),
    });
    Some(Value::Object(elements.collect()))
}

/// Statements that are equal but for their actions become one, then those that are equal but for their resources; the
/// first's Sid stays. Both grant what they granted apart: nothing is multiplied. Beside each, where it comes from.
fn merge(statements: Vec<(Value, Origin)>) -> Vec<(Value, Origin)> {
    let mut statements = statements;
    for element in ["Action", "Resource"] {
        let mut merged: Vec<(Value, Origin)> = Vec::new();
        for (statement, origin) in statements {
            let key = all_but(&statement, element);
            let twin = merged
                .iter_mut()
                .find(|(known, _)| key.is_some() && all_but(known, element) == key);
            match twin.and_then(|(twin, known)| Some((twin.get_mut(element)?, known))) {
                Some((entries, known)) => {
                    known.from.extend(origin.from);
                    let mut all = texts(entries);
                    all.extend(statement.get(element).map(texts).unwrap_or_default());
                    if element == "Action" {
                        all.sort_by(|a, b| in_order(a, b));
                    }
                    let mut once: Vec<String> = Vec::new();
                    for entry in all {
                        if !once.contains(&entry) {
                            once.push(entry);
                        }
                    }
                    *entries = json!(once);
                }
                None => merged.push((statement, origin)),
            }
        }
        statements = merged;
    }
    statements
}

/// What must be equal for two statements to become one; `None` for one that denies, or has no such element.
fn all_but(statement: &Value, element: &str) -> Option<Map<String, Value>> {
    let mut rest = statement.as_object()?.clone();
    if rest.get("Effect").and_then(Value::as_str) != Some("Allow") {
        return None;
    }
    rest.remove("Sid");
    rest.remove(element)?;
    // A list and a single entry say the same.
    for list in ["Action", "Resource"] {
        if let Some(value) = rest.get_mut(list) {
            let mut entries = texts(value);
            entries.sort();
            *value = json!(entries);
        }
    }
    Some(rest)
}

/// An element that is a string or a list of them.
pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(entries) => entries.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        entry => entry.as_str().map(str::to_owned).into_iter().collect(),
    }
}
