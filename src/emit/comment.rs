//! Comments on a pull request: a hidden mark by which one is found and the same text known, and never too long to post.

use sha2::{Digest as _, Sha256};

/// GitHub takes 65,536 characters a comment; the rest is for the mark, the last sentence, and what a workflow adds.
const LONGEST: usize = 64_000;
/// Letters of the digest.
const DIGEST: usize = 32;

/// The text with `<!-- trimtrail:KIND DIGEST -->` before it. Whoever posts looks for `<!-- trimtrail:KIND `, and leaves
/// what bears the same digest as it is.
pub(super) fn marked(kind: &str, text: &str) -> String {
    let text = fitting(text);
    let digest = Sha256::digest(text.as_bytes());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("<!-- trimtrail:{kind} {} -->\n{text}", &digest[..DIGEST])
}

/// Whole lines as far as they fit, what was opened closed, and a sentence.
fn fitting(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let mut fence: Option<&str> = None;
    let (mut open, mut size) = (0_usize, 0);
    let mut cut = String::new();
    for line in text.split_inclusive('\n') {
        size += line.chars().count();
        if size > LONGEST {
            break;
        }
        cut.push_str(line);
        let ticks = line.len() - line.trim_start_matches('`').len();
        match fence {
            Some(known) if line.trim_end() == known => fence = None,
            Some(_) => {}
            None if ticks >= 3 => fence = Some(&line[..ticks]),
            None => {
                open += line.matches("<details>").count();
                open = open.saturating_sub(line.matches("</details>").count());
            }
        }
    }
    if let Some(fence) = fence {
        cut.push_str(fence);
        cut.push('\n');
    }
    for _ in 0..open {
        cut.push_str("\n</details>\n");
    }
    cut.push_str("\nThe rest did not fit into a comment: `result.json` and `report.html` hold it.\n");
    cut
}
