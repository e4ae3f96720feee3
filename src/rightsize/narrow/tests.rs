//! Normal forms of resources, one a line.

use super::*;

#[track_caller]
fn check(shape: &str, source: &str, expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(|form| (*form).to_owned()).collect();
    assert_eq!(
        patterns(shape, source, Version::V2012),
        Some(expected),
        "{shape} in {source}"
    );
}

/// What one shape is called inside a source pattern.
fn patterns(shape: &str, source: &str, version: Version) -> Option<BTreeSet<String>> {
    let resource = Resource::new(source, version);
    let names = forms::named(&escape(shape, version)?, source, &FORMATS)?;
    Some(within(names.iter().map(|name| (name, &resource)), version))
}

/// ARN formats as AWS's authorization reference writes them.
const FORMATS: [&str; 11] = [
    "arn:${Partition}:cloudwatch:${Region}:${Account}:alarm:${AlarmName}",
    "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}",
    "arn:${Partition}:ssm:${Region}:${Account}:parameter/${ParameterNameWithoutLeadingSlash}",
    "arn:${Partition}:eks:${Region}:${Account}:nodegroup/${ClusterName}/${NodegroupName}/${UUID}",
    "arn:${Partition}:ecr:${Region}:${Account}:repository/${RepositoryName}",
    "arn:${Partition}:ec2:${Region}:${Account}:instance/${InstanceId}",
    "arn:${Partition}:states:${Region}:${Account}:execution:${StateMachineName}:${ExecutionId}",
    "arn:${Partition}:events:${Region}:${Account}:rule/${RuleName}",
    "arn:${Partition}:events:${Region}:${Account}:rule/${EventBusName}/${RuleName}",
    "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}",
    "arn:${Partition}:autoscaling:${Region}:${Account}:autoScalingGroup:${GroupId}:autoScalingGroupName/${GroupFriendlyName}",
];

#[test]
fn a_log_group_stands_with_and_without_its_streams() {
    let both = [
        "arn:aws:logs:eu-west-1:1:log-group:/a/b",
        "arn:aws:logs:eu-west-1:1:log-group:/a/b:*",
    ];
    check(
        "arn:aws:logs:eu-west-1:1:log-group:/a/b",
        "arn:aws:logs:eu-west-1:1:*",
        &both,
    );
    check(
        "arn:aws:logs:eu-west-1:1:log-group:/a/b:*",
        "arn:aws:logs:eu-west-1:1:*",
        &both,
    );
    check(
        "arn:aws:logs:eu-west-1:1:log-group:/a/b:log-stream:*",
        "arn:aws:logs:eu-west-1:1:*",
        &both,
    );
    // Narrowed before, it stays as it is.
    check("arn:aws:logs:eu-west-1:1:log-group:/a/b", both[1], &both[1..]);
}

#[test]
fn a_secret_ends_in_six_characters_of_aws() {
    let region = "arn:aws:secretsmanager:eu-west-1:1:secret:*";
    check(
        "arn:aws:secretsmanager:eu-west-1:1:secret:db-AbCd12",
        region,
        &["arn:aws:secretsmanager:eu-west-1:1:secret:db-??????"],
    );
    check(
        "arn:aws:secretsmanager:eu-west-1:1:secret:db",
        region,
        &[
            "arn:aws:secretsmanager:eu-west-1:1:secret:db",
            "arn:aws:secretsmanager:eu-west-1:1:secret:db-??????",
        ],
    );
    check(
        "arn:aws:secretsmanager:eu-west-1:1:secret:db-config",
        region,
        &[
            "arn:aws:secretsmanager:eu-west-1:1:secret:db-??????",
            "arn:aws:secretsmanager:eu-west-1:1:secret:db-config-??????",
        ],
    );
    check(
        "arn:aws:secretsmanager:eu-west-1:1:secret:db-2026q3",
        region,
        &[
            "arn:aws:secretsmanager:eu-west-1:1:secret:db-2026q3-??????",
            "arn:aws:secretsmanager:eu-west-1:1:secret:db-??????",
        ],
    );
}

