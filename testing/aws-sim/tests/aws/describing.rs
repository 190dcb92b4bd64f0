//! What ELBv2 says of target groups and of the health of targets.

use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{TargetDescription, TargetGroup as Described};
use aws_sim::{Health, TargetGroup};
use tokio::time::advance;

use crate::clients::{pair, target, world};

const A: &str = "2001:db8::a";
const B: &str = "2001:db8::b";

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

#[tokio::test(start_paused = true)]
async fn target_health_lists_all_targets_with_their_reasons() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    aws.put_target(&arn, A, 80);
    aws.put_target(&arn, B, 80);
    advance(Duration::from_secs(120)).await;
    aws.put_target(&arn, A, 81);
    let deregister = client.deregister_targets().target_group_arn(&arn);
    let deregister = deregister.targets(target(B, 80));
    deregister.send().await.expect("an answer");
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
    assert_eq!(health(&client, &arn, None).await[0].2, "initial");
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
    let names = |groups: &[Described]| -> Vec<String> {
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
    assert!(group.vpc_id().is_some());
}
