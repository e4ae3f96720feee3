//! A managed policy of which its holders need nothing goes from where it is attached to them, and from nowhere else.

use serde_json::json;

use super::plan::World;
use super::policy;

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const OWN: &str = "arn:aws:iam::111122223333:policy/shop-old";
const CART: &str = "arn:aws:iam::111122223333:role/shop-cart";

/// A policy that nobody of some roles needs.
fn unneeded(arn: &str, owners: &[&str]) -> World {
    let before = policy(&json!([{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}]));
    World::default().detached(arn, &before, owners)
}

fn attachment(name: &str, arn: &str) -> String {
    format!(
        "resource \"aws_iam_role_policy_attachment\" \"{name}\" {{\n  role       = \"shop-{name}\"\n  policy_arn = {arn}\n}}\n"
    )
}

const QUEUE: &str = "\nresource \"aws_sqs_queue\" \"orders\" {\n  name = \"orders\"\n}\n";

#[test]
fn an_attachment_goes_and_nothing_else() {
    let arn = format!("\"{ADMINISTRATOR}\"");
    let text = format!("{}{QUEUE}", attachment("cart", &arn));
    let files = [("main.tf", text.as_str())];
    assert_eq!(unneeded(ADMINISTRATOR, &[CART]).edited(&files), QUEUE.trim_start());
    // Others that have it are not told to need nothing.
    let both = format!("{text}{}", attachment("mail", &arn));
    let why = unneeded(ADMINISTRATOR, &[CART]).left(&[("main.tf", &both)]);
    assert!(
        why.contains("main.tf:9 attaches it to somebody who is not told to have it"),
        "{why}"
    );
    // Of two that say the same one may be of another account.
    let twice = [("a/main.tf", text.as_str()), ("b/main.tf", text.as_str())];
    let why = unneeded(ADMINISTRATOR, &[CART]).left(&twice);
    assert!(why.contains("attaches it once more than it is attached"), "{why}");
    let accounts = [CART, "arn:aws:iam::444455556666:role/shop-cart"];
    assert_eq!(unneeded(ADMINISTRATOR, &accounts).plan(&twice).files.len(), 2);
}

#[test]
fn an_entry_of_a_list_goes() {
    let role = |list: &str| {
        format!(
            "resource \"aws_iam_role\" \"cart\" {{\n  name                = \"shop-cart\"\n  managed_policy_arns = {list}\n}}\n"
        )
    };
    let edited = |list: &str| unneeded(ADMINISTRATOR, &[CART]).edited(&[("main.tf", &role(list))]);
    let all = format!("[\"{ADMINISTRATOR}\", aws_iam_policy.own.arn]");
    assert_eq!(edited(&all), role("[aws_iam_policy.own.arn]"));
    assert_eq!(edited(&format!("[\"{ADMINISTRATOR}\"]")), role("[]"));
    let stack = |list: &str| {
        format!(
            "Resources:\n  CartRole:\n    Type: AWS::IAM::Role\n    Properties:\n      RoleName: shop-cart\n{list}      Path: /\n"
        )
    };
    let list = format!("      ManagedPolicyArns:\n        - {ADMINISTRATOR}\n        - !Ref Own\n");
    let edited = |list: &str| unneeded(ADMINISTRATOR, &[CART]).edited(&[("shop.yaml", &stack(list))]);
    assert_eq!(edited(&list), stack("      ManagedPolicyArns:\n        - !Ref Own\n"));
    assert_eq!(edited(&list.replace("        - !Ref Own\n", "")), stack(""));
    // A resource that anybody calls so is nobody's, unless its file is called as the stack.
    let unnamed = stack(&list)
        .replace("      RoleName: shop-cart\n", "")
        .replace("CartRole", "LambdaRole");
    let live = ["arn:aws:iam::111122223333:role/shop-LambdaRole-1ABC"];
    let why = unneeded(ADMINISTRATOR, &live).left(&[("template.yaml", &unnamed)]);
    assert!(why.contains("template.yaml:6 attaches it to somebody"), "{why}");
    assert_eq!(
        unneeded(ADMINISTRATOR, &live)
            .plan(&[("shop.yaml", &unnamed)])
            .files
            .len(),
        1
    );
}

