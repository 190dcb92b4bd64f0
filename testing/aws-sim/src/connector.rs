//! The way in for SDK clients in the same process: it takes the place of their HTTP client.

use std::io;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::Uri;

use crate::aws::Aws;
use crate::wire::{Answer, Reply, Request};

impl Aws {
    /// An HTTP client for the real SDK clients, whose requests never leave the process. It follows
    /// tokio's paused time and keeps to the read timeout that the client sets.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(InProcess(self.clone()))
    }
}

#[derive(Debug)]
struct InProcess(Aws);

impl HttpClient for InProcess {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            aws: self.0.clone(),
            read_timeout: settings.read_timeout(),
        })
    }
}

#[derive(Debug)]
struct Connector {
    aws: Aws,
    read_timeout: Option<Duration>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let aws = self.aws.clone();
        let read_timeout = self.read_timeout.unwrap_or(Duration::MAX);
        HttpConnectorFuture::new(async move {
            let exchange = aws.exchange(read(&request));
            match tokio::time::timeout(read_timeout, exchange).await {
                Ok(Reply::Answer(answer)) => respond(answer),
                Ok(Reply::Lost) => Err(lost()),
                Err(elapsed) => Err(ConnectorError::timeout(elapsed.into())),
            }
        })
    }
}

fn read(request: &HttpRequest) -> Request {
    let header = |name| request.headers().get(name);
    let uri = request.uri().parse::<Uri>().unwrap_or_default();
    Request {
        host: uri.host().unwrap_or_default().to_owned(),
        method: request.method().to_owned(),
        path: uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        authorization: header("authorization").unwrap_or_default().to_owned(),
        target: header("x-amz-target").map(str::to_owned),
        body: Bytes::copy_from_slice(request.body().bytes().unwrap_or_default()),
    }
}

fn respond(answer: Answer) -> Result<HttpResponse, ConnectorError> {
    let response = http::Response::builder()
        .status(answer.status)
        .header("content-type", answer.content_type)
        .header("x-amzn-requestid", answer.request_id);
    let response = match answer.error_type {
        Some(code) => response.header("x-amzn-errortype", code),
        None => response,
    };
    let response = response
        .body(SdkBody::from(answer.body))
        .map_err(|error| ConnectorError::user(error.into()))?;
    HttpResponse::try_from(response).map_err(|error| ConnectorError::user(error.into()))
}

fn lost() -> ConnectorError {
    let reset = io::Error::new(
        io::ErrorKind::ConnectionReset,
        "connection closed before message completed",
    );
    ConnectorError::io(reset.into())
}
