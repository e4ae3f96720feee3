//! The program never writes to AWS: where a client may be named, and which operations may be called.

use super::map::files;

/// Files that may name the AWS SDK.
const DOORS: [&str; 4] = ["src/aws/", "src/source/s3/", "src/source/lookup", "src/grants/live"];

/// What operations begin with that change nothing. Assuming a role gives credentials; the two that generate start a job
/// that gathers what IAM knows already.
const READS: [&str; 8] = [
    "assume_role(",
    "describe_",
    "generate_credential_report(",
    "generate_service_last_accessed_details(",
    "get_",
    "head_",
    "list_",
    "lookup_",
];

fn is_door(path: &str) -> bool {
    DOORS.iter().any(|door| path.starts_with(door))
}

#[test]
fn only_the_doors_name_the_sdk() {
    let mut wrong = Vec::new();
    for (path, _, text) in files() {
        let path = path.display().to_string();
        let names = ["aws_sdk_", "aws_config", "aws_smithy", "tokio"]
            .iter()
            .any(|name| text.contains(name));
        if names && !is_door(&path) {
            wrong.push(path);
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Clients are called `client`, so that this test sees what is asked of them.
#[test]
fn every_operation_only_reads() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (path, _, text) in files() {
        let path = path.display().to_string();
        if !is_door(&path) {
            continue;
        }
        let code: String = text.split_whitespace().collect();
        for (at, _) in code.match_indices(".send()") {
            let before = &code[..at];
            let asked = before.rfind("client.").map(|at| &before[at + "client.".len()..]);
            let is_read = |asked: &str| READS.iter().any(|read| asked.starts_with(read));
            match asked {
                Some(asked) if is_read(asked) => seen += 1,
                Some(_) | None => wrong.push(format!("{path}: {}", &before[before.len().saturating_sub(80)..])),
            }
        }
        for verb in [
            "put_", "create_", "delete_", "update_", "attach_", "detach_", "add_", "remove_", "tag_", "untag_",
            "restore_", "copy_", "upload_",
        ] {
            if code.contains(&format!("client.{verb}")) {
                wrong.push(format!("{path}: client.{verb}…"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(seen >= 3, "{seen} operations found");
}
