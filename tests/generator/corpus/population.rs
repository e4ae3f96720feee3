//! Who lives in a corpus: accounts with principals, what each calls, and what IAM grants it.

use serde_json::{Value, json};

use super::super::event::Event;
use super::super::grants::{Grants, Holder, allow, document, trust_service, trust_subject};
use super::super::identity::{Role, User, Who};
use super::super::rng::{Rng, Zipf, fake_id};
use super::Plan;
use super::template::Template;

/// One line of `operations.txt`.
pub(super) struct Operation {
    service: &'static str,
    action: String,
    pub(super) global: bool,
    pub(super) template: Template,
    /// The same call, refused.
    pub(super) denied: Template,
}

/// A role or a user.
pub(super) struct Principal {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) agent: &'static str,
    pub(super) identity: Template,
    /// The record of the call that made the session; users have none.
    pub(super) seed: Option<Template>,
    /// What it calls, the most frequent first.
    pub(super) operations: Vec<usize>,
    /// Sessions are called by instance, by function, …
    pub(super) session: &'static str,
}

pub(super) struct Account {
    pub(super) id: String,
    pub(super) principals: Vec<Principal>,
    pub(super) popular: Zipf,
    pub(super) grants: Value,
}

const AGENTS: [&str; 6] = [
    "Boto3/1.35.20 md/Botocore#1.35.20 ua/2.0 os/linux#6.1.109 md/arch#x86_64 lang/python#3.12.5",
    "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64",
    "aws-sdk-java/2.27.3 Linux/6.1.109 OpenJDK_64-Bit_Server_VM/21.0.4 Java/21.0.4 vendor/Amazon.com_Inc.",
    "aws-cli/2.17.32 md/awscrt#0.21.2 ua/2.0 os/linux#6.1.109 md/arch#x86_64 lang/python#3.11.9",
    "kubelet/1.30.4 (linux/amd64) aws-sdk-go/1.51.2",
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.5 terraform-provider-aws/5.65.0 aws-sdk-go-v2/1.30.3",
];

/// A record whose holes are marked.
fn template(source: &str, name: &str, read: bool, data: bool, fields: [&str; 4], error: bool) -> Template {
    let who = Who {
        identity: json!("@@identity@@"),
        account: "@@account@@".into(),
        ip: "@@address@@".into(),
        agent: "@@agent@@".into(),
    };
    let new = if read { Event::read } else { Event::new };
    let [parameters, response, kind, arn] = fields;
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut event = new(&who, 0, "@@region@@", source, name)
        .parameters(parse(parameters))
        .response(parse(response));
    if !kind.is_empty() {
        event = event.resource(kind, arn);
    }
    if data {
        event = event.data();
    }
    if error {
        event = event.parameters(Value::Null).error(
            "AccessDenied",
            &format!(
                "User: arn:aws:sts::@@account@@:assumed-role/@@role@@/@@session@@ is not authorized to perform: \
                 {source}:{name} because no identity-based policy allows the {source}:{name} action"
            ),
        );
    }
    hollow(event)
}

fn hollow(event: Event) -> Template {
    let mut record = event.record_with("@@uuid@@".into(), "@@uuid@@".into());
    record["eventTime"] = json!("@@time@@");
    Template::new(&record)
}

pub(super) fn operations() -> Vec<Operation> {
    let mut out = Vec::new();
    for line in include_str!("operations.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let fields: Vec<&str> = line.split('|').collect();
        let [service, source, name, class, global, parameters, response, kind, arn] = fields[..] else {
            panic!("nine fields: {line}");
        };
        let (read, data) = (matches!(class, "r" | "d"), matches!(class, "d" | "D"));
        let rest = [parameters, response, kind, arn];
        out.push(Operation {
            service,
            // lambda:GetFunction is logged as GetFunction20150331v2, and ListBuckets is another name of its action.
            action: match name {
                "ListBuckets" => "s3:ListAllMyBuckets".to_owned(),
                _ => format!("{service}:{}", name.split("2015").next().unwrap_or(name)),
            },
            global: global == "g",
            template: template(source, name, read, data, rest, false),
            denied: template(source, name, read, data, rest, true),
        });
    }
    out
}

