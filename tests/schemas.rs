//! What the program writes for programs fits the JSON Schema that it prints.

use std::process::Command;

use serde_json::{Value, json};

/// What the program prints, where it ends well.
#[track_caller]
fn print(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_trimtrail"))
        .args(arguments)
        .output()
        .expect("the program");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("text")
}

/// Whether a JSON Schema has a place for every field of a value, and the value every field that the schema asks for.
fn fits(value: &Value, schema: &Value, root: &Value, at: &str) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).expect("a definition"),
        None => schema,
    };
    if ["type", "properties", "anyOf", "oneOf"]
        .iter()
        .all(|key| schema.get(key).is_none())
    {
        // A document of somebody else, such as a policy: anything fits.
        return;
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let fits_one = choices.iter().any(|choice| choice["type"] == "null") == value.is_null();
        assert!(fits_one || !value.is_null(), "{at}");
        if let (false, Some(choice)) = (value.is_null(), choices.iter().find(|choice| choice["type"] != "null")) {
            fits(value, choice, root, at);
        }
        return;
    }
    match value {
        Value::Object(fields) => {
            for name in schema["required"].as_array().into_iter().flatten() {
                assert!(fields.contains_key(name.as_str().expect("a name")), "{at} lacks {name}");
            }
            for (name, field) in fields {
                let of_field = match &schema["properties"][name] {
                    Value::Null => &schema["additionalProperties"],
                    known => known,
                };
                assert!(!of_field.is_null(), "{at}.{name} is not in the schema");
                fits(field, of_field, root, &format!("{at}.{name}"));
            }
        }
        Value::Array(items) if schema["items"].is_object() => {
            for item in items {
                fits(item, &schema["items"], root, &format!("{at}[]"));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {}
    }
}

#[test]
fn coverage_as_json_fits_its_schema_with_what_digests_prove() {
    let schema: Value = serde_json::from_str(&print(&["schema", "coverage"])).expect("JSON");
    let plain = ["coverage", "--logs", "sample-logs/AWSLogs", "--format", "json"];
    let validated = [
        "coverage",
        "--logs",
        "tests/digests/AWSLogs",
        "--validate",
        "--public-keys",
        "tests/digests/public-keys.json",
        "--format",
        "json",
    ];
    let plain: Value = serde_json::from_str(&print(&plain)).expect("JSON");
    let validated: Value = serde_json::from_str(&print(&validated)).expect("JSON");
    fits(&plain, &schema, &schema, "coverage");
    fits(&validated, &schema, &schema, "coverage");
    assert_eq!(plain["schema"], "trimtrail.coverage/1");
    assert!(plain.get("integrity").is_none());
    let empty = json!([{"account": "111122223333", "region": "eu-west-1", "trail": "main",
        "from": "2026-10-01T11:00:09Z", "to": "2026-10-01T12:00:09Z"}]);
    assert_eq!(validated["integrity"]["empty"], empty);
    assert_eq!(validated["integrity"]["log_files_proved"], 5);
    assert_eq!(validated["integrity"]["wrong"], json!([]));
}

#[test]
fn a_result_fits_its_schema() {
    let schema: Value = serde_json::from_str(&print(&["schema"])).expect("JSON");
    let analyze = [
        "analyze",
        "--logs",
        "sample-logs/AWSLogs",
        "--grants",
        "sample-logs/grants",
        "--format",
        "json",
    ];
    let result: Value = serde_json::from_str(&print(&analyze)).expect("JSON");
    fits(&result, &schema, &schema, "result");
}