#[test]
fn a_function_stands_with_and_without_a_qualifier() {
    let both = [
        "arn:aws:lambda:eu-west-1:1:function:f",
        "arn:aws:lambda:eu-west-1:1:function:f:*",
    ];
    check(
        "arn:aws:lambda:eu-west-1:1:function:f:prod",
        "arn:aws:lambda:eu-west-1:1:function:*",
        &both,
    );
    check(
        "arn:aws:lambda:eu-west-1:1:function:f",
        "arn:aws:lambda:eu-west-1:1:function:*",
        &both,
    );
}

#[test]
fn a_task_definition_loses_its_revision() {
    check(
        "arn:aws:ecs:eu-west-1:1:task-definition/web:12",
        "*",
        &["arn:aws:ecs:*:1:task-definition/web:*"],
    );
}

#[test]
fn a_table_stands_with_its_indexes() {
    let both = [
        "arn:aws:dynamodb:eu-west-1:1:table/t",
        "arn:aws:dynamodb:eu-west-1:1:table/t/index/*",
    ];
    check(
        "arn:aws:dynamodb:eu-west-1:1:table/t/index/i",
        "arn:aws:dynamodb:eu-west-1:1:table/*",
        &both,
    );
    check(
        "arn:aws:dynamodb:eu-west-1:1:table/t",
        "arn:aws:dynamodb:eu-west-1:1:table/*",
        &both,
    );
}

