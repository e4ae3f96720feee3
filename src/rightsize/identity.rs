//! What a suggestion is called: a digest, so that the same change has the same name in every run.

use sha2::{Digest, Sha256};

use super::Step;
use crate::grants::PolicyDocument;
use crate::iam::PolicyText;

/// What a suggestion is called: the same for the same policy, step and document.
pub fn suggestion_id(document: &PolicyDocument, step: Step, after: &PolicyText) -> String {
    let mut identity = Sha256::new();
    for part in [document.arn.as_str(), &document.name, step.name(), after.as_str()] {
        identity.update(part.as_bytes());
        identity.update([0]);
    }
    let digest = identity.finalize();
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
