//! Who lives in a corpus: accounts with principals, what each calls, and what IAM grants it.

use serde_json::{Value, json};

use super::super::event::Event;
use super::super::grants::{Grants, Holder, allow, document, trust_service, trust_subject};
use super::super::identity::{Role, User, Who};
use super::super::rng::{Rng, Zipf, fake_id};
use super::template::Template;
use super::{Administrators, Kind, Plan};

/// One line of `operations.txt` or `data.txt`.
pub(super) struct Operation {
    service: &'static str,
    action: String,
    /// The first label of the event source's host.
    pub(super) source: &'static str,
    pub(super) name: &'static str,
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
    /// Which data events it makes, in the same order; none where data events are rare.
    pub(super) data: Vec<usize>,
    /// Sessions are called by instance, by function, …
    pub(super) session: &'static str,
}

impl Principal {
    /// What it calls next, by its place.
    pub(super) fn call(&self, operations: &[Operation], region: &str, rng: &mut Rng) -> usize {
        if !self.data.is_empty() && rng.below(2) == 0 {
            return self.data[rng.next().trailing_ones() as usize % self.data.len()];
        }
        // The first of a principal's calls makes up half, the second a quarter, …
        let rank = rng.next().trailing_ones() as usize % self.operations.len();
        let call = self.operations[rank];
        if operations[call].global && region != "us-east-1" {
            return self.operations[0];
        }
        call
    }
}

pub(super) struct Account {
    pub(super) id: String,
    pub(super) principals: Vec<Principal>,
    pub(super) popular: Zipf,
    pub(super) grants: Value,
}

/// The policy that administrators have attached.
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// What it says.
fn everything() -> Value {
    document(&[allow(&["*"], &["*"])])
}

const AGENTS: [&str; 6] = [
    "Boto3/1.35.20 md/Botocore#1.35.20 ua/2.0 os/linux#6.1.109 md/arch#x86_64 lang/python#3.12.5",
    "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64",
    "aws-sdk-java/2.27.3 Linux/6.1.109 OpenJDK_64-Bit_Server_VM/21.0.4 Java/21.0.4 vendor/Amazon.com_Inc.",
    "aws-cli/2.17.32 md/awscrt#0.21.2 ua/2.0 os/linux#6.1.109 md/arch#x86_64 lang/python#3.11.9",
    "kubelet/1.30.4 (linux/amd64) aws-sdk-go/1.51.2",
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.5 terraform-provider-aws/5.65.0 aws-sdk-go-v2/1.30.3",
];

/// A record whose holes are marked, of a line's columns.
fn template(columns: &Columns, error: bool) -> Template {
    let Columns {
        source,
        name,
        read,
        data,
        ..
    } = *columns;
    let who = Who {
        identity: json!("@@identity@@"),
        account: "@@account@@".into(),
        ip: "@@address@@".into(),
        agent: "@@agent@@".into(),
    };
    let new = if read { Event::read } else { Event::new };
    let [parameters, response, kinds, arns, additional] = columns.rest;
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut event = new(&who, 0, "@@region@@", source, name)
        .parameters(parse(parameters))
        .response(parse(response));
    for (kind, arn) in kinds
        .split(',')
        .zip(arns.split(','))
        .filter(|(kind, _)| !kind.is_empty())
    {
        event = event.resource(kind, arn);
    }
    if !additional.is_empty() {
        event = event.additional(parse(additional));
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

/// A line that says what is called.
struct Columns {
    source: &'static str,
    name: &'static str,
    read: bool,
    data: bool,
    /// Parameters, response, types of resources, their ARNs, additional data.
    rest: [&'static str; 5],
}

/// What principals call, and from which place on that is made of data events alone.
pub(super) fn operations() -> (Vec<Operation>, usize) {
    let usual = listed(include_str!("operations.txt"));
    let data_from = usual.len();
    let all = usual.into_iter().chain(listed(include_str!("data.txt")));
    (all.collect(), data_from)
}

fn listed(text: &'static str) -> Vec<Operation> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let mut fields: Vec<&str> = line.split('|').collect();
            fields.resize(10, "");
            let [
                service,
                source,
                name,
                class,
                global,
                parameters,
                response,
                kinds,
                arns,
                additional,
            ] = fields[..]
            else {
                panic!("at most ten fields: {line}");
            };
            let columns = Columns {
                source,
                name,
                read: matches!(class, "r" | "d"),
                data: matches!(class, "d" | "D"),
                rest: [parameters, response, kinds, arns, additional],
            };
            Operation {
                service,
                // lambda:GetFunction is logged as GetFunction20150331v2, and ListBuckets and Invoke are other names of
                // their actions.
                action: match name {
                    "ListBuckets" => "s3:ListAllMyBuckets".to_owned(),
                    "ListObjects" => "s3:ListBucket".to_owned(),
                    "HeadObject" => "s3:GetObject".to_owned(),
                    "Invoke" => "lambda:InvokeFunction".to_owned(),
                    _ => format!("{service}:{}", name.split("2015").next().unwrap_or(name)),
                },
                source,
                name,
                global: global == "g",
                template: template(&columns, false),
                denied: template(&columns, true),
            }
        })
        .collect()
}

/// What principals are made from.
struct Cast<'a> {
    usual: &'a [Operation],
    each: Zipf,
    /// Data events, and the place of the first.
    data: &'a [Operation],
    data_from: usize,
    often: Zipf,
    plan: &'a Plan,
}

