//! Wildcards against the regex crate, and inclusion against brute force over a small world.

use super::*;
use proptest::prelude::*;

fn as_regex(pattern: &str) -> regex::Regex {
    let body: String = pattern
        .chars()
        .map(|c| match c {
            '*' => ".*".to_owned(),
            '?' => ".".to_owned(),
            c => regex::escape(&c.to_string()),
        })
        .collect();
    regex::Regex::new(&format!("(?s)^{body}$")).unwrap()
}

/// Every word over `alphabet` up to `length` symbols.
fn words(alphabet: &str, length: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut last = all.clone();
    for _ in 0..length {
        last = last
            .iter()
            .flat_map(|word| alphabet.chars().map(move |c| format!("{word}{c}")))
            .collect();
        all.extend(last.clone());
    }
    all
}

#[test]
fn literal_star_and_question_mark() {
    assert!(matches("s3:Get*", "s3:GetObject"));
    assert!(matches("*", ""));
    assert!(matches("a?c", "abc"));
    assert!(matches("?", "é"));
    assert!(!matches("a?c", "ac"));
    assert!(!matches("s3:Get*", "s3:PutObject"));
}

#[test]
fn inclusion_is_exact_on_every_pair_of_short_patterns() {
    let patterns = words("ab*?", 4);
    // Texts long enough to tell any two such patterns apart, over their letters and one that neither names.
    let texts = words("abz", 7);
    let languages: Vec<Vec<u64>> = patterns
        .iter()
        .map(|pattern| {
            let mut bits = vec![0; texts.len().div_ceil(64)];
            for (t, _) in texts.iter().enumerate().filter(|(_, text)| matches(pattern, text)) {
                bits[t / 64] |= 1 << (t % 64);
            }
            bits
        })
        .collect();
    let mut disagreements = Vec::new();
    for (o, outer) in patterns.iter().enumerate() {
        for (i, inner) in patterns.iter().enumerate() {
            let contained = languages[i]
                .iter()
                .zip(&languages[o])
                .all(|(inner, outer)| inner & !outer == 0);
            if includes(outer, inner) != contained {
                disagreements.push((outer, inner, contained));
            }
        }
    }
    assert_eq!(disagreements, []);
}

#[test]
fn a_union_may_include_what_no_member_does() {
    assert!(union_includes(&["a*", "?*", ""], "*"));
    assert!(!union_includes(&["a*", "b*"], "?"));
    assert!(union_includes(&["", "?", "??*"], "*"));
}

#[test]
fn overlap_agrees_with_brute_force() {
    let patterns = words("ab*?", 3);
    let texts = words("abz", 6);
    for a in &patterns {
        for b in &patterns {
            let shared = texts.iter().any(|text| matches(a, text) && matches(b, text));
            assert_eq!(overlaps(a, b), shared, "{a} and {b}");
        }
    }
}

proptest! {
    #[test]
    fn matching_agrees_with_the_regex_engine(pattern in "[ab:é*?]{0,8}", text in "[ab:é\n]{0,10}") {
        prop_assert_eq!(matches(&pattern, &text), as_regex(&pattern).is_match(&text));
    }

    #[test]
    fn an_included_pattern_matches_nothing_outside(
        outer in "[abc*?]{0,7}", inner in "[abc*?]{0,7}", text in "[abcd]{0,9}",
    ) {
        if includes(&outer, &inner) && matches(&inner, &text) {
            prop_assert!(matches(&outer, &text));
        }
    }
}
