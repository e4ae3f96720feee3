//! Digest files: what they say of the hour for which they answer.
//!
//! CloudTrail writes one an hour for each region of a trail, also where it delivered nothing (CloudTrail user guide,
//! "CloudTrail digest file structure").

use super::Time;
use super::json::{self, Value};

/// Most log files of one digest that are looked at; a trail delivers a few dozen an hour.
const MOST: usize = 10_000;

/// One digest file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// The account whose log files it names.
    pub account: String,
    /// The region.
    pub region: String,
    /// The trail that wrote it.
    pub trail: String,
    /// From when on it answers, seconds since 1970.
    pub start: i64,
    /// Times of the oldest and newest events in the files that it names.
    pub named: Vec<i64>,
}

impl Digest {
    /// Reads a whole digest file; `None` where it lacks what makes it useful.
    pub(super) fn read(text: &str) -> Option<Digest> {
        let digest = json::parse(text)?;
        let account = digest.get("awsAccountId")?.as_str()?.to_owned();
        // …/CloudTrail-Digest/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOME_TIME.json.gz
        let object = digest.get("digestS3Object")?.as_str()?;
        let (_, rest) = object.split_once("CloudTrail-Digest/")?;
        let (region, rest) = rest.split_once('/')?;
        let file = rest.rsplit('/').next()?;
        let name = file.strip_prefix(&format!("{account}_CloudTrail-Digest_{region}_"))?;
        // The name of a trail may hold underscores, a region and a time do not.
        let trail = name.rsplitn(3, '_').nth(2)?;
        let time = |value: &Value<'_>, name: &str| Some(Time::parse(value.get(name)?.as_str()?)?.seconds());
        let files = digest.get("logFiles").map_or(&[][..], Value::elements);
        Some(Digest {
            region: region.to_owned(),
            trail: trail.to_owned(),
            start: time(&digest, "digestStartTime")?,
            named: files
                .iter()
                .take(MOST)
                .flat_map(|file| [time(file, "oldestEventTime"), time(file, "newestEventTime")])
                .flatten()
                .collect(),
            account,
        })
    }
}
