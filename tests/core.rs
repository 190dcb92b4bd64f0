//! Properties of the pure core: folding what is known of tasks, and planning from it.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ecs_ipv6_targets::binding::{Binding, Cluster, Owner, TargetGroupArn};
use ecs_ipv6_targets::knowledge::{Knowledge, Sighting};
use ecs_ipv6_targets::plan::{Plan, Ports, plan};
use ecs_ipv6_targets::task::{Phase, Task, TaskArn};
use proptest::prelude::*;

const CLUSTER: &str = "arn:aws:ecs:us-east-2:123456789012:cluster/demo-cluster";

fn group(name: &str) -> TargetGroupArn {
    let arn = format!(
        "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/{name}/6d0ecf831eec9f09"
    );
    TargetGroupArn::parse(&arn).unwrap()
}

/// Two services in one group, one of them also in a second group on that group's own port.
fn bindings() -> Vec<Binding> {
    let binding = |service: &str, name, port| Binding {
        cluster: Cluster::parse("demo-cluster").unwrap(),
        owner: Owner::Service(service.to_owned()),
        target_group: group(name),
        port,
    };
    vec![
        binding("a", "shared", Some(80)),
        binding("b", "shared", Some(80)),
        binding("b", "own", None),
    ]
}

fn ports() -> Ports {
    Ports::from([(group("own"), 53)])
}

/// What an event can say of one of a few tasks. A task keeps its service and its address for
/// life, though an event may not carry the address; two tasks can have the same address.
fn sighting() -> impl Strategy<Value = Sighting> {
    let phase = prop_oneof![Just(Phase::Starting), Just(Phase::Serving), Just(Phase::Leaving)];
    let at = prop::option::of(0..5_u64);
    (0..5_u16, 1..6_u64, phase, any::<bool>(), at).prop_map(|(n, version, phase, told, at)| {
        let address = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n / 2);
        Sighting {
            task: Task {
                arn: TaskArn::parse(&format!(
                    "arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/{n}"
                ))
                .unwrap(),
                cluster: CLUSTER.to_owned(),
                group: ["service:a", "service:b", "service:unbound"][usize::from(n % 3)].to_owned(),
                version,
                phase,
                address: told.then_some(address),
            },
            at: at.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds)),
        }
    })
}

fn sightings() -> impl Strategy<Value = Vec<Sighting>> {
    prop::collection::vec(sighting(), 0..12)
}

fn planned(sightings: impl IntoIterator<Item = Sighting>) -> Plan {
    plan(&bindings(), &ports(), &Knowledge::fold(sightings))
}

proptest! {
    #[test]
    fn any_order_and_repetition_of_events_gives_the_same_knowledge(
        (events, shuffled) in sightings().prop_flat_map(|events| {
            let twice: Vec<Sighting> = events.iter().chain(&events).cloned().collect();
            (Just(events), Just(twice).prop_shuffle())
        })
    ) {
        prop_assert_eq!(Knowledge::fold(events), Knowledge::fold(shuffled));
    }

    #[test]
    fn any_order_of_events_gives_the_same_plan(
        (events, shuffled) in sightings()
            .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle()))
    ) {
        prop_assert_eq!(planned(events), planned(shuffled));
    }

    #[test]
    fn no_event_revives_a_task_that_leaves(mut events in sightings(), late in sighting()) {
        let mut stop = late.clone();
        stop.task.phase = Phase::Leaving;
        events.extend([stop, late.clone()]);
        let knowledge = Knowledge::fold(events);
        prop_assert_eq!(knowledge.get(&late.task.arn).unwrap().task.phase, Phase::Leaving);
    }

    #[test]
    fn the_highest_version_decides_as_long_as_nothing_leaves(events in sightings()) {
        let staying = events.into_iter().filter(|event| event.task.phase != Phase::Leaving);
        let staying: Vec<Sighting> = staying.collect();
        for known in Knowledge::fold(staying.clone()).iter() {
            let same = staying.iter().filter(|event| event.task.arn == known.task.arn);
            let newest = same.clone().map(|event| event.task.version).max();
            prop_assert_eq!(Some(known.task.version), newest);
            let phase = same
                .filter(|event| Some(event.task.version) == newest)
                .map(|event| event.task.phase)
                .max();
            prop_assert_eq!(Some(known.task.phase), phase);
        }
    }

    #[test]
    fn a_target_that_serves_is_never_deregistered(events in sightings()) {
        let plan = planned(events);
        let serving: BTreeSet<_> = plan.register.iter().map(|change| &change.target).collect();
        prop_assert!(plan.deregister.iter().all(|change| !serving.contains(&change.target)));
    }

    #[test]
    fn every_bound_task_has_an_outcome(events in sightings()) {
        let mut knowledge = Knowledge::fold(events);
        knowledge.split_off_unbound(&bindings());
        let plan = plan(&bindings(), &ports(), &knowledge);
        let changed = plan.register.iter().chain(&plan.deregister).map(|change| &change.task);
        let told: BTreeSet<_> = changed.chain(plan.skipped.iter().map(|s| &s.task)).collect();
        prop_assert!(knowledge.iter().all(|known| told.contains(&known.task.arn)));
    }

    #[test]
    fn without_the_ports_of_groups_the_tasks_are_told_and_not_guessed(events in sightings()) {
        let with = planned(events.clone());
        let without = plan(&bindings(), &Ports::new(), &Knowledge::fold(events));
        let own = group("own");
        let in_own = |plan: &Plan| {
            let changes = plan.register.iter().chain(&plan.deregister);
            changes.filter(|change| change.target.group == own).count()
        };
        prop_assert_eq!(in_own(&without), 0);
        prop_assert!(without.portless.len() >= in_own(&with));
    }

    #[test]
    fn news_is_doubtful_only_if_it_matters_and_is_old_or_lacks_the_address(
        event in sighting(), age in 0..200_u64
    ) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let at = now - Duration::from_secs(age);
        let event = Sighting { at: Some(at), ..event };
        let (phase, address) = (event.task.phase, event.task.address);
        let arn = event.task.arn.clone();
        let knowledge = Knowledge::fold([event]);
        let doubtful = match phase {
            Phase::Starting => false,
            Phase::Serving => age > 60 || address.is_none(),
            Phase::Leaving => address.is_none(),
        };
        prop_assert_eq!(knowledge.get(&arn).unwrap().is_doubtful(now), doubtful);
    }
}
