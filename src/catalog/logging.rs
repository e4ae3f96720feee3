//! Whether a trail could show an action, and as what: what may be called unused rests on this.

use std::collections::HashMap;

use super::{AccessLevel, ActionId, Catalog, How, Mapping, When, embedded, rows, unpack_text};

/// Whether, and as what kind of event, a trail could show the use of an action.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Logging {
    /// As a management event, which trails log unless told otherwise.
    Management {
        /// Whether the event counts as a read: a write-only trail leaves it out.
        read_only: bool,
    },
    /// As a data event, which trails log only where told to.
    Data {
        /// The resource type of the event selector, such as `AWS::S3::Object`.
        resource_type: String,
    },
    /// Never as such: it shows only through other calls, or not at all.
    Never {
        /// Why.
        why: String,
    },
    /// Not documented: never to be called unused.
    Unknown {
        /// Why.
        why: String,
    },
}

/// What the tables say of one action.
#[derive(Clone, Debug)]
pub(super) enum Class {
    /// Either kind of management event; the access level tells which.
    Management,
    /// A row of `logging.tsv` that says more.
    Row(Logging),
    /// Data events of a type, or management events, by what the call is made on: seeing one kind shows nothing of the
    /// other.
    Either(String),
    /// An operation of a service that logs only part of its own, of which nothing says that it is in that part.
    Mixed(String),
    /// No operation is authorised by it.
    NoOperation,
}

impl Catalog {
    /// Whether a trail could show the action's use, and as what.
    pub fn logging(&self, id: ActionId) -> Logging {
        match self.logging_classes().get(id.index()) {
            Some(Class::Row(logging)) => logging.clone(),
            Some(Class::Either(resource_type)) => Logging::Data {
                resource_type: resource_type.clone(),
            },
            Some(Class::Management) => self.as_management(id).clone(),
            Some(Class::Mixed(why)) => Logging::Unknown { why: why.clone() },
            Some(Class::NoOperation) | None => Logging::Unknown {
                why: "no published API operation is authorised by this action".to_owned(),
            },
        }
    }

    /// The management event that shows an action, if one does.
    pub fn as_management(&self, id: ActionId) -> &'static Logging {
        match self.access_level(id) {
            AccessLevel::List | AccessLevel::Read => &Logging::Management { read_only: true },
            AccessLevel::Write | AccessLevel::PermissionsManagement | AccessLevel::Tagging => {
                &Logging::Management { read_only: false }
            }
        }
    }

    /// The action whose own call an event is: it has the action's name, or one with AWS's date behind it.
    pub fn named_action(&self, event_source: &str, event_name: &str) -> Option<ActionId> {
        let Mapping::Actions(needs) = self.mapping(event_source, event_name) else {
            return None;
        };
        let mut own = needs.iter().filter(|need| need.how == How::Named && need.certain);
        own.find(|need| need.when == When::Always).map(|need| need.action)
    }

    /// The action whose own call an event is, of those that the tables do not call management events: an archive that
    /// holds it as a management event shows that it is logged as one. None where the call may be logged as either kind.
    pub fn unsaid_action(&self, event_source: &str, event_name: &str) -> Option<ActionId> {
        let action = self.named_action(event_source, event_name)?;
        match self.logging_classes().get(action.index())? {
            Class::Management | Class::Either(_) | Class::Row(Logging::Management { .. }) => None,
            Class::Row(_) | Class::Mixed(_) | Class::NoOperation => Some(action),
        }
    }

    fn logging_classes(&self) -> &[Class] {
        self.logging.get_or_init(|| {
            let mixed = self.mixed_services();
            let default = |id| match mixed.get(self.service(id)) {
                _ if !self.has_operation(id) => Class::NoOperation,
                Some(why) => Class::Mixed(why.clone()),
                None => Class::Management,
            };
            let mut classes: Vec<Class> = self.ids().map(default).collect();
            self.say_rows(&mut classes);
            self.say_seen(&mut classes);
            classes
        })
    }

    /// The services that log only part of their operations as management events, by prefix: why nothing is assumed of the
    /// others.
    fn mixed_services(&self) -> HashMap<String, String> {
        let mut mixed = HashMap::new();
        for row in rows(&unpack_text(embedded!("mixed.z"))) {
            let [what, prefixes, ..] = row.as_slice() else {
                continue;
            };
            for prefix in prefixes.split_ascii_whitespace() {
                mixed.entry(prefix.to_owned()).or_insert_with(|| {
                    format!(
                        "{prefix} has calls that only data events and the like show ({what}); AWS does not say whether this is one"
                    )
                });
            }
        }
        mixed
    }

    /// Later rows win, so that a table may say "all of these, but not that one".
    fn say_rows(&self, classes: &mut [Class]) {
        for row in rows(&unpack_text(embedded!("logging.z"))) {
            let [patterns, class, detail, ..] = row.as_slice() else {
                continue;
            };
            let detail = (*detail).to_owned();
            let said = match *class {
                "management" => Class::Management,
                "management-read" => Class::Row(Logging::Management { read_only: true }),
                "management-write" => Class::Row(Logging::Management { read_only: false }),
                "data" => Class::Row(Logging::Data { resource_type: detail }),
                "either" => Class::Either(detail),
                "never" => Class::Row(Logging::Never { why: detail }),
                _ => Class::Row(Logging::Unknown { why: detail }),
            };
            for id in patterns
                .split_ascii_whitespace()
                .flat_map(|pattern| self.expand(pattern))
            {
                // What authorises no call of its own has no event, whatever its service says of its calls.
                let has_event = self.has_operation(id) || !matches!(said, Class::Management);
                if let Some(class) = classes.get_mut(id.index()).filter(|_| has_event) {
                    class.clone_from(&said);
                }
            }
        }
    }

    /// What some archive held as a management event is one where no page says otherwise.
    fn say_seen(&self, classes: &mut [Class]) {
        for row in rows(&unpack_text(embedded!("logged.z"))) {
            let [_, _, _, action, ..] = row.as_slice() else {
                continue;
            };
            let Some(class) = self.id(action).and_then(|id| classes.get_mut(id.index())) else {
                continue;
            };
            match class {
                Class::Mixed(_) | Class::NoOperation | Class::Row(Logging::Unknown { .. }) => {
                    *class = Class::Management
                }
                Class::Management | Class::Either(_) | Class::Row(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
