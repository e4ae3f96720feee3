//! A large archive of one of several kinds, to measure with: many files in AWS's layout, and the grants that match.

mod figures;
mod hostile;
mod population;
mod template;

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use jiff::civil::date;
use rayon::prelude::*;

use super::archive;
use super::event::{Seconds, instant, iso};
use super::rng::{Rng, Zipf};
use figures::Figures;
use population::{Account, Operation, Principal};
use template::Fill;

/// What an archive is like.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Some hundred principals, each with a session for six hours, few operations, few data events
    Steady,
    /// Thousands of principals, a new session and key after every four calls, and the call that opens it
    Churning,
    /// Half data events: objects of S3, items of DynamoDB, invocations of functions
    DataHeavy,
    /// The steady kind in files of 5.6 kB, as many small accounts write them
    TinyFiles,
    /// Nothing repeats: every call its own role, session, client, parameters and order of fields
    Hostile,
}

/// How principals are granted everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Administrators {
    /// By one policy of AWS's.
    Attached,
    /// Each by a policy of its own.
    Inline,
}

/// What to write; the same plan gives the same bytes.
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) json_bytes: u64,
    pub(crate) file_bytes: u64,
    pub(crate) days: u32,
    pub(crate) accounts: u32,
    pub(crate) principals: u32,
    pub(crate) administrators: Option<Administrators>,
    pub(crate) seed: u64,
}

/// `600kB`, `200MB`, `4GB`, `1MiB` or bare bytes.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match &text[digits.len()..] {
        "" | "B" => 1,
        "k" | "kB" | "KB" => 1000,
        "M" | "MB" => 1_000_000,
        "G" | "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        other => return Err(format!("`{other}` is no unit of bytes")),
    };
    let number: u64 = digits.parse().map_err(|_| format!("`{digits}` is no number"))?;
    number
        .checked_mul(unit)
        .filter(|&bytes| bytes > 0)
        .ok_or_else(|| format!("`{text}` is out of range"))
}

/// Regions, with their share of the calls.
const REGIONS: [(&str, f64); 3] = [("eu-west-1", 0.6), ("us-east-1", 0.25), ("us-west-2", 0.15)];
/// Sessions last six hours.
const SESSION: Seconds = 6 * 3600;
/// Or so many calls, the one that opens them among them.
const BRIEF: u64 = 5;
/// What a record takes on average, to spread the times of a file.
const RECORD: u64 = 1500;

/// One file to write.
struct File {
    account: usize,
    region: &'static str,
    from: Seconds,
    span: Seconds,
    bytes: u64,
    number: usize,
}

/// Every stream (account and region) gets files evenly over the days, at least one a day.
fn files(plan: &Plan, accounts: usize) -> Vec<File> {
    let weights: Vec<f64> = (1..=accounts).map(|rank| 1.0 / rank as f64).collect();
    let sum: f64 = weights.iter().sum();
    let start = instant(date(2026, 7, 1).at(0, 0, 0, 0));
    let window = Seconds::from(plan.days) * 86_400;
    let mut out: Vec<File> = Vec::new();
    for (account, weight) in weights.iter().enumerate() {
        for (region, share) in REGIONS {
            let bytes = plan.json_bytes as f64 * weight / sum * share;
            let count = ((bytes / plan.file_bytes as f64).round() as Seconds).max(Seconds::from(plan.days));
            for i in 0..count {
                let number = out.len();
                // Halves and one-and-a-halves, in pairs, so that the sum stays what was asked for.
                let vary = 0.5 * Rng::named(plan.seed, &format!("size {}", number / 2)).unit();
                let vary = if number.is_multiple_of(2) {
                    1.0 - vary
                } else {
                    1.0 + vary
                };
                let from = start + window * i / count;
                let span = start + window * (i + 1) / count - from;
                let bytes = (bytes / count as f64 * vary) as u64;
                out.push(File {
                    account,
                    region,
                    from,
                    span,
                    bytes,
                    number,
                });
            }
        }
    }
    out
}

/// What calls are about.
struct Things {
    operations: Vec<Operation>,
    names: Zipf,
    /// Objects and items that come back.
    paths: Zipf,
}

/// A caller's session.
struct Session {
    since: Seconds,
    key: u64,
    name: String,
    /// Whether it opens with this call.
    opens: bool,
}

