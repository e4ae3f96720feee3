//! Random calls of random workloads, decided by IAM's rules and not by the proofs.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::attribute::{Actor, Known, PrincipalKind, Workload, WorkloadKind};
use crate::coverage::Coverage;
use crate::gap;
use crate::grants::{self, Grants};
use crate::iam::evaluate::{Policies, evaluate};
use crate::iam::{Answer, Request};
use crate::resolve::Facts;
use crate::rightsize::{Basis, EvidenceLevel, Options, role_splits};
use crate::time::Window;
use crate::usage::table::{Behind, Caller, Row, Seen, Signature, Table, Witness};

const ROLE: &str = "arn:aws:iam::111122223333:role/shared";
/// Operations, and the action that each needs.
const OPERATIONS: [(&str, &str, &str); 6] = [
    ("ec2.amazonaws.com", "DescribeInstances", "ec2:DescribeInstances"),
    ("ec2.amazonaws.com", "DescribeVolumes", "ec2:DescribeVolumes"),
    ("s3.amazonaws.com", "ListBuckets", "s3:ListAllMyBuckets"),
    (
        "secretsmanager.amazonaws.com",
        "ListSecrets",
        "secretsmanager:ListSecrets",
    ),
    ("sqs.amazonaws.com", "ListQueues", "sqs:ListQueues"),
    ("iam.amazonaws.com", "ListRoles", "iam:ListRoles"),
];
/// What nobody does.
const OTHERS: [&str; 4] = ["ec2:TerminateInstances", "iam:CreateRole", "s3:DeleteBucket", "zz:x"];

/// One call: which operation, and by whom; the last of them nobody can name.
type Called = (usize, usize);
const NOBODY: usize = 3;

