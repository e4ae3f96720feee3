//! Calls that name nobody: whose they were cannot be told.

use super::{Coverage, SHOWN};

impl Coverage {
    /// Counts calls of an operation, by account, source and name, that AWS did not deny.
    pub fn nobodys(&mut self, operation: &(String, String, String), calls: u64) {
        if let Some(known) = self.nobodys.get_mut(operation) {
            *known += calls;
            return;
        }
        self.nobodys.insert(operation.clone(), calls);
        while self.nobodys.len() > SHOWN
            && let Some(((account, source, _), calls)) = self.nobodys.pop_last()
        {
            let account = if source.is_empty() { String::new() } else { account };
            let beyond = (account, String::new(), String::new());
            *self.nobodys.entry(beyond).or_default() += calls;
        }
    }
}
