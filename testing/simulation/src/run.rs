//! A run from its set-up to the checks at its end: everything happens, the faults cease, the
//! messages drain, and the promises are examined.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sim::{Aws, Rate, TargetGroup};
use ecs_ipv6_targets::core::drift::Prune;
use ecs_ipv6_targets::flow::catch_up::Patience;
use harness::dice::Dice;
use harness::function::Instances;

use crate::convergence::After;
use crate::coverage::Case;
use crate::delivery;
use crate::draw;
use crate::fault_injector::FaultInjector;
use crate::group_owners::{self, change_role, change_tag};
use crate::history::History;
use crate::message::Message;
use crate::neighbours;
use crate::operator::{edit_by_hand, reconcile_on_schedule, run_service};
use crate::promises::{self, broken};
use crate::queue;
use crate::scenario::{Delivery, Group};
use crate::source_trials;
use crate::sources::By;
use crate::tracked_task::{Excuse, Phase};
use crate::trials;
use crate::undisturbed::{compare, reconcile};
use crate::world::{BEGIN, World};

/// A new target shows what its health checks say after two minutes (`aws-sim`'s
/// `registration_lag`).
const PAST_INITIAL: Duration = Duration::from_secs(121);

/// The kinds of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All bindings are in `BINDINGS`, and all target groups in one account.
    Plain,
    /// Bindings come from tags, or groups are in other accounts.
    Bindings,
    /// Likewise plain, but each batch that writes settles whole groups, as if its writes had to
    /// wait for the rates.
    WholeGroups,
}

/// Carries out the run of a seed and returns the world as it is at the end. The history is only
/// kept if it is `wanted`.
pub async fn carry_out(seed: u64, kind: Kind, wanted: bool) -> Arc<World> {
    let world = set_up(seed, kind, wanted);
    pollers(&world);
    for service in 0..world.scenario.services.len() {
        tokio::task::spawn_local(run_service(world.clone(), service));
    }
    tokio::task::spawn_local(edit_by_hand(world.clone()));
    tokio::task::spawn_local(neighbours::crowd(world.clone()));
    tokio::task::spawn_local(neighbours::foreign(world.clone()));
    for group in 0..world.scenario.groups.len() {
        match world.scenario.groups[group].by {
            By::Setting => {}
            By::Tag => drop(tokio::task::spawn_local(change_tag(world.clone(), group))),
            By::Role => drop(tokio::task::spawn_local(change_role(world.clone(), group))),
        }
    }
    tokio::task::spawn_local(reconcile_on_schedule(world.clone()));
    tokio::task::yield_now().await;
    world.moving.calm().await;
    let longer = world.state().dice.pick(&[0.0, 5.0, 60.0, 600.0]);
    tokio::time::sleep(world.draw_seconds(0.0, longer)).await;
    tokio::time::sleep(world.scenario.sources.idle).await;
    cease(&world).await;
    examine(&world).await;
    world
}

fn set_up(seed: u64, kind: Kind, wanted: bool) -> Arc<World> {
    let mut dice = Dice::of(seed);
    let mut scenario = draw::scenario(&mut dice, &mut draw::rare_dice(seed));
    if kind == Kind::Bindings {
        draw::sources(&mut scenario, &mut draw::source_dice(seed));
    }
    draw::lattice(&mut scenario, &mut draw::lattice_dice(seed));
    let aws = Aws::starting_at(SystemTime::UNIX_EPOCH + BEGIN);
    let group = |(place, group): (usize, &Group)| {
        let settings = TargetGroup::ipv6(group.name).port(group.port).quota(group.quota);
        let settings = settings.account(&group.by.account(place));
        let settings = if group.is_lattice { settings.lattice() } else { settings };
        aws.add_target_group(match scenario.rare.zone_quota {
            Some(quota) => settings.zone_quota("2001:db8::/64", quota),
            None => settings,
        })
    };
    let arns: Vec<String> = scenario.groups.iter().enumerate().map(group).collect();
    aws.lattice_refuses_whole_calls(scenario.lattice.refuses_whole_calls);
    aws.lattice_refuses_absent_targets(scenario.lattice.refuses_absent_targets);
    scenario.services.iter().for_each(|service| aws.add_cluster(service.cluster));
    if scenario.fault_rates.stale > 0.0 {
        aws.remember_tasks();
    }
    if scenario.fault_rates.busy {
        aws.limit_rates(Rate { at_once: 2, per_second: 1 }, Rate { at_once: 6, per_second: 2 });
    }
    let prune = match scenario.prune {
        Prune::Proven => "proven",
        Prune::All => "all",
        Prune::Never => "never",
    };
    let (bindings, tags) = (scenario.bindings(&arns), [("DISCOVER", "tags")]);
    let tags: &[_] = if scenario.is_tagged() { &tags } else { &[] };
    let is_empty = bindings.as_array().is_some_and(Vec::is_empty);
    let unset: &[_] = if is_empty { &[("BINDINGS", "")] } else { &[] };
    let settings = [&[("PRUNE", prune)], tags, unset].concat();
    let patience = if kind == Kind::WholeGroups { Patience::None } else { Patience::default() };
    let function = Instances::none(&bindings, &settings, &aws).with_patience(patience);
    let mut history = History::new(wanted);
    history.note(Duration::ZERO, "seed", format!("{seed}: {scenario:?}"));
    let world = World::new(aws, arns, scenario, function, dice, history);
    group_owners::begin(&world);
    world.aws.set_hook(Arc::new(FaultInjector(Arc::downgrade(&world))));
    let is_lattice = |kind: bool| world.scenario.groups.iter().any(|g| g.is_lattice == kind);
    if is_lattice(true) && is_lattice(false) {
        world.cover(Case::BothKinds);
    }
    world
}

