//! How long Network Load Balancers take with new targets.

use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sim::TargetGroup;
use tokio::time::advance;

use crate::clients::world;

const LEAST: Duration = Duration::from_secs(90);
const MOST: Duration = Duration::from_secs(180);

/// State and reason of all targets.
async fn states(client: &Client, arn: &str) -> Vec<(String, String)> {
    let answer = client.describe_target_health().target_group_arn(arn).send().await.unwrap();
    let descriptions = answer.target_health_descriptions().iter();
    let health = descriptions.map(|description| description.target_health().unwrap());
    let text = |reason: Option<&str>| reason.unwrap_or_default().to_owned();
    health
        .map(|health| {
            let reason = health.reason().map(|reason| reason.as_str());
            (health.state().unwrap().as_str().to_owned(), text(reason))
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn drawn_lags_lie_in_their_range_and_differ_by_target() {
    let (aws, _, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    aws.draw_registration_lags(1, LEAST, MOST);
    (1..=40).for_each(|n| aws.put_target(&arn, &format!("2001:db8::{n:x}"), 80));
    let mut healthy = Vec::new();
    for _ in 0..=180 {
        let rows = aws.targets(&arn);
        healthy.push(rows.iter().filter(|row| row.health.to_string() == "healthy").count());
        advance(Duration::from_secs(1)).await;
    }
    assert_eq!((healthy[89], healthy[180]), (0, 40));
    assert!((10..=30).contains(&healthy[135]), "{healthy:?}");
}

#[tokio::test(start_paused = true)]
async fn a_target_is_registering_then_checked_and_then_healthy() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    aws.draw_registration_lags(1, LEAST, LEAST);
    aws.put_target(&arn, "2001:db8::a", 80);
    for (seconds, state, reason) in [
        (0, "initial", "Elb.RegistrationInProgress"),
        (59, "initial", "Elb.RegistrationInProgress"),
        (1, "initial", "Elb.InitialHealthChecking"),
        (29, "initial", "Elb.InitialHealthChecking"),
        (1, "healthy", ""),
    ] {
        advance(Duration::from_secs(seconds)).await;
        assert_eq!(states(&client, &arn).await, [(state.to_owned(), reason.to_owned())]);
    }
}
