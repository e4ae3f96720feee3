//! How requests spell what they name: as a name, an id, a URL, an ARN; and what of it stands in the resource's ARN.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::iam::arn;

/// What the value of a request parameter holds beside the name that an ARN needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// The name alone.
    Whole,
    /// What follows the last `/`: a queue's URL names the queue so, behind its owner's account (SQS developer guide, "Queue
    /// and message identifiers": `https://sqs.us-east-2.amazonaws.com/123456789012/MyQueue`).
    Basename,
    /// An id, or an alias or another identifier with a `/` or `:`, which tells nothing (KMS API reference, `KeyId`).
    Id,
    /// The name, after the resource's type: `alias/n` (KMS API reference, `AliasName`), `/hostedzone/Z` (Route 53 API
    /// reference, `Id`).
    Typed,
    /// `name`, `name:qualifier` or a part of the ARN, such as `123456789012:function:name` (Lambda API reference,
    /// `FunctionName`).
    Function,
    /// A name or ARN that may end with a version or alias behind a colon, which its ARN in policies lacks (Step Functions
    /// developer guide, "Authorization for versions and aliases").
    Unqualified,
    /// A parameter, perhaps with a version or label behind a colon; its ARN has one slash where the name starts with one
    /// (Systems Manager user guide, "Restricting access to Parameter Store parameters using IAM policies"). What AWS
    /// publishes under `/aws/service` belongs to no account.
    Parameter,
    /// A document; AWS's own belong to no account (Systems Manager user guide: `arn:aws:ssm:REGION::document/AWS-…`).
    Document,
    /// `REGIONAL` or `CLOUDFRONT`, in ARNs `regional` or `global` (WAF developer guide, "Resource types").
    Scope,
    /// A bucket, or the alias or host name of an access point, which tells neither bucket nor access point (S3 user guide,
    /// "Access point aliases").
    Bucket,
    /// An object's key, which the event may have percent-encoded.
    Key,
    /// An identifier that its service may store in lower case (RDS API reference: "stored as a lowercase string").
    Folded,
    /// A managed node that is an EC2 instance, `i-…` (Systems Manager API reference, `StartSession` and `SendCommand`) …
    Instance,
    /// … one that is none, `mi-…` …
    Managed,
    /// … or a container, `ecs:cluster_task_container`, whose ARN is the task's (ECS developer guide, "Using ECS Exec").
    Task,
    /// What a resource of Systems Manager is: `MaintenanceWindow`, in ARNs `maintenancewindow` (API reference,
    /// `AddTagsToResource`).
    Kind,
    /// `bucket/key`, percent-encoded, perhaps with a leading `/` and a version (S3 API reference, `x-amz-copy-source`).
    Object,
}

/// Where a resource is, so far as it is not where the call was.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Elsewhere {
    /// Such as `aws`.
    pub partition: Option<String>,
    /// Such as `eu-west-1`; empty where ARNs have none.
    pub region: Option<String>,
    /// The owner; empty where ARNs have none.
    pub account: Option<String>,
}

/// What a parameter's value contributes to an ARN.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name {
    /// The text.
    pub text: String,
    /// Where the resource is.
    pub place: Elsewhere,
    /// How far the text reaches.
    pub reach: Reach,
}

/// How far a value reaches beyond the place of its parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// It fills its own place.
    Own,
    /// It stands for the resource up to its place as well.
    SoFar,
    /// It stands for the whole resource.
    All,
    /// It is an ARN that is complete as it is, of whatever service.
    Arn,
}

impl Name {
    fn own(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            place: Elsewhere::default(),
            reach: Reach::Own,
        }
    }

    fn arn(text: &str) -> Self {
        Self {
            reach: Reach::Arn,
            ..Self::own(text)
        }
    }

    /// Lets a plain name stand for nothing but itself.
    pub fn escape(&mut self) {
        if self.reach != Reach::Arn
            && let Cow::Owned(literal) = arn::literal(&self.text)
        {
            self.text = literal;
        }
    }
}

