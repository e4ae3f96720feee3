//! Inventories of a few roles without logs.

use serde_json::{Value, json};

use super::*;
use crate::analysis;
use crate::coverage::Coverage;
use crate::grants::Eks;
use crate::usage::Table;

/// The inventory of grants without logs.
pub(crate) fn of_grants(mut roles: Vec<Value>, eks: Eks) -> Inventory {
    for role in &mut roles {
        let name = role["RoleName"].as_str().unwrap_or("").to_owned();
        role["Arn"] = json!(format!("arn:aws:iam::111122223333:role/{name}"));
        role["Path"] = json!("/");
        role["RoleId"] = json!(format!("AROA{}", name.to_uppercase()));
        role["CreateDate"] = json!("2025-01-01T00:00:00Z");
    }
    let page = json!({"UserDetailList": [], "GroupDetailList": [], "Policies": [], "RoleDetailList": roles});
    let mut grants = crate::grants::read(&[("g.json".to_owned(), page.to_string())]).expect("they are grants");
    grants.supplements.eks = eks;
    let (table, coverage) = (Table::default(), Coverage::default());
    let archive = Archive::new(&table, &coverage);
    let catalog = Catalog::embedded();
    let gaps = analysis::gaps(catalog, &archive, &grants, true);
    inventory(&InventoryInputs {
        catalog,
        archive: &archive,
        grants: &grants,
        gaps: &gaps,
        splits: &[],
        shows: &|_| true,
    })
}

fn role(name: &str, trust: Value, actions: Value) -> Value {
    json!({"RoleName": name, "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": trust},
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}}],
        "AttachedManagedPolicies": [], "InstanceProfileList": []})
}

#[test]
fn the_grant_is_counted_by_level_class_and_path() {
    let lambda =
        json!([{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]);
    let actions = json!([
        "s3:GetObject",
        "s3:ListAllMyBuckets",
        "sqs:SendMessage",
        "sqs:TagQueue",
        "iam:CreateAccessKey"
    ]);
    let inventory = of_grants(vec![role("app", lambda, actions)], Eks::default());
    let size = &inventory.principals[0].size;
    assert_eq!(size.actions, 5);
    let levels = &size.by_access_level;
    assert_eq!(
        [
            levels.read,
            levels.list,
            levels.write,
            levels.tagging,
            levels.permissions_management
        ],
        [1, 1, 1, 1, 1]
    );
    assert_eq!(
        size.by_risk.data_access + size.by_risk.privilege_escalation + size.by_risk.credential_exposure,
        2
    );
    assert_eq!(size.escalation_paths, ["iam-002"]);
    assert!(!inventory.logs);
}

#[test]
fn service_accounts_stand_under_their_cluster_whoever_names_it() {
    let provider = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC";
    let sub = "oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub";
    let irsa = json!([{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": provider},
        "Condition": {"StringEquals": {sub: "system:serviceaccount:shop:cart"}}}]);
    let pods = json!([{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Principal": {"Service": "pods.eks.amazonaws.com"}}]);
    let dir = std::env::temp_dir().join(format!("trimtrail-eks-{}.json", std::process::id()));
    let text = format!(
        "{} {}",
        json!({"cluster": {"name": "prod", "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/prod",
            "identity": {"oidc": {"issuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC"}}}}),
        json!({"association": {"clusterName": "prod", "namespace": "shop", "serviceAccount": "cart",
            "roleArn": "arn:aws:iam::111122223333:role/b", "associationId": "a-1"}})
    );
    std::fs::write(&dir, text).expect("a temporary file");
    let files = crate::grants::SupplementFiles {
        eks: vec![dir.clone()],
        ..Default::default()
    };
    let eks = files.load().expect("answers of EKS").eks;
    std::fs::remove_file(dir).expect("it is there");
    let inventory = of_grants(
        vec![role("a", irsa, json!("s3:*")), role("b", pods, json!("s3:*"))],
        eks,
    );
    assert_eq!(inventory.clusters.len(), 1);
    let cluster = &inventory.clusters[0];
    assert_eq!(
        (cluster.cluster.as_str(), cluster.issuer.as_deref()),
        ("prod", Some("ABC"))
    );
    let account = &cluster.namespaces[0].service_accounts[0];
    assert_eq!(account.service_account, "cart");
    let known: Vec<(&str, &str)> = account
        .roles
        .iter()
        .map(|role| (&*role.by[0], &*role.known[0]))
        .collect();
    assert_eq!(known, [("irsa", "trust"), ("pod_identity", "association")]);
    assert_eq!(inventory.notes, Vec::<String>::new());
}
