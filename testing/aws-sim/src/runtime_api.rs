//! The Lambda service around a function: the HTTP API that a runtime polls. Source: Lambda docs,
//! "Using the Lambda runtime API for custom runtimes".

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use serde_json::{Value, json};
use tokio::sync::{Notify, SetOnce, oneshot};

use crate::digest::uuid;
use crate::server::Server;

const DEFAULT_TIME: Duration = Duration::from_secs(30);
const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-2:123456789012:function:ecs-ipv6-targets";
const TRACE_ID: &str = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0";

/// A Runtime API on loopback that hands invocations to whichever runtime polls it.
pub struct RuntimeApi {
    server: Server,
    state: Arc<State>,
}

/// What became of an invocation.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Success(Value),
    Error { error_type: String, error_message: String },
}

#[derive(Default)]
struct State {
    invocations: Mutex<Invocations>,
    queued: Notify,
    /// When the runtime first asked for an invocation.
    ready: SetOnce<Instant>,
}

#[derive(Default)]
struct Invocations {
    count: u64,
    queue: Vec<Invocation>,
    /// Who waits for the answer, by request id.
    waiting: HashMap<String, oneshot::Sender<Answer>>,
    init_error: Option<Answer>,
}

struct Invocation {
    request_id: String,
    deadline_ms: u64,
    payload: String,
}

impl RuntimeApi {
    /// Starts on a free port of 127.0.0.1.
    pub async fn start() -> io::Result<Self> {
        let state = Arc::new(State::default());
        let shared = state.clone();
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::start(addr, move |io| {
            let state = shared.clone();
            async move {
                let service = service_fn(move |request| respond(state.clone(), request));
                let connection = hyper::server::conn::http1::Builder::new();
                // An error here is the runtime's hang-up.
                let _ = connection.serve_connection(io, service).await;
            }
        })
        .await?;
        Ok(Self { server, state })
    }

    /// The value for `AWS_LAMBDA_RUNTIME_API`.
    pub fn host(&self) -> String {
        self.server.addr.to_string()
    }

    /// Hands in an event and waits for the answer, 30 s at most.
    pub async fn invoke(&self, payload: &Value) -> Answer {
        self.invoke_within(payload, DEFAULT_TIME).await
    }

    /// Likewise, with so much time left until the deadline.
    pub async fn invoke_within(&self, payload: &Value, time_left: Duration) -> Answer {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let deadline = now.unwrap_or_default() + time_left;
        self.hand_in(payload, deadline.as_millis() as u64, time_left).await
    }

    /// Likewise, with any deadline header at all; the answer may take 30 s whatever it says. `cargo
    /// lambda watch` sends a constant in 1970.
    pub async fn invoke_with_deadline_ms(&self, payload: &Value, deadline_ms: u64) -> Answer {
        self.hand_in(payload, deadline_ms, DEFAULT_TIME).await
    }

    /// What the runtime reported to `/runtime/init/error`, if it did.
    pub fn init_error(&self) -> Option<Answer> {
        self.state.lock().init_error.clone()
    }

    /// Waits until the runtime asks for its first invocation, with which Lambda's init phase ends;
    /// when that was.
    pub async fn ready(&self) -> Instant {
        *self.state.ready.wait().await
    }

    async fn hand_in(&self, payload: &Value, deadline_ms: u64, patience: Duration) -> Answer {
        let (answered, answer) = oneshot::channel();
        let request_id = self.state.queue(payload, deadline_ms, answered);
        match tokio::time::timeout(patience, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => {
                self.state.lock().waiting.remove(&request_id);
                timed_out(&request_id, patience)
            }
        }
    }
}

/// As Lambda words it when it kills a function at its deadline.
fn timed_out(request_id: &str, after: Duration) -> Answer {
    let seconds = after.as_secs_f64();
    Answer::Error {
        error_type: "Sandbox.Timedout".to_owned(),
        error_message: format!(
            "RequestId: {request_id} Error: Task timed out after {seconds:.2} seconds"
        ),
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Invocations> {
        self.invocations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(
        &self,
        payload: &Value,
        deadline_ms: u64,
        answered: oneshot::Sender<Answer>,
    ) -> String {
        let mut invocations = self.lock();
        invocations.count += 1;
        let request_id = uuid(&format!("invocation {}", invocations.count));
        invocations.waiting.insert(request_id.clone(), answered);
        invocations.queue.push(Invocation {
            request_id: request_id.clone(),
            deadline_ms,
            payload: payload.to_string(),
        });
        self.queued.notify_one();
        request_id
    }

    /// The long poll of `/next`.
    async fn next(&self) -> Invocation {
        // Only the first time counts.
        let _ = self.ready.set(Instant::now());
        loop {
            if let Some(invocation) = self.take() {
                return invocation;
            }
            self.queued.notified().await;
        }
    }

    /// Takes the oldest invocation that somebody still waits for.
    fn take(&self) -> Option<Invocation> {
        let mut invocations = self.lock();
        while !invocations.queue.is_empty() {
            let invocation = invocations.queue.remove(0);
            if invocations.waiting.contains_key(&invocation.request_id) {
                return Some(invocation);
            }
        }
        None
    }

    fn answer(&self, request_id: &str, answer: Answer) -> StatusCode {
        match self.lock().waiting.remove(request_id) {
            Some(waiting) => {
                // Who waits may have given up at this very moment.
                let _ = waiting.send(answer);
                StatusCode::ACCEPTED
            }
            None => StatusCode::BAD_REQUEST,
        }
    }
}

async fn respond(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let path: Vec<&str> = head.uri.path().trim_matches('/').split('/').collect();
    match (&head.method, path.as_slice()) {
        (&Method::GET, ["2018-06-01", "runtime", "invocation", "next"]) => {
            invocation(state.next().await)
        }
        (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "response"]) => {
            let answer = Answer::Success(serde_json::from_slice(&body).unwrap_or_default());
            acknowledge(state.answer(id, answer))
        }
        (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "error"]) => {
            acknowledge(state.answer(id, error(&body)))
        }
        (&Method::POST, ["2018-06-01", "runtime", "init", "error"]) => {
            state.lock().init_error = Some(error(&body));
            acknowledge(StatusCode::ACCEPTED)
        }
        _ => acknowledge(StatusCode::NOT_FOUND),
    }
}

fn invocation(invocation: Invocation) -> Result<Response<Full<Bytes>>, io::Error> {
    Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", invocation.request_id)
        .header("lambda-runtime-deadline-ms", invocation.deadline_ms)
        .header("lambda-runtime-invoked-function-arn", FUNCTION_ARN)
        .header("lambda-runtime-trace-id", TRACE_ID)
        .body(Full::from(invocation.payload))
        .map_err(io::Error::other)
}

fn acknowledge(status: StatusCode) -> Result<Response<Full<Bytes>>, io::Error> {
    let body = match status {
        StatusCode::ACCEPTED => json!({"status": "OK"}),
        StatusCode::BAD_REQUEST => {
            json!({"errorType": "InvalidRequestID", "errorMessage": "Invalid request ID"})
        }
        _ => json!({"errorType": "NotFound", "errorMessage": "the Runtime API has no such path"}),
    };
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Full::from(body.to_string()))
        .map_err(io::Error::other)
}

fn error(body: &[u8]) -> Answer {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    Answer::Error { error_type: text("errorType"), error_message: text("errorMessage") }
}