#[test]
fn one_of_the_teams_own_is_detached_and_stays() {
    let own = "resource \"aws_iam_policy\" \"old\" {\n  name   = \"shop-old\"\n  policy = jsonencode({ Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Action = \"s3:PutObject\", Resource = \"*\" }] })\n}\n\n";
    let text = format!("{own}{}{QUEUE}", attachment("cart", "aws_iam_policy.old.arn"));
    let expected = format!("{own}{}", QUEUE.trim_start());
    assert_eq!(unneeded(OWN, &[CART]).edited(&[("main.tf", &text)]), expected);
}

#[test]
fn one_of_a_list_or_a_set_of_holders_goes() {
    let mail = "arn:aws:iam::111122223333:role/shop-mail";
    let user = "arn:aws:iam::111122223333:user/ana";
    let listed = |roles: &str, more: &str| {
        format!(
            "resource \"aws_iam_policy_attachment\" \"all\" {{\n  name       = \"all\"\n  roles      = {roles}\n{more}  policy_arn = \"{ADMINISTRATOR}\"\n}}\n{QUEUE}"
        )
    };
    let set = |roles: &str| {
        format!(
            "resource \"aws_iam_role_policy_attachment\" \"all\" {{\n  for_each   = toset({roles})\n  role       = each.value\n  policy_arn = \"{ADMINISTRATOR}\"\n}}\n{QUEUE}"
        )
    };
    let edited = |owners: &[&str], text: &str| unneeded(ADMINISTRATOR, owners).edited(&[("main.tf", text)]);
    let (both, one) = ("[\"shop-cart\", \"shop-mail\"]", "[\"shop-mail\"]");
    let rest = QUEUE.trim_start();
    assert_eq!(edited(&[CART], &listed(both, "")), listed(one, ""));
    assert_eq!(edited(&[CART, mail], &listed(both, "")), rest);
    let users = "  users      = [\"ana\"]\n";
    assert_eq!(
        edited(&[CART, user], &listed(both, users)),
        listed(one, "  users      = []\n")
    );
    assert_eq!(edited(&[CART, mail, user], &listed(both, users)), rest);
    // Of a group's members nothing is told: it stays.
    let groups = "  groups     = [\"ops\"]\n";
    assert_eq!(edited(&[CART, mail], &listed(both, groups)), listed("[]", groups));
    assert_eq!(edited(&[CART], &set(both)), set(one));
    assert_eq!(edited(&[CART, mail], &set(both)), rest);
    // A set of policies of one role.
    let policies = |all: &str| {
        format!(
            "resource \"aws_iam_role_policy_attachment\" \"all\" {{\n  for_each   = toset({all})\n  role       = \"shop-cart\"\n  policy_arn = each.value\n}}\n"
        )
    };
    let all = format!("[\n    \"{ADMINISTRATOR}\",\n    aws_iam_policy.own.arn,\n  ]");
    let expected = policies("[\n    aws_iam_policy.own.arn,\n  ]");
    assert_eq!(edited(&[CART], &policies(&all)), expected);
    for text in [
        listed(both, "").replace("\"shop-mail\"", "var.role"),
        listed("var.roles", ""),
        set("concat([\"shop-cart\"], var.more)"),
        set(both).replace("each.value", "\"shop-${each.value}\""),
        listed("[\"shop-mail\"]", ""),
    ] {
        let why = unneeded(ADMINISTRATOR, &[CART]).left(&[("main.tf", &text)]);
        assert!(why.contains("main.tf:1"), "{why}");
    }
}

