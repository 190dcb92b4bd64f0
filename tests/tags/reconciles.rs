//! Reconciles: they read anew, and remove nothing if not all could be read.

use std::time::Duration;

use aws_sim::Action::{GetResources, RegisterTargets};
use aws_sim::{Aws, Fault, TargetGroup};
use serde_json::json;

use crate::common::{Function, PORT, address, ids, target, task};
use crate::scene::{DEMO, KEY, discovering, pass, tagged, tagged_with, united};

#[tokio::test(start_paused = true)]
async fn a_reconcile_always_reads_tags_anew() {
    let function = tagged("demo-cluster/other").await;
    function.aws.put_task(&task(0));
    function.reconcile().await.unwrap();
    function.aws.tag(&function.group, KEY, DEMO);
    for (registered, reads) in [(1, 2), (1, 1)] {
        function.scheduled().await.unwrap();
        assert_eq!((function.registered().len(), function.tag_reads()), (registered, reads));
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_tag_is_adopted_as_soon_as_the_index_shows_it() {
    let function = tagged("demo-cluster/other").await;
    function.aws.put_task(&task(0));
    function.aws.tag_lag(Duration::from_secs(150));
    function.aws.tag(&function.group, KEY, DEMO);
    for registered in [0, 0, 0, 1] {
        function.scheduled().await.unwrap();
        assert_eq!(function.registered().len(), registered);
        pass(60).await;
    }
}

#[tokio::test(start_paused = true)]
async fn stopped_tasks_of_a_tag_are_proof_as_any_others() {
    let function = tagged(DEMO).await;
    function.deliver(&task(0)).await.unwrap();
    function.aws.put_task(&task(0).stopped());
    function.aws.put_target(&function.group, &address(9), PORT);
    let report = function.scheduled().await.unwrap();
    assert_eq!(ids(&report, "deregistered"), [address(0)]);
    assert_eq!(ids(&report, "unowned"), [address(9)]);
}

#[tokio::test(start_paused = true)]
async fn without_any_tag_a_reconcile_has_nothing_to_do() {
    let aws = Aws::new();
    let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6"));
    let function = discovering(aws, &group, &[("BINDINGS", "")]).await;
    let report = function.scheduled().await.unwrap();
    let nothing = json!({
        "registered": [], "deregistered": [], "unowned": [], "skipped": [], "failed": [],
        "dryRun": false
    });
    assert_eq!((report, function.actions()), (nothing, vec![GetResources]));
}

/// A function that has registered a task in a group bound by `BINDINGS` and in a tagged one, and
/// missed its stop and the start of another.
async fn out_of_step() -> (Function, String) {
    let (function, tagged) = united(DEMO).await;
    function.deliver(&task(0)).await.unwrap();
    function.aws.put_task(&task(0).stopped());
    function.aws.put_task(&task(1));
    (function, tagged)
}

#[tokio::test(start_paused = true)]
async fn a_read_that_fails_removes_nothing_and_still_registers() {
    let (function, tagged) = out_of_step().await;
    function.aws.fault(Fault::on(GetResources).access_denied());
    let error = function.scheduled().await.unwrap_err().to_string();
    assert!(error.contains("GetResources: AccessDeniedException"), "{error}");
    for group in [&function.group, &tagged] {
        assert_eq!(function.registered_in(group), [target(0), target(1)]);
    }
    function.aws.clear_faults();
    function.scheduled().await.unwrap();
    assert_eq!(function.registered_in(&tagged), [target(1)]);
}

#[tokio::test(start_paused = true)]
async fn pages_that_break_off_remove_nothing() {
    let (function, tagged) = out_of_step().await;
    for n in 0..150 {
        function.aws.tag(&TargetGroup::ipv6(&format!("zz-{n}")).arn(), KEY, "oops");
    }
    function.aws.fault(Fault::on(GetResources).nth(2).access_denied());
    function.scheduled().await.unwrap_err();
    for group in [&function.group, &tagged] {
        assert_eq!(function.registered_in(group), [target(0), target(1)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_instance_does_what_it_could_read() {
    let (before, _) = out_of_step().await;
    let function = discovering(before.aws.clone(), &before.group, &[]).await;
    function.aws.fault(Fault::on(GetResources).access_denied());
    function.scheduled().await.unwrap_err();
    assert_eq!(function.registered(), [target(0), target(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_malformed_entry_spoils_its_group_alone() {
    let (function, tagged) = united(&format!("{DEMO} demo-cluster/web:0")).await;
    function.deliver(&task(0)).await.unwrap();
    function.aws.put_task(&task(0).stopped());
    function.aws.put_task(&task(1));
    let plan = function.invoke(json!({"action": "plan"})).await.unwrap();
    let failed = &plan["failed"][0];
    assert_eq!(failed["targetGroupArn"], tagged);
    let text = failed["error"].as_str().unwrap();
    assert!(text.contains(r#"BadTag: "demo-cluster/web:0" has no port"#), "{text}");
    let error = function.scheduled().await.unwrap_err().to_string();
    assert!(error.starts_with("1 failed: ") && error.contains(&tagged), "{error}");
    // The group itself keeps its targets and gets new ones; the other is in step.
    assert_eq!(function.registered_in(&tagged), [target(0), target(1)]);
    assert_eq!(function.registered(), [target(1)]);
    let metrics = function.metrics().join("\n");
    assert!(metrics.contains(r#""ErrorType":"BadTag""#), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn a_plan_says_where_each_binding_stands() {
    let (function, tagged) =
        united("demo-cluster/third demo-cluster/other family:demo-cluster/batch:9000").await;
    function.aws.put_task(&task(0));
    function.aws.put_task(&task(1).service("other"));
    function.aws.put_task(&task(2).family("batch"));
    function.aws.put_target(&tagged, &address(3), PORT);
    function.aws.put_task(&task(3).service("other").stopped());
    let plan = function.invoke(json!({"action": "plan"})).await.unwrap();
    let mut bindings: Vec<&str> = ["registered", "deregistered"]
        .into_iter()
        .flat_map(|list| plan[list].as_array().unwrap())
        .map(|entry| entry["binding"].as_str().unwrap())
        .collect();
    bindings.sort_unstable();
    let tag = |entry: &str| format!("tag {KEY}={entry}");
    let (other, family) = (tag("demo-cluster/other"), tag("family:demo-cluster/batch:9000"));
    assert_eq!(bindings, ["BINDINGS[0]", &other, &other, &family]);
    let report = function.reconcile().await.unwrap();
    assert_eq!(report["registered"][0].get("binding"), None);
    let alone = Function::new().await;
    alone.aws.put_task(&task(0));
    let plan = alone.invoke(json!({"action": "plan"})).await.unwrap();
    assert_eq!((ids(&plan, "registered").len(), plan["registered"][0].get("binding")), (1, None));
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_writes_nothing_by_tags_either() {
    let function = tagged_with(DEMO, &[("DRY_RUN", "true")]).await;
    function.aws.put_task(&task(0));
    let report = function.scheduled().await.unwrap();
    assert_eq!((ids(&report, "registered").len(), function.writes()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_both_bind_is_read_once_and_keeps_both_owners() {
    let (function, _) = united("demo-cluster/unused").await;
    function.aws.tag(&function.group, KEY, "demo-cluster/other:8080");
    function.aws.put_task(&task(0));
    function.aws.put_task(&task(1).service("other"));
    function.scheduled().await.unwrap();
    assert_eq!(function.registered(), [target(0), target(1)]);
    let writes = function.actions().into_iter().filter(|action| *action == RegisterTargets);
    assert_eq!(writes.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn doctor_checks_every_tag() {
    let (function, tagged) = united("demo-cluster/other oops").await;
    let answer = function.invoke(json!({"action": "doctor"})).await.unwrap();
    let check = &answer["checks"][0];
    assert_eq!(check["check"], "tag");
    assert_eq!((&check["status"], &answer["ok"]), (&json!("fail"), &json!(false)));
    assert!(check["fix"].as_str().unwrap().contains(&tagged));
    let of_tag = answer["checks"].as_array().unwrap().iter();
    let of_tag = of_tag.filter(|check| check["binding"].as_str().unwrap().contains("other"));
    assert!(of_tag.count() > 3, "its well-formed entries are examined as well: {answer}");
    function.aws.fault(Fault::on(GetResources).access_denied());
    let answer = function.invoke(json!({"action": "doctor"})).await.unwrap();
    let fix = answer["checks"][0]["fix"].as_str().unwrap();
    assert_eq!(fix, "allow tag:GetResources in the policy of the function's role");
}
