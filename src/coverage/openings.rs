//! Who came in: roles whose sessions were opened, users and roles at the console, providers whose tokens were taken.

use super::Coverage;

impl Coverage {
    /// A session of a role was opened.
    pub fn taken(&mut self, role_id: &str, time: i64) {
        let last = self.taken.entry(role_id.to_owned()).or_insert(time);
        *last = time.max(*last);
    }

    /// Somebody signed in to the console.
    pub fn signed_in(&mut self, arn: &str, time: i64) {
        let last = self.signed_in.entry(arn.to_owned()).or_insert(time);
        *last = time.max(*last);
    }

    /// A token of an identity provider opened a session.
    pub fn provider(&mut self, named: &str) {
        if !named.is_empty() && !self.providers.contains(named) {
            self.providers.insert(named.to_owned());
        }
    }
}
