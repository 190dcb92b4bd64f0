//! Reconciles of more groups than ELB's rates allow at once.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sim::Action::{DescribeTargetGroups, DescribeTargetHealth};
use aws_sim::{Aws, Fault, Rate, TargetGroup};
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use crate::common::{Function, PORT, binding_of, long_ago, task};
use crate::scene::{KEY, discovering, pass};

fn group(n: usize) -> TargetGroup {
    TargetGroup::ipv6(&format!("group-{n}")).port(PORT)
}

/// So many groups, each with a tag for a service of its own.
async fn of_groups(count: usize) -> Function {
    // Half a minute from the next slice.
    let aws = Aws::starting_at(long_ago());
    for n in 0..count {
        let group = aws.add_target_group(group(n));
        aws.tag(&group, KEY, &format!("demo-cluster/service-{n}:8080"));
    }
    discovering(aws, &group(0).arn(), &[("BINDINGS", "")]).await
}

/// The groups whose targets were read since the last time that calls were asked for.
fn read(function: &Function) -> BTreeSet<String> {
    let calls = function.aws.take_calls().into_iter();
    let calls = calls.filter(|call| call.action == DescribeTargetHealth);
    calls.filter_map(|call| call.resource).collect()
}

#[tokio::test(start_paused = true)]
async fn every_group_has_its_turn_and_no_more_than_a_hundred_a_minute() {
    let function = of_groups(250).await;
    function.aws.limit_rates(Rate::ELB_WRITES, Rate::ELB_CALLS);
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        function.scheduled().await.unwrap();
        let read = read(&function);
        assert!((83..=84).contains(&read.len()), "{}", read.len());
        seen.extend(read);
        pass(60).await;
    }
    assert_eq!(seen.len(), 250);
}

#[tokio::test(start_paused = true)]
async fn a_new_instance_goes_on_where_the_last_one_was() {
    let first = of_groups(250).await;
    first.scheduled().await.unwrap();
    let one = read(&first);
    let second = discovering(first.aws.clone(), &first.group, &[("BINDINGS", "")]).await;
    second.scheduled().await.unwrap();
    assert_eq!(read(&second), one, "in the same minute it is the same slice");
}

/// The periods in which the template's alarms look for failures, in minutes.
fn alarm_period() -> usize {
    let template = include_str!("../../template.yaml");
    let every = "\"1\": { Schedule: rate(1 minute), AlarmPeriod: ";
    let (_, rest) = template.split_once(every).expect("a reconcile every minute is offered");
    let seconds = rest.split(' ').next().and_then(|seconds| seconds.parse::<usize>().ok());
    seconds.expect("a number of seconds") / 60
}

#[tokio::test(start_paused = true)]
async fn up_to_500_groups_each_alarm_period_shows_a_group_that_fails() {
    assert_eq!(alarm_period(), 5);
    for (groups, round) in [(500, 5), (501, 6)] {
        let function = of_groups(groups).await;
        let bad = group(7).arn();
        function.aws.fault(Fault::on(DescribeTargetHealth).group(&bad).access_denied());
        let (begin, mut minutes) = (Instant::now(), Vec::new());
        for minute in 0..2 * round {
            sleep_until(begin + Duration::from_secs(60 * minute)).await;
            if function.scheduled().await.is_err() {
                minutes.push(minute);
            }
        }
        let [once, again] = minutes[..] else { panic!("{minutes:?}") };
        assert_eq!(again - once, round, "{groups} groups");
    }
}

#[tokio::test(start_paused = true)]
async fn new_groups_come_first_once() {
    let function = of_groups(250).await;
    function.scheduled().await.unwrap();
    let new: BTreeSet<String> = (250..260)
        .map(|n| {
            let group = function.aws.add_target_group(group(n));
            function.aws.tag(&group, KEY, &format!("demo-cluster/service-{n}:8080"));
            group
        })
        .collect();
    pass(61).await;
    // An event reads the tags; the reconcile still knows what is new to it.
    function.deliver(&task(0).service("service-255")).await.unwrap();
    read(&function);
    function.scheduled().await.unwrap();
    assert!(new.is_subset(&read(&function)));
    pass(60).await;
    function.scheduled().await.unwrap();
    assert!(!new.is_subset(&read(&function)), "only in their turn from now on");
}

#[tokio::test(start_paused = true)]
async fn groups_of_bindings_are_not_sliced() {
    let sliced = of_groups(150).await;
    let groups: Vec<String> = (0..40)
        .map(|n| sliced.aws.add_target_group(TargetGroup::ipv6(&format!("own-{n}"))))
        .collect();
    let bindings = groups.iter().map(|group| binding_of("demo-service", group)).collect();
    let function = Function::with(sliced.aws.clone(), bindings, &[("DISCOVER", "tags")]).await;
    function.scheduled().await.unwrap();
    let read = read(&function);
    assert_eq!((read.len(), groups.iter().all(|group| read.contains(group))), (115, true));
}

#[tokio::test(start_paused = true)]
async fn an_operators_reconcile_takes_all_and_says_what_it_left() {
    let function = of_groups(400).await;
    function.aws.limit_rates(Rate::ELB_WRITES, Rate::ELB_CALLS);
    let report = function.reconcile().await.unwrap();
    let (seen, left) = (read(&function).len(), report["left"].as_array().unwrap().len());
    assert!(seen >= 200 && left > 0 && seen + left == 400, "{seen} {left}");
    pass(60).await;
    let plan = function.invoke(json!({"action": "plan"})).await.unwrap();
    assert!(plan["left"].as_array().is_some_and(|left| !left.is_empty()));
    let few = of_groups(150).await;
    let report = few.reconcile().await.unwrap();
    assert_eq!((read(&few).len(), report.get("left")), (150, None));
}

#[tokio::test(start_paused = true)]
async fn ports_of_many_groups_are_looked_up_together() {
    let aws = Aws::new();
    for n in 0..100 {
        aws.tag(&aws.add_target_group(group(n)), KEY, &format!("demo-cluster/service-{n}"));
    }
    let gone = group(50).arn();
    aws.delete_target_group(&gone);
    aws.limit_rates(Rate::ELB_WRITES, Rate::ELB_CALLS);
    let function = discovering(aws, &group(0).arn(), &[("BINDINGS", "")]).await;
    let report = function.scheduled().await.unwrap();
    assert_eq!(report["skipped"], json!([{"targetGroupArn": gone, "reason": "group-gone"}]));
    let calls = function.actions();
    let lookups = calls.into_iter().filter(|action| *action == DescribeTargetGroups).count();
    assert!(lookups < 20, "{lookups}");
}
