//! A report by hand, half of it written by a stranger.

use std::collections::BTreeMap;

use serde_json::json;

use crate::gap::Grade;
use crate::iam::PolicyText;
use crate::report::*;
use crate::verify::{self, Verified};

/// ANSI, HTML, Markdown, a formula, a template, a mention, a direction mark, a null, lines.
pub(super) const HOSTILE: &str = "=cmd|' /C calc'!A0\u{1b}[31m<script src=//evil.example/x>alert(1)</script>`|**b**| @octocat #1 \
                       ${jndi:ldap} {{7*7}} [x](https://evil.example) \u{202e}txt\u{2066}\u{0}\r\n| a | b |\n```\n</details>";

/// A proved change to a policy of `ci-deploy`.
pub(super) fn suggestion(id: &str, policy: &str, change: &str, step: &str, held: Option<&str>) -> Verified<Suggestion> {
    let before = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Storage", "Effect": "Allow", "Action": ["s3:*", "iam:*"], "Resource": "*"},
        {"Sid": "Never", "Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": HOSTILE},
    ]});
    let after = match change {
        "replace" => json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "Storage", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"},
            {"Sid": "Never", "Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": HOSTILE},
        ]}),
        _ => json!({"Version": "2012-10-17", "Statement": []}),
    };
    let (before, after) = (PolicyText::from(&before), PolicyText::from(&after));
    let value = Suggestion {
        id: id.to_owned(),
        policy: policy.to_owned(),
        policy_arn: "arn:aws:iam::111122223333:role/ci/ci-deploy".to_owned(),
        kind: "inline".to_owned(),
        affects: vec!["arn:aws:iam::111122223333:role/ci/ci-deploy".to_owned()],
        step: step.to_owned(),
        change: change.to_owned(),
        before_sha256: "ab".repeat(32),
        statements: match change {
            "replace" => vec![
                StatementOrigin {
                    from: vec![0],
                    unseen: Some(Unseen {
                        actions: 2,
                        services: [HOSTILE, "s3"]
                            .map(|service| UnseenService {
                                service: service.to_owned(),
                                actions: 1,
                            })
                            .to_vec(),
                        why: vec![UnseenWhy {
                            actions: 2,
                            why: HOSTILE.to_owned(),
                            reason: None,
                        }],
                    }),
                },
                StatementOrigin {
                    from: vec![1],
                    unseen: None,
                },
            ],
            _ => Vec::new(),
        },
        characters: Characters {
            before: 612,
            after: 240,
            quota: 10_240,
        },
        removed: vec!["iam:*".to_owned(), HOSTILE.to_owned()].into(),
        removed_actions: 301,
        risk_removed: vec!["iam:PutRolePolicy".to_owned(), "iam:CreateAccessKey".to_owned()],
        narrowed: vec![Narrowed {
            statement: HOSTILE.to_owned(),
            from: vec!["*".to_owned()],
            to: vec![HOSTILE.to_owned()],
        }],
        room: None,
        assumptions: vec![HOSTILE.to_owned()],
        held: held.map(str::to_owned),
        held_until: held.map(|_| "2026-12-01T00:00:00Z".to_owned()),
        confidence: "medium".to_owned(),
        confidence_why: vec![HOSTILE.to_owned()],
        expires: "2026-11-11T00:00:00Z".to_owned(),
        verdict: Verdict {
            narrower: "proved".to_owned(),
            keeps: "proved".to_owned(),
            shapes_proved: 12,
            calls_represented: 41_202,
            incomplete: 3,
            unmapped: 1,
            unexplained: 2,
            chosen_by: vec![HOSTILE.to_owned()],
        },
        unseen_actions: 4,
        chosen: vec![Chosen {
            principal: "arn:aws:iam::111122223333:role/ci/ci-deploy".to_owned(),
            decision: "drop".to_owned(),
            count: 1,
            actions: vec!["iam:PassRole".to_owned()].into(),
            who: HOSTILE.to_owned(),
            why: HOSTILE.to_owned(),
        }],
    };
    verify::again(before, after, value).expect("the sample's policies shrink")
}

fn action(name: &str, grade: Grade, calls: u64, why: &str) -> Action {
    let seen = (calls > 0).then(|| "2026-10-01T08:00:00Z".to_owned());
    Action {
        action: name.to_owned(),
        grade,
        why: why.to_owned(),
        calls,
        days_active: calls.min(30),
        typical_gap_days: (calls > 1).then_some(1.0),
        rhythm: None,
        first_seen: seen.clone(),
        last_seen: seen,
        workloads: Vec::new(),
        events: FirstLast::default(),
        resources: vec!["arn:aws:s3:::build-artifacts/*".to_owned()],
        granted_by: vec![GrantedBy {
            policy: "inline:deploy".to_owned(),
            statement: "Storage".to_owned(),
            index: 0,
        }],
        blocked_by: None,
        by_resource: Vec::new(),
    }
}

