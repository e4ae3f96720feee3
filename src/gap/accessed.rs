//! What IAM's last-accessed data adds to what the archive shows: it may keep an action, it may show that the archive has a
//! gap, and it may show that an action which the archive could not have shown was not even attempted.
//!
//! Service-level data counts every attempt, on data as well; action-level data counts some management actions (IAM user
//! guide, "Refine permissions in AWS using last accessed information").

mod regions;

use std::collections::{BTreeMap, BTreeSet};

use super::{ActionSet, Activity, Slice};
use crate::catalog::{ActionId, Catalog};
use crate::grants::{LastAccessed, Principal};
use crate::iam::Statement;
use crate::time::{self, Window};

/// How long after the last call that the archive shows IAM may still mean that call.
const SAME: i64 = 24 * 3600;

/// How far back IAM reports at least (IAM API reference, GenerateServiceLastAccessedDetails).
const TRACKED: i64 = 400 * 24 * 3600;

/// How long "recent activity" may take to show (the same page).
const DELAY: i64 = 4 * 3600;

/// What connects, streams or signs in without a request to an API of AWS: IAM's data does not vouch for it.
const CONNECTIONS: [&str; 29] = [
    "*:CallWithBearerToken",
    "aoss:APIAccessAll",
    "appmesh:StreamAggregatedResources",
    "appsync:Event*",
    "appsync:*GraphQL",
    "cassandra:*",
    "codecommit:Git*",
    "dax:*",
    "dsql:DbConnect*",
    "ec2-instance-connect:OpenTunnel",
    "ec2messages:*",
    "eks:*Kubernetes*",
    "elasticache:Connect",
    "elasticfilesystem:Client*",
    "es:ESHttp*",
    "execute-api:*",
    "iot:*Publish",
    "iot:Connect",
    "iot:Receive",
    "iot:Subscribe",
    "kafka-cluster:*",
    "kinesisvideo:ConnectAs*",
    "lambda:InvokeFunctionUrl",
    "memorydb:Connect",
    "neptune-db:*",
    "qldb:*",
    "rds-db:*",
    "ssmmessages:*",
    "vpc-lattice-svcs:*",
];

/// What is checked beside a call to another service, or made by a service in the caller's name: no attempt of the
/// caller's own shows it.
const BESIDE: [&str; 16] = [
    "*:AllowVendedLogDeliveryForResource",
    "*:*WebACL*",
    "*:Link",
    "*:Pass*",
    "*:Replicate*",
    "backup-storage:*",
    "backup:Copy*BackupVault",
    "ecr:ReplicateImage",
    "iam:CreateServiceLinkedRole",
    "kms:*",
    "logs:*LogDelivery",
    "logs:*LogDeliveries",
    "sts:GetServiceBearerToken",
    "sts:SetContext",
    "sts:SetSourceIdentity",
    "sts:TagSession",
];

/// Calls in which a service calls others with its caller's permissions (IAM user guide, "Forward access sessions"; the
/// services' own guides). AWS does not say that these count as the caller's attempts.
const IN_THE_CALLERS_NAME: [(&str, &[&str]); 38] = [
    ("amplify:*", &["*"]),
    ("apigateway:*", &["acm", "elasticloadbalancing", "lambda"]),
    ("athena:*", &["glue", "lakeformation", "s3", "s3tables"]),
    ("autoscaling:*", &["ec2", "elasticloadbalancing"]),
    ("backup:*", &["*"]),
    ("bedrock:*", &["aoss", "lambda", "s3", "sagemaker", "secretsmanager"]),
    ("cloudformation:*", &["*"]),
    ("cloudfront:*", &["acm", "lambda", "s3", "waf", "wafv2"]),
    ("cloudtrail:*", &["logs", "s3", "sns"]),
    ("codedeploy:*", &["s3"]),
    ("comprehend:*", &["s3"]),
    ("config:*", &["s3", "sns"]),
    ("datasync:*", &["s3"]),
    ("dynamodb:*Table*", &["logs", "s3"]),
    ("ec2:Create*", &["logs", "s3", "firehose"]),
    ("ec2:Export*", &["s3"]),
    ("ec2:Import*", &["s3"]),
    ("elasticbeanstalk:*", &["*"]),
    ("elasticloadbalancing:*", &["acm", "cognito-idp", "ec2", "s3", "wafv2"]),
    ("elasticmapreduce:*", &["ec2", "iam", "s3"]),
    ("glue:*", &["ec2", "lakeformation", "s3", "secretsmanager"]),
    ("lakeformation:*", &["glue", "s3"]),
    ("lambda:*", &["ec2", "ecr", "s3"]),
    ("lex:*", &["lambda", "polly"]),
    ("logs:*", &["firehose", "kinesis", "lambda", "s3"]),
    ("polly:*", &["s3", "sns"]),
    ("quicksight:*", &["athena", "redshift", "s3"]),
    ("rds-data:*", &["secretsmanager"]),
    ("rds:*", &["ec2", "s3", "secretsmanager"]),
    (
        "redshift-data:*",
        &["redshift", "redshift-serverless", "secretsmanager"],
    ),
    ("rekognition:*", &["s3"]),
    ("sagemaker:*", &["ec2", "ecr", "s3"]),
    ("secretsmanager:*", &["lambda"]),
    ("servicecatalog:*", &["*"]),
    ("ssm:*", &["s3", "secretsmanager"]),
    ("ssm:StartAutomationExecution", &["*"]),
    ("tag:*", &["*"]),
    ("textract:*", &["s3"]),
];

