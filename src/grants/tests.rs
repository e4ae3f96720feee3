//! Exports as AWS prints them, read into grants.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;

/// One role `app` in account 111122223333 with one inline policy.
fn role(policy_document: Value) -> Value {
    json!({"RoleDetailList": [{
        "Arn": "arn:aws:iam::111122223333:role/app", "RoleName": "app", "RoleId": "AROAAPP", "Path": "/",
        "RolePolicyList": [{"PolicyName": "inline", "PolicyDocument": policy_document}],
    }]})
}

fn user(name: &str) -> Value {
    json!({
        "Arn": format!("arn:aws:iam::111122223333:user/{name}"), "UserName": name, "UserId": format!("AIDA{name}"),
        "Path": "/",
    })
}

fn read_one(page: &Value) -> Grants {
    read(&[("grants.json".to_owned(), page.to_string())]).expect("an export")
}

/// The names of principals and the actions of their policies, or the error's kind.
fn check(texts: &[&str], expected: Result<&[(&str, &[&str])], &str>) {
    let exports: Vec<(String, String)> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| (format!("{index}.json"), (*text).to_owned()))
        .collect();
    let found = read(&exports)
        .map(|grants| {
            let mut found = Vec::new();
            for (index, principal) in grants.principals.iter().enumerate() {
                let policies = grants.policies_of(index);
                found.push((
                    principal.name.clone(),
                    policies
                        .into_iter()
                        .flat_map(|policy| actions(&grants, policy))
                        .collect(),
                ));
            }
            found
        })
        .map_err(|error| kind(&error).to_owned());
    let expected: Result<Vec<(String, Vec<String>)>, String> = expected
        .map(|principals| {
            principals
                .iter()
                .map(|(name, actions)| {
                    (
                        (*name).to_owned(),
                        actions.iter().map(|action| (*action).to_owned()).collect(),
                    )
                })
                .collect()
        })
        .map_err(str::to_owned);
    assert_eq!(found, expected, "{texts:?}");
}

fn actions(grants: &Grants, policy: PolicyIndex) -> Vec<String> {
    let document = &grants.policies[policy].document;
    let statements = match &document["Statement"] {
        Value::Array(statements) => statements.clone(),
        one => vec![one.clone()],
    };
    statements
        .iter()
        .flat_map(|statement| match &statement["Action"] {
            Value::Array(actions) => actions.clone(),
            one => vec![one.clone()],
        })
        .map(|action| action.as_str().unwrap_or("?").to_owned())
        .collect()
}

fn kind(error: &Error) -> &'static str {
    match error {
        Error::Io { .. } => "io",
        Error::Shape { .. } => "shape",
        Error::Truncated { .. } => "truncated",
        Error::Conflict { .. } => "conflict",
        Error::Snapshot { .. } => "snapshot",
        Error::Empty { .. } => "empty",
        Error::Supplement { .. } => "supplement",
    }
}

fn allow(action: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
}

#[test]
fn pages_come_in_one_file_in_an_array_or_in_files() {
    let ann = json!({"UserDetailList": [user("ann")], "IsTruncated": true}).to_string();
    let bob = json!({"UserDetailList": [user("bob")], "IsTruncated": false}).to_string();
    let both: &[(&str, &[&str])] = &[("ann", &[]), ("bob", &[])];
    check(&[&format!("{ann}\n{bob}")], Ok(both));
    check(&[&format!("[{ann},{bob}]")], Ok(both));
    check(&[&bob, &ann], Ok(both));
    check(&[&format!("\u{feff}{bob}")], Ok(&[("bob", &[])]));
    // The same page twice says nothing new.
    check(&[&bob, &bob], Ok(&[("bob", &[])]));
}