fn pollers(world: &Arc<World>) {
    let Delivery::Queue(queue) = &world.scenario.delivery else { return };
    for _ in 0..queue.instances {
        let world = world.clone();
        tokio::task::spawn_local(async move {
            if let Delivery::Queue(queue) = &world.scenario.delivery {
                queue::poll(world.clone(), queue).await;
            }
        });
    }
}

/// From now on nothing goes wrong, and what is on its way arrives.
async fn cease(world: &Arc<World>) {
    world.note("simulation", || "the faults cease".to_owned());
    world.state().faults = false;
    // Changes that a fault has begun go on.
    world.moving.calm().await;
    world.aws.limit_rates(Rate::ELB_WRITES, Rate::ELB_CALLS);
    delivery::release(world, None);
    world.deliveries.calm().await;
    if world.scenario.fault_rates.redrive {
        redrive(world).await;
    }
}

/// An operator sends back the messages in the dead-letter queue.
async fn redrive(world: &Arc<World>) {
    let dead = std::mem::take(&mut world.state().dead);
    for message in dead {
        world.cover(Case::Redriven);
        world.note("operator", || format!("sends back {}", message.words(world.aws.now())));
        let place = message.sighting.place;
        let given_up = |excuse: &mut Excuse| *excuse == Excuse::GivenUp;
        world.state().observed.tasks[place].excuse.take_if(given_up);
        let going_on = Some(world.deliveries.begin());
        delivery::deliver(world, Message { received: 0, going_on, ..message }).await;
    }
    world.deliveries.calm().await;
}

/// The promises that are examined at the end.
async fn examine(world: &Arc<World>) {
    world.examine(|state| promises::nothing_lost(&state.observed, state.dead.len()));
    compare(world, After::Events);
    if world.scenario.rare.unhealthy > 0.0 {
        tokio::time::sleep(PAST_INITIAL).await;
    }
    if world.scenario.is_tagged() {
        // Until the index shows every tag as it was written.
        tokio::time::sleep(Duration::from_secs_f64(world.scenario.sources.lag)).await;
    }
    let (full, bad) = obstacles(world);
    let spoilt = has_malformed_tag(world);
    if world.scenario.rare.crowd.is_some() {
        reconcile_crowd(world).await;
    } else {
        for _ in 0..=usize::from(full) {
            reconcile(world, full || bad || spoilt).await;
        }
    }
    compare(world, After::Reconcile);
    if !full && !bad {
        let writes = reconcile(world, spoilt).await;
        if writes > 0 {
            let how = format!("{writes} writes, though nothing had changed");
            world.examine(|_| broken("a steady reconcile writes nothing", how));
        }
    }
    trials::hold(world).await;
    source_trials::hold(world).await;
}

/// Every good target is registered after five reconciles, and after the first unless its own
/// service has a crowd of bad targets.
async fn reconcile_crowd(world: &Arc<World>) {
    for tried in 1..=promises::TRIES {
        reconcile(world, true).await;
        compare(world, After::Try);
        if missing(world) == 0 {
            if tried > 1 {
                world.cover(Case::TriedAgain);
            }
            return;
        }
        // The schedule's interval, in which the account's rates recover as well.
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let how = format!("{} good targets are missing after five reconciles", missing(world));
    world.examine(|_| broken("isolated", how));
}

/// How many good targets of serving tasks are not registered.
fn missing(world: &World) -> usize {
    let present = world.registered();
    let state = world.state();
    let tasks = state.observed.tasks.iter();
    let serving = tasks.filter(|t| t.phase() == Phase::Serving && !t.bad_address);
    serving.flat_map(|task| &task.targets).filter(|target| !present.contains(target)).count()
}

/// Whether a tag has an entry that cannot be read.
fn has_malformed_tag(world: &World) -> bool {
    let now = world.aws.now();
    let state = world.state();
    state.observed.tags.values().any(|tags| tags.at(now).is_malformed)
}

/// Whether a group may be full, and whether there is a serving task that no group accepts.
fn obstacles(world: &World) -> (bool, bool) {
    let small = world.scenario.groups.iter().any(Group::is_small);
    let full = small || world.scenario.rare.zone_quota.is_some();
    let state = world.state();
    let bad = state.observed.tasks.iter().any(|t| t.bad_address && t.phase() == Phase::Serving);
    (full, bad)
}
