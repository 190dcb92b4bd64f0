//! The course of a run: everything happens, the faults cease, the messages drain, and the promises
//! are examined.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sim::{Aws, Rate, TargetGroup};
use ecs_ipv6_targets::core::drift::Prune;
use serde_json::json;

use crate::convergence::{After, converged, present};
use crate::coverage::Case;
use crate::delivery::{self, Message};
use crate::history::History;
use crate::invocation::{Ending, Kind, invoke};
use crate::neighbours;
use crate::network::Network;
use crate::operator::{edit_by_hand, reconcile_on_schedule, run_service};
use crate::promises::{self, Broken};
use crate::queue;
use crate::rare;
use crate::run::{BEGIN, Run};
use crate::scenario::{Delivery, Group, Scenario};
use crate::subject::{Blemish, Stage};
use crate::trials;
use harness::dice::Dice;
use harness::function::Instances;

/// A new target shows what its health checks say after two minutes (`aws-sim`'s
/// `registration_lag`).
const PAST_INITIAL: Duration = Duration::from_secs(121);

/// Everything up to the end, with whatever goes wrong.
pub async fn take(seed: u64, wanted: bool) -> Arc<Run> {
    let run = set_up(seed, wanted);
    pollers(&run);
    for service in 0..run.scenario.services.len() {
        tokio::task::spawn_local(run_service(run.clone(), service));
    }
    tokio::task::spawn_local(edit_by_hand(run.clone()));
    tokio::task::spawn_local(neighbours::crowd(run.clone()));
    tokio::task::spawn_local(neighbours::foreign(run.clone()));
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
    let mut scenario = Scenario::draw(&mut dice);
    rare::season(&mut scenario, &mut Dice::of(seed ^ rare::DICE));
    let aws = Aws::starting_at(SystemTime::UNIX_EPOCH + BEGIN);
    let group = |group: &crate::scenario::Group| {
        let settings = TargetGroup::ipv6(group.name).port(group.port).quota(group.quota);
        aws.add_target_group(match scenario.rare.zone_quota {
            Some(quota) => settings.zone_quota("2001:db8::/64", quota),
            None => settings,
        })
    };
    let arns: Vec<String> = scenario.groups.iter().map(group).collect();
    scenario.services.iter().for_each(|service| aws.add_cluster(service.cluster));
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
    history.note(Duration::ZERO, "seed", format!("{seed}: {scenario:?}"));
    let run = Run::new(aws, arns, scenario, function, dice, history);
    run.aws.set_hook(Arc::new(Network(Arc::downgrade(&run))));
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
    if run.scenario.rare.unhealthy > 0.0 {
        tokio::time::sleep(PAST_INITIAL).await;
    }
    let (full, bad) = obstacles(run);
    if run.scenario.rare.crowd.is_some() {
        reconcile_crowd(run).await;
    } else {
        for _ in 0..=usize::from(full) {
            reconcile(run, full || bad).await;
        }
    }
    run.examine(|state| converged(run, state, After::Reconcile));
    if !full && !bad {
        let writes = reconcile(run, false).await;
        if writes > 0 {
            let how = format!("{writes} writes, though nothing had changed");
            run.examine(|_| Err(Broken { promise: "a steady reconcile writes nothing", how }));
        }
    }
    trials::hold(run).await;
}

/// Whatever is good gets in by five reconciles, and by the first if its own service has no crowd of
/// bad targets.
async fn reconcile_crowd(run: &Arc<Run>) {
    for tried in 1..=promises::TRIES {
        reconcile(run, true).await;
        run.examine(|state| converged(run, state, After::Try));
        if missing(run) == 0 {
            if tried > 1 {
                run.cover(Case::TriedAgain);
            }
            return;
        }
        // The schedule's interval, in which the account's rates recover, too.
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let how = format!("{} good targets are missing after five reconciles", missing(run));
    run.examine(|_| Err(Broken { promise: "isolated", how }));
}

/// How many good targets of serving tasks are not registered.
fn missing(run: &Run) -> usize {
    let present = present(run);
    let state = run.state();
    let serving = state.subjects.iter().filter(|s| s.stage() == Stage::Serving && !s.bad_address);
    serving.flat_map(|subject| &subject.targets).filter(|target| !present.contains(target)).count()
}

/// Whether a group may be full, and whether a task serves that no group takes.
fn obstacles(run: &Run) -> (bool, bool) {
    let small = run.scenario.groups.iter().any(Group::is_small);
    let full = small || run.scenario.rare.zone_quota.is_some();
    let state = run.state();
    let bad = state.subjects.iter().any(|s| s.bad_address && s.stage() == Stage::Serving);
    (full, bad)
}

/// An undisturbed reconcile; how many writes it made.
pub async fn reconcile(run: &Arc<Run>, may_fail: bool) -> usize {
    run.note("operator", || "reconcile".to_owned());
    let (invocation, ending) =
        invoke(run, Kind::Reconcile, json!({"action": "reconcile"}), &[]).await;
    if !may_fail && !matches!(ending, Ending::Answer(_)) {
        let how = format!("an undisturbed reconcile ended with {ending:?}");
        run.examine(|_| Err(Broken { promise: "reconciled", how }));
    }
    invocation.tally.calls
}
