//! An archive in S3 says the same as on disk; whatever goes wrong is a sentence or a line in the coverage.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::bucket::{Bucket, Oddity};
use super::proxy::{Fault, before};
use super::{stderr, stdout, trimtrail};

fn sample() -> Bucket {
    Bucket::of(Path::new("sample-logs"))
}

/// What `coverage` says of `s3://trails/PLACE`.
fn coverage(address: SocketAddr, place: &str, more: &[&str]) -> Output {
    trimtrail(address)
        .args(["coverage", "--logs", &format!("s3://trails/{place}"), "--patience", "1"])
        .args(more)
        .output()
        .expect("the program")
}

/// What `coverage` says of the same on disk.
fn on_disk(more: &[&str]) -> String {
    let output = trimtrail(([127, 0, 0, 1], 9).into())
        .args(["coverage", "--logs", "sample-logs/AWSLogs"])
        .args(more)
        .output()
        .expect("the program");
    stdout(&output)
}

/// What was said beside the line of the sample's torn file.
fn beside_losses(output: &Output) -> String {
    let said = stderr(output);
    said.lines().filter(|line| !line.contains("not read whole")).collect()
}

#[track_caller]
fn check_same(output: &Output, more: &[&str]) {
    assert_eq!(beside_losses(output), "");
    assert_eq!(
        stdout(output).replace("s3://trails/AWSLogs", "sample-logs/AWSLogs"),
        on_disk(more)
    );
}

#[track_caller]
fn check_fails(output: &Output, with: &str) {
    assert!(stderr(output).contains(with), "{}", stderr(output));
    assert_eq!(output.status.code(), Some(1));
}

/// The object or folder is skipped with this reason, and nothing else that would not be on disk.
#[track_caller]
fn check_skipped(output: &Output, key: &str, why: &str) {
    let text = stdout(output);
    let skipped = |text: &str| {
        text.split_once("\nSkipped\n")
            .map_or(0, |(_, lines)| lines.lines().count())
    };
    let line = text
        .lines()
        .find(|line| line.contains(key))
        .unwrap_or_else(|| panic!("{key} is not in\n{text}"));
    assert!(line.contains(why), "{line}");
    assert!(skipped(&text) <= skipped(&on_disk(&[])) + 1, "{text}");
    assert_eq!(output.status.code(), Some(0));
}

fn a_key(bucket: &Bucket) -> String {
    bucket
        .objects
        .keys()
        .filter(|key| key.contains("/CloudTrail/"))
        .nth(5)
        .expect("six objects")
        .clone()
}

#[test]
fn the_same_as_on_disk() {
    let (_, address) = sample().serve();
    check_same(&coverage(address, "AWSLogs", &[]), &[]);
    check_same(&coverage(address, "AWSLogs/", &[]), &[]);
}

#[test]
fn the_same_in_pages_of_three_and_in_little_memory() {
    let (_, address) = Bucket { page: 3, ..sample() }.serve();
    check_same(
        &coverage(address, "AWSLogs", &["--fetch-ahead", "4KiB", "--in-flight", "3"]),
        &[],
    );
}

#[test]
fn analyze_says_the_same_as_on_disk() {
    let (_, address) = sample().serve();
    let analyze = |logs: &str| {
        let output = trimtrail(address)
            .args([
                "analyze",
                "--logs",
                logs,
                "--grants",
                "sample-logs/grants",
                "--format",
                "json",
            ])
            .output()
            .expect("the program");
        let text = stdout(&output).replace("s3://trails/", "sample-logs/");
        assert!(text.contains("\"suggestions\""), "{}", stderr(&output));
        text
    };
    assert_eq!(analyze("s3://trails/AWSLogs"), analyze("sample-logs/AWSLogs"));
}

