//! Tables: Athena's struct text, the console's Event history, and rows that are damaged.

use super::super::{Facts, Item, Limits, Payload, Shape};
use super::{cells, string, structure};

/// The facts of a table; `check` sees each item.
fn read(text: &str, mut check: impl FnMut(usize, Item<'_>)) -> Facts {
    let mut seen = 0;
    super::super::read_slice(text.as_bytes(), &Limits::default(), &mut |item| {
        check(seen, item);
        seen += 1;
    })
}

const IDENTITY: &str = "{type=AssumedRole, principalid=AROA:a, b=c, arn=arn:aws:sts::1:assumed-role/R/a, accountid=1, \
    invokedby=null, accesskeyid=ASIA, username=null, sessioncontext={attributes={mfaauthenticated=false, \
    creationdate=2023-07-10T11:00:00Z}, sessionissuer={type=Role, principalid=AROA, arn=arn:aws:iam::1:role/p/R, \
    accountid=1, username=R}}}";

#[test]
fn athena() {
    let text = format!(
        "\"eventversion\",\"useridentity\",\"eventtime\",\"eventsource\",\"eventname\",\"awsregion\",\"readonly\",\
         \"requestparameters\",\"responseelements\",\"resources\",\"errorcode\"\r\n\
         \"1.08\",\"{IDENTITY}\",\"2023-07-10T11:42:36Z\",\"s3.amazonaws.com\",\"GetObject\",\"us-east-1\",\"true\",\
         \"{{\"\"bucketName\"\":\"\"b,\n\"\"}}\",\"null\",\"[{{arn=arn:aws:s3:::b, accountid=1, type=AWS::S3::Bucket}}]\",\r\n\
         \"1.08\",\"root\",\"2023-07-10T11:42:36Z\",\"s\",\"n\",\"\",\"\",\"\",\"\",\"\",\"\"\r\n\
         \"1.08\",\"too few\"\n"
    );
    let text = text.replace("b,\n", "b, ");
    let facts = read(&text, |at, item| match (at, item) {
        (0, Item::Event(event)) => {
            assert_eq!(
                (&*event.source, &*event.name, event.coarse),
                ("s3.amazonaws.com", "GetObject", false)
            );
            assert_eq!(
                (event.region.as_deref(), event.read_only),
                (Some("us-east-1"), Some(true))
            );
            assert_eq!(event.request_parameters, Payload::Json(r#"{"bucketName":"b, "}"#));
            assert_eq!(event.response_elements, Payload::Null);
            let resources = event.resources.parse().unwrap();
            let resource = &resources.elements()[0];
            assert_eq!(resource.get("ARN").and_then(|arn| arn.as_str()), Some("arn:aws:s3:::b"));
            assert_eq!(event.error_code, None);
            let identity = event.identity.as_ref().unwrap();
            assert_eq!(identity.kind.as_deref(), Some("AssumedRole"));
            assert_eq!(identity.access_key_id.as_deref(), Some("ASIA"));
            assert_eq!((&identity.invoked_by, identity.mfa), (&None, Some(false)));
            let issuer = identity.session_issuer.clone().unwrap();
            assert_eq!(issuer.arn.as_deref(), Some("arn:aws:iam::1:role/p/R"));
            assert_eq!(issuer.user_name.as_deref(), Some("R"));
        }
        (1, Item::Skipped { why, .. }) => assert_eq!(why.to_string(), "userIdentity is not an object"),
        (2, Item::Skipped { why, .. }) => assert_eq!(why.to_string(), "row does not fit the table's header"),
        (at, item) => panic!("{at}: {item:?}"),
    });
    assert_eq!((facts.shape, facts.records), (Shape::AthenaCsv, 3));
}

#[test]
fn event_history() {
    let text = "\"User name\",\"AWS access key\",\"Event time\",\"Event source\",\"Event name\",\"AWS region\",\"Source IP address\",\"Resources\"\n\
                alice,AKIA,2023-07-10T11:42:36Z,s3.amazonaws.com,CreateBucket,us-east-1,192.0.2.1,\"[{\"\"resourceName\"\":\"\"b\"\"}]\"\n";
    let facts = read(text, |_, item| {
        let Item::Event(event) = item else { panic!("{item:?}") };
        assert!(event.coarse);
        assert_eq!(
            (&*event.name, event.region.as_deref()),
            ("CreateBucket", Some("us-east-1"))
        );
        assert_eq!(event.resources, Payload::Absent);
        let identity = event.identity.as_ref().unwrap();
        assert_eq!(
            (identity.user_name.as_deref(), identity.access_key_id.as_deref()),
            (Some("alice"), Some("AKIA"))
        );
        assert_eq!(identity.arn, None);
    });
    assert_eq!((facts.shape, facts.records), (Shape::EventHistoryCsv, 1));
}

#[test]
fn a_quote_that_never_closes() {
    let text = "eventTime,eventName,eventSource\n2023-07-10T11:42:36Z,A,s\n\"2023";
    let mut lines = Vec::new();
    read(text, |_, item| {
        lines.push(format!("{item:?}").chars().take(12).collect::<String>())
    });
    assert_eq!(lines, ["Event(Event ", "Skipped { wh"]);
    // A row that swallows the rest is given up at the limit, and the next line counts again.
    let row = "2023-07-10T11:42:36Z,B,s\n";
    let text = format!("eventTime,eventName,eventSource\n\"{}", row.repeat(40));
    let limits = Limits {
        max_record: 100,
        ..Limits::default()
    };
    let mut events = 0;
    let facts = super::super::read_slice(text.as_bytes(), &limits, &mut |item| {
        events += u64::from(matches!(item, Item::Event(_)));
    });
    assert_eq!((events, facts.records), (39, 40));
}

#[test]
fn cells_of_a_row() {
    let check = |row: &str, expected: Option<&[&str]>| {
        assert_eq!(
            cells(row),
            expected.map(|cells| cells.iter().map(|cell| (*cell).into()).collect()),
            "{row}"
        );
    };
    check("a,b", Some(&["a", "b"]));
    check("", Some(&[""]));
    check("a,,", Some(&["a", "", ""]));
    check(r#""a,b","say ""hi""","#, Some(&["a,b", "say \"hi\"", ""]));
    check(r#""a"b"#, None);
    check(r#""a"#, None);
}

#[test]
fn struct_text() {
    let check = |field: &str, text: &str, expected: Option<&str>| {
        let mut out = String::new();
        let good = structure(&mut out, field, text);
        assert_eq!(good.then_some(out.as_str()), expected, "{text}");
    };
    check("userIdentity", "{}", Some("{}"));
    check(
        "userIdentity",
        "{username=a, b, accountid=}",
        Some(r#"{"userName":"a, b","accountId":""}"#),
    );
    check(
        "resources",
        "[{arn=x}, {arn=null}]",
        Some(r#"[{"ARN":"x"},{"ARN":null}]"#),
    );
    check("userIdentity", "{a=b", None);
    check("userIdentity", "{a}", None);
    check("userIdentity", &"{a=".repeat(100), None);
}

#[test]
fn strings_are_json() {
    let text = "a\"b\\c\n\u{1}é";
    let mut out = String::new();
    string(&mut out, text);
    assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
}
