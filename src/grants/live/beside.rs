//! What IAM and EKS know beside the grants: the credential report, last-accessed data, who may sign in from outside.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{AccessAdvisorUsageGranularityType, JobStatusType, ReportStateType, ServiceLastAccessed};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::iam::time;
use super::{all_pages, trimmed};
use crate::aws::{Connection, Kind, Trouble, patiently};

/// Time between two questions whether a job is done.
const POLL: Duration = Duration::from_millis(500);

/// Questions until a job is given up: two minutes.
const POLLS: u32 = 240;

/// Jobs that run at once.
const JOBS: usize = 8;

fn too_slow() -> Trouble {
    Trouble::new(Kind::Other, "not ready after two minutes")
}

/// The report as CSV. IAM makes a new one every four hours at most.
pub(super) async fn credential_report(connection: &Connection) -> Result<String, Trouble> {
    let client = Client::new(connection.config());
    for _ in 0..POLLS {
        let state = patiently(|| client.generate_credential_report().send()).await?.state;
        if state == Some(ReportStateType::Complete) {
            let report = patiently(|| client.get_credential_report().send()).await?;
            let bytes = report.content.map(|content| content.into_inner()).unwrap_or_default();
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
        tokio::time::sleep(POLL).await;
    }
    Err(too_slow())
}

/// Each provider with its URL and audiences.
pub(super) async fn oidc_providers(connection: &Connection) -> Result<Value, Trouble> {
    let client = Client::new(connection.config());
    let listed = patiently(|| client.list_open_id_connect_providers().send()).await?;
    let mut providers = Vec::new();
    for provider in listed.open_id_connect_provider_list.unwrap_or_default() {
        let Some(arn) = provider.arn else { continue };
        let known = patiently(|| {
            client
                .get_open_id_connect_provider()
                .open_id_connect_provider_arn(&arn)
                .send()
        })
        .await?;
        providers.push(json!({
            "Arn": arn, "Url": known.url, "ClientIDList": known.client_id_list.unwrap_or_default(),
            "CreateDate": time(known.create_date),
        }));
    }
    Ok(Value::Array(providers))
}

/// Which service account of which cluster may take which role, in one region.
pub(super) async fn pod_identities(connection: &Connection, region: &str) -> Result<Vec<Value>, Trouble> {
    let client = aws_sdk_eks::Client::new(connection.config());
    let clusters = all_pages(async |token: Option<String>| {
        let page = patiently(|| client.list_clusters().set_next_token(token.clone()).send()).await?;
        Ok((page.clusters.unwrap_or_default(), page.next_token))
    })
    .await?;
    let mut found = Vec::new();
    for cluster in clusters {
        found.extend(associations(&client, &cluster, region).await?);
    }
    Ok(found)
}

async fn associations(client: &aws_sdk_eks::Client, cluster: &str, region: &str) -> Result<Vec<Value>, Trouble> {
    let ids = all_pages(async |token: Option<String>| {
        let page = patiently(|| {
            client
                .list_pod_identity_associations()
                .cluster_name(cluster)
                .set_next_token(token.clone())
                .send()
        })
        .await?;
        let listed = page.associations.unwrap_or_default().into_iter();
        let ids: Vec<String> = listed.filter_map(|one| one.association_id).collect();
        Ok((ids, page.next_token))
    })
    .await?;
    let mut found = Vec::new();
    for id in ids {
        let answer = patiently(|| {
            client
                .describe_pod_identity_association()
                .cluster_name(cluster)
                .association_id(&id)
                .send()
        })
        .await?;
        let Some(one) = answer.association else { continue };
        found.push(trimmed(json!({
            "region": region, "cluster": one.cluster_name, "namespace": one.namespace,
            "service_account": one.service_account, "role_arn": one.role_arn, "target_role_arn": one.target_role_arn,
            "association_id": one.association_id, "disable_session_tags": one.disable_session_tags, "policy": one.policy,
            "created_at": time(one.created_at), "modified_at": time(one.modified_at),
        })));
    }
    Ok(found)
}

/// The last-accessed data of these roles and users, sorted by ARN, and of whom it could not be had. What an earlier run
/// was answered is not asked for again; `answered` sees each new answer, the number of principals done, and of all.
pub(super) async fn last_accessed(
    connection: &Connection,
    arns: &[String],
    known: &BTreeMap<String, Value>,
    answered: &mut dyn FnMut(&Value, usize, usize),
) -> (Vec<Value>, Vec<(String, Trouble)>) {
    let client = Client::new(connection.config());
    let (mut found, mut troubles) = (Vec::new(), Vec::new());
    let mut asked = Vec::new();
    for arn in arns {
        match known.get(arn) {
            Some(data) => found.push((arn.clone(), data.clone())),
            None => asked.push(arn.clone()),
        }
    }
    // Whoever may not ask for the first may not ask for the others: that is one refusal, and not thousands.
    if let Some(first) = asked.first().cloned() {
        match accessed_by(&client, &first).await {
            Err(trouble) if trouble.kind == Kind::Denied => return (in_order(found), vec![(String::new(), trouble)]),
            Err(trouble) => troubles.push((first, trouble)),
            Ok(data) => {
                answered(&data, found.len() + 1, arns.len());
                found.push((first, data));
            }
        }
    }
    let turns = Arc::new(Semaphore::new(JOBS));
    let mut jobs = JoinSet::new();
    for arn in asked.into_iter().skip(1) {
        let (client, turns) = (client.clone(), Arc::clone(&turns));
        jobs.spawn(async move {
            let _turn = turns.acquire_owned().await;
            let data = accessed_by(&client, &arn).await;
            (arn, data)
        });
    }
    while let Some(job) = jobs.join_next().await {
        match job {
            Ok((arn, Ok(data))) => {
                answered(&data, found.len() + troubles.len() + 1, arns.len());
                found.push((arn, data));
            }
            Ok((arn, Err(trouble))) => troubles.push((arn, trouble)),
            Err(error) => troubles.push((String::new(), Trouble::new(Kind::Other, error.to_string()))),
        }
    }
    troubles.sort_by(|(a, _), (b, _)| a.cmp(b));
    (in_order(found), troubles)
}

fn in_order(mut found: Vec<(String, Value)>) -> Vec<Value> {
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found.into_iter().map(|(_, data)| data).collect()
}

/// What `get-service-last-accessed-details` prints, with the ARN beside it.
async fn accessed_by(client: &Client, arn: &str) -> Result<Value, Trouble> {
    let level = AccessAdvisorUsageGranularityType::ActionLevel;
    let job = patiently(|| {
        client
            .generate_service_last_accessed_details()
            .arn(arn)
            .granularity(level.clone())
            .send()
    })
    .await?;
    let id = job.job_id.unwrap_or_default();
    let mut services = Vec::new();
    let mut marker: Option<String> = None;
    for _ in 0..POLLS {
        let page = patiently(|| {
            client
                .get_service_last_accessed_details()
                .job_id(&id)
                .set_marker(marker.clone())
                .send()
        })
        .await?;
        match page.job_status {
            JobStatusType::Completed => {
                services.extend(page.services_last_accessed.into_iter().map(service));
                marker = page.marker.filter(|_| page.is_truncated);
                if marker.is_none() {
                    return Ok(trimmed(json!({
                        "Arn": arn, "JobStatus": "COMPLETED", "JobCreationDate": time(Some(page.job_creation_date)),
                        "JobCompletionDate": time(Some(page.job_completion_date)), "ServicesLastAccessed": services,
                    })));
                }
            }
            JobStatusType::InProgress => tokio::time::sleep(POLL).await,
            other => {
                return Err(Trouble::new(
                    Kind::Other,
                    format!("the job ended as {}", other.as_str()),
                ));
            }
        }
    }
    Err(too_slow())
}

fn service(service: ServiceLastAccessed) -> Value {
    let actions: Vec<Value> = service
        .tracked_actions_last_accessed
        .unwrap_or_default()
        .into_iter()
        .map(|action| {
            trimmed(json!({"ActionName": action.action_name, "LastAccessedTime": time(action.last_accessed_time)}))
        })
        .collect();
    trimmed(json!({
        "ServiceName": service.service_name, "ServiceNamespace": service.service_namespace,
        "LastAuthenticated": time(service.last_authenticated),
        "TotalAuthenticatedEntities": service.total_authenticated_entities,
        "TrackedActionsLastAccessed": actions,
    }))
}
