//! What requests fill into templates.

use super::*;
use crate::catalog::ArnTemplate;
use crate::decode::json;

fn check(template: &str, request: &str, expected: &[&str]) {
    let template = Template::new(&ArnTemplate::new(template.to_owned()), None, true);
    let place = Place {
        partition: "aws-cn",
        region: "cn-north-1",
        account: "1",
    };
    let request = json::parse(request).unwrap();
    assert_eq!(template.fill(&request, &place).arns, expected);
}

const INDEX: &str = "arn:${Partition}:d:${Region}:${Account}:table/${TableName}/index/${IndexName}";

#[test]
fn an_arn_stands_for_the_template_up_to_its_place() {
    check(
        INDEX,
        r#"{"tableName":"t","indexName":"i"}"#,
        &["arn:aws-cn:d:cn-north-1:1:table/t/index/i"],
    );
    check(
        INDEX,
        r#"{"tableName":"arn:aws:d:x:2:table/t","indexName":"i"}"#,
        &["arn:aws:d:x:2:table/t/index/i"],
    );
    check(
        INDEX,
        r#"{"tableName":"arn:aws:d:x:2:table/t/index/j","indexName":"i"}"#,
        &["arn:aws:d:x:2:table/t/index/j"],
    );
    check(INDEX, r#"{"tableName":"arn:aws:d:x:2:stream/t","indexName":"i"}"#, &[]);
    check(INDEX, r#"{"tableName":"t"}"#, &[]);
}

#[test]
fn an_arn_of_another_type_lends_its_name_only_where_the_parameter_says_so() {
    let rule = "arn:${Partition}:e:${Region}:${Account}:rule/${EventBusName}/${Name}";
    check(
        rule,
        r#"{"eventBusName":"arn:aws:e:x:2:event-bus/b","name":"r"}"#,
        &["arn:aws:e:x:2:rule/b/r"],
    );
    check(rule, r#"{"eventBusName":"arn:aws:e:x:2:pipe/b","name":"r"}"#, &[]);
    let key = "arn:${Partition}:kms:${Region}:${Account}:key/${KeyId|id}";
    check(key, r#"{"keyId":"arn:aws:kms:x:2:alias/n"}"#, &[]);
}

#[test]
fn an_owner_is_an_account_or_anybody() {
    let queue = "arn:${Partition}:sqs:${Region}:${Account|Owner/the-owner}:${QueueName}";
    check(queue, r#"{"queueName":"q"}"#, &["arn:aws-cn:sqs:cn-north-1:1:q"]);
    check(
        queue,
        r#"{"queueName":"q","the-owner":"123456789012"}"#,
        &["arn:aws-cn:sqs:cn-north-1:123456789012:q"],
    );
    check(
        queue,
        r#"{"queueName":"q","owner":"123456789012:catalog"}"#,
        &["arn:aws-cn:sqs:cn-north-1:*:q"],
    );
}

#[test]
fn a_type_that_the_value_repeats_is_written_once() {
    let alias = "arn:${Partition}:kms:${Region}:${Account}:alias/${AliasName|typed}";
    check(
        alias,
        r#"{"aliasName":"alias/n"}"#,
        &["arn:aws-cn:kms:cn-north-1:1:alias/n"],
    );
    check(alias, r#"{"aliasName":"n"}"#, &["arn:aws-cn:kms:cn-north-1:1:alias/n"]);
    // Where nobody says that it does, it may also be a part of the name.
    check(
        "arn:${Partition}:ecr:${Region}:${Account}:repository/${Name}",
        r#"{"name":"repository/x"}"#,
        &[
            "arn:aws-cn:ecr:cn-north-1:1:repository/x",
            "arn:aws-cn:ecr:cn-north-1:1:repository/repository/x",
        ],
    );
}

#[test]
fn a_resource_tells_the_parameter_that_it_stands_apart_for() {
    let source = set_apart("x-amz-copy-source", "arn:aws:s3:::b/k=v");
    assert_eq!(apart(&source), (Some("x-amz-copy-source"), "arn:aws:s3:::b/k=v"));
    assert_eq!(apart("arn:aws:s3:::b/k=arn:x"), (None, "arn:aws:s3:::b/k=arn:x"));
    assert_eq!(bare("*"), "*");
}
