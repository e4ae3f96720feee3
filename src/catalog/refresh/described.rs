//! Further actions that AWS names where it describes an operation: what else its caller must be allowed to do.
//!
//! (The SDK's models carry the API references' own text: "you must have the `logs:GetDataProtectionPolicy` permission".) A
//! text may name an action for another reason, such as what a role that is passed needs; that only keeps.

use std::collections::{BTreeMap, BTreeSet};

use super::packages::{Client, Operation, Packages};

/// Operations whose texts name actions as examples of what is asked about, or that their request alone asks for: a version
/// that is tagged, a governance retention that is bypassed. A copy, which may need these operations' actions, never does.
const EXAMPLES: [&str; 5] = [
    "GetCallerIdentity",
    "PutObjectRetention",
    "PutObjectTagging",
    "SimulateCustomPolicy",
    "SimulatePrincipalPolicy",
];

impl Packages {
    /// Adds the further actions that the texts of operations and of their parameters name.
    pub(super) fn add_described(&mut self) {
        let mut found: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for client in &self.clients {
            let operations = client.model.operations.iter();
            for (name, operation) in operations.filter(|(name, _)| !EXAMPLES.contains(&name.as_str())) {
                let named: BTreeSet<String> = texts(client, operation).flat_map(|text| self.mentioned(text)).collect();
                let prefixes = [&client.signing_name, &client.name];
                let own = prefixes
                    .into_iter()
                    .map(|prefix| (prefix.clone(), name.to_ascii_lowercase()));
                let known = |(prefix, name): &(String, String)| {
                    self.actions
                        .get(prefix)
                        .is_some_and(|actions| actions.contains_key(name))
                };
                if let Some(own) = own.into_iter().find(known) {
                    found.entry(own).or_default().extend(named);
                }
            }
        }
        for ((prefix, name), named) in found {
            let actions = self.actions.get_mut(&prefix);
            if let Some(action) = actions.and_then(|actions| actions.get_mut(&name)) {
                let own = format!("{prefix}:{}", action.name);
                action
                    .dependents
                    .extend(named.into_iter().filter(|named| *named != own));
            }
        }
    }

    /// The actions whose full names stand in a text.
    fn mentioned(&self, text: &str) -> Vec<String> {
        let is_apart = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, ':' | '-');
        let words = text.split(is_apart).filter_map(|word| word.split_once(':'));
        let known = |(prefix, name): (&str, &str)| {
            let prefix = prefix.to_ascii_lowercase();
            let action = self.actions.get(&prefix)?.get(&name.to_ascii_lowercase())?;
            Some(format!("{prefix}:{}", action.name))
        };
        words.filter_map(known).collect()
    }
}

/// The texts of an operation and of its parameters.
fn texts<'c>(client: &'c Client, operation: &'c Operation) -> impl Iterator<Item = &'c str> {
    let input = operation
        .input
        .as_ref()
        .and_then(|input| client.model.shapes.get(&input.shape));
    let members = input.into_iter().flat_map(|shape| shape.members.values());
    let members = members.map(|member| member.documentation.as_str());
    members.chain([operation.documentation.as_str()])
}
