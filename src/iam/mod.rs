//! The policy language, pure: what a policy says, what it matches, and whether one pattern allows more than another.

pub mod action;
pub mod arn;
pub mod condition;
pub mod evaluate;
pub mod pattern;
pub mod policy;
pub mod request;
pub mod simulate;
pub mod subset;
mod witness;

pub use action::ActionPattern;
pub use arn::Resource;
pub use evaluate::{Policies, evaluate};
pub use policy::{ActionPart, Effect, Policy, PolicyText, PrincipalPart, ResourcePart, Statement};
pub use request::Request;

/// A truth with three values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// What is known does not decide it.
    Unknown,
}

/// The version of the policy language: it decides whether `${…}` is a variable or text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Version {
    /// 2008-10-17, also what a policy without `Version` means.
    #[default]
    V2008,
    /// 2012-10-17.
    V2012,
}
