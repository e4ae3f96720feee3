//! What real archives hold beside honest work: strangers, denials, hostile text, events of services, unknown calls.

use serde_json::json;

use super::super::event::Event;
use super::super::identity::{Who, foreign};
use super::cast::{EU, INVOICES, SHOP, US, at};
use super::deploy;
use super::story::Story;

/// Session names that are markup, a spreadsheet formula and terminal codes where they are shown unescaped. STS would
/// refuse them; a record that somebody forged would not ask STS.
const HOSTILE: [&str; 3] = [
    "<script>alert(1)</script>",
    "=HYPERLINK(\"http://192.0.2.66/\",\"open\")",
    "\u{1b}[31mred\u{1b}[0m",
];

pub(crate) fn tell(story: &mut Story) {
    probe(story);
    hostile(story);
    odd(story);
}

/// Somebody of a foreign account, and somebody without one, try the doors.
fn probe(story: &mut Story) {
    story.actor("probe");
    let stranger = foreign(SHOP, "999988887777", "AIDAEXAMPLEPROBE00001");
    for minute in [12, 13, 15] {
        story.tell(
            Event::read(&stranger, at(3, 3, minute, 7), US, "sts", "AssumeRole").error(
                "AccessDenied",
                "User: arn:aws:iam::999988887777:user/probe is not authorized to perform: sts:AssumeRole on resource: \
                 arn:aws:iam::111122223333:role/ci-deploy",
            ),
        );
    }
    let anonymous = foreign(SHOP, "anonymous", "");
    for (i, name) in ["GetObject", "GetObject", "ListObjects"].into_iter().enumerate() {
        let parameters = json!({
            "bucketName": "shop-invoices", "Host": "shop-invoices.s3.eu-west-1.amazonaws.com", "key": format!("backup{i}.sql"),
        });
        story.tell(
            Event::read(&anonymous, at(3, 3, 20, i as i8), EU, "s3", name)
                .data()
                .parameters(parameters)
                .error("AccessDenied", "Access Denied")
                .object(&format!("{INVOICES}/backup{i}.sql"))
                .resource("AWS::S3::Bucket", INVOICES),
        );
    }
}

fn hostile(story: &mut Story) {
    story.actor("ci-deploy (hostile text)");
    for (i, name) in HOSTILE.into_iter().enumerate() {
        let who = deploy::role()
            .session(name, &format!("ASIAEXAMPLEHOSTILE{i:02}"), "2026-10-10T03:00:00Z")
            .using("192.0.2.66", name);
        story.tell(
            Event::read(&who, at(10, 3, 1, i as i8), EU, "eks", "DescribeCluster").parameters(json!({"name": name})),
        );
    }
}

fn odd(story: &mut Story) {
    story.actor("AWS services");
    // A service event: no type in the identity.
    let service = Who {
        identity: json!({"accountId": SHOP, "invokedBy": "kms.amazonaws.com"}),
        account: SHOP.into(),
        ip: "kms.amazonaws.com".into(),
        agent: "kms.amazonaws.com".into(),
    };
    story.tell(
        Event::new(&service, at(4, 12, 0, 0), EU, "kms", "RotateKey")
            .kind("AwsServiceEvent")
            .resource("AWS::KMS::Key", super::cast::KEY),
    );
    story.actor("ci-deploy (unknown call)");
    let who = deploy::role().session("GitHubActions-4299", "ASIAEXAMPLEUNKNOWN01", "2026-10-12T13:00:00Z");
    story.tell(Event::read(&who, at(12, 13, 9, 0), EU, "widgets", "PolishWidget").parameters(json!({"widget": "w-1"})));
}
