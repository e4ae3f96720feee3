//! Compiles each API operation into the line that says what it needs.

use std::collections::{BTreeMap, BTreeSet};

use super::super::mapping::single_forms;
use super::super::row::{self, Binding, RowNeed, When, no_permission};
use super::super::template::same_parameter;
use super::Report;
use super::bind::{self, Handed, Member};
use super::hand::HandTables;
use super::packages::{Action, Client, MapEntry, Operation, Packages};
use super::sides::{self, TwoSided};

/// Services of which a request that creates something with tags surely needs the tagging action.
const TAGS_NEED_AN_ACTION: [&str; 2] = ["elasticloadbalancing", "events"];

/// What compiling yields.
pub(super) struct Compiled {
    /// By prefix, then by lower-case name: name, step, needs.
    pub(super) lines: BTreeMap<String, BTreeMap<String, (String, &'static str, String)>>,
    /// Full lower-case names of actions that authorise some operation in their own right.
    pub(super) authorising: BTreeSet<String>,
    /// The actions that each operation shows in its own right, by client and operation.
    pub(super) shown: BTreeMap<(String, String), Vec<String>>,
    /// Operations of which several parameters name resources of one type.
    pub(super) two_sided: TwoSided,
    pub(super) report: Report,
}

/// An operation's needs, and the step that found them.
struct Decided {
    step: &'static str,
    needs: Vec<RowNeed>,
    /// The code of a call that needs none.
    none: Option<String>,
}

impl Decided {
    fn found(step: &'static str, needs: Vec<RowNeed>) -> Self {
        Self {
            step,
            needs,
            none: None,
        }
    }

    fn nothing(step: &'static str, code: &str) -> Self {
        Self {
            step,
            needs: Vec::new(),
            none: Some(code.to_owned()),
        }
    }
}

struct Compiler<'a> {
    packages: &'a Packages,
    hand: &'a HandTables,
    /// Map entries by (squeezed service name, lower-case operation).
    by_service: BTreeMap<(String, String), Vec<MapEntry>>,
    /// The same by (prefix, lower-case operation).
    by_prefix: BTreeMap<(String, String), Vec<MapEntry>>,
    /// Actions by (prefix, lower-case operation that their documentation names).
    by_link: BTreeMap<(String, String), Vec<String>>,
    permissionless: BTreeSet<(String, String)>,
}

/// Compiles all operations of all clients.
pub(super) fn compile(packages: &Packages, hand: &HandTables) -> Compiled {
    let compiler = Compiler::new(packages, hand);
    let mut report = Report {
        date: packages.date.clone(),
        actions: packages.actions.values().map(BTreeMap::len).sum(),
        ..Report::default()
    };
    let mut merged: BTreeMap<(String, String), (String, Decided)> = BTreeMap::new();
    let mut two_sided = TwoSided::new();
    let mut shown = BTreeMap::new();
    for client in &packages.clients {
        let (source, prefixes) = compiler.place(client);
        for (name, operation) in &client.model.operations {
            let decided = compiler.decide(client, &source, &prefixes, name, operation);
            let newer = decided.is_none() && !compiler.in_map(client, name);
            count(
                &mut report,
                client,
                name,
                decided.as_ref().map(|decided| decided.step),
                newer,
            );
            let (Some(decided), Some(prefix)) = (decided, prefixes.first()) else {
                continue;
            };
            let own = own_actions(name, &decided.needs).map(str::to_owned).collect();
            shown.insert((client.name.clone(), name.clone()), own);
            let members = compiler.members(client, &prefixes, operation);
            sides::note(name, &decided.needs, &members, packages, &mut two_sided);
            let key = (prefix.clone(), name.to_ascii_lowercase());
            match merged.remove(&key) {
                Some((name, known)) => merged.insert(key, (name, merge(known, decided))),
                None => merged.insert(key, (name.clone(), decided)),
            };
        }
    }
    let mut authorising = compiler.named_by_hand();
    let mut lines: BTreeMap<String, BTreeMap<String, (String, &'static str, String)>> = BTreeMap::new();
    for ((prefix, key), (name, decided)) in merged {
        authorising.extend(own_actions(&name, &decided.needs).map(str::to_ascii_lowercase));
        let plain = decided.step == "same" && decided.needs.len() == 1 && decided.needs[0].bindings.is_empty();
        if plain && decided.needs[0].when == When::Always {
            continue; // The catalog's own name says as much.
        }
        let text = decided.none.unwrap_or_else(|| row::write(&decided.needs));
        lines.entry(prefix).or_default().insert(key, (name, decided.step, text));
    }
    report.retired = compiler.retired();
    Compiled {
        lines,
        authorising,
        shown,
        two_sided,
        report,
    }
}

/// The actions that the call shows in their own right, not as something beside it.
fn own_actions<'n>(operation: &str, needs: &'n [RowNeed]) -> impl Iterator<Item = &'n str> {
    let own = move |need: &&RowNeed| {
        let named = need
            .action
            .split_once(':')
            .is_some_and(|(_, name)| name.eq_ignore_ascii_case(operation));
        named || (need.certain && matches!(need.when, When::Always | When::Absent(_)))
    };
    needs.iter().filter(own).map(|need| need.action.as_str())
}

