//! In which account Terraform makes something, where its provider says so.

use std::collections::BTreeSet;
use std::rc::Rc;

use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::Block;

use super::instances::{Context, Each, contexts};
use super::path_of;
use super::project::{Project, labels};
use super::value::{literal, names};

/// The accounts that a block of one context, a resource or a call, can be of; `None` where that is not written.
///
/// (AWS provider documentation, "Provider Configuration": `allowed_account_ids`, and of several `assume_role` the last one;
/// Terraform documentation, "Providers Within Modules": a module has its caller's default provider, and what it is handed.)
pub(super) fn accounts(project: &Project<'_>, context: &Rc<Context>, block: &Block) -> Option<BTreeSet<String>> {
    let alias = match block.body.get_attribute("provider") {
        Some(provider) => alias(&provider.value)?,
        None => handed(block, "")?,
    };
    of_provider(project, context, &alias)
}

/// The same of a block in every context of its folder.
pub(super) fn of_all(project: &Project<'_>, dir: &std::path::Path, block: &Block) -> Option<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for context in contexts(project, dir) {
        all.extend(accounts(project, &context, block)?);
    }
    Some(all)
}

fn of_provider(project: &Project<'_>, context: &Rc<Context>, wanted: &str) -> Option<BTreeSet<String>> {
    let module = project.modules.get(&context.dir)?;
    let is_wanted = |block: &Block| match block.body.get_attribute("alias") {
        Some(alias) => matches!(&alias.value, Expression::String(alias) if alias.as_str() == wanted),
        None => wanted.is_empty(),
    };
    let mut own = module.of_kind("provider").map(|(_, block)| block);
    if let Some(provider) = own.find(|block| labels(block) == ["aws"] && is_wanted(block)) {
        return written(project, context, provider);
    }
    let call = context.call.as_ref()?;
    let block = project.modules.get(&call.parent.dir)?.block("module", &[&call.name])?;
    of_provider(project, &call.parent, &handed(block, wanted)?)
}

/// What a provider says of its account.
fn written(project: &Project<'_>, context: &Rc<Context>, provider: &Block) -> Option<BTreeSet<String>> {
    let text = |value: &Expression| literal(&names(project, context, &Each::One, value));
    let allowed = provider.body.get_attribute("allowed_account_ids").map(|ids| &ids.value);
    if let Some(Expression::Array(ids)) = allowed
        && let Some(ids) = ids.iter().map(text).collect::<Option<BTreeSet<String>>>()
    {
        return Some(ids);
    }
    let is_role = |block: &&Block| block.has_ident("assume_role") || block.has_ident("assume_role_with_web_identity");
    let role = provider.body.blocks().filter(is_role).last()?;
    let arn = text(&role.body.get_attribute("role_arn")?.value)?;
    let account = arn.split(':').nth(4)?;
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    is_account.then(|| BTreeSet::from([account.to_owned()]))
}

/// The caller's name of the provider that its call hands to a module as `wanted`.
fn handed(call: &Block, wanted: &str) -> Option<String> {
    let Some(providers) = call.body.get_attribute("providers") else {
        return wanted.is_empty().then(String::new);
    };
    let Expression::Object(providers) = &providers.value else {
        return None;
    };
    providers.iter().find_map(|(key, value)| {
        let key = match key {
            ObjectKey::Ident(name) => (name.as_str() == "aws").then(String::new),
            ObjectKey::Expression(key) => alias(key),
        };
        key.filter(|key| key == wanted)?;
        alias(value.expr())
    })
}

/// `prod` of `aws.prod`, nothing of `aws`.
fn alias(provider: &Expression) -> Option<String> {
    match provider {
        Expression::Variable(name) if name.as_str() == "aws" => Some(String::new()),
        Expression::String(name) if name.as_str() == "aws" => Some(String::new()),
        Expression::String(name) => name.as_str().strip_prefix("aws.").map(str::to_owned),
        Expression::Traversal(traversal) => match (&path_of(traversal).0[..], &path_of(traversal).1[..]) {
            (["aws", alias], []) => Some((*alias).to_owned()),
            _ => None,
        },
        Expression::Parenthesis(inner) => alias(inner.inner()),
        _ => None,
    }
}
