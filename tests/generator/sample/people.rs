//! People: the administrators behind IAM Identity Center, two developers, a forgotten user, and the root user.

use serde_json::json;

use super::super::event::{Event, iso};
use super::super::grants::{Grants, Holder, allow, document};
use super::super::identity::{User, Who, root, session_key};
use super::cast::{EU, SHOP, US, admin_role, at, shop_role};
use super::jobs::{batch_remade, old_batch};
use super::story::{Story, assumed, credentials};

/// Long-term keys as AWS's documentation writes them: no such keys exist.
const MARIA_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const JONAS_KEY: &str = "AKIAI44QH8DHBEXAMPLE";
const BACKUP_KEY: &str = "AKIAEXAMPLE000000021";
const BROWSER: &str =
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0";

fn maria() -> User {
    User::new(SHOP, "maria")
}

fn jonas() -> User {
    User::new(SHOP, "jonas")
}

pub(crate) fn grant(shop: &mut Grants) {
    let everything = shop.policy(
        "arn:aws:iam::aws:policy/AdministratorAccess",
        "2015-02-06T18:39:46+00:00",
        &[document(&[json!({
            "Effect": "Allow", "Action": "*", "Resource": "*",
        })])],
    );
    let saml = "arn:aws:iam::111122223333:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE";
    shop.role(
        &admin_role(),
        &document(&[json!({
            "Effect": "Allow", "Principal": {"Federated": saml}, "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
            "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
        })]),
        Holder::since("2024-01-08T12:00:00+00:00")
            .managed(&everything)
            .last_used("2026-10-13T08:20:00+00:00", EU),
    );
    let narrow = allow(&["ec2:Describe*", "logs:Describe*"], &["*"]);
    let wide = document(&[
        allow(
            &[
                "ec2:Describe*",
                "ec2:StartInstances",
                "ec2:StopInstances",
                "ec2:RebootInstances",
            ],
            &["*"],
        ),
        allow(
            &[
                "logs:DescribeLogGroups",
                "logs:FilterLogEvents",
                "logs:GetLogEvents",
                "logs:DeleteLogGroup",
            ],
            &["arn:aws:logs:eu-west-1:111122223333:*"],
        ),
        allow(
            &[
                "lambda:ListFunctions",
                "lambda:GetFunction",
                "lambda:InvokeFunction",
                "lambda:DeleteFunction",
            ],
            &["*"],
        ),
    ]);
    let developers = shop.policy(
        "shop-developers",
        "2024-02-01T10:00:00+00:00",
        &[document(&[narrow]), wide],
    );
    shop.group(
        "developers",
        Holder::since("2024-02-01T10:05:00+00:00")
            .inline(
                "buckets",
                document(&[allow(
                    &["s3:ListAllMyBuckets", "s3:GetBucketLocation", "s3:DeleteBucket"],
                    &["*"],
                )]),
            )
            .managed(&developers),
    );
    shop.user(
        &maria(),
        Holder::since("2024-02-01T10:10:00+00:00")
            .group("developers")
            .tag("team", "web"),
    );
    shop.user(
        &jonas(),
        Holder::since("2024-06-17T07:30:00+00:00")
            .group("developers")
            // With what the group may invoke it is a way to the role's permissions.
            .inline(
                "hackathon",
                document(&[
                    allow(&["iam:PassRole"], &["arn:aws:iam::111122223333:role/thumbnailer"]),
                    allow(&["lambda:CreateFunction"], &["*"]),
                ]),
            )
            .tag("team", "web"),
    );
    shop.user(
        &User::new(SHOP, "old-backup"),
        Holder::since("2021-03-05T16:45:00+00:00")
            .inline("backup", document(&[allow(&["s3:*"], &["*"])]))
            .tag("note", "nightly copies, before the move to snapshots"),
    );
}

pub(crate) fn tell(story: &mut Story) {
    administrators(story);
    developers(story);
    story.actor("root");
    let who = root(SHOP);
    story.tell(sign_in(&who, at(9, 7, 15, 2), "No"));
    story.tell(Event::read(&who, at(9, 7, 17, 40), US, "iam", "GetAccountSummary"));
}

/// A console sign-in.
fn sign_in(who: &Who, time: i64, mfa: &str) -> Event {
    Event::new(who, time, US, "signin", "ConsoleLogin")
        .kind("AwsConsoleSignIn")
        .response(json!({"ConsoleLogin": "Success"}))
        .additional(json!({
            "LoginTo": "https://console.aws.amazon.com/console/home?region=eu-west-1", "MobileVersion": "No", "MFAUsed": mfa,
        }))
}

/// An administrator arrives from IAM Identity Center.
fn administrator(story: &mut Story, name: &str, time: i64) -> Who {
    let role = admin_role();
    let session = format!("{name}@example.com");
    let key = session_key(&mut story.rng);
    let saml = "arn:aws:iam::111122223333:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE";
    let mut bearer = root(SHOP).using("198.51.100.23", BROWSER);
    bearer.identity = json!({
        "type": "SAMLUser", "principalId": format!("EXAMPLEqualifier=:{session}"), "userName": session,
        "identityProvider": "EXAMPLEqualifier=",
    });
    story.tell(
        Event::read(&bearer, time, EU, "sts", "AssumeRoleWithSAML")
            .parameters(json!({
                "sAMLAssertionID": "_example-assertion", "roleSessionName": session, "roleArn": role.arn(),
                "principalArn": saml, "durationSeconds": 3600,
            }))
            .response(json!({
                "credentials": credentials(&key, time + 3600), "assumedRoleUser": assumed(&role, &session),
                "issuer": "https://portal.sso.eu-west-1.amazonaws.com/saml/assertion/example",
                "audience": "https://signin.aws.amazon.com/saml", "subject": session, "subjectType": "persistent",
                "nameQualifier": "EXAMPLEqualifier=",
            }))
            .resource("AWS::IAM::Role", &role.arn()),
    );
    role.session(&session, &key, &iso(time)).using("198.51.100.23", BROWSER)
}

