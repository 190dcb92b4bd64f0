//! The same world over loopback HTTP, through the SDK's own HTTP client.

use std::net::{Ipv4Addr, SocketAddr};

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::config::{BehaviorVersion, Region};
use aws_sdk_elasticloadbalancingv2::error::ProvideErrorMetadata;
use aws_sim::{Action, Aws, Fault, Outcome, Server, TargetGroup, Task};

use crate::clients::{credentials, pair, target};

const A: &str = "2001:db8::a";

async fn serve(aws: &Aws) -> Server {
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    aws.serve(any_port).await.expect("a free port")
}

fn elb(url: &str) -> Client {
    let config = aws_sdk_elasticloadbalancingv2::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(credentials())
        .region(Region::new("us-east-2"))
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

#[tokio::test]
async fn calls_over_loopback_work_on_the_same_world() {
    let aws = Aws::new();
    let arn = aws.add_target_group(TargetGroup::ipv6("demo-ipv6"));
    let server = serve(&aws).await;
    let client = elb(&server.url());
    let call = client.register_targets().target_group_arn(&arn);
    call.targets(target(A, 80)).send().await.expect("an answer");
    assert_eq!(aws.registered(&arn), [pair(A, 80)]);
    let health = client.describe_target_health().target_group_arn(&arn);
    let health = health.send().await.expect("an answer");
    assert_eq!(health.target_health_descriptions().len(), 1);
    assert_eq!(aws.calls()[0].host, server.addr.to_string());
    assert_eq!(aws.calls()[0].region.as_deref(), Some("us-east-2"));
}

#[tokio::test]
async fn both_services_share_one_endpoint() {
    let aws = Aws::new();
    let task = Task::new("a").running();
    aws.put_task(&task);
    let server = serve(&aws).await;
    let config = aws_sdk_ecs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(credentials())
        .region(Region::new("us-east-2"))
        .endpoint_url(server.url())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let call = aws_sdk_ecs::Client::from_conf(config).list_tasks();
    let answer = call.cluster("demo-cluster").send().await;
    assert_eq!(answer.expect("an answer").task_arns(), [task.arn()]);
}

#[tokio::test]
async fn errors_and_lost_answers_cross_the_loopback() {
    let aws = Aws::new();
    let arn = aws.add_target_group(TargetGroup::ipv6("demo-ipv6"));
    let server = serve(&aws).await;
    let client = elb(&server.url());
    let call = client.register_targets().target_group_arn(&arn);
    let refused = call.targets(target("10.0.0.1", 80)).send().await;
    assert_eq!(refused.unwrap_err().code(), Some("ValidationError"));
    aws.fault(Fault::on(Action::RegisterTargets).nth(1).lost_answer());
    let call = client.register_targets().target_group_arn(&arn);
    call.targets(target(A, 80)).send().await.expect("an answer");
    let outcomes: Vec<Outcome> = aws.calls().into_iter().map(|call| call.outcome).collect();
    let refused = Outcome::Error("ValidationError".to_owned());
    assert_eq!(outcomes, [refused, Outcome::Lost, Outcome::Ok]);
}

#[tokio::test]
async fn a_dropped_server_answers_no_more() {
    let aws = Aws::new();
    let server = serve(&aws).await;
    let client = elb(&server.url());
    client.describe_target_groups().send().await.expect("an answer");
    drop(server);
    assert!(client.describe_target_groups().send().await.is_err());
}
