//! Edits of files in three languages: refused, or the proved document, with everything around it as it was.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use trimtrail::inside::iam::PolicyText;
use trimtrail::inside::patch::{self, Answer, Options};
use trimtrail::inside::report::{LivePolicy, Suggestion};
use trimtrail::inside::verify::{self, Verified};

/// One byte chooses what to suggest, the rest is the file.
fn edited(name: &str, data: &[u8], around: [&str; 2]) -> Option<(String, String, &'static Verified<Suggestion>)> {
    let (choice, text) = data.split_first()?;
    let suggestion = &suggestions()[usize::from(*choice) % suggestions().len()];
    let text = format!("{}{}{}", around[0], str::from_utf8(text).ok()?, around[1]);
    let policies = [LivePolicy {
        policy: suggestion.policy.clone(),
        policy_arn: suggestion.policy_arn.clone(),
        sha256: suggestion.before_sha256.clone(),
        ..LivePolicy::default()
    }];
    let answer = Answer {
        policies: &policies,
        documents: &BTreeMap::new(),
        suggestions: std::slice::from_ref(suggestion),
    };
    let plan = patch::plan_texts(answer, Options::default(), vec![(PathBuf::from(name), text.clone())]);
    let [file] = &plan.files[..] else {
        assert_eq!((plan.files.len(), plan.left.len()), (0, 1), "neither edited nor left");
        return None;
    };
    assert_eq!(file.before, text);
    assert!(
        file.after.starts_with(around[0]) && file.after.ends_with(around[1]),
        "what stands around the document changed:\n{}",
        file.after
    );
    Some((text, file.after.clone(), suggestion))
}

/// JSON: the values that an independent reader finds differ in the policy alone.
pub(crate) fn json(data: &[u8]) {
    if let Some((before, after, suggestion)) = edited("deploy.json", data, ["\n \t", "\t \n"]) {
        let read = |text: &str| serde_json::from_str::<Value>(text).expect("the file was JSON");
        let mut policies = 0;
        hold(&read(&before), &read(&after), suggestion, &mut policies);
        assert_eq!(policies, 1, "{after}");
    }
}

/// YAML: the same, by a second reader that resolves aliases.
pub(crate) fn yaml(data: &[u8]) {
    let around = ["# the first line, ünïcode\n", "\n# the last line\n"];
    if let Some((before, after, suggestion)) = edited("deploy.yaml", data, around) {
        // Where the two readers differ on the file as it stands there is nothing to compare.
        let Some(before) = yaml_values(&before) else { return };
        let after_values = yaml_values(&after).unwrap_or_else(|| panic!("no YAML any more:\n{after}"));
        let mut policies = 0;
        hold(&before, &after_values, suggestion, &mut policies);
        assert_eq!(policies, 1, "{after}");
    }
}

/// Terraform: the file parses, and whatever holds no policy says what it said.
pub(crate) fn hcl(data: &[u8]) {
    let around = ["# the first line, ünïcode\n", "\n# the last line\n"];
    if let Some((before, after, _)) = edited("deploy.hcl", data, around) {
        let read = |text: &str| text.parse::<hcl_edit::structure::Body>();
        let old = read(&before).expect("the file was HCL");
        let new = read(&after).unwrap_or_else(|error| panic!("{error}\n{after}"));
        assert_eq!(differences(&old, &new), 1, "{after}");
    }
}

/// How many attributes and documents differ between two bodies.
fn differences(old: &hcl_edit::structure::Body, new: &hcl_edit::structure::Body) -> usize {
    use hcl_edit::structure::Structure;
    assert_eq!(old.len(), new.len(), "structures were added or lost");
    let each = old.iter().zip(new.iter()).filter(|(old, new)| old != new);
    each.map(|(old, new)| match (old, new) {
        (Structure::Attribute(old), Structure::Attribute(new)) => {
            assert_eq!(old.key, new.key);
            1
        }
        (Structure::Block(old), Structure::Block(new)) => {
            assert_eq!((&old.ident, &old.labels), (&new.ident, &new.labels));
            if old.has_ident("data") {
                1
            } else {
                differences(&old.body, &new.body)
            }
        }
        _ => panic!("a structure became another"),
    })
    .sum()
}

/// Every document of a YAML file; what has a tag is told apart from what has none.
fn yaml_values(text: &str) -> Option<Value> {
    use serde::Deserialize as _;
    let documents = serde_yaml_ng::Deserializer::from_str(text).map(serde_yaml_ng::Value::deserialize);
    documents
        .map(|document| document.ok().map(plain))
        .collect::<Option<Vec<Value>>>()
        .map(Value::Array)
}

fn plain(value: serde_yaml_ng::Value) -> Value {
    use serde_yaml_ng::Value as Yaml;
    match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(value),
        Yaml::Number(number) => Value::String(number.to_string()),
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(elements) => elements.into_iter().map(plain).collect(),
        Yaml::Mapping(members) => {
            let name = |key| match plain(key) {
                Value::String(name) => name,
                other => other.to_string(),
            };
            Value::Object(
                members
                    .into_iter()
                    .map(|(key, value)| (name(key), plain(value)))
                    .collect(),
            )
        }
        Yaml::Tagged(tagged) => json!({"Fn::tag": [tagged.tag.to_string(), plain(tagged.value)]}),
    }
}

