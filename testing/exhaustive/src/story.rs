//! A history in words.

use crate::bounds::Bounds;
use crate::function::Function;
use crate::message::{Event, Input, Message};
use crate::names::{STRANGER, Set, members};
use crate::wire::Call;
use crate::world::{Sent, Step, Way, World};

/// Each step in words.
pub fn tell(bounds: &Bounds, function: &mut Function, steps: &[Step]) -> Vec<String> {
    let mut world = World::first(bounds);
    let mut story = Vec::new();
    for step in steps {
        story.push(words(&world, function, *step));
        if let Ok(Some(after)) = world.after(bounds, function, *step) {
            world = after;
        }
    }
    story
}

fn words(world: &World, function: &Function, step: Step) -> String {
    let name = |invocation: usize| input(function.node(world.invocations[invocation]).input);
    match step {
        Step::Starts(place) => format!("t{place} starts"),
        Step::Runs(place, sent) => format!("t{place} runs{}", way(sent)),
        Step::Stops(place, sent) => format!("t{place} is asked to stop{}", way(sent)),
        Step::Forgets(place) => format!("an hour later ECS forgets t{place}"),
        Step::Deploys(sent) => format!("a deployment begins: t1 starts{}", way(sent)),
        Step::GetsHealthy(target) => format!("{} is healthy", targets(1 << target)),
        Step::MinutePasses => format!("minute {} of the deployment begins", world.minute + 1),
        Step::Edited(target) => {
            let what = if world.present & 1 << target == 0 { "registered" } else { "deregistered" };
            format!("{} is {what} by hand", targets(1 << target))
        }
        Step::GivenUp(event) => format!("\"{}\" goes to the dead-letter queue", self::event(event)),
        Step::Received { instance, batch } => {
            let remembers = if world.instances[instance] == 0 { "" } else { " that remembers" };
            let waits = if batch.settles_whole_group { ", whose writes have to wait" } else { "" };
            format!("an instance{remembers} receives {}{waits}", input(Input::Batch(batch, 0)))
        }
        Step::Ended { .. } => "an instance that remembers is ended".to_owned(),
        Step::TimePasses => "three minutes pass".to_owned(),
        Step::Reconcile => "a reconcile begins".to_owned(),
        Step::Answered { invocation, call, way } => {
            let (_, asked) = function.node(world.invocations[invocation]).waiting[call];
            let how = match way {
                Way::Truly => String::new(),
                Way::Stale(place) => format!(", and is shown t{place} as it was before"),
                Way::Failed => ", which fails".to_owned(),
                Way::Lost => ", whose answer is lost".to_owned(),
            };
            format!("{}: {}{how}", name(invocation), self::call(asked))
        }
        Step::Slow { invocation } => {
            format!("{}: more than a second passes without an answer", name(invocation))
        }
        Step::Killed { invocation } => format!("{} is killed", name(invocation)),
    }
}

fn way(sent: Sent) -> &'static str {
    match sent {
        Sent::Once => "",
        Sent::Lost => "; the event is lost",
        Sent::Twice => "; the event is sent twice",
    }
}

fn input(input: Input) -> String {
    match input {
        Input::Reconcile(_) => "the reconcile".to_owned(),
        Input::Batch(batch, _) => {
            let messages: Vec<String> = batch.messages.into_iter().flatten().map(message).collect();
            format!("[{}]", messages.join(", "))
        }
    }
}

fn message(Message { event, is_old }: Message) -> String {
    format!("{}{}", if is_old { "old: " } else { "" }, self::event(event))
}

fn event(event: Event) -> String {
    match event {
        Event::Runs(task) => format!("t{task} runs"),
        Event::Stops(task) => format!("t{task} stops"),
        Event::Deploys => "a deployment begins".to_owned(),
    }
}

fn call(call: Call) -> String {
    match call {
        Call::DescribeTasks(set) => format!("DescribeTasks of {}", tasks(set)),
        Call::ListTasks { stopped: false } => "ListTasks, the running ones".to_owned(),
        Call::ListTasks { stopped: true } => "ListTasks, the stopped ones".to_owned(),
        Call::DescribeTargetHealth => "DescribeTargetHealth".to_owned(),
        Call::RegisterTargets(set) => format!("RegisterTargets of {}", targets(set)),
        Call::DeregisterTargets(set) => format!("DeregisterTargets of {}", targets(set)),
        Call::DescribeServices => "DescribeServices".to_owned(),
        Call::GetTaskProtection(set) => format!("GetTaskProtection of {}", tasks(set)),
        Call::UpdateTaskProtection(set, Some(minutes)) => {
            format!("UpdateTaskProtection of {} for {minutes} minutes", tasks(set))
        }
        Call::UpdateTaskProtection(set, None) => {
            format!("UpdateTaskProtection of {}: cleared", tasks(set))
        }
    }
}

fn tasks(set: Set) -> String {
    let names: Vec<String> = members(set).map(|place| format!("t{place}")).collect();
    names.join(" and ")
}

fn targets(set: Set) -> String {
    let name = |target| match target {
        STRANGER => "the target that is nobody's".to_owned(),
        target => format!("target {target}"),
    };
    members(set).map(name).collect::<Vec<_>>().join(" and ")
}