fn count(report: &mut Report, client: &Client, name: &str, step: Option<&'static str>, newer: bool) {
    let share = report.clients.entry(client.name.clone()).or_default();
    for share in [share, &mut report.total] {
        share.operations += 1;
        share.resolved += usize::from(step.is_some());
        share.newer += usize::from(newer);
    }
    match step {
        Some(step) => *report.steps.entry(step).or_default() += 1,
        None => report.unresolved.push((format!("{}.{name}", client.name), newer)),
    }
}

/// Two clients of one prefix with one operation name: what only one of them needs is no longer sure.
fn merge(left: Decided, right: Decided) -> Decided {
    let (left_none, right_none) = (left.none.is_some(), right.none.is_some());
    match (left_none, right_none) {
        (true, true) => return left,
        (true, false) => return right,
        (false, true) => return left,
        (false, false) => {}
    }
    let mut needs = Vec::new();
    for (own, other) in [(&left.needs, &right.needs), (&right.needs, &left.needs)] {
        for need in own {
            let shared = other
                .iter()
                .find(|known| known.action == need.action && known.when == need.when);
            let mut need = need.clone();
            match shared {
                Some(known) => {
                    need.complete &= known.complete;
                    need.hint |= known.hint;
                    need.open |= known.open;
                    need.bindings.extend(known.bindings.iter().cloned());
                    need.bindings.sort();
                    need.bindings.dedup();
                }
                None => need.certain = false,
            }
            if !needs.contains(&need) {
                needs.push(need);
            }
        }
    }
    Decided::found(left.step, needs)
}

fn squeeze(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase()
}

impl<'a> Compiler<'a> {
    fn new(packages: &'a Packages, hand: &'a HandTables) -> Self {
        let mut by_service: BTreeMap<(String, String), Vec<MapEntry>> = BTreeMap::new();
        let mut by_prefix: BTreeMap<(String, String), Vec<MapEntry>> = BTreeMap::new();
        for (method, entries) in &packages.map.sdk_method_iam_mappings {
            let Some((service, operation)) = method.split_once('.') else {
                continue;
            };
            let squeezed = squeeze(service);
            // These two parts of the map name actions that never were.
            if squeezed == "lexmodelsv2" || squeezed == "lexruntimev2" || squeezed == "s3control" {
                continue;
            }
            let known: Vec<MapEntry> = entries
                .iter()
                .filter_map(|entry| {
                    let (prefix, action) = packages.action(&entry.action)?;
                    Some(MapEntry {
                        action: format!("{prefix}:{}", action.name),
                        ..entry.clone()
                    })
                })
                .collect();
            if known.is_empty() {
                continue;
            }
            let operation = operation.to_ascii_lowercase();
            let prefix = packages
                .map
                .sdk_service_mappings
                .get(service)
                .cloned()
                .unwrap_or_else(|| service.to_ascii_lowercase());
            by_prefix
                .entry((prefix, operation.clone()))
                .or_insert_with(|| known.clone());
            by_service.insert((squeezed, operation), known);
        }
        let mut by_link: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for (prefix, actions) in &packages.actions {
            for action in actions.values() {
                if let Some(operation) = &action.documented_as {
                    let key = (prefix.clone(), operation.to_ascii_lowercase());
                    by_link
                        .entry(key)
                        .or_default()
                        .push(format!("{prefix}:{}", action.name));
                }
            }
        }
        let methods = packages
            .map
            .sdk_permissionless_actions
            .iter()
            .filter_map(|method| method.split_once('.'));
        let permissionless = methods
            .map(|(service, operation)| (squeeze(service), operation.to_ascii_lowercase()))
            .collect();
        Self {
            packages,
            hand,
            by_service,
            by_prefix,
            by_link,
            permissionless,
        }
    }

