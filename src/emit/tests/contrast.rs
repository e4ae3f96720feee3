//! The pages' colours against WCAG 2.2: 4.5 to 1 for texts, 3 to 1 for bars (1.4.3 and 1.4.11), by its own formula.

use std::collections::BTreeMap;

const STYLE: &str = include_str!("../html/base.css");

/// The colours of a part of the style sheet by their names.
fn colours(style: &str) -> BTreeMap<&str, &str> {
    let named = style.split("--").skip(1).filter_map(|part| part.split_once(": "));
    let hex = named.map(|(name, rest)| (name, rest.get(..7).unwrap_or_default()));
    hex.filter(|(_, colour)| colour.starts_with('#')).collect()
}

fn luminance(colour: &str) -> f64 {
    let part = |at: usize| {
        let part = u8::from_str_radix(&colour[at..at + 2], 16).expect("a colour");
        let part = f64::from(part) / 255.0;
        match part <= 0.04045 {
            true => part / 12.92,
            false => ((part + 0.055) / 1.055).powf(2.4),
        }
    };
    0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

fn contrast(a: &str, b: &str) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn check(colours: &BTreeMap<&str, &str>) {
    let least = |of: &[&str], on: &[&str], least: f64| {
        for (of, on) in of.iter().flat_map(|of| on.iter().map(move |on| (of, on))) {
            let found = contrast(colours[of], colours[on]);
            assert!(found >= least, "{of} on {on}: {found:.2}");
        }
    };
    least(&["ink", "soft", "link"], &["page", "card", "well"], 4.5);
    let texts = [
        "used-text",
        "inferred-text",
        "unseen-text",
        "denied-text",
        "unused-text",
    ];
    least(&texts, &["card", "well"], 4.5);
    least(&["gone-text"], &["gone"], 4.5);
    least(&["new-text"], &["new"], 4.5);
    least(&["soft"], &["hunk"], 4.5);
    least(
        &["used", "inferred", "unseen", "denied", "unused"],
        &["card", "well"],
        3.0,
    );
}

#[test]
fn colours_are_told_from_what_they_stand_on() {
    assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 1e-9);
    let (light, rest) = STYLE
        .split_once("@media (prefers-color-scheme: dark)")
        .expect("dark colours");
    let light = colours(light);
    check(&light);
    let dark = colours(rest.split_once("* { box-sizing").expect("rules").0);
    assert_eq!(dark.len(), light.len());
    check(&dark);
}
