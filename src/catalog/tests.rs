//! Tests of the embedded catalog: names, patterns, tables, managed policies.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::table::Table;
use super::*;
use crate::iam::Policy;

pub(super) fn data(name: &str) -> String {
    fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("src/catalog/data")
            .join(name),
    )
    .unwrap()
}

#[test]
fn every_action_is_found_under_its_name_in_any_case() {
    let catalog = Catalog::embedded();
    assert!(catalog.len() > 20_000);
    for id in catalog.ids() {
        let name = catalog.name(id);
        assert_eq!(catalog.id(name), Some(id), "{name}");
        assert_eq!(catalog.id(&name.to_ascii_uppercase()), Some(id), "{name}");
    }
    assert_eq!(catalog.id("s3:NoSuchThing"), None);
    assert_eq!(catalog.id("s3"), None);
    assert_eq!(catalog.id(""), None);
}

#[test]
fn ids_are_sorted_by_lower_case_name() {
    let catalog = Catalog::embedded();
    let names: Vec<String> = catalog.ids().map(|id| catalog.name(id).to_ascii_lowercase()).collect();
    let sorted: BTreeSet<String> = names.iter().cloned().collect();
    assert!(names.iter().eq(sorted.iter()));
}

#[test]
fn facts_of_single_actions() {
    let catalog = Catalog::embedded();
    let id = |name: &str| catalog.id(name).unwrap();
    assert_eq!(catalog.name(id("S3:getobject")), "s3:GetObject");
    assert_eq!(catalog.service(id("s3:GetObject")), "s3");
    assert_eq!(catalog.access_level(id("s3:GetObject")), AccessLevel::Read);
    assert_eq!(
        catalog.access_level(id("iam:PutRolePolicy")),
        AccessLevel::PermissionsManagement
    );
    assert_eq!(catalog.access_level(id("ec2:CreateTags")), AccessLevel::Tagging);
    assert_eq!(catalog.access_level(id("s3:ListAllMyBuckets")), AccessLevel::List);
    assert!(catalog.resource_types(id("s3:ListAllMyBuckets")).is_empty());
    let object = catalog
        .resource_types(id("s3:GetObject"))
        .into_iter()
        .find(|kind| kind.name == "object")
        .unwrap();
    assert_eq!(object.arns, ["arn:${Partition}:s3:::${BucketName}/${ObjectName}"]);
    assert!(
        catalog
            .condition_keys(id("s3:GetObject"))
            .contains(&"s3:ExistingObjectTag/<key>")
    );
    assert!(
        catalog
            .dependents(id("lambda:CreateFunction"))
            .contains(&id("iam:PassRole"))
    );
    assert_eq!(catalog.dependents(id("s3:ListAllMyBuckets")), []);
    assert_eq!(catalog.date().len(), "2026-10-27".len());
    assert_eq!(catalog.sources().len(), 6);
    assert!(catalog.services().any(|service| service == ("s3", "Amazon S3")));
}

#[test]
fn condition_keys_of_a_resource_type_count_as_the_actions() {
    let catalog = Catalog::embedded();
    let id = catalog.id("s3:PutObject").unwrap();
    assert!(catalog.condition_keys(id).contains(&"s3:x-amz-acl"));
}

#[test]
fn patterns_expand_as_a_regex_engine_says() {
    let catalog = Catalog::embedded();
    for pattern in [
        "*",
        "s3:*",
        "S3:GET*",
        "s3:Get?bject",
        "s3:*Object*Version*",
        "*:Describe*",
        "ec2:*Tags",
        "iam:PassRole",
        "nope:*",
        "s*:Put*",
        "?3:*",
        "s3:",
        "",
        "s3*",
        "*Object",
        "kms:Re*",
        "s3-o*:*",
    ] {
        let mut text = String::from("(?is-u)^");
        for c in pattern.chars() {
            match c {
                '*' => text.push_str(".*"),
                '?' => text.push('.'),
                other => text.push_str(&regex::escape(&other.to_string())),
            }
        }
        text.push('$');
        let oracle = regex::bytes::Regex::new(&text).unwrap();
        let expected: Vec<ActionId> = catalog
            .ids()
            .filter(|id| oracle.is_match(catalog.name(*id).as_bytes()))
            .collect();
        assert_eq!(catalog.expand(pattern), expected, "{pattern}");
    }
}

