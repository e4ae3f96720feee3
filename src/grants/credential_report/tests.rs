//! The report in both forms.

use super::*;

const CSV: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated
<root_account>,arn:aws:iam::111122223333:root,2020-01-01T00:00:00+00:00,not_supported,no_information,not_supported,not_supported,false,true,2020-01-02T00:00:00+00:00,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A
maria,arn:aws:iam::111122223333:user/maria,2021-01-01T00:00:00+00:00,true,2026-10-01T08:00:00+00:00,2021-01-01T00:00:00+00:00,N/A,true,true,2021-03-01T00:00:00+00:00,2026-10-03T10:15:00+00:00,eu-west-1,s3,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A
";

#[test]
fn a_line_tells_of_password_factor_and_keys() {
    let report = read(CSV).expect("a report");
    let maria = &report["arn:aws:iam::111122223333:user/maria"];
    let expected = Credentials {
        is_root: false,
        password: true,
        password_last_used: "2026-10-01T08:00:00Z".parse().ok(),
        mfa: true,
        keys: vec![AccessKey {
            number: 1,
            active: true,
            rotated: "2021-03-01T00:00:00Z".parse().ok(),
            last_used: "2026-10-03T10:15:00Z".parse().ok(),
            last_service: Some("s3".to_owned()),
        }],
        generated: None,
        unreadable: false,
    };
    assert_eq!(*maria, expected);
    let root = &report["arn:aws:iam::111122223333:root"];
    assert!(root.is_root && !root.password && !root.mfa);
    assert_eq!(root.keys.len(), 1);
    assert_eq!(root.keys[0].last_used, None);
}

#[test]
fn the_commands_own_output_holds_it_in_base64() {
    // printf '%s' 'user,arn…' | base64
    let text = "{\"Content\": \"dXNlcixhcm4KeCxhcm46YXdzOmlhbTo6MTExMTIyMjIzMzMzOnVzZXIveAo=\", \"ReportFormat\": \"text/csv\"}";
    let report = read(text).expect("a report");
    assert_eq!(report.keys().collect::<Vec<_>>(), ["arn:aws:iam::111122223333:user/x"]);
    assert_eq!(report["arn:aws:iam::111122223333:user/x"].generated, None);
    let dated = text.replace(
        "\"ReportFormat\"",
        "\"GeneratedTime\": \"2025-03-01T00:00:00+00:00\", \"ReportFormat\"",
    );
    let generated = read(&dated).expect("a report")["arn:aws:iam::111122223333:user/x"].generated;
    assert_eq!(generated, "2025-03-01T00:00:00Z".parse().ok());
}

#[test]
fn a_date_that_cannot_be_read_is_told_and_never_taken_for_none() {
    let unreadable = |date: &str| {
        let text = format!(
            "user,arn,access_key_1_active,access_key_1_last_used_date\nx,arn:aws:iam::111122223333:user/x,true,{date}\n"
        );
        read(&text).expect("a report")["arn:aws:iam::111122223333:user/x"].unreadable
    };
    for date in [
        "",
        "N/A",
        "no_information",
        "not_supported",
        "2026-10-03T10:15:00+00:00",
    ] {
        assert!(!unreadable(date), "{date}");
    }
    for date in ["garbage", "03/10/2026", "2026-10-03"] {
        assert!(unreadable(date), "{date}");
    }
}

#[test]
fn a_report_may_know_nobody() {
    assert_eq!(read("user,arn\n"), Ok(BTreeMap::new()));
}

#[test]
fn what_is_no_report_is_refused() {
    for text in ["", "a,b\n1,2\n", "{}", "{\"Content\": \"%\"}"] {
        assert!(read(text).is_err(), "{text}");
    }
}
