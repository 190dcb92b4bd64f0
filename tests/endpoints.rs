//! Which hosts the function calls, by region and setting.

mod common;

use aws_sim::Action::{DescribeTasks, RegisterTargets};
use aws_sim::TargetGroup;
use common::{Function, task};

const REGIONS: [&str; 3] = ["us-east-2", "us-gov-west-1", "cn-north-1"];
const DUALSTACK: &str = "AWS_USE_DUALSTACK_ENDPOINT";
const FIPS: &str = "AWS_USE_FIPS_ENDPOINT";
const SETTINGS: [&[&str]; 4] = [&[], &[DUALSTACK], &[FIPS], &[DUALSTACK, FIPS]];

#[tokio::test(start_paused = true)]
async fn the_hosts_called_are_those_of_the_documentation() {
    let documented = include_str!("../docs/endpoints.md").lines().filter(|l| l.starts_with("| `"));
    let documented: Vec<&str> = documented.collect();
    let mut called = Vec::new();
    for region in REGIONS {
        for settings in SETTINGS {
            called.push(row(region, settings).await);
        }
    }
    assert_eq!(documented, called, "\nwhat is called:\n{}", called.join("\n"));
}

/// What is called with these settings, each set to `true`.
async fn row(region: &str, settings: &[&str]) -> String {
    let mut environment = vec![("AWS_REGION", region)];
    environment.extend(settings.iter().map(|name| (*name, "true")));
    let group = TargetGroup::ipv6("demo-ipv6").region(region);
    let function = Function::in_group(group, &environment).await;
    function.deliver(&task(0).region(region)).await.unwrap();
    let calls = function.aws.take_calls();
    let [ecs, elb] = [DescribeTasks, RegisterTargets].map(|action| {
        let call = calls.iter().find(|call| call.action == action);
        call.unwrap_or_else(|| panic!("no {action:?}: {calls:?}")).host.clone()
    });
    let settings = settings.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    format!("| `{region}` | {settings} | `{ecs}` | `{elb}` |")
}
