//! The rules of target groups, through the real SDK client.

use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::error::ProvideErrorMetadata;
use aws_sdk_elasticloadbalancingv2::types::TargetDescription;
use aws_sim::{Health, TargetGroup, TargetRow};
use tokio::time::advance;

use crate::clients::{code, pair, target, world};

const A: &str = "2001:db8::a";
const B: &str = "2001:db8::b";

/// Registers targets and tells the error code.
async fn register(client: &Client, arn: &str, targets: &[TargetDescription]) -> Option<String> {
    let call = client.register_targets().target_group_arn(arn);
    let answer = call.set_targets(Some(targets.to_vec())).send().await;
    answer.err().and_then(code)
}

async fn deregister(client: &Client, arn: &str, targets: &[TargetDescription]) -> Option<String> {
    let call = client.deregister_targets().target_group_arn(arn);
    let answer = call.set_targets(Some(targets.to_vec())).send().await;
    answer.err().and_then(code)
}

fn row(id: &str, port: u16, health: Health) -> TargetRow {
    let (id, port) = pair(id, port);
    TargetRow { id, port, health }
}

#[tokio::test(start_paused = true)]
async fn a_registered_target_is_initial_and_then_healthy() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    assert_eq!(register(&client, &arn, &[target(A, 8080)]).await, None);
    assert_eq!(aws.targets(&arn), [row(A, 8080, Health::Initial)]);
    advance(Duration::from_secs(119)).await;
    assert_eq!(aws.targets(&arn), [row(A, 8080, Health::Initial)]);
    advance(Duration::from_secs(1)).await;
    assert_eq!(aws.targets(&arn), [row(A, 8080, Health::Healthy)]);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_target_group_is_not_found() {
    let (_, client, _) = world(TargetGroup::ipv6("demo-ipv6"));
    let unknown = TargetGroup::ipv6("unknown").arn();
    let not_found = Some("TargetGroupNotFound".to_owned());
    assert_eq!(register(&client, &unknown, &[target(A, 80)]).await, not_found);
    assert_eq!(deregister(&client, &unknown, &[target(A, 80)]).await, not_found);
    let health = client.describe_target_health().target_group_arn(&unknown);
    assert_eq!(health.send().await.err().and_then(code), not_found);
    let groups = client.describe_target_groups().target_group_arns(&unknown);
    assert_eq!(groups.send().await.err().and_then(code), not_found);
    let groups = client.describe_target_groups().names("unknown");
    assert_eq!(groups.send().await.err().and_then(code), not_found);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_the_address_and_what_is_wrong_with_it() {
    let (_, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    for (id, wrong) in [
        ("10.0.0.1", "'10.0.0.1' is not a valid ipv6 address"),
        ("2001:db9::a", "'2001:db9::a' is not within the VPC"),
    ] {
        let call = client.register_targets().target_group_arn(&arn);
        let refused = call.targets(target(id, 80)).send().await.unwrap_err();
        let message = refused.message().unwrap_or_default();
        assert!(message.contains(wrong), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_address_of_the_wrong_family_fails_the_whole_call() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    let refused = register(&client, &arn, &[target(A, 80), target("10.0.0.1", 80)]).await;
    assert_eq!(refused.as_deref(), Some("ValidationError"));
    assert_eq!(aws.targets(&arn), []);
}

#[tokio::test(start_paused = true)]
async fn an_ipv4_target_group_takes_ipv4_addresses_only() {
    let (aws, client, arn) = world(TargetGroup::ipv4("demo-ipv4"));
    let refused = register(&client, &arn, &[target(A, 80)]).await;
    assert_eq!(refused.as_deref(), Some("ValidationError"));
    assert_eq!(register(&client, &arn, &[target("10.0.0.1", 80)]).await, None);
    assert_eq!(aws.registered(&arn), [pair("10.0.0.1", 80)]);
}

#[tokio::test(start_paused = true)]
async fn one_address_outside_the_vpc_fails_the_whole_call() {
    let group = TargetGroup::ipv6("demo-ipv6").vpc_cidr("2001:db8:0:1::/63");
    let (aws, client, arn) = world(group);
    let outside = target("2001:db8:0:2::1", 80);
    let inside = [target("2001:db8::1", 80), target("2001:db8:0:1::1", 80)];
    let mixed = [inside.to_vec(), vec![outside]].concat();
    let refused = register(&client, &arn, &mixed).await;
    assert_eq!(refused.as_deref(), Some("ValidationError"));
    assert_eq!(aws.targets(&arn), []);
    assert_eq!(register(&client, &arn, &inside).await, None);
}

#[tokio::test(start_paused = true)]
async fn an_availability_zone_within_the_vpc_fails_the_whole_call() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    let zoned = TargetDescription::builder().id(B).port(80).availability_zone("us-east-2a").build();
    let refused = register(&client, &arn, &[target(A, 80), zoned]).await;
    assert_eq!(refused.as_deref(), Some("ValidationError"));
    assert_eq!(aws.targets(&arn), []);
    assert_eq!(aws.calls()[0].values("AvailabilityZone"), ["us-east-2a"]);
    assert_eq!(aws.calls()[0].values("Port"), ["80", "80"]);
}

#[tokio::test(start_paused = true)]
async fn text_that_is_no_address_and_ports_out_of_range_are_refused() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    for bad in [target("i-0123", 80), target(A, 0), target(A, 65536)] {
        let refused = register(&client, &arn, &[bad]).await;
        assert_eq!(refused.as_deref(), Some("ValidationError"));
    }
    assert_eq!(register(&client, &arn, &[]).await.as_deref(), Some("ValidationError"));
    assert_eq!(deregister(&client, &arn, &[]).await.as_deref(), Some("ValidationError"));
    assert_eq!(aws.targets(&arn), []);
}

#[tokio::test(start_paused = true)]
async fn a_call_over_the_quota_registers_nothing() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6").quota(2));
    assert_eq!(register(&client, &arn, &[target(A, 80)]).await, None);
    let over = [target(A, 80), target(B, 80), target(B, 81)];
    let refused = register(&client, &arn, &over).await;
    assert_eq!(refused.as_deref(), Some("TooManyTargets"));
    assert_eq!(aws.registered(&arn), [pair(A, 80)]);
    assert_eq!(register(&client, &arn, &over[..2]).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_full_zone_leaves_room_in_the_others() {
    let zone = TargetGroup::ipv6("demo-ipv6").zone_quota("2001:db8:0:a::/64", 1);
    let (aws, client, arn) = world(zone);
    let [first, second, elsewhere] = ["2001:db8:0:a::1", "2001:db8:0:a::2", "2001:db8:0:b::1"];
    assert_eq!(register(&client, &arn, &[target(first, 80)]).await, None);
    for over in [vec![target(second, 80)], vec![target(second, 80), target(elsewhere, 80)]] {
        let refused = register(&client, &arn, &over).await;
        assert_eq!(refused.as_deref(), Some("TooManyTargets"));
    }
    assert_eq!(register(&client, &arn, &[target(elsewhere, 80)]).await, None);
    assert_eq!(aws.registered(&arn), [pair(first, 80), pair(elsewhere, 80)]);
}

#[tokio::test(start_paused = true)]
async fn an_exhausted_address_is_refused() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    aws.exhaust_address(&arn, A);
    let refused = register(&client, &arn, &[target(A, 80), target(B, 80)]).await;
    assert_eq!(refused.as_deref(), Some("TooManyRegistrationsForTargetId"));
    assert_eq!(register(&client, &arn, &[target(B, 80)]).await, None);
    assert_eq!(aws.registered(&arn), [pair(B, 80)]);
}

#[tokio::test(start_paused = true)]
async fn draining_targets_leave_room_in_the_quota() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6").quota(1));
    assert_eq!(register(&client, &arn, &[target(A, 80)]).await, None);
    assert_eq!(deregister(&client, &arn, &[target(A, 80)]).await, None);
    assert_eq!(register(&client, &arn, &[target(B, 80)]).await, None);
    assert_eq!(aws.registered(&arn), [pair(B, 80)]);
}

#[tokio::test(start_paused = true)]
async fn a_target_without_a_port_gets_the_port_of_its_group() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6").port(8080));
    let portless = TargetDescription::builder().id(A).build();
    assert_eq!(register(&client, &arn, &[portless]).await, None);
    assert_eq!(aws.registered(&arn), [pair(A, 8080)]);
    assert_eq!(aws.calls()[0].targets, [A]);
}

