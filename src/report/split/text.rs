//! What makes a part's role and moves its workloads: Terraform, Kubernetes manifests, associations, Helm values, commands.
//!
//! Names are strangers' text: each goes through the quoting of the language that it stands in.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::SplitPart;
use crate::grants::{Eks, Principal};
use crate::report::reached::{Reached, reached};

/// The annotation that gives a service account a role (EKS user guide, "Assign IAM roles to Kubernetes service accounts").
const ANNOTATION: &str = "eks.amazonaws.com/role-arn";

/// Writes all of it.
pub(super) fn fill(part: &mut SplitPart, role: &Principal, eks: &Eks) {
    let mut accounts: Vec<(String, String, bool)> = Vec::new();
    let (mut manifests, mut commands, mut associations) = (String::new(), Vec::new(), Vec::new());
    for workload in &part.workloads {
        let Some(namespace) = &workload.namespace else { continue };
        match workload.kind.as_str() {
            "service_account" => {
                let known = accounts
                    .iter()
                    .any(|(of, name, irsa)| of == namespace && *name == workload.name && *irsa);
                if known {
                    continue;
                }
                accounts.push((namespace.clone(), workload.name.clone(), true));
                if !manifests.is_empty() {
                    manifests.push_str("---\n");
                }
                manifests.push_str(&manifest(namespace, &workload.name, &part.arn));
                commands.push(format!(
                    "kubectl annotate serviceaccount -n {} {} {} --overwrite",
                    shell(namespace),
                    shell(&workload.name),
                    shell(&format!("{ANNOTATION}={}", part.arn))
                ));
            }
            "pod_identity" => {
                accounts.push((namespace.clone(), workload.name.clone(), false));
                let Some(cluster) = workload.cluster.as_deref().map(|id| eks.plain_name(id)) else {
                    continue;
                };
                let known = eks.associations_of(&role.arn).find(|known| {
                    known.cluster == cluster && known.namespace == *namespace && known.service_account == workload.name
                });
                let reached = reached(role, known, eks);
                let mut input =
                    json!({"clusterName": cluster, "namespace": namespace, "serviceAccount": workload.name});
                let flag = match &reached {
                    Reached::First => {
                        input["roleArn"] = json!(part.arn);
                        "--role-arn"
                    }
                    Reached::Target(first) => {
                        input["roleArn"] = json!(first);
                        input["targetRoleArn"] = json!(part.arn);
                        "--target-role-arn"
                    }
                };
                // EKS asks for the first role; where nobody knows it, the association that there is keeps its own.
                if reached != Reached::Target(None) {
                    associations.push(input);
                }
                let cluster = shell(cluster);
                let id = match known.filter(|known| !known.id.is_empty()) {
                    Some(known) => shell(&known.id),
                    None => format!(
                        "\"$(aws eks list-pod-identity-associations --cluster-name {cluster} --namespace {} --service-account {} \
                         --query 'associations[0].associationId' --output text)\"",
                        shell(namespace),
                        shell(&workload.name)
                    ),
                };
                commands.push(format!(
                    "aws eks update-pod-identity-association --cluster-name {cluster} --association-id {id} {flag} {}",
                    shell(&part.arn)
                ));
            }
            _ => {}
        }
    }
    if let [(_, name, irsa), rest @ ..] = &accounts[..]
        && rest.iter().all(|(_, other, _)| other == name)
    {
        let irsa = *irsa || rest.iter().any(|(.., irsa)| *irsa);
        part.helm_values = helm(name, irsa.then_some(part.arn.as_str()));
    }
    (part.manifests, part.commands, part.associations) = (manifests, commands, associations);
    part.terraform = terraform(part, role);
}

fn manifest(namespace: &str, name: &str, arn: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {}\n  namespace: {}\n  annotations:\n    {ANNOTATION}: {}\n",
        yaml(name),
        yaml(namespace),
        yaml(arn)
    )
}

fn helm(name: &str, arn: Option<&str>) -> String {
    let mut text = format!("serviceAccount:\n  create: true\n  name: {}\n", yaml(name));
    if let Some(arn) = arn {
        text.push_str(&format!("  annotations:\n    {ANNOTATION}: {}\n", yaml(arn)));
    }
    text
}

