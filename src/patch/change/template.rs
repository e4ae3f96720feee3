//! What grants in JSON and YAML: CloudFormation, SAM, Terraform's JSON, policies in files of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::definitions::{Definitions, words};
use super::node::{Reader, line_of, may_be_policy};
use super::read::{ALWAYS, Item, ON_CONDITION, What, extension, unreadable};
use super::references::References;
use crate::patch::terraform::{folder, is_json};
use crate::patch::tree::{Kind, Member, Node, Syntax, around};
use crate::patch::{cloudformation, is_export, json};

/// Siblings of a document that say whom or what it is for.
const HOLDERS: [&str; 13] = [
    "Bucket",
    "FunctionName",
    "GroupName",
    "Groups",
    "PermissionSet",
    "PolicyTarget",
    "Queues",
    "RoleName",
    "Roles",
    "SecretId",
    "Topics",
    "UserName",
    "Users",
];

/// CloudFormation's resources that let somebody do something, and have no policy document.
const GRANTING: [&str; 21] = [
    "AWS::CloudFormation::Stack",
    "AWS::CloudFormation::StackSet",
    "AWS::Cognito::IdentityPoolRoleAttachment",
    "AWS::EC2::VPCEndpointServicePermissions",
    "AWS::EKS::AccessEntry",
    "AWS::EKS::PodIdentityAssociation",
    "AWS::IAM::AccessKey",
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::OIDCProvider",
    "AWS::IAM::SAMLProvider",
    "AWS::IAM::UserToGroupAddition",
    "AWS::LakeFormation::Permissions",
    "AWS::LakeFormation::PrincipalPermissions",
    "AWS::Lambda::LayerVersionPermission",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Url",
    "AWS::RAM::ResourceShare",
    "AWS::RolesAnywhere::Profile",
    "AWS::SSO::Assignment",
    "AWS::Serverless::Application",
    "AWS::Serverless::Connector",
];

/// Properties that hand a role on, or open something to those whom no policy names.
///
/// (AWS SAM developer guide, "FunctionUrlConfig" and "FunctionAuth"; CloudFormation resource reference, `AWS::S3::Bucket`.)
const HANDING: [&str; 18] = [
    "AccessControl",
    "Auth",
    "AuthType",
    "AuthorizationType",
    "ExecutionRoleArn",
    "Fn::Transform",
    "FunctionUrlConfig",
    "Groups",
    "IamInstanceProfile",
    "InstanceProfileName",
    "JobRoleArn",
    "Role",
    "RoleArn",
    "RoleARN",
    "ServiceRole",
    "ServiceRoleArn",
    "TaskRoleArn",
    "iamRoleArn",
];

/// Statements without a policy around them, as the Serverless Framework has them.
fn are_statements(elements: &[Node]) -> bool {
    let is_one = |each: &Node| {
        each.member("Effect").is_some() && (each.member("Action").is_some() || each.member("NotAction").is_some())
    };
    !elements.is_empty() && elements.iter().all(is_one)
}

/// Whether a transform of a template is not one of AWS's own, whose resources are read.
fn is_macro(transform: &Node) -> bool {
    let known = [
        "AWS::Serverless",
        "AWS::LanguageExtensions",
        "AWS::SecretsManager",
        "AWS::CodeDeploy",
    ];
    let name = transform.literal();
    name.is_none_or(|name| !known.iter().any(|known| name.starts_with(known)))
}

fn is_arn_of_policy(node: &Node) -> bool {
    node.literal()
        .is_some_and(|arn| arn.starts_with("arn:") && arn.contains(":policy/"))
}

/// Whether a file is one policy in JSON, and is compared as such.
pub(super) fn is_document(path: &Path, whole: &str) -> bool {
    let text = whole.strip_prefix('\u{feff}').unwrap_or(whole);
    let root = json::root(text, 0, syntax(path)).filter(may_be_policy);
    root.is_some() && !serde_json::from_str::<Value>(text).is_ok_and(|value| is_export(&value))
}

/// How JSON of a file is read.
fn syntax(path: &Path) -> Syntax {
    match matches!(extension(path), "tftpl" | "tpl" | "tmpl") {
        true => Syntax::Heredoc,
        false => Syntax::Json,
    }
}

