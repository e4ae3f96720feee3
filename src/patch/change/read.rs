//! One side of a change: everything in its files that grants, with its address.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::definitions::Definitions;
use super::files::{Files, Unread};
use super::node::Document;
use super::references::References;
use super::{given, signs, template, terraform};
use crate::patch::terraform::{Project, Source};

/// Terraform's attributes that say whom or what a policy is for.
pub(super) const HOLDERS: [&str; 19] = [
    "arn",
    "bucket",
    "domain_name",
    "function_name",
    "group",
    "groups",
    "key_id",
    "permission_set_arn",
    "principal_id",
    "queue_url",
    "repository",
    "role",
    "roles",
    "secret_arn",
    "target_id",
    "topic_arn",
    "user",
    "users",
    "vault_name",
];

/// Attributes that name policies which stand elsewhere.
pub(super) const ATTACHED: [&str; 4] = ["managed_policy_arn", "managed_policy_arns", "policy_arn", "policy_arns"];

/// Resources that make members, who get what their group has.
pub(super) const MEMBERSHIPS: [&str; 2] = ["aws_iam_group_membership", "aws_iam_user_group_membership"];

/// Terraform's resources that let somebody do something, and have no policy document.
pub(super) const GRANTING: [&str; 35] = [
    "aws_ami_launch_permission",
    "aws_cloudformation_stack",
    "aws_cloudformation_stack_set",
    "aws_cloudformation_stack_set_instance",
    "aws_cloudwatch_event_permission",
    "aws_cognito_identity_pool_roles_attachment",
    "aws_eks_access_entry",
    "aws_eks_access_policy_association",
    "aws_eks_identity_provider_config",
    "aws_eks_pod_identity_association",
    "aws_iam_access_key",
    "aws_iam_instance_profile",
    "aws_iam_openid_connect_provider",
    "aws_iam_saml_provider",
    "aws_iam_user_login_profile",
    "aws_identitystore_group_membership",
    "aws_kms_grant",
    "aws_lakeformation_data_lake_settings",
    "aws_lakeformation_permissions",
    "aws_lambda_function_url",
    "aws_lambda_layer_version_permission",
    "aws_lambda_permission",
    "aws_organizations_delegated_administrator",
    "aws_ram_principal_association",
    "aws_ram_resource_association",
    "aws_ram_resource_share",
    "aws_redshift_endpoint_authorization",
    "aws_rolesanywhere_profile",
    "aws_rolesanywhere_trust_anchor",
    "aws_s3_bucket_acl",
    "aws_s3_object_acl",
    "aws_servicecatalog_principal_portfolio_association",
    "aws_snapshot_create_volume_permission",
    "aws_ssoadmin_account_assignment",
    "aws_vpc_endpoint_service_allowed_principal",
];

/// Terraform's attributes that hand a role on, or open something to those whom no policy names.
pub(super) const HANDING: [&str; 19] = [
    "acl",
    "authentication_mode",
    "authorization",
    "authorization_type",
    "bootstrap_cluster_creator_admin_permissions",
    "cluster_role_arn",
    "execution_role_arn",
    "iam_instance_profile",
    "iam_role",
    "iam_role_arn",
    "instance_profile",
    "instance_profile_arn",
    "instance_role",
    "job_role_arn",
    "role",
    "role_arn",
    "service_role",
    "service_role_arn",
    "task_role_arn",
];

/// Terraform's resources that hold others back.
pub(super) const BOUNDING: [&str; 3] = [
    "aws_organizations_policy_attachment",
    "aws_s3_account_public_access_block",
    "aws_s3_bucket_public_access_block",
];

/// Whom something is for, where no condition of its template says whether it is there.
pub(super) const ALWAYS: &str = "always";
/// How the condition of a template begins there.
pub(super) const ON_CONDITION: &str = "Condition=";

/// Something that grants.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Item {
    pub(super) file: PathBuf,
    pub(super) line: Option<usize>,
    pub(super) address: String,
    /// Whether the folder alone tells which one an address means, as Terraform has it, or the file.
    pub(super) in_folder: bool,
    /// Whom and what it is for: `role=app`, `count=1`.
    pub(super) held_by: BTreeSet<String>,
    /// The folder and the name of each resource that may make the policy which it attaches.
    pub(super) makers: Vec<(PathBuf, String)>,
    /// The file whose document it is.
    pub(super) reads: Option<PathBuf>,
    pub(super) what: What,
}