    /// The event source (without its domain) and the prefixes of a client's calls.
    fn place(&self, client: &Client) -> (String, Vec<String>) {
        let (source, prefixes) = match self.hand.clients.get(&client.name) {
            Some((source, prefixes)) => (source.clone(), prefixes.clone()),
            None => {
                let source = client.signing_name.clone();
                let prefixes = self
                    .hand
                    .aliases
                    .get(&source)
                    .cloned()
                    .unwrap_or_else(|| vec![source.clone()]);
                (source, prefixes)
            }
        };
        let known = prefixes
            .into_iter()
            .filter(|prefix| self.packages.services.contains_key(prefix));
        (source, known.collect())
    }

    fn entries(&self, client: &Client, prefixes: &[String], operation: &str) -> &[MapEntry] {
        let operation = operation.to_ascii_lowercase();
        let names = [squeeze(&client.service_id), squeeze(&client.name)];
        let by_name = names
            .into_iter()
            .find_map(|name| self.by_service.get(&(name, operation.clone())));
        let by_prefix = || {
            prefixes
                .iter()
                .find_map(|prefix| self.by_prefix.get(&(prefix.clone(), operation.clone())))
        };
        by_name.or_else(by_prefix).map_or(&[], Vec::as_slice)
    }

    fn decide(
        &self,
        client: &Client,
        source: &str,
        prefixes: &[String],
        name: &str,
        operation: &Operation,
    ) -> Option<Decided> {
        let row = self.hand.row(source, prefixes, name);
        if let Some(row) = row.filter(|row| !row.starts_with("+ ")) {
            if no_permission(row).is_some() {
                return Some(Decided::nothing("hand", row));
            }
            let mut decided = Decided::found("hand", row::read(row));
            decided
                .needs
                .retain(|need| self.packages.action(&need.action).is_some());
            self.complete(client, prefixes, name, operation, &[], &mut decided.needs);
            return Some(decided);
        }
        if self
            .permissionless
            .contains(&(squeeze(&client.service_id), name.to_ascii_lowercase()))
        {
            return Some(Decided::nothing("none", "-"));
        }
        if operation.unsigned() {
            return Some(Decided::nothing("none", "-unsigned"));
        }
        let mut decided = if prefixes.first().is_some_and(|prefix| prefix == "apigateway") {
            self.by_verb(client, prefixes, name, operation)?
        } else {
            let entries = self.entries(client, prefixes, name);
            let (step, mut needs) = self.main_needs(prefixes, name, entries)?;
            self.complete(client, prefixes, name, operation, entries, &mut needs);
            Decided::found(step, needs)
        };
        let beside = row
            .and_then(|row| row.strip_prefix("+ "))
            .map(row::read)
            .unwrap_or_default();
        let known = |need: &RowNeed| self.packages.action(&need.action).is_some();
        let has = |needs: &[RowNeed], need: &RowNeed| needs.iter().any(|known| known.action == need.action);
        let more: Vec<RowNeed> = beside
            .into_iter()
            .filter(|need| known(need) && !has(&decided.needs, need))
            .collect();
        decided.needs.extend(more);
        Some(decided)
    }

    fn named(&self, prefixes: &[String], name: &str) -> Option<RowNeed> {
        let found = prefixes
            .iter()
            .find_map(|prefix| self.packages.action(&format!("{prefix}:{name}")))?;
        Some(RowNeed::new(&format!("{}:{}", found.0, found.1.name)))
    }

