//! Targets in a VPC that is peered with the group's.

use aws_sim::Action::{DeregisterTargets, DescribeTargetHealth, RegisterTargets};
use aws_sim::{Aws, TargetGroup};
use serde_json::{Value, json};

use crate::common::{Function, PORT, binding_of, target, task};
use crate::scene::{EXTERNAL_ID, ROLE, by_role, group_there, task_there, with};

/// The VPC of the tasks, beside one that is peered with it.
const PEERED: (&str, &str) = ("2001:db9::/32", "2001:db8::/32");

/// A function with a group in the VPC of the tasks, and one in a peered VPC of another account.
async fn peered(zone: Value) -> (Function, String) {
    let aws = Aws::new();
    aws.add_role(ROLE, Some(EXTERNAL_ID));
    let (vpc, peer) = PEERED;
    let own = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
    let there = aws.add_target_group(group_there("there").vpc_cidr(vpc).peered_with(peer));
    let by_role = with(by_role("other-service", &there), json!({"zone": zone}));
    let bindings = json!([binding_of("demo-service", &own), by_role]);
    (Function::with(aws, bindings, &[]).await, there)
}

#[tokio::test(start_paused = true)]
async fn zone_all_is_named_where_it_is_bound_and_nowhere_else() {
    let (function, there) = peered(json!("all")).await;
    function.deliver_batch([task(0), task_there(1)]).await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
    assert_eq!(function.registered_in(&there), [target(1)]);
    function.deliver_batch([task(0).deactivating(), task_there(1).deactivating()]).await.unwrap();
    assert_eq!(function.registered_in(&there), [""; 0]);
    let calls = function.aws.take_calls();
    let writes = calls.iter().filter(|c| [RegisterTargets, DeregisterTargets].contains(&c.action));
    let writes: Vec<_> = writes.collect();
    assert_eq!(writes.len(), 4);
    for call in writes {
        let expected = if call.resource.as_ref() == Some(&there) { vec!["all"] } else { vec![] };
        assert_eq!(call.values("AvailabilityZone"), expected, "{call:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn health_is_read_of_all_zones() {
    let (function, there) = peered(json!("all")).await;
    function.aws.put_task(&task_there(0));
    function.reconcile().await.unwrap();
    function.reconcile().await.unwrap();
    let calls = function.calls_of(DescribeTargetHealth);
    let calls: Vec<_> = calls.iter().filter(|c| c.resource.as_ref() == Some(&there)).collect();
    assert_eq!(calls.len(), 2);
    for call in calls {
        assert!(call.values("AvailabilityZone").is_empty() && call.targets.is_empty(), "{call:?}");
    }
    assert_eq!(function.registered_in(&there), [target(0)]);
}

#[tokio::test(start_paused = true)]
async fn without_zone_all_elb_refuses_a_target_of_a_peered_vpc() {
    let (function, _) = peered(Value::Null).await;
    let error = function.deliver(&task_there(0)).await.unwrap_err().to_string();
    assert!(error.contains("needs an Availability Zone"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_peered_vpc_of_the_functions_own_account_needs_no_role() {
    let aws = Aws::new();
    let (vpc, peer) = PEERED;
    let group = TargetGroup::ipv6("demo-ipv6").port(PORT).vpc_cidr(vpc).peered_with(peer);
    let group = aws.add_target_group(group);
    let bindings = json!([with(binding_of("demo-service", &group), json!({"zone": "all"}))]);
    let function = Function::with(aws, bindings, &[]).await;
    function.deliver(&task(0)).await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
}
