//! Strangers' names in Terraform, YAML and shell.

use super::*;

#[test]
fn strangers_names_start_no_template_and_leave_no_word() {
    assert_eq!(hcl("a${b}%{c}\"d"), r#""a$${b}%%{c}\"d""#);
    assert_eq!(shell("a; rm -rf /"), "'a; rm -rf /'");
    assert_eq!(shell("it's"), r"'it'\''s'");
    assert_eq!(shell(""), "''");
    assert_eq!(shell("shop-cart"), "shop-cart");
    assert_eq!(yaml("a: b\n# c"), r##""a: b\n# c""##);
    assert_eq!(label("1-a.b"), "role_1_a_b");
}

#[test]
fn policy_variables_stay_policy_variables() {
    let text = document(&json!({"Resource": "arn:aws:s3:::b/${aws:username}/*"}));
    assert!(text.contains("b/$${aws:username}/*"), "{text}");
}
