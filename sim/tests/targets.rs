//! The rules of target groups, through the real SDK client.

mod common;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_elasticloadbalancingv2::types::TargetDescription;
use common::{elb, pair, target};
use sim::{Aws, Health, TargetGroup, TargetRow};
use std::time::Duration;
use tokio::time::advance;

fn world(group: TargetGroup) -> (Aws, Client, String) {
    let aws = Aws::new();
    let arn = aws.add_target_group(group);
    let client = elb(&aws);
    (aws, client, arn)
}

/// Registers and tells the error code.
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

fn code<E: ProvideErrorMetadata, R>(error: SdkError<E, R>) -> Option<String> {
    error.code().map(str::to_owned)
}

/// What DescribeTargetHealth says: id, port, state and reason.
async fn health(
    client: &Client,
    arn: &str,
    asked: Option<Vec<TargetDescription>>,
) -> Vec<(String, i32, String, Option<String>)> {
    let call = client.describe_target_health().target_group_arn(arn);
    let answer = call.set_targets(asked).send().await.expect("an answer");
    answer
        .target_health_descriptions()
        .iter()
        .map(|description| {
            let target = description.target().expect("a target");
            let health = description.target_health().expect("a health");
            (
                target.id().unwrap_or_default().to_owned(),
                target.port().unwrap_or_default(),
                health.state().expect("a state").to_string(),
                health.reason().map(ToString::to_string),
            )
        })
        .collect()
}

fn row(id: &str, port: u16, health: Health) -> TargetRow {
    let (id, port) = pair(id, port);
    TargetRow { id, port, health }
}

const A: &str = "2001:db8::a";
const B: &str = "2001:db8::b";

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
    let group = TargetGroup::ipv6("demo-ipv6").vpc_prefix("2001:db8:0:1::/63");
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
async fn an_availability_zone_for_an_address_inside_the_vpc_fails_the_whole_call() {
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

#[tokio::test(start_paused = true)]
async fn target_health_lists_all_targets_with_their_reasons() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    aws.put_target(&arn, A, 80);
    aws.put_target(&arn, B, 80);
    advance(Duration::from_secs(120)).await;
    aws.put_target(&arn, A, 81);
    deregister(&client, &arn, &[target(B, 80)]).await;
    let reason = |text: &str| Some(text.to_owned());
    assert_eq!(
        health(&client, &arn, None).await,
        [
            (A.into(), 80, "healthy".into(), None),
            (A.into(), 81, "initial".into(), reason("Elb.RegistrationInProgress")),
            (B.into(), 80, "draining".into(), reason("Target.DeregistrationInProgress")),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn target_health_of_an_unregistered_target_is_unused() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6").port(80));
    aws.put_target(&arn, A, 80);
    advance(Duration::from_secs(120)).await;
    let portless = TargetDescription::builder().id(A).build();
    assert_eq!(
        health(&client, &arn, Some(vec![target(B, 81), portless])).await,
        [
            (B.into(), 81, "unused".into(), Some("Target.NotRegistered".into())),
            (A.into(), 80, "healthy".into(), None),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn health_checks_can_fail_a_registered_target() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    aws.put_target(&arn, A, 80);
    aws.set_health(&arn, A, 80, Health::UnhealthyDraining);
    assert_eq!(aws.targets(&arn), [row(A, 80, Health::Initial)]);
    advance(Duration::from_secs(120)).await;
    let states = health(&client, &arn, None).await;
    assert_eq!(states[0].2, "unhealthy.draining");
    assert_eq!(aws.registered(&arn), [pair(A, 80)]);
}

#[tokio::test(start_paused = true)]
async fn target_health_can_spell_addresses_out() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    aws.put_target(&arn, A, 80);
    aws.spell_out_addresses(true);
    let states = health(&client, &arn, None).await;
    assert_eq!(states[0].0, "2001:0db8:0000:0000:0000:0000:0000:000a");
}

#[tokio::test(start_paused = true)]
async fn target_groups_are_described_by_arn_by_name_or_all() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6").port(8080));
    aws.add_target_group(TargetGroup::ipv4("demo-ipv4"));
    let names = |groups: &[aws_sdk_elasticloadbalancingv2::types::TargetGroup]| -> Vec<String> {
        let names = groups.iter().filter_map(|group| group.target_group_name());
        names.map(str::to_owned).collect()
    };
    let all = client.describe_target_groups().send().await.expect("an answer");
    assert_eq!(names(all.target_groups()).len(), 2);
    let named = client.describe_target_groups().names("demo-ipv4");
    let named = named.send().await.expect("an answer");
    assert_eq!(names(named.target_groups()), ["demo-ipv4"]);
    let by_arn = client.describe_target_groups().target_group_arns(&arn);
    let by_arn = by_arn.send().await.expect("an answer");
    let [group] = by_arn.target_groups() else {
        panic!("one target group, not {by_arn:?}");
    };
    assert_eq!(group.target_group_arn(), Some(arn.as_str()));
    assert_eq!(group.port(), Some(8080));
    assert_eq!(group.protocol().map(|protocol| protocol.as_str()), Some("TCP"));
    assert_eq!(group.target_type().map(|kind| kind.as_str()), Some("ip"));
    assert_eq!(group.ip_address_type().map(|kind| kind.as_str()), Some("ipv6"));
    assert_eq!(group.load_balancer_arns().len(), 1);
    assert!(group.vpc_id().is_some());
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
