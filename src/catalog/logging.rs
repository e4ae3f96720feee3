//! Whether a trail could show an action, and as what: what may be called unused rests on this.

use super::{AccessLevel, ActionId, Catalog, embedded, rows, unpack_text};

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

/// One row of `logging.tsv`, or the default of an action without one.
#[derive(Clone, Debug)]
pub(super) enum Class {
    Row(Logging),
    Operation,
    NoOperation,
}

impl Catalog {
    /// Whether a trail could show the action's use, and as what.
    pub fn logging(&self, id: ActionId) -> Logging {
        let classes = self.logging.get_or_init(|| self.logging_classes());
        match classes.get(id.index()) {
            Some(Class::Row(logging)) => logging.clone(),
            Some(Class::Operation) => Logging::Management {
                read_only: matches!(self.access_level(id), AccessLevel::List | AccessLevel::Read),
            },
            Some(Class::NoOperation) | None => Logging::Unknown {
                why: "no published API operation is authorised by this action".to_owned(),
            },
        }
    }

    fn logging_classes(&self) -> Vec<Class> {
        let default = |id| {
            if self.has_operation(id) {
                Class::Operation
            } else {
                Class::NoOperation
            }
        };
        let mut classes: Vec<Class> = self.ids().map(default).collect();
        // Later rows win, so that a table may say "all of these, but not that one".
        for row in rows(&unpack_text(embedded!("logging.z"))) {
            let [pattern, class, detail, ..] = row.as_slice() else {
                continue;
            };
            let detail = (*detail).to_owned();
            let logging = match *class {
                "management-read" => Logging::Management { read_only: true },
                "management-write" => Logging::Management { read_only: false },
                "data" => Logging::Data { resource_type: detail },
                "never" => Logging::Never { why: detail },
                _ => Logging::Unknown { why: detail },
            };
            for id in self.expand(pattern) {
                if let Some(class) = classes.get_mut(id.index()) {
                    *class = Class::Row(logging.clone());
                }
            }
        }
        classes
    }
}
