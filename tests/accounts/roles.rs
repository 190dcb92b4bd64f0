//! Whose credentials sign a call, how often they are asked for, and at what rates they call.

use std::time::Duration;

use aws_sim::Action::{
    AssumeRole, DeregisterTargets, DescribeTargetHealth, DescribeTasks, RegisterTargets,
};
use aws_sim::{Aws, Fault, Rate, TargetGroup};
use serde_json::json;
use tokio::time::Instant;

use crate::common::{Function, PORT, binding_of, target, task};
use crate::scene::{
    EXTERNAL_ID, OTHER, OWN, ROLE, by_role, group_there, pass, task_there, two_accounts,
    two_accounts_with, with,
};

#[tokio::test(start_paused = true)]
async fn each_group_is_written_with_the_credentials_of_its_account() {
    let (function, there) = two_accounts().await;
    function.deliver_batch([task(0), task_there(1)]).await.unwrap();
    function.deliver_batch([task(0).deactivating(), task_there(1).deactivating()]).await.unwrap();
    function.reconcile().await.unwrap();
    for call in function.aws.take_calls() {
        let account = if call.resource.as_ref() == Some(&there) { OTHER } else { OWN };
        assert_eq!(call.account, account, "{call:?}");
    }
    function.deliver_batch([task(2), task_there(3)]).await.unwrap();
    assert_eq!(function.registered(), [target(2)]);
    assert_eq!(function.registered_in(&there), [target(3)]);
}