/// The accounts of a plan, with its principals shared out among them.
pub(super) fn accounts(operations: &[Operation], plan: &Plan) -> Vec<Account> {
    let (accounts, principals) = (plan.accounts, plan.principals);
    let each = Zipf::new(operations.len(), 0.7);
    (0..accounts)
        .map(|number| {
            let id = format!("{:012}", 200_000_000_000 + u64::from(number) * 1_010_101);
            let mut grants = Grants::new(&id, number % 2 == 1);
            let common = grants.policy(
                "common-logs",
                "2024-01-01T00:00:00+00:00",
                &[document(&[allow(&["logs:*", "cloudwatch:*"], &["*"])])],
            );
            let count = (principals / accounts + u32::from(number < principals % accounts)).max(1);
            let members = (0..count)
                .map(|member| {
                    let mut rng = Rng::named(plan.seed, &format!("principal {number} {member}"));
                    principal(
                        &mut grants,
                        operations,
                        &each,
                        member,
                        &common,
                        plan.administrators,
                        &mut rng,
                    )
                })
                .collect();
            Account {
                id,
                principals: members,
                popular: Zipf::new(count as usize, 1.0),
                grants: grants.finish(),
            }
        })
        .collect()
}

fn principal(
    grants: &mut Grants,
    operations: &[Operation],
    each: &Zipf,
    number: u32,
    common: &str,
    administrator: bool,
    rng: &mut Rng,
) -> Principal {
    let account = grants.account().to_owned();
    // Of the first ones, which are not global: every principal can work in every region.
    let mut calls = vec![rng.below(operations.len().min(8))];
    for _ in 0..3 + rng.below(12) {
        let call = each.draw(rng);
        if !calls.contains(&call) {
            calls.push(call);
        }
    }
    let mut statements: Vec<Value> = Vec::new();
    for &call in &calls {
        let operation = &operations[call];
        let all = format!("{}:*", operation.service);
        let action = if rng.below(2) == 0 { &all } else { &operation.action };
        statements.push(allow(&[action], &["*"]));
    }
    let unused = &operations[rng.below(operations.len())];
    statements.push(allow(&[&format!("{}:*", unused.service)], &["*"]));
    statements.dedup();
    if administrator {
        statements = vec![allow(&["*"], &["*"])];
    }
    let mut holder = Holder::since("2024-06-01T00:00:00+00:00").inline("work", document(&statements));
    if number.is_multiple_of(3) {
        holder = holder.managed(common);
    }
    let agent = AGENTS[rng.below(AGENTS.len())];
    if number % 10 == 9 {
        let user = User::new(&account, &format!("user-{number:04}"));
        grants.user(&user, holder);
        let identity = Template::new(&user.with_key("AKIA@@key@@").identity);
        let (name, arn) = (user.name.clone(), user.arn());
        return Principal {
            name,
            arn,
            agent,
            identity,
            seed: None,
            operations: calls,
            session: "user",
        };
    }
    let (kind, session, host) = [
        ("node", "i-0", "ec2.amazonaws.com"),
        ("function", "worker-", "lambda.amazonaws.com"),
        ("pod", "pod-", "irsa"),
        ("task", "task-", "ecs-tasks.amazonaws.com"),
    ][number as usize % 4];
    let name = format!("{kind}-{number:04}");
    let mut role = Role::new(&account, &name);
    role.id = fake_id("AROA", &format!("{account}/{name}"));
    let provider = format!("arn:aws:iam::{account}:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE{account}");
    let subject = format!("system:serviceaccount:team-{}:{name}", number % 7);
    let pod = host == "irsa";
    let trust = if pod {
        trust_subject(&provider, &subject)
    } else {
        trust_service(host)
    };
    grants.role(&role, &trust, holder);

    let mut who = role.session("@@session@@", "ASIA@@key@@", "@@since@@");
    if pod {
        who.identity["sessionContext"]["webIdFederationData"] =
            json!({"federatedProvider": provider, "attributes": {}});
    }
    let bearer = if pod {
        super::super::identity::web_identity("@@account@@", &provider, &subject)
    } else {
        super::super::identity::service("@@account@@", host)
    };
    let call = if pod { "AssumeRoleWithWebIdentity" } else { "AssumeRole" };
    let seed = Event::read(&bearer, 0, "@@region@@", "sts", call)
        .parameters(json!({"roleArn": role.arn(), "roleSessionName": "@@session@@"}))
        .response(json!({
            "credentials": {"accessKeyId": "ASIA@@key@@", "sessionToken": "EXAMPLE-SESSION-TOKEN",
                "expiration": "Dec 31, 2026, 11:59:59 PM"},
            "assumedRoleUser": {
                "assumedRoleId": format!("{}:@@session@@", role.id), "arn": role.session_arn("@@session@@"),
            },
        }))
        .resource("AWS::IAM::Role", &role.arn());
    Principal {
        arn: role.arn(),
        agent,
        identity: Template::new(&who.identity),
        seed: Some(hollow(seed)),
        operations: calls,
        session,
        name,
    }
}
