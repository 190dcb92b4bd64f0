//! Signed JSON calls to services of which the function makes so few that an SDK client would not
//! earn its bytes: a client and one operation are 57 KB of the package, this file is 29 KB and each
//! further operation 2 KB.
//!
//! What the SDK's clients do with a call is done here by the same parts of the SDK: the HTTP
//! client, the credentials, the signature, the retries, the timeouts, and the count of requests.

use std::fmt;

use aws_config::SdkConfig;
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::RetryPartition;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{AuthSchemeOptionResolverParams, SharedAuthScheme};
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::{FrozenLayer, Layer};
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::aws::call::{retries, timeouts, within};
use crate::aws::endpoints::Service;
use crate::aws::rate_limits::{Kind, Limits};
use crate::aws::traffic::Counter;
use crate::core::failure::{Code, Failure};

/// CloudTrail shows it. It is not signed, as the SDK's own is not.
const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// A request before it has a host and a signature.
#[derive(Clone, Debug)]
pub struct Request {
    /// The HTTP method.
    pub method: &'static str,
    /// The path with its query, percent-encoded.
    pub path: String,
    /// What the protocol wants beside the content type.
    pub headers: Vec<(&'static str, String)>,
    /// The media type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl Request {
    /// A request of the protocol AWS JSON 1.1: `target` names service and operation.
    pub fn json_1_1(target: &str, body: String) -> Self {
        Self {
            method: "POST",
            path: "/".to_owned(),
            headers: vec![("x-amz-target", target.to_owned())],
            content_type: "application/x-amz-json-1.1",
            body,
        }
    }

    fn build(self) -> Result<HttpRequest, BoxError> {
        let mut request = HttpRequest::new(SdkBody::from(self.body));
        request.set_method(self.method)?;
        request.set_uri(self.path)?;
        let headers = request.headers_mut();
        headers.try_insert("content-type", self.content_type)?;
        headers.try_insert("user-agent", USER_AGENT)?;
        for (name, value) in self.headers {
            headers.try_insert(name, value)?;
        }
        Ok(request)
    }
}

/// Calls one service.
#[derive(Clone, Debug)]
pub struct SignedClient {
    operation: Operation<Request, Vec<u8>, Refused>,
}

impl SignedClient {
    /// A client of `service` with the settings of the SDK's clients; `counter` counts its requests.
    pub fn new(sdk: &SdkConfig, service: &'static Service, counter: Counter) -> Self {
        let builder = Operation::builder()
            .service_name(service.id)
            .operation_name("call")
            .endpoint_url(&service.endpoint(sdk))
            .standard_retry(sdk.retry_config().unwrap_or(&retries()))
            .timeout_config(sdk.timeout_config().cloned().unwrap_or_else(timeouts))
            .retry_classifier(HttpStatusCodeClassifier::default())
            .retry_classifier(TransientErrorClassifier::<Refused>::new())
            .retry_classifier(AwsErrorCodeClassifier::<Refused>::new())
            .with_connection_poisoning()
            .interceptor(counter)
            .runtime_plugin(
                StaticRuntimePlugin::new()
                    .with_config(signing(sdk, service))
                    .with_runtime_components(signer(sdk)),
            );
        let builder = match sdk.http_client() {
            Some(http) => builder.http_client(http),
            None => builder,
        };
        let builder = match sdk.behavior_version() {
            Some(version) => builder.behavior_version(version),
            None => builder,
        };
        Self { operation: builder.serializer(Request::build).deserializer(read).build() }
    }

    /// Makes a call when it is due, and reads the JSON of its answer.
    pub async fn call<T: DeserializeOwned>(
        &self,
        limits: &Limits,
        kind: Kind,
        action: &'static str,
        request: Request,
    ) -> Result<T, Failure> {
        // The SDK's future is large; boxed, it is not part of every future that may read tags.
        let call = Box::pin(self.operation.invoke(request));
        let answer = within(limits, kind, action, call).await?;
        serde_json::from_slice(&answer)
            .map_err(|error| Failure::new(action, Code::UnreadableAnswer, error.to_string()))
    }
}

/// What is signed for, and whose retries are counted together: as with the SDK's clients, those of
/// a service and region.
fn signing(sdk: &SdkConfig, service: &Service) -> FrozenLayer {
    let mut layer = Layer::new("SignedCall");
    let region = sdk.region().cloned();
    let name = region.as_ref().map_or("", |region| region.as_ref());
    layer.store_put(RetryPartition::new(format!("{}-{name}", service.id)));
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(SigV4OperationSigningConfig::default());
    layer.store_put(SigningName::from_static(service.signing_name));
    layer.store_or_unset(region.map(SigningRegion::from));
    layer.freeze()
}

fn signer(sdk: &SdkConfig) -> RuntimeComponentsBuilder {
    let mut components = RuntimeComponentsBuilder::new("SignedCall")
        .with_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()))
        .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![
            SCHEME_ID,
        ])))
        .with_identity_cache(sdk.identity_cache());
    if let Some(credentials) = sdk.credentials_provider() {
        components.set_identity_resolver(SCHEME_ID, SharedIdentityResolver::new(credentials));
    }
    components
}

fn read(response: &HttpResponse) -> Result<Vec<u8>, OrchestratorError<Refused>> {
    let body = response.body().bytes().unwrap_or_default();
    if response.status().is_success() {
        return Ok(body.to_vec());
    }
    let kind = response.headers().get("x-amzn-errortype");
    Err(OrchestratorError::operation(Refused::read(kind, body)))
}

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
    fn read(header: Option<&str>, body: &[u8]) -> Self {
        let body: RefusedBody = serde_json::from_slice(body).unwrap_or_default();
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
}