/// The accounts of a plan, with its principals shared out among them; data events are called from a place on.
pub(super) fn accounts((operations, data_from): (&[Operation], usize), plan: &Plan) -> Vec<Account> {
    let (accounts, principals) = (plan.accounts, plan.principals);
    let (usual, data) = operations.split_at(data_from);
    let cast = Cast {
        usual,
        each: Zipf::new(usual.len(), 0.7),
        data,
        data_from,
        often: Zipf::new(data.len(), 0.7),
        plan,
    };
    (0..accounts)
        .map(|number| {
            let id = format!("{:012}", 200_000_000_000 + u64::from(number) * 1_010_101);
            let mut grants = Grants::new(&id, number % 2 == 1);
            if plan.administrators == Some(Administrators::Attached) {
                grants.policy(ADMINISTRATOR, "2015-02-06T18:39:46+00:00", &[everything()]);
            }
            let common = grants.policy(
                "common-logs",
                "2024-01-01T00:00:00+00:00",
                &[document(&[allow(&["logs:*", "cloudwatch:*"], &["*"])])],
            );
            let count = (principals / accounts + u32::from(number < principals % accounts)).max(1);
            let members = (0..count)
                .map(|member| {
                    let stream = |what: &str| Rng::named(plan.seed, &format!("{what} {number} {member}"));
                    let data = cast.data_calls(&mut stream("data"));
                    principal(&mut grants, &cast, member, &common, data, &mut stream("principal"))
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

impl Cast<'_> {
    /// Which data events one principal makes.
    fn data_calls(&self, rng: &mut Rng) -> Vec<usize> {
        let count = if self.plan.kind == Kind::DataHeavy {
            1 + rng.below(4)
        } else {
            0
        };
        let mut calls: Vec<usize> = Vec::new();
        for _ in 0..count {
            let call = self.data_from + self.often.draw(rng);
            if !calls.contains(&call) {
                calls.push(call);
            }
        }
        calls
    }
}

fn principal(
    grants: &mut Grants,
    cast: &Cast<'_>,
    number: u32,
    common: &str,
    data: Vec<usize>,
    rng: &mut Rng,
) -> Principal {
    let account = grants.account().to_owned();
    let operations = cast.usual;
    // Of the first ones, which are not global: every principal can work in every region.
    let mut calls = vec![rng.below(operations.len().min(8))];
    for _ in 0..3 + rng.below(12) {
        let call = cast.each.draw(rng);
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
    for call in &data {
        statements.push(allow(&[&cast.data[call - cast.data_from].action], &["*"]));
    }
    let unused = &operations[rng.below(operations.len())];
    statements.push(allow(&[&format!("{}:*", unused.service)], &["*"]));
    statements.dedup();
    let mut holder = Holder::since("2024-06-01T00:00:00+00:00");
    holder = match cast.plan.administrators {
        None => holder.inline("work", document(&statements)),
        Some(Administrators::Inline) => holder.inline("work", everything()),
        Some(Administrators::Attached) => holder.managed(ADMINISTRATOR),
    };
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
            data,
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
        data,
        session,
        name,
    }
}
