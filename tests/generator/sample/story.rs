//! The records of the sample as they are told, one actor after the other.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::event::{Event, Seconds, iso};
use super::super::identity::{Role, Who, service, session_key, web_identity};
use super::super::rng::Rng;
use super::cast::EU;

const SEED: u64 = 20_261_001;

/// A record, and where it will lie.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) actor: &'static str,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) time: Seconds,
    pub(crate) record: Value,
}

/// All that was told.
pub(crate) struct Story {
    pub(crate) told: Vec<Told>,
    pub(crate) rng: Rng,
    actor: &'static str,
    others: BTreeMap<&'static str, Rng>,
}

impl Story {
    pub(crate) fn new() -> Self {
        Self {
            told: Vec::new(),
            rng: Rng::named(SEED, ""),
            actor: "",
            others: BTreeMap::new(),
        }
    }

    /// Whose records come next; every actor has random numbers of its own.
    pub(crate) fn actor(&mut self, name: &'static str) {
        let next = self.others.remove(name).unwrap_or_else(|| Rng::named(SEED, name));
        let last = std::mem::replace(&mut self.rng, next);
        self.others.insert(std::mem::replace(&mut self.actor, name), last);
    }

    pub(crate) fn tell(&mut self, event: Event) {
        let (account, region, time) = (event.account().to_owned(), event.region().to_owned(), event.time());
        let record = event.record(&mut self.rng);
        self.told.push(Told {
            actor: self.actor,
            account,
            region,
            time,
            record,
        });
    }

    /// Seconds to add, so that not everything happens on the minute.
    pub(crate) fn jitter(&mut self, below: usize) -> Seconds {
        self.rng.below(below) as Seconds
    }

    /// Records of each actor.
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for told in &self.told {
            *counts.entry(told.actor).or_default() += 1;
        }
        counts
    }

    /// A pod of the cluster takes its role through its service account (IRSA). Returns the session.
    pub(crate) fn web_identity(
        &mut self,
        role: &Role,
        provider: &str,
        subject: &str,
        session: &str,
        time: Seconds,
    ) -> Who {
        let key = session_key(&mut self.rng);
        let bearer = web_identity(&role.account, provider, subject);
        let event = Event::read(&bearer, time, EU, "sts", "AssumeRoleWithWebIdentity")
            .parameters(serde_json::json!({
                "durationSeconds": 3600, "roleArn": role.arn(), "roleSessionName": session,
            }))
            .response(serde_json::json!({
                "credentials": credentials(&key, time + 3600),
                "subjectFromWebIdentityToken": subject,
                "assumedRoleUser": assumed(role, session),
                "provider": provider,
                "audience": "sts.amazonaws.com",
            }))
            .resource("AWS::IAM::Role", &role.arn());
        self.tell(event);
        let mut who = role.session(session, &key, &iso(time));
        who.identity["sessionContext"]["webIdFederationData"] =
            serde_json::json!({"federatedProvider": provider, "attributes": {}});
        who
    }

    /// A service takes a role on its own account: ec2, lambda, ecs-tasks, … Returns the session.
    pub(crate) fn service_session(
        &mut self,
        role: &Role,
        host: &str,
        session: &str,
        region: &str,
        time: Seconds,
    ) -> Who {
        let key = session_key(&mut self.rng);
        let shared = self.rng.uuid();
        let event = Event::read(&service(&role.account, host), time, region, "sts", "AssumeRole")
            .parameters(serde_json::json!({"roleArn": role.arn(), "roleSessionName": session}))
            .response(serde_json::json!({
                "credentials": credentials(&key, time + 6 * 3600), "assumedRoleUser": assumed(role, session),
            }))
            .resource("AWS::IAM::Role", &role.arn())
            .shared(&shared);
        self.tell(event);
        role.session(session, &key, &iso(time))
    }
}

/// What STS answers with; CloudTrail writes the time in this form.
pub(crate) fn credentials(key: &str, expires: Seconds) -> Value {
    let time = jiff::Timestamp::from_second(expires).expect("a time of this century");
    let time = jiff::tz::Offset::UTC.to_datetime(time);
    let hour = match time.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let half = if time.hour() < 12 { "AM" } else { "PM" };
    let month = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ][usize::try_from(time.month()).unwrap_or(1) - 1];
    serde_json::json!({
        "accessKeyId": key,
        "sessionToken": "EXAMPLE-SESSION-TOKEN",
        "expiration": format!(
            "{month} {}, {}, {hour}:{:02}:{:02} {half}", time.day(), time.year(), time.minute(), time.second(),
        ),
    })
}

/// The session's ARN and id in an answer of STS.
pub(crate) fn assumed(role: &Role, session: &str) -> Value {
    serde_json::json!({
        "assumedRoleId": format!("{}:{session}", role.id), "arn": role.session_arn(session),
    })
}
