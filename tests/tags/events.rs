//! Events: the snapshot that they use, and what comes back to the queue without one.

use std::time::Duration;

use aws_sim::Action::{DescribeTasks, GetResources, RegisterTargets};
use aws_sim::{Fault, TargetGroup};
use serde_json::json;

use crate::common::{address, failures, ids, reasons, target, task};
use crate::scene::{DEMO, KEY, Log, discovering, pass, tagged, united};

#[tokio::test(start_paused = true)]
async fn a_task_is_registered_in_the_group_whose_tag_names_its_service() {
    let function = tagged(DEMO).await;
    let report = function.deliver(&task(0)).await.unwrap();
    assert_eq!((ids(&report, "registered"), function.registered().len()), (vec![&*address(0)], 1));
    assert_eq!(function.actions(), [GetResources, RegisterTargets, DescribeTasks]);
    function.deliver(&task(0).stopped()).await.unwrap();
    assert_eq!(function.registered(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_group_gives_the_port_and_a_family_is_bound_as_well() {
    let function = tagged("family:demo-cluster/batch").await;
    let batch = task(0).family("batch");
    function.deliver(&batch).await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
}

#[tokio::test(start_paused = true)]
async fn bindings_and_tags_are_united() {
    let (function, tagged) = united(DEMO).await;
    let report = function.deliver(&task(0)).await.unwrap();
    assert_eq!(report["registered"].as_array().unwrap().len(), 2);
    assert_eq!((function.registered(), function.registered_in(&tagged)), {
        (vec![target(0)], vec![target(0)])
    });
    // A tag that repeats an entry adds nothing.
    function.aws.tag(&function.group, KEY, DEMO);
    pass(61).await;
    let report = function.deliver(&task(1)).await.unwrap();
    assert_eq!(report["registered"].as_array().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn tags_are_read_when_the_last_read_is_older_than_a_minute() {
    let function = tagged(DEMO).await;
    for (seconds, reads) in [(0, 1), (30, 0), (30, 0), (1, 1), (60, 0)] {
        pass(seconds).await;
        function.deliver_batch([task(0), task(1)]).await.unwrap();
        assert_eq!(function.tag_reads(), reads, "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_of_that_name_in_another_account_is_none_of_ours() {
    let function = tagged(DEMO).await;
    let foreign = task(0).account("210987654321");
    let report = function.deliver(&foreign).await.unwrap();
    assert_eq!((reasons(&report), function.registered().len()), (vec!["no-binding"], 0));
}

#[tokio::test(start_paused = true)]
async fn a_failed_read_leaves_bindings_of_up_to_a_quarter_of_an_hour() {
    let function = tagged(DEMO).await;
    function.deliver(&task(0)).await.unwrap();
    function.aws.fault(Fault::on(GetResources).access_denied());
    pass(15 * 60).await;
    function.deliver(&task(1)).await.unwrap();
    let stranger = function.deliver(&task(2).service("other")).await.unwrap();
    assert_eq!(reasons(&stranger), ["no-binding"]);
    assert_eq!(function.registered(), [target(0), target(1)]);
    pass(1).await;
    let error = function.deliver(&task(3)).await.unwrap_err().to_string();
    assert!(error.contains("GetResources: AccessDeniedException"), "{error}");
    function.aws.clear_faults();
    function.deliver(&task(3)).await.unwrap();
    assert_eq!(function.registered().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_hangs_does_not_keep_a_stop_waiting() {
    let function = tagged(DEMO).await;
    function.deliver(&task(0)).await.unwrap();
    function.aws.fault(Fault::on(GetResources).hang(Duration::from_secs(60)));
    pass(61).await;
    let begin = function.aws.now();
    function.deliver(&task(0).stopped()).await.unwrap();
    let took = function.aws.now().duration_since(begin).unwrap();
    assert_eq!((function.registered().len(), took.as_secs()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn without_any_read_every_message_returns() {
    let (function, _) = united(DEMO).await;
    function.aws.fault(Fault::on(GetResources).internal_error());
    let tasks = [task(0), task(1).service("other")];
    let answer = function.deliver_batch(tasks).await.unwrap();
    assert_eq!(failures(&answer), ["m0", "m1"]);
    // What an entry of BINDINGS explains is done all the same: a stop has seconds.
    assert_eq!(function.registered(), [target(0)]);
    let error = function.deliver(&task(2).service("other")).await.unwrap_err().to_string();
    assert!(error.contains("bindings by tags cannot be read"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_copy_without_any_read_is_left_to_the_queue() {
    let function = tagged(DEMO).await;
    function.aws.fault(Fault::on(GetResources).internal_error());
    let stop = task(0).stopped();
    function.aws.put_task(&stop);
    let copy = json!({"copy": "queued", "event": function.event(&stop)});
    let report = function.invoke(copy).await.unwrap();
    assert_eq!((reasons(&report), report["failed"].clone()), (vec!["queued"], json!([])));
}

#[tokio::test(start_paused = true)]
async fn after_pages_that_break_off_what_no_entry_explains_comes_back() {
    let function = tagged(DEMO).await;
    for n in 0..150 {
        let group = TargetGroup::ipv6(&format!("zz-{n}"));
        function.aws.tag(&group.arn(), KEY, &format!("demo-cluster/zz-{n}"));
    }
    function.aws.fault(Fault::on(GetResources).nth(2).access_denied());
    let answer = function.deliver_batch([task(0), task(1).service("other")]).await.unwrap();
    assert_eq!((failures(&answer), function.registered()), (vec!["m1"], vec![target(0)]));
    // The next time all pages are read, and then there is no binding.
    let answer = function.deliver_batch([task(1).service("other")]).await.unwrap();
    assert_eq!((failures(&answer), function.tag_reads()), (vec![], 4));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_read_is_tried_again() {
    let function = tagged(DEMO).await;
    function.aws.fault(Fault::on(GetResources).times(2).throttled());
    function.deliver(&task(0)).await.unwrap();
    assert_eq!((function.registered(), function.tag_reads()), (vec![target(0)], 3));
    let metrics = function.metrics().join("\n");
    assert!(
        metrics.contains(r#""Throttles":2"#) && metrics.contains(r#""ApiCalls":5"#),
        "{metrics}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_malformed_entry_is_no_failure_of_an_event() {
    let function = tagged(&format!("{DEMO} oops")).await;
    let report = function.deliver(&task(0)).await.unwrap();
    assert_eq!((function.registered(), report["failed"].clone()), (vec![target(0)], json!([])));
}

#[tokio::test(start_paused = true)]
async fn events_of_strangers_leave_no_line() {
    let function = tagged(DEMO).await;
    function.deliver_batch([task(0)]).await.unwrap();
    function.metrics();
    let log = Log::listen();
    let strangers = (1..9).map(|n| task(n).service("other"));
    let answer = function.deliver_batch(strangers).await.unwrap();
    assert_eq!((failures(&answer), log.take(), function.metrics()), {
        (vec![], String::new(), vec![])
    });
    function.deliver_batch([task(1).service("other"), task(9)]).await.unwrap();
    let said = log.take();
    assert!(said.contains("settled") && !function.metrics().is_empty(), "{said:?}");
    let configured = crate::common::Function::new().await;
    configured.deliver_batch([task(1).service("other")]).await.unwrap();
    assert!(log.take().contains("no-binding=1"), "without tags it is as it was");
}

#[tokio::test(start_paused = true)]
async fn without_the_setting_no_tag_is_read() {
    let function = crate::common::Function::new().await;
    function.aws.tag(&function.group, KEY, "demo-cluster/other:8080");
    let report = function.deliver(&task(0).service("other")).await.unwrap();
    function.reconcile().await.unwrap();
    assert_eq!((reasons(&report), function.tag_reads()), (vec!["no-binding"], 0));
}

#[tokio::test(start_paused = true)]
async fn three_pages_are_read_for_250_groups() {
    let aws = aws_sim::Aws::new();
    let mut last = String::new();
    for n in 0..250 {
        last = aws.add_target_group(TargetGroup::ipv6(&format!("group-{n:03}")).port(8080));
        aws.tag(&last, KEY, &format!("demo-cluster/service-{n}"));
        aws.tag(&last, "another", "tag");
    }
    let function = discovering(aws, &last, &[("BINDINGS", "")]).await;
    function.deliver(&task(0).service("service-249")).await.unwrap();
    assert_eq!((function.registered(), function.tag_reads()), (vec![target(0)], 3));
}
