//! The course of a run: everything happens, the faults cease, the messages drain, and the promises
//! are examined.

use std::sync::Arc;
use std::time::SystemTime;

use ecs_ipv6_targets::core::drift::Prune;
use serde_json::json;
use sim::{Aws, Rate, TargetGroup};

use crate::convergence::{After, converged};
use crate::coverage::Case;
use crate::delivery::{self, Message};
use crate::dice::Dice;
use crate::function::Instances;
use crate::history::History;
use crate::invocation::{Ending, Kind, invoke};
use crate::network::Network;
use crate::operator::{edit_by_hand, reconcile_on_schedule, run_service};
use crate::promises::{self, Broken};
use crate::queue;
use crate::run::{BEGIN, Run};
use crate::scenario::{Delivery, Scenario};
use crate::subject::{Blemish, Stage};

/// Everything up to the end, with whatever goes wrong.
pub async fn take(seed: u64, wanted: bool) -> Arc<Run> {
    let run = set_up(seed, wanted);
    pollers(&run);
    for service in 0..run.scenario.services.len() {
        tokio::task::spawn_local(run_service(run.clone(), service));
    }
    tokio::task::spawn_local(edit_by_hand(run.clone()));
    tokio::task::spawn_local(reconcile_on_schedule(run.clone()));
    tokio::task::yield_now().await;
    run.moving.calm().await;
    let longer = run.state().dice.pick(&[0.0, 5.0, 60.0, 600.0]);
    tokio::time::sleep(run.draw_seconds(0.0, longer)).await;
    cease(&run).await;
    examine(&run).await;
    run
}

fn set_up(seed: u64, wanted: bool) -> Arc<Run> {
    let mut dice = Dice::of(seed);
    let scenario = Scenario::draw(&mut dice);
    let aws = Aws::starting_at(SystemTime::UNIX_EPOCH + BEGIN);
    let group = |group: &crate::scenario::Group| {
        let settings = TargetGroup::ipv6(group.name).port(group.port).quota(group.quota);
        aws.add_target_group(settings)
    };
    let arns: Vec<String> = scenario.groups.iter().map(group).collect();
    if scenario.trouble.stale > 0.0 {
        aws.remember_tasks();
    }
    if scenario.trouble.busy {
        aws.limit_rates(Rate { at_once: 2, per_second: 1 }, Rate { at_once: 6, per_second: 2 });
    }
    let prune = match scenario.prune {
        Prune::Proven => "proven",
        Prune::All => "all",
        Prune::Never => "never",
    };
    let (bindings, settings) = (scenario.bindings(&arns), [("PRUNE", prune)]);
    let function = Instances::none(&bindings, &settings, &aws);
    let mut history = History::new(wanted);
    history.note(std::time::Duration::ZERO, "seed", format!("{seed}: {scenario:?}"));
    let run = Run::new(aws, arns, scenario, function, dice, history);
    run.aws.set_fate(Arc::new(Network(Arc::downgrade(&run))));
    run
}

fn pollers(run: &Arc<Run>) {
    let Delivery::Queue(queue) = &run.scenario.delivery else { return };
    for _ in 0..queue.instances {
        let run = run.clone();
        tokio::task::spawn_local(async move {
            if let Delivery::Queue(queue) = &run.scenario.delivery {
                queue::poll(run.clone(), queue).await;
            }
        });
    }
}

/// Nothing goes wrong any more; what is on its way arrives.
async fn cease(run: &Arc<Run>) {
    run.note("simulation", || "the faults cease".to_owned());
    run.state().faults = false;
    // What a fault has begun goes on.
    run.moving.calm().await;
    run.aws.limit_rates(Rate::ELB_WRITES, Rate::ELB_CALLS);
    delivery::release(run, None);
    run.deliveries.calm().await;
    if run.scenario.trouble.redrive {
        redrive(run).await;
    }
}

/// An operator sends back what was put away.
async fn redrive(run: &Arc<Run>) {
    let dead = std::mem::take(&mut run.state().dead);
    for message in dead {
        run.cover(Case::Redriven);
        run.note("operator", || format!("sends back {}", delivery::told(run, &message)));
        let subject = message.sighting.subject;
        run.state().subjects[subject].blemish.take_if(|blemish| *blemish == Blemish::GivenUp);
        let message = Message { received: 0, going_on: Some(run.deliveries.begin()), ..message };
        match run.scenario.delivery {
            Delivery::Queue(_) => queue::put(run, message),
            Delivery::Direct => delivery::deliver(run, message).await,
        }
    }
    run.deliveries.calm().await;
}

/// The promises that are examined at the end.
async fn examine(run: &Arc<Run>) {
    run.examine(|state| promises::nothing_lost(state));
    run.examine(|state| converged(run, state, After::Events));
    let (full, bad) = obstacles(run);
    for _ in 0..=usize::from(full) {
        reconcile(run, full || bad).await;
    }
    run.examine(|state| converged(run, state, After::Reconcile));
    if !full && !bad {
        let writes = reconcile(run, false).await;
        if writes > 0 {
            let how = format!("{writes} writes, though nothing had changed");
            run.examine(|_| Err(Broken { promise: "a steady reconcile writes nothing", how }));
        }
    }
}

/// Whether a group may be full, and whether a task serves that no group takes.
fn obstacles(run: &Run) -> (bool, bool) {
    let full = run.scenario.groups.iter().any(|group| group.quota < 1000);
    let state = run.state();
    let bad = state.subjects.iter().any(|s| s.bad_address && s.stage() == Stage::Serving);
    (full, bad)
}

/// An undisturbed reconcile; how many writes it made.
async fn reconcile(run: &Arc<Run>, may_fail: bool) -> usize {
    run.note("operator", || "reconcile".to_owned());
    let (invocation, ending) =
        invoke(run, Kind::Reconcile, json!({"action": "reconcile"}), &[]).await;
    if !may_fail && !matches!(ending, Ending::Answer(_)) {
        let how = format!("an undisturbed reconcile ended with {ending:?}");
        run.examine(|_| Err(Broken { promise: "reconciled", how }));
    }
    invocation.tally.calls
}
