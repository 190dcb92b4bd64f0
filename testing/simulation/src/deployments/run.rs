//! A run from its set-up to the checks at its end.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sim::{
    Aws, DeploymentConfiguration, LifecycleHook, LoadBalancer, Service as Run, Stage as Lifecycle,
    TargetGroup, Task,
};
use harness::dice::Dice;
use harness::function::Instances;
use serde_json::{Value, json};

use crate::deployments::delivery;
use crate::deployments::ending::{self, EndState};
use crate::deployments::injector::Injector;
use crate::deployments::operator;
use crate::deployments::queue;
use crate::deployments::setting::{Kind, Service, Setting, Starting, Strategy};
use crate::deployments::situation::Situation;
use crate::deployments::stage::{BEGIN, PORT, Place, Stage};
use crate::deployments::watch::watch;
use crate::draw::{IN_LATTICE, lattice_dice, source_dice};
use crate::group_owners::KEY;
use crate::history::History;

/// The part of the runs in which services are bound by tags.
const BY_TAGS: f64 = 0.2;

/// Carries out a run of this setting; the answer is the world as it is at the end, and what does
/// not depend on holds, if the run came to rest.
pub async fn carry_out(
    seed: u64,
    setting: Setting,
    dice: Dice,
    wanted: bool,
) -> (Arc<Stage>, Option<EndState>) {
    let stage = set_up(seed, setting, dice, wanted);
    stage.note_primaries();
    if let Some(queue) = stage.setting.queue {
        (0..queue.instances).for_each(|_| {
            tokio::task::spawn_local(queue::poll(stage.clone(), queue));
        });
    }
    tokio::task::spawn_local(watch(stage.clone()));
    tokio::task::spawn_local(delivery::reconcile_on_schedule(stage.clone()));
    for service in 0..stage.services.len() {
        tokio::task::spawn_local(operator::make_changes(stage.clone(), service));
    }
    tokio::task::yield_now().await;
    stage.script.calm().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    ending::wait(&stage).await;
    ending::examine_end(&stage);
    if !stage.is_alive() || stage.setting.dry_run {
        return (stage, None);
    }
    ending::put_right(&stage).await;
    ending::examine_rest(&stage);
    let state = ending::state(&stage);
    (stage, Some(state))
}

fn set_up(seed: u64, setting: Setting, dice: Dice, wanted: bool) -> Arc<Stage> {
    let aws = Aws::starting_at(SystemTime::UNIX_EPOCH + BEGIN);
    aws.add_cluster("demo-cluster");
    if setting.faults.stale > 0.0 {
        aws.remember_tasks();
    }
    let services = setting.services.iter().enumerate();
    let places: Vec<Place> = services
        .map(|(index, service)| run(&aws, &setting, service, seed + index as u64))
        .collect();
    aws.draw_registration_lags(seed, Duration::from_secs(90), Duration::from_secs(180));
    if setting.unused {
        let firsts = places.iter().filter_map(|place| place.groups.first());
        let balancer = LoadBalancer::network("nlb").dualstack();
        let balancer = firsts
            .zip(80..)
            .fold(balancer, |balancer, (group, port)| balancer.listener("TCP", port, group));
        aws.add_load_balancer(balancer);
    }
    let is_tagged = source_dice(seed).chance(BY_TAGS);
    let (tagged, others): (Vec<Bound>, Vec<Bound>) =
        bound(&setting, &places).into_iter().partition(|bound| is_tagged && bound.hold);
    tagged.iter().for_each(|bound| aws.tag(bound.group, KEY, &bound.tag()));
    let mut bindings: Vec<Value> = others.iter().map(Bound::entry).collect();
    if setting.family || (bindings.is_empty() && tagged.is_empty()) {
        bindings.push(family(&aws));
    }
    let minutes = setting.hold_minutes.to_string();
    let dry_run = setting.dry_run.to_string();
    let mut settings = vec![("HOLD_MINUTES", minutes.as_str()), ("DRY_RUN", dry_run.as_str())];
    if !tagged.is_empty() {
        settings.push(("DISCOVER", "tags"));
    }
    if bindings.is_empty() {
        settings.push(("BINDINGS", ""));
    }
    let function = Instances::none(&Value::Array(bindings), &settings, &aws);
    let is_tagged = !tagged.is_empty();
    let mut history = History::new(wanted);
    history.note(Duration::ZERO, "seed", format!("{seed}: {setting:#?}"));
    let stage = Stage::new(aws, function, setting, places, dice, history);
    stage.aws.set_hook(Arc::new(Injector(Arc::downgrade(&stage))));
    if is_tagged {
        stage.cover(Situation::BoundByTags);
    }
    stage
}

