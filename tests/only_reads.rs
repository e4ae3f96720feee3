//! The program never writes to AWS: where a client may be named, and which operations may be called.

use std::collections::BTreeSet;

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

/// The doors without their blanks, by path.
fn doors() -> Vec<(String, String)> {
    let doors = files()
        .into_iter()
        .map(|(path, _, text)| (path.display().to_string(), text));
    let doors = doors.filter(|(path, _)| is_door(path));
    doors
        .map(|(path, text)| (path, text.split_whitespace().collect()))
        .collect()
}

/// What each request asks of its client, as the code has it from there on; or what stands before the request. Clients
/// are called `client`, so that this sees what is asked of them.
fn asked(code: &str) -> Vec<Result<&str, &str>> {
    let requests = code.match_indices(".send()").map(|(at, _)| &code[..at]);
    let asked = requests.map(|before| match before.rfind("client.") {
        Some(at) => Ok(&before[at + "client.".len()..]),
        None => Err(&before[before.len().saturating_sub(80)..]),
    });
    asked.collect()
}

#[test]
fn every_operation_only_reads() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (path, code) in doors() {
        for asked in asked(&code) {
            let is_read = |asked: &str| READS.iter().any(|read| asked.starts_with(read));
            match asked {
                Ok(asked) if is_read(asked) => seen += 1,
                Ok(other) | Err(other) => wrong.push(format!("{path}: {other}")),
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

/// `getobject` for `get_object(`: the SDK's names do not tell `Id` from `ID`.
fn operation(asked: &str) -> String {
    let name = asked.split('(').next().unwrap_or(asked);
    name.replace('_', "")
}

/// What `doctor` prints is what the program asks for and nothing else.
#[test]
fn the_printed_policy_holds_what_is_asked_for_and_nothing_else() {
    let code: Vec<(String, String)> = doors();
    let operations: BTreeSet<String> = code
        .iter()
        .flat_map(|(_, code)| asked(code))
        .flatten()
        .map(operation)
        .collect();
    let mut expected = BTreeSet::new();
    for operation in &operations {
        // As IAM calls it.
        let action = match operation.as_str() {
            "listobjectsv2" => Some("listbucket"),
            "headobject" => Some("getobject"),
            // Nobody can forbid it.
            "getcalleridentity" => None,
            same => Some(same),
        };
        expected.extend(action.map(str::to_owned));
    }
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_trimtrail"))
        .args([
            "doctor",
            "--offline",
            "--logs",
            "s3://trails",
            "lookup:eu-west-1",
            "--grants",
            "live",
        ])
        .args([
            "--org",
            "--assume-role-name",
            "audit",
            "--last-accessed",
            "--kms-key",
            "arn:aws:kms:eu-west-1:1:key/k",
        ])
        .output()
        .expect("the program");
    let text = String::from_utf8(output.stdout).expect("text");
    // `service:Name` in quotes; keys of conditions are the other words with a colon.
    let is_action = |(service, name): &(&str, &str)| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        service.bytes().all(plain) && name.starts_with(|c: char| c.is_ascii_uppercase())
    };
    let words = text.split('"').filter_map(|word| word.split_once(':'));
    let actions = words
        .filter(is_action)
        .filter(|word| !matches!(*word, ("aws", _) | ("kms", "ViaService")));
    let actions: Vec<(&str, &str)> = actions.collect();
    let readme = std::fs::read_to_string("README.md").expect("a file");
    for (service, name) in &actions {
        assert!(
            readme.contains(&format!("`{service}:{name}`")),
            "{service}:{name} is not in the README"
        );
    }
    let mut printed: BTreeSet<String> = actions.iter().map(|(_, name)| name.to_lowercase()).collect();
    // What others do for us: S3 decrypts with our permission, and the credentials of a role are the client's affair.
    for by_others in ["decrypt", "assumerole"] {
        assert!(printed.remove(by_others), "{by_others}");
    }
    assert_eq!(printed, expected);
}