pub(super) fn items(path: &Path, whole: &str, of: &Definitions<'_>, references: &mut References) -> Vec<Item> {
    let text = whole.strip_prefix('\u{feff}').unwrap_or(whole);
    let looks_like_json = text.trim_start().starts_with(['{', '[']);
    let extension = extension(path);
    let hints = [
        "Statement",
        "olicy",
        "olicies",
        "Effect",
        "AWS::",
        "statements",
        "olicyA",
        "ole",
        "Transform",
        "functions:",
    ];
    let hints = hints.iter().any(|word| text.contains(word));
    if !hints {
        return Vec::new();
    }
    let roots = if looks_like_json && serde_json::from_str::<Value>(text).is_ok_and(|value| is_export(&value)) {
        return Vec::new();
    } else if looks_like_json && let Some(root) = json::root(text, 0, syntax(path)) {
        vec![root]
    } else if matches!(extension, "yaml" | "yml" | "template") {
        let read = cloudformation::roots(text);
        let blocks = read
            .blocks
            .iter()
            .filter_map(|block| json::root(&text[block.clone()], block.start, Syntax::Json));
        let blocks: Vec<Node> = blocks.collect();
        if !read.is_whole {
            return vec![unreadable(path, whole)];
        }
        read.nodes.into_iter().chain(blocks).collect()
    } else {
        return vec![unreadable(path, whole)];
    };
    let definitions = definitions(text, &roots, of);
    let is_terraform = is_json(path);
    let define = |reference: &str| {
        let mut here = defined(reference, &definitions);
        if reference.contains("ImportValue") {
            here = format!("{here}\n{}", of.exports(reference));
        }
        // Terraform's files of either language are one module.
        match is_terraform {
            true => format!("{here}\n{}", of.of(&folder(path), None, reference, false)),
            false => here,
        }
    };
    let mut walk = Walk {
        path,
        reader: Reader {
            text,
            define: &define,
            references,
        },
        items: Vec::new(),
        is_terraform,
    };
    roots.iter().for_each(|root| walk.node(root, "", &BTreeSet::new()));
    walk.items
}

/// What the names of a template stand for: parameters, mappings, conditions whole; resources by what they are called.
fn definitions<'n>(text: &str, roots: &'n [Node], of: &Definitions<'_>) -> BTreeMap<&'n str, String> {
    let mut found = BTreeMap::new();
    let sections = |name: &str| {
        let all = roots.iter().filter_map(move |root| root.member(name));
        all.flat_map(|section| match &section.value.kind {
            Kind::Map(members) => members.as_slice(),
            Kind::List(_) | Kind::Text(_) | Kind::Plain(_) | Kind::Unknown => &[],
        })
        .collect::<Vec<&Member>>()
    };
    for section in ["Parameters", "Mappings", "Conditions", "variable", "locals"] {
        for member in sections(section) {
            // Those of no name may be of any.
            let given = ["", member.name.as_str()]
                .into_iter()
                .filter_map(|name| of.parameters.get(name));
            let given: Vec<String> = given.map(|given| given.join("\n")).collect();
            let own = words(&text[member.value.span.clone()]);
            found.insert(member.name.as_str(), format!("{own}\n{}", given.join("\n")));
        }
    }
    for member in sections("Resources") {
        let properties = member
            .value
            .member("Properties")
            .map(|properties| &properties.value.kind);
        let named = match properties {
            Some(Kind::Map(members)) => members.as_slice(),
            Some(_) | None => &[],
        };
        let names = named.iter().filter(|one| one.name.ends_with("Name"));
        let names: Vec<String> = names.map(|one| words(&text[one.value.span.clone()])).collect();
        let kind = member.value.member("Type").and_then(|kind| kind.value.literal());
        found.insert(
            member.name.as_str(),
            format!("{} {}", kind.unwrap_or_default(), names.join(" ")),
        );
    }
    found
}

/// The definitions of all names in a reference, and of those that they refer to.
fn defined(reference: &str, definitions: &BTreeMap<&str, String>) -> String {
    let mut found = BTreeMap::new();
    let mut queue = vec![reference.to_owned()];
    while let Some(text) = queue.pop() {
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            if let Some((name, definition)) = definitions.get_key_value(word)
                && found.insert(*name, definition.as_str()).is_none()
            {
                queue.push(definition.clone());
            }
        }
    }
    let all: Vec<String> = found
        .iter()
        .map(|(name, definition)| format!("{name} = {definition}"))
        .collect();
    all.join("\n")
}

struct Walk<'w> {
    path: &'w Path,
    reader: Reader<'w>,
    items: Vec<Item>,
    is_terraform: bool,
}