#[test]
fn what_is_no_export_says_so() {
    let ann = json!({"UserDetailList": [user("ann")], "IsTruncated": true}).to_string();
    check(&[&ann], Err("truncated"));
    check(&["{}"], Err("shape"));
    check(&["no json"], Err("shape"));
    check(&[r#"{"UserDetailList": {"Arn": "x"}}"#], Err("shape"));
    check(&[r#"{"UserDetailList": []}"#], Err("empty"));
    check(&[], Err("empty"));
    let mut other = user("ann");
    other["UserId"] = json!("AIDAOTHER");
    let twice = json!([{"UserDetailList": [user("ann")]}, {"UserDetailList": [other]}]).to_string();
    check(&[&twice], Err("conflict"));
}

#[test]
fn documents_are_objects_or_texts_encoded_or_not() {
    let document = allow("s3:GetObject");
    let plain = document.to_string();
    let encoded = percent_encoding::utf8_percent_encode(&plain, percent_encoding::NON_ALPHANUMERIC).to_string();
    let app: &[(&str, &[&str])] = &[("app", &["s3:GetObject"])];
    check(&[&role(document.clone()).to_string()], Ok(app));
    check(&[&role(json!(encoded.to_string())).to_string()], Ok(app));
    check(&[&role(json!(document.to_string())).to_string()], Ok(app));
    // Statement may be one object.
    let single =
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}});
    check(&[&role(single).to_string()], Ok(app));
}

#[test]
fn a_plus_in_an_encoded_document_stays_a_plus() {
    let plain = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::a+b/%20"}]}"#;
    // Only what RFC 3986 calls unreserved, and `+`, stands for itself.
    let encoded: String = plain
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'+' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    let grants = read_one(&role(json!(encoded)));
    assert_eq!(
        grants.policies[0].document["Statement"][0]["Resource"],
        "arn:aws:s3:::a+b/%20"
    );
    assert!(grants.policies[0].policy.is_ok());
    // A text that is a document already is not decoded again.
    let grants = read_one(&role(json!(plain)));
    assert_eq!(
        grants.policies[0].document["Statement"][0]["Resource"],
        "arn:aws:s3:::a+b/%20"
    );
}

#[test]
fn a_document_that_is_no_policy_is_kept_with_its_reason() {
    for document in [
        json!("%zz"),
        json!({"Statement": [{"Effect": "Maybe"}]}),
        json!({"Version": "1999-01-01", "Statement": []}),
    ] {
        let grants = read_one(&role(document.clone()));
        assert!(grants.policies[0].policy.is_err(), "{document}");
        assert_eq!(grants.policies[0].document, document);
    }
}

/// A role with one attached managed policy, beside the description of that policy.
fn attached(arn: &str, policies: Value) -> Grants {
    read_one(&json!({
        "RoleDetailList": [{
            "Arn": "arn:aws:iam::111122223333:role/app", "RoleName": "app", "RoleId": "AROAAPP", "Path": "/",
            "AttachedManagedPolicies": [{"PolicyName": "p", "PolicyArn": arn}],
        }],
        "Policies": policies,
    }))
}

#[test]
fn only_the_default_version_counts() {
    let arn = "arn:aws:iam::111122223333:policy/p";
    let versions = json!([
        {"VersionId": "v3", "IsDefaultVersion": false, "Document": allow("*")},
        {"VersionId": "v2", "IsDefaultVersion": true, "Document": allow("s3:GetObject")},
        {"VersionId": "v1", "IsDefaultVersion": false, "Document": allow("iam:*")},
    ]);
    let policy = json!([{"Arn": arn, "PolicyName": "p", "DefaultVersionId": "v2", "AttachmentCount": 1, "PolicyVersionList": versions}]);
    let grants = attached(arn, policy);
    assert_eq!(actions(&grants, 0), ["s3:GetObject"]);
    // Without the id the mark decides.
    let policy = json!([{"Arn": arn, "PolicyName": "p", "PolicyVersionList": versions}]);
    assert_eq!(actions(&attached(arn, policy), 0), ["s3:GetObject"]);
}

#[test]
fn an_attached_policy_without_document_leaves_its_principal_unknown() {
    let arn = "arn:aws:iam::111122223333:policy/p";
    let cases = [
        json!([]),
        json!([{"Arn": arn, "PolicyName": "p", "DefaultVersionId": "v2", "PolicyVersionList": []}]),
        // The default version's document is what is missing.
        json!([{"Arn": arn, "PolicyName": "p", "DefaultVersionId": "v2", "PolicyVersionList": [
            {"VersionId": "v1", "IsDefaultVersion": false, "Document": allow("*")}]}]),
    ];
    for policies in cases {
        let grants = attached(arn, policies.clone());
        assert!(grants.policies.is_empty(), "{policies}");
        assert_eq!(
            grants.principals[0].unknown,
            ["attached policy arn:aws:iam::111122223333:policy/p has no document in the export"]
        );
    }
}

#[test]
fn an_aws_managed_policy_without_document_comes_from_the_catalog() {
    let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let grants = attached(arn, json!([]));
    assert!(grants.principals[0].unknown.is_empty());
    assert!(grants.policies[0].from_catalog);
    assert_eq!(grants.policies[0].kind, PolicyKind::AwsManaged);
    // The account's own copy goes before the catalog's.
    let own = json!([{"Arn": arn, "PolicyVersionList": [{"VersionId": "v9", "IsDefaultVersion": true, "Document": allow("s3:GetObject")}]}]);
    let grants = attached(arn, own);
    assert!(!grants.policies[0].from_catalog);
    assert_eq!(actions(&grants, 0), ["s3:GetObject"]);
    let grants = attached("arn:aws:iam::aws:policy/NoSuchPolicyAnywhere", json!([]));
    assert_eq!(grants.principals[0].unknown.len(), 1);
}

#[test]
fn members_have_their_own_policies_and_their_groups_once() {
    let arn = "arn:aws:iam::111122223333:policy/both";
    let mut ann = user("ann");
    ann["GroupList"] = json!(["devs", "gone"]);
    ann["UserPolicyList"] = json!([{"PolicyName": "own", "PolicyDocument": allow("ec2:*")}]);
    ann["AttachedManagedPolicies"] = json!([{"PolicyArn": arn}]);
    let grants = read_one(&json!({
        "UserDetailList": [ann, user("bob")],
        "GroupDetailList": [{
            "Arn": "arn:aws:iam::111122223333:group/devs", "GroupName": "devs", "GroupId": "AGPA", "Path": "/",
            "GroupPolicyList": [{"PolicyName": "theirs", "PolicyDocument": allow("s3:*")}],
            "AttachedManagedPolicies": [{"PolicyArn": arn}],
        }],
        "Policies": [{"Arn": arn, "AttachmentCount": 2, "PolicyVersionList": [
            {"VersionId": "v1", "IsDefaultVersion": true, "Document": allow("sqs:*")}]}],
    }));
    let names: Vec<&str> = grants
        .principals
        .iter()
        .map(|principal| principal.name.as_str())
        .collect();
    assert_eq!(names, ["devs", "ann", "bob"]);
    let policies = |index| -> Vec<&str> {
        grants
            .policies_of(index)
            .into_iter()
            .map(|policy| grants.policies[policy].name.as_str())
            .collect()
    };
    assert_eq!(policies(1), ["own", "both", "theirs"]);
    assert_eq!(policies(2), [""; 0]);
    assert_eq!(grants.principals[1].unknown, ["group gone is not in the export"]);
    let shared = grants
        .policies
        .iter()
        .position(|policy| policy.name == "both")
        .expect("the shared policy");
    assert_eq!(grants.affected_by(shared), [1]);
    let theirs = grants
        .policies
        .iter()
        .position(|policy| policy.name == "theirs")
        .expect("the group's policy");
    assert_eq!(grants.affected_by(theirs), [1]);
}

#[test]
fn a_boundary_is_known_by_its_users_and_by_its_count() {
    let arn = "arn:aws:iam::111122223333:policy/edge";
    let version = json!([{"VersionId": "v1", "IsDefaultVersion": true, "Document": allow("s3:*")}]);
    let mut ann = user("ann");
    ann["PermissionsBoundary"] = json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn});
    let used = read_one(&json!({"UserDetailList": [ann], "Policies": [{"Arn": arn, "PolicyVersionList": version}]}));
    assert!(used.policies[0].is_boundary);
    let counted = read_one(&json!({"UserDetailList": [user("ann")], "Policies": [
        {"Arn": arn, "PermissionsBoundaryUsageCount": 1, "PolicyVersionList": version}]}));
    assert!(counted.policies[0].is_boundary);
    let neither = read_one(&json!({"UserDetailList": [user("ann")], "Policies": [
        {"Arn": arn, "PermissionsBoundaryUsageCount": 0, "PolicyVersionList": version}]}));
    assert!(!neither.policies[0].is_boundary);
}