fn principal(arn: &str, kind: &str) -> Principal {
    Principal {
        arn: arn.to_owned(),
        id: "AROAEXAMPLE".to_owned(),
        kind: kind.to_owned(),
        account: "111122223333".to_owned(),
        path: "/ci/".to_owned(),
        owner: None,
        created: "2024-02-01T00:00:00Z".to_owned(),
        last_seen: Some("2026-10-20T08:00:00Z".to_owned()),
        calls_replayed: 41_202,
        calls_incomplete: 0,
        calls_unexplained: 0,
        rhythm: Some(Rhythm {
            says: "runs each Monday; next expected 2026-10-26".to_owned(),
            every: Some("week".to_owned()),
            occurrences: 4,
            next_expected: Some("2026-10-26".to_owned()),
            seen_twice: true,
        }),
        rewritable: true,
        why_not: None,
        policies: Vec::new(),
        workloads: vec![Workload {
            kind: "service_account".to_owned(),
            cluster: Some("prod".to_owned()),
            namespace: Some("build".to_owned()),
            name: HOSTILE.to_owned(),
            known: "seen".to_owned(),
            calls: 41_202,
            sessions: Vec::new(),
        }],
        totals: GradeTotals {
            granted: 420,
            used: 18,
            inferred: 4,
            unused: 340,
            unobservable: 40,
            denied_only: 2,
            outside_coverage: 16,
        },
        actions: vec![
            action("s3:GetObject", Grade::Used, 41_000, "42 calls a day"),
            action(
                "iam:PassRole",
                Grade::Inferred,
                0,
                "lambda:CreateFunction passes a role",
            ),
            action("kms:Decrypt", Grade::DeniedOnly, 0, HOSTILE),
        ],
        action_groups: vec![
            ActionGroup {
                service: "iam".to_owned(),
                grade: Grade::Unused,
                why: HOSTILE.to_owned(),
                count: 340,
                patterns: vec!["iam:Create*".to_owned(), "iam:Put*".to_owned()],
                granted_by: vec![GrantedBy {
                    policy: "inline:deploy".to_owned(),
                    statement: "Storage".to_owned(),
                    index: 0,
                }],
            }
            .into(),
        ],
        denials: Vec::new(),
        elsewhere: vec![Elsewhere {
            action: "s3:PutObject".to_owned(),
            resources: Vec::new(),
            calls: 7,
            last_seen: "2026-10-20T08:00:00Z".to_owned(),
            why: "the bucket's policy".to_owned(),
        }],
        unexplained: vec![Unexplained {
            event_source: "s3.amazonaws.com".to_owned(),
            event_name: "GetObject".to_owned(),
            action: "s3:GetObject".to_owned(),
            resources: vec!["arn:aws:s3:::shop/a%20b".to_owned()],
            calls: 2,
            indeterminate: 0,
            first_seen: "2026-10-19T08:00:00Z".to_owned(),
            last_seen: "2026-10-20T08:00:00Z".to_owned(),
            event: None,
            kept: vec!["s3:GetObject".to_owned()],
            why: format!("no statement allows it {HOSTILE}"),
        }],
        findings: vec![Finding {
            id: "long-lived-key".to_owned(),
            key: "long-lived-key:x".to_owned(),
            severity: Severity::High,
            practice: "Use roles, not access keys".to_owned(),
            title: format!("an access key is 900 days old {HOSTILE}"),
            why: "two keys, one never rotated".to_owned(),
            fix: "replace it with a role".to_owned(),
            commands: vec![HOSTILE.to_owned()],
            evidence: vec![HOSTILE.to_owned()],
        }],
    }
}

