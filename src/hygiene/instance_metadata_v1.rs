//! Instance metadata v1: credentials of a role were handed out without a session token.

use super::{About, Check, Find, Found, Practice, Severity, Subject, day, retire};

/// Most instances that are named.
const NAMED: usize = 10;

pub(super) const CHECK: Check = Check {
    id: "instance-metadata-v1",
    practice: Practice::ServiceAccounts,
    find: Find::OfPrincipal(check),
    about: About {
        what: "Calls were made with a role's credentials that the older version of the instance metadata service (IMDSv1) had handed out.",
        abuse: "Whoever can make a program on the instance fetch a URL, or reach it from a pod, gets the role's credentials: IMDSv1 asks for no token first.",
        instead: "IMDSv2 alone (http-tokens required) with a hop limit of 1; for pods a role of their own by EKS Pod Identity or IRSA.",
        page: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-transition-to-version-2.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let versions = subject.ground.coverage.metadata_versions.get(&subject.principal.id)?;
    let older: Vec<_> = versions
        .iter()
        .filter_map(|(version, calls)| Some((version.strip_prefix("1.0 ")?, calls)))
        .collect();
    let last = older.iter().map(|(_, calls)| calls.last).max()?;
    let calls: u64 = older.iter().map(|(_, calls)| calls.calls).sum();
    let mut evidence = vec![format!(
        "{calls} calls with ec2RoleDelivery 1.0, the last on {}",
        day(last)
    )];
    evidence.extend(
        older
            .iter()
            .take(NAMED)
            .map(|(instance, calls)| format!("{instance}: {} calls, the last on {}", calls.calls, day(calls.last))),
    );
    if older.len() > NAMED {
        evidence.push(format!("and {} more instances at least", older.len() - NAMED));
    }
    let newer: u64 = versions
        .iter()
        .filter(|(version, _)| !version.starts_with("1.0 "))
        .map(|(_, calls)| calls.calls)
        .sum();
    if newer > 0 {
        evidence.push(format!("{newer} calls with ec2RoleDelivery 2.0"));
    }
    // What a trail cannot show is said.
    evidence.push(
        "a trail shows how the credentials of a call were handed out, not who fetched them, nor instances whose role made no call; the CloudWatch metric MetadataNoToken counts every request without a token"
            .to_owned(),
    );
    let instance = match older.first() {
        Some((instance, _)) if instance.starts_with("i-") => retire::shell(instance),
        _ => "ID".to_owned(),
    };
    Some(Found {
        about: String::new(),
        severity: Severity::Medium,
        title: format!("credentials of role {} were handed out by IMDSv1", subject.principal.name),
        why: "one request that a program can be made to send is enough to take the role's credentials away".to_owned(),
        fix: "bring the programs on the instances to an SDK that speaks IMDSv2, then require tokens on each instance and in its launch template"
            .to_owned(),
        commands: vec![
            "aws ec2 describe-instances --filters Name=metadata-options.http-tokens,Values=optional --query 'Reservations[].Instances[].InstanceId'".to_owned(),
            format!(
                "aws ec2 modify-instance-metadata-options --instance-id {instance} --http-tokens required, for each of them  # undo: the same with --http-tokens optional"
            ),
            "aws ec2 modify-instance-metadata-defaults --http-tokens required, in each region  # undo: the same with --http-tokens no-preference".to_owned(),
        ],
        evidence,
    })
}