#[test]
fn a_key_is_named_by_its_id_and_never_by_an_alias() {
    let key = "arn:aws:kms:eu-west-1:1:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    check(key, "arn:aws:kms:eu-west-1:1:key/*", &[key]);
    assert_eq!(patterns("arn:aws:kms:eu-west-1:1:alias/a", "*", Version::V2012), None);
}

#[test]
fn an_object_is_named_by_its_key_until_a_folder_holds_three() {
    check(
        "arn:aws:s3:::b/x/k.txt",
        "arn:aws:s3:::b/*",
        &["arn:aws:s3:::b/x/k.txt"],
    );
    check("arn:aws:s3:::b/x/y/*", "arn:aws:s3:::b*", &["arn:aws:s3:::b/x/y/*"]);
    check("arn:aws:s3:::b", "*", &["arn:aws:s3:::b"]);
    check("arn:aws:s3:::b/x/*/*", "arn:aws:s3:::b/*", &["arn:aws:s3:::b/x/*"]);
    // Never out of the bucket, never wider than the source.
    check("arn:aws:s3:::b/*/*/*", "arn:aws:s3:::b/*", &["arn:aws:s3:::b/*"]);
    check("arn:aws:s3:::b/x/*", "arn:aws:s3:::b/x/k*", &["arn:aws:s3:::b/x/k*"]);
    check("arn:aws:s3:::b/x/k.txt", "arn:aws:s3:::c/*", &[]);
    check_lifted(
        &[
            "arn:aws:s3:::b/x/1",
            "arn:aws:s3:::b/x/2",
            "arn:aws:s3:::b/x/3",
            "arn:aws:s3:::b/k",
        ],
        &["arn:aws:s3:::b/k", "arn:aws:s3:::b/x/*"],
    );
    check_lifted(
        &["arn:aws:s3:::b/x/1", "arn:aws:s3:::b/x/2", "arn:aws:s3:::c/x/3"],
        &["arn:aws:s3:::b/x/1", "arn:aws:s3:::b/x/2", "arn:aws:s3:::c/x/3"],
    );
    check_lifted(
        &["arn:aws:s3:::b/1", "arn:aws:s3:::b/2", "arn:aws:s3:::b/3"],
        &["arn:aws:s3:::b/*"],
    );
}

/// What names become when each folder of three or more stands for what it holds.
#[track_caller]
fn check_lifted(shapes: &[&str], expected: &[&str]) {
    let mut names: Vec<Named> = shapes
        .iter()
        .flat_map(|shape| forms::named(shape, "*", &FORMATS).expect("a name"))
        .collect();
    forms::lift(&mut names, |_| true);
    let resource = Resource::new("*", Version::V2012);
    let patterns = within(names.iter().map(|name| (name, &resource)), Version::V2012);
    assert_eq!(patterns.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn a_folder_of_names_is_never_all_names() {
    let parameter = |name: &str| format!("arn:aws:ssm:eu-west-1:1:parameter/{name}");
    let all = ["app/a", "app/b", "app/c", "x", "y", "z"].map(parameter);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let expected = ["app/*", "x", "y", "z"].map(|name| format!("arn:aws:ssm:*:1:parameter/{name}"));
    check_lifted(&all, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    let groups = ["/a", "/b", "/c"].map(|name| format!("arn:aws:logs:eu-west-1:1:log-group:{name}"));
    let expected = ["/a", "/a:*", "/b", "/b:*", "/c", "/c:*"].map(|name| format!("arn:aws:logs:*:1:log-group:{name}"));
    check_lifted(
        &groups.iter().map(String::as_str).collect::<Vec<_>>(),
        &expected.iter().map(String::as_str).collect::<Vec<_>>(),
    );
}

#[test]
fn what_people_name_is_narrowed_in_any_service() {
    let queue = "arn:aws:sqs:eu-west-1:1:q";
    check(queue, "arn:aws:sqs:eu-west-1:1:*", &[queue]);
    check(
        "arn:aws:ssm:eu-west-1:1:parameter/app/db",
        "*",
        &["arn:aws:ssm:*:1:parameter/app/db"],
    );
    check(
        "arn:aws:ecr:eu-west-1:????????????:repository/team/web",
        "*",
        &["arn:aws:ecr:*:*:repository/team/web"],
    );
    check(
        "arn:aws:events:eu-west-1:1:rule/bus/r",
        "*",
        &["arn:aws:events:*:1:rule/bus/r"],
    );
    check(
        "arn:aws:states:eu-west-1:1:stateMachine:m:live",
        "*",
        &[
            "arn:aws:states:*:1:stateMachine:m",
            "arn:aws:states:*:1:stateMachine:m:*",
        ],
    );
}

#[test]
fn ids_become_wildcards_beside_names() {
    check(
        "arn:aws:states:eu-west-1:1:execution:m:*",
        "*",
        &["arn:aws:states:*:1:execution:m:*"],
    );
    check(
        "arn:aws:eks:eu-west-1:1:nodegroup/c/n/0a1b",
        "*",
        &["arn:aws:eks:*:1:nodegroup/c/n/*"],
    );
    check(
        "arn:aws:autoscaling:eu-west-1:1:autoScalingGroup:*:autoScalingGroupName/g",
        "*",
        &["arn:aws:autoscaling:*:1:autoScalingGroup:*:autoScalingGroupName/g"],
    );
    check(
        "arn:aws:route53:::hostedzone/Z1",
        "*",
        &["arn:aws:route53:::hostedzone/Z1"],
    );
}

#[test]
fn a_role_is_named_with_every_path_it_may_have() {
    check("arn:aws:iam::1:role/*/app", "*", &["arn:aws:iam::1:role/*/app"]);
    check(
        "arn:aws:iam::1:role/app",
        "arn:aws:iam::1:role/*",
        &["arn:aws:iam::1:role/app"],
    );
}

#[test]
fn names_that_were_too_many_to_keep_are_not_narrowed() {
    for shape in [
        "arn:aws:sqs:eu-west-1:1:*",
        "arn:aws:dynamodb:eu-west-1:1:table/*",
        "arn:aws:lambda:eu-west-1:1:function:*",
    ] {
        assert_eq!(patterns(shape, "*", Version::V2012), None, "{shape}");
    }
}

#[test]
fn the_account_that_a_request_leaves_out_is_the_source_s() {
    check(
        "arn:aws:sqs:eu-west-1:????????????:q",
        "arn:aws:sqs:eu-west-1:1:*",
        &["arn:aws:sqs:eu-west-1:1:q"],
    );
}

#[test]
fn the_source_keeps_its_region() {
    check("arn:aws:sqs:eu-west-1:1:q", "*", &["arn:aws:sqs:*:1:q"]);
    check("arn:aws:sqs:eu-west-1:1:q", "arn:aws:sqs:*:1:*", &["arn:aws:sqs:*:1:q"]);
    check(
        "arn:aws:sqs:eu-west-1:1:q",
        "arn:aws:sqs:eu-*:1:*",
        &["arn:aws:sqs:eu-*:1:q"],
    );
    check(
        "arn:aws:sqs:eu-west-1:1:q",
        "arn:aws:sqs:eu-west-1:1:*",
        &["arn:aws:sqs:eu-west-1:1:q"],
    );
}

#[test]
fn literals_are_escaped_where_the_version_knows_how() {
    check("arn:aws:s3:::b/a$b/k", "arn:aws:s3:::b/*", &["arn:aws:s3:::b/a${$}b/k"]);
    assert_eq!(
        patterns("arn:aws:s3:::b/a$b/k", "arn:aws:s3:::b/*", Version::V2008),
        None
    );
    assert_eq!(
        patterns("arn:aws:s3:::b/\u{4e2d}/k", "arn:aws:s3:::b/*", Version::V2012),
        None
    );
}

#[test]
fn a_star_in_a_name_is_a_star() {
    check(
        "arn:aws:cloudwatch:eu-west-1:1:alarm:cpu${*}",
        "*",
        &["arn:aws:cloudwatch:*:1:alarm:cpu${*}"],
    );
    check("arn:aws:s3:::b/x/${?}", "arn:aws:s3:::b/*", &["arn:aws:s3:::b/x/${?}"]);
    check("arn:aws:s3:::b/${*}/k", "arn:aws:s3:::b/*", &["arn:aws:s3:::b/${*}/k"]);
    check("arn:aws:s3:::b/${*}/*", "arn:aws:s3:::b/*", &["arn:aws:s3:::b/${*}/*"]);
    assert_eq!(
        patterns("arn:aws:cloudwatch:eu-west-1:1:alarm:cpu${*}", "*", Version::V2008),
        None
    );
    check_lifted(
        &[
            "arn:aws:s3:::b/${*}/1",
            "arn:aws:s3:::b/${*}/2",
            "arn:aws:s3:::b/${*}/3",
        ],
        &["arn:aws:s3:::b/${*}/*"],
    );
}

#[test]
fn what_an_arn_of_a_request_means_by_a_star_nobody_knows() {
    for shape in [
        "arn:aws:cloudwatch:eu-west-1:1:alarm:cpu*",
        "arn:aws:sqs:eu-west-1:1:q?",
        "arn:aws:dynamodb:eu-west-1:1:table/a*",
        "arn:aws:s3:::b/x*/k",
        "arn:aws:secretsmanager:eu-west-1:1:secret:d?-??????",
    ] {
        assert_eq!(patterns(shape, "*", Version::V2012), None, "{shape}");
    }
}

