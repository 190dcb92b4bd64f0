//! A refusal of a call.

use crate::action::Api;

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

    /// The same in the words of VPC Lattice (botocore: its errors and their statuses), if that is
    /// who refuses.
    pub(crate) fn in_words_of(self, api: Api) -> Self {
        if api != Api::Lattice {
            return self;
        }
        let (code, status) = match self.code.as_str() {
            "ThrottlingException" => ("ThrottlingException", 429),
            "TooManyTargets" => ("ServiceQuotaExceededException", 402),
            "AccessDenied" | "AccessDeniedException" => ("AccessDeniedException", 403),
            "InternalFailure" | "InternalServerException" => ("InternalServerException", 500),
            "ValidationError" | "TooManyRegistrationsForTargetId" => ("ValidationException", 400),
            _ => return self,
        };
        Self { code: code.to_owned(), status, ..self }
    }

    /// The unmodelled code that ELBv2 has for most bad input.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::sender("ValidationError", message)
    }
}