    fn main_needs(
        &self,
        prefixes: &[String],
        name: &str,
        entries: &[MapEntry],
    ) -> Option<(&'static str, Vec<RowNeed>)> {
        let same = self.named(prefixes, name);
        let mut needs: Vec<RowNeed> = same.clone().into_iter().collect();
        for entry in entries
            .iter()
            .filter(|entry| !entry.action.eq_ignore_ascii_case("iam:PassRole"))
        {
            if needs.iter().any(|need| need.action == entry.action) {
                continue;
            }
            let mut need = RowNeed::new(&entry.action);
            need.certain = same.is_none() && entry.conditions.is_none();
            needs.push(need);
        }
        if !needs.is_empty() {
            return Some((if same.is_some() { "same" } else { "map" }, needs));
        }
        let lower = name.to_ascii_lowercase();
        let linked = prefixes
            .iter()
            .find_map(|prefix| self.by_link.get(&(prefix.clone(), lower.clone())));
        if let Some(actions) = linked {
            let sure = actions.len() == 1;
            let need = |action: &String| RowNeed {
                certain: sure,
                ..RowNeed::new(action)
            };
            return Some(("link", actions.iter().map(need).collect()));
        }
        let single = single_forms(name)
            .into_iter()
            .find_map(|form| self.named(prefixes, &form))?;
        Some(("batch", vec![single]))
    }

    /// API Gateway's actions are HTTP verbs, its resources the paths.
    fn by_verb(&self, client: &Client, prefixes: &[String], name: &str, operation: &Operation) -> Option<Decided> {
        let (prefix, action) = self.packages.action(&format!("apigateway:{}", operation.http.method))?;
        let mut need = RowNeed::new(&format!("{prefix}:{}", action.name));
        let members = bind::members(&client.model, operation, &BTreeMap::new());
        let by_location = |location: &str| {
            let plain = location.trim_end_matches('+');
            let at = |member: &&Member| member.top_level && member.location.as_deref() == Some(plain);
            members.iter().find(at).map(|member| format!("${{{}}}", member.path))
        };
        let uri = operation
            .http
            .request_uri
            .split('?')
            .next()
            .unwrap_or("")
            .replace('{', "${");
        // The second version's paths start with /v2, its ARNs do not (API Gateway developer guide, "ARN reference").
        let uri = uri.strip_prefix("/v2").unwrap_or(&uri);
        if let Some(path) = super::super::template::substitute(uri, by_location) {
            need.bindings = vec![Binding::Template(format!(
                "arn:${{Partition}}:apigateway:${{Region}}::{path}"
            ))];
            need.complete = true;
        }
        let mut needs = vec![need];
        self.add_roles(prefixes, name, &members, &[], &mut needs);
        if !bind::tag_paths(&members).is_empty() && name != "TagResource" {
            let mut put = RowNeed::new("apigateway:PUT");
            put.when = When::Present(bind::tag_paths(&members));
            needs.push(put);
        }
        Some(Decided::found("verb", needs))
    }

    fn members(&self, client: &Client, prefixes: &[String], operation: &Operation) -> Vec<Member> {
        let none = BTreeMap::new();
        let rename = prefixes
            .first()
            .and_then(|prefix| self.hand.parameters.get(prefix))
            .unwrap_or(&none);
        bind::members(&client.model, operation, rename)
    }

    /// Adds what the parameters tell: resources, roles handed over, tags.
    fn complete(
        &self,
        client: &Client,
        prefixes: &[String],
        name: &str,
        operation: &Operation,
        entries: &[MapEntry],
        needs: &mut Vec<RowNeed>,
    ) {
        let members = self.members(client, prefixes, operation);
        let entries = if entries.is_empty() {
            self.entries(client, prefixes, name)
        } else {
            entries
        };
        for need in needs
            .iter_mut()
            .filter(|need| need.bindings.is_empty() && need.action != "iam:PassRole")
        {
            let told = bind::resources(&need.action, &members, entries, self.packages, self.hand);
            (need.bindings, need.complete) = (told.bindings, told.complete);
            (need.open, need.hint) = (told.open, told.hint);
        }
        self.add_roles(prefixes, name, &members, entries, needs);
        self.add_tagging(prefixes, &members, needs);
    }