fn grants(document: &Value) -> Grants {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Principal": {"Service": "pods.eks.amazonaws.com"}}]});
    let page = json!({"UserDetailList": [], "GroupDetailList": [], "Policies": [], "RoleDetailList": [{
        "RoleName": "shared", "Arn": ROLE, "Path": "/", "RoleId": "AROASHARED", "CreateDate": "2020-01-01T00:00:00Z",
        "AssumeRolePolicyDocument": trust, "AttachedManagedPolicies": [], "InstanceProfileList": [],
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": document}]}]});
    grants::read(&[("g".to_owned(), page.to_string())]).expect("they are grants")
}

fn actor(who: usize) -> Actor {
    if who == NOBODY {
        return Actor::unknown(Known::Unseen);
    }
    Actor {
        workload: Some(Workload {
            kind: WorkloadKind::PodIdentity,
            cluster: Some("prod".to_owned()),
            namespace: Some("shop".to_owned()),
            name: format!("w{who}"),
        }),
        known: Known::Opening,
        provider: String::new(),
        sessions: String::new(),
    }
}

/// A table of calls, each read apart from the others.
fn table(calls: &[Called]) -> Table {
    let parts = calls.iter().map(|(operation, who)| {
        let (source, name, _) = OPERATIONS[*operation];
        let text = |text: &str| -> Arc<str> { text.into() };
        let time = 1_790_000_000 + 86_400 * *operation as i64;
        let witness = Witness {
            time,
            event_id: format!("{operation}-{who}"),
        };
        Table {
            signatures: vec![Seen {
                signature: Signature {
                    caller: Caller {
                        kind: PrincipalKind::Role,
                        arn: text(ROLE),
                        id: text("AROASHARED"),
                        account: text("111122223333"),
                    },
                    account: text("111122223333"),
                    region: text("eu-west-1"),
                    event_source: text(source),
                    event_name: text(name),
                    error_code: text(""),
                    denied_action: text(""),
                    facts: Arc::new(Facts {
                        known: true,
                        ..Facts::default()
                    }),
                },
                first: witness.clone(),
                last: witness,
            }],
            rows: vec![Row {
                signature: 0,
                day: i32::try_from(time / 86_400).expect("a day"),
                behind: 1,
                calls: 1,
                first: time,
                last: time,
                resources: Vec::new(),
            }],
            behind: vec![Behind::Nobody, Behind::Actor(Arc::new(actor(*who)))],
            workloads: Vec::new(),
            clusters: Default::default(),
            sessions: Vec::new(),
        }
    });
    let mut table = Table::merge(parts);
    table.join_sessions();
    table
}

/// The parts of the role by the first of their workloads: the new role's name, and all that it would be allowed.
fn parts(document: &Value, calls: &[Called]) -> BTreeMap<String, (String, Policy)> {
    let catalog = Catalog::embedded();
    let (grants, table, coverage) = (grants(document), table(calls), Coverage::default());
    let window = Window {
        first: 1_790_000_000,
        end: 1_790_000_000 + 86_400 * 30,
    };
    let gaps = gap::classify(catalog, &table, &grants, &coverage, window);
    let options = Options {
        evidence: EvidenceLevel::Aggressive,
        ..Options::default()
    };
    let basis = Basis {
        catalog,
        table: &table,
        grants: &grants,
        gaps: &gaps,
        window,
        options: &options,
    };
    let (made, impossible) = role_splits(&basis, &|_| true);
    assert_eq!(impossible, []);
    let mut parts = BTreeMap::new();
    for split in made {
        let proved = role_split(catalog, &gaps[split.role], split).expect("it is proved");
        for (part, document, _) in proved.parts() {
            assert!(part.trust.is_ok(), "{:?}", part.trust);
            let after = part.after(document).expect("a policy");
            parts.insert(part.workloads[0].0.name.clone(), (part.name.clone(), after));
        }
    }
    parts
}

fn allows(policy: &Policy, action: &str) -> bool {
    let request = Request {
        principal: ROLE.to_owned(),
        action: action.to_owned(),
        resource: "*".to_owned(),
        resource_account: Some("111122223333".to_owned()),
        context: Default::default(),
    };
    let policies = Policies {
        identity: vec![policy.clone()],
        ..Policies::default()
    };
    evaluate(&request, &policies).allows == Answer::Yes
}

fn documents() -> impl Strategy<Value = Value> {
    let actions = prop::sample::select(vec![
        json!("*"),
        json!(["ec2:*", "s3:*", "sqs:*", "iam:*", "secretsmanager:*"]),
        json!([
            "ec2:Describe*",
            "s3:List*",
            "sqs:ListQueues",
            "iam:List*",
            "secretsmanager:*"
        ]),
        json!(["ec2:*"]),
    ]);
    let deny = prop::sample::select(vec![json!([]), json!(["iam:*"]), json!(["ec2:TerminateInstances"])]);
    (actions, deny).prop_map(|(actions, deny)| {
        let mut statements = vec![json!({"Sid": "A", "Effect": "Allow", "Action": actions, "Resource": "*"})];
        if deny.as_array().is_some_and(|deny| !deny.is_empty()) {
            statements.push(json!({"Sid": "D", "Effect": "Deny", "Action": deny, "Resource": "*"}));
        }
        json!({"Version": "2012-10-17", "Statement": statements})
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_part_is_within_the_role_keeps_its_own_and_all_together_keep_the_rest(
        document in documents(),
        calls in prop::collection::vec((0..OPERATIONS.len(), 0..=NOBODY), 1..14),
        turn in 0_usize..14,
    ) {
        let before = Policy::from_value(&document).expect("a policy");
        let parts = parts(&document, &calls);
        let named: std::collections::BTreeSet<usize> = calls.iter().map(|(_, who)| *who).filter(|who| *who != NOBODY).collect();
        prop_assert_eq!(parts.len(), if named.len() > 1 { named.len() } else { 0 });
        for (who, (_, after)) in &parts {
            for (at, (.., action)) in OPERATIONS.iter().enumerate() {
                let by = |whom: &dyn Fn(usize) -> bool| calls.iter().any(|(op, who)| *op == at && whom(*who));
                let own = by(&|other| other == NOBODY || format!("w{other}") == *who);
                if own {
                    prop_assert_eq!(allows(after, action), allows(&before, action), "{} {}", who, action);
                } else if by(&|_| true) && !action.starts_with("iam:") {
                    // Somebody else's alone: that is what the split is for.
                    prop_assert!(!allows(after, action), "{} still has {}", who, action);
                }
                prop_assert!(!allows(after, action) || allows(&before, action));
            }
            for action in OTHERS {
                prop_assert!(!allows(after, action) || allows(&before, action));
            }
        }
        let mut turned = calls.clone();
        turned.rotate_left(turn % calls.len());
        turned.reverse();
        prop_assert_eq!(self::parts(&document, &turned), parts);
    }
}
