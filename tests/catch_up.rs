//! Batches whose writes have to wait for ELB's rates, over the simulated AWS.

mod common;

use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

use aws_sim::Action::{
    DeregisterTargets, DescribeTargetHealth, DescribeTasks, ListTasks, RegisterTargets,
};
use aws_sim::{Action, Aws, Call, Fault, TargetGroup, Task};
use common::{Function, PORT, address, batch, binding, failures, target, task};
use serde_json::{Value, json};

const FOR_EVER: Duration = Duration::from_secs(600);

const KEY: &str = "ecs-ipv6-targets:bind";

/// So many groups that the writes to them have to wait for ELB's rates.
const MANY: usize = 30;

fn many_groups(aws: &Aws) -> Vec<String> {
    (0..MANY).map(|n| aws.add_target_group(TargetGroup::ipv6(&format!("tg-{n}")))).collect()
}

/// A function with the target of task 0 in each of these groups.
async fn in_many_groups() -> (Function, Vec<String>) {
    let (function, groups) = Function::in_groups(MANY).await;
    groups.iter().for_each(|group| function.aws.put_target(group, &address(0), PORT));
    (function, groups)
}

/// In how many of the groups the n-th task's target is registered.
fn groups_with(function: &Function, groups: &[String], n: u16) -> usize {
    groups.iter().filter(|group| function.registered_in(group).contains(&target(n))).count()
}