/// The role, its policies and what hands it to its workloads.
fn terraform(part: &SplitPart, role: &Principal) -> String {
    let Some(trust) = &part.trust else {
        return String::new();
    };
    let label = label(&part.name);
    let mut text = String::new();
    let mut block = |kind: &str, label: &str, members: &[(&str, String)]| {
        // As `terraform fmt` lays it out: what takes several lines is not aligned.
        let is_line = |value: &str| !value.contains('\n');
        let of_lines = members.iter().filter(|(_, value)| is_line(value));
        let widest = of_lines.map(|(name, _)| name.len()).max().unwrap_or(0);
        let _ = writeln!(
            text,
            "{}resource \"{kind}\" \"{label}\" {{",
            if text.is_empty() { "" } else { "\n" }
        );
        for (name, value) in members {
            let width = if is_line(value) { widest } else { 0 };
            let _ = writeln!(text, "  {name:width$} = {value}");
        }
        text.push_str("}\n");
    };
    let mut members = vec![("name", hcl(&part.name)), ("path", hcl(&role.path))];
    // A boundary stays where it is: without it the new role could do more than the old one.
    if let Some(arn) = &role.permissions_boundary {
        members.push(("permissions_boundary", hcl(arn)));
    }
    if !part.tags.is_empty() {
        members.push(("tags", map(&part.tags)));
    }
    members.push(("assume_role_policy", document(trust)));
    block("aws_iam_role", &label, &members);
    let arn_of_role = format!("aws_iam_role.{label}.arn");
    let name_of_role = format!("aws_iam_role.{label}.name");
    match &part.documents[..] {
        [one] => block(
            "aws_iam_role_policy",
            &label,
            &[
                ("name", hcl("use")),
                ("role", name_of_role.clone()),
                ("policy", document(one)),
            ],
        ),
        many => {
            for (at, one) in many.iter().enumerate() {
                let numbered = format!("{label}_{}", at + 1);
                let name = hcl(&format!("{}-{}", part.name, at + 1));
                block(
                    "aws_iam_policy",
                    &numbered,
                    &[("name", name), ("policy", document(one))],
                );
                let arn = format!("aws_iam_policy.{numbered}.arn");
                let attachment = [("role", name_of_role.clone()), ("policy_arn", arn)];
                block("aws_iam_role_policy_attachment", &numbered, &attachment);
            }
        }
    }
    for (at, arn) in part.attach.iter().enumerate() {
        let attachment = [("role", name_of_role.clone()), ("policy_arn", hcl(arn))];
        block(
            "aws_iam_role_policy_attachment",
            &format!("{label}_aws_{}", at + 1),
            &attachment,
        );
    }
    if part.workloads.iter().any(|workload| workload.kind == "ec2") {
        let members = [("name", hcl(&part.name)), ("role", name_of_role)];
        block("aws_iam_instance_profile", &label, &members);
    }
    for (at, association) in part.associations.iter().enumerate() {
        let member = |key: &str| hcl(association[key].as_str().unwrap_or_default());
        let mut members = vec![
            ("cluster_name", member("clusterName")),
            ("namespace", member("namespace")),
            ("service_account", member("serviceAccount")),
        ];
        if association["targetRoleArn"].is_null() {
            members.push(("role_arn", arn_of_role.clone()));
        } else {
            members.push(("role_arn", member("roleArn")));
            members.push(("target_role_arn", arn_of_role.clone()));
        }
        block(
            "aws_eks_pod_identity_association",
            &format!("{label}_{}", at + 1),
            &members,
        );
    }
    text
}

/// A name as Terraform takes it for a resource.
fn label(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    let label: String = name.chars().map(plain).collect();
    if label.starts_with(|c: char| c.is_ascii_digit()) {
        format!("role_{label}")
    } else {
        label
    }
}

/// Text as Terraform writes it: JSON's quoting, and nothing of it a template.
fn hcl(text: &str) -> String {
    no_template(&Value::from(text).to_string())
}

/// A map as `terraform fmt` lays it out.
fn map(entries: &BTreeMap<String, String>) -> String {
    let entries: Vec<(String, String)> = entries.iter().map(|(key, value)| (hcl(key), hcl(value))).collect();
    let widest = entries.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
    let lines = entries
        .iter()
        .map(|(key, value)| format!("    {key:widest$} = {value}\n"));
    format!("{{\n{}  }}", lines.collect::<String>())
}

/// A document as a Terraform expression.
fn document(value: &Value) -> String {
    let mut text = "jsonencode(".to_owned();
    expression(value, 2, &mut text);
    text.push(')');
    text
}

fn expression(value: &Value, indent: usize, text: &mut String) {
    let lead = |indent: usize| format!("\n{}", " ".repeat(indent));
    match value {
        Value::Array(entries) if !entries.is_empty() => {
            text.push('[');
            for (at, entry) in entries.iter().enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                text.push_str(&lead(indent + 2));
                expression(entry, indent + 2, text);
            }
            text.push_str(&lead(indent));
            text.push(']');
        }
        Value::Object(members) if !members.is_empty() => {
            text.push('{');
            for (at, (name, member)) in members.iter().enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                text.push_str(&lead(indent + 2));
                text.push_str(&format!("{} : ", hcl(name)));
                expression(member, indent + 2, text);
            }
            text.push_str(&lead(indent));
            text.push('}');
        }
        other => text.push_str(&no_template(&other.to_string())),
    }
}

/// Terraform knows `\n`, `\r`, `\t`, `\"`, `\\` and `\u`, no other escape, and `${` and `%{` start templates
/// (Terraform language, "Strings and templates").
fn no_template(text: &str) -> String {
    text.replace("\\b", "\\u0008")
        .replace("\\f", "\\u000c")
        .replace("${", "$${")
        .replace("%{", "%%{")
}

/// Text as YAML writes it: a JSON string is one.
fn yaml(text: &str) -> String {
    Value::from(text).to_string()
}

/// Text as one word of a shell.
fn shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests;