/// What last-accessed data says of one principal.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Accessed {
    /// Services that it never touched, as far back as IAM remembers.
    pub untouched: BTreeSet<String>,
    /// Actions that IAM saw and the archive does not show, and when; seconds since 1970.
    pub actions: BTreeMap<ActionId, i64>,
    /// Services that IAM saw where nothing that the archive cannot show explains it, and when.
    pub services: BTreeMap<String, i64>,
    /// What it did not attempt, as far as IAM's word goes.
    pub unattempted: Unattempted,
}

/// Actions that a principal did not attempt in the window, nor before as far back as IAM reports.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Unattempted {
    /// The actions.
    pub actions: ActionSet,
    /// Since when; seconds since 1970.
    pub since: i64,
}

impl Unattempted {
    /// Those that a statement grants, unless it names a region that IAM tracks only since within a window, or not at all.
    pub(super) fn of(&self, granted: &ActionSet, statement: &Statement, window: Window) -> Unattempted {
        if regions::names_another(statement, window.first) {
            return Unattempted::default();
        }
        Unattempted {
            actions: self.actions.intersection(granted).shrunk(),
            since: self.since,
        }
    }

    /// The reason in words.
    pub fn why(&self) -> String {
        format!("IAM saw no attempt since {}", time::date_of(self.since))
    }
}

impl Accessed {
    /// Reads the data of a principal beside what it did in the window, what it is granted, and the regions in which its
    /// account was heard.
    pub(super) fn of(
        catalog: &Catalog,
        principal: &Principal,
        data: &LastAccessed,
        activity: &Activity,
        slices: &[Slice],
        heard: &BTreeSet<&str>,
        window: Window,
    ) -> Accessed {
        let mut accessed = Accessed::default();
        let is_tracked = heard.iter().all(|region| regions::is_tracked(region, window.first));
        if is_tracked {
            accessed.unattempted = unattempted(catalog, principal, data, activity, window);
        }
        for (name, time) in &data.actions {
            let Some(time) = time.map(|time| time.as_second()).filter(|time| *time >= window.first) else {
                continue;
            };
            let Some(action) = catalog.id(name) else { continue };
            let shown = [&activity.used, &activity.may_need, &activity.denied]
                .into_iter()
                .any(|evidence| evidence.contains_key(&action));
            if !shown {
                accessed.actions.insert(action, time);
            }
        }
        for (service, time) in &data.services {
            let Some(time) = time.map(|time| time.as_second()) else {
                if is_tracked {
                    accessed.untouched.insert(service.clone());
                }
                continue;
            };
            let last_shown = last_shown(catalog, activity, service);
            // What came after the window is no gap where the service was used before.
            let explained = match last_shown {
                Some(last) => time <= last + SAME || time >= window.end,
                None => time < window.first,
            };
            let hidden = slices
                .iter()
                .flat_map(|slice| slice.granted.intersection(&slice.view.blind).iter().collect::<Vec<_>>())
                .any(|action| catalog.service(action).eq_ignore_ascii_case(service));
            if !explained && !hidden {
                accessed.services.insert(service.clone(), time);
            }
        }
        accessed
    }

