//! Shapes whose wildcard stands for a part that the request leaves out, as the ARNs that this part can make.
//!
//! A request that names a function says nothing of its qualifier, one that names a role nothing of its path. A wildcard
//! beside the name holds both, and other names too: `function:f*` holds `function:foo`. What may stand there is known.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::iam::arn::Arn;

/// Any account's id.
pub(crate) const ANY_ACCOUNT: &str = "????????????";

/// The ARNs and shapes that one shape of a request stands for; itself where its wildcard says all that is known.
pub(super) fn spelled(shape: &str) -> Vec<String> {
    let whole = || vec![shape.to_owned()];
    let Some(arn) = Arn::parse(shape) else { return whole() };
    let (head, resource) = shape.split_at(shape.len() - arn.resource.len());
    let of = |forms: [String; 2]| forms.into_iter().map(|form| format!("{head}{form}")).collect();
    match arn.service {
        // A queue's URL and a registry's id are some account's: twelve digits (AWS account management reference guide,
        // "View AWS account identifiers"). A `*` there would reach beyond the colon.
        "sqs" | "ecr" if arn.account == "*" => vec![format!(
            "arn:{}:{}:{}:{ANY_ACCOUNT}:{resource}",
            arn.partition, arn.service, arn.region
        )],
        // `function:f`, `function:f:live` (Lambda developer guide, "Resources and conditions for Lambda actions").
        "lambda" => match named(resource, "function:") {
            Some(name) => of([format!("function:{name}"), format!("function:{name}:*")]),
            None => whole(),
        },
        // `log-group:g`, `log-group:g:*` (CloudWatch Logs user guide, "CloudWatch Logs resources and operations").
        "logs" => match named(resource, "log-group:") {
            Some(name) => of([format!("log-group:{name}"), format!("log-group:{name}:*")]),
            None => whole(),
        },
        // `role/name`, `role/path/name` (IAM user guide, "IAM identifiers": a path starts and ends with `/`).
        "iam" => match resource.split_once("/*") {
            Some((kind, name)) if !kind.contains('/') && is_plain(name) => {
                of([format!("{kind}/{name}"), format!("{kind}/*/{name}")])
            }
            Some(_) | None => whole(),
        },
        // `parameter/db` for `db`, `parameter/app/db` for `/app/db` (Systems Manager user guide, "Restricting access to
        // Parameter Store parameters using IAM policies").
        "ssm" => match resource
            .strip_prefix("parameter*")
            .map(|name| name.trim_start_matches('/'))
        {
            Some(name) if !name.is_empty() => vec![format!("{head}parameter/{name}")],
            Some(_) | None => whole(),
        },
        _ => whole(),
    }
}

/// What the resources of a call that are one thing in several spellings have alike: a role with and without a path, a
/// function with and without a qualifier, a rule of the default bus or of the one that the request names. Where one of
/// them is granted, the call is explained, whatever is granted of the others.
pub(crate) fn thing(shape: &str) -> String {
    let Some(arn) = Arn::parse(shape) else {
        return shape.to_owned();
    };
    let (head, resource) = shape.split_at(shape.len() - arn.resource.len());
    let resource = match arn.service {
        // Requests hold keys as they are or percent-encoded.
        "s3" => return percent_decode_str(shape).decode_utf8_lossy().into_owned(),
        "lambda" => first_names(resource, "function:"),
        "logs" => first_names(resource, "log-group:"),
        "iam" => resource.replacen("/*/", "/", 1).into(),
        // Secrets Manager adds six characters to a name; requests may leave them out.
        "secretsmanager" => resource.trim_end_matches("-??????").into(),
        // AWS owns documents too, and they are of no account then; the names of the others may look alike.
        "ssm" if resource.starts_with("document/") => {
            return format!("arn:{}:ssm:{}::{resource}", arn.partition, arn.region);
        }
        // What asks an index asks the index, or its table.
        "dynamodb" => resource.split("/index/").next().unwrap_or(resource).into(),
        // A path is asked for with a slash at its end or without, and for all below it.
        "ssm" if resource.starts_with("parameter") => resource.trim_end_matches(['/', '*']).into(),
        // Of a node nobody can tell whether it is an instance or managed from elsewhere.
        "ssm" | "ec2" => match resource.rsplit_once("instance/") {
            Some((_, id)) => return format!("instance {id}"),
            None => resource.into(),
        },
        "events" => match resource.strip_prefix("rule/").and_then(|rule| rule.split_once('/')) {
            Some((_, name)) => format!("rule/{name}").into(),
            None => resource.into(),
        },
        _ => resource.into(),
    };
    format!("{head}{resource}")
}

/// A resource up to the colon behind the name that follows a prefix.
fn first_names<'s>(resource: &'s str, prefix: &str) -> Cow<'s, str> {
    let end = resource.strip_prefix(prefix).and_then(|name| name.find(':'));
    end.map_or(resource, |end| &resource[..prefix.len() + end]).into()
}

