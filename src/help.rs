//! The way out of an error, which stands below its sentence.

/// What a stage's error says beside its sentence.
pub trait Help: std::error::Error {
    /// What to do about it, where there is something.
    fn help(&self) -> Option<&'static str>;
}
