//! A large archive of the usual kind, to measure with: many files in AWS's layout, and the grants that match.

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
use population::{Account, Operation};
use template::Fill;

/// What to write; the same plan gives the same bytes.
pub(crate) struct Plan {
    pub(crate) json_bytes: u64,
    pub(crate) file_bytes: u64,
    pub(crate) days: u32,
    pub(crate) accounts: u32,
    pub(crate) principals: u32,
    pub(crate) administrators: bool,
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

/// The text of one file, and how many records it has.
fn text(file: &File, account: &Account, operations: &[Operation], names: &Zipf, seed: u64) -> (String, u64) {
    let mut rng = Rng::named(seed, &format!("file {}", file.number));
    let mut out = String::with_capacity(file.bytes as usize + 8192);
    out.push_str("{\"Records\":[");
    let expected = (file.bytes / RECORD).max(1) as Seconds;
    let mut records = 0;
    let (mut name, mut session) = (String::new(), String::new());
    while records == 0 || (out.len() as u64) < file.bytes {
        if records > 0 {
            out.push(',');
        }
        // In order, and never past the end of the file's span.
        let time = file.from + (file.span - 1) * (records as Seconds).min(expected) / expected;
        let since = time - time.rem_euclid(SESSION);
        let principal = &account.principals[account.popular.draw(&mut rng)];
        // The first of a principal's calls makes up half, the second a quarter, …
        let mut rank = rng.next().trailing_ones() as usize % principal.operations.len();
        if operations[principal.operations[rank]].global && file.region != "us-east-1" {
            rank = 0;
        }
        let operation = &operations[principal.operations[rank]];
        name.clear();
        let _ = write!(name, "{}-service-{:03}", &account.id[8..], names.draw(&mut rng));
        // A principal has a session for every quarter of a day, the same in all files.
        let mut own = Rng::named(seed, &principal.arn);
        let key = own
            .next()
            .wrapping_add((since / SESSION) as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            >> 8;
        session.clear();
        session.push_str(principal.session);
        own.push_hex(&mut session, 12);
        let (time, since) = (iso(time), iso(since));
        let fill = Fill {
            identity: &principal.identity,
            account: &account.id,
            region: file.region,
            time: &time,
            since: &since,
            name: &name,
            address: own.next() as u32,
            agent: principal.agent,
            session: &session,
            key,
            role: &principal.name,
        };
        let template = match (&principal.seed, rng.below(100)) {
            (Some(seed), 0..=2) => seed,
            (_, 3..=4) => &operation.denied,
            _ => &operation.template,
        };
        template.push(&mut out, &fill, &mut rng);
        records += 1;
    }
    out.push_str("]}");
    (out, records)
}

/// Writes the corpus and says how large it became.
pub(crate) fn write(dir: &Path, plan: &Plan) -> io::Result<String> {
    let operations = population::operations();
    let accounts = population::accounts(&operations, plan);
    let names = Zipf::new(200, 1.0);
    let files = files(plan, accounts.len());
    let (records, json, packed) = files
        .par_iter()
        .map(|file| {
            let account = &accounts[file.account];
            let (text, records) = text(file, account, &operations, &names, plan.seed);
            let packed = archive::gzip(text.as_bytes(), 6)?;
            let mut rng = Rng::named(plan.seed, &format!("name {}", file.number));
            let key = archive::key("CloudTrail", &account.id, file.region, file.from + file.span, &mut rng);
            archive::write(dir, &key, &packed)?;
            Ok((records, text.len() as u64, packed.len() as u64))
        })
        .try_reduce(
            || (0, 0, 0),
            |a, b| Ok::<_, io::Error>((a.0 + b.0, a.1 + b.1, a.2 + b.2)),
        )?;
    for account in &accounts {
        let grants = serde_json::to_vec_pretty(&account.grants)?;
        archive::write(dir, &format!("grants/{}.json", account.id), &grants)?;
    }
    Ok(format!(
        "{} files, {records} records of {} bytes, {json} bytes of JSON in {packed} ({:.1}:1), {} accounts\n",
        files.len(),
        json / records.max(1),
        json as f64 / packed.max(1) as f64,
        accounts.len(),
    ))
}
