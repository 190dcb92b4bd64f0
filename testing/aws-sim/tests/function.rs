//! A function's process under the simulated Lambda service.

use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use aws_sim::{Answer, Function, RuntimeApi};
use serde_json::json;

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/function.sh");

async fn start(environment: &[(&str, &str)]) -> Function {
    let function = Function::start(PROGRAM, "http://127.0.0.1:1", environment).await;
    function.expect("a process")
}

fn error(answer: Answer) -> (String, String) {
    match answer {
        Answer::Error { error_type, error_message } => (error_type, error_message),
        Answer::Success(value) => panic!("an error, not {value}"),
    }
}

#[tokio::test]
async fn a_function_answers_one_event_after_the_other() {
    let function = start(&[]).await;
    for n in 0..3 {
        let event = json!({"n": n});
        assert_eq!(function.invoke(&event).await, Answer::Success(event));
    }
    assert_eq!(function.logs(), ["hello from the function"]);
}

#[tokio::test]
async fn init_lasts_until_a_function_asks_for_its_first_event() {
    let begin = Instant::now();
    let function = start(&[]).await;
    let init = function.init_time().await.expect("a function that starts");
    assert!(init <= begin.elapsed(), "{init:?}");
    function.invoke(&json!(1)).await;
    assert_eq!(function.init_time().await, Some(init));
    assert_eq!(start(&[("FAIL_INIT", "1")]).await.init_time().await, None);
}

#[tokio::test]
async fn a_function_can_be_a_command_with_arguments() {
    let mut command = Command::new("/bin/bash");
    command.arg(PROGRAM);
    let function = Function::start_command(command, "http://127.0.0.1:1", &[]).await;
    let answer = function.expect("a process").invoke(&json!(1)).await;
    assert_eq!(answer, Answer::Success(json!(1)));
}

#[tokio::test]
async fn a_function_error_has_its_type_and_message() {
    let function = start(&[]).await;
    let answer = function.invoke(&json!({"do": "fail"})).await;
    assert_eq!(error(answer), ("Demo".to_owned(), "as asked".to_owned()));
    assert_eq!(function.invoke(&json!(1)).await, Answer::Success(json!(1)));
}

#[tokio::test]
async fn a_function_sees_the_environment_of_lambda_and_of_its_caller_only() {
    let function = start(&[("EXTRA", "extra"), ("AWS_REGION", "eu-west-1")]).await;
    let answer = function.invoke(&json!({"do": "environment"})).await;
    let seen = json!("eu-west-1 http://127.0.0.1:1 extra ");
    assert_eq!(answer, Answer::Success(seen));
}

#[tokio::test]
async fn a_function_is_told_its_deadline() {
    let function = start(&[]).await;
    let event = json!({"do": "deadline"});
    let constant = function.invoke_with_deadline_ms(&event, 42).await;
    assert_eq!(constant, Answer::Success(json!(42)));
    let Answer::Success(deadline) = function.invoke_within(&event, Duration::from_secs(7)).await
    else {
        panic!("an answer");
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let left = deadline.as_u64().expect("a number") as u128 - now.expect("a time").as_millis();
    assert!((5_000..=7_000).contains(&left), "{left} ms left");
}

#[tokio::test]
async fn a_process_that_ends_before_its_answer_is_an_error() {
    let function = start(&[]).await;
    let (kind, message) = error(function.invoke(&json!({"do": "exit"})).await);
    assert_eq!(kind, "Runtime.ExitError");
    assert!(message.contains("exit status: 3"), "{message}");
    let again = error(function.invoke(&json!(1)).await);
    assert_eq!(again.0, "Runtime.ExitError");
}

#[tokio::test]
async fn a_function_that_cannot_start_tells_why() {
    let function = start(&[("FAIL_INIT", "1")]).await;
    let (status, lines) = function.wait_exit().await;
    assert_eq!(status.code(), Some(1));
    assert_eq!(lines, ["hello from the function"]);
    let told = ("Init.Bad".to_owned(), "no config".to_owned());
    assert_eq!(error(function.init_error().expect("an error")), told);
    assert_eq!(error(function.invoke(&json!(1)).await), told);
}

#[tokio::test]
async fn an_answer_after_the_deadline_is_a_timeout() {
    let function = start(&[]).await;
    let time_left = Duration::from_millis(50);
    let answer = function.invoke_within(&json!({"do": "hang"}), time_left).await;
    let (kind, message) = error(answer);
    assert_eq!(kind, "Sandbox.Timedout");
    assert!(message.contains("timed out after 0.05 seconds"), "{message}");
}

#[tokio::test]
async fn an_invocation_nobody_waits_for_is_not_handed_out() {
    let api = RuntimeApi::start().await.expect("a free port");
    let unheard = api.invoke_within(&json!("unheard"), Duration::from_millis(10)).await;
    assert_eq!(error(unheard).0, "Sandbox.Timedout");
    let host = api.host();
    let next = async {
        let mut stream = tokio::net::TcpStream::connect(host).await.expect("a connection");
        let request = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut stream, request).await.expect("sent");
        let mut answer = vec![0; 4096];
        let read = tokio::io::AsyncReadExt::read(&mut stream, &mut answer).await;
        String::from_utf8_lossy(&answer[..read.expect("an answer")]).into_owned()
    };
    let heard = json!("heard");
    let answer = tokio::select! {
        answer = next => answer,
        unanswered = api.invoke(&heard) => panic!("{unanswered:?}"),
    };
    assert!(answer.ends_with("\"heard\""), "{answer}");
}