#[tokio::test(start_paused = true)]
async fn sts_is_asked_in_the_region_for_an_hour_under_the_functions_name() {
    let settings = [("AWS_LAMBDA_FUNCTION_NAME", "my-function")];
    let (function, _) = two_accounts_with(&settings).await;
    function.deliver(&task_there(0)).await.unwrap();
    let [call] = &function.calls_of(AssumeRole)[..] else { panic!("not one call") };
    assert_eq!((&*call.host, &*call.account), ("sts.us-east-2.amazonaws.com", OWN));
    assert_eq!(call.region.as_deref(), Some("us-east-2"));
    let sent = call.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    assert_eq!(
        sent.collect::<Vec<_>>(),
        [
            ("Action", "AssumeRole"),
            ("Version", "2011-06-15"),
            ("RoleArn", ROLE),
            ("RoleSessionName", "my-function"),
            ("DurationSeconds", "3600"),
            ("ExternalId", EXTERNAL_ID),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn without_an_external_id_none_is_sent() {
    let aws = Aws::new();
    aws.add_role(ROLE, None);
    let group = aws.add_target_group(group_there("there"));
    let bindings = json!([with(binding_of("other-service", &group), json!({"roleArn": ROLE}))]);
    let function = Function::with(aws, bindings, &[]).await;
    function.deliver(&task_there(0)).await.unwrap();
    let [call] = &function.calls_of(AssumeRole)[..] else { panic!("not one call") };
    assert_eq!(call.values("ExternalId"), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn sts_has_its_own_endpoint_or_that_of_all_services() {
    let all = ("AWS_ENDPOINT_URL", "http://all.example:4566");
    let own = ("AWS_ENDPOINT_URL_STS", "http://own.example");
    let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    let fips = ("AWS_USE_FIPS_ENDPOINT", "true");
    let dual_stack = ("AWS_USE_DUALSTACK_ENDPOINT", "true");
    for (settings, host) in [
        (vec![all], "all.example"),
        (vec![all, own], "own.example"),
        (vec![all, own, ignored], "sts.us-east-2.amazonaws.com"),
        (vec![fips], "sts-fips.us-east-2.amazonaws.com"),
        (vec![dual_stack], "sts.us-east-2.api.aws"),
    ] {
        let (function, _) = two_accounts_with(&settings).await;
        function.deliver(&task_there(0)).await.unwrap();
        assert_eq!(function.calls_of(AssumeRole)[0].host, host, "{settings:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_are_kept_until_five_minutes_before_they_expire() {
    let (function, _) = two_accounts().await;
    let mut asked = Vec::new();
    for (n, minutes) in [0, 30, 24, 2, 53, 3].into_iter().enumerate() {
        pass(minutes).await;
        function.deliver(&task_there(n as u16)).await.unwrap();
        asked.push(function.calls_of(AssumeRole).len());
    }
    // After 54 minutes they are kept, after 56 they are not.
    assert_eq!(asked, [1, 0, 0, 1, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn groups_of_one_role_and_external_id_share_its_credentials() {
    let aws = Aws::new();
    aws.add_role(ROLE, None);
    let groups = ["a", "b", "c"].map(|name| aws.add_target_group(group_there(name)));
    let with_id =
        |group, id: &str| with(by_role("other-service", group), json!({"externalId": id}));
    let [a, b, c] = &groups;
    let bindings = json!([with_id(a, "one"), with_id(b, "one"), with_id(c, "two")]);
    let function = Function::with(aws, bindings, &[]).await;
    function.deliver(&task_there(0)).await.unwrap();
    let mut ids: Vec<String> = Vec::new();
    for call in function.calls_of(AssumeRole) {
        ids.extend(call.values("ExternalId").into_iter().map(str::to_owned));
    }
    ids.sort();
    assert_eq!(ids, ["one", "two"]);
    assert!(groups.iter().all(|group| function.registered_in(group) == [target(0)]));
}

#[tokio::test(start_paused = true)]
async fn without_a_role_sts_is_never_called() {
    let function = Function::new().await;
    function.deliver(&task(0)).await.unwrap();
    function.reconcile().await.unwrap();
    function.invoke(json!({"action": "doctor"})).await.unwrap();
    assert!(!function.actions().contains(&AssumeRole));
}

/// So many groups of each account, each with a target to register.
async fn busy(of_own: usize, of_other: usize) -> Function {
    let aws = Aws::new();
    aws.add_role(ROLE, Some(EXTERNAL_ID));
    aws.limit_rates(Rate::ELB_WRITES, Rate::ELB_CALLS);
    let own = (0..of_own).map(|n| {
        let group = TargetGroup::ipv6(&format!("own-{n}")).port(PORT);
        binding_of("demo-service", &aws.add_target_group(group))
    });
    let other = (0..of_other).map(|n| {
        by_role("demo-service", &aws.add_target_group(group_there(&format!("other-{n}"))))
    });
    let bindings = own.chain(other).collect();
    Function::with(aws.clone(), bindings, &[]).await
}

#[tokio::test(start_paused = true)]
async fn each_account_has_its_own_rates() {
    let time = async |of_own, of_other| {
        let function = busy(of_own, of_other).await;
        let begin = Instant::now();
        function.deliver(&task(0)).await.unwrap();
        let calls = function.aws.take_calls();
        assert_eq!(calls.iter().filter(|c| c.action == RegisterTargets).count(), of_own + of_other);
        begin.elapsed()
    };
    // 20 writes at once, and then 4 a second.
    assert!(time(30, 0).await > Duration::from_secs(2));
    assert!(time(0, 30).await > Duration::from_secs(2));
    assert!(time(18, 18).await < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_throttles_makes_the_function_careful_there_alone() {
    let time = async |throttled: &str| {
        let function = busy(18, 18).await;
        let group = function.aws.clone();
        let name = format!("{throttled}-0");
        let group = match throttled {
            "own" => group.add_target_group(TargetGroup::ipv6(&name).port(PORT)),
            _ => group.add_target_group(group_there(&name)),
        };
        function.aws.fault(Fault::on(RegisterTargets).group(&group).times(1).throttled());
        function.deliver(&task(0)).await.unwrap();
        tokio::time::advance(Duration::from_secs(60)).await;
        function.aws.take_calls();
        let begin = Instant::now();
        function.deliver(&task(1)).await.unwrap();
        let calls = function.calls_of(RegisterTargets);
        let last = |account| calls.iter().filter(|c| c.account == account).map(|c| c.at).max();
        let took = |account| last(account).unwrap().duration_since(calls[0].at).unwrap();
        assert!(begin.elapsed() > Duration::from_secs(2));
        (took(OWN), took(OTHER))
    };
    let second = Duration::from_secs(1);
    let (own, other) = time("other").await;
    assert!(own < 2 * second && other > 3 * second, "{own:?} {other:?}");
    let (own, other) = time("own").await;
    assert!(other < 2 * second && own > 3 * second, "{own:?} {other:?}");
}

#[tokio::test(start_paused = true)]
async fn tasks_are_read_with_the_functions_own_credentials() {
    let (function, there) = two_accounts().await;
    function.aws.put_task(&task_there(0));
    function.reconcile().await.unwrap();
    let calls = function.aws.take_calls();
    let of = |action| calls.iter().find(move |call| call.action == action).unwrap();
    assert_eq!(of(DescribeTasks).account, OWN);
    let health = calls.iter().filter(|call| call.action == DescribeTargetHealth);
    let mut accounts: Vec<&str> = health.map(|call| call.account.as_str()).collect();
    accounts.sort_unstable();
    assert_eq!(accounts, [OWN, OTHER]);
    function.deliver(&task_there(0).deactivating()).await.unwrap();
    assert_eq!(function.calls_of(DeregisterTargets)[0].account, OTHER);
    assert_eq!(function.registered_in(&there), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_status_page_counts_groups_there_and_assumes_no_role() {
    let (function, _) = two_accounts().await;
    let page = function.invoke(json!({"widgetContext": {}})).await.unwrap();
    let page = page.as_str().unwrap();
    assert!(page.contains("1 target group of other accounts: not shown"), "{page}");
    assert!(page.contains("demo-ipv6") && !page.contains("not read"));
    assert_eq!(function.calls_of(AssumeRole).len(), 0);
}
