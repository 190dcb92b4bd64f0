//! What AWS says when it refuses a call, in JSON or in XML.

use std::fmt;

use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde::Deserialize;

use crate::aws::xml::Element;

/// AWS's refusal of a call.
#[derive(Debug)]
pub struct Refused(ErrorMetadata);

/// The body of a refusal (Smithy, "AWS JSON 1.1 protocol" and "AWS restJson1 protocol": the code is
/// in `__type`, `code` or the header `x-amzn-errortype`).
#[derive(Default, Deserialize)]
struct RefusedBody {
    #[serde(rename = "__type")]
    kind: Option<String>,
    code: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

impl Refused {
    /// Reads the code in the header, if it is there, and the body.
    pub fn read(header: Option<&str>, body: &[u8]) -> Self {
        let body = if body.starts_with(b"<") {
            let xml = Element::parse(body).unwrap_or_default();
            let [code, message] =
                ["Code", "Message"].map(|name| xml.find_text(name).map(str::to_owned));
            RefusedBody { code, message, kind: None }
        } else {
            serde_json::from_slice(body).unwrap_or_default()
        };
        let code = header.map(str::to_owned).or(body.kind).or(body.code);
        let mut metadata = ErrorMetadata::builder();
        if let Some(code) = code {
            metadata = metadata.code(bare(&code));
        }
        if let Some(message) = body.message {
            metadata = metadata.message(message);
        }
        Self(metadata.build())
    }
}

impl Refused {
    /// The same, with a message that does not show this.
    pub fn without(self, secret: Option<&str>) -> Self {
        let (Some(secret), Some(message)) = (secret, self.0.message()) else { return self };
        let message = message.replace(secret, "***");
        let mut shown = ErrorMetadata::builder().message(message);
        if let Some(code) = self.0.code() {
            shown = shown.code(code);
        }
        Self(shown.build())
    }
}

/// The code without the namespace before and the URL after it.
fn bare(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code)
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refused {}

impl ProvideErrorMetadata for Refused {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_known_by_its_bare_code_wherever_it_stands() {
        for (header, body) in [
            (None, r#"{"__type":"com.amazonaws.tagging#ThrottledException","message":"slow"}"#),
            (None, r#"{"__type":"ThrottledException","Message":"slow"}"#),
            (None, r#"{"code":"ThrottledException","message":"slow"}"#),
            (Some("ThrottledException:http://internal/"), r#"{"message":"slow"}"#),
        ] {
            let refused = Refused::read(header, body.as_bytes());
            let said = (refused.meta().code(), refused.meta().message());
            assert_eq!(said, (Some("ThrottledException"), Some("slow")), "{header:?} {body}");
        }
        assert_eq!(Refused::read(None, b"<html>").meta().code(), None);
    }

    #[test]
    fn a_refusal_in_xml_is_read_too() {
        let body = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
                    <Message>not &lt;allowed&gt; &amp;amp; done</Message></Error></ErrorResponse>";
        let refused = Refused::read(None, body.as_bytes());
        let said = (refused.meta().code(), refused.meta().message());
        assert_eq!(said, (Some("AccessDenied"), Some("not <allowed> &amp; done")));
    }
}