    fn add_roles(
        &self,
        prefixes: &[String],
        name: &str,
        members: &[Member],
        entries: &[MapEntry],
        needs: &mut Vec<RowNeed>,
    ) {
        let aside = ["iam", "sts", "sso", "signin"];
        let reads = ["Get", "List", "Describe", "Delete", "Untag", "Search", "Check", "Head"];
        if prefixes.iter().any(|prefix| aside.contains(&prefix.as_str()))
            || reads.iter().any(|verb| name.starts_with(verb))
        {
            return;
        }
        let passes = |action: &Action| action.dependents.contains("iam:PassRole");
        let dependent = needs
            .iter()
            .filter_map(|need| self.packages.action(&need.action))
            .any(|(_, action)| passes(action));
        let mapped = bind::map_role_paths(entries);
        for (path, handed) in bind::role_paths(members) {
            let by_hand = needs
                .iter()
                .filter(|need| need.action == "iam:PassRole")
                .any(|need| match &need.when {
                    When::Present(paths) => paths.iter().any(|known| same_parameter(known, &path)),
                    When::Always | When::Absent(_) | When::Equals { .. } => false,
                });
            if by_hand {
                continue;
            }
            let mut need = RowNeed::new("iam:PassRole");
            let sure = dependent && handed != Handed::PerhapsRole;
            need.certain = sure || mapped.iter().any(|known| known.eq_ignore_ascii_case(&path));
            need.bindings = match handed {
                Handed::Role => vec![Binding::Template(format!("${{{path}}}"))],
                Handed::PerhapsRole | Handed::InstanceProfile => Vec::new(),
            };
            need.complete = handed == Handed::Role;
            need.when = When::Present(vec![path]);
            needs.push(need);
        }
    }

    fn add_tagging(&self, prefixes: &[String], members: &[Member], needs: &mut Vec<RowNeed>) {
        let paths = bind::tag_paths(members);
        let tagging = |need: &RowNeed| {
            self.packages
                .action(&need.action)
                .is_some_and(|(_, action)| action.level == "Tagging")
        };
        if paths.is_empty() || needs.iter().any(tagging) {
            return;
        }
        for prefix in prefixes.iter().take(1) {
            for action in self.packages.actions.get(prefix).into_iter().flat_map(BTreeMap::values) {
                let lower = action.name.to_ascii_lowercase();
                let tags = lower.starts_with("tag")
                    || lower.contains("addtags")
                    || lower.contains("createtags")
                    || lower == "createorupdatetags";
                let full = format!("{prefix}:{}", action.name);
                if action.level == "Tagging" && tags && needs.iter().all(|need| need.action != full) {
                    let mut need = RowNeed::new(&full);
                    // Their guides say so; other services may check nothing of their own (Elastic Load Balancing user guide,
                    // "Tagging permissions"; EventBridge user guide, "Managing permissions").
                    need.certain = TAGS_NEED_AN_ACTION.contains(&prefix.as_str());
                    need.when = When::Present(paths.clone());
                    needs.push(need);
                }
            }
        }
    }

    /// Whether the operation map, which is older than the other lists, knows the call.
    fn in_map(&self, client: &Client, operation: &str) -> bool {
        let names = [squeeze(&client.service_id), squeeze(&client.name)];
        let methods = self.packages.map.sdk_method_iam_mappings.keys();
        methods
            .filter_map(|method| method.split_once('.'))
            .any(|(service, name)| name.eq_ignore_ascii_case(operation) && names.contains(&squeeze(service)))
    }

    /// What the hand table says that events of any name show.
    fn named_by_hand(&self) -> BTreeSet<String> {
        let rows = self.hand.hand.iter().filter(|(_, text)| no_permission(text).is_none());
        rows.flat_map(|((_, event), text)| {
            let needs = row::read(text.trim_start_matches("+ "));
            own_actions(event, &needs)
                .map(str::to_ascii_lowercase)
                .collect::<Vec<_>>()
        })
        .collect()
    }

    /// Actions that the hand table or the map names and the list lacks.
    fn retired(&self) -> Vec<String> {
        let by_hand = self.hand.hand.values().filter(|text| no_permission(text).is_none());
        let by_hand = by_hand
            .flat_map(|text| row::read(text.trim_start_matches("+ ")))
            .map(|need| need.action);
        let missing: BTreeSet<String> = by_hand
            .filter(|action| self.packages.action(action).is_none())
            .collect();
        missing.into_iter().collect()
    }
}
