//! A deployment, without a hold and with one: `--deployment`. The handler is the real one, in this
//! process, and the minutes of ECS's scheduler and of the load balancer pass within a second.

use std::sync::Arc;
use std::time::Duration;

use aws_sim::{Aws, DeploymentConfiguration, Sent, Service, Starts, TargetGroup};
use ecs_ipv6_targets::handler::Handler;
use harness::{function, lambda};
use serde_json::{Value, json};
use tokio::time::advance;

use crate::error::Error;
use crate::screen::{Look, Screen};

/// How many tasks the service has.
const DESIRED: usize = 4;

const SECOND: Duration = Duration::from_secs(1);

/// A deployment takes no longer, in seconds.
const LONGEST: u64 = 1_200;

/// One seed for both deployments: their tasks start and stop alike.
const SEED: u64 = 7;

/// What happened in a second of a deployment.
struct Moment {
    second: u64,
    /// Healthy IPv6 targets of tasks that answer.
    serving: usize,
    notes: Vec<String>,
}

/// A deployment that has come to its end.
struct Deployment {
    moments: Vec<Moment>,
    /// How long the deployment took, as ECS sees it.
    seconds: u64,
    /// For how many seconds the targets were watched: until all serve.
    watched: u64,
}

/// Plays both deployments, and fails if the hold does not keep its promise.
pub async fn play(screen: &Screen) -> Result<(), Error> {
    tokio::time::pause();
    screen.line(screen.paint(
        Look::Bold,
        format!("A deployment replaces {DESIRED} tasks behind a Network Load Balancer"),
    ))?;
    screen.aside(&[
        "ECS stops old tasks as soon as new ones run. The load balancer sends a new target clients",
        "once it is healthy, one to three minutes later. Each █ is a target that serves IPv6 clients.",
    ])?;
    let without = deploy("0").await?;
    show(screen, 1, "As ECS does it", &without)?;
    let with = deploy("15").await?;
    show(screen, 2, "With HOLD_MINUTES=15", &with)?;
    screen.line("")?;
    let longer = with.seconds.saturating_sub(without.seconds);
    screen.line(format!("The hold made the deployment {} longer.", clock(longer)))?;
    match with.missing() {
        0 => Ok(()),
        missing => Err(Error::Failed(format!("{missing} target-seconds missing with a hold"))),
    }
}

impl Deployment {
    /// The seconds in which targets were missing, each as often as there were.
    fn missing(&self) -> u64 {
        self.each_second().map(|serving| DESIRED.saturating_sub(serving) as u64).sum()
    }

    fn each_second(&self) -> impl Iterator<Item = usize> {
        let ends = self.moments.iter().skip(1).map(|moment| moment.second);
        let ends = ends.chain([self.watched]);
        let spans = self.moments.iter().zip(ends);
        spans.flat_map(|(moment, end)| (moment.second..end).map(|_| moment.serving))
    }
}

fn show(screen: &Screen, number: usize, title: &str, deployment: &Deployment) -> Result<(), Error> {
    screen.heading(number, title)?;
    for Moment { second, serving, notes } in &deployment.moments {
        let (shown, lacking) = ((*serving).min(2 * DESIRED), DESIRED.saturating_sub(*serving));
        let look = if lacking == 0 { Look::Green } else { Look::Red };
        let bar = format!("{}{}", "█".repeat(shown), "·".repeat(lacking));
        let bar = screen.paint(look, format!("{bar:<width$}", width = 2 * DESIRED));
        let notes = notes.join("; ");
        screen
            .line(format!("   {}  {bar}  {serving} serve   {notes}", clock(*second)).trim_end())?;
    }
    let gap = deployment.each_second().filter(|serving| *serving < DESIRED).count() as u64;
    let none = deployment.each_second().filter(|serving| *serving == 0).count() as u64;
    let (look, verdict) = match gap {
        0 => (Look::Green, format!("never fewer than {DESIRED} targets served")),
        gap => (
            Look::Red,
            format!("fewer than {DESIRED} served for {}, none for {}", clock(gap), clock(none)),
        ),
    };
    screen.line(screen.paint(look, format!("   {verdict}")))?;
    Ok(())
}

