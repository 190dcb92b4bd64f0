//! Deployments of services that tags bind: the gate and the hold.

use aws_sim::Action::GetResources;
use aws_sim::{Fault, Service};
use serde_json::{Value, json};

use crate::common::{Function, task};
use crate::scene::{DEMO, KEY, tagged, tagged_with};

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
    function.aws.add_service(Service::new("demo-service").desired_count(0));
    function.aws.put_task(&task(0));
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
