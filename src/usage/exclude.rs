//! Use that is not the owner's: an attacker's session, key, address or hours, left out of the usage.

use std::net::IpAddr;

use serde::Deserialize;

use crate::decode::Event;

/// Which events to leave out: those that fit everything which the rule names.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExcludeRule {
    /// Name of a role's session, or a principal id with it (`AROA…:name`).
    #[serde(default)]
    pub session: Option<String>,
    /// Access key id.
    #[serde(default)]
    pub key: Option<String>,
    /// Source address, or a range such as `203.0.113.0/24`.
    #[serde(default)]
    pub ip: Option<String>,
    /// First moment, RFC 3339.
    #[serde(default)]
    pub from: Option<jiff::Timestamp>,
    /// First moment that no longer fits.
    #[serde(default)]
    pub to: Option<jiff::Timestamp>,
    /// Shown with what it leaves out.
    pub reason: String,
}

impl ExcludeRule {
    /// Whether the rule names anything, and a range that can be read.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        if self.session.is_none() && self.key.is_none() && self.ip.is_none() && self.from.is_none() && self.to.is_none()
        {
            return Err("a rule must name a session, a key, an ip or a time".to_owned());
        }
        match &self.ip {
            Some(ip) if range(ip).is_none() => Err(format!("`{ip}` is neither an address nor a range")),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether the event fits.
    pub fn fits(&self, event: &Event<'_>) -> bool {
        // Of calls that were counted together all must fit.
        let inside = event.moments().all(|time| {
            let time = time.seconds();
            self.from.is_none_or(|from| from.as_second() <= time) && self.to.is_none_or(|to| time < to.as_second())
        });
        if !inside {
            return false;
        }
        let identity = event.identity.as_ref();
        if let Some(key) = &self.key
            && identity.and_then(|identity| identity.access_key_id.as_deref()) != Some(key)
        {
            return false;
        }
        if let Some(session) = &self.session {
            let id = identity
                .and_then(|identity| identity.principal_id.as_deref())
                .unwrap_or("");
            let name = id.split_once(':').map(|(_, name)| name);
            if id != session && name != Some(session) {
                return false;
            }
        }
        self.ip
            .as_ref()
            .is_none_or(|ip| within(ip, event.source_ip_address.as_deref().unwrap_or("")))
    }

    /// The rule as reports show it.
    pub fn label(&self) -> String {
        let mut parts = Vec::new();
        let texts = [("session", &self.session), ("key", &self.key), ("ip", &self.ip)];
        for (name, text) in texts {
            parts.extend(text.as_ref().map(|text| format!("{name} {text}")));
        }
        parts.extend(self.from.map(|from| format!("from {from}")));
        parts.extend(self.to.map(|to| format!("to {to}")));
        format!("use by {}: {}", parts.join(", "), self.reason)
    }
}

/// An address and how many of its leading bits count.
fn range(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(most);
    (bits <= most).then_some((address, bits))
}

fn within(wanted: &str, address: &str) -> bool {
    let (Some((network, bits)), Ok(address)) = (range(wanted), address.parse::<IpAddr>()) else {
        return false;
    };
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            u32::from(network) & mask == u32::from(address) & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            u128::from(network) & mask == u128::from(address) & mask
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

#[cfg(test)]
mod tests;
