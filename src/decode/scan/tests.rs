//! Stepping over JSON: against `serde_json`, on good, bad and torn text.

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::{Fault, MAX_DEPTH, Marked, unescape, unescape_lossy};

fn value(text: &[u8], at: usize) -> Result<usize, Fault> {
    super::value(&mut Marked::new(text), at)
}

/// What `serde_json` says of a text that is one value.
fn serde_accepts(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok_and(|raw| raw.get().len() == text.len())
}

fn check(text: &str, expected: Result<usize, Fault>) {
    assert_eq!(value(text.as_bytes(), 0), expected, "{text}");
    assert_eq!(expected == Ok(text.len()), serde_accepts(text), "{text}");
}

#[test]
fn values() {
    check("null", Ok(4));
    check("\"a\\\"b\"", Ok(6));
    check("-12.5e+400", Ok(10));
    check("\"\\ud800\"", Ok(8));
    check("[]", Ok(2));
    check("{ }", Ok(3));
    check(r#"{"a" : [1, {"b":{}} , "]}" ] }"#, Ok(30));
    check("tru", Err(Fault::End));
    check("trux", Err(Fault::Bad));
    check("\"a\u{1}\"", Err(Fault::Bad));
    check("\"\\x\"", Err(Fault::Bad));
    check("\"\\u12g4\"", Err(Fault::Bad));
    check("01", Ok(1));
    check("-", Err(Fault::End));
    check("1.", Err(Fault::End));
    check("1.e5", Err(Fault::Bad));
    check("[1,]", Err(Fault::Bad));
    check("{\"a\":1,}", Err(Fault::Bad));
    check("[1}", Err(Fault::Bad));
    check("{\"a\":[1}]", Err(Fault::Bad));
    check("{\"a\" 1}", Err(Fault::Bad));
    check("{1:2}", Err(Fault::Bad));
    check("", Err(Fault::End));
}

#[test]
fn depth_is_bounded() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    let most = MAX_DEPTH as usize;
    assert_eq!(value(nested(most).as_bytes(), 0), Ok(2 * most));
    assert_eq!(value(nested(most + 1).as_bytes(), 0), Err(Fault::Deep));
    assert_eq!(value("[".repeat(1_000_000).as_bytes(), 0), Err(Fault::Deep));
}

#[test]
fn escapes() {
    let check = |raw: &str, strict: Option<&str>, lossy: &str| {
        assert_eq!(unescape(raw).as_deref(), strict, "{raw}");
        assert_eq!(unescape_lossy(raw).as_deref(), Some(lossy), "{raw}");
    };
    check(r"plain", Some("plain"), "plain");
    check(
        r#"\"\\\/\b\f\n\r\t"#,
        Some("\"\\/\u{8}\u{c}\n\r\t"),
        "\"\\/\u{8}\u{c}\n\r\t",
    );
    check(r"event\u004eame", Some("eventName"), "eventName");
    check(r"\ud83d\ude00!", Some("😀!"), "😀!");
    check(r"a\ud83d", None, "a\u{fffd}");
    check(r"\ude00\ud83d", None, "\u{fffd}\u{fffd}");
    check(r"\ud83d\ud83d\ude00", None, "\u{fffd}😀");
    check(r"\ud83d\u0041", None, "\u{fffd}A");
}

/// Text made of what JSON is made of, so that much of it nearly is JSON.
fn nearly_json() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(","),
        Just(":"),
        Just("\""),
        Just("\\"),
        Just("\"a\""),
        Just("\"a\":"),
        Just("1"),
        Just("-0.5e1"),
        Just("null"),
        Just("true"),
        Just(" "),
        Just("\n"),
        Just("\\u00e9"),
        Just("é"),
        Just("longer than eight bytes"),
        Just("{\"k\":[]}"),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn accepts_what_serde_json_accepts(text in nearly_json()) {
        let whole = value(text.as_bytes(), 0) == Ok(text.len()) && !text.is_empty();
        prop_assert_eq!(whole, serde_accepts(&text));
    }

    /// A cut anywhere inside a good value reads as torn, not as broken: otherwise a chunk's edge would lose records.
    #[test]
    fn a_prefix_is_torn(text in nearly_json(), cut in any::<prop::sample::Index>()) {
        let text = format!("{{\"k\":\"{}\",\"n\":[1,-2.5e3,true,null,{{}}]}}", text.replace(['"', '\\', '\n'], "-"));
        prop_assert_eq!(value(text.as_bytes(), 0), Ok(text.len()));
        let cut = cut.index(text.len());
        prop_assert_eq!(value(&text.as_bytes()[..cut], 0), Err(Fault::End));
    }

    #[test]
    fn unescapes_as_serde_json(raw in "([a-zé😀]|\\\\[\"\\\\/bfnrtu]|[0-9a-fA-F]{4}|\\\\ud83d|\\\\ude00){0,12}") {
        let theirs = serde_json::from_str::<String>(&format!("\"{raw}\"")).ok();
        prop_assert_eq!(unescape(&raw).map(|text| text.into_owned()), theirs);
    }
}