#[tokio::test(start_paused = true)]
async fn registering_again_leaves_a_healthy_target_healthy() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    assert_eq!(register(&client, &arn, &[target(A, 80)]).await, None);
    advance(Duration::from_secs(120)).await;
    assert_eq!(register(&client, &arn, &[target(A, 80)]).await, None);
    assert_eq!(aws.targets(&arn), [row(A, 80, Health::Healthy)]);
}

#[tokio::test(start_paused = true)]
async fn registering_a_draining_target_makes_it_initial_again() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    assert_eq!(register(&client, &arn, &[target(A, 80)]).await, None);
    advance(Duration::from_secs(120)).await;
    aws.set_health(&arn, A, 80, Health::Unhealthy);
    assert_eq!(aws.targets(&arn), [row(A, 80, Health::Unhealthy)]);
    assert_eq!(deregister(&client, &arn, &[target(A, 80)]).await, None);
    assert_eq!(aws.targets(&arn), [row(A, 80, Health::Draining)]);
    assert_eq!(register(&client, &arn, &[target(A, 80)]).await, None);
    assert_eq!(aws.targets(&arn), [row(A, 80, Health::Initial)]);
    advance(Duration::from_secs(301)).await;
    assert_eq!(aws.targets(&arn), [row(A, 80, Health::Healthy)]);
}

