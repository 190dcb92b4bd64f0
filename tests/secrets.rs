//! What the log and the answers of the real binary give away of its credentials and of what it is
//! sent.

mod common;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::SystemTime;

use aws_sim::Action::{AssumeRole, DescribeTasks, RegisterTargets};
use aws_sim::{Aws, Fault, Function, TargetGroup};
use common::{PORT, batch, binding, task};
use futures_util::future::join_all;
use serde_json::{Value, json};

const KEY_ID: &str = "AKIARECOGNISABLE";
const SECRET: &str = "recognisable-secret";
const TOKEN: &str = "recognisable-token";
const CREDENTIALS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", KEY_ID),
    ("AWS_SECRET_ACCESS_KEY", SECRET),
    ("AWS_SESSION_TOKEN", TOKEN),
];
const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Begins every `Authorization` header.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256";
/// Stands where RunTask's caller may have put a password: in an event's container overrides.
const PASSWORD: &str = "recognisable-password";
/// What the role of another account expects to be told.
const EXTERNAL_ID: &str = "recognisable-id";
const ROLE: &str = "arn:aws:iam::222222222222:role/demo";
/// Begin what the simulated STS gives out.
const ASSUMED: [&str; 3] = ["ASIASIM", "assumed-secret", "assumed-token"];
const SECRETS: [&str; 9] = [
    KEY_ID,
    SECRET,
    TOKEN,
    AUTHORIZATION,
    PASSWORD,
    EXTERNAL_ID,
    ASSUMED[0],
    ASSUMED[1],
    ASSUMED[2],
];

/// AWS repeats the request, its token among the headers, in the message to a signature that it does
/// not accept.
const ECHO: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
    Secret Access Key and signing method. Consult the service documentation for details.\n\n\
    The Canonical String for this request should have been\n'POST\n/\n\n\
    host:ecs.us-east-2.amazonaws.com\nx-amz-security-token:recognisable-token\n\nhost;x-amz-security-token\n\
    e3b0c442'\n\nThe String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20261122T125057Z'";

/// STS repeats a parameter that it does not accept.
const REPEATED: &str = "Value 'recognisable-id' at 'externalId' failed to satisfy constraint";

/// All that functions say, in answers and in the log, in successes and in failures of every kind.
async fn all_said(level: &str, format: &str) -> String {
    let aws = Aws::new();
    aws.add_role(ROLE, Some(EXTERNAL_ID));
    let server = aws.serve(LOOPBACK).await.unwrap();
    aws.put_task(&task(0));
    let mut said = talk(&aws, &server.url(), &every_input(), level, format).await;
    aws.fault(Fault::on(RegisterTargets).error("SignatureDoesNotMatch", ECHO, 403));
    aws.fault(Fault::on(DescribeTasks).error("InvalidSignatureException", ECHO, 400));
    let mut refused = talk(&aws, &server.url(), &every_input(), level, format).await;
    aws.clear_faults();
    for (code, message) in [("SignatureDoesNotMatch", ECHO), ("ValidationError", REPEATED)] {
        aws.fault(Fault::on(AssumeRole).times(9).error(code, message, 400));
        refused += &talk(&aws, &server.url(), &every_input(), level, format).await;
        aws.clear_faults();
    }
    let no_tls = server.url().replace("http:", "https:");
    let broken = [&no_tls, "http://127.0.0.1:9", "http://[::1"];
    let start = [event()];
    let broken = broken.map(|endpoint| talk(&aws, endpoint, &start, level, format));
    let failures = refused + &join_all(broken).await.concat();
    for failure in ["SignatureDoesNotMatch", "InvalidSignature", "ConnectionFailed", "Value '***'"]
    {
        assert!(failures.contains(failure), "{failure} never came: {failures}");
    }
    said.push_str(&failures);
    said
}

/// What one function answers, and what it logs.
async fn talk(aws: &Aws, endpoint: &str, inputs: &[Value], level: &str, format: &str) -> String {
    let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
    let there = TargetGroup::ipv6("there").account("222222222222").port(PORT);
    let mut by_role = binding(&aws.add_target_group(there), Some(PORT));
    by_role["roleArn"] = json!(ROLE);
    by_role["externalId"] = json!(EXTERNAL_ID);
    let bindings = json!([binding(&group, Some(PORT)), by_role]).to_string();
    let log = [("AWS_LAMBDA_LOG_LEVEL", level), ("AWS_LAMBDA_LOG_FORMAT", format)];
    let environment = [&log[..], &CREDENTIALS, &[("BINDINGS", &bindings)]].concat();
    let binary = env!("CARGO_BIN_EXE_ecs-ipv6-targets");
    let function = Function::start(binary, endpoint, &environment).await.unwrap();
    let mut said = String::new();
    let unknown = json!({"action": PASSWORD});
    for input in inputs.iter().chain([&unknown]) {
        let answer = function.invoke(input).await;
        said.push_str(&format!("{answer:?}\n"));
    }
    let last = |lines: &[String]| {
        let log = lines.join("\n");
        log.contains("UnknownInput").then_some(log)
    };
    said + &function.logs_until(last).await
}

fn event() -> Value {
    let mut event = task(0).event(SystemTime::now());
    let environment = json!([{"name": "PASSWORD", "value": PASSWORD}]);
    event["detail"]["overrides"]["containerOverrides"] = json!([{"environment": environment}]);
    event
}

fn every_input() -> Vec<Value> {
    let mut old = event();
    old["time"] = json!("2023-05-02T14:19:34Z");
    let mut unreadable = event();
    unreadable["detail"]["version"] = json!("three");
    let bodies = [PASSWORD.to_owned(), unreadable.to_string(), old.to_string()];
    let actions = ["plan", "reconcile", "doctor"].map(|action| json!({"action": action}));
    [event(), unreadable, batch(bodies.into_iter())].into_iter().chain(actions).collect()
}

fn shown<'a>(said: &str, secrets: &[&'a str]) -> Vec<&'a str> {
    secrets.iter().copied().filter(|secret| said.contains(secret)).collect()
}

#[tokio::test]
async fn neither_credentials_nor_payloads_are_shown_at_any_level_but_trace() {
    let levels = ["ERROR", "WARN", "INFO", "DEBUG"];
    let cases = levels.into_iter().flat_map(|level| ["JSON", "Text"].map(|format| (level, format)));
    let cases = cases.map(async |(level, format)| (level, format, all_said(level, format).await));
    for (level, format, said) in join_all(cases).await {
        assert_eq!(shown(&said, &SECRETS), [""; 0], "{level} {format}: {said}");
    }
}

#[tokio::test]
async fn trace_shows_key_id_and_payloads_but_no_secret_token_or_signature() {
    let aws = Aws::new();
    aws.add_role(ROLE, Some(EXTERNAL_ID));
    let server = aws.serve(LOOPBACK).await.unwrap();
    aws.put_task(&task(0));
    let said = talk(&aws, &server.url(), &[event()], "TRACE", "JSON").await;
    assert_eq!(shown(&said, &SECRETS), [KEY_ID, PASSWORD, EXTERNAL_ID, ASSUMED[0]]);
}
