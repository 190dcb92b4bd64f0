//! Signed calls to services of which the function makes so few that an SDK client would not
//! earn its bytes: a client and one operation are 57 KB of the package, this file is 29 KB and each
//! further operation 2 KB.
//!
//! What the SDK's clients do with a call is done here by the same parts of the SDK: the HTTP
//! client, the credentials, the signature, the retries, the timeouts, and the count of requests.

mod refused;

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
use aws_smithy_runtime_api::client::orchestrator::{
    HttpRequest, HttpResponse, OrchestratorError, SensitiveOutput,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::{FrozenLayer, Layer};
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;

use crate::aws::call::{retries, timeouts, within};
use crate::aws::endpoints::Service;
use crate::aws::rate_limits::{Kind, Limits};
use crate::aws::traffic::Counter;
use crate::aws::xml::Element;
use crate::core::failure::{Code, Failure};
use refused::Refused;

/// CloudTrail shows it. It is not signed, as the SDK's own is not.
const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// A value in a form or in the query of a path.
pub fn encoded(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encoded = value.bytes().map(|byte| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    encoded.collect()
}

/// A request before it has a host and a signature.
#[derive(Clone)]
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
    /// What AWS's message to a refusal must not show, although it may repeat the request.
    pub secret: Option<String>,
}

/// Without the body, which may hold what is nobody else's business.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, content_type, .. } = self;
        write!(f, "{method} {path} {content_type}")
    }
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
            secret: None,
        }
    }

    /// A request of the protocol AWS restJson1: a POST, or without a body a GET. `path` is with its
    /// query, percent-encoded.
    pub fn rest_json(path: String, body: Option<String>) -> Self {
        Self {
            method: if body.is_some() { "POST" } else { "GET" },
            path,
            headers: Vec::new(),
            content_type: "application/json",
            body: body.unwrap_or_default(),
            secret: None,
        }
    }

    /// A request of the AWS Query protocol: a form.
    pub fn query(action: &str, version: &str, parameters: &[(&str, &str)]) -> Self {
        let all = [("Action", action), ("Version", version)].into_iter();
        let all = all.chain(parameters.iter().copied());
        let body: Vec<String> =
            all.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        Self {
            method: "POST",
            path: "/".to_owned(),
            headers: Vec::new(),
            content_type: "application/x-www-form-urlencoded",
            body: body.join("&"),
            secret: None,
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

/// The body of an answer. The SDK logs at level trace what it is given, so this shows nothing.
struct Body(Vec<u8>);

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// Calls one service.
#[derive(Clone, Debug)]
pub struct SignedClient {
    operation: Operation<Request, Body, Refused>,
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
        let answer = self.bytes(limits, kind, action, request).await?;
        serde_json::from_slice(&answer)
            .map_err(|error| Failure::new(action, Code::UnreadableAnswer, error.to_string()))
    }

    /// Makes a call when it is due, and reads the XML of its answer.
    pub async fn xml(
        &self,
        limits: &Limits,
        kind: Kind,
        action: &'static str,
        request: Request,
    ) -> Result<Element, Failure> {
        let answer = self.bytes(limits, kind, action, request).await?;
        Element::parse(&answer)
            .ok_or_else(|| Failure::new(action, Code::UnreadableAnswer, "it is not whole XML"))
    }

    async fn bytes(
        &self,
        limits: &Limits,
        kind: Kind,
        action: &'static str,
        request: Request,
    ) -> Result<Vec<u8>, Failure> {
        // Boxed, because every future around a call would hold this one too.
        let answer: BoxFuture<'_, _> = Box::pin(async {
            let secret = request.secret.clone();
            let answer = self.operation.invoke(request).await;
            let hide = |refused: Refused| refused.without(secret.as_deref());
            answer.map_err(|error| error.map_service_error(hide))
        });
        within(limits, kind, action, answer).await.map(|body| body.0)
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
    layer.store_put(SensitiveOutput);
    layer.store_put(SigV4OperationSigningConfig::default());
    layer.store_put(SigningName::from_static(service.host));
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

fn read(response: &HttpResponse) -> Result<Body, OrchestratorError<Refused>> {
    let body = response.body().bytes().unwrap_or_default();
    if response.status().is_success() {
        return Ok(Body(body.to_vec()));
    }
    let kind = response.headers().get("x-amzn-errortype");
    Err(OrchestratorError::operation(Refused::read(kind, body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_holds_any_value() {
        let request = Request::query("Do", "2011-06-15", &[("Id", "a+b=c,d/e:f@g é")]);
        assert_eq!(
            request.body,
            "Action=Do&Version=2011-06-15&Id=a%2Bb%3Dc%2Cd%2Fe%3Af%40g%20%C3%A9"
        );
    }
}
