//! Wildcards against the regex crate, and inclusion against brute force over a small world.

use super::*;
use proptest::prelude::*;
use rayon::prelude::*;

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

/// Which of `texts` each pattern matches, a bit each.
fn languages(patterns: &[String], texts: &[String]) -> Vec<Vec<u64>> {
    let of = |pattern: &String| {
        let mut bits = vec![0; texts.len().div_ceil(64)];
        for (t, _) in texts.iter().enumerate().filter(|(_, text)| matches(pattern, text)) {
            bits[t / 64] |= 1 << (t % 64);
        }
        bits
    };
    patterns.iter().map(of).collect()
}

/// Pairs that the small world says are included and those that the search says are, and how often it is wrong or misses.
fn compare(patterns: &[String], texts: &[String]) -> (usize, usize, usize) {
    let languages = languages(patterns, texts);
    let (mut included, mut wrong, mut missed) = (0, 0, 0);
    for (o, outer) in patterns.iter().enumerate() {
        for (i, inner) in patterns.iter().enumerate() {
            let contained = languages[i]
                .iter()
                .zip(&languages[o])
                .all(|(inner, outer)| inner & !outer == 0);
            let found = includes(outer, inner);
            included += usize::from(contained);
            wrong += usize::from(found && !contained);
            missed += usize::from(contained && !found);
        }
    }
    (included, wrong, missed)
}

#[test]
fn inclusion_is_exact_on_every_pair_of_patterns_to_length_four_over_two_letters() {
    // Texts long enough to tell any two such patterns apart, over their letters and one that neither names.
    let (included, wrong, missed) = compare(&words("ab*?", 4), &words("abz", 7));
    assert_eq!((wrong, missed), (0, 0), "of {included}");
}

#[test]
fn inclusion_is_exact_on_every_pair_of_patterns_to_length_five_over_one_letter() {
    let (included, wrong, missed) = compare(&words("a*?", 5), &words("az", 9));
    assert_eq!((wrong, missed), (0, 0), "of {included}");
}

/// Texts of a pattern such that an outer with up to five `?` holds the pattern exactly if it matches them all: each `?` a
/// letter that neither names, each `*` up to six of it.
///
/// Suppose that an outer misses some text of the pattern. Put the strange letter `z` in the place of all that the pattern's
/// wildcards read: the outer still misses it, because it reads a `z` with `*` or `?` alone, which read any letter as well. Where
/// a `*` reads seven or more, take one away: the outer still misses it, for if it matched, its five `?` could not read all of
/// the six that are left, so a `*` reads one of them, and would read one more. So it misses a text whose runs are of six at
/// most, and that one is in the list.
fn deciding_texts(pattern: &str) -> Vec<String> {
    let mut texts = vec![String::new()];
    let mut last = ' ';
    for c in pattern.chars() {
        texts = match c {
            '*' if last == '*' => texts,
            '*' => texts
                .iter()
                .flat_map(|text| (0..=6).map(move |run| format!("{text}{}", "z".repeat(run))))
                .collect(),
            '?' => texts.iter().map(|text| format!("{text}z")).collect(),
            c => texts.iter().map(|text| format!("{text}{c}")).collect(),
        };
        last = c;
    }
    texts
}

#[test]
fn inclusion_is_exact_on_every_pair_of_patterns_to_length_five_over_two_letters() {
    let patterns = words("ab*?", 5);
    let deciding: Vec<Vec<String>> = patterns.iter().map(|pattern| deciding_texts(pattern)).collect();
    let of = |outer: &String| {
        let (mut included, mut found, mut wrong) = (0, 0, 0);
        for (inner, texts) in patterns.iter().zip(&deciding) {
            let contained = texts.iter().all(|text| matches(outer, text));
            let proved = includes(outer, inner);
            included += usize::from(contained);
            found += usize::from(contained && proved);
            wrong += usize::from(proved && !contained);
        }
        [included, found, wrong]
    };
    let [included, found, wrong] = patterns
        .par_iter()
        .map(of)
        .reduce(|| [0; 3], |a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2]]);
    println!(
        "{} pairs, {included} inclusions, {found} found, {wrong} wrong",
        patterns.len() * patterns.len()
    );
    assert_eq!((wrong, found), (0, included));
}

#[test]
fn the_union_of_two_includes_what_brute_force_says_and_never_more() {
    let patterns = words("a*?", 3);
    let texts = words("az", 7);
    let languages = languages(&patterns, &texts);
    for (a, of_a) in patterns.iter().zip(&languages) {
        for (b, of_b) in patterns.iter().zip(&languages) {
            for (inner, of_inner) in patterns.iter().zip(&languages) {
                let contained = (0..of_inner.len()).all(|at| of_inner[at] & !(of_a[at] | of_b[at]) == 0);
                assert_eq!(union_includes(&[a, b], inner), contained, "{inner} in {a} and {b}");
            }
        }
    }
}

#[test]
fn what_two_patterns_share_is_included_as_brute_force_says() {
    let patterns = words("a*?", 3);
    let texts = words("az", 7);
    let languages = languages(&patterns, &texts);
    let effort = Effort::of(usize::MAX);
    for (a, of_a) in patterns.iter().zip(&languages) {
        for (b, of_b) in patterns.iter().zip(&languages) {
            for (outer, of_outer) in patterns.iter().zip(&languages) {
                let contained = (0..of_outer.len()).all(|at| of_a[at] & of_b[at] & !of_outer[at] == 0);
                let found = union_includes_within(&[outer], &[a, b], &effort);
                assert_eq!(found, contained, "what {a} and {b} share in {outer}");
            }
        }
    }
}

#[test]
fn without_effort_nothing_is_included_and_everything_may_overlap() {
    let none = Effort::of(0);
    assert!(!union_includes_within(&["a*"], &["a*"], &none));
    assert!(overlaps_within("a", "b", &none));
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
