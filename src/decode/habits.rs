//! What a thread has learnt of the trails that it reads: it makes reading faster, and changes nothing of what is read.

use super::flat::Flat;
use super::identities::Identities;
use super::order::Order;

/// What one thread has learnt.
#[derive(Debug, Default)]
pub(super) struct Habits {
    pub(super) identities: Identities,
    pub(super) order: Order,
    pub(super) flat: Flat,
    /// Read every record the plain way.
    #[cfg(test)]
    pub(super) distrust: bool,
}

impl Habits {
    /// Whether every record is to be read the plain way; only tests ask for that.
    #[inline(always)]
    pub(super) fn is_distrusted(&self) -> bool {
        #[cfg(test)]
        return self.distrust;
        #[cfg(not(test))]
        false
    }
}