#[test]
fn what_is_not_wanted_is_never_listed() {
    let (bucket, address) = sample().serve();
    let key = a_key(&bucket);
    let parts: Vec<&str> = key.split('/').collect();
    let [_, account, _, region, year, month, day, _] = parts[..] else {
        panic!("{key}")
    };
    let next = format!("{year}-{month}-{:02}", day.parse::<u32>().expect("a day") + 1);
    let since = format!("{year}-{month}-{day}");
    let filter = [
        "--account",
        account,
        "--region",
        region,
        "--since",
        &since,
        "--until",
        &next,
    ];
    let used = |text: &str| {
        text.split_once("records: ")
            .and_then(|(_, rest)| rest.split_once(" used"))
            .map(|(used, _)| used.to_owned())
    };
    let output = stdout(&coverage(address, "AWSLogs/", &filter));
    assert_eq!(used(&output), used(&on_disk(&filter)));
    assert_ne!(used(&output), None);
    for (prefix, _) in bucket.listings.lock().unwrap().iter() {
        let wanted = prefix
            .split('/')
            .skip(1)
            .zip([account, "CloudTrail", region, year, month]);
        for (asked, wanted) in wanted {
            assert!(asked.is_empty() || asked.starts_with(wanted), "{prefix} was listed");
        }
    }
    let days = bucket
        .gets
        .lock()
        .unwrap()
        .iter()
        .map(|key| key.split('/').nth(6).unwrap().to_owned())
        .collect::<std::collections::BTreeSet<_>>();
    assert!((1..=4).contains(&days.len()), "{days:?}");
}

#[test]
fn a_prefix_may_be_part_of_a_name_or_one_object() {
    let (bucket, address) = sample().serve();
    let key = a_key(&bucket);
    let output = coverage(address, &key, &[]);
    assert!(stdout(&output).starts_with("1 files"), "{}", stdout(&output));
    let output = coverage(address, "AWSLogs/1111", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!stdout(&output).contains("444455556666 "));
}

#[test]
fn a_bucket_in_another_region_is_found_there() {
    let region = Some("eu-central-1");
    let (_, address) = Bucket { region, ..sample() }.serve();
    check_same(&coverage(address, "AWSLogs", &[]), &[]);
}

#[test]
fn whoever_pays_may_read() {
    let requester_pays = true;
    let (_, address) = Bucket {
        requester_pays,
        ..sample()
    }
    .serve();
    check_fails(&coverage(address, "AWSLogs", &[]), "access denied");
    check_same(&coverage(address, "AWSLogs", &["--request-payer"]), &[]);
}

#[test]
fn no_such_bucket_is_a_sentence() {
    let (_, address) = sample().serve();
    let output = trimtrail(address)
        .args(["coverage", "--logs", "s3://elsewhere/AWSLogs"])
        .output()
        .expect("the program");
    check_fails(&output, "NoSuchBucket");
}

#[test]
fn an_object_that_cannot_be_had_is_skipped() {
    let cases = [
        (403, "AccessDenied", "kms:Decrypt"),
        (403, "InvalidObjectState", "archived"),
        (404, "NoSuchKey", "deleted after it was listed"),
        (412, "PreconditionFailed", "changed after it was listed"),
        (400, "ExpiredToken", "expired"),
    ];
    for (status, code, why) in cases {
        let bucket = sample();
        let key = a_key(&bucket);
        bucket
            .oddities
            .lock()
            .unwrap()
            .insert(key.clone(), Oddity::Refuses(status, code));
        let (_, address) = bucket.serve();
        check_skipped(&coverage(address, "AWSLogs", &[]), &key, why);
    }
}

#[test]
fn an_object_that_was_deleted_meanwhile_is_skipped() {
    let mut bucket = sample();
    let ghost = a_key(&bucket).replace(".json.gz", "-gone.json.gz");
    bucket.ghosts.insert(ghost.clone());
    let (_, address) = bucket.serve();
    check_skipped(
        &coverage(address, "AWSLogs", &[]),
        &ghost,
        "deleted after it was listed",
    );
}

#[test]
fn a_folder_that_cannot_be_listed_is_skipped() {
    let bucket = sample();
    let folder = "AWSLogs/444455556666/";
    let refusal = Oddity::Refuses(403, "AccessDenied");
    bucket.oddities.lock().unwrap().insert(folder.to_owned(), refusal);
    let (_, address) = bucket.serve();
    check_skipped(
        &coverage(address, "AWSLogs/", &[]),
        folder,
        "cannot be listed whole: access denied",
    );
}

