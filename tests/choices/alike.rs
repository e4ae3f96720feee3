//! Roles that are just alike are asked about once.

use std::fs;

use serde_json::{Value, json};
use trimtrail::inside::rightsize::{Choice, Choices, Options};

use super::{Sample, document};
use crate::journey::{Folder, analyze, background, options, role, secret};

/// `app`, one just like it, one that trusts somebody else, and one of another owner.
fn alike() -> Value {
    let mut grants = role(&document());
    let app = grants["RoleDetailList"][0].clone();
    for name in ["twin", "stranger", "owned"] {
        let mut other = app.clone();
        other["Arn"] = json!(format!("arn:aws:iam::111122223333:role/{name}"));
        other["RoleName"] = json!(name);
        other["RoleId"] = json!(format!("AROA{}", name.to_uppercase()));
        if name == "stranger" {
            other["AssumeRolePolicyDocument"] = json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole"}]});
        }
        if name == "owned" {
            other["Tags"] = json!([{"Key": "owner", "Value": "payments"}]);
        }
        grants["RoleDetailList"].as_array_mut().expect("roles").push(other);
    }
    grants
}

#[test]
fn roles_that_are_just_alike_are_asked_about_once_and_dropped_by_name_alone() {
    let events = [background(), vec![secret()]].concat();
    let with = |grants: &Value, choices: Vec<Choice>| {
        let options = Options {
            choices: Choices(choices),
            ..options()
        };
        analyze(&events, grants, &options, 1)
    };
    let grants = alike();
    let report = with(&grants, Vec::new());
    let of_sns = report.questions.iter().filter(|one| one.service == "sns");
    let mut about: Vec<Vec<&str>> = of_sns
        .map(|one| {
            let all = [&one.principal].into_iter().chain(&one.also);
            let mut names: Vec<&str> = all.map(|arn| arn.rsplit('/').next().expect("a name")).collect();
            names.sort_unstable();
            names
        })
        .collect();
    about.sort();
    assert_eq!(about, [vec!["app", "twin"], vec!["owned"], vec!["stranger"]]);
    assert_eq!(report.totals.questions as usize, report.questions.len());

    // The answer holds for those who were named, and for none that is made like them later.
    let folder = Folder::new();
    fs::write(
        folder.0.join("result.json"),
        serde_json::to_string(&report).expect("JSON"),
    )
    .expect("a file");
    let sample = Sample { folder };
    let decided = sample.run(&["decide", "result.json", "-o", "choices.toml"]);
    assert!(decided.status.success(), "{decided:?}");
    let asked = fs::read_to_string(sample.folder.0.join("choices.toml")).expect("the questions");
    assert!(
        asked.contains("role/app and 1 just like it: 1 action of sns"),
        "{asked}"
    );
    let dropped = asked
        .replace("decision = \"\"", "decision = \"drop\"")
        .replace("who = \"\"", "who = \"Ana\"");
    let mut choices = Choices::parse(&dropped).expect("choices").0;
    choices.retain(|one| {
        one.service == "sns" && !one.principal.ends_with("/owned") && !one.principal.ends_with("/stranger")
    });
    assert_eq!(choices.len(), 2);
    let mut later = grants.clone();
    let mut made = later["RoleDetailList"][1].clone();
    made["Arn"] = json!("arn:aws:iam::111122223333:role/later");
    made["RoleName"] = json!("later");
    made["RoleId"] = json!("AROALATER");
    later["RoleDetailList"].as_array_mut().expect("roles").push(made);
    let report = with(&later, choices);
    let mut open: Vec<String> = Vec::new();
    for one in report.questions.iter().filter(|one| one.service == "sns") {
        open.push(one.principal.clone());
        open.extend(one.also.iter().cloned());
    }
    open.sort();
    let names: Vec<&str> = open.iter().map(|arn| arn.rsplit('/').next().expect("a name")).collect();
    assert_eq!(names, ["later", "owned", "stranger"]);
    // What one of them said is not asked again of the other.
    let told = report.choices.iter().filter(|one| one.stale.is_some()).count();
    assert_eq!(told, 0);
}