/// The name between a prefix and a `*`; `None` where the wildcard stands for more than an ending.
fn named<'s>(resource: &'s str, prefix: &str) -> Option<&'s str> {
    let name = resource.strip_prefix(prefix)?.strip_suffix('*')?;
    (!name.is_empty() && !name.ends_with(['/', ':']) && !name.contains(':')).then_some(name)
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '*', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(shape: &str, expected: &[&str]) {
        assert_eq!(spelled(shape), expected);
    }

    #[test]
    fn a_function_without_its_qualifier_is_no_other_function() {
        check(
            "arn:aws:lambda:eu-west-1:1:function:f*",
            &[
                "arn:aws:lambda:eu-west-1:1:function:f",
                "arn:aws:lambda:eu-west-1:1:function:f:*",
            ],
        );
        check(
            "arn:aws:lambda:eu-west-1:1:function:f:live",
            &["arn:aws:lambda:eu-west-1:1:function:f:live"],
        );
    }

    #[test]
    fn a_log_group_without_its_streams_is_no_other_group() {
        check(
            "arn:aws:logs:eu-west-1:1:log-group:/a/b*",
            &[
                "arn:aws:logs:eu-west-1:1:log-group:/a/b",
                "arn:aws:logs:eu-west-1:1:log-group:/a/b:*",
            ],
        );
    }

    #[test]
    fn a_role_without_its_path_is_no_other_role() {
        check(
            "arn:aws:iam::1:role/*app",
            &["arn:aws:iam::1:role/app", "arn:aws:iam::1:role/*/app"],
        );
        check(
            "arn:aws:iam::1:role/aws-service-role/ecs.amazonaws.com/*",
            &["arn:aws:iam::1:role/aws-service-role/ecs.amazonaws.com/*"],
        );
    }

    #[test]
    fn a_parameter_stands_under_its_name_with_one_slash() {
        check(
            "arn:aws:ssm:eu-west-1:1:parameter*/app/db",
            &["arn:aws:ssm:eu-west-1:1:parameter/app/db"],
        );
        check(
            "arn:aws:ssm:eu-west-1:1:parameter*db",
            &["arn:aws:ssm:eu-west-1:1:parameter/db"],
        );
    }

    #[test]
    fn an_account_that_the_request_leaves_out_is_twelve_digits() {
        check("arn:aws:sqs:eu-west-1:*:q", &["arn:aws:sqs:eu-west-1:????????????:q"]);
    }

    #[test]
    fn one_thing_in_several_spellings_is_one_thing() {
        let check = |spellings: &[&str], other: &str| {
            let of = |resource: &&str| thing(&format!("arn:aws:{resource}"));
            let things: Vec<String> = spellings.iter().map(of).collect();
            assert!(things.iter().all(|thing| *thing == things[0]), "{things:?}");
            assert!(!things.contains(&of(&other)), "{other}");
        };
        check(&["iam::1:role/app", "iam::1:role/*/app"], "iam::1:role/team/app");
        check(&["iam::1:user/app", "iam::1:user/*/app"], "iam::1:role/app");
        check(
            &[
                "lambda:r:1:function:f",
                "lambda:r:1:function:f:*",
                "lambda:r:1:function:f:live",
            ],
            "lambda:r:1:function:foo",
        );
        check(
            &["logs:r:1:log-group:/a/b", "logs:r:1:log-group:/a/b:*"],
            "logs:r:1:log-group:/a/c",
        );
        check(
            &[
                "secretsmanager:r:1:secret:app/db",
                "secretsmanager:r:1:secret:app/db-??????",
            ],
            "secretsmanager:r:1:secret:app/db-abcdef",
        );
        check(&["events:r:1:rule/n", "events:r:1:rule/bus/n"], "events:r:1:rule/bus/m");
        check(
            &["ssm:r:1:parameter/shop/", "ssm:r:1:parameter/shop/*"],
            "ssm:r:1:parameter/shop/a",
        );
        check(
            &["ssm:r:1:managed-instance/i-1", "ec2:r:1:instance/i-1"],
            "ec2:r:1:volume/i-1",
        );
        check(&["s3:::b/a b", "s3:::b/a%20b"], "s3:::b/a+b");
        check(
            &["ssm:r:1:document/AWS-D", "ssm:r::document/AWS-D"],
            "ssm:r:1:document/D",
        );
        check(
            &["dynamodb:r:1:table/t", "dynamodb:r:1:table/t/index/i"],
            "dynamodb:r:1:table/u",
        );
    }

    #[test]
    fn what_absorbed_many_names_stays() {
        for shape in [
            "arn:aws:lambda:eu-west-1:1:function:*",
            "arn:aws:logs:eu-west-1:1:log-group:/aws/*",
            "arn:aws:logs:eu-west-1:1:log-group:*",
            "arn:aws:iam::1:role/*",
            "arn:aws:ssm:eu-west-1:1:parameter*",
            "arn:aws:s3:::b*",
            "arn:aws:lambda:*",
            "*",
            "",
        ] {
            check(shape, &[shape]);
        }
    }
}