/// Two values are equal but where the first has the policy that stood and the second the one that should.
fn hold(before: &Value, after: &Value, suggestion: &Verified<Suggestion>, policies: &mut usize) {
    if before == after {
        return;
    }
    if says(before, &suggestion.before().value()) && says(after, &suggestion.after().value()) {
        *policies += 1;
        return;
    }
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            assert!(old.keys().eq(new.keys()), "other keys: {before} {after}");
            for (old, new) in old.values().zip(new.values()) {
                hold(old, new, suggestion, policies);
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            assert_eq!(old.len(), new.len(), "{before} {after}");
            for (old, new) in old.iter().zip(new) {
                hold(old, new, suggestion, policies);
            }
        }
        // JSON in a block of YAML.
        (Value::String(old), Value::String(new)) => {
            let read = |text: &str| {
                text.find('{')
                    .and_then(|at| serde_json::from_str::<Value>(&text[at..]).ok())
            };
            match (read(old), read(new)) {
                (Some(old), Some(new)) => hold(&old, &new, suggestion, policies),
                _ => panic!("another text: {old:?} {new:?}"),
            }
        }
        _ => panic!("another value: {before} {after}"),
    }
}

/// Whether a value is this policy; order and single elements apart, references standing for anything.
fn says(value: &Value, policy: &Value) -> bool {
    match (value, policy) {
        (Value::Object(one), _) if one.len() == 1 && one.keys().all(|key| key == "Ref" || key.starts_with("Fn::")) => {
            true
        }
        (Value::Object(one), Value::Object(two)) => {
            one.len() == two.len()
                && one
                    .iter()
                    .all(|(key, value)| two.get(key).is_some_and(|other| says(value, other)))
        }
        (Value::Array(_), _) | (_, Value::Array(_)) => {
            let (one, mut left) = (elements(value), elements(policy));
            let open = one.iter().any(|each| each.is_object() && says(each, &Value::Null));
            for each in one {
                match left.iter().position(|other| says(each, other)) {
                    Some(at) => drop(left.remove(at)),
                    None => return false,
                }
            }
            left.is_empty() || open
        }
        (
            Value::Bool(_) | Value::Number(_) | Value::String(_),
            Value::Bool(_) | Value::Number(_) | Value::String(_),
        ) => {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text(value) == text(policy)
        }
        _ => value == policy,
    }
}

fn elements(value: &Value) -> Vec<&Value> {
    value
        .as_array()
        .map_or_else(|| vec![value], |elements| elements.iter().collect())
}

/// Proved suggestions over three policies: shorter lists, other actions, fewer statements, fewer resources.
fn suggestions() -> &'static [Verified<Suggestion>] {
    static ALL: OnceLock<Vec<Verified<Suggestion>>> = OnceLock::new();
    ALL.get_or_init(|| {
        let document = |statements: &[&Value]| json!({"Version": "2012-10-17", "Statement": statements});
        let with = |statement: &Value, key: &str, value: Value| {
            let mut statement = statement.clone();
            statement[key] = value;
            statement
        };
        let site = json!({"Sid": "Site", "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::site/*"});
        let machines = json!({"Effect": "Allow", "Action": ["ec2:StartInstances", "ec2:StopInstances", "ec2:Describe*"], "Resource": "*"});
        let home = json!({"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": ["arn:aws:s3:::home/${aws:username}/*", "arn:aws:s3:::all/*"],
            "Condition": {"StringEquals": {"aws:PrincipalTag/team": ["red", "blue"]}}});
        let wide = json!({"Effect": "Allow", "NotAction": ["iam:*", "s3:Delete*"], "Resource": "*"});
        let get_site = with(&site, "Action", json!(["s3:GetObject", "s3:List*"]));
        let one_of_site = with(&site, "Action", json!("s3:GetObject"));
        let start = with(&machines, "Action", json!(["ec2:StartInstances"]));
        let describe = with(&machines, "Action", json!(["ec2:DescribeRegions", "ec2:DescribeHosts", "ec2:StopInstances", "ec2:DescribeVpcs"]));
        let home_get = with(&home, "Action", json!(["s3:GetObject"]));
        let home_own = with(&home, "Resource", json!(["arn:aws:s3:::home/${aws:username}/*"]));
        let named = json!({"Effect": "Allow", "Action": ["s3:GetObject", "ec2:StartInstances"], "Resource": "*"});
        let (two, one, three) = (document(&[&site, &machines]), document(&[&home]), document(&[&wide, &home]));
        let pairs = [
            (&two, document(&[&get_site, &machines])),
            (&two, document(&[&site, &start])),
            (&two, document(&[&one_of_site, &describe])),
            (&two, document(&[&machines])),
            (&two, document(&[&get_site])),
            (&one, document(&[&home_get])),
            (&one, document(&[&home_own])),
            (&three, document(&[&named, &home])),
            (&three, document(&[&wide])),
            (&three, document(&[&named, &home_get])),
        ];
        pairs.into_iter().map(|(before, after)| suggestion(before, &after)).collect()
    })
}

fn suggestion(before: &Value, after: &Value) -> Verified<Suggestion> {
    let (before, after) = (PolicyText::from(before), PolicyText::from(after));
    let digest = Sha256::digest(before.as_str().as_bytes());
    let suggestion = Suggestion {
        policy: "deploy".to_owned(),
        policy_arn: "arn:aws:iam::111122223333:role/ci".to_owned(),
        change: "replace".to_owned(),
        before_sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        ..Suggestion::default()
    };
    verify::again(before, after, suggestion).expect("it allows less")
}