impl Session {
    /// One for every quarter of a day, the same in all files.
    fn lasting(principal: &Principal, time: Seconds, own: &mut Rng) -> Self {
        let since = time - time.rem_euclid(SESSION);
        let key = own
            .next()
            .wrapping_add((since / SESSION) as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            >> 8;
        let mut name = principal.session.to_owned();
        own.push_hex(&mut name, 12);
        let opens = false;
        Self {
            since,
            key,
            name,
            opens,
        }
    }

    /// A new one after every few calls; `met` counts a principal's calls in a file.
    fn brief(principal: &Principal, file: &File, time: Seconds, met: u64, plan: &Plan) -> Self {
        let number = met / BRIEF;
        let mut own = Rng::named(plan.seed, &format!("{} {} {number}", principal.arn, file.number));
        let key = own.next();
        let mut name = principal.session.to_owned();
        own.push_hex(&mut name, 12);
        Self {
            // All its calls say the same second, so it lies as far back as the slowest may take.
            since: time - time.rem_euclid(SESSION),
            key,
            name,
            opens: met.is_multiple_of(BRIEF),
        }
    }
}

/// The text of one file.
fn text(file: &File, account: &Account, things: &Things, plan: &Plan) -> String {
    let mut rng = Rng::named(plan.seed, &format!("file {}", file.number));
    let mut out = String::with_capacity(file.bytes as usize + 8192);
    out.push_str("{\"Records\":[");
    let expected = (file.bytes / RECORD).max(1) as Seconds;
    let mut records = 0;
    let (mut name, mut path) = (String::new(), String::new());
    let mut met = vec![0; account.principals.len()];
    while records == 0 || (out.len() as u64) < file.bytes {
        if records > 0 {
            out.push(',');
        }
        // In order, and never past the end of the file's span.
        let time = file.from + (file.span - 1) * (records as Seconds).min(expected) / expected;
        let member = account.popular.draw(&mut rng);
        let principal = &account.principals[member];
        let operation = &things.operations[principal.call(&things.operations, file.region, &mut rng)];
        if plan.kind == Kind::Hostile {
            let place = hostile::Place {
                account: &account.id,
                region: file.region,
                time: &iso(time),
                operation,
            };
            hostile::push(&mut out, &place, &mut rng);
            records += 1;
            continue;
        }
        name.clear();
        let _ = write!(name, "{}-service-{:03}", &account.id[8..], things.names.draw(&mut rng));
        if plan.kind == Kind::DataHeavy {
            fill_path(&mut path, &things.paths, &mut rng);
        }
        let mut own = Rng::named(plan.seed, &principal.arn);
        let session = if plan.kind == Kind::Churning && principal.seed.is_some() {
            met[member] += 1;
            Session::brief(principal, file, time, met[member] - 1, plan)
        } else {
            Session::lasting(principal, time, &mut own)
        };
        let fill = Fill {
            identity: &principal.identity,
            account: &account.id,
            region: file.region,
            time: &iso(time),
            since: &iso(session.since),
            name: &name,
            path: &path,
            address: own.next() as u32,
            agent: principal.agent,
            session: &session.name,
            key: session.key,
            role: &principal.name,
        };
        let template = match (&principal.seed, rng.below(100)) {
            (Some(seed), _) if session.opens => seed,
            (Some(seed), 0..=2) => seed,
            (_, 3..=4) => &operation.denied,
            _ => &operation.template,
        };
        template.push(&mut out, &fill, &mut rng);
        records += 1;
    }
    out.push_str("]}");
    out
}

/// The key of an object or an item: every other one is new.
fn fill_path(path: &mut String, paths: &Zipf, rng: &mut Rng) {
    path.clear();
    if rng.below(2) == 0 {
        let _ = write!(path, "data/{:06}.json", paths.draw(rng));
    } else {
        path.push_str("data/");
        rng.push_hex(path, 12);
        path.push_str(".json");
    }
}

/// Writes the corpus and says what it is like.
pub(crate) fn write(dir: &Path, plan: &Plan) -> io::Result<String> {
    let (operations, data_from) = population::operations();
    let accounts = population::accounts((&operations, data_from), plan);
    let things = Things {
        operations,
        names: Zipf::new(200, 1.0),
        paths: Zipf::new(10_000, 1.0),
    };
    let figures = files(plan, accounts.len())
        .par_iter()
        .map(|file| {
            let account = &accounts[file.account];
            let text = text(file, account, &things, plan);
            let packed = archive::gzip(text.as_bytes(), 6)?;
            let mut rng = Rng::named(plan.seed, &format!("name {}", file.number));
            let key = archive::key("CloudTrail", &account.id, file.region, file.from + file.span, &mut rng);
            archive::write(dir, &key, &packed)?;
            Ok(Figures::of(&text, packed.len()))
        })
        .try_reduce(Figures::default, |a, b| Ok::<_, io::Error>(a.add(b)))?;
    for account in &accounts {
        let grants = serde_json::to_vec_pretty(&account.grants)?;
        archive::write(dir, &format!("grants/{}.json", account.id), &grants)?;
    }
    Ok(figures.to_string())
}
