//! What this package's own tests, examples and fuzzers reach behind the facade. It changes with the rooms it shows: other
//! programs call what the crate's root exports.

pub mod analysis {
    pub use crate::analysis::{Archive, Options, When, analyse, gaps, judge};

    pub mod backtest {
        pub use crate::analysis::backtest::{Choice, Split, backtest};
    }
}

pub mod attribute {
    pub use crate::attribute::{
        Attribution, Known, Opener, PrincipalKind, Workload, WorkloadKind, attribute, seed, shown_by,
    };
}

#[cfg(feature = "aws")]
pub mod aws {
    pub use crate::aws::{Connection, Options};
}

pub mod catalog {
    pub use crate::catalog::{ActionId, ArnTemplate, Catalog, Form, Mapping, Need, Part};
}

pub mod config {
    pub use crate::config::{Flag, Flags, arguments};
}

pub mod coverage {
    pub use crate::coverage::Coverage;
}

pub mod decode {
    pub use crate::decode::{Event, Item, Limits, Reader, read_slice};
}

pub mod emit {
    pub use crate::emit::{Options, folder};
}

pub mod gap {
    pub use crate::gap::{ActionSet, Cause, Gap, Grade, LIFE_CYCLE, Reason, Share, explained, named};
}

pub mod grants {
    pub use crate::grants::{Grants, Kind, OrganizationPolicies, SupplementFiles, load, read};
}

pub mod hygiene {
    pub use crate::hygiene::{Finding, Practice, Severity, check_of, checks};
}

pub mod iam {
    pub use crate::iam::{
        ActionPart, ActionPattern, Answer, Policy, PolicyText, Request, Resource, ResourcePart, Version,
    };

    pub mod arn {
        pub use crate::iam::arn::{escape_literal, overlaps};
    }

    pub mod condition {
        pub use crate::iam::condition::{Comparison, Operator};
    }

    pub mod evaluate {
        pub use crate::iam::evaluate::{Policies, evaluate};
    }

    pub mod pattern {
        pub use crate::iam::pattern::{includes, matches, overlaps, union_includes};
    }

    pub mod simulate {
        pub use crate::iam::simulate::decide;
    }

    pub mod subset {
        pub use crate::iam::subset::{Verdict, allows_no_more, keeps};
    }
}

pub mod integrity {
    pub use crate::integrity::{Evidence, Integrity, PublicKeys, Signatures, validate};
}

pub mod patch {
    pub use crate::patch::{Answer, Options, plan_texts};
}

pub mod progress {
    pub use crate::progress::Progress;
}

#[cfg(feature = "polars")]
pub mod query {
    pub use crate::query::{NAMED, Over, over_ledger};
}

pub mod report {
    pub use crate::report::{
        Given, GradeTotals, Inputs, LivePolicy, Principal, Question, Report, RoleSplit, State, Suggestion, build,
        changes, practices, scorecard,
    };
}

pub mod resolve {
    pub use crate::resolve::{
        Call, Facts, Operation, Outcome, Resolution, data_roots, observe, of_code, outcome, resolve, shown,
    };
}

pub mod rightsize {
    pub use crate::rightsize::{
        AlternativeKind, Basis, Choice, Choices, Decision, EvidenceLevel, Keep, KeepRule, Level, MANAGED, Options,
        Proposal, Resources, Step, characters, characters_of, propose,
    };
}

pub mod source {
    pub use crate::source::{Source, Wanted, expect, find};

    #[cfg(feature = "aws")]
    pub mod s3 {
        pub use crate::source::s3::{Options, find};
    }
}

pub mod time {
    pub use crate::time::{DAY, Window};
}

pub mod usage {
    pub use crate::usage::{ExcludeRule, Filter, Options, PartKey, Table, WorkloadCalls, collect, collect_parts};

    #[cfg(feature = "polars")]
    pub mod ledger {
        pub use crate::usage::ledger::{How, Lock, SCHEMA, Shard, collect, merge, read};
    }
}

pub mod verify {
    pub use crate::verify::{Proved, Verified, again, life_cycle_losses, losses, prove};
}
