//! Names of sessions as families: `deploy-1234` and `deploy-1235` are sessions of `deploy-*`.
//!
//! A family is told by one name alone, so that it does not matter which others were seen, or in which order. Whoever takes
//! a role chooses the name: it tells apart what one caller does, and never who the caller is.

/// Families of one caller that are told apart; the sessions of a caller that has more are one.
pub const MOST_FAMILIES: usize = 16;
/// Words with a digit that does not count anything.
const WORDS: [&str; 6] = ["ec2", "k8s", "route53", "s3", "sha256", "x86"];

/// The family of a session's name: what varies from session to session is `*`. Empty where nothing would be left, and
/// where it is no name that STS takes (STS API reference, "AssumeRole", `RoleSessionName`).
pub fn family(name: &str) -> String {
    let is_letter = |c: char| c.is_ascii_alphanumeric();
    if !(2..=64).contains(&name.len()) || !name.chars().all(|c| is_letter(c) || "_+=,.@-".contains(c)) {
        return String::new();
    }
    // Of a mail address the first part is a person's.
    let (name, person) = match name.split_once('@') {
        Some((_, host)) => (host, "*@"),
        None => (name, ""),
    };
    let mut words: Vec<String> = name
        .split_inclusive(|c| !is_letter(c))
        .flat_map(|word| {
            let end = word.trim_end_matches(|c| !is_letter(c)).len();
            [&word[..end], &word[end..]].map(str::to_owned)
        })
        .collect();
    // Words stand at even places, what parts them at odd ones.
    for word in words.iter_mut().step_by(2) {
        *word = steady(word);
    }
    for at in (2..words.len().saturating_sub(2)).step_by(2) {
        let is_hex = words[at].len() == 4 && words[at].chars().all(|c| c.is_ascii_hexdigit());
        if is_hex && words[at - 2] == "*" && words[at + 2] == "*" {
            words[at] = "*".to_owned();
        }
    }
    let mut family = person.to_owned();
    let mut at = 0;
    while at < words.len() {
        family.push_str(&words[at]);
        if words[at] == "*" {
            // Words that vary side by side are one.
            while words.get(at + 2).is_some_and(|next| next == "*") {
                at += 2;
            }
        }
        family.push_str(words.get(at + 1).map_or("", String::as_str));
        at += 2;
    }
    if family.chars().any(is_letter) {
        family
    } else {
        String::new()
    }
}

/// A word without what varies in it.
fn steady(word: &str) -> String {
    let is_hex = word.chars().all(|c| c.is_ascii_hexdigit());
    let has_digit = word.contains(|c: char| c.is_ascii_digit());
    if WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)) || !(has_digit || is_hex && word.len() >= 8) {
        return word.to_owned();
    }
    // `worker12` counts workers; `ab12` may be hexadecimal.
    let start = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let counts = start.len() >= 3 && start.chars().all(|c| c.is_ascii_alphabetic());
    let is_word = start.contains(|c: char| !c.is_ascii_hexdigit());
    if counts && is_word && start.len() < word.len() {
        format!("{start}*")
    } else {
        "*".to_owned()
    }
}

#[cfg(test)]
mod tests;
