//! A ledger of which one file holds anything: it is read, or refused with an error.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use polars_core::prelude::{DataFrame, IntoColumn, NamedFrom, Series};
use polars_io::prelude::{ParquetReader, ParquetWriter, SerReader};
use sha2::{Digest, Sha256};
use trimtrail::inside::progress::Progress;
use trimtrail::inside::usage::Filter;
use trimtrail::inside::usage::ledger::{self, How, Lock};
use trimtrail::inside::{query, source};

/// What is called, by a role whose session was opened before, and by a user.
const LOG: &str = r#"{"Records":[
{"eventVersion":"1.08","eventTime":"2026-10-01T07:00:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"eu-west-1","eventID":"a","eventType":"AwsApiCall","recipientAccountId":"111122223333","userIdentity":{"type":"AWSService","invokedBy":"ec2.amazonaws.com"},"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/app","roleSessionName":"i-1"},"responseElements":{"credentials":{"accessKeyId":"ASIAEXAMPLE"},"assumedRoleUser":{"assumedRoleId":"AROAEXAMPLE:i-1","arn":"arn:aws:sts::111122223333:assumed-role/app/i-1"}}},
{"eventVersion":"1.08","eventTime":"2026-10-01T07:05:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","eventID":"b","eventType":"AwsApiCall","recipientAccountId":"111122223333","readOnly":true,"managementEvent":false,"userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-1","arn":"arn:aws:sts::111122223333:assumed-role/app/i-1","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/app","accountId":"111122223333","userName":"app"}}},"requestParameters":{"bucketName":"b","key":"k"},"resources":[{"ARN":"arn:aws:s3:::b/k"}]},
{"eventVersion":"1.08","eventTime":"2026-10-01T08:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","awsRegion":"eu-west-1","eventID":"c","eventType":"AwsApiCall","recipientAccountId":"111122223333","errorCode":"Client.UnauthorizedOperation","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/ana","accountId":"111122223333","userName":"ana","accessKeyId":"AKIAEXAMPLE"},"requestParameters":{"instancesSet":{"items":[{"imageId":"ami-1"}]}}}
]}"#;

/// The tables of an account and month, then of an account.
const TABLES: [&str; 4] = ["calls", "sessions", "objects", "signatures"];

/// A small ledger, and the folder in which copies of it are damaged.
struct Base {
    folder: PathBuf,
    index: String,
    /// Kind and name of each file under `data`.
    files: Vec<(&'static str, String)>,
}

/// One byte chooses what the rest is: a file as a whole, or cells of a table.
pub(crate) fn ledger(data: &[u8]) {
    static BASE: OnceLock<Mutex<Base>> = OnceLock::new();
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let base = BASE.get_or_init(|| Mutex::new(Base::new()));
    let base = base.lock().expect("one at a time");
    let dir = base.folder.join("damaged");
    let choice = usize::from(*choice) % 10;
    let changed = match choice {
        0 => None,
        1 => Some(("coverage", rest.to_vec())),
        2..6 => Some((TABLES[choice - 2], rest.to_vec())),
        _ => base
            .with_cells(TABLES[choice - 6], rest)
            .map(|bytes| (TABLES[choice - 6], bytes)),
    };
    let (index, written) = match &changed {
        Some((kind, bytes)) => base.replace(&dir, kind, bytes),
        None if choice == 0 => (rest.to_vec(), None),
        None => return,
    };
    fs::write(dir.join("ledger.json"), index).expect("a file");
    // What a library says before its panic is caught is no finding; one that is not caught still ends the process.
    std::panic::set_hook(Box::new(|_| {}));
    hold(&dir, &base.folder);
    let _ = std::panic::take_hook();
    if let Some(path) = written {
        fs::remove_file(path).expect("a file");
    }
}

/// Whatever the ledger holds, there is an answer, twice the same; and a table that is handed out is whole.
fn hold(dir: &Path, folder: &Path) {
    match ledger::read(dir, &Filter::default()) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(read) => {
            assert!(
                read.table
                    .rows
                    .iter()
                    .all(|row| row.signature < read.table.signatures.len()),
                "a row of no signature"
            );
            assert!(ledger::read(dir, &Filter::default()).is_ok_and(|again| again == read));
            query::over_ledger(&read.table, &read.coverage, "SELECT COUNT(*) FROM calls")
                .expect("tables of any ledger");
        }
    }
    let merged = folder.join("merged");
    if let Ok(lock) = Lock::take(&merged, "fuzzing", false) {
        let _ = ledger::merge(lock, &[dir.to_owned()], true);
    }
    let _ = fs::remove_dir_all(merged);
}

