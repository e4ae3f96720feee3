//! What an interrupted run leaves, and what the next one takes of it.

use super::*;

fn answer(arn: &str, asked: &str) -> Value {
    serde_json::json!({"Arn": arn, "JobStatus": "COMPLETED", "JobCreationDate": asked, "ServicesLastAccessed": []})
}

#[test]
fn an_interrupted_run_goes_on_where_it_stopped() {
    let output = std::env::temp_dir().join(format!("trimtrail-unfinished-{}.json", std::process::id()));
    let now: Timestamp = "2026-10-05T12:00:00Z".parse().expect("a moment");
    let mut first = Unfinished::beside(&output, now).expect("nothing is there");
    assert!(first.known().is_empty());
    first.add(&answer("arn:aws:iam::111122223333:role/a", "2026-10-05T11:00:00Z"));
    first.add(&answer("arn:aws:iam::111122223333:role/old", "2026-10-03T11:00:00Z"));
    let path = first.path.clone();
    drop(first);
    let torn = fs::read_to_string(&path).expect("a file") + "{\"Arn\": \"arn:aws:iam::1111";
    fs::write(&path, torn).expect("a file");

    let mut second = Unfinished::beside(&output, now).expect("a file");
    let arns: Vec<String> = second.known().into_keys().collect();
    assert_eq!(arns, ["arn:aws:iam::111122223333:role/a"]);
    second.add(&answer("arn:aws:iam::111122223333:role/b", "2026-10-05T12:00:00Z"));
    let mut third = Unfinished::beside(&output, now).expect("a file");
    assert_eq!(third.known().len(), 2);
    third.done();
    assert!(!path.exists());
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_written_through() {
    let folder = std::env::temp_dir().join(format!("trimtrail-unfinished-link-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    std::os::unix::fs::symlink(folder.join("elsewhere"), folder.join("grants.json.last-accessed")).expect("a link");
    let now: Timestamp = "2026-10-05T12:00:00Z".parse().expect("a moment");
    assert!(Unfinished::beside(&folder.join("grants.json"), now).is_err());
    let _ = fs::remove_dir_all(&folder);
}