/// A parameter's place in the resource of a template.
#[derive(Clone, Copy, Debug)]
pub struct Slot<'a> {
    /// Where in the request the value stands.
    pub path: &'a str,
    /// What it holds.
    pub form: Form,
    /// The service of the template; `None` where it is the parameter alone.
    pub service: Option<&'a str>,
    /// The text that the resource starts with, up to the first parameter: `table/`.
    pub lead: &'a str,
    /// Whether this is the first parameter of the resource.
    pub first: bool,
    /// The text right before the parameter.
    pub before: &'a str,
    /// The text right behind it.
    pub after: &'a str,
}

impl Slot<'_> {
    /// What a value contributes, in each spelling that the ARN may have; nothing where it holds another kind of identifier.
    ///
    /// An ARN of the template's own type stands for the template up to here (`table/t` of `table/t/index/i`). One of
    /// another type whose name is the parameter's lends its name, region and account (`event-bus/b` to `rule/b/r`).
    pub fn names_in(&self, value: &str) -> Vec<Name> {
        if value.is_empty() {
            return Vec::new();
        }
        if value.starts_with("arn:") && self.form != Form::Object {
            return self.in_arn(value);
        }
        let whole = vec![Name::own(value)];
        match self.form {
            Form::Whole => match self.without_type(value) {
                Some(name) => vec![Name::own(name), Name::own(value)],
                None => whole,
            },
            Form::Typed => vec![Name::own(self.without_type(value).unwrap_or(value))],
            Form::Basename => basename(value),
            Form::Id if value.contains([':', '/']) => Vec::new(),
            Form::Id => whole,
            Form::Unqualified => some(value.split(':').next().unwrap_or(value)),
            Form::Function => function(value),
            Form::Parameter => parameter(value),
            Form::Document => document(value),
            Form::Scope => vec![Name::own(&match value {
                "CLOUDFRONT" => "global".to_owned(),
                scope => scope.to_ascii_lowercase(),
            })],
            Form::Instance if value.starts_with("i-") => whole,
            Form::Managed if value.starts_with("mi-") => whole,
            Form::Instance | Form::Managed => Vec::new(),
            Form::Task => task(value),
            Form::Kind => kind(value).map(Name::own).into_iter().collect(),
            Form::Bucket if is_bucket_alias(value) => Vec::new(),
            Form::Bucket => whole,
            Form::Key => match decoded(value).filter(|key| key != value) {
                Some(key) => vec![Name::own(&key), Name::own(value)],
                None => whole,
            },
            Form::Folded => {
                let lower = value.to_lowercase();
                if lower == value {
                    whole
                } else {
                    vec![Name::own(value), Name::own(&lower)]
                }
            }
            Form::Object => object(value),
        }
    }

    /// The value without what the template spells out right before it already: `alias/`, `hostedzone/`, `p-`.
    fn without_type<'v>(&self, value: &'v str) -> Option<&'v str> {
        let separators: &[char] = &['/', ':'];
        let own = self.before.trim_end_matches(separators);
        let start = own.rfind(separators).map_or(0, |at| at + 1);
        let kind = &self.before[start..];
        if own.len() == start || kind.contains('*') {
            return None;
        }
        let value = value.strip_prefix('/').unwrap_or(value);
        value.strip_prefix(kind).filter(|name| !name.is_empty())
    }

    fn in_arn(&self, value: &str) -> Vec<Name> {
        let Some(service) = self.service else {
            return vec![Name::arn(self.unqualified(value))];
        };
        let segments: Vec<&str> = value.splitn(6, ':').collect();
        let [_, partition, of, region, account, resource] = segments[..] else {
            return Vec::new();
        };
        // An access point or a function of Object Lambda, which no bucket's template fits.
        if self.form == Form::Bucket && !account.is_empty() {
            return vec![Name::arn(value)];
        }
        let place = Elsewhere {
            partition: Some(partition.to_owned()),
            region: Some(region.to_owned()),
            account: Some(account.to_owned()),
        };
        if of == service && resource.starts_with(self.lead) && (self.first || !self.lead.is_empty()) {
            let name = self.unqualified(&resource[self.lead.len()..]);
            let after = self.after.trim_end_matches(['*', '?']);
            let more = !after.is_empty() && name.contains(after);
            return vec![Name {
                text: format!("{}{name}", self.lead),
                place,
                reach: if more { Reach::All } else { Reach::SoFar },
            }];
        }
        let Some((kind, name)) = resource.split_once(['/', ':']).filter(|_| self.form != Form::Id) else {
            return Vec::new();
        };
        let parameter = squeezed(self.path.rsplit('.').next().unwrap_or(self.path));
        let kind = squeezed(kind);
        if kind.is_empty() || !parameter.contains(&kind) {
            return Vec::new();
        }
        vec![Name {
            text: name.to_owned(),
            place,
            reach: Reach::Own,
        }]
    }

    /// An ARN, or its resource without the type, without what its form leaves out.
    fn unqualified<'v>(&self, text: &'v str) -> &'v str {
        let keep = match self.form {
            Form::Function | Form::Unqualified | Form::Parameter | Form::Document => {
                if text.starts_with("arn:") {
                    7
                } else {
                    1
                }
            }
            _ => return text,
        };
        text.match_indices(':')
            .nth(keep - 1)
            .map_or(text, |(at, _)| &text[..at])
    }
}