#[test]
fn wildcards_of_templates_stay_wildcards() {
    let secret = "arn:aws:secretsmanager:eu-west-1:1:secret:db-??????";
    check(secret, "*", &["arn:aws:secretsmanager:*:1:secret:db-??????"]);
    let forms = ["arn:aws:lambda:*:1:function:f*", "arn:aws:lambda:*:1:function:f*:*"];
    let forms = forms.into_iter().map(str::to_owned).collect();
    assert_eq!(
        widest(forms, Version::V2012),
        BTreeSet::from(["arn:aws:lambda:*:1:function:f*".to_owned()])
    );
}

#[test]
fn what_people_do_not_name_is_not_narrowed() {
    let instance = "arn:aws:ec2:eu-west-1:1:instance/i-0123456789abcdef0";
    assert_eq!(patterns(instance, "*", Version::V2012), None);
}

#[test]
fn of_few_statements_every_choice_is_tried_the_largest_first() {
    let all: Vec<usize> = (10..14).collect();
    let tried = choices(&all);
    let sizes: Vec<usize> = tried.iter().map(Vec::len).collect();
    assert_eq!(sizes, [4, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1]);
    assert_eq!(tried.iter().collect::<BTreeSet<_>>().len(), 15);
    assert!(tried.iter().flatten().all(|at| all.contains(at)));
    assert_eq!(choices(&[7]), [[7]]);
}

#[test]
fn of_many_statements_one_or_two_are_left_out_or_one_is_taken() {
    let all: Vec<usize> = (0..6).collect();
    let tried = choices(&all);
    let sizes: Vec<usize> = tried.iter().map(Vec::len).collect();
    assert_eq!(sizes, [vec![6], vec![5; 6], vec![4; 15], vec![1; 6]].concat());
    assert_eq!(tried.iter().collect::<BTreeSet<_>>().len(), tried.len());
}
