//! Which classes of events an archive shows: data events, reads and writes, KMS, one role's.

use serde_json::json;
use trimtrail::inside::gap::Grade;

use super::{Case, TRAIL, background, basic, change, full, object, statement, trail};
// ---- case 42

#[test]
fn case_42_without_data_events_object_reads_are_unobservable() {
    Case::of(full(), "s3:*", "*").check("s3:GetObject", Grade::Unobservable);
    Case::of(full(), "s3:*", "arn:aws:s3:::a/*").check("s3:GetObject", Grade::Unobservable);
    // Management actions of the same service are not.
    Case::of(full(), "s3:*", "*").check("s3:DeleteBucket", Grade::Unused);
}

#[test]
fn case_42_data_events_of_bucket_a_judge_bucket_a_alone() {
    let mut events = full();
    events.push(object(5, "a", "GetObject"));
    Case::of(events.clone(), "s3:*", "arn:aws:s3:::a/*").check("s3:GetObject", Grade::Unused);
    Case::of(events.clone(), "s3:*", "arn:aws:s3:::b/*").check("s3:GetObject", Grade::Unobservable);
    Case::of(events.clone(), "s3:*", "*").check("s3:GetObject", Grade::Unobservable);
    // Both statements in one policy: the action shows the most protective, and the slice that differs.
    let mut case = Case::of(events, "s3:GetObject", "arn:aws:s3:::a/*");
    case.statements
        .push(statement(&json!("s3:GetObject"), &json!("arn:aws:s3:::b/*")));
    let report = case.run();
    let action = &report.principals[0].actions[0];
    assert_eq!(
        (action.action.as_str(), action.grade),
        ("s3:GetObject", Grade::Unobservable)
    );
    assert_eq!(action.by_resource.len(), 1);
    assert_eq!(action.by_resource[0].resources, ["arn:aws:s3:::a/*"]);
    assert_eq!(action.by_resource[0].grade, Grade::Unused);
}

#[test]
fn data_events_that_read_say_nothing_of_writes() {
    let mut events = full();
    events.push(object(5, "a", "GetObject"));
    Case::of(events.clone(), "s3:*", "arn:aws:s3:::a/*").check("s3:PutObject", Grade::Unobservable);
    events.push(object(6, "a", "PutObject"));
    Case::of(events, "s3:*", "arn:aws:s3:::a/*").check("s3:PutObject", Grade::Unused);
}

#[test]
fn a_trail_told_to_log_bucket_a_judges_bucket_a_alone() {
    let mut events = full();
    events.push(object(5, "c", "GetObject"));
    let case = |resource: &str| Case {
        trail_config: trail(&basic("All", &[], &["arn:aws:s3:::a/"])),
        ..Case::of(events.clone(), "s3:*", resource)
    };
    case("arn:aws:s3:::a/*").check("s3:GetObject", Grade::Unused);
    case("arn:aws:s3:::a").check("s3:ListBucket", Grade::Unused);
    case("arn:aws:s3:::b/*").check("s3:GetObject", Grade::Unobservable);
    case("*").check("s3:GetObject", Grade::Unobservable);
}

#[test]
fn a_configuration_does_not_speak_for_files_that_are_not_there() {
    // The trail logs objects, but the archive holds no such event of anyone: it may be another trail's.
    let case = Case {
        trail_config: trail(&basic("All", &[], &["arn:aws:s3"])),
        ..Case::of(full(), "s3:*", "*")
    };
    case.check("s3:GetObject", Grade::Unobservable);
}

// ---- case 43

#[test]
fn case_43_a_write_only_trail_shows_no_reads() {
    let case = || Case {
        trail_config: trail(&basic("WriteOnly", &[], &[])),
        ..Case::of(background(1..=14, false), "*", "*")
    };
    case().check("kms:Decrypt", Grade::Unobservable);
    case().check("ec2:DescribeVpcs", Grade::Unobservable);
    case().check("ec2:DeleteVpc", Grade::Unused);
    // Without the configuration nobody knows why there are none.
    Case::of(background(1..=14, false), "*", "*").check("kms:Decrypt", Grade::OutsideCoverage);
}

