//! Strangers' text on its way to a reader: one function for each place it goes to.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Characters that steer instead of showing: controls, and what changes direction or has no width.
///
/// The list follows Unicode's Bidi_Control and Default_Ignorable_Code_Point (UAX #9, "Trojan Source").
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Text in which hidden characters show as `\n` or `\u{202e}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if hidden(c) => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// For a terminal: no control sequence, no direction mark, one line.
pub fn terminal(text: &str) -> Cow<'_, str> {
    visible(text)
}

/// For Markdown as GitHub renders it, table cells included: what has a meaning becomes a character reference, which
/// never starts a structure (CommonMark, "Entity and numeric character references"); an empty comment keeps names from
/// being notified, and numbers, tickets and commits from being linked or closed (GitHub docs, "Autolinked references and
/// URLs").
pub fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 16);
    let shown: Vec<char> = visible(text).chars().collect();
    let mut apart = None;
    for (at, c) in shown.iter().copied().enumerate() {
        let before = at.checked_sub(1).map_or(' ', |before| shown[before]);
        let after = shown.get(at + 1).copied();
        if !before.is_alphanumeric() && is_commit(&shown[at..]) {
            apart = Some(at + 6);
        }
        if apart == Some(at) {
            safe.push_str("<!-- -->");
        }
        let plain = match c {
            ' ' | '/' | ',' | ';' | '?' => true,
            '-' => before.is_ascii_alphanumeric() && !is_ticket(&shown[..at], after),
            '+' | '%' | '=' => before.is_ascii_alphanumeric(),
            // `www.x` would be linked and `1. x` be a list.
            '.' => match after {
                Some(after) if before.eq_ignore_ascii_case(&'w') => !after.is_alphanumeric(),
                Some(' ') => !before.is_ascii_digit(),
                _ => true,
            },
            ':' => after != Some('/'),
            c => !c.is_ascii_punctuation(),
        };
        match c {
            _ if plain => safe.push(c),
            '-' if !before.is_ascii_alphanumeric() => safe.push_str("&#45;"),
            '@' | '#' | '-' => {
                let _ = write!(safe, "&#{};<!-- -->", u32::from(c));
            }
            c => {
                let _ = write!(safe, "&#{};", u32::from(c));
            }
        }
    }
    safe
}

/// Whether a word begins that may name a commit: seven to forty hexadecimal digits, letters among them.
fn is_commit(text: &[char]) -> bool {
    let word = text.iter().take_while(|c| c.is_alphanumeric());
    let (mut length, mut letters, mut digits) = (0, false, false);
    for c in word {
        if !c.is_ascii_hexdigit() {
            return false;
        }
        length += 1;
        letters |= c.is_ascii_alphabetic();
        digits |= c.is_ascii_digit();
    }
    (7..=40).contains(&length) && letters && digits
}

/// Whether a dash behind `before` joins what may name a ticket: `GH-12`, `SHOP-7`.
fn is_ticket(before: &[char], after: Option<char>) -> bool {
    let word: String = before.iter().rev().take_while(|c| c.is_alphanumeric()).collect();
    let is_upper = word.len() >= 2 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    after.is_some_and(|c| c.is_ascii_digit()) && (is_upper || word.eq_ignore_ascii_case("hg"))
}

/// For a cell of a table that somebody opens in a spreadsheet: a leading `'` where the program would calculate
/// (OWASP, "CSV Injection").
pub fn csv(text: &str) -> Cow<'_, str> {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    match (formula, visible(text)) {
        (false, shown) => shown,
        (true, shown) => Cow::Owned(format!("'{shown}")),
    }
}

/// For a JSON text that is already written: hidden characters inside its strings become `\uXXXX`, so that the value
/// stays the same and the text shows them. Line feeds are layout and stay.
pub fn json(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c != '\n' && hidden(c);
    if is_plain(text.as_bytes()) || !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if steers(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Whether a text holds nothing but visible ASCII, blanks and line feeds, as most JSON does: nothing of it is hidden.
pub(super) fn is_plain(text: &[u8]) -> bool {
    // Block by block without a way out inside one, so that the processor looks at many bytes at once.
    let plain = |block: &[u8]| {
        block
            .iter()
            .fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~' | b'\n'))
    };
    text.chunks(256).all(plain)
}

/// At most `columns` columns: a longer text loses its middle, not its ends.
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    // A text of few bytes cannot be wide; of a huge one nobody needs the exact width.
    if text.len() <= columns || (text.len() <= columns.saturating_mul(4) && text.width() <= columns) {
        return Cow::Borrowed(text);
    }
    let Some(room) = columns.checked_sub(1) else {
        return Cow::Borrowed("");
    };
    let tail_room = room / 2;
    let tail_start = reach(text.char_indices().rev(), tail_room).unwrap_or(text.len());
    let head_end = reach(text.char_indices(), room - tail_room)
        .map_or(0, |last| last + text[last..].chars().next().map_or(0, char::len_utf8));
    if head_end >= tail_start {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{}…{}", &text[..head_end], &text[tail_start..]))
}

/// Where the last character starts that still fits into `columns`.
fn reach(chars: impl Iterator<Item = (usize, char)>, columns: usize) -> Option<usize> {
    let mut used = 0;
    let mut last = None;
    for (at, c) in chars {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        last = Some(at);
    }
    last
}

/// For a quoted string of DOT, where `\` and `"` mean something (Graphviz, "The DOT Language").
pub fn dot(text: &str) -> String {
    visible(text).replace('\\', "\\\\").replace('"', "\\\"")
}

/// For a quoted label of Mermaid: whatever could be Markdown, HTML or the end of the label becomes an entity code
/// (Mermaid, "Flowcharts syntax", "Entity codes to escape characters").
pub fn mermaid(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 16);
    for c in visible(text).chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '/' | '.' | ',' | ':' | '-') {
            safe.push(c);
        } else {
            let _ = write!(safe, "#{};", u32::from(c));
        }
    }
    safe
}
