//! Which hosts the function calls, by region and setting.

mod common;

use aws_sim::Action::{AssumeRole, DescribeTasks, GetResources, RegisterTargets};
use aws_sim::{Aws, Call, TargetGroup};
use common::{Function, PORT, binding, task};
use serde_json::json;

const REGIONS: [&str; 3] = ["us-east-2", "us-gov-west-1", "cn-north-1"];
const ROLE: &str = "arn:aws:iam::222222222222:role/demo";
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

#[tokio::test(start_paused = true)]
async fn the_tagging_api_has_its_own_endpoint_or_that_of_all_services() {
    let all = ("AWS_ENDPOINT_URL", "http://all.example:4566");
    let own = ("AWS_ENDPOINT_URL_RESOURCE_GROUPS_TAGGING_API", "http://own.example");
    let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    for (settings, host) in [
        (vec![all], "all.example"),
        (vec![all, own], "own.example"),
        (vec![own], "own.example"),
        (vec![all, own, ignored], "tagging.us-east-2.amazonaws.com"),
    ] {
        let settings = [vec![("DISCOVER", "tags")], settings].concat();
        let function = Function::with_settings(&settings).await;
        function.deliver(&task(0)).await.unwrap();
        let calls = function.aws.take_calls();
        let call = calls.iter().find(|call| call.action == GetResources).unwrap();
        assert_eq!(call.host, host, "{settings:?}");
    }
}

/// What is called with these settings, each set to `true`.
async fn row(region: &str, settings: &[&str]) -> String {
    let mut environment = vec![("AWS_REGION", region), ("DISCOVER", "tags")];
    environment.extend(settings.iter().map(|name| (*name, "true")));
    let aws = Aws::new();
    aws.add_role(ROLE, None);
    let group = |name, account| TargetGroup::ipv6(name).port(PORT).region(region).account(account);
    let own = aws.add_target_group(group("demo-ipv6", "123456789012"));
    let mut there = binding(&aws.add_target_group(group("there", "222222222222")), Some(PORT));
    there["roleArn"] = json!(ROLE);
    let lattice = aws.add_target_group(group("lattice", "123456789012").lattice());
    let bindings = json!([binding(&own, Some(PORT)), there, binding(&lattice, Some(PORT))]);
    let function = Function::with(aws, bindings, &environment).await;
    function.deliver(&task(0).region(region)).await.unwrap();
    let calls = function.aws.take_calls();
    let actions = [DescribeTasks, RegisterTargets, GetResources, AssumeRole];
    let [ecs, elb, tagging, sts] = actions.map(|action| {
        let is_it = |call: &&Call| call.action == action && call.resource != Some(lattice.clone());
        let call = calls.iter().find(is_it);
        let call = call.unwrap_or_else(|| panic!("no {action:?}: {calls:?}"));
        assert_eq!(call.region.as_deref(), Some(region), "{action:?}");
        call.host.clone()
    });
    let lattice = calls.iter().find(|call| call.resource.as_ref() == Some(&lattice)).unwrap();
    assert_eq!(lattice.region.as_deref(), Some(region));
    let settings = settings.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    format!(
        "| `{region}` | {settings} | `{ecs}` | `{elb}` | `{tagging}` | `{sts}` | `{}` |",
        lattice.host
    )
}
