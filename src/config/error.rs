//! What is wrong with the settings, in one line.

use std::fmt::Display;

/// A mistake in the settings, as one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {problem}; {fix}")]
pub struct ConfigError {
    variable: String,
    problem: String,
    fix: String,
}

impl ConfigError {
    /// Names what is wrong with which variable (or entry of it) and what to do about it.
    pub fn new(variable: impl Into<String>, problem: impl Display, fix: impl Into<String>) -> Self {
        let one_line = |text: String| text.replace(['\n', '\r'], " ");
        Self {
            variable: variable.into(),
            problem: one_line(problem.to_string()),
            fix: one_line(fix.into()),
        }
    }
}

/// A value in quotes, cut if it is long.
pub fn quoted(text: &str) -> String {
    let short: String = text.chars().take(120).collect();
    if short.len() < text.len() { format!("{short:?}…") } else { format!("{short:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_cut() {
        assert_eq!(quoted("a\nb"), r#""a\nb""#);
        let longest = "é".repeat(120);
        assert_eq!(quoted(&longest), format!("{longest:?}"));
        assert_eq!(quoted(&format!("{longest}é")), format!("{longest:?}…"));
    }
}
