//! Random changes: what is called proved is evaluated request by request, and so is each example.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{FORMS, between, policy};
use crate::iam::{Answer, Policies, Policy, Request, evaluate};

fn statement() -> impl Strategy<Value = Value> {
    let actions = prop::sample::subsequence(
        vec!["s3:GetObject", "s3:PutObject", "s3:Get*", "s3:*", "sqs:SendMessage"],
        1..3,
    );
    let resources = prop::sample::subsequence(
        vec![
            "arn:aws:s3:::${var.b}/*",
            "arn:aws:s3:::${var.b}/in/*",
            "arn:aws:s3:::a/*",
            "${var.b}",
            "arn:aws:s3:::?/in/x",
            "*",
        ],
        1..3,
    );
    let region = prop::option::of(prop::sample::subsequence(vec!["eu-west-1", "${var.b}"], 1..2));
    (actions, resources, region, 0..8).prop_map(|(actions, resources, region, kind)| {
        let element = if kind == 0 { "NotAction" } else { "Action" };
        let mut statement =
            json!({"Effect": if kind > 5 { "Deny" } else { "Allow" }, element: actions, "Resource": resources});
        if let Some(region) = region {
            statement["Condition"] = json!({"StringEquals": {"aws:RequestedRegion": region}});
        }
        statement
    })
}

/// Two documents, the second of which has much of the first.
fn pair() -> impl Strategy<Value = (Value, Value)> {
    let lists = (
        prop::collection::vec(statement(), 1..4),
        prop::collection::vec(statement(), 0..2),
        prop::collection::vec(any::<bool>(), 4),
    );
    lists.prop_map(|(old, more, kept)| {
        let kept = old
            .iter()
            .zip(kept)
            .filter(|(_, kept)| *kept)
            .map(|(statement, _)| statement.clone());
        let new: Vec<Value> = kept.chain(more).collect();
        (policy(&json!(old)), policy(&json!(new)))
    })
}

/// A request that the one allows and the other does not, whatever the reference stands for.
fn wrongly_proved(old: &Value, new: &Value) -> Option<String> {
    for value in ["b", "a", "*", "arn:aws:s3:::a/*", "?", "eu-west-1", ""] {
        let of = |policy: &Value| {
            let text = policy.to_string().replace("${var.b}", value);
            Policies {
                identity: vec![Policy::parse(&text).unwrap()],
                ..Policies::default()
            }
        };
        let (old, new) = (of(old), of(new));
        for action in [
            "s3:GetObject",
            "s3:PutObject",
            "s3:GetBucketAcl",
            "sqs:SendMessage",
            "ec2:RunInstances",
        ] {
            for resource in [
                "arn:aws:s3:::b/in/x",
                "arn:aws:s3:::a/in/x",
                "arn:aws:s3:::a/x",
                "arn:aws:s3:::c",
                "a",
                "b",
                "*",
            ] {
                for region in ["eu-west-1", "b", "us-east-1", "*"] {
                    let mut request = Request {
                        principal: "arn:aws:iam::111122223333:role/app".to_owned(),
                        action: action.to_owned(),
                        resource: resource.to_owned(),
                        resource_account: Some("111122223333".to_owned()),
                        context: Default::default(),
                    };
                    request.context.set("aws:RequestedRegion", vec![region.to_owned()]);
                    let allows = |policies: &Policies| evaluate(&request, policies).allows;
                    if allows(&new) == Answer::Yes && allows(&old) == Answer::No {
                        return Some(format!("{action} on {resource} in {region} with {value:?}"));
                    }
                }
            }
        }
    }
    None
}

proptest! {
    #[test]
    fn nothing_that_is_called_proved_grants_more((old, new) in pair(), form in 0..FORMS.len()) {
        let (name, write) = FORMS[form];
        let change = between(&[(name, &write(&old))], &[(name, &write(&new))]);
        let findings: usize = change.touched.iter().map(|one| one.findings.len()).sum();
        if findings == 0 {
            let wrong = wrongly_proved(&old, &new);
            prop_assert!(wrong.is_none(), "{name}: {old} to {new}: {wrong:?}");
        }
    }

    #[test]
    fn an_example_is_allowed_now_and_was_not((old, new) in pair()) {
        let text = |policy: &Value| policy.to_string().replace("${var.b}", "b");
        let change = between(&[("p.json", &text(&old))], &[("p.json", &text(&new))]);
        let examples = change.touched.iter().flat_map(|one| &one.findings).filter(|finding| !finding.what.contains("denie"));
        for example in examples.filter_map(|finding| finding.example.as_ref()) {
            let mut request = Request {
                principal: "arn:aws:iam::111122223333:role/app".to_owned(),
                action: example.action.clone(),
                resource: example.resource.clone(),
                resource_account: Some("111122223333".to_owned()),
                context: Default::default(),
            };
            for (key, values) in &example.context {
                request.context.set(key, values.clone());
            }
            let allows = |policy: &Value| {
                let identity = vec![Policy::parse(&text(policy)).unwrap()];
                evaluate(&request, &Policies { identity, ..Policies::default() }).allows
            };
            prop_assert_eq!(allows(&new), Answer::Yes);
            prop_assert_eq!(allows(&old), Answer::No);
            prop_assert!(example.action == "x:x" || example.action.contains(':'));
        }
    }

    #[test]
    fn no_text_makes_reading_panic(text in ".{0,200}", form in 0..FORMS.len(), cut in 0..400_usize) {
        let (name, write) = FORMS[form];
        let whole = write(&policy(&json!([{"Effect": "Allow", "Action": "s3:é", "Resource": "arn:aws:s3:::${var.b}/${"}])));
        let mut cut = cut.min(whole.len());
        while !whole.is_char_boundary(cut) {
            cut -= 1;
        }
        let torn = format!("{}{text}", &whole[..cut]);
        between(&[(name, &whole)], &[(name, &torn)]);
        between(&[(name, &torn)], &[(name, &whole)]);
    }
}
