//! What doctor says of a target group in another account.

use std::time::Duration;

use aws_sim::Action::{self, AssumeRole};
use aws_sim::{Aws, LoadBalancer, Service};
use serde_json::{Value, json};

use crate::common::{Function, task};
use crate::scene::{EXTERNAL_ID, OTHER, OWN, ROLE, by_role, group_there, with};

const READS_THERE: [Action; 8] = [
    Action::DescribeTargetGroups,
    Action::DescribeTargetGroupAttributes,
    Action::DescribeTargetHealth,
    Action::DescribeLoadBalancers,
    Action::DescribeListeners,
    Action::DescribeRules,
    Action::DescribeLoadBalancerAttributes,
    Action::DescribeAccountLimits,
];

/// A function whose only group is in another account, behind a load balancer there.
async fn there(protocol: &str, fields: Value) -> Function {
    let aws = Aws::new();
    aws.add_role(ROLE, Some(EXTERNAL_ID));
    let (vpc, peer) = ("2001:db9::/32", "2001:db8::/32");
    let group = group_there("there").protocol(protocol);
    let group = match fields["zone"] == "all" {
        true => group.vpc_cidr(vpc).peered_with(peer),
        false => group,
    };
    let group = aws.add_target_group(group);
    let balancer = LoadBalancer::network("nlb-there").account(OTHER).dualstack().zones("ab");
    aws.add_load_balancer(balancer.listener(protocol, 443, &group));
    aws.add_service(Service::new("demo-service").desired_count(1));
    let bindings = json!([with(by_role("demo-service", &group), fields)]);
    let function = Function::with(aws, bindings, &[]).await;
    if protocol == "TCP" {
        function.deliver(&task(0)).await.unwrap();
    }
    function.aws.take_calls();
    function
}

async fn checks(function: &Function) -> Vec<Value> {
    let answer = function.invoke(json!({"action": "doctor"})).await.unwrap();
    answer["checks"].as_array().unwrap().clone()
}

fn check<'a>(checks: &'a [Value], name: &str) -> &'a Value {
    let found = checks.iter().find(|check| check["check"] == name);
    found.unwrap_or_else(|| panic!("no {name}: {checks:#?}"))
}

#[tokio::test(start_paused = true)]
async fn everything_about_the_group_is_read_in_its_account() {
    let function = there("TCP", json!({})).await;
    let checks = checks(&function).await;
    let role = check(&checks, "role");
    assert_eq!((&role["status"], &role["fix"]), (&json!("pass"), &json!("")));
    assert_eq!(role["detail"], format!("{ROLE} can be assumed"));
    for name in ["target-group", "load-balancer", "zones", "quota", "service"] {
        assert_ne!(check(&checks, name)["status"], "fail", "{checks:#?}");
    }
    let calls = function.aws.take_calls();
    for action in READS_THERE {
        let accounts = calls.iter().filter(|call| call.action == action);
        let accounts: Vec<&str> = accounts.map(|call| call.account.as_str()).collect();
        assert_eq!(accounts, [OTHER], "{action}");
    }
    let others = calls.iter().filter(|call| !READS_THERE.contains(&call.action));
    assert!(others.clone().count() > 2 && others.clone().all(|call| call.account == OWN));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_cannot_be_assumed_is_the_check_to_fix() {
    let aws = Aws::new();
    let group = aws.add_target_group(group_there("there"));
    let bindings = json!([by_role("demo-service", &group)]);
    aws.latency(None, Duration::from_millis(20));
    let function = Function::with(aws, bindings, &[]).await;
    let checks = checks(&function).await;
    let role = check(&checks, "role");
    assert_eq!(role["status"], "fail");
    assert!(role["detail"].as_str().unwrap().starts_with("AssumeRole: AccessDenied: "));
    let fix = role["fix"].as_str().unwrap();
    assert!(fix.contains("sts:AssumeRole") && fix.contains("trust policy"), "{fix}");
    assert_eq!(check(&checks, "target-group")["fix"], "fix `role` first");
    assert!(!json!(checks).to_string().contains(EXTERNAL_ID));
    // Reads under way together share the refusal.
    assert!(function.calls_of(AssumeRole).len() <= 3);
}

#[tokio::test(start_paused = true)]
async fn zone_all_is_reported_where_it_matters() {
    let function = there("TCP", json!({"zone": "all"})).await;
    let of_tcp = checks(&function).await;
    let zones = check(&of_tcp, "zones");
    assert_eq!(zones["status"], "warn", "{zones}");
    assert!(zones["detail"].as_str().unwrap().contains("although cross-zone is off"), "{zones}");
    let function = there("UDP", json!({"zone": "all"})).await;
    let of_udp = checks(&function).await;
    assert_eq!(check(&of_udp, "zones")["status"], "fail");
}
