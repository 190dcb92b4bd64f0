//! Deployments of services that tags bind: the gate and the hold.

use aws_sim::Action::GetResources;
use aws_sim::{Aws, DeploymentConfiguration, Fault, Sent, Service, Starts, TargetGroup};
use ecs_ipv6_targets::core::binding::TargetGroupArn;
use ecs_ipv6_targets::core::slices::{LARGEST, slices};
use serde_json::{Value, json};

use crate::common::{Function, PORT, long_ago};
use crate::scene::{DEMO, KEY, discovering, pass, tagged, tagged_with};

fn sample(name: &str) -> Value {
    let path = format!("{}/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

async fn gate(function: &Function) -> Value {
    function.invoke(sample("hook-post-scale-up")).await.unwrap()["hookStatus"].clone()
}

#[tokio::test(start_paused = true)]
async fn the_gate_waits_as_long_as_tags_cannot_be_read() {
    let function = tagged("demo-cluster/other").await;
    function.aws.add_service(Service::new("demo-service").desired_count(1));
    assert_eq!(gate(&function).await, "FAILED");
    function.aws.fault(Fault::on(GetResources).access_denied());
    assert_eq!(gate(&function).await, "IN_PROGRESS");
    function.aws.clear_faults();
    // A tag of a second ago is seen.
    function.aws.tag(&function.group, KEY, DEMO);
    assert_eq!(gate(&function).await, "IN_PROGRESS");
    let rollback = function.invoke(sample("hook-rollback")).await.unwrap();
    assert_eq!(rollback["hookStatus"], "SUCCEEDED");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_gone_keeps_no_gate_shut() {
    let function = tagged(DEMO).await;
    function.aws.run_service(Service::new("demo-service").desired_count(1), 7);
    pass(60).await;
    function.aws.step();
    assert_eq!(gate(&function).await, "IN_PROGRESS", "its target is not registered");
    function.aws.delete_target_group(&function.group);
    assert_eq!(gate(&function).await, "SUCCEEDED");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_of_an_unknown_service_comes_back_without_a_read() {
    let function = tagged_with(DEMO, &[("HOLD_MINUTES", "15")]).await;
    function.aws.fault(Fault::on(GetResources).access_denied());
    let error = function.invoke(sample("deployment-in-progress")).await.unwrap_err().to_string();
    assert!(error.contains("GetResources"), "{error}");
    let off = tagged(DEMO).await;
    off.aws.fault(Fault::on(GetResources).access_denied());
    let report = off.invoke(sample("deployment-in-progress")).await.unwrap();
    assert_eq!(report["failed"], json!([]));
}

/// Two groups that never have their turn in the same minute.
fn apart(groups: &[String]) -> [String; 2] {
    let parse = |arn: &String| TargetGroupArn::parse(arn).unwrap();
    let slices = slices(&groups.iter().map(parse).collect(), LARGEST);
    [0, 1].map(|n| slices[n][0].to_string())
}

#[tokio::test(start_paused = true)]
async fn a_hold_ends_though_its_groups_are_in_different_slices() {
    let aws = Aws::starting_at(long_ago());
    let group = |n| aws.add_target_group(TargetGroup::ipv6(&format!("group-{n}")).port(PORT));
    let groups: Vec<String> = (0..150).map(group).collect();
    let bound = apart(&groups);
    for (n, group) in groups.iter().enumerate() {
        let is_bound = bound.contains(group);
        let service = if is_bound { "demo-service".to_owned() } else { format!("other-{n}") };
        aws.tag(group, KEY, &format!("demo-cluster/{service}:8080"));
    }
    let settings = [("BINDINGS", ""), ("HOLD_MINUTES", "15")];
    let function = discovering(aws.clone(), &bound[0], &settings).await;
    let deployment = DeploymentConfiguration::rolling(100, 200);
    let service = Service::new("demo-service").desired_count(2).deployment(deployment);
    let service = aws.run_service(service.starts(Starts::fargate()), 7);
    let mut minutes = 0;
    let mut held = 0;
    for second in 0..1500 {
        if second == 300 {
            aws.deploy(&service);
        }
        pass(1).await;
        for sent in aws.step() {
            if let Sent::Event(event) = sent {
                let report = function.invoke(event).await.unwrap();
                held += report["held"].as_array().map_or(0, Vec::len);
            }
        }
        if second % 60 == 0 {
            function.scheduled().await.unwrap();
        }
        minutes += usize::from(second > 300 && second % 60 == 0 && aws.is_deploying(&service));
    }
    assert!(held == 2 && !aws.is_deploying(&service), "{held}");
    assert!((2..9).contains(&minutes), "{minutes}");
}
