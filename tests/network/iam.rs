//! `grants` and `--grants live` against a fake IAM, STS, Organizations and EKS that pages, throttles and refuses.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{stderr, stdout, trimtrail};
use crate::http::{Request, Response, serve};

/// What the fake allows beside the grants.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Allows {
    Everything,
    /// Everything, but the credential report knows nobody.
    EmptyReport,
    GrantsOnly,
    Nothing,
}

const LISTS: [&str; 4] = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"];

fn sample(account: &str) -> Value {
    let text = fs::read_to_string(format!("sample-logs/grants/{account}.json")).expect("the sample");
    serde_json::from_str(&text).expect("JSON")
}

/// A field as the query protocol writes it: lists as members, documents percent-encoded.
fn xml(name: &str, value: &Value) -> String {
    let inner = match value {
        Value::Object(_) if name.ends_with("Document") => {
            utf8_percent_encode(&value.to_string(), NON_ALPHANUMERIC).to_string()
        }
        Value::Object(fields) => fields.iter().map(|(name, value)| xml(name, value)).collect(),
        Value::Array(items) => items.iter().map(|item| xml("member", item)).collect(),
        Value::String(text) => text.replace('&', "&amp;").replace('<', "&lt;"),
        Value::Null => return String::new(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    };
    format!("<{name}>{inner}</{name}>")
}

fn answer(action: &str, fields: &Value) -> Response {
    let inner = xml(&format!("{action}Result"), fields);
    Response::new(200, format!("<{action}Response>{inner}</{action}Response>")).with("content-type", "text/xml")
}

fn refusal(status: u16, code: &str) -> Response {
    let body = format!("<ErrorResponse><Error><Code>{code}</Code><Message>said so</Message></Error></ErrorResponse>");
    Response::new(status, body).with("content-type", "text/xml")
}

/// Two principals or policies a page.
fn page(account: &str, marker: Option<String>) -> Value {
    let all = sample(account);
    let begin: usize = marker.map_or(0, |marker| marker.parse().expect("a marker"));
    let every: Vec<(&str, &Value)> = LISTS
        .iter()
        .flat_map(|list| {
            all[*list]
                .as_array()
                .into_iter()
                .flatten()
                .map(move |item| (*list, item))
        })
        .collect();
    let mut page = json!({"IsTruncated": begin + 2 < every.len(), "Marker": (begin + 2).to_string()});
    for list in LISTS {
        page[list] = json!([]);
    }
    for (list, item) in every.iter().skip(begin).take(2) {
        page[*list].as_array_mut().expect("a list").push((*item).clone());
    }
    page
}

fn organizations(operation: &str, asked: &Value) -> Value {
    let of = |field: &str| asked[field].as_str().unwrap_or("").to_owned();
    match operation {
        "DescribeOrganization" => json!({"Organization": {"Id": "o-a1", "MasterAccountId": "111122223333"}}),
        "ListAccounts" => json!({"Accounts": [
            {"Id": "111122223333", "Status": "ACTIVE"}, {"Id": "444455556666", "Status": "ACTIVE"},
            {"Id": "777788889999", "Status": "SUSPENDED"}]}),
        "ListRoots" => {
            let enabled = ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"]
                .map(|kind| json!({"Type": kind, "Status": "ENABLED"}));
            json!({"Roots": [{"Id": "r-1", "PolicyTypes": enabled}]})
        }
        "ListOrganizationalUnitsForParent" if of("ParentId") == "r-1" => {
            json!({"OrganizationalUnits": [{"Id": "ou-1"}]})
        }
        "ListOrganizationalUnitsForParent" => json!({"OrganizationalUnits": []}),
        "ListAccountsForParent" if of("ParentId") == "r-1" => json!({"Accounts": [{"Id": "111122223333"}]}),
        "ListAccountsForParent" => json!({"Accounts": [{"Id": "444455556666"}]}),
        "ListPoliciesForTarget" if of("TargetId") == "ou-1" => {
            let denial = match of("Filter").as_str() {
                "RESOURCE_CONTROL_POLICY" => "p-deny-objects",
                _ => "p-deny",
            };
            json!({"Policies": [{"Id": "p-full"}, {"Id": denial}]})
        }
        "ListPoliciesForTarget" => json!({"Policies": [{"Id": "p-full"}]}),
        "DescribePolicy" => json!({"Policy": {"Content": control(&of("PolicyId")).to_string()}}),
        other => panic!("{other} was asked for"),
    }
}

/// What an SCP or RCP of the fake says.
fn control(id: &str) -> Value {
    let (effect, action) = match id {
        "p-full" => ("Allow", "*"),
        "p-deny" => ("Deny", "*"),
        _ => ("Deny", "s3:*"),
    };
    json!({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": "*"}]})
}

fn aws(allows: Allows) -> SocketAddr {
    let asked = AtomicUsize::new(0);
    serve(move |request: &Request| {
        let target = request.header("x-amz-target");
        if let Some(operation) = target.strip_prefix("AWSOrganizationsV20161128.") {
            if !matches!(allows, Allows::Everything | Allows::EmptyReport) {
                return Response::new(400, r#"{"__type":"AccessDeniedException","Message":"said so"}"#);
            }
            let body = serde_json::from_str(&request.body).expect("JSON");
            return Response::new(200, organizations(operation, &body).to_string());
        }
        if request.path.starts_with("/clusters") {
            return match (allows, request.path.as_str()) {
                (Allows::Everything | Allows::EmptyReport, "/clusters") => {
                    Response::new(200, r#"{"clusters":["shop"]}"#)
                }
                (Allows::Everything | Allows::EmptyReport, "/clusters/shop/pod-identity-associations") => {
                    Response::new(200, r#"{"associations":[{"associationId":"a-1"}]}"#)
                }
                (Allows::Everything | Allows::EmptyReport, _) => Response::new(
                    200,
                    r#"{"association":{"clusterName":"shop","namespace":"default","serviceAccount":"cart","roleArn":"arn:aws:iam::111122223333:role/cart","associationId":"a-1","disableSessionTags":true,"createdAt":1767225600,"modifiedAt":1767312000}}"#,
                ),
                (Allows::GrantsOnly | Allows::Nothing, _) => {
                    Response::new(403, r#"{"message":"said so"}"#).with("x-amzn-errortype", "AccessDeniedException")
                }
            };
        }
        let is_member = request.header("authorization").contains("AKIAMEMBER");
        let account = if is_member { "444455556666" } else { "111122223333" };
        let action = request.field("Action").expect("an action");
        match (action.as_str(), allows) {
            ("GetCallerIdentity", _) => answer(
                &action,
                &json!({"Account": account, "Arn": format!("arn:aws:iam::{account}:user/x"), "UserId": "AIDAX"}),
            ),
            (_, Allows::Nothing) => refusal(403, "AccessDenied"),
            // The third request and the two after it come too soon.
            ("GetAccountAuthorizationDetails", _) if (2..5).contains(&asked.fetch_add(1, Ordering::Relaxed)) => {
                refusal(400, "Throttling")
            }
            ("GetAccountAuthorizationDetails", _) => answer(&action, &page(account, request.field("Marker"))),
            (_, Allows::GrantsOnly) => refusal(403, "AccessDenied"),
            ("AssumeRole", _) => {
                assert_eq!(
                    request.field("RoleArn").as_deref(),
                    Some("arn:aws:iam::444455556666:role/audit")
                );
                assert!(
                    request
                        .field("RoleSessionName")
                        .expect("a name")
                        .starts_with("trimtrail-")
                );
                assert_eq!(request.field("ExternalId").as_deref(), Some("e-1"));
                answer(
                    &action,
                    &json!({"Credentials": {"AccessKeyId": "AKIAMEMBER", "SecretAccessKey": "s",
                    "SessionToken": "t", "Expiration": "2099-01-01T00:00:00Z"}}),
                )
            }
            ("GenerateCredentialReport", _) => answer(&action, &json!({"State": "COMPLETE"})),
            ("GetCredentialReport", _) => {
                let text = report(account);
                let kept = if allows == Allows::EmptyReport { 1 } else { usize::MAX };
                let text: String = text.split_inclusive('\n').take(kept).collect();
                let report = base64::engine::general_purpose::STANDARD.encode(text);
                answer(&action, &json!({"Content": report, "ReportFormat": "text/csv"}))
            }
            ("ListOpenIDConnectProviders", _) => answer(
                &action,
                &json!({"OpenIDConnectProviderList": [{"Arn": "arn:aws:iam::1:oidc-provider/x"}]}),
            ),
            ("GetOpenIDConnectProvider", _) => {
                answer(&action, &json!({"Url": "x", "ClientIDList": ["sts.amazonaws.com"]}))
            }
            ("GenerateServiceLastAccessedDetails", _) => answer(&action, &json!({"JobId": "job"})),
            ("GetServiceLastAccessedDetails", _) => answer(
                &action,
                &json!({"JobStatus": "COMPLETED", "JobCreationDate": "2026-10-01T00:00:00Z",
                "JobCompletionDate": "2026-10-01T00:00:00Z", "IsTruncated": false,
                "ServicesLastAccessed": [{"ServiceName": "Amazon S3", "ServiceNamespace": "s3", "LastAuthenticated": "2026-09-30T00:00:00Z"}]}),
            ),
            (other, _) => panic!("{other} was asked for"),
        }
    })
}

/// A credential report with a password and no second factor, and a key of last year.
fn report(account: &str) -> String {
    let user = sample(account)["UserDetailList"][0]["Arn"].as_str().map(str::to_owned);
    let arn = user.unwrap_or_else(|| format!("arn:aws:iam::{account}:root"));
    format!(
        "user,arn,password_enabled,mfa_active,access_key_1_active,access_key_1_last_rotated\n\
         u,{arn},true,false,true,2025-01-01T00:00:00+00:00\n"
    )
}

struct File(PathBuf);

impl File {
    fn new(name: &str) -> File {
        File(std::env::temp_dir().join(format!("trimtrail-{}-{name}.json", std::process::id())))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The result, but for the file that each policy was read from.
fn analyze(address: SocketAddr, grants: &str) -> String {
    analyze_with(address, grants, &[])
}

/// What the fake of EKS says of an account's pods, as a file for `--eks`.
fn association(test: &str, account: &str) -> File {
    let file = File::new(&format!("{test}-association-{account}"));
    let said = json!({"association": {"clusterName": "shop", "namespace": "default", "serviceAccount": "cart",
        "roleArn": "arn:aws:iam::111122223333:role/cart", "associationId": "a-1", "disableSessionTags": true,
        "createdAt": 1_767_225_600, "modifiedAt": 1_767_312_000,
        "associationArn": format!("arn:aws:eks:eu-west-1:{account}:podidentityassociation/shop/a-1")}});
    fs::write(&file.0, said.to_string()).expect("a file");
    file
}

fn analyze_with(address: SocketAddr, grants: &str, more: &[&str]) -> String {
    let output = trimtrail(address)
        .args([
            "analyze",
            "--logs",
            "sample-logs/AWSLogs",
            "--grants",
            grants,
            "--format",
            "json",
        ])
        .args(more)
        .output()
        .expect("the program");
    assert!(output.status.success(), "{}", stderr(&output));
    let lines = stdout(&output);
    let lines: Vec<&str> = lines
        .lines()
        .filter(|line| !line.trim_start().starts_with("\"file\":"))
        .collect();
    lines.join("\n")
}

#[test]
fn live_grants_say_what_the_export_says() {
    let address = aws(Allows::GrantsOnly);
    assert_eq!(
        analyze(address, "live"),
        analyze(address, "sample-logs/grants/111122223333.json")
    );
}

#[test]
fn a_snapshot_reads_back_and_names_what_it_lacks() {
    let address = aws(Allows::GrantsOnly);
    let file = File::new("lacks");
    let path = file.0.display().to_string();
    let output = trimtrail(address)
        .args(["grants", "-o", &path, "--org"])
        .output()
        .expect("the program");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for what in [
        "credential report",
        "OIDC providers",
        "pod identity associations",
        "organization",
        "last-accessed data",
    ] {
        let said = format!("111122223333: no {what}");
        assert!(stderr(&output).contains(&said), "{}", stderr(&output));
    }
    let snapshot: Value = serde_json::from_str(&fs::read_to_string(&file.0).expect("a snapshot")).expect("JSON");
    assert_eq!(snapshot["schema"], "trimtrail.grants/1");
    assert_eq!(snapshot["accounts"][0]["account"], "111122223333");
    assert_eq!(snapshot["not_permitted"].as_array().map(Vec::len), Some(5));
    assert_eq!(
        analyze(address, &path),
        analyze(address, "sample-logs/grants/111122223333.json")
    );
}

#[test]
fn a_report_that_knows_nobody_costs_evidence_and_not_the_run() {
    let address = aws(Allows::EmptyReport);
    let file = File::new("nobody");
    let path = file.0.display().to_string();
    let output = trimtrail(address)
        .args(["grants", "-o", &path, "--no-last-accessed"])
        .output()
        .expect("the program");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "111122223333: no credential report: nobody is in it\n");
    let association = association("nobody", "111122223333");
    let eks = ["--eks", &association.0.display().to_string()];
    let expected = analyze_with(address, "sample-logs/grants/111122223333.json", &eks);
    assert_eq!(analyze(address, &path), expected);

    // Snapshots of earlier versions kept such a report.
    let mut snapshot: Value = serde_json::from_str(&fs::read_to_string(&file.0).expect("a snapshot")).expect("JSON");
    assert!(snapshot["accounts"][0].get("credential_report").is_none());
    snapshot["accounts"][0]["credential_report"] = json!("user,arn\n");
    fs::write(&file.0, snapshot.to_string()).expect("a file");
    assert_eq!(analyze(address, &path), expected);
}

#[test]
fn an_organization_is_taken_account_by_account() {
    let address = aws(Allows::Everything);
    let file = File::new("org");
    let path = file.0.display().to_string();
    let output = trimtrail(address)
        .args([
            "grants",
            "-o",
            &path,
            "--org",
            "--assume-role-name",
            "audit",
            "--external-id",
            "e-1",
        ])
        .output()
        .expect("the program");
    assert_eq!(stderr(&output), "");
    let snapshot: Value = serde_json::from_str(&fs::read_to_string(&file.0).expect("a snapshot")).expect("JSON");
    assert_eq!(snapshot["accounts"].as_array().map(Vec::len), Some(2));
    let account = &snapshot["accounts"][0];
    assert_eq!(account["credential_report"], report("111122223333"));
    assert_eq!(account["oidc_providers"][0]["ClientIDList"][0], "sts.amazonaws.com");
    let association = &account["pod_identity_associations"][0];
    for (key, value) in [
        ("service_account", json!("cart")),
        ("association_id", json!("a-1")),
        ("disable_session_tags", json!(true)),
        ("modified_at", json!("2026-01-02T00:00:00Z")),
    ] {
        assert_eq!(association[key], value, "{key}");
    }
    let accessed = &account["service_last_accessed"][0];
    assert!(accessed["Arn"].as_str().is_some_and(|arn| arn.contains("111122223333")));
    assert_eq!(accessed["ServicesLastAccessed"][0]["ServiceNamespace"], "s3");
    let [full, deny, objects] = ["p-full", "p-deny", "p-deny-objects"].map(control);
    let expected = json!({
        "111122223333": {},
        "444455556666": {
            "service_control_policies": [[full], [full, deny], [full]],
            "resource_control_policies": [[full], [full, objects], [full]],
        },
    });
    assert_eq!(snapshot["organization_policies"], expected);
    check_beside(address, &path, &snapshot);
}

/// What a snapshot holds beside the grants counts as if it were given in files; what is given counts more.
fn check_beside(address: SocketAddr, path: &str, snapshot: &Value) {
    let folder = std::env::temp_dir().join(format!("trimtrail-beside-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let accounts = snapshot["accounts"].as_array().expect("accounts");
    let (mut reports, mut accessed) = (Vec::new(), Vec::new());
    for (number, account) in accounts.iter().enumerate() {
        let report = account["credential_report"].as_str().expect("a report");
        reports.push(file(&format!("{number}.csv"), report));
        let of_account = account["service_last_accessed"].to_string();
        accessed.push(file(&format!("{number}.json"), &of_account));
    }
    let organization = file("organization.json", &snapshot["organization_policies"].to_string());
    let associations = ["111122223333", "444455556666"].map(|account| association("org", account));
    let associations = associations.each_ref().map(|file| file.0.display().to_string());
    let given = |reports: &[String]| {
        let reports = reports.iter().flat_map(|path| ["--credential-report", path]);
        let accessed = accessed.iter().flat_map(|path| ["--last-accessed", path]);
        let flags: Vec<&str> = reports
            .chain(accessed)
            .chain(associations.iter().flat_map(|path| ["--eks", path]))
            .chain(["--org-policies", &organization])
            .collect();
        analyze_with(address, "sample-logs/grants", &flags)
    };
    let from_snapshot = analyze(address, path);
    assert_eq!(from_snapshot, given(&reports));
    assert_ne!(from_snapshot, analyze(address, "sample-logs/grants"));

    let harmless = file("harmless.csv", &report("111122223333").replace("true", "false"));
    let over = analyze_with(address, path, &["--credential-report", &harmless]);
    assert_eq!(over, given(&[harmless, reports[1].clone()]));
    assert_ne!(over, from_snapshot);
    let _ = fs::remove_dir_all(&folder);
}

#[test]
fn last_accessed_data_comes_by_default_and_goes_on_where_a_run_stopped() {
    let file = File::new("accessed");
    let path = file.0.display().to_string();
    let left = PathBuf::from(format!("{path}.last-accessed"));
    let arn = sample("111122223333")["RoleDetailList"][0]["Arn"]
        .as_str()
        .expect("an ARN")
        .to_owned();
    let now = jiff::Timestamp::now().to_string();
    let answer = json!({"Arn": arn, "JobStatus": "COMPLETED", "JobCreationDate": now, "ServicesLastAccessed": [{"ServiceNamespace": "sqs"}]});
    fs::write(&left, format!("{answer}\n{{\"Arn\":")).expect("a file");
    let grants = |more: &[&str]| {
        let output = trimtrail(aws(Allows::Everything))
            .args(["grants", "-o", &path])
            .args(more)
            .output()
            .expect("the program");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let snapshot: Value = serde_json::from_str(&fs::read_to_string(&file.0).expect("a snapshot")).expect("JSON");
        (
            snapshot["accounts"][0]["service_last_accessed"].clone(),
            stderr(&output),
        )
    };
    let (accessed, said) = grants(&[]);
    assert!(
        said.contains("last-accessed data of 1 roles and users is known"),
        "{said}"
    );
    let services = |arn: &str| {
        let of = |one: &&Value| one["Arn"] == arn;
        accessed
            .as_array()
            .into_iter()
            .flatten()
            .find(of)
            .map(|one| one["ServicesLastAccessed"][0]["ServiceNamespace"].clone())
    };
    assert_eq!(services(&arn), Some(json!("sqs")));
    let other = sample("111122223333")["RoleDetailList"][1]["Arn"]
        .as_str()
        .expect("an ARN")
        .to_owned();
    assert_eq!(services(&other), Some(json!("s3")));
    assert!(!left.exists());
    let (accessed, said) = grants(&["--no-last-accessed"]);
    assert_eq!((accessed, said.as_str()), (Value::Null, ""));
}

#[test]
fn whoever_may_not_read_grants_is_told_so() {
    let output = trimtrail(aws(Allows::Nothing))
        .args(["grants", "-o", "-"])
        .output()
        .expect("the program");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("access denied"), "{}", stderr(&output));
    assert!(stderr(&output).contains("trimtrail doctor"), "{}", stderr(&output));
}

#[test]
fn a_snapshot_of_a_newer_form_is_refused() {
    let file = File::new("newer");
    fs::write(&file.0, r#"{"schema": "trimtrail.grants/2", "accounts": []}"#).expect("a file");
    let output = trimtrail(aws(Allows::Nothing))
        .args([
            "analyze",
            "--logs",
            "sample-logs/AWSLogs",
            "--grants",
            &file.0.display().to_string(),
        ])
        .output()
        .expect("the program");
    assert!(stderr(&output).contains("trimtrail.grants/2"), "{}", stderr(&output));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn doctor_prints_the_policy_and_tries_each_step() {
    let doctor = |allows: Allows| {
        let output = trimtrail(aws(allows))
            .args(["doctor", "--grants", "live"])
            .output()
            .expect("the program");
        (output.status.code(), stdout(&output))
    };
    let (code, text) = doctor(Allows::Everything);
    assert_eq!(code, Some(0));
    assert!(text.contains("iam:GetAccountAuthorizationDetails"), "{text}");
    assert!(
        text.contains("ok      credentials: you are arn:aws:iam::111122223333:user/x"),
        "{text}"
    );
    assert!(text.contains("ok      grants"), "{text}");
    let (code, text) = doctor(Allows::Nothing);
    assert_eq!(code, Some(1));
    assert!(text.contains("failed  grants: access denied"), "{text}");
}

/// Half of the grants are other grants: a role that is missing has no policy, and a policy no holder.
#[test]
fn pages_of_grants_that_stop_in_the_middle_end_the_run() {
    let whole = |page: &Value| {
        let answer = answer("GetAccountAuthorizationDetails", page);
        String::from_utf8(answer.body).expect("text")
    };
    let page = page("111122223333", None);
    let torn = {
        let text = whole(&page);
        let end = text.find("</RoleDetailList>").expect("roles");
        text[..end].to_owned()
    };
    let with = |truncated: bool, marker: Value| {
        let mut page = page.clone();
        page["IsTruncated"] = json!(truncated);
        page["Marker"] = marker;
        whole(&page)
    };
    for (body, why) in [
        (torn, "it breaks off in the middle"),
        (with(true, json!("")), "not where they go on"),
        (with(true, json!("2")), "not where they go on"),
    ] {
        let address = serve(move |request: &Request| match request.field("Action").as_deref() {
            Some("GetCallerIdentity") => answer(
                "GetCallerIdentity",
                &json!({"Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/x", "UserId": "AIDAX"}),
            ),
            _ => Response::new(200, body.clone()),
        });
        let output = trimtrail(address)
            .args(["grants", "-o", "-"])
            .output()
            .expect("the program");
        assert!(stderr(&output).contains(why), "{why}: {}", stderr(&output));
        assert_eq!(output.status.code(), Some(1));
        assert!(stdout(&output).is_empty(), "{}", stdout(&output));
    }
}