#[test]
fn a_service_range_holds_just_its_actions() {
    let catalog = Catalog::embedded();
    let mut total = 0;
    for (prefix, _) in catalog.services() {
        let range = catalog.service_range(prefix);
        total += range.len();
        for index in range {
            assert_eq!(catalog.service(ActionId::from_index(index as usize)), prefix);
        }
    }
    assert_eq!(total, catalog.len());
    assert!(catalog.service_range("nope").is_empty());
}

#[test]
fn event_sources_lead_to_prefixes() {
    let check =
        |source: &str, expected: &[&str]| assert_eq!(Catalog::embedded().prefixes_of(source), expected, "{source}");
    check(
        "s3.amazonaws.com",
        &["s3", "s3express", "s3-object-lambda", "s3-outposts"],
    );
    check("monitoring.amazonaws.com", &["cloudwatch"]);
    check("Monitoring.AmazonAWS.com", &["cloudwatch"]);
    check("kms.amazonaws.com", &["kms"]);
    check("tagging.amazonaws.com", &["tag"]);
    check("streams.dynamodb.amazonaws.com", &["dynamodb"]);
    check("autoscaling.amazonaws.com", &["autoscaling", "application-autoscaling"]);
    check("nobody-knows.amazonaws.com", &[]);
    check("", &[]);
}

#[test]
fn every_action_that_a_table_names_exists_or_is_known_to_be_retired() {
    let catalog = Catalog::embedded();
    let retired_text = data("retired.tsv");
    let retired: BTreeSet<&str> = rows(&retired_text).map(|row| row[0]).collect();
    let mut named: BTreeSet<String> = BTreeSet::new();
    for row in rows(&data("hand.tsv")) {
        assert!(row.len() == 4 && !row[3].is_empty(), "{row:?}");
        if row::no_permission(row[2]).is_none() {
            named.extend(
                row::read(row[2].trim_start_matches("+ "))
                    .into_iter()
                    .map(|need| need.action),
            );
        }
    }
    for row in rows(&data("logging.tsv")) {
        assert!(row.len() == 4 && !row[3].is_empty(), "{row:?}");
        named.extend(row[0].split(' ').map(str::to_owned));
    }
    for row in rows(&data("logged.tsv")) {
        assert!(row.len() == 4, "{row:?}");
        named.insert(row[3].to_owned());
    }
    let missing: Vec<String> = named
        .into_iter()
        .filter(|name| catalog.expand(name).is_empty() && !retired.contains(name.as_str()))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
    let operations = catalog.operations();
    for index in 0..operations.len() {
        for need in row::read(operations.field(index, 2))
            .iter()
            .filter(|need| !need.action.starts_with('-'))
        {
            assert!(catalog.id(&need.action).is_some(), "{}", operations.line(index));
        }
    }
}

#[test]
fn every_prefix_that_a_table_names_exists() {
    let catalog = Catalog::embedded();
    let known: BTreeSet<&str> = catalog.services().map(|(prefix, _)| prefix).collect();
    let mut unknown = Vec::new();
    for (table, column) in [
        ("aliases", 1),
        ("bindings", 0),
        ("clients", 2),
        ("global", 0),
        ("parameters", 0),
        ("passed_to", 0),
    ] {
        for row in rows(&data(&format!("{table}.tsv"))) {
            let prefixes = row[column]
                .split(' ')
                .filter(|prefix| *prefix != "-" && !known.contains(prefix));
            unknown.extend(prefixes.map(|prefix| format!("{table}: {prefix}")));
        }
    }
    assert_eq!(unknown, Vec::<String>::new());
}