/// How long the target of task 0 stays in some of the groups after the task's stop.
async fn time_until_gone(function: &Function, groups: &[String]) -> Duration {
    let stopped = task(0).deactivating();
    let begun = function.aws.now();
    let elapsed = || function.aws.now().duration_since(begun).unwrap();
    let gone = async {
        while groups_with(function, groups, 0) > 0 && elapsed() < FOR_EVER {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        elapsed()
    };
    tokio::join!(function.deliver_batch([stopped]), gone).1
}

#[tokio::test(start_paused = true)]
async fn what_a_read_shows_as_made_is_not_written_and_its_task_is_looked_at() {
    let (function, groups) = in_many_groups().await;
    let answer = function.deliver_batch([task(0), task(1).stopped()]).await.unwrap();
    assert_eq!(failures(&answer), [""; 0]);
    assert_eq!(groups_with(&function, &groups, 0), MANY);
    let actions: BTreeSet<Action> = function.actions().into_iter().collect();
    assert_eq!(actions, [DescribeTargetHealth, DescribeTasks].into());
}

#[tokio::test(start_paused = true)]
async fn a_draining_target_is_registered() {
    let (function, groups) = in_many_groups().await;
    function.deliver_batch([task(0).stopped()]).await.unwrap();
    assert_eq!(groups_with(&function, &groups, 0), 0);
    let successor = Task::new("successor").address(&address(0)).running();
    function.deliver_batch([successor]).await.unwrap();
    assert_eq!(groups_with(&function, &groups, 0), MANY);
}

#[tokio::test(start_paused = true)]
async fn what_a_read_shows_as_made_is_undone_if_the_look_finds_it_stopped() {
    let (function, groups) = in_many_groups().await;
    function.aws.before(DescribeTargetHealth, 1, |aws| aws.put_task(&task(0).stopped()));
    function.deliver_batch([task(0)]).await.unwrap();
    assert_eq!(groups_with(&function, &groups, 0), 0);
}

#[tokio::test(start_paused = true)]
async fn what_the_look_undoes_is_undone_without_a_read() {
    let (function, _) = in_many_groups().await;
    function.aws.before(DescribeTasks, 1, |aws| aws.put_task(&task(1).stopped()));
    function.deliver_batch([task(1)]).await.unwrap();
    let actions = function.actions();
    let looked = actions.iter().position(|action| *action == DescribeTasks).unwrap();
    assert_eq!(actions[looked + 1..][..MANY], [DeregisterTargets; MANY]);
}

#[tokio::test(start_paused = true)]
async fn what_later_messages_ask_for_is_made_at_once() {
    let (function, groups) = in_many_groups().await;
    function.aws.put_task(&task(0).stopped());
    function.aws.put_task(&task(2));
    let answer = function.deliver_batch([task(1)]).await.unwrap();
    assert_eq!(failures(&answer), [""; 0]);
    let held = [0, 1, 2].map(|n| groups_with(&function, &groups, n));
    assert_eq!(held[1], MANY);
    assert!(held[0] < MANY && held[2] > 0, "{held:?}");
    function.writes();
    function.deliver_batch([task(0).stopped(), task(2)]).await.unwrap();
    assert_eq!([0, 1, 2].map(|n| groups_with(&function, &groups, n)), [0, MANY, MANY]);
    let rest = held[0].max(MANY - held[2]);
    assert!(function.writes() <= 2 * rest, "only what was left to do");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_nothing_explains_is_left_to_a_reconcile() {
    let aws = Aws::starting_at(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    let groups = many_groups(&aws);
    let bindings = groups.iter().map(|group| binding(group, Some(PORT))).collect();
    let function = Function::with(aws, bindings, &[("PRUNE", "all")]).await;
    groups.iter().for_each(|group| function.aws.put_target(group, &address(9), PORT));
    function.deliver_batch([task(1)]).await.unwrap();
    assert_eq!([1, 9].map(|n| groups_with(&function, &groups, n)), [MANY, MANY]);
    assert!(function.actions().contains(&ListTasks), "the groups are settled as a whole");
}

#[tokio::test(start_paused = true)]
async fn where_no_write_waits_no_group_is_read() {
    let function = Function::new().await;
    function.deliver_batch([task(0), task(1).stopped()]).await.unwrap();
    assert_eq!(function.actions(), [RegisterTargets, DeregisterTargets, DescribeTasks]);
}

#[tokio::test(start_paused = true)]
async fn stops_in_many_groups_wait_a_second_at_most_for_reads_that_hang() {
    for action in [ListTasks, DescribeTargetHealth, DescribeTasks] {
        let (function, groups) = in_many_groups().await;
        function.aws.put_task(&task(1));
        function.aws.fault(Fault::on(action).hang(FOR_EVER));
        let gone = time_until_gone(&function, &groups).await;
        // Thirty writes take two and a half seconds by themselves.
        assert!(gone <= Duration::from_secs(4), "{action}: {gone:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn reads_that_hang_beside_one_that_is_answered_are_given_up() {
    let (function, groups) = in_many_groups().await;
    for group in &groups[1..] {
        function.aws.fault(Fault::on(DescribeTargetHealth).group(group).hang(FOR_EVER));
    }
    let gone = time_until_gone(&function, &groups).await;
    // Of the first four at most three hang, and then one more.
    assert!(gone <= Duration::from_secs(5), "{gone:?}");
}

#[tokio::test(start_paused = true)]
async fn no_group_is_begun_with_more_than_five_seconds_after_the_batch() {
    let (function, groups) = in_many_groups().await;
    function.aws.put_task(&task(2));
    function.aws.fault(Fault::on(ListTasks).hang(Duration::from_millis(2900)));
    let answer = function.deliver_batch([task(1)]).await.unwrap();
    assert_eq!(failures(&answer), [""; 0]);
    // Two such reads make six seconds for five groups, so that the next five come too late.
    assert_eq!(groups_with(&function, &groups, 2), 5);
}

#[tokio::test(start_paused = true)]
async fn a_group_without_its_tag_is_not_settled_as_a_whole() {
    let aws = Aws::new();
    let groups = many_groups(&aws);
    groups.iter().for_each(|group| aws.tag(group, KEY, "demo-cluster/demo-service:8080"));
    let settings = [("DISCOVER", "tags"), ("BINDINGS", "")];
    let function = Function::with(aws, json!([binding(&groups[0], None)]), &settings).await;
    function.aws.put_task(&task(2));
    function.reconcile().await.unwrap();
    for group in &groups {
        function.aws.untag(group, KEY);
        function.aws.take_target(group, &address(2), PORT);
    }
    // A minute has not passed, so the batch goes by the tags as they were.
    function.deliver_batch([task(1)]).await.unwrap();
    assert_eq!([1, 2].map(|n| groups_with(&function, &groups, n)), [MANY, 0]);
}

#[tokio::test(start_paused = true)]
async fn what_an_early_part_of_the_time_is_too_short_for_is_made_later() {
    let (function, groups) = in_many_groups().await;
    function.aws.put_task(&task(1));
    function.aws.fault(Fault::on(DescribeTasks).nth(1).hang(Duration::from_secs(2)));
    let old = function.event_of_before(Duration::from_secs(300), &task(3));
    let bodies = [old.to_string(), function.event(&task(1)).to_string()];
    // A quarter of what is left after a second is too short for thirty writes.
    let left = Duration::from_secs(10);
    let answer = function.invoke_within(left, batch(bodies.into_iter())).await.unwrap();
    assert_eq!(failures(&answer), [""; 0]);
    assert_eq!(groups_with(&function, &groups, 1), MANY);
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_targets_cannot_be_read_waits_for_no_other_group() {
    let (function, groups) = in_many_groups().await;
    let reads = || Fault::on(DescribeTargetHealth);
    function.aws.fault(reads().group(&groups[0]).access_denied());
    for action in [RegisterTargets, DeregisterTargets] {
        function.aws.fault(Fault::on(action).group(&groups[1]).hang(FOR_EVER));
    }
    let readable = [&groups[..1], &groups[2..]].concat();
    let gone = time_until_gone(&function, &readable).await;
    // The calls take five seconds by their rates.
    assert!(gone <= Duration::from_secs(6), "{gone:?}");
}

#[tokio::test(start_paused = true)]
async fn a_good_task_gets_in_beside_many_bad_ones_that_no_event_reports() {
    let (function, groups) = Function::in_groups(MANY).await;
    for n in 0..190 {
        let refused = Fault::on(RegisterTargets).error("ValidationError", "not within", 400);
        function.aws.fault(refused.when_target(&address(n)));
        function.aws.put_task(&task(n));
    }
    let answer = function.deliver_batch([task(195)]).await.unwrap();
    assert_eq!(failures(&answer), [""; 0]);
    assert_eq!(groups_with(&function, &groups, 195), MANY);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ecs_has_forgotten_is_not_registered_again() {
    let (function, _) = in_many_groups().await;
    let forgotten = function.event_of_before(Duration::from_secs(300), &task(3));
    let bodies = [forgotten.to_string(), function.event(&task(1)).to_string()];
    let answer = function.invoke(batch(bodies.into_iter())).await.unwrap();
    assert_eq!(failures(&answer), [""; 0]);
    let asked = |call: &Call| call.action == RegisterTargets && call.targets.contains(&target(3));
    assert!(!function.aws.calls().iter().any(asked));
    assert!(function.actions().contains(&ListTasks), "the groups are settled as a whole");
}

#[tokio::test(start_paused = true)]
async fn another_tasks_register_without_a_look_is_counted_as_failed() {
    let (function, groups) = in_many_groups().await;
    let other = task(1);
    function.aws.put_task(&other);
    function.aws.before(RegisterTargets, 1, move |aws| {
        aws.fault(Fault::on(DescribeTasks).when_target(&other.arn()).access_denied());
    });
    let answer = function.deliver_batch([task(0).stopped()]).await.unwrap();
    assert_eq!((failures(&answer), groups_with(&function, &groups, 0)), (vec![], 0));
    assert!(groups_with(&function, &groups, 1) > 0);
    let metrics = function.metrics().concat();
    assert!(metrics.contains(r#""ErrorType":"Unconfirmed""#), "{metrics}");
}

/// A function that has just settled all of its groups as a whole. Task 0 has stopped, task 2 runs.
async fn caught_up() -> (Function, Vec<String>) {
    let (function, groups) = in_many_groups().await;
    function.aws.put_task(&task(0).stopped());
    // What nothing explains makes it read stopped tasks each time.
    groups.iter().for_each(|group| function.aws.put_target(group, &address(99), PORT));
    settle_all(&function).await;
    assert_eq!([0, 2].map(|n| groups_with(&function, &groups, n)), [0, MANY]);
    (function, groups)
}

async fn settle_all(function: &Function) {
    function.aws.put_task(&task(2));
    // Each batch comes to some of the groups.
    for n in 10..16 {
        function.deliver_batch([task(n)]).await.unwrap();
    }
    function.actions();
    function.metrics();
}

/// Messages of these tasks' states bring events that are too old to be believed.
async fn deliver_late(function: &Function, tasks: &[Task]) -> Value {
    let event = |task| function.event_of_before(Duration::from_secs(90), task).to_string();
    function.invoke(batch(tasks.iter().map(event))).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn messages_of_before_their_groups_were_settled_make_no_call() {
    let (function, _) = caught_up().await;
    let answer = deliver_late(&function, &[task(0).stopped(), task(2).without_address()]).await;
    assert_eq!((failures(&answer), function.actions()), (vec![], vec![]));
    let metrics = function.metrics().concat();
    assert!(["Registered", "Deregistered"].iter().all(|m| metrics.contains(&format!("{m}\":30"))));
}

#[tokio::test(start_paused = true)]
async fn what_happens_after_the_groups_were_settled_is_settled() {
    let (function, groups) = caught_up().await;
    function.deliver_batch([task(2), task(2).stopped(), task(5)]).await.unwrap();
    assert_eq!([2, 5].map(|n| groups_with(&function, &groups, n)), [0, MANY]);
}

#[tokio::test(start_paused = true)]
async fn what_was_settled_is_remembered_for_two_minutes() {
    let (function, groups) = caught_up().await;
    groups.iter().for_each(|group| function.aws.take_target(group, &address(2), PORT));
    tokio::time::sleep(Duration::from_secs(121)).await;
    function.deliver_batch([task(2)]).await.unwrap();
    assert_eq!(groups_with(&function, &groups, 2), MANY);
}

#[test]
fn no_message_returns_as_long_as_its_groups_are_remembered() {
    const TIMEOUT: u64 = 30;
    const HIDDEN: u64 = 182;
    const REMEMBERED: u64 = 120;
    const { assert!(HIDDEN > REMEMBERED + TIMEOUT) };
    let template = include_str!("../template.yaml");
    for (name, seconds) in [("Timeout", TIMEOUT), ("VisibilityTimeout", HIDDEN)] {
        assert!(template.contains(&format!("      {name}: {seconds}\n")), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_target_of_a_task_of_which_nothing_is_new_is_spared() {
    let (function, groups) = in_many_groups().await;
    let successor = Task::new("successor").address(&address(0)).running();
    function.aws.put_task(&task(0).stopped());
    function.aws.put_task(&successor);
    settle_all(&function).await;
    deliver_late(&function, &[task(0).stopped(), successor.clone().without_address()]).await;
    assert_eq!(
        (groups_with(&function, &groups, 0), function.actions()),
        (MANY, vec![DescribeTasks])
    );
    // A batch that does not know the successor removes its target, and settles some of the groups.
    deliver_late(&function, &[task(0).stopped()]).await;
    assert!(groups_with(&function, &groups, 0) < MANY);
    deliver_late(&function, &[successor]).await;
    assert_eq!(groups_with(&function, &groups, 0), MANY);
}

#[tokio::test(start_paused = true)]
async fn a_task_of_which_nothing_is_new_keeps_no_target_of_another_that_left() {
    let successor = Task::new("successor").address(&address(2)).running();
    for said in [successor.clone(), successor.clone().deactivating()] {
        let (function, groups) = caught_up().await;
        // Another instance has handled task 2's stop, and spared the target for the successor.
        function.aws.put_task(&task(2).stopped());
        function.aws.put_task(&successor.clone().deactivating());
        let bodies = [task(2), said].map(|task| function.event(&task).to_string());
        let answer = function.invoke(batch(bodies.into_iter())).await.unwrap();
        assert_eq!((failures(&answer), groups_with(&function, &groups, 2)), (vec![], 0));
    }
}

#[tokio::test(start_paused = true)]
async fn if_the_two_cannot_be_looked_at_the_message_comes_back() {
    let (function, groups) = caught_up().await;
    let successor = Task::new("successor").address(&address(2)).running().deactivating();
    function.aws.put_task(&task(2).stopped());
    function.aws.put_task(&successor);
    function.aws.fault(Fault::on(DescribeTasks).access_denied());
    let answer = deliver_late(&function, &[task(2), successor]).await;
    assert_eq!((failures(&answer), groups_with(&function, &groups, 2)), (vec!["m0"], MANY));
}

/// A function that was throttled, and has used up its writes, so that every one has to wait. It has
/// so few groups that it settles them all after each batch, and reads stopped tasks each time.
async fn throttled_in_few_groups() -> (Function, Vec<String>) {
    let (function, groups) = Function::in_groups(5).await;
    groups.iter().for_each(|group| function.aws.put_target(group, &address(99), PORT));
    function.aws.fault(Fault::on(RegisterTargets).throttled().times(1));
    for n in 10..14 {
        function.actions();
        function.deliver_batch([task(n)]).await.unwrap();
    }
    assert!(function.actions().contains(&ListTasks), "the groups are settled as a whole");
    (function, groups)
}

#[tokio::test(start_paused = true)]
async fn a_target_that_appears_while_tasks_are_read_is_not_taken_for_gone() {
    let (function, groups) = throttled_in_few_groups().await;
    function.aws.put_task(&task(0).stopped());
    let own = groups.clone();
    function.aws.before(ListTasks, 1, move |aws| {
        own.iter().for_each(|group| aws.put_target(group, &address(0), PORT));
    });
    function.deliver_batch([task(14)]).await.unwrap();
    assert_eq!(groups_with(&function, &groups, 0), 5);
    deliver_late(&function, &[task(0).stopped()]).await;
    assert_eq!(groups_with(&function, &groups, 0), 0);
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_look_failed_is_looked_at_again() {
    let (function, groups) = throttled_in_few_groups().await;
    let other = task(1);
    function.aws.put_task(&other);
    // After the batch's own registers.
    function.aws.before(RegisterTargets, 6, move |aws| {
        aws.fault(Fault::on(DescribeTasks).when_target(&other.arn()).access_denied());
    });
    function.deliver_batch([task(14)]).await.unwrap();
    assert_eq!(groups_with(&function, &groups, 1), 5);
    let answer = deliver_late(&function, &[task(1)]).await;
    assert_eq!(failures(&answer), ["m0"]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ecs_does_not_list_is_looked_at_again() {
    let (function, groups) = caught_up().await;
    function.aws.fault(Fault::on(ListTasks).rewritten(|answer| answer["taskArns"] = json!([])));
    for _ in 0..2 {
        function.deliver_batch([task(20)]).await.unwrap();
    }
    assert_eq!(groups_with(&function, &groups, 20), MANY);
    function.aws.put_task(&task(20).stopped());
    deliver_late(&function, &[task(20)]).await;
    assert_eq!(groups_with(&function, &groups, 20), 0);
}