impl Form {
    pub(super) const NAMED: [(&'static str, Form); 16] = [
        ("|basename", Form::Basename),
        ("|folded", Form::Folded),
        ("|id", Form::Id),
        ("|typed", Form::Typed),
        ("|function", Form::Function),
        ("|unqualified", Form::Unqualified),
        ("|parameter", Form::Parameter),
        ("|document", Form::Document),
        ("|scope", Form::Scope),
        ("|bucket", Form::Bucket),
        ("|key", Form::Key),
        ("|object", Form::Object),
        ("|instance", Form::Instance),
        ("|managed", Form::Managed),
        ("|task", Form::Task),
        ("|kind", Form::Kind),
    ];

    /// Whether one plain name does as well as another in a value of this form: it looks at nothing but colons, slashes,
    /// and the names that [`Form::looks_for`].
    pub fn takes_plain_names(self) -> bool {
        match self {
            Form::Whole
            | Form::Id
            | Form::Typed
            | Form::Function
            | Form::Unqualified
            | Form::Parameter
            | Form::Bucket
            | Form::Key => true,
            Form::Basename
            | Form::Document
            | Form::Scope
            | Form::Folded
            | Form::Object
            | Form::Instance
            | Form::Managed
            | Form::Task
            | Form::Kind => false,
        }
    }

    /// Whether an ARN that is given as a value is not the one that policies name, but what this form makes of it.
    pub fn replaces(self) -> bool {
        matches!(self, Form::Unqualified | Form::Parameter)
    }

    /// Whether a value is of a kind that this form, or one beside it, knows; else it names what no template holds.
    pub fn knows(self, value: &str) -> bool {
        match self {
            Form::Instance | Form::Managed => value.starts_with("i-") || value.starts_with("mi-"),
            // No page shows a task's ARN in a policy for sessions.
            Form::Task => !value.starts_with("ecs:"),
            Form::Kind => kind(value).is_some(),
            _ => true,
        }
    }

    /// Names that mean more than others.
    pub fn looks_for(self) -> &'static [&'static str] {
        match self {
            Form::Parameter => &["aws", "service"],
            Form::Function => &["function"],
            _ => &[],
        }
    }
}

fn some(name: &str) -> Vec<Name> {
    if name.is_empty() {
        Vec::new()
    } else {
        vec![Name::own(name)]
    }
}

fn basename(value: &str) -> Vec<Name> {
    let mut parts = value.rsplit('/');
    let mut names = some(parts.next().unwrap_or(value));
    let account = parts
        .next()
        .filter(|account| value.contains("://") && is_account(account));
    for name in &mut names {
        name.place.account = account.map(str::to_owned);
    }
    names
}