#[test]
fn attachments_in_terraforms_json_go() {
    let edited = |text: &str| unneeded(ADMINISTRATOR, &[CART]).edited(&[("main.tf.json", text)]);
    let file = |resources: &str| format!("{{\n  \"resource\": {{\n{resources}\n  }}\n}}\n");
    let queue = "    \"aws_sqs_queue\": {\n      \"orders\": {\"name\": \"orders\"}\n    }";
    let cart = format!(
        "      \"cart\": {{\n        \"role\": \"shop-cart\",\n        \"policy_arn\": \"{ADMINISTRATOR}\"\n      }}"
    );
    let kind = "    \"aws_iam_role_policy_attachment\": {\n";
    // With the map that holds nothing else.
    let alone = file(&format!("{kind}{cart}\n    }},\n{queue}"));
    assert_eq!(edited(&alone), file(queue));
    let own = "      \"own\": {\n        \"role\": \"shop-cart\",\n        \"policy_arn\": \"${aws_iam_policy.own.arn}\"\n      }";
    let beside = file(&format!("{kind}{cart},\n{own}\n    }}"));
    assert_eq!(edited(&beside), file(&format!("{kind}{own}\n    }}")));
    let list = |roles: &str| {
        file(&format!(
            "    \"aws_iam_policy_attachment\": {{\n      \"all\": {{\n        \"name\": \"all\",\n        \"roles\": {roles},\n        \"policy_arn\": \"{ADMINISTRATOR}\"\n      }}\n    }}"
        ))
    };
    assert_eq!(edited(&list("[\"shop-cart\", \"shop-mail\"]")), list("[\"shop-mail\"]"));
    let role = |arns: &str| {
        file(&format!(
            "    \"aws_iam_role\": {{\n      \"cart\": {{\n        \"name\": \"shop-cart\",\n        \"managed_policy_arns\": {arns}\n      }}\n    }}"
        ))
    };
    let both = format!("[\n          \"${{aws_iam_policy.own.arn}}\",\n          \"{ADMINISTRATOR}\"\n        ]");
    assert_eq!(
        edited(&role(&both)),
        role("[\n          \"${aws_iam_policy.own.arn}\"\n        ]")
    );
    let only = file(&format!("{kind}{cart}\n    }}"));
    let why = unneeded(ADMINISTRATOR, &[CART]).left(&[("main.tf.json", &only)]);
    assert!(why.contains("main.tf.json:4: nothing else stands in its file"), "{why}");
}

#[test]
fn what_is_not_told_is_named_with_its_line() {
    let arn = format!("\"{ADMINISTRATOR}\"");
    let one = attachment("cart", &arn);
    for (text, why) in [
        (
            one.replace("\"shop-cart\"", "var.role"),
            "main.tf:1: whom aws_iam_role_policy_attachment.cart attaches it to is not written",
        ),
        (
            one.replace("  role ", "  for_each = var.all\n  role "),
            "main.tf:1: aws_iam_role_policy_attachment.cart makes several",
        ),
        (
            one.replace("role_policy", "group_policy").replace("role ", "group "),
            "attaches it to a group",
        ),
        (
            one.replace("{\n", "{\n  # trimtrail: keep *\n"),
            "a comment keeps some of it",
        ),
        (
            format!("{one}output \"a\" {{\n  value = aws_iam_role_policy_attachment.cart.id\n}}\n"),
            "main.tf:6 still names",
        ),
        (QUEUE.to_owned(), "nothing under the folder attaches it"),
    ] {
        let left = unneeded(ADMINISTRATOR, &[CART]).left(&[("main.tf", &text)]);
        assert!(left.contains(why), "{left} says nothing of {why}");
    }
    let elsewhere = format!("{one}provider \"aws\" {{\n  allowed_account_ids = [\"999988887777\"]\n}}\n");
    let left = unneeded(ADMINISTRATOR, &[CART]).left(&[("main.tf", &elsewhere)]);
    assert!(
        left.contains("attaches it to somebody who is not told to have it"),
        "{left}"
    );
    // Of two holders the one whose attachment stands here.
    let others = [CART, "arn:aws:iam::111122223333:role/shop-mail"];
    let plan = unneeded(ADMINISTRATOR, &others).plan(&[("main.tf", &format!("{one}{QUEUE}"))]);
    assert_eq!(plan.files.len(), 1);
    assert!(
        plan.left[0]
            .why
            .contains("detach it from arn:aws:iam::111122223333:role/shop-mail"),
        "{:?}",
        plan.left
    );
}
