//! The real binary against an HTTPS endpoint whose certificate comes from an authority of its own.

mod common;
#[path = "common/tls.rs"]
mod tls;

use std::net::SocketAddr;
use std::time::SystemTime;

use aws_sim::{Answer, Aws, Function, TargetGroup};
use common::{PORT, binding, task};
use serde_json::json;
use tls::tls_in_front_of;

#[tokio::test]
async fn it_trusts_the_authorities_in_aws_ca_bundle_and_no_others() {
    let aws = Aws::new();
    let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
    aws.put_task(&task(0));
    let server = aws.serve(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let (url, root) = tls_in_front_of(server.addr).await;
    let bundle = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("authority.pem");
    std::fs::write(&bundle, root).unwrap();
    let bindings = json!([binding(&group, Some(PORT))]).to_string();
    let binary = env!("CARGO_BIN_EXE_ecs-ipv6-targets");
    let event = task(0).event(SystemTime::now());

    let environment = [("BINDINGS", bindings.as_str())];
    let stranger = Function::start(binary, &url, &environment).await.unwrap();
    match stranger.invoke(&event).await {
        Answer::Error { error_message, .. } => {
            assert!(error_message.contains("ConnectionFailed"), "{error_message}");
            assert!(error_message.contains("certificate"), "{error_message}");
        }
        trusted => panic!("trusts an authority that nobody named: {trusted:?}"),
    }
    assert_eq!(aws.registered(&group).len(), 0);

    let environment = [environment[0], ("AWS_CA_BUNDLE", bundle.to_str().unwrap())];
    let function = Function::start(binary, &url, &environment).await.unwrap();
    let answer = function.invoke(&event).await;
    assert!(matches!(answer, Answer::Success(_)), "{answer:?}");
    assert_eq!(aws.registered(&group).len(), 1);
}