    /// The actions of a slice that stay because IAM saw them, or saw their service.
    pub(super) fn keeps(&self, catalog: &Catalog, granted: &ActionSet) -> (ActionSet, ActionSet) {
        let mut actions = ActionSet::none();
        self.actions.keys().for_each(|action| actions.insert(*action));
        let mut services = ActionSet::none();
        for service in self.services.keys() {
            for action in catalog.service_range(service) {
                services.insert(ActionId::from_index(action as usize));
            }
        }
        (actions.intersection(granted), services.intersection(granted))
    }
}

/// The last call to a service that the archive shows, whatever became of it.
fn last_shown(catalog: &Catalog, activity: &Activity, service: &str) -> Option<i64> {
    let of_actions = [&activity.used, &activity.may_need, &activity.denied]
        .into_iter()
        .flatten()
        .filter(|(action, _)| catalog.service(**action).eq_ignore_ascii_case(service))
        .filter_map(|(_, evidence)| Some(evidence.last.as_ref()?.time));
    let unmapped = activity
        .unmapped
        .iter()
        .filter(|operation| {
            operation
                .prefixes
                .iter()
                .any(|prefix| prefix.eq_ignore_ascii_case(service))
        })
        .filter_map(|_| activity.last_seen);
    of_actions.chain(unmapped).max()
}

/// What a principal did not attempt: of services and actions that IAM tracks and saw never, whatever the archive could
/// have shown. Nothing where the report does not cover the whole window, or the principal is younger.
fn unattempted(
    catalog: &Catalog,
    principal: &Principal,
    data: &LastAccessed,
    activity: &Activity,
    window: Window,
) -> Unattempted {
    let asked = data.asked.map(|time| time.as_second());
    let covers = |asked: &i64| asked - TRACKED <= window.first && window.end + DELAY <= *asked;
    let is_older = principal
        .created
        .is_some_and(|created| created.as_second() <= window.first);
    let Some(asked) = asked.filter(covers).filter(|_| is_older) else {
        return Unattempted::default();
    };
    let mut actions = ActionSet::none();
    let contradicted = called(catalog, activity);
    for (service, _) in data.services.iter().filter(|(_, time)| time.is_none()) {
        if !contradicted.contains(service.as_str()) {
            actions.insert_range(catalog.service_range(service));
        }
    }
    let never = data.actions.iter().filter(|(_, time)| time.is_none());
    never
        .filter_map(|(name, _)| catalog.id(name))
        .for_each(|action| actions.insert(action));
    Unattempted {
        actions: actions.difference(&unvouched(catalog, activity)),
        since: asked - TRACKED,
    }
}

/// The services that the archive shows calls to: where IAM says that there was none, it does not count them all.
fn called<'a>(catalog: &'a Catalog, activity: &'a Activity) -> BTreeSet<&'a str> {
    let shown = activity.used.keys().chain(activity.denied.keys());
    let unmapped = activity.unmapped.iter().flat_map(|operation| &operation.prefixes);
    shown
        .map(|action| catalog.service(*action))
        .chain(unmapped.map(String::as_str))
        .collect()
}

/// The actions of which IAM's silence says nothing: those that no attempt of the principal's own would show, and those
/// that calls of it may have needed, or called in its name.
pub fn unvouched(catalog: &Catalog, activity: &Activity) -> ActionSet {
    let mut set = ActionSet::none();
    for pattern in CONNECTIONS.iter().chain(&BESIDE) {
        set.extend(&ActionSet::of_pattern(catalog, pattern));
    }
    let mut made = ActionSet::none();
    for action in activity.used.keys().chain(activity.may_need.keys()) {
        made.insert(*action);
        let dependents = catalog.dependents(*action);
        dependents.iter().for_each(|dependent| set.insert(*dependent));
    }
    set.extend(&made);
    for (pattern, services) in IN_THE_CALLERS_NAME {
        if ActionSet::of_pattern(catalog, pattern).intersection(&made).is_empty() {
            continue;
        }
        for service in services {
            set.extend(&ActionSet::of_pattern(catalog, &format!("{service}:*")));
        }
    }
    set
}
