//! Actions and action patterns: `s3:GetObject`, `s3:Get*`, `*`; matched without regard to case.

use super::pattern;

/// One entry of `Action` or `NotAction`: lower-cased for matching, the original spelling kept for printing.
#[derive(Clone, Debug)]
pub struct ActionPattern {
    text: String,
    lower: String,
}

impl ActionPattern {
    /// The pattern as a policy spells it.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        // Service prefix and action name ignore case (IAM user guide, "IAM JSON policy elements: Action").
        let lower = text.to_lowercase();
        Self { text, lower }
    }

    /// The original spelling.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The spelling that is compared: all in lower case.
    pub fn lower(&self) -> &str {
        &self.lower
    }

    /// Whether the pattern matches this action, in any case.
    pub fn matches(&self, action: &str) -> bool {
        // Most patterns differ before their first wildcard; telling so takes no copy of the action.
        let mut start = self.lower.bytes().zip(action.bytes());
        let differs = start
            .by_ref()
            .take_while(|(mine, _)| !matches!(mine, b'*' | b'?'))
            .any(|(mine, other)| mine != other.to_ascii_lowercase());
        !(differs && action.is_ascii()) && pattern::matches(&self.lower, &action.to_lowercase())
    }
}

/// Two spellings that differ only in case are one pattern.
impl PartialEq for ActionPattern {
    fn eq(&self, other: &Self) -> bool {
        self.lower == other.lower
    }
}

impl Eq for ActionPattern {}

impl std::fmt::Display for ActionPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
