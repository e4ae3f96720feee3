//! Jobs: the nightly report, the close of the month, the batch role that was made again, a function, an idle role, and
//! a role that belongs to AWS.

use serde_json::{Value, json};

use super::super::event::{Event, Seconds};
use super::super::grants::{Grants, Holder, allow, document, trust_service};
use super::super::identity::{Role, Who};
use super::cast::{DATA, EU, INVOICES, LAST_DAY, US, at, data_role, shop_role};
use super::data::assume_reader;
use super::orders::object;
use super::story::Story;

/// When the role `shop-batch` gets a new id.
pub(crate) fn batch_remade() -> Seconds {
    at(6, 9, 30, 0)
}

pub(crate) fn thumbnailer() -> Role {
    shop_role("thumbnailer")
}

/// `shop-batch` as it was before: the id differs.
pub(crate) fn old_batch() -> Role {
    let mut role = shop_role("shop-batch");
    role.id = super::super::rng::fake_id("AROA", "shop-batch before");
    role
}

pub(crate) fn batch_trust() -> Value {
    trust_service("ecs-tasks.amazonaws.com")
}

pub(crate) fn batch_policy() -> Value {
    document(&[
        allow(&["batch:*"], &["arn:aws:batch:eu-west-1:111122223333:*"]),
        allow(&["batch:Describe*"], &["*"]),
    ])
}

/// Policies of the shop that several roles share: the one for logs, the one for metrics.
pub(crate) fn shared(shop: &mut Grants) -> (String, String) {
    let logs = shop.policy(
        "shop-common-logs",
        "2024-03-01T08:00:00+00:00",
        &[document(&[allow(
            &[
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:PutLogEvents",
                "logs:DescribeLogGroups",
                "logs:DescribeLogStreams",
                "logs:PutRetentionPolicy",
                "logs:DeleteLogGroup",
                "logs:DeleteLogStream",
            ],
            &["arn:aws:logs:eu-west-1:111122223333:*"],
        )])],
    );
    let metrics = shop.policy(
        "shop-metrics",
        "2024-03-01T08:05:00+00:00",
        &[document(&[allow(
            &[
                "cloudwatch:GetMetricData",
                "cloudwatch:ListMetrics",
                "cloudwatch:DeleteAlarms",
                "cloudwatch:PutMetricAlarm",
            ],
            &["*"],
        )])],
    );
    shop.unseen_attachments(&metrics, 2);
    (logs, metrics)
}