#[test]
fn every_resource_type_that_a_binding_names_exists() {
    let catalog = Catalog::embedded();
    for row in rows(&data("bindings.tsv")) {
        assert!(!catalog.arn_formats(row[0], row[1]).is_empty(), "{row:?}");
    }
}

#[test]
fn tables_are_sorted() {
    for table in [
        "aliases",
        "bindings",
        "clients",
        "global",
        "parameters",
        "passed_to",
        "retired",
    ] {
        let text = data(&format!("{table}.tsv"));
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(lines.is_sorted(), "{table}");
    }
    let text = data("hand.tsv");
    let keys: Vec<(&str, String)> = rows(&text).map(|row| (row[0], row[1].to_ascii_lowercase())).collect();
    assert!(keys.is_sorted_by(|left, right| left < right), "hand");
}

#[test]
fn managed_policies_parse_and_are_found_in_every_partition() {
    let catalog = Catalog::embedded();
    let mut count = 0;
    for arn in catalog.managed_policy_arns() {
        let policy = Policy::parse(&catalog.managed_policy(&arn).unwrap());
        assert!(policy.is_ok_and(|policy| !policy.statements.is_empty()), "{arn}");
        count += 1;
    }
    assert!(count > 1_500);
    let get = |arn: &str| catalog.managed_policy(arn).is_some();
    assert!(get("arn:aws:iam::aws:policy/AdministratorAccess"));
    assert!(get("arn:aws-cn:iam::aws:policy/AdministratorAccess"));
    assert!(get("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"));
    assert!(get("arn:aws:iam::aws:policy/job-function/Billing"));
    assert!(!get("arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole"));
    assert!(!get("arn:aws:iam::123456789012:policy/AdministratorAccess"));
    assert!(!get("AdministratorAccess"));
}

#[test]
fn no_action_is_called_observable_that_no_call_leads_to() {
    let catalog = Catalog::embedded();
    let mut reached = vec![false; catalog.len()];
    let operations = catalog.operations();
    let mut reach = |needs: Vec<row::RowNeed>| {
        for id in needs.iter().filter_map(|need| catalog.id(&need.action)) {
            reached[id.index()] = true;
        }
    };
    for index in 0..operations.len() {
        reach(row::read(operations.field(index, 2)));
    }
    for row in rows(&data("hand.tsv")) {
        reach(row::read(row[2].trim_start_matches("+ ")));
    }
    let named_only = catalog
        .ids()
        .filter(|id| catalog.has_operation(*id) && !reached[id.index()])
        .count();
    let without = catalog
        .ids()
        .filter(|id| matches!(catalog.logging(*id), Logging::Unknown { .. }))
        .count();
    // About one action in six has no API operation, and of others nothing is said; were the flag lost, none or all would
    // be unknown.
    assert!((2_000..6_000).contains(&without), "{without}");
    assert!(named_only < catalog.len() / 2, "{named_only}");
}

#[test]
fn a_table_is_searched_at_its_edges() {
    let table = Table::new("A:b\t1\na:C\t2\nb:a\t3\n".to_owned());
    assert_eq!(table.len(), 3);
    assert_eq!(table.find("a:B"), Some(0));
    assert_eq!(table.find("b:a"), Some(2));
    assert_eq!(table.find("c"), None);
    assert_eq!(table.starting_with("a:"), 0..2);
    assert_eq!(table.starting_with("z"), 3..3);
    assert_eq!(table.field(1, 1), "2");
    assert_eq!(table.line(7), "");
    assert_eq!(Table::new(String::new()).len(), 0);
}

#[test]
fn services_stand_in_order_with_all_their_actions() {
    let catalog = Catalog::embedded();
    let services: Vec<(&str, std::ops::Range<u32>)> = catalog.service_ranges().collect();
    assert!(services.is_sorted_by_key(|(service, _)| *service));
    let actions: usize = services.iter().map(|(_, range)| range.len()).sum();
    assert_eq!(actions, catalog.ids().count());
}
