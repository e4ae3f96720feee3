//! Makes trails and grants: the small sample that tells a story, and large corpora to measure with.

pub(crate) mod archive;
pub(crate) mod corpus;
pub(crate) mod event;
pub(crate) mod grants;
pub(crate) mod identity;
pub(crate) mod rng;
pub(crate) mod sample;
