//! Calls that name nobody: anybody of their account may have made them, so nobody's grants of them go.

use serde_json::{Value, json};

use super::{DAY, Folder, analyze, event, gzip, key, whole};

/// An archive in which somebody made a topic, of whom the event says no more than `identity`.
fn archive(name: &str, change: impl Fn(&mut Value)) -> Folder {
    let folder = whole();
    let mut call = event(DAY, 40, "sns", name, false);
    change(&mut call);
    folder.write(&key(DAY, 3), &gzip(&[call]));
    folder
}

#[test]
fn a_call_that_names_nobody_keeps_its_action_for_everybody_of_its_account() {
    let unknown = json!({"type": "Unknown"});
    for (identity, goes) in [
        (json!(null), false),
        (json!({}), false),
        (unknown.clone(), false),
        (json!({"type": "IAMUser", "accountId": "111122223333"}), false),
        (json!({"type": "AssumedRole", "principalId": "AROAAPP:s"}), false),
        (json!({"type": "AWSService", "invokedBy": "sns.amazonaws.com"}), true),
    ] {
        let folder = archive("CreateTopic", |call| call["userIdentity"] = identity.clone());
        let answer = analyze(&folder, &[]);
        assert_eq!(answer.ready.len(), usize::from(goes), "{identity}: {}", answer.said);
        let aggressive = analyze(&folder, &["--evidence", "aggressive"]);
        assert_eq!(
            aggressive.ready.contains(&"sns:CreateTopic".to_owned()),
            goes,
            "{identity}"
        );
    }
    let kept = |change: &dyn Fn(&mut Value)| {
        let folder = archive("CreateTopic", |call| {
            call["userIdentity"] = unknown.clone();
            change(call);
        });
        analyze(&folder, &[]).ready.is_empty()
    };
    assert!(kept(&|call| call["errorCode"] = json!("InvalidParameter")));
    assert!(!kept(&|call| call["errorCode"] = json!("AccessDenied")));
    assert!(!kept(&|call| call["recipientAccountId"] = json!("444455556666")));
    assert!(!kept(&|call| call["eventName"] = json!("ListTopics")));
    // An operation that the catalog does not know may be any action of its service.
    assert!(kept(&|call| call["eventName"] = json!("PolishTopic")));
}

#[cfg(feature = "polars")]
#[test]
fn a_ledger_remembers_calls_that_name_nobody() {
    let folder = archive("CreateTopic", |call| call["userIdentity"] = json!(null));
    let ledger = folder.at("ledger");
    let collected = super::trimtrail(&["-q", "collect", "--logs", &folder.at("logs"), "--ledger", &ledger]);
    assert!(collected.status.success());
    assert_eq!(analyze(&folder, &["--ledger", &ledger]).ready, [""; 0]);
}
