//! Why nobody could see an action, as a name that stays the same from run to run: what people's choices are about.

use super::{Blind, Grade, Slice};
use crate::catalog::ActionId;

/// Why nobody could see an action.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reason {
    /// No trail could show it, or nothing says that one does.
    NeverLogged,
    /// The trail's configuration leaves it out.
    LeftOut,
    /// Only data events would show it, and the archive lacks them.
    DataEvents,
    /// A region has no event at all.
    NoRegion,
    /// Days or classes of events are missing.
    Hole,
    /// IAM saw its service used, and the archive did not.
    ServiceAccessed,
    /// A call whose operation the catalog does not know may have needed it.
    UnknownCall,
    /// A call that names nobody may have needed it.
    NamesNobody,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Reason; 8] = [
        Reason::NeverLogged,
        Reason::LeftOut,
        Reason::DataEvents,
        Reason::NoRegion,
        Reason::Hole,
        Reason::ServiceAccessed,
        Reason::UnknownCall,
        Reason::NamesNobody,
    ];

    /// The reason as files write it.
    pub fn name(self) -> &'static str {
        match self {
            Reason::NeverLogged => "never-logged",
            Reason::LeftOut => "left-out",
            Reason::DataEvents => "data-events",
            Reason::NoRegion => "no-region",
            Reason::Hole => "hole",
            Reason::ServiceAccessed => "service-accessed",
            Reason::UnknownCall => "unknown-call",
            Reason::NamesNobody => "names-nobody",
        }
    }

    /// The reason of a name.
    pub fn of_name(name: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// The reason in words.
    pub fn says(self) -> &'static str {
        match self {
            Reason::NeverLogged => "nothing says that a trail shows such calls",
            Reason::LeftOut => "the trail's configuration leaves such calls out",
            Reason::DataEvents => "only data events show such calls, and this archive lacks them",
            Reason::NoRegion => "a region where such calls may be made has no event in this archive",
            Reason::Hole => "days or classes of events that would show such calls are missing",
            Reason::ServiceAccessed => "IAM saw the service used, and this archive did not",
            Reason::UnknownCall => "a call that the catalog does not know may be one of them",
            Reason::NamesNobody => "a call that names nobody may have been made by any of them",
        }
    }
}

impl Slice {
    /// Why nobody could see whether an action was used; `None` where that is known.
    pub fn reason(&self, action: ActionId) -> Option<Reason> {
        match self.grade(action) {
            Grade::Used | Grade::Inferred | Grade::DeniedOnly | Grade::Unused => return None,
            Grade::Unobservable | Grade::OutsideCoverage => {}
        }
        if self.unmapped.contains(action) {
            return Some(Reason::UnknownCall);
        }
        Some(match self.view.blind_to(action) {
            Some(Blind::Unobservable(_)) => Reason::NeverLogged,
            Some(Blind::LeftOut(_)) => Reason::LeftOut,
            Some(Blind::DataEvents { .. }) => Reason::DataEvents,
            Some(Blind::NoRegion(_)) => Reason::NoRegion,
            Some(Blind::Gap(_)) => Reason::Hole,
            Some(Blind::Nobodys(_)) => Reason::NamesNobody,
            None => Reason::ServiceAccessed,
        })
    }
}
