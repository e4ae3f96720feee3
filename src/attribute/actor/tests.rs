//! Who stood behind calls: one session a test.

use std::sync::Arc;

use super::super::opening::Claim;
use super::*;

const HOUR: i64 = 3600;

fn cart() -> Workload {
    Workload {
        kind: WorkloadKind::PodIdentity,
        cluster: Some("prod".to_owned()),
        namespace: Some("shop".to_owned()),
        name: "cart".to_owned(),
    }
}

fn role(name: &str) -> Workload {
    Workload::plain(
        WorkloadKind::Principal,
        &format!("arn:aws:iam::111122223333:role/{name}"),
    )
}

fn opening(opener: Opener, from: i64, hours: i64) -> Opening {
    Opening {
        opener: opener.into(),
        from,
        until: from + hours * HOUR,
        sessions: Arc::default(),
    }
}

/// Calls between `first` and `last` of a session with these openings; `hub` opened the session that a claim names.
#[track_caller]
fn check(openings: &[Opening], hub: &[Opening], (first, last): (i64, i64), expected: Result<&Workload, Known>) {
    let (openings, hub): (Openings, Openings) = (openings.iter().cloned().collect(), hub.iter().cloned().collect());
    let find = |role: &str, key: &str| ((role, key) == ("AROAHUB", "ASIAHUB")).then_some(&hub);
    let actor = behind(&openings, None, "", (first, last), &find);
    let found = actor.workload.as_ref().ok_or(actor.known);
    assert_eq!(found, expected);
}

#[test]
fn calls_within_the_life_of_a_session_are_its_openers() {
    let opened = [opening(Opener::Named(cart()), 100 * HOUR, 1)];
    let within = |first: i64, last: i64, expected| check(&opened, &[], (first, last), expected);
    let cart = cart();
    within(100 * HOUR, 101 * HOUR, Ok(&cart));
    within(100 * HOUR - SKEW, 101 * HOUR + SKEW, Ok(&cart));
    within(100 * HOUR - SKEW - 1, 100 * HOUR, Err(Known::Outside));
    within(100 * HOUR, 101 * HOUR + SKEW + 1, Err(Known::Outside));
    within(103 * HOUR, 103 * HOUR, Err(Known::Outside));
    // So far away it is another session.
    within(200 * HOUR, 200 * HOUR, Err(Known::Unseen));
    within(10 * HOUR, 10 * HOUR, Err(Known::Unseen));
    check(&[], &[], (0, 0), Err(Known::Unseen));
}

#[test]
fn key_that_two_opened_names_neither() {
    let two = |from| {
        [
            opening(Opener::Named(cart()), 100 * HOUR, 6),
            opening(Opener::Named(role("ci")), from, 6),
        ]
    };
    check(&two(101 * HOUR), &[], (100 * HOUR, 100 * HOUR), Err(Known::Several));
    check(&two(101 * HOUR), &[], (102 * HOUR, 102 * HOUR), Err(Known::Several));
    // Days apart each is itself.
    check(&two(200 * HOUR), &[], (102 * HOUR, 102 * HOUR), Ok(&cart()));
    check(&two(200 * HOUR), &[], (201 * HOUR, 202 * HOUR), Ok(&role("ci")));
    let unnamed = [
        opening(Opener::Named(cart()), 100 * HOUR, 6),
        opening(Opener::Unnamed(WorkloadKind::PodIdentity), 101 * HOUR, 6),
    ];
    check(&unnamed, &[], (102 * HOUR, 102 * HOUR), Err(Known::Several));
}

#[test]
fn copy_of_a_call_in_the_other_account_is_no_second_opener() {
    let copy = |account: &str| {
        opening(
            Opener::Named(Workload::plain(WorkloadKind::Principal, account)),
            HOUR,
            6,
        )
    };
    let own = opening(Opener::Named(role("ci")), HOUR, 6);
    check(&[copy("111122223333"), own.clone()], &[], (HOUR, HOUR), Ok(&role("ci")));
    check(&[copy("444455556666"), own], &[], (HOUR, HOUR), Err(Known::Several));
    let account = Workload::plain(WorkloadKind::Principal, "111122223333");
    check(&[copy("111122223333")], &[], (HOUR, HOUR), Ok(&account));
}

#[test]
fn claim_is_believed_where_eks_opened_the_session_that_makes_it() {
    let claim = opening(
        Opener::Claimed(Box::new(Claim {
            caller: role("hub"),
            role_id: "AROAHUB".to_owned(),
            session: "ASIAHUB".to_owned(),
            pod: cart(),
        })),
        101 * HOUR,
        1,
    );
    let hub = |opener: Opener| opening(opener, 100 * HOUR, 6);
    let check = |hub: &[Opening], expected: &Workload| {
        check(
            std::slice::from_ref(&claim),
            hub,
            (101 * HOUR, 101 * HOUR),
            Ok(expected),
        );
    };
    let other = Workload {
        name: "api".to_owned(),
        ..cart()
    };
    check(&[hub(Opener::Unnamed(WorkloadKind::PodIdentity))], &cart());
    check(&[hub(Opener::Named(cart()))], &cart());
    check(&[hub(Opener::Named(other.clone()))], &role("hub"));
    check(&[hub(Opener::Named(role("ci")))], &role("hub"));
    check(&[hub(Opener::Unnamed(WorkloadKind::WebIdentity))], &role("hub"));
    check(&[hub(Opener::Named(cart())), hub(Opener::Named(other))], &role("hub"));
    check(&[opening(Opener::Named(cart()), 90 * HOUR, 1)], &role("hub"));
    check(&[], &role("hub"));
}

fn shown(said: bool, kind: WorkloadKind) -> Shown {
    Shown {
        said,
        workload: Workload::plain(kind, "name"),
    }
}

#[track_caller]
fn check_shown(opener: Option<Opener>, shown: &Shown, expected: (Option<WorkloadKind>, Known)) {
    let openings: Openings = opener.map(|opener| opening(opener, 0, 1)).into_iter().collect();
    let actor = behind(&openings, Some(shown), "", (0, 0), &|_, _| None);
    assert_eq!((actor.workload.map(|workload| workload.kind), actor.known), expected);
}

#[test]
fn what_calls_show_stands_behind_what_was_seen() {
    use WorkloadKind::{Ec2, Lambda, PodIdentity, Principal, Saml, Sso};
    check_shown(None, &shown(false, Ec2), (Some(Ec2), Known::Call));
    check_shown(None, &shown(true, Lambda), (Some(Lambda), Known::UserAgent));
    let named = |kind| Some(Opener::Named(Workload::plain(kind, "x")));
    check_shown(
        named(Principal),
        &shown(true, Lambda),
        (Some(Principal), Known::Opening),
    );
    check_shown(named(Saml), &shown(false, Sso), (Some(Sso), Known::Call));
    let unnamed = Some(Opener::Unnamed(PodIdentity));
    check_shown(unnamed, &shown(true, Lambda), (None, Known::Unnamed(PodIdentity)));
}

#[test]
fn provider_names_the_cluster_alone() {
    let provider = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABCD";
    let actor = behind(&Openings::default(), None, provider, (0, 0), &|_, _| None);
    assert_eq!((actor.workload.as_ref(), actor.provider.as_str()), (None, provider));
    assert_eq!(cluster_of(provider), Some("ABCD"));
    assert_eq!(
        cluster_of("arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"),
        None
    );
    assert_eq!(cluster_of("https://accounts.google.com/id/ABCD"), None);
    assert_eq!(cluster_of(""), None);
}
