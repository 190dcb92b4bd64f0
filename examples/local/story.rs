//! The life of two tasks, told by the samples in `events/` and checked at each step.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use aws_sim::Answer;

use crate::error::Error;
use crate::input::{Input, Sample, sample};
use crate::screen::{Look, Screen};
use crate::words;
use crate::world::{Delivery, PORT, Pace, World, binding_in_words, learn};

/// Short, so that the story takes seconds.
const PACE: Pace =
    Pace { health_check: Duration::from_millis(500), draining: Duration::from_millis(1500) };

/// The addresses in the samples of the two tasks.
const FIRST: &str = "2001:db8:1234:1a00:9691:9503:25ad:1761";
const SECOND: &str = "2001:db8:1234:1a00:47f2:8be1:6c0d:93aa";

/// The second task's ARN.
const SECOND_TASK: &str =
    "arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/8f1d7a4be0c94a5f9f5d6a3c2b1e0f97";

/// An address that no task has.
const BY_HAND: &str = "2001:db8:1234:1a00:b0b::1";

/// The message of the batch that carries no event of ECS.
const POISON: &str = "e5c7f8a1-6b2d-4c3e-9f10-8a7b6c5d4e3f";

struct Step {
    title: &'static str,
    why: &'static [&'static str],
    file: Sample,
    when: When,
    /// How long to wait before it.
    after: Duration,
    /// What happens meanwhile without an event.
    unseen: fn(&World),
    /// The addresses that are registered then.
    leaves: &'static [&'static str],
    /// The messages that the answer returns to the queue.
    returns: &'static [&'static str],
}

/// When the events of a step happened.
enum When {
    /// Now: ECS knows the task's state, and the event's time is the present.
    Now,
    /// Some minutes ago: ECS may know better.
    MinutesAgo(u64),
    /// When the file says: in 2023.
    AsWritten,
}

/// A step that happens at once and leaves the target group empty.
const PLAIN: Step = Step {
    title: "",
    why: &[],
    file: sample!("task-running.json"),
    when: When::Now,
    after: Duration::ZERO,
    unseen: |_| {},
    leaves: &[],
    returns: &[],
};

const STEPS: [Step; 10] = [
    Step {
        title: "A task is being started",
        why: &["It does not run yet: nothing to do, no call is made."],
        file: sample!("task-provisioning.json"),
        ..PLAIN
    },
    Step {
        title: "The task runs",
        why: &[
            "Its address is registered. Only then ECS is asked whether it still runs: it may have",
            "begun to stop meanwhile, and whoever handled that found nothing to deregister.",
        ],
        file: sample!("task-running.json"),
        leaves: &[FIRST],
        ..PLAIN
    },
    Step {
        title: "The same event comes again",
        why: &["ECS sends events at least once. A duplicate changes nothing."],
        file: sample!("task-running.json"),
        after: PACE.health_check,
        leaves: &[FIRST],
        ..PLAIN
    },
    Step {
        title: "A second task runs",
        why: &["Its neighbour is left alone."],
        file: sample!("task-running-second.json"),
        leaves: &[SECOND, FIRST],
        ..PLAIN
    },
    Step {
        title: "The first task begins to stop",
        why: &[
            "The first event with desiredStatus STOPPED, while the task still serves: its target",
            "drains, and new connections go to the second task.",
        ],
        file: sample!("task-deactivating.json"),
        after: PACE.health_check,
        leaves: &[SECOND],
        ..PLAIN
    },
    Step {
        title: "The first task has stopped",
        why: &["Had the event before been lost, this one would have been enough."],
        file: sample!("task-stopped.json"),
        leaves: &[SECOND],
        ..PLAIN
    },
    Step {
        title: "The first task's start, delivered five minutes late",
        why: &[
            "Its time is set to five minutes ago. A start that old is not believed: ECS is asked,",
            "and knows better. To deregister once more cleans up after a delivery that was cut short.",
        ],
        file: sample!("task-running.json"),
        when: When::MinutesAgo(5),
        after: PACE.draining,
        leaves: &[SECOND],
        ..PLAIN
    },
    Step {
        title: "An SQS batch: both starts, as old as the file says, and a poison message",
        why: &["Only the message that cannot be read goes back to the queue, and ends in its DLQ."],
        file: sample!("sqs-batch-with-poison.json"),
        when: When::AsWritten,
        leaves: &[SECOND],
        returns: &[POISON],
        ..PLAIN
    },
    Step {
        title: "Events are lost, and somebody has been at the target group",
        why: &[
            "The second task has crashed, and its event was lost. An address was registered by hand.",
            "A plan says what a reconcile would do, and writes nothing.",
        ],
        file: sample!("plan.json"),
        when: When::AsWritten,
        unseen: lose_a_stop,
        leaves: &[BY_HAND, SECOND],
        ..PLAIN
    },
    Step {
        title: "The schedule fires, as it does every minute: a reconcile",
        why: &[
            "What is proven to have been a stopped task's is removed. What is not is nobody's business",
            "here: it is left alone, and reported as unowned.",
        ],
        file: sample!("scheduled.json"),
        when: When::AsWritten,
        leaves: &[BY_HAND],
        ..PLAIN
    },
];

