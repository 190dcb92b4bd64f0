//! A function's process, run as Lambda runs it.

use std::ffi::OsStr;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::runtime_api::{Answer, RuntimeApi};

/// A function's process, run as Lambda runs it: nothing in its environment but what Lambda and the
/// caller put there. It is killed when this is dropped.
pub struct Function {
    api: RuntimeApi,
    logs: Logs,
    id: Option<u32>,
    started: Instant,
    exited: watch::Receiver<Option<ExitStatus>>,
    watching: JoinHandle<()>,
}

impl Function {
    /// Starts `program` with the simulated AWS at `endpoint_url`. The `environment` is added to
    /// Lambda's own, and wins over it.
    pub async fn start(
        program: impl AsRef<OsStr>,
        endpoint_url: &str,
        environment: &[(&str, &str)],
    ) -> io::Result<Self> {
        Self::start_command(std::process::Command::new(program), endpoint_url, environment).await
    }

    /// Likewise, with a command that has arguments. What else it sets is overwritten.
    pub async fn start_command(
        command: std::process::Command,
        endpoint_url: &str,
        environment: &[(&str, &str)],
    ) -> io::Result<Self> {
        let api = RuntimeApi::start().await?;
        let started = Instant::now();
        let mut child = Command::from(command)
            .env_clear()
            .envs(lambda_environment())
            .env("AWS_LAMBDA_RUNTIME_API", api.host())
            .env("AWS_ENDPOINT_URL", endpoint_url)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let id = child.id();
        let logs = Logs::default();
        let stdout = child.stdout.take().map(|pipe| logs.clone().follow(pipe));
        let stderr = child.stderr.take().map(|pipe| logs.clone().follow(pipe));
        let (exit, exited) = watch::channel(None);
        let watching = tokio::spawn(async move {
            let reading = async { tokio::join!(all(stdout), all(stderr)) };
            let (status, _) = tokio::join!(wait(&mut child), reading);
            exit.send_replace(Some(status));
        });
        Ok(Self { api, logs, id, started, exited, watching })
    }

    /// Waits until it asks for its first event; how long that took since the process was started.
    /// None if the process ended instead.
    pub async fn init_time(&self) -> Option<Duration> {
        tokio::select! {
            biased;
            ready = self.api.ready() => Some(ready - self.started),
            _ = self.exit_status() => None,
        }
    }

    /// Hands in an event and waits for the answer, 30 s at most. If the process ends first, the
    /// answer is what it reported as an init error, or else Lambda's `Runtime.ExitError`.
    pub async fn invoke(&self, payload: &Value) -> Answer {
        self.unless_exited(self.api.invoke(payload)).await
    }

    /// Likewise, with so much time left until the deadline.
    pub async fn invoke_within(&self, payload: &Value, time_left: Duration) -> Answer {
        self.unless_exited(self.api.invoke_within(payload, time_left)).await
    }

    /// Likewise, with any deadline header at all.
    pub async fn invoke_with_deadline_ms(&self, payload: &Value, deadline_ms: u64) -> Answer {
        let answer = self.api.invoke_with_deadline_ms(payload, deadline_ms);
        self.unless_exited(answer).await
    }

    /// The number of its process, by which the system knows it.
    pub fn id(&self) -> Option<u32> {
        self.id
    }

    /// The lines it has written so far, to stdout and stderr.
    pub fn logs(&self) -> Vec<String> {
        self.logs.lines()
    }

    /// Waits some seconds for what `awaited` finds in the lines written so far; a panic if it never
    /// comes.
    pub async fn logs_until<T>(&self, awaited: impl Fn(&[String]) -> Option<T>) -> T {
        for _ in 0..500 {
            if let Some(found) = awaited(&self.logs()) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("what was awaited never came: {:?}", self.logs());
    }

    /// Waits until the process ends; its status and all its lines.
    pub async fn wait_exit(&self) -> (ExitStatus, Vec<String>) {
        (self.exit_status().await, self.logs())
    }

    /// What the runtime reported to `/runtime/init/error`, if it did.
    pub fn init_error(&self) -> Option<Answer> {
        self.api.init_error()
    }

    async fn unless_exited(&self, answer: impl Future<Output = Answer>) -> Answer {
        tokio::select! {
            biased;
            answer = answer => answer,
            status = self.exit_status() => self.api.init_error().unwrap_or_else(|| exit_error(status)),
        }
    }

    async fn exit_status(&self) -> ExitStatus {
        let mut exited = self.exited.clone();
        let status = exited.wait_for(Option::is_some).await;
        status
            .ok()
            .and_then(|status| *status)
            .expect("the task that watches the process ends with its status")
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// Lambda docs: "Defined runtime environment variables".
fn lambda_environment() -> [(&'static str, &'static str); 7] {
    [
        ("AWS_LAMBDA_FUNCTION_NAME", "ecs-ipv6-targets"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_REGION", "us-east-2"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "not-a-secret"),
        ("AWS_SESSION_TOKEN", "not-a-token"),
    ]
}

/// As Lambda words it.
fn exit_error(status: ExitStatus) -> Answer {
    Answer::Error {
        error_type: "Runtime.ExitError".to_owned(),
        error_message: format!("Error: Runtime exited with error: {status}"),
    }
}

async fn wait(child: &mut Child) -> ExitStatus {
    let status = child.wait().await;
    status.expect("a child process can be waited for")
}

async fn all(reading: Option<impl Future<Output = ()>>) {
    if let Some(reading) = reading {
        reading.await;
    }
}

/// Lines as they are written, readable while the process runs.
#[derive(Clone, Default)]
struct Logs(Arc<Mutex<Vec<String>>>);

impl Logs {
    async fn follow(self, pipe: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(pipe).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