/// Two principals, hostile names, four suggestions: two steps of one policy, one held, one detached.
pub(super) fn sample() -> Report {
    let mut idle = principal(
        &format!("arn:aws:iam::111122223333:user/{HOSTILE}{}", "x".repeat(250_000)),
        "user",
    );
    idle.totals = GradeTotals {
        granted: 90,
        unused: 90,
        ..GradeTotals::default()
    };
    idle.rewritable = false;
    idle.why_not = Some("maintained upstream".to_owned());
    idle.last_seen = None;
    let shared = suggestion("s-4", "AdministratorAccess", "detach", "services", None);
    let beside = Suggestion {
        policy_arn: "arn:aws:iam::aws:policy/AdministratorAccess".to_owned(),
        kind: "aws_managed".to_owned(),
        affects: vec![shared.affects[0].clone(), idle.arn.clone()],
        ..Suggestion::clone(&shared)
    };
    let shared = shared.with(beside);
    Report {
        schema: SCHEMA.to_owned(),
        tool: Tool {
            version: "0.1.0".to_owned(),
            catalog_date: "2026-10-27".to_owned(),
        },
        window: Window {
            from: "2026-05-01T00:00:00Z".to_owned(),
            to: "2026-10-28T00:00:00Z".to_owned(),
            days: 180.0,
        },
        coverage: Coverage {
            files: 4_201,
            bytes: 812_400_000,
            records: 1_000,
            events_used: 900,
            events_unmapped: 10,
            events_unattributed: 20,
            events_not_calls: 65,
            skipped: vec![Skipped {
                what: format!("a.json.gz {HOSTILE}"),
                why: "torn".to_owned(),
                records: 5,
            }],
            accounts: vec!["111122223333".to_owned()],
            regions: vec!["eu-central-1".to_owned(), HOSTILE.to_owned()],
            data_events: vec![DataEvents {
                resource_type: "AWS::S3::Object".to_owned(),
                seen: vec!["build-artifacts".to_owned()],
            }],
            gaps: vec![CoverageGap {
                account: "111122223333".to_owned(),
                region: "us-east-1".to_owned(),
                from: "2026-06-01T00:00:00Z".to_owned(),
                to: "2026-06-03T00:00:00Z".to_owned(),
                why: "silence beyond 24 hours and ten times the usual gap".to_owned(),
            }],
            unmapped: vec![Unmapped {
                event_source: "new.amazonaws.com".to_owned(),
                event_name: HOSTILE.to_owned(),
                why: "no such operation".to_owned(),
                calls: 10,
            }],
            ..Coverage::default()
        },
        principals: vec![principal("arn:aws:iam::111122223333:role/ci/ci-deploy", "role"), idle],
        suggestions: vec![
            suggestion("s-1", "deploy", "replace", "services", None),
            suggestion("s-2", "deploy", "replace", "actions", None),
            suggestion("s-3", "../../etc", "replace", "actions", Some("the role is 4 days old")),
            shared,
        ],
        account_findings: Vec::new(),
        practices: vec![PracticeReport {
            number: 3,
            practice: "grant least privilege".to_owned(),
            state: State::ToDo,
            evidence: vec!["1 finding, 1 of them high".to_owned()],
            next: "take <b>it</b> away".to_owned(),
        }],
        graph: Some(crate::emit::inventory::tests::graph(HOSTILE)),
        alternatives: vec![Alternative {
            kind: "trial_deny".to_owned(),
            policy: None,
            policy_arn: None,
            affects: vec!["arn:aws:iam::111122223333:role/ci/ci-deploy".to_owned()],
            documents: vec![json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Deny", "Action": "iam:*", "Resource": HOSTILE}]})],
            split: None,
            workload: None,
            associations: Vec::new(),
            characters: vec![97],
            quota: 6_144,
            equivalent: false,
            note: "not equivalent".to_owned(),
            held: None,
            verdict: Verdict::default(),
        }],
        questions: Vec::new(),
        choices: Vec::new(),
        refused: vec![Refused {
            policy: "other".to_owned(),
            policy_arn: "arn:aws:iam::111122223333:policy/other".to_owned(),
            affects: Vec::new(),
            kind: None,
            after: json!({}),
            witness: HOSTILE.to_owned(),
        }],
        policies: vec![LivePolicy {
            policy: HOSTILE.to_owned(),
            policy_arn: format!("arn:aws:iam::111122223333:role/{HOSTILE}"),
            kind: "inline".to_owned(),
            owners: vec![HOSTILE.to_owned()],
            sha256: "00".to_owned(),
            tags: BTreeMap::from([(HOSTILE.to_owned(), HOSTILE.to_owned())]),
            why_not: Some(HOSTILE.to_owned()),
        }],
        policy_documents: BTreeMap::from([("00".to_owned(), PolicyText::from(&json!({"Id": HOSTILE})))]),
        totals: Totals {
            principals: 2,
            actions: GradeTotals {
                granted: 510,
                used: 18,
                inferred: 4,
                unused: 430,
                unobservable: 40,
                denied_only: 2,
                outside_coverage: 16,
            },
            ready: 3,
            held: 1,
            needs_choice: 31,
            questions: 40,
            ready_unseen: 2,
            calls_replayed: 41_202,
            not_touched: BTreeMap::from([("service roles".to_owned(), 44), ("too new".to_owned(), 61)]),
            removable_actions: 602,
            findings: BTreeMap::new(),
            would_prove_most: Some("data events on 4 buckets".to_owned()),
            life_cycles: None,
            backtest: Some(BacktestTotals {
                cut: "2026-09-01".to_owned(),
                learnt_days: 120,
                replayed_days: 60,
                calls: 41_202,
                broken_calls: 0,
                doubtful_calls: 3,
                ready_calls: 38_000,
                ready_broken_calls: 0,
                ready_doubtful_calls: 0,
                held_broken_calls: 2,
            }),
        },
    }
}