fn lose_a_stop(world: &World) {
    if let Some(second) = world.aws.task(SECOND_TASK) {
        world.aws.put_task(&second.stopped());
    }
    world.aws.put_target(&world.group, BY_HAND, PORT);
}

/// Plays the story and checks how each step ends.
pub async fn play(screen: &Screen, logs: bool) -> Result<(), Error> {
    let mut world = World::start(PACE, logs).await?;
    introduce(screen, &world)?;
    for (number, step) in (1..).zip(&STEPS) {
        tokio::time::sleep(step.after).await;
        (step.unseen)(&world);
        screen.heading(number, step.title)?;
        screen.aside(step.why)?;
        let input = step.input(&world)?;
        screen.field("file", std::slice::from_ref(&input.name))?;
        let delivery = world.deliver(&input).await;
        screen.delivery(&world.aws, &world.group, &input, &delivery)?;
        step.check(&world, &delivery)
            .map_err(|problem| Error::Failed(format!("step {number} went wrong: {problem}")))?;
    }
    conclude(screen)
}

impl Step {
    fn input(&self, world: &World) -> Result<Input, Error> {
        let input = Input::of_sample(self.file)?;
        match self.when {
            When::Now => {
                let input = input.at(SystemTime::now());
                match learn(&world.aws, &input).first() {
                    None => Ok(input),
                    Some(why) => Err(Error::Failed(format!("{}: {why}", input.name))),
                }
            }
            When::MinutesAgo(minutes) => {
                Ok(input.at(SystemTime::now() - Duration::from_secs(60 * minutes)))
            }
            When::AsWritten => Ok(input),
        }
    }

    fn check(&self, world: &World, delivery: &Delivery) -> Result<(), String> {
        let answer = match &delivery.answer {
            Answer::Success(answer) => answer,
            Answer::Error { error_type, .. } => {
                return Err(format!("expected an answer, got the error {error_type}"));
            }
        };
        let text = |text: &&str| (*text).to_owned();
        let returned = words::returned(answer).into_iter().map(str::to_owned);
        same("the returned messages", self.returns.iter().map(text).collect(), returned.collect())?;
        let registered = world.aws.registered(&world.group);
        let registered = registered.into_iter().map(|(id, port)| SocketAddr::new(id, port));
        let leaves = self.leaves.iter().map(|id| format!("[{id}]:{PORT}")).collect();
        same("the registered targets", leaves, registered.map(|at| at.to_string()).collect())
    }
}

fn same(what: &str, expected: Vec<String>, found: Vec<String>) -> Result<(), String> {
    match expected == found {
        true => Ok(()),
        false => Err(format!("{what} must be {expected:?}, but are {found:?}")),
    }
}

fn introduce(screen: &Screen, world: &World) -> Result<(), Error> {
    let (healthy, drained) = (PACE.health_check.as_secs_f32(), PACE.draining.as_secs_f32());
    let title = "The life of two ECS tasks, and what their IPv6 target group holds";
    let aws = format!("simulated, at {}; nothing leaves this machine", world.url());
    let times = [
        "The samples are of 2023: unless a step says otherwise, their times are set to now.".into(),
        format!(
            "Targets are healthy after {healthy} s, drained after {drained} s; on AWS: minutes."
        ),
    ];
    screen.line(screen.paint(Look::Bold, title))?;
    screen.line("")?;
    screen.field("function", &["the real one, in a process of its own".into()])?;
    screen.field("binding", &[binding_in_words()])?;
    screen.field("AWS", &[aws])?;
    screen.field("times", &times)?;
    Ok(())
}

fn conclude(screen: &Screen) -> Result<(), Error> {
    let shown = "\
As it must be: after duplicates, a late start, a poison message and a lost stop, no address
of a task that is gone is left, and what somebody registered by hand was not touched.";
    let next = "\
Next: `cargo run --example local -- --help` (the function's log, files of your own, a
simulated AWS for `cargo lambda watch`).";
    screen.line("")?;
    screen.line(screen.paint(Look::Green, shown))?;
    screen.line(next)?;
    Ok(())
}