#[test]
fn case_43_a_trail_that_excludes_kms_does_not_show_it() {
    let case = || Case {
        trail_config: trail(&basic("All", &["kms.amazonaws.com"], &[])),
        ..Case::of(full(), "*", "*")
    };
    case().check("kms:Encrypt", Grade::Unobservable);
    case().check("ec2:DescribeVpcs", Grade::Unused);
}

#[test]
fn case_43_after_put_event_selectors_only_the_later_stretch_counts() {
    // From the 7th on the trail logs writes alone: reads of the days before prove nothing of those after.
    let mut events = [background(1..=7, true), background(8..=14, false)].concat();
    let selectors = json!({"trailName": "main", "eventSelectors": [{"readWriteType": "WriteOnly", "includeManagementEvents": true, "dataResources": []}]});
    events.push(change(7, "PutEventSelectors", &selectors));
    Case::of(events.clone(), "*", "*").check("kms:Encrypt", Grade::OutsideCoverage);
    // IAM calls it a write, AWS logs it as a read: that somebody's was seen before changes nothing of that.
    Case::of(events.clone(), "*", "*").check("kms:Decrypt", Grade::OutsideCoverage);
    Case::of(events.clone(), "*", "*").check("ec2:DeleteVpc", Grade::Unused);
    // The other way round: objects are logged from the 7th on.
    let mut events = full();
    let selectors = json!({"trailName": "main", "eventSelectors": [{"readWriteType": "All", "includeManagementEvents": true,
        "dataResources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3:::a/"]}]}]});
    events.push(change(7, "PutEventSelectors", &selectors));
    events.push(object(9, "a", "GetObject"));
    let (grade, why) = Case::of(events, "s3:*", "arn:aws:s3:::a/*").grade("s3:GetObject");
    assert_eq!(grade, Grade::Unobservable);
    assert!(why.contains("2026-10-01T12:00Z to 2026-10-07T12:00Z"), "{why}");
}

#[test]
fn what_a_change_excludes_is_hidden_although_others_are_seen() {
    let mut events = full();
    let selectors = json!({"trailName": "main", "advancedEventSelectors": [
        {"fieldSelectors": [{"field": "eventCategory", "equals": ["Management"]}, {"field": "eventSource", "notEquals": ["kms.amazonaws.com"]}]}]});
    events.push(change(7, "PutEventSelectors", &selectors));
    Case::of(events.clone(), "*", "*").check("kms:Encrypt", Grade::Unobservable);
    Case::of(events, "*", "*").check("ec2:DescribeVpcs", Grade::Unused);
}

#[test]
fn a_selector_by_caller_hides_that_role_alone() {
    let selectors = |who: &str| {
        json!({"AdvancedEventSelectors": [
            {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]},
            {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
                {"Field": "userIdentity.arn", "NotStartsWith": [format!("arn:aws:sts::111122223333:assumed-role/{who}/")]}]}]})
    };
    let case = |who: &str| {
        let mut events = full();
        events.push(object(5, "a", "GetObject"));
        Case {
            trail_config: trail(&selectors(who)),
            ..Case::of(events, "s3:*", "arn:aws:s3:::a/*")
        }
    };
    case("app").check("s3:GetObject", Grade::Unobservable);
    case("other").check("s3:GetObject", Grade::Unused);
}

