//! Lines of a file that is not evaluated which look as if they granted something, or gave a value to what does: commands, code
//! that writes policies, pipelines that set variables.

use std::path::Path;

use crate::catalog::Catalog;

/// Files that say nothing to any tool that grants.
const SILENT: [&str; 14] = [
    "adoc", "css", "gif", "htm", "html", "ico", "jpg", "log", "markdown", "md", "png", "rst", "sum", "svg",
];
/// What packages and providers are pinned to. Which version of a provider makes a policy says nothing of what the policy says.
const PINNED: [&str; 14] = [
    ".terraform.lock.hcl",
    "Cargo.lock",
    "Gemfile.lock",
    "Pipfile.lock",
    "composer.lock",
    "go.mod",
    "mix.lock",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "packages.lock.json",
    "pnpm-lock.yaml",
    "poetry.lock",
    "uv.lock",
    "yarn.lock",
];
/// Languages in which a line that begins so is a comment; in scripts and YAML it may be the text of a document.
const COMMENTS: [(&str, &[&str]); 2] = [
    (
        "//",
        &[
            "cs", "go", "java", "js", "jsx", "kt", "mjs", "rs", "scala", "swift", "ts", "tsx",
        ],
    ),
    ("#", &["py", "rb"]),
];
/// Words of commands, libraries and keys that grant, hand a role on, or give a variable its value; in lower case.
const WORDS: [&str; 44] = [
    " -backend-config",
    " -var ",
    " -var-file",
    " -var=",
    "--parameter-overrides",
    "-role-policy",
    "-user-policy",
    "-group-policy",
    "-bucket-policy",
    "-key-policy",
    "add-permission",
    "add-user-to-group",
    "add_permission",
    "add_to_policy",
    "add_to_role_policy",
    "addmanagedpolicy",
    "addpermission",
    "addtopolicy",
    "addtoprincipalpolicy",
    "addtorolepolicy",
    "administratoraccess",
    "arn:aws:iam:",
    "assume-role-policy",
    "assume_role",
    "assumerole",
    "attach_role_policy",
    "attach_user_policy",
    "create-access-entry",
    "create-grant",
    "create_grant",
    "fromawsmanagedpolicy",
    "iamroleservice",
    "managedpolicies",
    "managedpolicy",
    "parameter_overrides",
    "policy_arn",
    "policyarn",
    "policystatement",
    "put_role_policy",
    "role-arn",
    "role_arn",
    "rolearn",
    "tf_cli_args",
    "tf_var_",
];

/// The lines of a file that may grant, each with its number.
pub(super) fn signs(path: &Path, text: &str) -> Vec<(usize, String)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    if SILENT.contains(&extension) || PINNED.contains(&&*name) {
        return Vec::new();
    }
    let comment = COMMENTS.iter().find(|(_, languages)| languages.contains(&extension));
    let is_comment = |line: &str| comment.is_some_and(|(start, _)| line.starts_with(start));
    let is_sign = |line: &str| match &*name {
        // Which commits of others' repositories make what is made.
        ".gitmodules" => true,
        _ => !is_comment(line) && may_grant(line),
    };
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let found = lines.filter(|(_, line)| !line.is_empty() && is_sign(line));
    found.map(|(at, line)| (at, line.to_owned())).collect()
}

/// Whether a line looks as if it granted something.
pub(super) fn may_grant(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    let grants = |at: usize| {
        let rest = &lower[at + 6..];
        // What OAuth calls so (RFC 6749, section 4).
        let is_type = rest.trim_start_matches('_').starts_with("type");
        !is_type && rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '(' || c == '_')
    };
    // `bucket.grantRead(role)`, as the CDK has it.
    let by_method = lower.match_indices(".grant").any(|(at, _)| grants(at));
    let is_effect = lower.contains("\"effect\"") || lower.trim_start_matches(['-', ' ']).starts_with("effect:");
    by_method || is_effect || WORDS.iter().any(|word| lower.contains(word)) || names_action(line)
}

/// Whether a line names an action: `s3:GetObject`, `"s3:*"`.
fn names_action(line: &str) -> bool {
    let catalog = Catalog::embedded();
    line.match_indices(':').any(|(at, _)| {
        let before = &line[..at];
        let in_service = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let start = before.trim_end_matches(in_service).len();
        let (service, action) = (&before[start..], &line[at + 1..]);
        let is_alone = !before[..start].ends_with([':', '/', '_', '.']);
        let is_action = action.starts_with('*') || action.starts_with(|c: char| c.is_ascii_uppercase());
        let ends = |c: char| !c.is_ascii_alphanumeric() && c != '*';
        let end = action.find(ends).unwrap_or(action.len());
        is_alone
            && is_action
            && service.len() > 1
            && !catalog.service_range(service).is_empty()
            && catalog.knows(&format!("{service}:{}", &action[..end]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_grant_are_told_from_others() {
        for line in [
            "aws iam attach-role-policy --role-name a --policy-arn x",
            "actions: [\"s3:GetObject\"],",
            "- s3:*",
            "export TF_VAR_admins='[\"a\"]'",
            "terraform apply -var 'a=b'",
            "bucket.grantReadWrite(fn)",
            "new iam.PolicyStatement({",
            "eks.amazonaws.com/role-arn: x",
        ] {
            assert!(may_grant(line), "{line}");
        }
        for line in [
            "print(1)",
            "https://example.com",
            "name:String",
            "image: repo:Latest",
            "replicas: 3",
            "# grant nothing",
            "if request.grant_type != 'password':",
            "client.grantTypes.push(one)",
            "x.granted = 1",
        ] {
            let expected = line == "x.granted = 1";
            assert_eq!(may_grant(line), expected, "{line}");
        }
        for (file, text) in [
            ("README.md", "s3:*\n"),
            (
                "infra/.terraform.lock.hcl",
                "provider \"a/b\" {\n  version = \"5.1.0\"\n}\n",
            ),
            ("app/uv.lock", "name = \"put-role-policy\"\n"),
            ("app/a.py", "    # reads s3:GetObject\n"),
            ("app/a.ts", "// iam.PolicyStatement\n"),
        ] {
            assert_eq!(signs(Path::new(file), text), [], "{file}");
        }
        // Of a script's text it may be a part, and what stands behind code counts.
        assert_eq!(signs(Path::new("a.sh"), "# s3:*\n").len(), 1);
        assert_eq!(signs(Path::new("a.py"), "x = 1  # s3:*\n").len(), 1);
    }
}
