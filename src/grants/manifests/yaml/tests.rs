//! Documents that are plain, and documents that are made to hurt.

use super::*;

fn one(text: &str) -> Yaml {
    let mut all = documents(text).expect("YAML");
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn several_documents_and_json_are_read() {
    let all = documents("a: 1\n---\n# nothing\n---\nb: [x, y]\n").expect("YAML");
    assert_eq!(all.first().and_then(|first| first.text_of("a")), Some("1"));
    let last = all.last().and_then(|last| last.get("b")).expect("b");
    assert_eq!(last.list(), [Yaml::Text("x".to_owned()), Yaml::Text("y".to_owned())]);
    assert_eq!(
        one(r#"{"kind": "ServiceAccount"}"#).text_of("kind"),
        Some("ServiceAccount")
    );
}

#[test]
fn what_bears_an_anchor_is_said_again_and_own_words_stand_above_it() {
    let value = one("base: &b {a: 1, c: 2}\nuse:\n  <<: *b\n  a: 3\nagain: *b\n");
    let of = |key: &str, member: &str| value.get(key).and_then(|one| one.text_of(member)).map(str::to_owned);
    assert_eq!(of("use", "a").as_deref(), Some("3"));
    assert_eq!(of("use", "c").as_deref(), Some("2"));
    assert_eq!(of("again", "a").as_deref(), Some("1"));
}

#[test]
fn a_bomb_of_aliases_ends_at_the_budget() {
    let mut text = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}", level - 1);
        let ten = [before.as_str(); 10].join(", ");
        text.push_str(&format!("b{level}: &a{level} [{ten}]\n"));
    }
    assert_eq!(documents(&text), Err("it has more than 200,000 nodes".to_owned()));
}

#[test]
fn depth_ends_and_so_does_what_is_no_yaml() {
    let deep = |depth: usize| documents(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    assert_eq!(deep(100), Err("it nests deeper than 64".to_owned()));
    assert!(deep(100_000).is_err(), "the parser has a bound of its own");
    let block: String = (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert_eq!(documents(&block), Err("it nests deeper than 64".to_owned()));
    assert!(documents("a: [1, 2").is_err());
    assert!(documents("a: &x [*x]\n").is_err(), "it holds itself");
    assert!(documents("a: *nowhere\n").is_err());
    assert_eq!(documents(""), Ok(Vec::new()));
}