/// Runs a service whose targets are all registered and healthy.
fn run(aws: &Aws, setting: &Setting, service: &Service, seed: u64) -> Place {
    let name = service.name;
    let mut lattice = lattice_dice(seed);
    let may_be_lattice = lattice.chance(IN_LATTICE);
    let group = |index: usize| {
        let group = TargetGroup::ipv6(&format!("{name}-{index}")).port(PORT);
        let is_lattice = may_be_lattice && lattice.chance(0.7);
        let group = if is_lattice { group.lattice() } else { group };
        let is_unused = setting.unused && index > 0;
        let group = if is_unused { group.without_service() } else { group };
        let group = group.registration_lag(Duration::ZERO);
        aws.add_target_group(group.deregistration_delay(Duration::from_secs(60)))
    };
    let groups: Vec<String> = (0..service.bindings.len()).map(group).collect();
    let (scheduling, controller) = match service.kind {
        Kind::Replica => ("REPLICA", "ECS"),
        Kind::Daemon => ("DAEMON", "ECS"),
        Kind::External => ("REPLICA", "EXTERNAL"),
    };
    let mut made = Run::new(name)
        .desired_count(service.desired)
        .zones(service.zones)
        .scheduling(scheduling)
        .controller(controller)
        .deployment(configuration(service))
        .starts(operator::starts(service, Starting::Well));
    if service.native {
        let native = TargetGroup::ipv4(&format!("{name}-ipv4"));
        let native =
            native.registration_lag(Duration::ZERO).deregistration_delay(Duration::from_secs(60));
        made = made.attached_to(&aws.add_target_group(native));
    }
    let arn = aws.run_service(made, seed);
    for deployment in aws.deployments(&arn) {
        for address in aws.tasks_of(&arn, &deployment.id).iter().filter_map(Task::ipv6) {
            groups.iter().for_each(|group| aws.put_target(group, &address.to_string(), PORT));
        }
    }
    Place { arn, groups }
}

fn configuration(service: &Service) -> DeploymentConfiguration {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let configuration = match service.strategy {
        Strategy::Rolling { least, most } => DeploymentConfiguration::rolling(least, most),
        Strategy::BlueGreen { gate, bake_minutes } => {
            let blue_green = DeploymentConfiguration::blue_green(minutes(bake_minutes));
            match gate {
                None => blue_green,
                Some((timeout, continues)) => {
                    let hook = LifecycleHook::at(Lifecycle::PostScaleUp).timeout(minutes(timeout));
                    let hook = if continues { hook.continues_at_timeout() } else { hook };
                    blue_green.lifecycle_hook(hook)
                }
            }
        }
    };
    match service.breaker {
        Some(rollback) => configuration.circuit_breaker(rollback),
        None => configuration,
    }
}

/// A service that is bound to a group.
struct Bound<'a> {
    service: &'static str,
    group: &'a str,
    hold: bool,
}

fn bound<'a>(setting: &Setting, places: &'a [Place]) -> Vec<Bound<'a>> {
    let of_service = |(service, place): (&Service, &'a Place)| {
        let (name, groups) = (service.name, service.bindings.iter().zip(&place.groups));
        let bound = groups.map(|(hold, group)| Bound { service: name, group, hold: *hold });
        bound.collect::<Vec<_>>()
    };
    setting.services.iter().zip(places).flat_map(of_service).collect()
}

impl Bound<'_> {
    /// The entry of `BINDINGS` that says so.
    fn entry(&self) -> Value {
        let Self { service, group, hold } = self;
        json!({
            "cluster": "demo-cluster", "service": service,
            "targetGroupArn": group, "port": PORT, "hold": hold,
        })
    }

    /// The tag of the group that says so. It cannot say that the binding takes no part in holds.
    fn tag(&self) -> String {
        format!("demo-cluster/{}:{PORT}", self.service)
    }
}

/// Two standalone tasks that were started by different callers, and their binding.
fn family(aws: &Aws) -> Value {
    let group = aws.add_target_group(TargetGroup::ipv6("batch").port(PORT));
    for number in 1..=2 {
        let task = Task::new(&format!("batch{number}")).family("batch").running();
        aws.put_task(&task.started_by(&format!("caller-{number}")));
    }
    json!({"cluster": "demo-cluster", "family": "batch", "targetGroupArn": group, "port": PORT})
}
