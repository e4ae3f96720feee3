//! An archive with digest files of which one file holds anything: no change goes unnoticed, nothing else is proved.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use trimtrail::inside::integrity::{self, Evidence, Integrity, PublicKeys, Signatures};
use trimtrail::inside::progress::Progress;
use trimtrail::inside::source;

/// A copy of the signed archive in `tests/digests`.
struct Archive {
    folder: PathBuf,
    /// Digests, logs and signatures in the order of their names, and what they hold.
    files: Vec<(PathBuf, Vec<u8>)>,
    keys: String,
    /// What the archive is without a change.
    whole: Integrity,
}

/// One byte chooses which file the rest takes the place of; the last two choices are public keys and signatures.
pub(crate) fn digests(data: &[u8]) {
    static ARCHIVE: OnceLock<Mutex<Archive>> = OnceLock::new();
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let archive = ARCHIVE.get_or_init(|| Mutex::new(Archive::new()));
    let archive = archive.lock().expect("one at a time");
    let choice = usize::from(*choice) % (archive.files.len() + 2);
    let Some((path, original)) = archive.files.get(choice) else {
        let text = String::from_utf8_lossy(rest);
        let (mut keys, mut signatures) = (PublicKeys::default(), Signatures::default());
        if choice == archive.files.len() {
            let _ = keys.add(&text);
        } else {
            keys.add(&archive.keys).expect("the keys");
            signatures = Signatures::parse(&text).unwrap_or_default();
        }
        let integrity = archive.validate(Some(keys), signatures);
        assert!(
            integrity.digests_proved <= archive.whole.digests_proved,
            "proved by what is no key"
        );
        return;
    };
    fs::write(path, rest).expect("a file");
    let mut keys = PublicKeys::default();
    keys.add(&archive.keys).expect("the keys");
    let integrity = archive.validate(Some(keys), Signatures::default());
    fs::write(path, original).expect("a file");
    assert!(integrity.digests_proved <= integrity.digests && integrity.intact_proved <= integrity.intact);
    let is_signature = path.extension().is_some_and(|extension| extension == "sig");
    if inflated(rest) != inflated(original) && !is_signature {
        let proved = |integrity: &Integrity| (integrity.digests_proved, integrity.intact_proved);
        let noticed = !integrity.wrong.is_empty() || proved(&integrity) < proved(&archive.whole);
        assert!(noticed, "{} changed, and nothing is said", path.display());
        assert!(proved(&integrity) <= proved(&archive.whole), "a change proves more");
    }
}

/// What a file holds, compressed or not, up to where it is damaged.
fn inflated(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let read = std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(bytes), &mut text);
    if read.is_err() && text.is_empty() {
        return bytes.to_vec();
    }
    text
}

impl Archive {
    fn new() -> Archive {
        // The tests run in the package's folder, the fuzzer in its own.
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let from = ["tests/digests", "../digests"].map(|at| root.join(at));
        let from = from.into_iter().find(|at| at.is_dir()).expect("the signed archive");
        let folder = super::scratch("digests");
        let mut files = Vec::new();
        copy(&from.join("AWSLogs"), &folder.join("AWSLogs"), &mut files);
        files.sort();
        let mut archive = Archive {
            folder,
            files,
            keys: fs::read_to_string(from.join("public-keys.json")).expect("the keys"),
            whole: Integrity::default(),
        };
        let mut keys = PublicKeys::default();
        keys.add(&archive.keys).expect("the keys");
        archive.whole = archive.validate(Some(keys), Signatures::default());
        assert!(archive.whole.wrong.is_empty() && archive.whole.intact_proved > 0);
        archive
    }

    fn validate(&self, keys: Option<PublicKeys>, signatures: Signatures) -> Integrity {
        let sources = source::find(&[self.folder.display().to_string()]).expect("the archive");
        integrity::validate(&sources, &Evidence { signatures, keys }, 1 << 20, &Progress::silent())
    }
}

fn copy(from: &Path, to: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target, files);
        } else {
            let bytes = fs::read(entry.path()).expect("a file");
            fs::write(&target, &bytes).expect("a file");
            files.push((target, bytes));
        }
    }
}