#[test]
fn the_hours_in_which_logging_was_stopped_are_a_hole() {
    let stopped = |hours: &[(u32, &str)]| {
        let mut events = full();
        for (day, name) in hours {
            events.push(change(*day, name, &json!({"name": TRAIL})));
        }
        Case::of(events, "*", "*")
    };
    // Events at noon of each day go on: another trail delivered them.
    stopped(&[(4, "StopLogging"), (8, "StartLogging")]).check("ec2:DeleteVpc", Grade::Unused);
    // An hour without any event between: what happened then nobody saw.
    let mut case = stopped(&[(4, "StopLogging")]);
    let mut start = change(4, "StartLogging", &json!({"name": TRAIL}));
    start["eventTime"] = json!("2026-10-04T15:00:00Z");
    case.events.push(start);
    let (grade, why) = case.grade("ec2:DeleteVpc");
    assert_eq!(grade, Grade::OutsideCoverage, "{why}");
    assert!(
        why.contains("was stopped from 2026-10-04T12:00Z to 2026-10-04T15:00Z"),
        "{why}"
    );
}

#[test]
fn a_trail_made_and_stopped_in_the_archives_time_leaves_no_hole() {
    let mut events = full();
    events.push(change(5, "CreateTrail", &json!({"name": "test"})));
    for (hour, name) in [(13, "StartLogging"), (14, "StopLogging"), (15, "DeleteTrail")] {
        let mut change = change(5, name, &json!({"name": "test"}));
        change["eventTime"] = json!(format!("2026-10-05T{hour}:00:00Z"));
        events.push(change);
    }
    Case::of(events, "*", "*").check("ec2:DeleteVpc", Grade::Unused);
}

#[test]
fn a_trail_that_is_changed_every_day_must_still_show_each_class() {
    let selectors = json!({"trailName": "main", "eventSelectors": [{"readWriteType": "WriteOnly", "includeManagementEvents": true}]});
    let changed = |reads: bool| {
        let mut events = background(1..=14, false);
        events.extend(background([1, 14].into_iter(), true));
        if reads {
            events.extend(background(2..=13, true));
        }
        events.extend((2..=13).map(|day| {
            let mut change = change(day, "PutEventSelectors", &selectors);
            change["eventTime"] = json!(format!("2026-10-{day:02}T13:00:00Z"));
            change
        }));
        Case::of(events, "ec2:*", "arn:aws:ec2:eu-west-1:111122223333:vpc/*")
    };
    changed(false).check("ec2:DescribeVpcAttribute", Grade::OutsideCoverage);
    changed(true).check("ec2:DescribeVpcAttribute", Grade::Unused);
}

#[test]
fn changes_within_a_day_do_not_excuse_what_was_never_seen() {
    let mut events = background([5].into_iter(), true);
    events.retain(|event| event["eventSource"] != "kms.amazonaws.com");
    for hour in [13, 14, 15] {
        let mut change = change(5, "UpdateTrail", &json!({"name": "main"}));
        change["eventTime"] = json!(format!("2026-10-05T{hour}:00:00Z"));
        events.push(change);
    }
    Case::of(events.clone(), "s3:*", "*").check("s3:GetObject", Grade::Unobservable);
    Case::of(events.clone(), "s3:*", "arn:aws:s3:::a/*").check("s3:GetObject", Grade::Unobservable);
    Case::of(events.clone(), "kms:*", "*").check("kms:Encrypt", Grade::OutsideCoverage);
    Case::of(events, "ec2:*", "*").check("ec2:DeleteVpc", Grade::Unused);
}

// ---- what is logged, and as what

/// A call that somebody else made.
fn seen(day: u32, source: &str, name: &str, region: &str) -> serde_json::Value {
    super::event(day, source, name, true, &json!({"awsRegion": region}))
}

