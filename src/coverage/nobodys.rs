//! Calls that name nobody: whose they were cannot be told.

use super::{Coverage, SHOWN};

impl Coverage {
    /// Counts calls of an operation that AWS did not deny.
    pub fn nobodys(&mut self, account: &str, source: &str, name: &str, calls: u64) {
        let key = [account, source, name].map(str::to_owned).into();
        *self.nobodys.entry(key).or_default() += calls;
        while self.nobodys.len() > SHOWN
            && let Some(((account, ..), calls)) = self.nobodys.pop_last()
        {
            let beyond = (account, String::new(), String::new());
            *self.nobodys.entry(beyond).or_default() += calls;
        }
    }
}
