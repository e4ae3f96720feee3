//! Records of which none repeats what another one said: roles, sessions, names of operations and of parameters, clients,
//! and the order of the fields.

use std::fmt::Write as _;

use super::super::rng::{ALNUM, Rng, UPPER};
use super::population::Operation;

/// Where, when and what.
pub(super) struct Place<'a> {
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    pub(super) time: &'a str,
    pub(super) operation: &'a Operation,
}

/// Appends a record.
pub(super) fn push(out: &mut String, place: &Place<'_>, rng: &mut Rng) {
    let Place {
        account,
        region,
        time,
        operation,
    } = place;
    let (source, name) = (operation.source, operation.name);
    let hex = |rng: &mut Rng| format!("{:016x}", rng.next());
    let (role, session) = (format!("role-{}", hex(rng)), hex(rng));
    let (id, key) = (rng.text(UPPER, 10), rng.text(UPPER, 9));
    let identity = format!(
        r#"{{"type":"AssumedRole","principalId":"AROAEXAMPLE{id}:{session}","arn":"arn:aws:sts::{account}:assumed-role/{role}/{session}","accountId":"{account}","accessKeyId":"ASIAEXAMPLE{key}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROAEXAMPLE{id}","arn":"arn:aws:iam::{account}:role/{role}","accountId":"{account}","userName":"{role}"}},"attributes":{{"creationDate":"{time}","mfaAuthenticated":"false"}}}}}}"#
    );
    // Every other operation is one that nobody knows.
    let version = if rng.below(2) == 0 { String::new() } else { hex(rng) };
    let thing = hex(rng);
    let parameters = format!(
        r#"{{"{}":"{thing}","{}":{{"{}":["{}",{}]}}}}"#,
        rng.text(ALNUM, 8),
        rng.text(ALNUM, 8),
        rng.text(ALNUM, 8),
        hex(rng),
        rng.below(1 << 20),
    );
    let mut fields = [
        r#""eventVersion":"1.11""#.to_owned(),
        format!(r#""userIdentity":{identity}"#),
        format!(r#""eventTime":"{time}""#),
        format!(r#""eventSource":"{source}.amazonaws.com""#),
        format!(r#""eventName":"{name}{version}""#),
        format!(r#""awsRegion":"{region}""#),
        format!(
            r#""sourceIPAddress":"10.{}.{}.{}""#,
            rng.below(256),
            rng.below(256),
            rng.below(256)
        ),
        format!(r#""userAgent":"client-{}/1.{}""#, hex(rng), rng.below(100)),
        format!(r#""requestParameters":{parameters}"#),
        format!(r#""responseElements":{{"{}":"{}"}}"#, rng.text(ALNUM, 8), hex(rng)),
        format!(r#""requestID":"{}""#, rng.uuid()),
        format!(r#""eventID":"{}""#, rng.uuid()),
        format!(r#""readOnly":{}"#, rng.below(2) == 0),
        format!(r#""resources":[{{"accountId":"{account}","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::{thing}"}}]"#),
        r#""eventType":"AwsApiCall""#.to_owned(),
        r#""managementEvent":true"#.to_owned(),
        format!(r#""recipientAccountId":"{account}""#),
        r#""eventCategory":"Management""#.to_owned(),
        format!(
            r#""tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"{}.{source}.{region}.amazonaws.com"}}"#,
            hex(rng)
        ),
    ];
    for last in (1..fields.len()).rev() {
        fields.swap(last, rng.below(last + 1));
    }
    let _ = write!(out, "{{{}}}", fields.join(","));
}
