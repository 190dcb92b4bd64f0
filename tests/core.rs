//! Properties of the pure core: folding what is known of tasks, and planning from it.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ecs_ipv6_targets::core::binding::{Binding, Cluster, Owner, Source, TargetGroupArn};
use ecs_ipv6_targets::core::drift::{Findings, Prune, drift};
use ecs_ipv6_targets::core::knowledge::{Knowledge, Sighting};
use ecs_ipv6_targets::core::plan::{Plan, Ports, plan, targets_of};
use ecs_ipv6_targets::core::target::Target;
use ecs_ipv6_targets::core::task::{Phase, Task, TaskArn};
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
        cluster: Cluster::parse("demo-cluster", &group(name)).unwrap(),
        owner: Owner::Service(service.to_owned()),
        target_group: group(name),
        port,
        hold: true,
        source: Source::Entry(0),
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
    (0..5_u16, 1..6_u64, phase, any::<bool>(), at).prop_map(
        |(n, version, phase, has_address, at)| {
            let address = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n / 2);
            Sighting {
                task: Task {
                    arn: TaskArn::parse(&format!(
                        "arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/{n}"
                    ))
                    .unwrap(),
                    cluster: CLUSTER.to_owned(),
                    group: ["service:a", "service:b", "service:unbound"][usize::from(n % 3)]
                        .to_owned(),
                    version,
                    phase,
                    address: has_address.then_some(address),
                    origin: None,
                },
                at: at.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds)),
                changed: None,
            }
        },
    )
}

fn sightings() -> impl Strategy<Value = Vec<Sighting>> {
    prop::collection::vec(sighting(), 0..12)
}

fn planned(sightings: impl IntoIterator<Item = Sighting>) -> Plan {
    plan(&bindings(), &ports(), &Knowledge::fold(sightings))
}

/// What a reconcile can find: any tasks, any targets that tasks or others could have left.
fn findings() -> impl Strategy<Value = Findings> {
    let groups = prop_oneof![Just("shared"), Just("own")];
    let target = (groups, 0..4_u16, prop_oneof![Just(80), Just(53), Just(99)]);
    let targets = prop::collection::vec(target, 0..8);
    (sightings(), targets, any::<bool>()).prop_map(|(events, targets, incomplete)| {
        let mut findings = Findings {
            present: [("shared"), ("own")].map(|name| (group(name), BTreeSet::new())).into(),
            knowledge: Knowledge::of(events.into_iter().map(|event| event.task)),
            incomplete: incomplete.then(|| group("shared")).into_iter().collect(),
        };
        for (name, n, port) in targets {
            let (group, id) = (group(name), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n));
            let target = Target { group: group.clone(), id, port };
            findings.present.entry(group).or_default().insert(target);
        }
        findings
    })
}

/// The targets of the tasks in this phase.
fn targets_in(phase: Phase, knowledge: &Knowledge) -> BTreeSet<Target> {
    let tasks = knowledge.iter().filter(|known| known.task.phase == phase);
    tasks.flat_map(|known| targets_of(&bindings(), &ports(), known)).collect()
}

fn drifted(findings: &Findings, prune: Prune) -> Plan {
    drift(&bindings(), &ports(), findings, prune)
}

/// The targets once a plan is carried out.
fn after(findings: &Findings, plan: &Plan) -> BTreeSet<Target> {
    let mut targets: BTreeSet<Target> = findings.present.values().flatten().cloned().collect();
    targets.extend(plan.register.iter().map(|change| change.target.clone()));
    for change in &plan.deregister {
        targets.remove(&change.target);
    }
    targets
}

proptest! {
    #[test]
    fn a_reconcile_never_removes_what_serves_or_is_about_to(findings in findings()) {
        let staying: BTreeSet<Target> = [Phase::Serving, Phase::Starting]
            .into_iter()
            .flat_map(|phase| targets_in(phase, &findings.knowledge))
            .collect();
        for prune in [Prune::Proven, Prune::All, Prune::Never] {
            let plan = drifted(&findings, prune);
            prop_assert!(plan.deregister.iter().all(|change| !staying.contains(&change.target)));
        }
    }

    #[test]
    fn a_reconcile_removes_only_what_its_policy_allows(findings in findings()) {
        let left = targets_in(Phase::Leaving, &findings.knowledge);
        prop_assert_eq!(drifted(&findings, Prune::Never).deregister, vec![]);
        let proven = drifted(&findings, Prune::Proven);
        prop_assert!(proven.deregister.iter().all(|change| left.contains(&change.target)));
        for prune in [Prune::Proven, Prune::All] {
            let removed = drifted(&findings, prune).deregister.into_iter().map(|c| c.target.group);
            prop_assert!(removed.into_iter().all(|group| !findings.incomplete.contains(&group)));
        }
    }

    #[test]
    fn after_a_reconcile_groups_hold_all_that_serves_and_nothing_that_left(
        findings in findings()
    ) {
        let findings = Findings { incomplete: BTreeSet::new(), ..findings };
        let serving = targets_in(Phase::Serving, &findings.knowledge);
        let starting = targets_in(Phase::Starting, &findings.knowledge);
        let left = targets_in(Phase::Leaving, &findings.knowledge);
        for prune in [Prune::Proven, Prune::All] {
            let plan = drifted(&findings, prune);
            let after = after(&findings, &plan);
            prop_assert!(serving.is_subset(&after));
            let stale = left.intersection(&after).find(|target| {
                !serving.contains(*target) && !starting.contains(*target)
            });
            prop_assert_eq!(stale, None);
            let awaits_its_address = findings
                .knowledge
                .iter()
                .any(|known| known.task.phase == Phase::Starting && known.task.address.is_none());
            if prune == Prune::All && !awaits_its_address {
                let explained: BTreeSet<Target> = serving.union(&starting).cloned().collect();
                prop_assert!(after.is_subset(&explained));
            }
        }
    }

    #[test]
    fn a_second_reconcile_finds_nothing_to_do(findings in findings()) {
        for prune in [Prune::Proven, Prune::All, Prune::Never] {
            let first = drifted(&findings, prune);
            let mut settled = findings.clone();
            settled.present.values_mut().for_each(BTreeSet::clear);
            for target in after(&findings, &first) {
                settled.present.entry(target.group.clone()).or_default().insert(target);
            }
            let second = drifted(&settled, prune);
            prop_assert_eq!((second.register, second.deregister), (vec![], vec![]));
            prop_assert_eq!(second.unowned, first.unowned);
        }
    }

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
        let changes = plan.register.iter().chain(&plan.deregister);
        let changed = changes.filter_map(|change| change.task.as_ref());
        let skipped = plan.skipped.iter().filter_map(|skipped| skipped.task.as_ref());
        let reported: BTreeSet<_> = changed.chain(skipped).collect();
        prop_assert!(knowledge.iter().all(|known| reported.contains(&known.task.arn)));
    }

    #[test]
    fn without_the_ports_of_groups_tasks_are_reported_and_not_guessed(events in sightings()) {
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
