//! A target group of VPC Lattice: `--lattice`. The handler is the real one, in this process, and
//! the minutes in which targets become healthy or drain pass at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_sim::{Answer, Aws, TargetGroup, Task};
use ecs_ipv6_targets::handler::Handler;
use harness::{function, lambda};
use serde_json::{Value, json};
use tokio::time::advance;

use crate::error::Error;
use crate::screen::{Look, Screen};
use crate::words;

const FIRST: &str = "2001:db8:1234:1a00::1";
const SECOND: &str = "2001:db8:1234:1a00::2";
const ELSEWHERE: &str = "2001:db8:ffff::3";

struct Step {
    title: &'static str,
    why: &'static [&'static str],
    /// The tasks whose events are in a batch; none means a reconcile.
    tasks: fn() -> Vec<Task>,
    /// The addresses that are registered then.
    leaves: &'static [&'static str],
}

const STEPS: [Step; 4] = [
    Step {
        title: "Three tasks run, one of them with an address outside the group's VPC",
        why: &[
            "VPC Lattice says of each target by itself whether it took it. A load balancer would have",
            "refused the whole call, and the function would have had to search it.",
        ],
        tasks: || vec![first(), second(), task('3', ELSEWHERE)],
        leaves: &[FIRST, SECOND],
    },
    Step {
        title: "The first task begins to stop",
        why: &["Its target drains for a minute; no attribute of the group says how long."],
        tasks: || vec![first().stopping()],
        leaves: &[SECOND],
    },
    Step {
        title: "The same stop comes again",
        why: &[
            "Here VPC Lattice refuses to deregister what is not registered. (Which it does on AWS is",
            "not documented.) The function asks for the target, finds it draining, and is content.",
        ],
        tasks: || vec![first().stopping()],
        leaves: &[SECOND],
    },
    Step {
        title: "The schedule fires: a reconcile",
        why: &["All is in step, but for the task that VPC Lattice does not take."],
        tasks: Vec::new,
        leaves: &[SECOND],
    },
];

fn first() -> Task {
    task('1', FIRST)
}

fn second() -> Task {
    task('2', SECOND)
}

fn task(id: char, address: &str) -> Task {
    Task::new(&id.to_string().repeat(32)).address(address).running()
}

/// Plays the story and checks how each step ends.
pub async fn play(screen: &Screen) -> Result<(), Error> {
    tokio::time::pause();
    let aws = Aws::new();
    aws.lattice_refuses_absent_targets(true);
    let group = TargetGroup::ipv6("demo-lattice").vpc_cidr("2001:db8:1234::/48").lattice();
    let group = aws.add_target_group(group);
    let bindings = json!([{
        "cluster": "demo-cluster", "service": "demo-service", "targetGroupArn": group, "port": 8080,
    }]);
    let clock = aws.clone();
    let handler = function::handler(&bindings, &[], &aws, Arc::new(move || clock.now()));
    screen.line(screen.paint(Look::Bold, "Three ECS tasks and a target group of VPC Lattice"))?;
    screen.line("")?;
    screen.field("binding", &[format!("demo-service in demo-cluster → {group}, port 8080")])?;
    for (number, step) in (1..).zip(&STEPS) {
        screen.heading(number, step.title)?;
        screen.aside(step.why)?;
        let answer = invoke(&aws, &handler, &(step.tasks)()).await;
        screen.field("calls", &words::calls(screen, &aws, &aws.take_calls()))?;
        screen.field("answer", &words::answer(screen, &answer))?;
        screen.field("targets", &screen.table(&aws.targets(&group)))?;
        let registered = aws.registered(&group).into_iter();
        let registered = registered.map(|(id, port)| SocketAddr::new(id, port).to_string());
        let leaves = step.leaves.iter().map(|id| format!("[{id}]:8080"));
        if !registered.eq(leaves) {
            return Err(Error::Failed(format!("step {number} went wrong")));
        }
        advance(Duration::from_secs(20)).await;
    }
    screen.line("")?;
    let next = "docs/lattice.md says when such a group is worth while, which is seldom.";
    screen.line(next)?;
    Ok(())
}

/// Delivers a batch of the tasks' events, or has the function reconcile.
async fn invoke(aws: &Aws, handler: &Handler, tasks: &[Task]) -> Answer {
    tasks.iter().for_each(|task| aws.put_task(task));
    let input: Value = match tasks {
        [] => json!({"action": "reconcile"}),
        tasks => {
            let message = |task: &Task| (task.id().to_owned(), task.event(aws.now()).to_string());
            let messages: Vec<(String, String)> = tasks.iter().map(message).collect();
            aws_sim::events::sqs_batch(
                messages.iter().map(|(id, body)| (id.as_str(), body.clone())),
            )
        }
    };
    let context = lambda::context(aws.now() + Duration::from_secs(30));
    match handler.handle(lambda::event(&input, context)).await {
        Ok(answer) => Answer::Success(answer),
        Err(error) => Answer::Error {
            error_type: "TargetsFailed".to_owned(),
            error_message: error.to_string(),
        },
    }
}