pub(crate) fn grant(shop: &mut Grants, logs: &str, metrics: &str) {
    shop.role(
        &shop_role("nightly-report"),
        &trust_service("lambda.amazonaws.com"),
        Holder::since("2025-01-20T11:00:00+00:00")
            .inline(
                "report",
                document(&[
                    allow(&["sts:AssumeRole"], &[&format!("arn:aws:iam::{DATA}:role/*")]),
                    allow(
                        &["dynamodb:DescribeTable", "dynamodb:Scan", "dynamodb:DeleteTable"],
                        &["arn:aws:dynamodb:eu-west-1:111122223333:table/shop-*"],
                    ),
                    allow(
                        &["s3:PutObject", "s3:DeleteObject"],
                        &[&format!("{INVOICES}/reports/*")],
                    ),
                    allow(&["sns:Publish"], &["arn:aws:sns:eu-west-1:111122223333:shop-reports"]),
                ]),
            )
            .managed(logs)
            .managed(metrics)
            .last_used("2026-10-14T02:30:00+00:00", EU),
    );
    shop.role(
        &shop_role("month-close"),
        &trust_service("ecs-tasks.amazonaws.com"),
        Holder::since("2024-11-29T09:00:00+00:00")
            .inline(
                "close",
                document(&[
                    allow(&["rds:*"], &["arn:aws:rds:eu-west-1:111122223333:*"]),
                    allow(
                        &["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                        &[&format!("{INVOICES}/*")],
                    ),
                    allow(&["athena:*"], &["arn:aws:athena:eu-west-1:111122223333:*"]),
                ]),
            )
            .managed(logs)
            .last_used("2026-10-14T04:10:00+00:00", EU),
    );
    shop.role(
        &shop_role("shop-batch"),
        &batch_trust(),
        Holder::since("2026-10-06T09:30:00+00:00")
            .inline("jobs", batch_policy())
            .last_used("2026-10-14T05:15:00+00:00", EU),
    );
    let basic = shop.policy(
        "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
        "2015-04-09T15:03:43+00:00",
        &[document(&[allow(
            &["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            &["*"],
        )])],
    );
    shop.role(
        &thumbnailer(),
        &trust_service("lambda.amazonaws.com"),
        Holder::since("2025-05-05T13:00:00+00:00")
            .inline(
                "images",
                document(&[
                    allow(&["s3:GetObject", "s3:PutObject"], &["arn:aws:s3:::shop-images/*"]),
                    allow(
                        &["sqs:DeleteQueue"],
                        &["arn:aws:sqs:eu-west-1:111122223333:shop-images"],
                    ),
                ]),
            )
            .managed(&basic)
            .last_used("2026-10-14T10:00:00+00:00", EU),
    );
    shop.role(
        &shop_role("legacy-etl"),
        &trust_service("glue.amazonaws.com"),
        Holder::since("2022-08-15T09:00:00+00:00")
            .inline("etl", document(&[allow(&["glue:*", "s3:*", "kms:*"], &["*"])]))
            .managed("arn:aws:iam::aws:policy/AmazonS3FullAccess")
            .tag("team", "data"),
    );
    let scaling = shop.policy(
        "arn:aws:iam::aws:policy/aws-service-role/AutoScalingServiceRolePolicy",
        "2018-01-08T23:10:55+00:00",
        &[document(&[
            json!({
                "Sid": "EC2InstanceManagement", "Effect": "Allow", "Resource": "*",
                "Action": ["ec2:CreateFleet", "ec2:CreateTags", "ec2:Describe*", "ec2:RunInstances", "ec2:TerminateInstances"],
            }),
            json!({
                "Sid": "EC2InstanceProfileManagement", "Effect": "Allow", "Action": ["iam:PassRole"], "Resource": "*",
                "Condition": {"StringLike": {"iam:PassedToService": "ec2.amazonaws.com*"}},
            }),
        ])],
    );
    shop.role(
        &scaling_role(),
        &trust_service("autoscaling.amazonaws.com"),
        Holder::since("2024-03-11T14:50:00+00:00")
            .managed(&scaling)
            .last_used("2026-10-14T17:00:00+00:00", EU),
    );
}

fn scaling_role() -> Role {
    shop_role("AWSServiceRoleForAutoScaling").path("/aws-service-role/autoscaling.amazonaws.com/")
}

pub(crate) fn tell(story: &mut Story) {
    nightly(story);
    month_close(story);
    batch(story);
    function(story);
    scaling(story);
}

fn log_stream(who: &Who, time: Seconds, group: &str, stream: &str) -> Event {
    Event::new(who, time, EU, "logs", "CreateLogStream")
        .parameters(json!({"logGroupName": group, "logStreamName": stream}))
}

fn nightly(story: &mut Story) {
    story.actor("nightly-report");
    let role = shop_role("nightly-report");
    for day in 1..=LAST_DAY {
        let time = at(day, 2, 30, 5);
        let who = story
            .service_session(&role, "lambda.amazonaws.com", "nightly-report", EU, time)
            .using(
                "10.0.20.9",
                "Boto3/1.35.20 md/Botocore#1.35.20 lang/python#3.12.5 exec-env/AWS_Lambda_python3.12",
            );
        story.tell(log_stream(
            &who,
            time + 2,
            "/aws/lambda/nightly-report",
            &format!("2026/10/{day:02}/[$LATEST]0123"),
        ));
        story.tell(
            Event::read(&who, time + 4, EU, "dynamodb", "DescribeTable")
                .parameters(json!({"tableName": "shop-orders"}))
                .resource(
                    "AWS::DynamoDB::Table",
                    "arn:aws:dynamodb:eu-west-1:111122223333:table/shop-orders",
                ),
        );
        story.tell(
            Event::read(&who, time + 6, EU, "monitoring", "GetMetricData")
                .parameters(json!({"metricDataQueries": [], "startTime": "Oct 1, 2026, 12:00:00 AM"})),
        );
        assume_reader(story, &who, time + 8);
        story.actor("nightly-report");
        story.tell(object(
            &who,
            time + 60,
            "PutObject",
            &format!("reports/2026-10-{day:02}.csv"),
        ));
        if day == 10 {
            story.tell(Event::read(&who, time + 85, US, "organizations", "ListAccounts").error(
                "AccessDeniedException",
                "User: arn:aws:sts::111122223333:assumed-role/nightly-report/nightly-report is not authorized to \
                 perform: organizations:ListAccounts on resource: * because no identity-based policy allows the \
                 organizations:ListAccounts action",
            ));
        }
    }
}

/// The close of the month: one run in the window, on its last day.
fn month_close(story: &mut Story) {
    story.actor("month-close");
    let time = at(LAST_DAY, 4, 10, 0);
    let who = story
        .service_session(
            &shop_role("month-close"),
            "ecs-tasks.amazonaws.com",
            "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
            EU,
            time,
        )
        .using(
            "10.0.21.4",
            "aws-sdk-java/2.27.3 Linux/6.1 OpenJDK/21 exec-env/AWS_ECS_FARGATE",
        );
    story.tell(log_stream(&who, time + 1, "/ecs/month-close", "close/0f1e2d3c"));
    story.tell(
        Event::read(&who, time + 2, EU, "logs", "DescribeLogGroups").parameters(json!({"logGroupNamePrefix": "/ecs/"})),
    );
    let snapshot = "ledger-2026-10";
    story.tell(
        Event::new(&who, time + 10, EU, "rds", "CreateDBSnapshot")
            .parameters(json!({"dBSnapshotIdentifier": snapshot, "dBInstanceIdentifier": "ledger"}))
            .response(json!({
                "dBSnapshotIdentifier": snapshot, "dBInstanceIdentifier": "ledger", "status": "creating",
                "dBSnapshotArn": format!("arn:aws:rds:eu-west-1:111122223333:snapshot:{snapshot}"),
            })),
    );
    story.tell(
        Event::read(&who, time + 30, EU, "rds", "DescribeDBSnapshots")
            .parameters(json!({"dBSnapshotIdentifier": snapshot, "dBInstanceIdentifier": "ledger"})),
    );
    for day in 1..=3 {
        story.tell(object(
            &who,
            time + 40 + day,
            "GetObject",
            &format!("reports/2026-10-{day:02}.csv"),
        ));
    }
    let query = story.rng.uuid();
    story.tell(
        Event::new(&who, time + 60, EU, "athena", "StartQueryExecution")
            .parameters(json!({"queryString": "***OMITTED***", "workGroup": "primary", "clientRequestToken": query}))
            .response(json!({"queryExecutionId": query})),
    );
    story.tell(
        Event::read(&who, time + 65, EU, "athena", "GetQueryExecution").parameters(json!({"queryExecutionId": query})),
    );
    story.tell(object(&who, time + 70, "PutObject", "closed/2026-10.json"));
}

fn batch(story: &mut Story) {
    story.actor("shop-batch");
    for day in 1..=LAST_DAY {
        let time = at(day, 5, 15, 0) + story.jitter(60);
        let remade = time > batch_remade();
        let role = if remade { shop_role("shop-batch") } else { old_batch() };
        let task = format!("batch{day:02}0123456789abcdef01234567");
        let who = story
            .service_session(&role, "ecs-tasks.amazonaws.com", &task, EU, time)
            .using("10.0.21.7", "Boto3/1.35.20 md/Botocore#1.35.20 lang/python#3.12.5");
        let job = story.rng.uuid();
        story.tell(
            Event::new(&who, time + 2, EU, "batch", "SubmitJob")
                .parameters(json!({"jobName": "prices", "jobQueue": "shop-queue", "jobDefinition": "prices:7"}))
                .response(json!({
                    "jobName": "prices", "jobId": job, "jobArn": format!("arn:aws:batch:eu-west-1:111122223333:job/{job}"),
                })),
        );
        story.tell(Event::read(&who, time + 20, EU, "batch", "DescribeJobs").parameters(json!({"jobs": [job]})));
        if !remade && day % 2 == 0 {
            story.tell(
                Event::new(&who, time + 40, EU, "batch", "TerminateJob")
                    .parameters(json!({"jobId": job, "reason": "took too long"})),
            );
        }
    }
}

fn function(story: &mut Story) {
    story.actor("thumbnailer");
    for day in 1..=LAST_DAY {
        let time = at(day, 10, 0, 0) + story.jitter(900);
        let who = story
            .service_session(&thumbnailer(), "lambda.amazonaws.com", "thumbnailer", EU, time)
            .using("10.0.20.31", "awslambda-worker/1.0 rusoto/0.48.0 rust/1.80.0 linux");
        story.tell(log_stream(
            &who,
            time + 1,
            "/aws/lambda/thumbnailer",
            &format!("2026/10/{day:02}/[{day}]4567"),
        ));
    }
}

fn scaling(story: &mut Story) {
    story.actor("AWSServiceRoleForAutoScaling");
    for day in 1..=LAST_DAY {
        let time = at(day, 17, 0, 0) + story.jitter(300);
        let key = super::super::identity::session_key(&mut story.rng);
        let who = scaling_role()
            .session("AutoScaling", &key, &super::super::event::iso(time - 60))
            .through("autoscaling.amazonaws.com");
        let described = json!({"instancesSet": {}, "filterSet": {}});
        story.tell(Event::read(&who, time, EU, "ec2", "DescribeInstances").parameters(described));
        if day == 4 {
            story.tell(
                Event::new(&who, time + 20, EU, "ec2", "RunInstances")
                    .parameters(json!({
                        "instancesSet": {"items": [{"minCount": 1, "maxCount": 1}]},
                        "launchTemplate": {"launchTemplateId": "lt-0example1", "version": "3"},
                    }))
                    .response(json!({"instancesSet": {"items": [{"instanceId": "i-0a1b2c3d4e5f60003"}]}})),
            );
        }
    }
}

/// The role of the data account that the report reads through.
pub(crate) fn reader() -> Role {
    data_role("data-reader")
}
