//! Which hosts the function calls, by region and setting. The SDK reads its settings from the environment
//! of the process, so each case is a process of its own: this test binary, started again.

mod common;

use std::process::Command;

use common::{Function, PORT, binding, task};
use serde_json::json;
use sim::Action::{DescribeTasks, RegisterTargets};
use sim::{Aws, TargetGroup};

const REGIONS: [&str; 3] = ["us-east-2", "us-gov-west-1", "cn-north-1"];
const DUALSTACK: &str = "AWS_USE_DUALSTACK_ENDPOINT";
const FIPS: &str = "AWS_USE_FIPS_ENDPOINT";
const SETTINGS: [&[&str]; 4] = [&[], &[DUALSTACK], &[FIPS], &[DUALSTACK, FIPS]];

#[test]
fn the_hosts_called_are_those_of_the_documentation() {
    let documented = include_str!("../docs/endpoints.md").lines().filter(|l| l.starts_with("| `"));
    let documented: Vec<&str> = documented.collect();
    let called: Vec<String> =
        REGIONS.iter().flat_map(|region| SETTINGS.map(|settings| row(region, settings))).collect();
    assert_eq!(documented, called, "\nwhat is called:\n{}", called.join("\n"));
}

fn row(region: &str, settings: &[&str]) -> String {
    let [ecs, elb] = [DescribeTasks, RegisterTargets].map(|action| format!("{action:?} at "));
    let calls = calls(region, settings);
    let host = |call: &str| match calls.lines().filter_map(|l| l.strip_prefix(call)).next() {
        Some(host) => host.to_owned(),
        None => panic!("{call}no host: {calls}"),
    };
    let settings = settings.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    format!("| `{region}` | {settings} | `{}` | `{}` |", host(&ecs), host(&elb))
}

/// What the function calls with these settings, each set to `true`.
fn calls(region: &str, settings: &[&str]) -> String {
    let case = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "one_case", "--ignored", "--nocapture"])
        .env_clear()
        .env("AWS_REGION", region)
        .envs(settings.iter().map(|name| (name, "true")))
        .output()
        .unwrap();
    String::from_utf8(case.stdout).unwrap()
}

#[tokio::test(start_paused = true)]
#[ignore = "the test above starts it, in an environment of its own"]
async fn one_case() {
    let region = std::env::var("AWS_REGION").unwrap_or_else(|_| "us-east-2".to_owned());
    let aws = Aws::new();
    let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").region(&region));
    let bindings = json!([binding(&group, Some(PORT))]);
    let function = Function::with(aws, bindings, &[("AWS_REGION", &region)]).await;
    function.deliver(&task(0).region(&region)).await.unwrap();
    for call in function.aws.take_calls() {
        println!("\n{:?} at {}", call.action, call.host);
    }
}