/// The holes of an account that `coverage` tells.
fn holes(address: SocketAddr, account: &str) -> Vec<String> {
    let output = coverage(address, "AWSLogs/", &["--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let streams = report["streams"].as_array().expect("a list").iter();
    let of_account = streams.filter(|stream| stream["account"] == account);
    let holes = of_account.flat_map(|stream| stream["holes"].as_array().expect("a list"));
    holes
        .map(|hole| hole["why"].as_str().expect("a text").to_owned())
        .collect()
}

#[test]
fn an_object_or_folder_that_cannot_be_had_is_a_hole() {
    let shop = "111122223333";
    assert_eq!(holes(sample().serve().1, shop), [""; 0]);
    let key = a_key(&sample());
    let mut ghost = sample();
    ghost.ghosts.insert(key.replace(".json.gz", "-gone.json.gz"));
    let refused = |key: &str| {
        let bucket = sample();
        let refusal = Oddity::Refuses(403, "AccessDenied");
        bucket.oddities.lock().unwrap().insert(key.to_owned(), refusal);
        bucket
    };
    let mut torn = sample();
    torn.objects.get_mut(&key).expect("an object").truncate(40);
    let (lake, folder) = ("444455556666", "AWSLogs/444455556666/");
    for (bucket, account) in [
        (ghost, shop),
        (refused(&key), shop),
        (torn, shop),
        (refused(folder), lake),
    ] {
        let holes = holes(bucket.serve().1, account);
        assert_eq!(holes.len(), 1, "{holes:?}");
        assert!(holes[0].contains("not read whole"), "{holes:?}");
    }
}

/// A listing that stops in the middle is not the whole folder: what it would have named may hold the one call that keeps
/// an action.
#[test]
fn a_listing_that_stops_in_the_middle_is_said() {
    let folder = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/";
    for (oddity, why) in [
        (Oddity::Tears, "it breaks off in the middle"),
        (Oddity::LosesToken, "not where it goes on"),
        (Oddity::RepeatsToken, "the same page again and again"),
        (Oddity::Miscounts, "and says that they are"),
    ] {
        let bucket = sample();
        // The whole month at once, and then each of its folders.
        let days = (1..=15).map(|day| format!("{folder}{day:02}/"));
        let folders = days.chain([
            folder.to_owned(),
            folder.replace("10/", ""),
            folder.replace("2026/10/", ""),
        ]);
        let odd = folders.map(|folder| (folder, oddity.clone())).collect();
        *bucket.oddities.lock().unwrap() = odd;
        let output = coverage(bucket.serve().1, "AWSLogs", &[]);
        let (text, errors) = (stdout(&output), stderr(&output));
        assert!(text.contains(why) || errors.contains(why), "{text}{errors}");
    }
}

/// XML cannot hold every character that a key may: keys are asked for in URL encoding.
#[test]
fn a_key_with_characters_that_xml_lacks_hides_no_others() {
    let mut bucket = sample();
    let day = a_key(&bucket).rsplit_once('/').expect("a folder").0.to_owned();
    let odd = format!("{day}/a b+c%20\u{1}&<.json.gz");
    let bytes = bucket.objects.remove(&a_key(&bucket)).expect("an object");
    bucket.objects.insert(odd.clone(), bytes);
    let (bucket, address) = bucket.serve();
    let output = coverage(address, "AWSLogs", &[]);
    assert_eq!(beside_losses(&output), "");
    assert!(bucket.listings.lock().unwrap().len() > 1);
    let files = |text: &str| text.lines().find(|line| line.contains("files")).map(str::to_owned);
    assert_eq!(files(&stdout(&output)), files(&on_disk(&[])));
}

#[test]
fn too_many_requests_pass() {
    let bucket = sample();
    let key = a_key(&bucket);
    bucket.oddities.lock().unwrap().insert(key, Oddity::SlowDown(5));
    bucket
        .oddities
        .lock()
        .unwrap()
        .insert("AWSLogs/111122223333/".to_owned(), Oddity::SlowDown(4));
    let (_, address) = bucket.serve();
    check_same(&coverage(address, "AWSLogs/", &[]), &[]);
}

#[test]
fn a_large_object_comes_in_pieces() {
    // Stored, not deflated, so that the object is larger than a piece.
    let record = |index: usize| {
        format!(
            r#"{{"eventVersion":"1.09","eventTime":"2026-10-01T00:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"DescribeVpcs","awsRegion":"eu-west-1","eventID":"{index}","recipientAccountId":"111122223333","eventType":"AwsApiCall","requestParameters":{{"x":"{}"}},"userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/x","principalId":"AIDAX","accountId":"111122223333"}}}}"#,
            "x".repeat(2000)
        )
    };
    let records: Vec<String> = (0..20_000).map(record).collect();
    let mut bucket = Bucket {
        page: 1000,
        ..Bucket::default()
    };
    let text = format!("{{\"Records\":[{}]}}", records.join(","));
    assert!(text.len() > 33 << 20);
    bucket.objects.insert("large.json".to_owned(), text.into_bytes());
    let (bucket, address) = bucket.serve();
    let through = before(address, |connection| {
        if connection == 1 {
            Fault::Cut(40 << 20)
        } else {
            Fault::None
        }
    });
    let output = coverage(through, "large.json", &[]);
    assert!(
        stdout(&output).starts_with("1 files, 20000 records: 20000 used"),
        "{}",
        stdout(&output)
    );
    assert!(bucket.gets.lock().unwrap().len() >= 2);
}

/// Whoever stops reading our output stops our requests: what is held is bounded, however much lies ahead.
#[test]
fn a_reader_that_waits_holds_back_requests() {
    const OBJECTS: usize = 150;
    let mut bucket = Bucket {
        page: 1000,
        ..Bucket::default()
    };
    let record = |id: String| {
        format!(
            r#"{{"eventVersion":"1.09","eventTime":"2026-10-01T00:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"DescribeVpcs","awsRegion":"eu-west-1","eventID":"{id}","recipientAccountId":"111122223333","eventType":"AwsApiCall","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/x","principalId":"AIDAX","accountId":"111122223333"}}}}"#
        )
    };
    for object in 0..OBJECTS {
        let records: Vec<String> = (0..100)
            .map(|index| record(format!("{object:03}-{index:03}")))
            .collect();
        let text = format!("{{\"Records\":[{}]}}", records.join(","));
        bucket.objects.insert(format!("{object:03}.json"), text.into_bytes());
    }
    let size = bucket.objects["000.json"].len();
    let (bucket, address) = bucket.serve();
    let mut child = trimtrail(address)
        .args(["resolve", "--logs", "s3://trails/", "--in-flight", "64"])
        .args(["--fetch-ahead", &(5 * size).to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    // Everything is read once for who opened which session, and once more to be written.
    let gets = || bucket.gets.lock().unwrap().len();
    let (mut last, mut quiet) = (0, 0);
    while quiet < 10 || last <= OBJECTS {
        std::thread::sleep(Duration::from_millis(50));
        let now = gets();
        quiet = if now == last { quiet + 1 } else { 0 };
        last = now;
    }
    // Some five objects fill the pipe and what is buffered before it, five are held, one is being read.
    assert!(last <= OBJECTS + 20, "{} objects were asked for ahead", last - OBJECTS);
    let output = child.stdout.take().expect("a pipe");
    let lines = std::io::BufRead::lines(std::io::BufReader::new(output)).count();
    assert_eq!((lines, gets()), (100 * OBJECTS, 2 * OBJECTS));
    assert!(child.wait().expect("a child").success());
}

#[test]
fn broken_connections_lose_nothing() {
    let faults: [fn(usize) -> Fault; 5] = [
        |connection| if connection % 3 == 1 { Fault::Reset } else { Fault::None },
        |connection| {
            if connection % 3 == 1 {
                Fault::Cut(3000)
            } else {
                Fault::None
            }
        },
        |connection| {
            if connection % 2 == 1 {
                Fault::Delay(Duration::from_millis(30))
            } else {
                Fault::None
            }
        },
        |connection| {
            if connection % 2 == 1 {
                Fault::Throttle(400)
            } else {
                Fault::None
            }
        },
        |connection| if connection == 4 { Fault::BlackHole } else { Fault::None },
    ];
    for plan in faults {
        let (_, address) = sample().serve();
        check_same(&coverage(before(address, plan), "AWSLogs", &["--in-flight", "8"]), &[]);
    }
}

#[test]
fn what_no_trail_could_have_written_is_not_fetched_unless_it_is_named() {
    let mut bucket = sample();
    for number in 0..30 {
        bucket
            .objects
            .insert(format!("AWSLogs/notes/{number}.txt"), b"[]".to_vec());
    }
    let (bucket, address) = bucket.serve();
    let output = coverage(address, "AWSLogs", &[]);
    let why = "not fetched, for no trail writes such names, nor were 29 others like it; name an object to read it";
    check_skipped(&output, "s3://trails/AWSLogs/notes/0.txt", why);
    assert!(!bucket.gets.lock().unwrap().iter().any(|key| key.ends_with(".txt")));
    let _ = coverage(address, "AWSLogs/notes/7.txt", &[]);
    assert!(
        bucket
            .gets
            .lock()
            .unwrap()
            .iter()
            .any(|key| key == "AWSLogs/notes/7.txt")
    );
}

#[test]
fn what_was_listed_is_counted_where_more_is_asked_for() {
    let bucket = sample();
    let files = bucket.objects.keys().filter(|key| key.starts_with("AWSLogs/")).count();
    let (_, address) = Bucket { page: 7, ..bucket }.serve();
    let said = stderr(&coverage(address, "AWSLogs", &["-v"]));
    assert!(
        said.contains(&format!("{files} files listed in s3://trails/AWSLogs, ")),
        "{said}"
    );
}

#[test]
fn an_object_that_trickles_is_given_up() {
    let bucket = sample();
    let key = a_key(&bucket);
    assert!(bucket.objects[&key].len() > 300);
    let oddity = Oddity::Drips(Duration::from_millis(100));
    bucket.oddities.lock().unwrap().insert(key.clone(), oddity);
    let (_, address) = bucket.serve();
    let begun = Instant::now();
    check_skipped(&coverage(address, "AWSLogs", &[]), &key, "the transfer trickled");
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
}

#[test]
fn no_network_is_a_sentence_and_soon() {
    let (_, address) = sample().serve();
    for fault in [Fault::Reset, Fault::BlackHole] {
        let begun = Instant::now();
        let output = coverage(before(address, move |_| fault), "AWSLogs", &[]);
        check_fails(&output, "s3://trails/AWSLogs");
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    }
}

#[test]
fn a_network_that_goes_away_ends_the_run() {
    let (_, address) = sample().serve();
    let proxy = before(address, |connection| {
        if connection == 0 {
            Fault::Cut(20_000)
        } else {
            Fault::Reset
        }
    });
    let output = coverage(proxy, "AWSLogs", &["--in-flight", "4"]);
    let text = format!("{}{}", stdout(&output), stderr(&output));
    assert!(text.contains("cannot be"), "{text}");
}

#[test]
fn without_credentials_a_sentence_says_so() {
    let (_, address) = sample().serve();
    let output = trimtrail(address)
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .args(["coverage", "--logs", "s3://trails/AWSLogs"])
        .output()
        .expect("the program");
    check_fails(&output, "no AWS credentials");
    assert!(stderr(&output).contains("help: give --profile"), "{}", stderr(&output));
}

#[test]
fn a_clock_that_is_wrong_is_a_sentence() {
    let bucket = sample();
    let refusal = || Oddity::Refuses(403, "RequestTimeTooSkewed");
    for listed in ["AWSLogs", "AWSLogs/"] {
        bucket.oddities.lock().unwrap().insert(listed.to_owned(), refusal());
    }
    let (_, address) = bucket.serve();
    check_fails(&coverage(address, "AWSLogs", &[]), "this machine's clock is wrong");
}

#[test]
fn a_session_that_has_run_out_is_a_sentence() {
    let home = std::env::temp_dir().join(format!("trimtrail-sso-{}", std::process::id()));
    std::fs::create_dir_all(home.join(".aws/sso/cache")).expect("a folder");
    let config = "[default]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = r\nregion = us-east-1\n\
                  [sso-session s]\nsso_region = us-east-1\nsso_start_url = https://example.com/start\n";
    std::fs::write(home.join(".aws/config"), config).expect("a file");
    // The cache's name is the SHA-1 of the session's name.
    let token = r#"{"accessToken":"x","expiresAt":"2020-01-01T00:00:00Z","startUrl":"https://example.com/start","region":"us-east-1"}"#;
    std::fs::write(
        home.join(".aws/sso/cache/a0f1490a20d0211c997b44bc357e1972deab8ae3.json"),
        token,
    )
    .expect("a file");
    let (_, address) = sample().serve();
    let output = trimtrail(address)
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env("HOME", &home)
        .args(["coverage", "--logs", "s3://trails/AWSLogs"])
        .output()
        .expect("the program");
    let _ = std::fs::remove_dir_all(&home);
    check_fails(&output, "expired");
    assert!(stderr(&output).contains("aws sso login"), "{}", stderr(&output));
}

/// The signed archive, its one signature beside the newest digest taken off or put where S3 has it.
fn signed(with_metadata: bool) -> (Bucket, String) {
    let mut bucket = Bucket::of(Path::new("tests/digests"));
    let beside = bucket
        .objects
        .keys()
        .find(|key| key.ends_with(".sig"))
        .expect("a signature")
        .clone();
    let head: serde_json::Value =
        serde_json::from_slice(&bucket.objects.remove(&beside).expect("it is there")).expect("JSON");
    let signature = head["Metadata"]["signature"].as_str().expect("a signature").to_owned();
    let newest = beside.trim_end_matches(".sig").to_owned();
    if with_metadata {
        bucket.signatures.insert(newest.clone(), signature);
    }
    (bucket, newest)
}

#[test]
fn a_digest_in_s3_carries_its_signature() {
    let validate = [
        "--validate",
        "--public-keys",
        "tests/digests/public-keys.json",
        "--format",
        "json",
    ];
    let (bucket, newest) = signed(true);
    let (bucket, address) = bucket.serve();
    let output = coverage(address, "AWSLogs", &validate);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let answer: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let integrity = &answer["integrity"];
    assert_eq!(
        (&integrity["digests_proved"], &integrity["log_files_proved"]),
        (&4.into(), &5.into())
    );
    assert_eq!(integrity["wrong"], serde_json::json!([]));
    // Those before the newest stand in the digests that follow them.
    assert_eq!(*bucket.heads.lock().unwrap(), std::slice::from_ref(&newest));

    let (bucket, _) = signed(false);
    let (_, address) = bucket.serve();
    let output = coverage(address, "AWSLogs", &validate);
    assert_eq!(output.status.code(), Some(10), "{}", stderr(&output));
    let answer: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let open = &answer["integrity"]["not_proved"];
    assert_eq!(open[0]["why"], "unsigned: signature not given", "{open}");

    let (mut bucket, newest) = signed(true);
    bucket.signatures.insert(newest, "00ff".repeat(128));
    let (_, address) = bucket.serve();
    let said = stdout(&coverage(address, "AWSLogs", &validate));
    assert!(said.contains("the signature does not fit"), "{said}");
}

#[test]
fn as_many_objects_are_on_their_way_as_may_be() {
    let (bucket, address) = Bucket { gate: 24, ..sample() }.serve();
    let output = trimtrail(address)
        .args(["coverage", "--logs", "s3://trails/AWSLogs", "--in-flight", "24"])
        .output()
        .expect("the program");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(bucket.most_at_once.load(Ordering::Relaxed), 24);
}
