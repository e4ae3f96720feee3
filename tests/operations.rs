//! The mapping against AWS's own tables of operations (`corpus/operations.tsv`), request by request.
//!
//! What a request needs is compared with what the log of it resolves to; what AWS lists beside that must be among what
//! the call may need, whatever the request shows.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::resolve::{self, Resolution};

use super::resolved::of_request;

const TABLE: &str = include_str!("corpus/operations.tsv");
const ROLE: &str = "arn:aws:iam::111122223333:role/r";

/// One operation of one row.
struct Row<'t> {
    source: &'t str,
    operation: &'t str,
    request: &'t str,
    needs: BTreeSet<String>,
    listed: BTreeSet<String>,
}

fn rows() -> Vec<Row<'static>> {
    let mut out = Vec::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [source, operations, request, needs, listed] = fields[..] else {
            panic!("five fields: {line}")
        };
        for operation in operations.split(' ') {
            let name = operation.split("20").next().unwrap_or(operation);
            let actions = |text: &str| -> BTreeSet<String> {
                let spelled = text.split_whitespace().map(|action| match action {
                    "=" => format!("{source}:{name}"),
                    other => other.replace('=', name),
                });
                spelled.collect()
            };
            out.push(Row {
                source,
                operation,
                request,
                needs: actions(needs),
                listed: actions(listed),
            });
        }
    }
    out
}

/// `a=1,b.c=2` as an object; a list where the log has one.
fn parameters(request: &str) -> Value {
    let mut object = json!({});
    for pair in request.split(',').filter(|pair| *pair != "-") {
        let (path, value) = pair.split_once('=').expect("path=value");
        match path.split_once('.') {
            Some(("requestItems", member)) => object["requestItems"] = json!([{ member: value }]),
            Some((outer, inner)) => object[outer] = json!({ inner: value }),
            None => object[path] = json!(value),
        }
    }
    object
}

fn resolved(source: &str, name: &str, request: &Value) -> Resolution {
    of_request(source, name, request, &Value::Null)
}

fn names(calls: &[resolve::Call]) -> BTreeSet<String> {
    let catalog = Catalog::embedded();
    calls.iter().map(|call| catalog.name(call.action).to_owned()).collect()
}

#[test]
fn needs_are_what_aws_documents() {
    let (mut exact, mut right, mut found, mut documented, mut all) = (0, 0, 0, 0, 0);
    let mut wrong = Vec::new();
    for row in rows() {
        let needs = names(&resolved(row.source, row.operation, &parameters(row.request)).needs);
        let both = needs.intersection(&row.needs).count();
        let hit = both > 0 || row.needs.is_empty();
        all += 1;
        exact += u32::from(needs == row.needs);
        right += both;
        found += needs.len();
        documented += row.needs.len();
        assert!(hit, "{} {} has no right action: {needs:?}", row.source, row.operation);
        if needs != row.needs {
            wrong.push(format!("{} {} [{}]: {needs:?}", row.source, row.operation, row.request));
        }
    }
    let share = |part: usize, whole: usize| part as f64 / whole as f64;
    let exact = f64::from(exact) / f64::from(all);
    let (precision, recall) = (share(right, found), share(right, documented));
    println!("{all} requests: exact {exact:.3}, precision {precision:.3}, recall {recall:.3}");
    println!("{}", wrong.join("\n"));
    assert!(all > 400 && exact >= 0.95 && precision >= 0.98 && recall >= 0.95);
}

#[test]
fn all_that_aws_lists_may_be_needed() {
    let mut missing = Vec::new();
    for row in rows() {
        // Even of a request whose parameters the log left out.
        for request in [parameters(row.request), Value::Null] {
            let may_need = names(&resolved(row.source, row.operation, &request).may_need);
            for action in row
                .needs
                .union(&row.listed)
                .filter(|action| !may_need.contains(*action))
            {
                missing.push(format!("{} {} {request} lacks {action}", row.source, row.operation));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn a_role_in_the_request_is_passed() {
    let catalog = Catalog::embedded();
    let mut passes = 0;
    for row in rows().iter().filter(|row| row.request.contains(ROLE)) {
        let needs = resolved(row.source, row.operation, &parameters(row.request)).needs;
        let pass_role = needs.iter().find(|call| catalog.name(call.action) == "iam:PassRole");
        let call = pass_role.unwrap_or_else(|| panic!("{} {}", row.source, row.operation));
        assert_eq!(
            (call.resources.as_slice(), call.complete),
            ([ROLE.to_owned()].as_slice(), true)
        );
        passes += 1;
    }
    assert!(passes >= 8);
}
