//! `ci-deploy`: the deployment workflow of a GitHub repository, with far more than it needs, under a boundary.

use serde_json::json;

use super::super::event::Event;
use super::super::grants::{Grants, Holder, allow, document, trust_subjects};
use super::super::identity::{Role, Who};
use super::cast::{EU, LAST_DAY, SHOP, US, at, shop_role, weekend};
use super::jobs::thumbnailer;
use super::story::Story;

const GITHUB: &str = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
const SUBJECT: &str = "repo:example-shop/shop:ref:refs/heads/main";
/// The same repository's check of pull requests, which only looks.
const PREVIEW: &str = "repo:example-shop/shop:pull_request";

pub(crate) fn role() -> Role {
    shop_role("ci-deploy")
}

pub(crate) fn grant(shop: &mut Grants, metrics: &str) {
    let boundary = shop.policy(
        "shop-boundary",
        "2024-05-02T08:00:00+00:00",
        &[document(&[
            allow(
                &[
                    "ecr:*",
                    "eks:*",
                    "lambda:*",
                    "s3:*",
                    "logs:*",
                    "cloudwatch:*",
                    "sqs:*",
                    "dynamodb:*",
                ],
                &["*"],
            ),
            allow(&["iam:GetRole", "iam:PassRole"], &["arn:aws:iam::111122223333:role/*"]),
        ])],
    );
    shop.role(
        &role(),
        &trust_subjects(GITHUB, &json!([SUBJECT, PREVIEW])),
        Holder::since("2024-05-02T08:10:00+00:00")
            .inline(
                "deploy",
                document(&[
                    json!({
                        "Sid": "Build", "Effect": "Allow", "Resource": "*",
                        "Action": [
                            "ecr:*", "eks:*", "lambda:*", "cloudformation:*", "ecs:*", "rds:*", "sqs:*", "sns:*", "dynamodb:*",
                        ],
                    }),
                    json!({
                        "Sid": "Roles", "Effect": "Allow", "Resource": "*",
                        "Action": ["iam:PassRole", "iam:GetRole", "iam:PutRolePolicy", "iam:CreateAccessKey"],
                    }),
                ]),
            )
            .managed(metrics)
            .boundary(&boundary)
            .last_used("2026-10-14T13:05:00+00:00", EU)
            .tag("team", "platform"),
    );
}

/// A run of the workflow takes the role.
pub(crate) fn run(story: &mut Story, session: &str, time: i64) -> Who {
    story.web_identity(&role(), GITHUB, SUBJECT, session, time).using(
        "198.51.100.140",
        "configure-aws-credentials-for-github-actions aws-sdk-nodejs/3.620.0",
    )
}

pub(crate) fn tell(story: &mut Story) {
    deployments(story);
    story.actor("ci-deploy (pull request)");
    let time = at(5, 13, 40, 0);
    let who = story
        .web_identity(&role(), GITHUB, PREVIEW, "GitHubActions-4250", time)
        .using(
            "198.51.100.141",
            "configure-aws-credentials-for-github-actions aws-sdk-nodejs/3.620.0",
        );
    story.tell(Event::read(&who, time + 3, EU, "eks", "DescribeCluster").parameters(json!({"name": "shop"})));
}

fn deployments(story: &mut Story) {
    story.actor("ci-deploy");
    for day in (1..=LAST_DAY).filter(|&day| !weekend(day)) {
        let time = at(day, 13, 2, 0) + story.jitter(120);
        let who = run(story, &format!("GitHubActions-{}", 4200 + i32::from(day)), time);
        let repository = "arn:aws:ecr:eu-west-1:111122223333:repository/shop/web";
        story.tell(Event::read(&who, time + 2, EU, "ecr", "GetAuthorizationToken"));
        for (offset, name) in [(4, "InitiateLayerUpload"), (6, "CompleteLayerUpload"), (8, "PutImage")] {
            story.tell(
                Event::new(&who, time + offset, EU, "ecr", name)
                    .parameters(
                        json!({"registryId": SHOP, "repositoryName": "shop/web", "imageTag": format!("build-{day}")}),
                    )
                    .response(json!({"registryId": SHOP, "repositoryName": "shop/web"}))
                    .resource("AWS::ECR::Repository", repository),
            );
        }
        story.tell(Event::read(&who, time + 20, EU, "eks", "DescribeCluster").parameters(json!({"name": "shop"})));
        let function = "arn:aws:lambda:eu-west-1:111122223333:function:thumbnailer";
        if day == 2 {
            story.tell(
                Event::read(&who, time + 24, US, "iam", "GetRole").parameters(json!({"roleName": "thumbnailer"})),
            );
            story.tell(
                Event::new(&who, time + 25, EU, "lambda", "CreateFunction20150331")
                    .parameters(json!({
                        "functionName": "thumbnailer-next", "runtime": "python3.13", "role": thumbnailer().arn(),
                        "handler": "app.handler", "packageType": "Zip", "timeout": 30, "memorySize": 512, "publish": false,
                        "code": {"s3Bucket": "shop-artifacts", "s3Key": "thumbnailer/next.zip"},
                    }))
                    .response(json!({
                        "functionName": "thumbnailer-next", "functionArn": format!("{function}-next"), "state": "Pending",
                        "role": thumbnailer().arn(), "runtime": "python3.13",
                    })),
            );
        }
        story.tell(
            Event::new(&who, time + 30, EU, "lambda", "UpdateFunctionCode20150331v2")
                .parameters(json!({
                    "functionName": "thumbnailer", "s3Bucket": "shop-artifacts", "s3Key": format!("thumbnailer/{day}.zip"),
                    "publish": true, "dryRun": false,
                }))
                .response(json!({"functionName": "thumbnailer", "functionArn": function, "version": format!("{}", 100 + day)})),
        );
        if day == 7 {
            story.tell(Event::new(&who, time + 40, EU, "rds", "CreateDBInstance").error(
                "AccessDenied",
                &format!(
                    "User: {} is not authorized to perform: rds:CreateDBInstance on resource: \
                         arn:aws:rds:eu-west-1:111122223333:db:preview because no permissions boundary allows the \
                         rds:CreateDBInstance action",
                    who.identity["arn"].as_str().unwrap_or_default(),
                ),
            ));
        }
    }
}
