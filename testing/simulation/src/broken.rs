//! A promise that was not kept.

use std::fmt;

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The promise, as it is named at the top of this file.
    pub promise: &'static str,
    /// How it was broken.
    pub how: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.how)
    }
}

/// The error that this promise was broken in this way.
pub fn broken(promise: &'static str, how: impl Into<String>) -> Result<(), Broken> {
    Err(Broken { promise, how: how.into() })
}