/// What it is.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum What {
    /// A policy document.
    Document(Document),
    /// A policy that stands elsewhere: its ARN, a data source, a module's output; with what that is defined by.
    Elsewhere(String),
    /// What bounds its holder.
    Boundary(String),
    /// A file that cannot be read, and its text.
    Unreadable(String),
    /// A file that is not read.
    Unread(Unread),
    /// A file that Terraform lays over the others of its folder.
    Override(String),
    /// The account that things are made in, and the role that makes them.
    Account(String),
    /// Lines of a file that is not evaluated which may grant, with their numbers.
    Signs(Vec<(usize, String)>),
}

/// One side.
#[derive(Default)]
pub(super) struct Side {
    pub(super) items: Vec<Item>,
    pub(super) files: Vec<(PathBuf, String)>,
}

impl Side {
    pub(super) fn read(files: &Files, references: &mut References) -> Side {
        let sources: Vec<Source> = files
            .texts
            .iter()
            .filter_map(|(path, text)| Source::any(path, text))
            .collect();
        let all: Vec<&Source> = sources.iter().collect();
        let definitions = Definitions::new(Project::of(&all, &[]), files);
        let by_path: HashMap<&Path, &Source> = sources.iter().map(|source| (source.path.as_path(), source)).collect();
        let mut items: Vec<Item> = files.unread.iter().map(|(path, what)| unread(path, what)).collect();
        for (path, text) in &files.texts {
            let source = by_path.get(path.as_path());
            let is_terraform = source.is_some() || matches!(extension(path), "tf" | "tofu");
            let mut found = match (source, extension(path)) {
                (Some(source), _) => terraform::items(source, text, &definitions, references),
                (None, "tf" | "tofu") => vec![unreadable(path, text)],
                (None, "tfvars") => Vec::new(),
                (None, "toml") => Vec::new(),
                (None, _) if path.to_string_lossy().ends_with(".tfvars.json") => Vec::new(),
                (None, _) => template::items(path, text, &definitions, references),
            };
            if is_terraform && is_override(path) {
                // Beside those that it is laid over.
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                found
                    .iter_mut()
                    .for_each(|item| item.address = format!("{} in {name}", item.address));
                let text = text.lines().map(str::trim).collect::<Vec<&str>>().join("\n");
                found.push(whole(path, What::Override(text)));
            }
            if extension(path) == "hcl" {
                found.extend(given::items(path, text, references));
            } else if found.is_empty() && !is_terraform {
                found.extend(of_signs(path, text));
            }
            items.extend(found);
        }
        items.extend(files.others.iter().filter_map(|(path, text)| of_signs(path, text)));
        number(&mut items);
        Side {
            items,
            files: files.texts.iter().chain(&files.others).cloned().collect(),
        }
    }
}

/// Addresses that stand twice are told apart by their place.
fn number(items: &mut [Item]) {
    let mut seen: std::collections::HashMap<(PathBuf, String), usize> = Default::default();
    for item in items {
        let place = match item.in_folder {
            true => item.file.parent().unwrap_or(Path::new("")).to_owned(),
            false => item.file.clone(),
        };
        let times = seen.entry((place, item.address.clone())).or_default();
        *times += 1;
        if *times > 1 {
            item.address = format!("{} #{times}", item.address);
        }
    }
}

pub(super) fn extension(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or("")
}

/// Whether Terraform lays a file over the others of its folder.
///
/// (Terraform documentation, "Override Files".)
fn is_override(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split_once(".t").map_or("", |(stem, _)| stem);
    stem == "override" || stem.ends_with("_override")
}

/// What of a file may grant that is not evaluated.
fn of_signs(path: &Path, text: &str) -> Option<Item> {
    let found = signs::signs(path, text);
    (!found.is_empty()).then(|| whole(path, What::Signs(found)))
}

/// A file as a whole.
fn whole(path: &Path, what: What) -> Item {
    Item {
        line: None,
        what,
        ..unreadable(path, "")
    }
}

/// A file that is not read.
fn unread(path: &Path, what: &Unread) -> Item {
    Item {
        line: None,
        what: What::Unread(what.clone()),
        ..unreadable(path, "")
    }
}

/// A file that is none of its language, where it looks as if it granted something.
pub(super) fn unreadable(path: &Path, text: &str) -> Item {
    Item {
        file: path.to_owned(),
        line: Some(1),
        address: "file".to_owned(),
        in_folder: false,
        held_by: BTreeSet::new(),
        makers: Vec::new(),
        reads: None,
        what: What::Unreadable(text.to_owned()),
    }
}