#[tokio::test(start_paused = true)]
async fn a_deregistered_target_drains_for_its_delay_and_is_gone() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    aws.put_target(&arn, A, 80);
    assert_eq!(deregister(&client, &arn, &[target(A, 80)]).await, None);
    advance(Duration::from_secs(200)).await;
    assert_eq!(deregister(&client, &arn, &[target(A, 80)]).await, None);
    advance(Duration::from_secs(99)).await;
    assert_eq!(aws.targets(&arn), [row(A, 80, Health::Draining)]);
    assert_eq!(aws.registered(&arn), []);
    advance(Duration::from_secs(1)).await;
    assert_eq!(aws.targets(&arn), []);
    assert_eq!(register(&client, &arn, &[target(A, 80)]).await, None);
    assert_eq!(aws.targets(&arn), [row(A, 80, Health::Initial)]);
}

#[tokio::test(start_paused = true)]
async fn deregistering_an_unknown_target_succeeds() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    aws.put_target(&arn, A, 80);
    let unknown = [target(B, 80), target(A, 81), target("10.0.0.1", 80)];
    assert_eq!(deregister(&client, &arn, &unknown).await, None);
    assert_eq!(aws.registered(&arn), [pair(A, 80)]);
}

#[tokio::test(start_paused = true)]
async fn a_target_registered_with_a_port_stays_when_deregistered_without_one() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6").port(80));
    let portless = [TargetDescription::builder().id(A).build()];
    assert_eq!(register(&client, &arn, &[target(A, 80)]).await, None);
    assert_eq!(deregister(&client, &arn, &portless).await, None);
    assert_eq!(aws.registered(&arn), [pair(A, 80)]);
}

#[tokio::test(start_paused = true)]
async fn a_target_registered_without_a_port_goes_when_deregistered_without_one() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6").port(80));
    let portless = [TargetDescription::builder().id(A).build()];
    assert_eq!(register(&client, &arn, &portless).await, None);
    assert_eq!(deregister(&client, &arn, &portless).await, None);
    assert_eq!(aws.registered(&arn), []);
}

#[test]
fn the_arn_of_a_target_group_is_the_same_in_every_run() {
    let arn = TargetGroup::ipv6("demo-ipv6").arn();
    let expected = "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo-ipv6/6d0ecf831eec9f09";
    assert_eq!(arn, expected);
    let other = TargetGroup::ipv6("other");
    assert_eq!(other.arn(), other.clone().port(81).arn());
    assert_ne!(other.arn(), other.clone().region("eu-west-1").account("1").arn());
}
