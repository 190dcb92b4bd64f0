//! What happens at random: a say in every call, shared rates, reads of ECS that lag behind.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sim::{Action, Aws, Call, Decision, Hook, Outcome, Rate, TargetGroup, Task, Verdict};
use tokio::time::{Instant, advance};

use crate::clients::{code, ecs, elb, target, world};

/// Decides the same for every call and notes what became of them.
#[derive(Default)]
struct Same {
    decision: Decision,
    settled: Mutex<Vec<(Action, Outcome)>>,
}

impl Hook for Same {
    fn decide(&self, _: &Call) -> Decision {
        self.decision
    }

    fn settled(&self, call: &Call, decision: &Decision) {
        assert_eq!(*decision, self.decision);
        self.settled.lock().unwrap().push((call.action, call.outcome.clone()));
    }
}

fn put_in_charge(aws: &Aws, decision: Decision) -> Arc<Same> {
    let hook = Arc::new(Same { decision, ..Same::default() });
    aws.set_hook(hook.clone());
    hook
}

async fn last_status(aws: &Aws, task: &Task) -> Option<String> {
    let call = ecs(aws).describe_tasks().cluster("demo-cluster").tasks(task.arn());
    let answer = call.send().await.unwrap();
    answer.tasks().first().and_then(|task| task.last_status().map(str::to_owned))
}

#[tokio::test(start_paused = true)]
async fn a_hook_decides_how_long_a_call_takes_and_learns_what_became_of_it() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    let second = Duration::from_secs(1);
    let decision = Decision { latency: second, answer_latency: second, ..Decision::default() };
    let hook = put_in_charge(&aws, decision);
    let begin = Instant::now();
    let call = client.register_targets().target_group_arn(&arn);
    call.targets(target("2001:db8::a", 80)).send().await.unwrap();
    assert_eq!(begin.elapsed(), 2 * second);
    assert_eq!(*hook.settled.lock().unwrap(), [(Action::RegisterTargets, Outcome::Ok)]);
}

#[tokio::test(start_paused = true)]
async fn a_hook_refuses_calls_or_loses_their_answers() {
    for (verdict, registered) in
        [(Verdict::Throttle, 0), (Verdict::Fail, 0), (Verdict::LoseAnswer, 1)]
    {
        let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
        put_in_charge(&aws, Decision { verdict, ..Decision::default() });
        let call = client.register_targets().target_group_arn(&arn);
        call.targets(target("2001:db8::a", 80)).send().await.unwrap_err();
        assert_eq!(aws.registered(&arn).len(), registered, "{verdict:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_read_shows_what_ecs_knew_at_that_moment() {
    let aws = Aws::new();
    aws.remember_tasks();
    let (early, task) = (aws.now(), Task::new("a").running());
    for state in [task.clone(), task.clone().stopped()] {
        advance(Duration::from_secs(10)).await;
        aws.put_task(&state);
    }
    advance(Duration::from_secs(10)).await;
    aws.forget_task(&task.arn());
    for (seconds, shown) in [(5, None), (15, Some("RUNNING")), (25, Some("STOPPED")), (30, None)] {
        let as_of = Some(early + Duration::from_secs(seconds));
        put_in_charge(&aws, Decision { as_of, ..Decision::default() });
        assert_eq!(last_status(&aws, &task).await.as_deref(), shown, "{seconds} s");
    }
    put_in_charge(&aws, Decision::default());
    assert_eq!(last_status(&aws, &task).await, None);
}

#[tokio::test(start_paused = true)]
async fn writes_share_a_bucket_that_fills_up_again() {
    let (aws, _, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    aws.limit_rates(Rate::ELB_WRITES, Rate::ELB_CALLS);
    let once = aws_sdk_elasticloadbalancingv2::config::retry::RetryConfig::disabled();
    let config = elb(&aws).config().to_builder().retry_config(once).build();
    let client = aws_sdk_elasticloadbalancingv2::Client::from_conf(config);
    let register = async || {
        let call = client.register_targets().target_group_arn(&arn);
        call.targets(target("2001:db8::a", 80)).send().await.map_err(code)
    };
    for _ in 0..20 {
        register().await.unwrap();
    }
    assert_eq!(register().await.unwrap_err().as_deref(), Some("ThrottlingException"));
    advance(Duration::from_millis(250)).await;
    register().await.unwrap();
    assert!(register().await.is_err());
}
