//! The way in over loopback HTTP.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::aws::Aws;
use crate::wire::{Answer, Reply, Request};

/// The simulated AWS (or Lambda) on a port of this machine. It stops when this is dropped, open
/// connections included.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub addr: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Server {
    /// The endpoint URL, `http://127.0.0.1:4566`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Listens on `addr` and runs `serve_connection` for every connection.
    pub(crate) async fn start<F>(
        addr: SocketAddr,
        serve_connection: impl Fn(TokioIo<TcpStream>) -> F + Send + 'static,
    ) -> io::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve_connection(TokioIo::new(stream)));
            }
        });
        Ok(Self { addr, accepting })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Aws {
    /// Serves all APIs over plain HTTP on `addr` (port 0: any free one). Time must not be paused:
    /// a client in another process lives in real time.
    pub async fn serve(&self, addr: SocketAddr) -> io::Result<Server> {
        let aws = self.clone();
        Server::start(addr, move |io| {
            let aws = aws.clone();
            async move {
                let service = service_fn(move |request| answer(aws.clone(), request));
                let connection = hyper::server::conn::http1::Builder::new();
                // An error here is the client's hang-up or a lost answer.
                let _ = connection.serve_connection(io, service).await;
            }
        })
        .await
    }
}

/// An error instead of a response makes hyper close the connection: that is how an answer is lost.
async fn answer(
    aws: Aws,
    request: http::Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, io::Error> {
    let (head, body) = request.into_parts();
    let header = |name| {
        let value = head.headers.get(name).and_then(|value| value.to_str().ok());
        value.map(str::to_owned)
    };
    let request = Request {
        host: header("host").unwrap_or_default(),
        method: head.method.to_string(),
        path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        authorization: header("authorization").unwrap_or_default(),
        target: header("x-amz-target"),
        body: body.collect().await.map_err(io_error)?.to_bytes(),
    };
    match aws.exchange(request).await {
        Reply::Answer(answer) => respond(answer),
        Reply::Lost => Err(io_error("the answer is lost")),
    }
}

fn respond(answer: Answer) -> Result<http::Response<Full<Bytes>>, io::Error> {
    let response = http::Response::builder()
        .status(answer.status)
        .header("content-type", answer.content_type)
        .header("x-amzn-requestid", answer.request_id);
    let response = match answer.error_type {
        Some(code) => response.header("x-amzn-errortype", code),
        None => response,
    };
    response.body(Full::from(answer.body)).map_err(io_error)
}

fn io_error(error: impl Display) -> io::Error {
    io::Error::other(error.to_string())
}
