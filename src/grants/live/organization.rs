//! The organization: its active accounts, and the SCPs and RCPs that bear on each, level by level.

use std::collections::HashMap;

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{AccountStatus, PolicyType, PolicyTypeStatus};
use serde_json::{Map, Value, json};

use super::{Missed, all_pages};
use crate::aws::{Connection, Trouble, patiently};

/// Ids of the active accounts.
pub(super) async fn members(connection: &Connection) -> Result<Vec<String>, Trouble> {
    let client = Client::new(connection.config());
    let mut members = all_pages(async |token: Option<String>| {
        let page = patiently(|| client.list_accounts().set_next_token(token.clone()).send()).await?;
        let active = page.accounts.unwrap_or_default().into_iter().filter_map(|account| {
            // `Status` is what every partition sends; the newer `State` says the same.
            let is_active = account.status.is_none_or(|status| status == AccountStatus::Active);
            account.id.filter(|_| is_active)
        });
        Ok((active.collect(), page.next_token))
    })
    .await?;
    members.sort();
    Ok(members)
}

/// `{ACCOUNT: {"service_control_policies": [[policy…]…], "resource_control_policies": …}}`, the root's level first. A
/// kind that cannot be seen whole is left out for every account: an empty level would deny everything. The management
/// account is bound by neither.
pub(super) async fn policies(connection: &Connection, missing: &mut Missed, account: &str) -> Option<Value> {
    let client = Client::new(connection.config());
    let kinds = [
        (PolicyType::ServiceControlPolicy, "service_control_policies", "SCPs"),
        (PolicyType::ResourceControlPolicy, "resource_control_policies", "RCPs"),
    ];
    let mut accounts: Map<String, Value> = Map::new();
    let mut seen = false;
    for (kind, name, what) in kinds {
        let mut walk = Walk {
            client: &client,
            kind,
            documents: HashMap::new(),
            found: Vec::new(),
        };
        match walk.all().await {
            Ok(found) => {
                seen = true;
                for (account, levels) in found {
                    let of_account = accounts.entry(account).or_insert_with(|| json!({}));
                    if let Some(levels) = levels {
                        of_account[name] = levels;
                    }
                }
            }
            Err(trouble) => missing.note(account, what, &trouble),
        }
    }
    seen.then_some(Value::Object(accounts))
}

type Levels = Vec<Value>;

struct Walk<'c> {
    client: &'c Client,
    kind: PolicyType,
    /// By policy id.
    documents: HashMap<String, Value>,
    found: Vec<(String, Option<Value>)>,
}

impl Walk<'_> {
    /// Each account with its levels; `None` where the kind does not bind it.
    async fn all(&mut self) -> Result<Vec<(String, Option<Value>)>, Trouble> {
        let client = self.client;
        let organization = patiently(|| client.describe_organization().send()).await?.organization;
        let management = organization.and_then(|organization| organization.master_account_id);
        let roots = patiently(|| client.list_roots().send())
            .await?
            .roots
            .unwrap_or_default();
        for root in roots {
            let Some(id) = root.id else { continue };
            let is_enabled =
                root.policy_types.unwrap_or_default().iter().any(|kind| {
                    kind.r#type.as_ref() == Some(&self.kind) && kind.status == Some(PolicyTypeStatus::Enabled)
                });
            let mut open = vec![(id, Levels::new())];
            while let Some((parent, above)) = open.pop() {
                let levels = self.with_level(&parent, above, is_enabled).await?;
                for account in self.accounts(&parent).await? {
                    let binds = is_enabled && management.as_ref() != Some(&account);
                    let own = if binds {
                        Some(Value::Array(self.with_level(&account, levels.clone(), true).await?))
                    } else {
                        None
                    };
                    self.found.push((account, own));
                }
                for unit in self.units(&parent).await? {
                    open.push((unit, levels.clone()));
                }
            }
        }
        Ok(std::mem::take(&mut self.found))
    }

    /// The levels above, and the policies of a root, unit or account below them.
    async fn with_level(&mut self, target: &str, above: Levels, is_enabled: bool) -> Result<Levels, Trouble> {
        let mut levels = above;
        if is_enabled {
            let mut level = Vec::new();
            for id in self.attached(target).await? {
                level.push(self.document(&id).await?);
            }
            levels.push(Value::Array(level));
        }
        Ok(levels)
    }

    async fn attached(&self, target: &str) -> Result<Vec<String>, Trouble> {
        let client = self.client;
        all_pages(async |token: Option<String>| {
            let page = patiently(|| {
                client
                    .list_policies_for_target()
                    .target_id(target)
                    .filter(self.kind.clone())
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
            let ids = page.policies.unwrap_or_default().into_iter();
            Ok((ids.filter_map(|policy| policy.id).collect(), page.next_token))
        })
        .await
    }

    async fn document(&mut self, id: &str) -> Result<Value, Trouble> {
        if let Some(known) = self.documents.get(id) {
            return Ok(known.clone());
        }
        let client = self.client;
        let answer = patiently(|| client.describe_policy().policy_id(id).send()).await?;
        let text = answer.policy.and_then(|policy| policy.content).unwrap_or_default();
        let document = serde_json::from_str(&text).unwrap_or(Value::String(text));
        self.documents.insert(id.to_owned(), document.clone());
        Ok(document)
    }

    async fn accounts(&self, parent: &str) -> Result<Vec<String>, Trouble> {
        let client = self.client;
        all_pages(async |token: Option<String>| {
            let page = patiently(|| {
                client
                    .list_accounts_for_parent()
                    .parent_id(parent)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
            let ids = page.accounts.unwrap_or_default().into_iter();
            Ok((ids.filter_map(|account| account.id).collect(), page.next_token))
        })
        .await
    }

    async fn units(&self, parent: &str) -> Result<Vec<String>, Trouble> {
        let client = self.client;
        all_pages(async |token: Option<String>| {
            let page = patiently(|| {
                client
                    .list_organizational_units_for_parent()
                    .parent_id(parent)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
            let ids = page.organizational_units.unwrap_or_default().into_iter();
            Ok((ids.filter_map(|unit| unit.id).collect(), page.next_token))
        })
        .await
    }
}