#[test]
fn a_folder_stands_for_the_exports_in_it() {
    let folder = std::env::temp_dir().join(format!("trimtrail-grants-{}", std::process::id()));
    let below = folder.join("below");
    std::fs::create_dir_all(&below).expect("a folder");
    let page = |name: &str| json!({"UserDetailList": [user(name)]}).to_string();
    std::fs::write(folder.join("a.json"), page("ann")).expect("a file");
    std::fs::write(below.join("b.json"), page("bob")).expect("a file");
    std::fs::write(folder.join("notes.txt"), "no export").expect("a file");
    let grants = load(std::slice::from_ref(&folder)).expect("exports");
    assert_eq!(grants.principals.len(), 2);
    let missing = load(&[folder.join("missing.json")]).expect_err("nothing there");
    assert_eq!(kind(&missing), "io");
    std::fs::remove_dir_all(&folder).expect("gone again");
}

#[test]
fn real_exports_load() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/grants");
    for (file, principals) in [
        ("invictus.gaad.json", 1),
        ("cloudmapper.demo.gaad.json", 1),
        ("cloudsplaining.example.gaad.json", 10),
    ] {
        let path = folder.join(file);
        if !path.exists() {
            eprintln!("skipped: {} is not here", path.display());
            continue;
        }
        let grants = load(&[path]).expect("an export");
        assert!(
            grants.principals.len() >= principals,
            "{file}: {}",
            grants.principals.len()
        );
        let unread: Vec<&str> = grants
            .policies
            .iter()
            .filter(|policy| policy.policy.is_err())
            .map(|policy| policy.name.as_str())
            .collect();
        assert_eq!(unread, [""; 0], "{file}");
    }
}

#[test]
fn a_role_whose_trust_policy_cannot_be_understood_is_not_rewritten() {
    let export = json!({"RoleDetailList": [{"Arn": "arn:aws:iam::111122223333:role/app", "RoleName": "app",
        "AssumeRolePolicyDocument": {"Statement": {"Effect": "Allow", "Principal": ["*"], "Action": "sts:AssumeRole"}}}]});
    let grants = read(&[("g".to_owned(), export.to_string())]).expect("grants");
    assert_eq!(
        grants.principals[0].unknown,
        ["its trust policy cannot be understood: Statement[0].Principal: must be \"*\" or an object, not an array"]
    );
}