/// `2:05`: minutes and seconds.
fn clock(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// A function, and the service that it serves.
struct Play {
    aws: Aws,
    handler: Handler,
    group: String,
    service: String,
}

async fn deploy(hold_minutes: &str) -> Result<Deployment, Error> {
    let play = Play::begin(hold_minutes).await?;
    play.aws.deploy(&play.service);
    let (mut moments, mut second) = (Vec::<Moment>::new(), 0);
    let mut seconds = None;
    // Longer than that no target takes to become healthy.
    while second < LONGEST && (seconds.is_none() || play.aws.serving(&play.group) < DESIRED) {
        let mut notes = play.deliver().await?;
        if second % 60 == 45 {
            notes.extend(play.invoke(&scheduled()).await?);
        }
        if seconds.is_none() && !play.aws.is_deploying(&play.service) {
            seconds = Some(second);
            notes.push("the deployment is complete".to_owned());
        }
        let serving = play.aws.serving(&play.group);
        let is_new = moments.last().is_none_or(|last| last.serving != serving);
        if is_new || !notes.is_empty() {
            moments.push(Moment { second, serving, notes });
        }
        advance(SECOND).await;
        second += 1;
    }
    let serving = play.aws.serving(&play.group);
    if moments.last().is_some_and(|last| last.serving != serving) {
        moments.push(Moment { second, serving, notes: Vec::new() });
    }
    let seconds = seconds.ok_or_else(|| Error::Failed("the deployment does not end".to_owned()))?;
    Ok(Deployment { moments, seconds, watched: second })
}

impl Play {
    /// A service in a steady state, with its targets registered and healthy.
    async fn begin(hold_minutes: &str) -> Result<Self, Error> {
        let aws = Aws::new();
        aws.draw_registration_lags(SEED, 90 * SECOND, 180 * SECOND);
        let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(8080));
        let bindings = json!([{
            "cluster": "demo-cluster", "service": "demo-service", "targetGroupArn": group,
        }]);
        let clock = aws.clone();
        let clock = Arc::new(move || clock.now());
        let settings = [("HOLD_MINUTES", hold_minutes)];
        let handler = function::handler(&bindings, &settings, &aws, clock);
        let service = Service::new("demo-service")
            .desired_count(DESIRED)
            .zones("abc")
            .deployment(DeploymentConfiguration::rolling(100, 200))
            .starts(Starts::fargate());
        let service = aws.run_service(service, SEED);
        let play = Self { aws, handler, group, service };
        play.invoke(&scheduled()).await?;
        advance(200 * SECOND).await;
        play.aws.step();
        Ok(play)
    }

    /// Delivers what ECS has sent, and says what happened.
    async fn deliver(&self) -> Result<Vec<String>, Error> {
        let (mut run, mut stop, mut notes) = (0, 0, Vec::new());
        for sent in self.aws.step() {
            let Sent::Event(event) = sent else { continue };
            let detail = &event["detail"];
            if detail["eventName"] == "SERVICE_DEPLOYMENT_IN_PROGRESS" {
                notes.push("the deployment begins".to_owned());
            }
            run += usize::from(
                detail["lastStatus"] == "RUNNING" && detail["desiredStatus"] == "RUNNING",
            );
            stop += usize::from(detail["lastStatus"] == "DEACTIVATING");
            notes.extend(self.invoke(&event).await?);
        }
        notes.extend((run > 0).then(|| format!("{} running", tasks(run, "new"))));
        notes.extend((stop > 0).then(|| format!("ECS stops {}", tasks(stop, "old"))));
        Ok(notes)
    }

    /// Invokes the function. Returns what it did about holds.
    async fn invoke(&self, input: &Value) -> Result<Vec<String>, Error> {
        let context = lambda::context(self.aws.now() + 30 * SECOND);
        let report = self.handler.handle(lambda::event(input, context)).await;
        let report =
            report.map_err(|error| Error::Failed(format!("the function failed: {error}")))?;
        let count = |list: &str| report[list].as_array().map_or(0, Vec::len);
        let (held, released) = (count("held"), count("released"));
        let held = (held > 0).then(|| format!("{} held", tasks(held, "old")));
        let released = (released > 0).then(|| format!("{} released", tasks(released, "old")));
        Ok(held.into_iter().chain(released).collect())
    }
}

fn tasks(count: usize, age: &str) -> String {
    format!("{count} {age} {}", if count == 1 { "task" } else { "tasks" })
}

fn scheduled() -> Value {
    json!({"source": "aws.events", "detail-type": "Scheduled Event"})
}
