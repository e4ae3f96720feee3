//! The account of the data lake: a reader that the shop borrows, an ingest job, and the export of the bill.

use serde_json::json;

use super::super::event::{Event, Seconds, iso};
use super::super::grants::{Grants, Holder, allow, document, trust_service};
use super::super::identity::{Who, foreign, session_key};
use super::cast::{DATA, EU, LAST_DAY, SHOP, US, at, data_role, shop_role};
use super::jobs::reader;
use super::story::{Story, assumed, credentials};

pub(crate) fn grant(data: &mut Grants) {
    data.role(
        &reader(),
        &document(&[json!({
            "Effect": "Allow", "Principal": {"AWS": shop_role("nightly-report").arn()}, "Action": "sts:AssumeRole",
        })]),
        Holder::since("2025-01-20T10:30:00+00:00")
            .inline(
                "read",
                document(&[
                    allow(&["athena:*"], &["arn:aws:athena:eu-west-1:444455556666:*"]),
                    allow(&["glue:*"], &["arn:aws:glue:eu-west-1:444455556666:*"]),
                    allow(&["s3:GetObject", "s3:PutObject"], &["arn:aws:s3:::data-lake/*"]),
                ]),
            )
            .last_used("2026-10-14T02:30:20+00:00", EU),
    );
    data.role(
        &data_role("lake-ingest"),
        &trust_service("lambda.amazonaws.com"),
        Holder::since("2024-09-02T09:00:00+00:00")
            .inline(
                "ingest",
                document(&[
                    allow(
                        &[
                            "glue:GetTable",
                            "glue:BatchCreatePartition",
                            "glue:DeleteTable",
                            "glue:DeleteDatabase",
                            "glue:PutResourcePolicy",
                        ],
                        &["arn:aws:glue:eu-west-1:444455556666:*"],
                    ),
                    allow(&["s3:GetBucketPolicy", "s3:DeleteBucket"], &["arn:aws:s3:::data-lake"]),
                ]),
            )
            .last_used("2026-10-14T23:05:00+00:00", EU),
    );
    data.role(
        &data_role("cost-export"),
        &trust_service("lambda.amazonaws.com"),
        Holder::since("2024-09-02T09:10:00+00:00")
            .inline(
                "export",
                document(&[
                    allow(&["ce:*"], &["*"]),
                    allow(&["athena:*"], &["arn:aws:athena:us-east-1:444455556666:*"]),
                ]),
            )
            .last_used("2026-10-14T22:40:00+00:00", US),
    );
}

/// The nightly report takes the reader's role: one call, two records, one `sharedEventID`. Then the reader works.
pub(crate) fn assume_reader(story: &mut Story, caller: &Who, time: Seconds) {
    let (role, session) = (reader(), "nightly-report");
    let key = session_key(&mut story.rng);
    let shared = story.rng.uuid();
    let call = |who: &Who| {
        let mut event = Event::read(who, time, EU, "sts", "AssumeRole")
            .parameters(json!({"roleArn": role.arn(), "roleSessionName": session, "durationSeconds": 900}))
            .response(json!({
                "credentials": credentials(&key, time + 900), "assumedRoleUser": assumed(&role, session),
            }))
            .shared(&shared);
        event = event.resource("AWS::IAM::Role", &role.arn());
        event
    };
    story.tell(call(caller));
    story.actor("data-reader");
    let principal = caller.identity["principalId"].as_str().unwrap_or_default();
    story.tell(call(&foreign(DATA, SHOP, principal).using(&caller.ip, &caller.agent)));

    let who = role.session(session, &key, &iso(time)).using(&caller.ip, &caller.agent);
    let query = story.rng.uuid();
    story.tell(
        Event::new(&who, time + 4, EU, "athena", "StartQueryExecution")
            .parameters(json!({"queryString": "***OMITTED***", "workGroup": "primary", "clientRequestToken": query}))
            .response(json!({"queryExecutionId": query})),
    );
    story.tell(
        Event::read(&who.through("athena.amazonaws.com"), time + 4, EU, "glue", "GetTable")
            .parameters(json!({"databaseName": "lake", "name": "sales"})),
    );
    for (offset, name) in [(9, "GetQueryExecution"), (10, "GetQueryResults")] {
        story.tell(Event::read(&who, time + offset, EU, "athena", name).parameters(json!({"queryExecutionId": query})));
    }
}

pub(crate) fn tell(story: &mut Story) {
    story.actor("lake-ingest");
    for day in 1..=LAST_DAY {
        for hour in [1, 12, 23] {
            let time = at(day, hour, 5, 0) + story.jitter(120);
            let who = story
                .service_session(
                    &data_role("lake-ingest"),
                    "lambda.amazonaws.com",
                    "lake-ingest",
                    EU,
                    time,
                )
                .using("10.1.4.18", "Boto3/1.35.20 md/Botocore#1.35.20 lang/python#3.12.5");
            story.tell(
                Event::read(&who, time + 2, EU, "glue", "GetTable")
                    .parameters(json!({"databaseName": "lake", "name": "sales"})),
            );
            story.tell(
                Event::new(&who, time + 4, EU, "glue", "BatchCreatePartition").parameters(json!({
                    "databaseName": "lake", "tableName": "sales", "partitionInputList": [{"values": [format!("2026-10-{day:02}")]}],
                })),
            );
            if day == 11 && hour == 12 {
                story.tell(
                    Event::new(&who, time + 9, EU, "glue", "PutResourcePolicy")
                        .parameters(json!({"policyInJson": "{}", "policyExistsCondition": "NONE"}))
                        .error(
                            "AccessDeniedException",
                            "User: arn:aws:sts::444455556666:assumed-role/lake-ingest/lake-ingest is not authorized to \
                             perform: glue:PutResourcePolicy on resource: arn:aws:glue:eu-west-1:444455556666:catalog with \
                             an explicit deny in a service control policy",
                        ),
                );
            }
        }
    }
    story.actor("cost-export");
    for day in 1..=LAST_DAY {
        for hour in [0, 11, 22] {
            let time = at(day, hour, 40, 0) + story.jitter(120);
            let who = story
                .service_session(
                    &data_role("cost-export"),
                    "lambda.amazonaws.com",
                    "cost-export",
                    US,
                    time,
                )
                .using("10.1.4.19", "Boto3/1.35.20 md/Botocore#1.35.20 lang/python#3.12.5");
            story.tell(
                Event::read(&who, time + 1, US, "ce", "GetCostAndUsage").parameters(json!({
                    "timePeriod": {"start": "2026-10-01", "end": format!("2026-10-{day:02}")}, "granularity": "DAILY",
                    "metrics": ["UnblendedCost"],
                })),
            );
            let query = story.rng.uuid();
            story.tell(
                Event::new(&who, time + 5, US, "athena", "StartQueryExecution")
                    .parameters(
                        json!({"queryString": "***OMITTED***", "workGroup": "billing", "clientRequestToken": query}),
                    )
                    .response(json!({"queryExecutionId": query})),
            );
        }
    }
}