/// `[region:][account:][function:]name[:qualifier]`, where a region stands before an account alone.
fn function(value: &str) -> Vec<Name> {
    let mut parts: Vec<&str> = value.split(':').collect();
    let mut place = Elsewhere::default();
    if parts.len() > 2 && is_account(parts[1]) {
        place.region = Some(parts.remove(0).to_owned());
    }
    if parts.len() > 1 && is_account(parts[0]) {
        place.account = Some(parts.remove(0).to_owned());
    }
    if parts.len() > 1 && parts[0] == "function" {
        parts.remove(0);
    }
    let mut names = some(parts[0]);
    names.iter_mut().for_each(|name| name.place.clone_from(&place));
    names
}

fn parameter(value: &str) -> Vec<Name> {
    let name = value.split(':').next().unwrap_or(value);
    let name = name.strip_prefix('/').unwrap_or(name);
    let mut names = some(name);
    if name.starts_with("aws/service/") {
        names.push(nobodys(name));
    }
    names
}

fn document(value: &str) -> Vec<Name> {
    let name = value.split(':').next().unwrap_or(value);
    let mut names = some(name);
    let lower = name.to_ascii_lowercase();
    if ["aws", "amazon", "amzn"].iter().any(|owner| lower.starts_with(owner)) {
        names.push(nobodys(name));
    }
    names
}

fn task(value: &str) -> Vec<Name> {
    // A cluster's name may have underscores; ids have none.
    let mut parts = value.strip_prefix("ecs:").unwrap_or("").rsplitn(3, '_');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(task), Some(cluster)) => vec![Name::own(&format!("{cluster}/{task}"))],
        _ => Vec::new(),
    }
}

/// What ARNs call a kind of resource of Systems Manager.
fn kind(value: &str) -> Option<&'static str> {
    Some(match value {
        "Association" => "association",
        "Automation" => "automation-execution",
        "CloudConnector" => "cloud-connector",
        "Document" => "document",
        "MaintenanceWindow" => "maintenancewindow",
        "ManagedInstance" => "managed-instance",
        "OpsItem" => "opsitem",
        "OpsMetadata" => "opsmetadata",
        "Parameter" => "parameter",
        "PatchBaseline" => "patchbaseline",
        _ => return None,
    })
}

/// What AWS itself owns stands in the region of the call, in no account.
fn nobodys(name: &str) -> Name {
    let mut name = Name::own(name);
    name.place.account = Some(String::new());
    name
}

fn object(value: &str) -> Vec<Name> {
    let path = value.split_once("?versionId=").map_or(value, |(path, _)| path);
    let Some(path) = decoded(path.trim_start_matches('/')) else {
        return Vec::new();
    };
    if path.starts_with("arn:") {
        return vec![Name::arn(&path)];
    }
    let in_bucket = path.split_once('/').is_some_and(|(bucket, _)| !is_bucket_alias(bucket));
    if in_bucket { vec![Name::own(&path)] } else { Vec::new() }
}

fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned)
}

fn squeezed(name: &str) -> String {
    let mut name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    name.make_ascii_lowercase();
    name
}

/// Whether a text is the number of an account.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// An S3 resource as policies write it: an event may have percent-encoded its key.
pub fn decoded_object(arn: &str) -> Option<String> {
    let key = arn.contains('%').then(|| arn.split_once(":s3:::")).flatten()?.1;
    let decoded = decoded(key).filter(|decoded| decoded != key)?;
    Some(format!("{}{decoded}", &arn[..arn.len() - key.len()]))
}

/// Whether a bucket's name is the alias or the host name of an access point (S3 user guide, "Access point aliases",
/// "Multi-Region Access Point requests").
pub fn is_bucket_alias(name: &str) -> bool {
    match name.as_bytes().last() {
        Some(b's' | b'3' | b'p') => ["-s3alias", "--ol-s3", "--x-s3", ".mrap"]
            .iter()
            .any(|ending| name.ends_with(ending)),
        Some(b'm' | b'n') => {
            name.ends_with(".accesspoint.s3-global.amazonaws.com")
                || (name.contains(".s3-accesspoint") || name.contains(".s3-object-lambda"))
                    && (name.ends_with(".amazonaws.com") || name.ends_with(".amazonaws.com.cn"))
        }
        _ => false,
    }
}