impl Base {
    fn new() -> Base {
        let folder = super::scratch("ledger");
        let logs = folder.join("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/01");
        fs::create_dir_all(&logs).expect("a folder");
        let log = logs.join("111122223333_CloudTrail_eu-west-1_20261001T0810Z_A.json");
        fs::write(&log, LOG).expect("a file");
        let dir = folder.join("damaged");
        let lock = Lock::take(&dir, "fuzzing", false).expect("a folder of our own");
        let sources = source::find(&[log.display().to_string()]).expect("the log");
        ledger::collect(lock, &sources, &How::default(), &Progress::silent()).expect("a ledger");
        let mut files = Vec::new();
        for entry in fs::read_dir(dir.join("data")).expect("files").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let kinds = TABLES.into_iter().chain(["coverage"]);
            let kind = kinds.into_iter().find(|kind| name.contains(kind)).expect("a kind");
            files.push((kind, name));
        }
        Base {
            index: fs::read_to_string(dir.join("ledger.json")).expect("an index"),
            files,
            folder,
        }
    }

    fn name(&self, kind: &str) -> &str {
        let file = self.files.iter().find(|(known, _)| *known == kind);
        &file.expect("every kind is there").1
    }

    /// Puts bytes in the place of a file, by a name that fits them: the index, and the file if it is a new one.
    fn replace(&self, dir: &Path, kind: &str, bytes: &[u8]) -> (Vec<u8>, Option<PathBuf>) {
        let (old, hash) = (self.name(kind), Sha256::digest(bytes));
        let hash: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let (stem, extension) = (
            old.rsplit_once('-').expect("a hash").0,
            old.rsplit_once('.').expect("an extension").1,
        );
        let new = format!("{stem}-{hash}.{extension}");
        let path = dir.join("data").join(&new);
        let is_new = !path.exists();
        fs::write(&path, bytes).expect("a file");
        (self.index.replace(old, &new).into_bytes(), is_new.then_some(path))
    }

    /// A table in which the last cells of some columns are others: lines of a column's number, as a byte, and a text.
    fn with_cells(&self, kind: &str, lines: &[u8]) -> Option<Vec<u8>> {
        let path = self.folder.join("damaged/data").join(self.name(kind));
        let mut frame: DataFrame = ParquetReader::new(fs::File::open(path).expect("a file"))
            .finish()
            .expect("a table");
        for line in lines.split(|byte| *byte == b'\n') {
            let (column, text) = line.split_first()?;
            let text = str::from_utf8(text).ok()?;
            let at = usize::from(*column) % frame.width();
            let column = frame.columns()[at].as_materialized_series().clone();
            let last = column.len().saturating_sub(1);
            let name = column.name().clone();
            let other = match column.u64() {
                Ok(numbers) => {
                    let mut cells: Vec<Option<u64>> = numbers.iter().collect();
                    *cells.get_mut(last)? = text.parse().ok();
                    Series::new(name, cells)
                }
                Err(_) => {
                    let mut cells: Vec<Option<&str>> = column.str().ok()?.iter().collect();
                    *cells.get_mut(last)? = (text != "null").then_some(text);
                    Series::new(name, cells)
                }
            };
            frame
                .replace_column(at, other.into_column())
                .expect("as long as before");
        }
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes).finish(&mut frame).expect("a file");
        Some(bytes)
    }
}
