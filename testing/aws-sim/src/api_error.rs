//! A refusal of a call.

/// A refusal, as AWS words it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) status: u16,
}

impl ApiError {
    pub(crate) fn new(code: &str, message: impl Into<String>, status: u16) -> Self {
        Self { code: code.to_owned(), message: message.into(), status }
    }

    /// The caller's fault.
    pub(crate) fn sender(code: &str, message: impl Into<String>) -> Self {
        Self::new(code, message, 400)
    }

    /// The unmodelled code that ELBv2 has for most bad input.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::sender("ValidationError", message)
    }
}