impl Walk<'_> {
    fn node(&mut self, node: &Node, address: &str, held_by: &BTreeSet<String>) {
        if may_be_policy(node) {
            let document = self.reader.document(node, None);
            let text = &self.reader.text[node.span.clone()];
            let is_shared = text.contains(['*', '&']) && self.aliases();
            let what = if is_shared {
                // What an alias stands for may be written anywhere.
                What::Document(super::node::Document {
                    policy: Err("the file has anchors, which are not followed".to_owned()),
                    text: self.reader.text.to_owned(),
                    ..document
                })
            } else {
                What::Document(document)
            };
            self.add(
                node,
                if address.is_empty() { "document" } else { address },
                held_by,
                what,
            );
            return;
        }
        match &node.kind {
            Kind::List(elements) if are_statements(elements) => {
                let policy = around(node.span.clone(), None, elements.clone());
                let document = self.reader.document(&policy, None);
                self.add(node, address, held_by, What::Document(document));
            }
            Kind::List(elements) => {
                for (at, each) in elements.iter().enumerate() {
                    let name = ["PolicyName", "Sid", "Name"]
                        .iter()
                        .find_map(|key| each.member(key)?.value.literal());
                    let name = name.unwrap_or_else(|| at.to_string());
                    self.node(each, &format!("{address}[{name}]"), held_by);
                }
            }
            Kind::Map(members) => {
                let mut own = self.held_by(members);
                let is_resource = address.starts_with("Resources.") && node.member("Type").is_some();
                if is_resource {
                    own.insert(match node.member("Condition") {
                        Some(condition) => {
                            let name = words(&self.reader.text[condition.value.span.clone()]);
                            let definition = (self.reader.define)(&name);
                            format!("{ON_CONDITION}{}", self.reader.references.variable(&name, definition))
                        }
                        None => ALWAYS.to_owned(),
                    });
                } else if !own.is_empty() {
                    let inherited = held_by
                        .iter()
                        .filter(|who| *who == ALWAYS || who.starts_with(ON_CONDITION));
                    own.extend(inherited.cloned());
                }
                let held_by = if own.is_empty() { held_by.clone() } else { own };
                self.granting(node, address, &held_by);
                for member in members {
                    let inner = match address {
                        "" => member.name.clone(),
                        _ => format!("{address}.{}", member.name),
                    };
                    self.member(member, &inner, &held_by);
                }
            }
            Kind::Text(_) => self.text(node, address, held_by),
            Kind::Plain(_) | Kind::Unknown => {}
        }
    }

    fn member(&mut self, member: &Member, address: &str, held_by: &BTreeSet<String>) {
        let value = &member.value;
        let is_section = self.is_terraform && member.name == "aws_iam_policy_document";
        let plain: String = member.name.chars().filter(char::is_ascii_alphanumeric).collect();
        let plain = plain.to_ascii_lowercase();
        let attaches = ["policyarn", "policyarns", "managedpolicies"]
            .iter()
            .any(|end| plain.ends_with(end));
        // `eks.amazonaws.com/role-arn`, as service accounts have it.
        let hands = HANDING.contains(&member.name.as_str()) || plain.ends_with("rolearn");
        let is_template = address.starts_with("Resources.") || address.starts_with("Globals.");
        match member.name.as_str() {
            "ManagedPolicyArns" | "managed_policy_arns" | "policy_arn" => self.each_elsewhere(value, address, held_by),
            "PublicAccessBlockConfiguration" => {
                let what = self.written(value);
                self.add(value, address, held_by, What::Boundary(what));
            }
            // A list that a part of a template is repeated for.
            name if name.starts_with("Fn::ForEach::") => {
                let known = self.items.len();
                value
                    .elements()
                    .iter()
                    .for_each(|each| self.node(each, address, held_by));
                if self.items.len() > known || self.reader.text[value.span.clone()].contains("AWS::IAM::") {
                    let what = self.written(value);
                    self.add(value, &format!("{address} each"), held_by, What::Elsewhere(what));
                }
            }
            // A part of a template that a macro or a loop writes.
            "Resources" | "Properties" if matches!(value.kind, Kind::Unknown) => {
                let what = self.written(value);
                self.add(value, address, held_by, What::Elsewhere(what));
            }
            // Serverless Framework documentation, "Lambda Function URLs": anybody may call it.
            "url" if address.starts_with("functions.") => {
                let what = self.written(value);
                self.add(value, address, held_by, What::Elsewhere(what));
            }
            "Transform" if address == "Transform" && value.elements().iter().any(is_macro) => {
                let what = self.written(value);
                self.add(value, address, held_by, What::Elsewhere(what));
            }
            "PermissionsBoundary" | "permissions_boundary" => {
                let what = self.written(value);
                self.add(value, address, held_by, What::Boundary(what));
            }
            // SAM: names of managed policies, templates, and documents.
            "Policies" | "Connectors" if address.starts_with("Resources.") || address.starts_with("Globals.") => {
                for (at, each) in value.elements().iter().enumerate() {
                    let has_document = each.member("PolicyDocument").is_some() || may_be_policy(each);
                    if has_document {
                        let name = each.member("PolicyName").and_then(|name| name.value.literal());
                        let name = name.unwrap_or_else(|| at.to_string());
                        self.node(each, &format!("{address}[{name}]"), held_by);
                    } else {
                        let what = self.written(each);
                        let address = format!("{address}[{}]", self.reader.references.shown(&what));
                        self.add(each, &address, held_by, What::Elsewhere(what));
                    }
                }
            }
            name if matches!(value.kind, Kind::Unknown) && name.ends_with("PolicyDocument") => {
                let what = self.written(value);
                self.add(value, address, held_by, What::Elsewhere(what));
            }
            _ if is_section => {
                let what = self.written(value);
                self.add(value, address, held_by, What::Elsewhere(what));
            }
            name if hands && (is_template || plain.ends_with("rolearn") || name == "Fn::Transform") => {
                let what = self.written(value);
                self.add(value, address, held_by, What::Elsewhere(what));
            }
            _ if attaches => self.each_elsewhere(value, address, held_by),
            "policies" if value.elements().iter().any(is_arn_of_policy) => {
                self.each_elsewhere(value, address, held_by);
            }
            _ => self.node(value, address, held_by),
        }
    }

    /// Each of a list of policies that stand elsewhere.
    fn each_elsewhere(&mut self, value: &Node, address: &str, held_by: &BTreeSet<String>) {
        for each in value.elements() {
            let what = self.written(each);
            let address = format!("{address}[{}]", self.reader.references.shown(&what));
            self.add(each, &address, held_by, What::Elsewhere(what));
        }
    }

    /// A resource that lets somebody do something, and has no policy document.
    fn granting(&mut self, node: &Node, address: &str, held_by: &BTreeSet<String>) {
        let kind = node.member("Type").and_then(|kind| kind.value.literal());
        if kind.is_some_and(|kind| GRANTING.contains(&kind.as_str())) {
            let what = self.written(node);
            let held_by = held_by
                .iter()
                .filter(|who| *who == ALWAYS || who.starts_with(ON_CONDITION));
            self.add(node, address, &held_by.cloned().collect(), What::Elsewhere(what));
        }
    }

    /// JSON in a string, and what Terraform's JSON refers to.
    fn text(&mut self, node: &Node, address: &str, held_by: &BTreeSet<String>) {
        let Some(text) = node.literal() else { return };
        if text.contains("\"Statement\"")
            && let Ok(value) = serde_json::from_str::<Value>(&text)
            && value.get("Statement").is_some()
        {
            let document = super::node::Document {
                text: value.to_string(),
                policy: Ok(value),
                opaque: Vec::new(),
                lines: Vec::new(),
            };
            self.add(node, address, held_by, What::Document(document));
        } else if self.is_terraform && address.contains("policy") && text.contains("${") {
            self.add(node, address, held_by, What::Elsewhere(text));
        }
    }

    /// A node as one text.
    fn written(&mut self, node: &Node) -> String {
        match node.literal() {
            Some(text) => text,
            None => {
                let span = super::node::with_tag(self.reader.text, &node.span);
                let text = &self.reader.text[span];
                self.reader.references.variable(text, (self.reader.define)(text))
            }
        }
    }

    fn held_by(&mut self, members: &[Member]) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for member in members.iter().filter(|member| HOLDERS.contains(&member.name.as_str())) {
            for each in member.value.elements() {
                let who = self.written(each);
                all.insert(format!("{}={who}", member.name));
            }
        }
        all
    }

    /// Whether the file has anchors and aliases, generously.
    fn aliases(&self) -> bool {
        let mark = |mark: char| {
            let text = self.reader.text;
            text.match_indices(mark).any(|(at, _)| {
                let before = text[..at].chars().next_back().unwrap_or(' ');
                let after = text[at + 1..].chars().next().unwrap_or(' ');
                (before.is_whitespace() || matches!(before, '[' | ',')) && (after.is_alphanumeric() || after == '_')
            })
        };
        let is_yaml = matches!(extension(self.path), "yaml" | "yml" | "template");
        is_yaml && mark('&') && mark('*')
    }

    fn add(&mut self, node: &Node, address: &str, held_by: &BTreeSet<String>, what: What) {
        self.items.push(Item {
            file: self.path.to_owned(),
            line: Some(line_of(self.reader.text, node.span.start)),
            address: address.to_owned(),
            in_folder: false,
            held_by: held_by.clone(),
            makers: Vec::new(),
            reads: None,
            what,
        });
    }
}
