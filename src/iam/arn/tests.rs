//! Resource patterns under both readings.

use super::*;

#[test]
fn inclusion_goes_segment_by_segment() {
    let includes = |outer, inner| {
        includes(
            &Resource::new(outer, Version::V2012),
            &Resource::new(inner, Version::V2012),
        )
    };
    assert!(includes("arn:aws:s3:::b/*", "arn:aws:s3:::b/logs/*"));
    assert!(!includes("arn:aws:sqs:us-*:1:q", "arn:aws:sqs:*:1:q"));
}