#[test]
fn what_the_archive_shows_as_a_management_event_is_observable_there_whatever_the_tables_say() {
    let layers = "arn:aws:lambda:eu-west-1:111122223333:layer:l";
    let case = |events: Vec<serde_json::Value>| Case::of([full(), events].concat(), "lambda:*", layers);
    case(Vec::new()).check("lambda:GetLayerVersion", Grade::Unobservable);
    case(vec![seen(3, "lambda", "GetLayerVersion20181031", "eu-west-1")])
        .check("lambda:GetLayerVersion", Grade::Unused);
    // Another region of the account, another action: nothing is shown of them.
    case(vec![seen(3, "lambda", "GetLayerVersion20181031", "us-east-1")])
        .check("lambda:GetLayerVersion", Grade::Unobservable);
    case(vec![seen(3, "lambda", "ListLayers20181031", "eu-west-1")])
        .check("lambda:GetLayerVersion", Grade::Unobservable);
    // A statement on everything asks for every region.
    let one = [full(), vec![seen(3, "lambda", "GetLayerVersion20181031", "eu-west-1")]].concat();
    Case::of(one.clone(), "lambda:*", "*").check("lambda:GetLayerVersion", Grade::Unobservable);
    let both = [one, vec![seen(3, "lambda", "GetLayerVersion20181031", "us-east-1")]].concat();
    Case::of(both, "lambda:*", "*").check("lambda:GetLayerVersion", Grade::Unused);
}

#[test]
fn an_event_that_does_not_say_that_it_is_a_management_event_shows_nothing() {
    let thing = "arn:aws:iot:eu-west-1:111122223333:thing/t";
    let case = |more: &serde_json::Value| {
        let mut event = seen(3, "iot", "GetThingShadow", "eu-west-1");
        for (key, value) in more.as_object().expect("an object") {
            event[key] = value.clone();
        }
        Case::of([full(), vec![event]].concat(), "iot:*", thing)
    };
    case(&json!({})).check("iot:GetThingShadow", Grade::Unused);
    let old = json!({"eventCategory": null, "managementEvent": null, "eventVersion": "1.05"});
    case(&old).check("iot:GetThingShadow", Grade::Unobservable);
    let data = json!({"eventCategory": "Data", "managementEvent": false});
    case(&data).check("iot:GetThingShadow", Grade::Unobservable);
}

#[test]
fn calls_that_are_logged_as_either_kind_are_not_shown_by_one_of_them() {
    let cluster = "arn:aws:rds:eu-west-1:111122223333:cluster:c";
    let one = vec![seen(3, "rdsdata", "ExecuteStatement", "eu-west-1")];
    Case::of([full(), one].concat(), "rds-data:*", cluster).check("rds-data:ExecuteStatement", Grade::Unobservable);
}

#[test]
fn what_was_shown_outlives_the_reading() {
    let events = [full(), vec![seen(3, "lambda", "GetLayerVersion20181031", "eu-west-1")]].concat();
    let read = Case::of(events, "lambda:*", "*").read();
    let text = serde_json::to_string(&read.coverage).expect("JSON");
    let again: trimtrail::inside::coverage::Coverage = serde_json::from_str(&text).expect("a coverage");
    assert_eq!(again, read.coverage);
    let place = [
        "111122223333",
        "eu-west-1",
        "lambda.amazonaws.com",
        "GetLayerVersion20181031",
    ];
    assert!(again.shown.contains(&place.map(str::to_owned).into()));
    // A ledger of an earlier program shows nothing.
    let older: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let mut older = older.as_object().expect("an object").clone();
    older.remove("shown");
    let older: trimtrail::inside::coverage::Coverage = serde_json::from_value(older.into()).expect("a coverage");
    assert!(older.shown.is_empty());
}

#[test]
fn without_data_events_no_data_plane_is_called_unused() {
    for action in [
        "bedrock-agentcore:InvokeAgentRuntime",
        "geo-places:SearchText",
        "iotsitewise:BatchPutAssetPropertyValue",
        "kinesisvideo:GetMedia",
        "lex:RecognizeText",
        "payment-cryptography:EncryptData",
        "qbusiness:ChatSync",
        "rum:PutRumEvents",
        "sdb:Select",
        "resource-explorer-2:Search",
    ] {
        Case::of(full(), action, "*").check(action, Grade::Unobservable);
    }
    // What manages the same things is a management event.
    for action in [
        "kinesisvideo:DeleteStream",
        "lex:DeleteBot",
        "payment-cryptography:DeleteKey",
        "rum:DeleteAppMonitor",
        "iotsitewise:DeleteAsset",
    ] {
        Case::of(full(), action, "*").check(action, Grade::Unused);
    }
}
