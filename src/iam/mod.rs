//! The policy language, pure: what a policy says, what it matches, and whether one pattern allows more than another.

pub mod pattern;