fn administrators(story: &mut Story) {
    story.actor("AWSReservedSSO_AdministratorAccess");
    let who = administrator(story, "ada", at(1, 8, 10, 0));
    let iam = |minute, name| Event::read(&who, at(1, 8, minute, 12), US, "iam", name);
    story.tell(iam(11, "ListUsers"));
    story.tell(iam(12, "ListAccessKeys").parameters(json!({"userName": "old-backup"})));
    story.tell(iam(13, "GetAccessKeyLastUsed").parameters(json!({"accessKeyId": BACKUP_KEY})));

    // The role `shop-batch` is deleted and made again: same name, another id.
    let time = batch_remade();
    let who = administrator(story, "ada", time - 300);
    let (old, new) = (old_batch(), shop_role("shop-batch"));
    let write = |offset, name| Event::new(&who, time + offset, US, "iam", name);
    for (offset, name) in [(-20, "jobs"), (-15, "leftover")] {
        story.tell(write(offset, "DeleteRolePolicy").parameters(json!({"roleName": old.name, "policyName": name})));
    }
    story.tell(write(-10, "DeleteRole").parameters(json!({"roleName": old.name})));
    story.tell(
        write(0, "CreateRole")
            .parameters(json!({
                "roleName": new.name, "path": "/", "description": "Batch jobs of the shop",
                "assumeRolePolicyDocument": super::jobs::batch_trust().to_string(),
            }))
            .response(json!({"role": {
                "path": "/", "roleName": new.name, "roleId": new.id, "arn": new.arn(), "createDate": "Oct 6, 2026 9:30:00 AM",
                "assumeRolePolicyDocument": "%7B%22Version%22%3A%222012-10-17%22%7D",
            }})),
    );
    story.tell(write(10, "PutRolePolicy").parameters(json!({
        "roleName": new.name, "policyName": "jobs", "policyDocument": super::jobs::batch_policy().to_string(),
    })));

    let who = administrator(story, "grace", at(13, 8, 15, 0));
    for (minute, source, name) in [
        (16, "ec2", "DescribeInstances"),
        (17, "rds", "DescribeDBInstances"),
        (20, "lambda", "ListFunctions20150331"),
    ] {
        story.tell(Event::read(&who, at(13, 8, minute, 30), EU, source, name));
    }
}

fn developers(story: &mut Story) {
    story.actor("maria");
    for day in [1, 5, 8, 12] {
        let time = at(day, 9, 5, 0) + story.jitter(600);
        let console = maria()
            .with_session(&session_key(&mut story.rng), &iso(time))
            .using("203.0.113.24", BROWSER);
        let mut login = maria().with_key("").using("203.0.113.24", BROWSER);
        if let Some(identity) = login.identity.as_object_mut() {
            identity.shift_remove("accessKeyId");
        }
        story.tell(sign_in(&login, time, "Yes"));
        story.tell(
            Event::read(&console, time + 60, EU, "ec2", "DescribeInstances").parameters(json!({
                "maxResults": 100, "instancesSet": {}, "filterSet": {},
            })),
        );
        story.tell(
            Event::read(&console, time + 90, EU, "logs", "FilterLogEvents")
                .parameters(json!({"logGroupName": "/shop/web", "filterPattern": "ERROR", "limit": 100})),
        );
        if day == 8 {
            story.tell(Event::new(&console, time + 200, US, "iam", "CreateUser").error(
                "AccessDenied",
                "User: arn:aws:iam::111122223333:user/maria is not authorized to perform: iam:CreateUser on resource: \
                 arn:aws:iam::111122223333:user/test because no identity-based policy allows the iam:CreateUser action",
            ));
        }
    }
    // From the command line: a session with MFA, then calls under the session's key.
    let time = at(6, 15, 30, 0);
    let long_term = maria().with_key(MARIA_KEY);
    let key = session_key(&mut story.rng);
    story.tell(
        Event::read(&long_term, time, EU, "sts", "GetSessionToken")
            .parameters(json!({"serialNumber": "arn:aws:iam::111122223333:mfa/maria"}))
            .response(json!({"credentials": credentials(&key, time + 43200)})),
    );
    let session = maria().with_session(&key, &iso(time));
    story.tell(
        Event::read(&session, time + 10, EU, "s3", "ListBuckets")
            .parameters(json!({"Host": "s3.eu-west-1.amazonaws.com"})),
    );
    story.tell(
        Event::new(&session, time + 40, EU, "ec2", "StopInstances")
            .parameters(json!({"instancesSet": {"items": [{"instanceId": "i-0a1b2c3d4e5f60009"}]}, "force": false}))
            .error(
                "Client.DryRunOperation",
                "Request would have succeeded, but DryRun flag is set.",
            ),
    );

    story.actor("jonas");
    for day in [2, 7, 9, 13] {
        let time = at(day, 10, 40, 0) + story.jitter(600);
        let who = jonas().with_key(JONAS_KEY);
        story.tell(Event::read(&who, time, EU, "lambda", "ListFunctions20150331").parameters(json!({"maxItems": 50})));
        story.tell(
            Event::read(&who, time + 5, EU, "lambda", "GetFunction20150331v2")
                .parameters(json!({"functionName": "thumbnailer"})),
        );
    }
}
