//! Tags that are gone, and target groups that are gone while the index still shows their tags.

use aws_sim::Action::DescribeTargetHealth;
use aws_sim::{Fault, TargetGroup};

use crate::common::{PORT, address, ids, reasons, target, task};
use crate::scene::{DEMO, KEY, Log, pass, tagged, united};

#[tokio::test(start_paused = true)]
async fn a_tag_that_is_gone_leaves_its_targets_and_one_warning() {
    let (function, tagged) = united(DEMO).await;
    function.deliver_batch([task(0), task(1)]).await.unwrap();
    function.aws.untag(&tagged, KEY);
    function.aws.put_task(&task(1).stopped());
    let log = Log::listen();
    let report = function.scheduled().await.unwrap();
    assert_eq!(ids(&report, "deregistered"), [address(1)]);
    assert_eq!(function.registered(), [target(0)]);
    assert_eq!(function.registered_in(&tagged), [target(0), target(1)]);
    let said = log.take();
    let warnings: Vec<&str> = said.lines().filter(|line| line.contains("tag is gone")).collect();
    assert!(warnings.len() == 1 && warnings[0].contains("left=2"), "{said}");
    function.scheduled().await.unwrap();
    assert!(!log.take().contains("tag is gone"), "it is said once");
    // New tasks no longer serve there either.
    function.deliver(&task(2)).await.unwrap();
    assert_eq!(function.registered_in(&tagged).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_an_event_saw_gone_is_reported_by_the_next_reconcile() {
    let function = tagged(DEMO).await;
    function.deliver(&task(0)).await.unwrap();
    function.aws.untag(&function.group, KEY);
    pass(61).await;
    let report = function.deliver(&task(1)).await.unwrap();
    assert_eq!(reasons(&report), ["no-binding"]);
    let log = Log::listen();
    function.scheduled().await.unwrap();
    assert!(log.take().contains("tag is gone"));
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_comes_back_or_an_entry_that_stays_is_nothing_gone() {
    let (function, tagged) = united(DEMO).await;
    function.aws.tag(&function.group, KEY, DEMO);
    function.scheduled().await.unwrap();
    function.aws.untag(&function.group, KEY);
    function.aws.untag(&tagged, KEY);
    pass(61).await;
    function.deliver(&task(0)).await.unwrap();
    function.aws.tag(&tagged, KEY, DEMO);
    let log = Log::listen();
    function.scheduled().await.unwrap();
    assert!(!log.take().contains("tag is gone"));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_elb_does_not_know_is_skipped_by_a_reconcile() {
    for value in [DEMO, "demo-cluster/demo-service"] {
        let (function, tagged) = united(value).await;
        function.aws.put_task(&task(0));
        function.aws.delete_target_group(&tagged);
        let report = function.scheduled().await.unwrap();
        assert_eq!(reasons(&report), ["group-gone"], "{value}");
        assert_eq!(report["skipped"][0]["targetGroupArn"], tagged);
        assert_eq!(report["skipped"][0].get("taskArn"), None);
        assert_eq!(function.registered(), [target(0)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_elb_does_not_know_is_skipped_by_events() {
    for value in [DEMO, "demo-cluster/demo-service"] {
        let (function, tagged) = united(value).await;
        function.aws.delete_target_group(&tagged);
        for task in [task(0), task(0).stopped()] {
            let report = function.deliver(&task).await.unwrap();
            assert_eq!(reasons(&report), ["group-gone"], "{value}");
            assert_eq!(report["skipped"][0]["taskArn"], task.arn());
            assert_eq!(report["skipped"][0]["targetGroupArn"], tagged);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_of_bindings_that_elb_does_not_know_still_fails() {
    let (function, _) = united(DEMO).await;
    function.aws.tag(&function.group, KEY, "demo-cluster/other");
    function.aws.delete_target_group(&function.group);
    let error = function.deliver(&task(0)).await.unwrap_err().to_string();
    assert!(error.contains("TargetGroupNotFound"), "{error}");
    function.scheduled().await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn other_failures_of_a_tagged_group_are_failures() {
    let (function, tagged) = united(DEMO).await;
    function.aws.fault(Fault::on(DescribeTargetHealth).group(&tagged).access_denied());
    let error = function.scheduled().await.unwrap_err().to_string();
    assert!(error.contains("AccessDenied"), "{error}");
    let ipv4 = function.aws.add_target_group(TargetGroup::ipv4("demo-ipv4").port(PORT));
    function.aws.tag(&ipv4, KEY, DEMO);
    pass(61).await;
    function.deliver(&task(0)).await.unwrap_err();
}
