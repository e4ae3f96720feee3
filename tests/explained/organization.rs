//! Policies of the organization, and calls that AWS allowed in their presence: the call was allowed, so whatever they say
//! now, they let it pass. They explain nothing and take no explanation away.

use serde_json::{Value, json};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::gap::{self, Grade, Share};
use trimtrail::inside::grants::OrganizationPolicies;
use trimtrail::inside::iam::Policy;

use super::{Archive, EXACT, conservative, get_object, losses_without, policy, statement};
use crate::journey::{ACCOUNT, role};

fn levels(documents: &[Value]) -> Vec<Vec<Policy>> {
    let parse = |document: &Value| vec![Policy::from_value(document).expect("a policy")];
    documents.iter().map(parse).collect()
}

/// Organization policies that forbid what the role did: as today's may, whatever they were on the day of the call.
fn forbidding() -> Vec<(&'static str, OrganizationPolicies)> {
    let deny = json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"});
    let deny_anybody = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"});
    let everything = policy(&[statement("*", "*")]);
    let scp = |documents: &[Value]| OrganizationPolicies {
        service_control: levels(documents),
        resource_control: Vec::new(),
    };
    vec![
        ("an SCP denies it", scp(&[policy(&[statement("*", "*"), deny])])),
        (
            "no SCP of a level allows it",
            scp(&[everything.clone(), policy(&[statement("ec2:*", "*")])]),
        ),
        (
            "a level has no SCP",
            OrganizationPolicies {
                service_control: vec![Vec::new()],
                resource_control: Vec::new(),
            },
        ),
        (
            "an RCP denies it",
            OrganizationPolicies {
                service_control: levels(&[everything]),
                resource_control: levels(&[policy(&[deny_anybody])]),
            },
        ),
    ]
}

fn archive(resource: &str, organization: Option<OrganizationPolicies>) -> Archive {
    let document = policy(&[
        statement("s3:GetObject", EXACT),
        statement("ec2:TerminateInstances", "*"),
    ]);
    let mut archive = Archive::new(&[get_object(3, json!({}))], &role(&document)).derived(&[resource]);
    archive.grants.supplements.organization = organization.map(|policies| [(ACCOUNT.to_owned(), policies)].into());
    archive
}

fn share(archive: &Archive) -> Share {
    let window = archive.coverage.span.expect("events");
    gap::explained(
        Catalog::embedded(),
        &archive.table,
        &archive.grants,
        &archive.coverage,
        window,
    )
    .total
}

/// The unexplained calls: what they needed, why nothing explains it, how many they are, what stays.
fn unexplained(archive: &Archive) -> Vec<String> {
    let gap = archive.gaps().remove(0);
    let calls = gap.activity.unexplained.iter();
    calls
        .map(|one| format!("{:?} {:?} {} {:?}", one.action, one.cause, one.calls, one.kept))
        .collect()
}

#[test]
fn an_organization_that_forbids_a_call_does_not_unexplain_it() {
    for (what, organization) in forbidding() {
        let archive = archive(EXACT, Some(organization));
        let total = share(&archive);
        assert_eq!((total.calls, total.explained), (1, 1), "{what}");
        assert_eq!(archive.gaps()[0].activity.unexplained, [], "{what}");
        assert_eq!(archive.grade("s3:GetObject").0, Grade::Used, "{what}");
        assert_eq!(archive.removed(&conservative()), ["ec2:TerminateInstances"], "{what}");
        // Nor does a proof let the grant go because it could not be used any more.
        assert_eq!(losses_without(&archive, 0).0, ["s3:GetObject"], "{what}");
    }
}

#[test]
fn an_organization_does_not_explain_what_no_grant_does() {
    let elsewhere = "arn:aws:s3:::other/k";
    let everything = levels(&[policy(&[statement("*", "*")])]);
    let allowing = OrganizationPolicies {
        service_control: everything,
        resource_control: Vec::new(),
    };
    let organizations = forbidding()
        .into_iter()
        .map(|(_, organization)| organization)
        .chain([allowing]);
    let expected = archive(elsewhere, None);
    assert_eq!((share(&expected).calls, share(&expected).explained), (1, 0));
    for organization in organizations {
        let found = archive(elsewhere, Some(organization));
        assert_eq!(share(&found), share(&expected));
        assert_eq!(unexplained(&found), unexplained(&expected));
        assert_eq!(found.removed(&conservative()), expected.removed(&conservative()));
    }
}
