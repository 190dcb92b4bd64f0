//! Worlds in which the status page looks different, each with a function to look at it. They are
//! made while time is paused, so that minutes pass at once.

use std::sync::Arc;
use std::time::Duration;

use aws_sim::{
    Action, Aws, DeploymentConfiguration, Fault, Health, LoadBalancer, Sent, Service, Starts,
    TargetGroup, Task, TaskDefinition,
};
use ecs_ipv6_targets::handler::Handler;
use harness::{function, lambda};
use serde_json::{Value, json};
use tokio::time::advance;

use crate::error::Error;

const SECOND: Duration = Duration::from_secs(1);

const PORT: u16 = 8080;

/// One seed for all: the same tasks each time.
const SEED: u64 = 7;

/// A world, and the function that looks at it.
pub struct Scene {
    /// Its name in addresses.
    pub name: &'static str,
    aws: Aws,
    handler: Handler,
    /// The page as it was at some moment; without it, it is made anew each time.
    page: Option<String>,
}

impl Scene {
    fn new(name: &'static str, aws: Aws, bindings: &Value, settings: &[(&str, &str)]) -> Self {
        let clock = aws.clone();
        let clock = Arc::new(move || clock.now());
        let handler = function::handler(bindings, settings, &aws, clock);
        Self { name, aws, handler, page: None }
    }

    /// Invokes the function.
    pub async fn invoke(&self, input: Value) -> Result<Value, Error> {
        let context = lambda::context(self.aws.now() + 30 * SECOND);
        let answer = self.handler.handle(lambda::event(&input, context)).await;
        answer.map_err(|error| Error::Failed(format!("the function failed: {error}")))
    }

    /// A scene of a world that something else plays.
    pub fn live(aws: &Aws, bindings: &Value, settings: &[(&str, &str)]) -> Self {
        Self::new("", aws.clone(), bindings, settings)
    }

    /// The status page, as a browser that prefers this theme shows it.
    pub async fn page(&self, theme: Option<&str>) -> Result<String, Error> {
        if let Some(page) = &self.page {
            return Ok(page.clone());
        }
        let page = self.invoke(json!({"widgetContext": {"theme": theme}})).await?;
        Ok(page.as_str().unwrap_or_default().to_owned())
    }

    /// The same with the page as it is now: the scenes after it let time pass.
    async fn frozen(self) -> Result<Self, Error> {
        let page = Some(self.page(None).await?);
        Ok(Self { page, ..self })
    }

    async fn reconcile(&self) -> Result<(), Error> {
        let scheduled = json!({"source": "aws.events", "detail-type": "Scheduled Event"});
        self.invoke(scheduled).await.map(drop)
    }

    /// So many seconds, with the events that ECS sends in them.
    async fn pass(&self, seconds: u32) -> Result<(), Error> {
        for _ in 0..seconds {
            advance(SECOND).await;
            for sent in self.aws.step() {
                if let Sent::Event(event) = sent {
                    self.invoke(event).await?;
                }
            }
        }
        Ok(())
    }
}

/// All scenes.
pub async fn all() -> Result<Vec<Scene>, Error> {
    tokio::time::pause();
    let scenes = vec![
        healthy().await?.frozen().await?,
        rollout().await?.frozen().await?,
        drift().await?.frozen().await?,
        broken().await.frozen().await?,
        many().await.frozen().await?,
        hostile().await.frozen().await?,
        empty().frozen().await?,
    ];
    tokio::time::resume();
    Ok(scenes)
}

fn binding(service: &str, group: &str) -> Value {
    json!({"cluster": "demo-cluster", "service": service, "targetGroupArn": group, "port": PORT})
}

fn demo_service() -> Service {
    let definition = TaskDefinition::new("demo").container("app", PORT, Some(120));
    Service::new("demo-service").task_definition(definition).zones("ab")
}

/// A load balancer that sends clients to this group.
fn balancer(group: &str) -> LoadBalancer {
    LoadBalancer::network("demo-nlb").dualstack().zones("ab").listener("TCP", 443, group)
}

/// A world with a group that a load balancer uses.
fn world() -> (Aws, String) {
    let aws = Aws::new();
    let group = TargetGroup::ipv6("demo-ipv6")
        .port(PORT)
        .attribute("preserve_client_ip.enabled", "true")
        .deregistration_delay(30 * SECOND);
    let group = aws.add_target_group(group);
    aws.add_load_balancer(balancer(&group));
    (aws, group)
}

/// Four tasks, all served.
async fn steady(name: &'static str) -> Result<(Scene, String), Error> {
    let (aws, group) = world();
    aws.draw_registration_lags(SEED, 90 * SECOND, 180 * SECOND);
    let service = demo_service()
        .desired_count(4)
        .deployment(DeploymentConfiguration::rolling(100, 200))
        .starts(Starts::fargate());
    let service = aws.run_service(service, SEED);
    let scene = Scene::new(name, aws, &json!([binding("demo-service", &group)]), &[HOLD]);
    scene.reconcile().await?;
    scene.pass(200).await?;
    Ok((scene, service))
}

const HOLD: (&str, &str) = ("HOLD_MINUTES", "15");

async fn healthy() -> Result<Scene, Error> {
    Ok(steady("healthy").await?.0)
}

/// In the midst of a deployment that is held.
async fn rollout() -> Result<Scene, Error> {
    let (scene, service) = steady("rollout").await?;
    scene.aws.deploy(&service);
    for _ in 0..2 {
        scene.pass(54).await?;
        scene.reconcile().await?;
    }
    scene.pass(25).await?;
    Ok(scene)
}

/// Events were lost, and people were at work.
async fn drift() -> Result<Scene, Error> {
    let (scene, service) = steady("drift").await?;
    let deployment = scene.aws.deployments(&service)[0].id.clone();
    let created = scene.aws.now() - 1_800 * SECOND;
    let task = |id| Task::new(id).started_by(&deployment).created_at(created);
    let group = TargetGroup::ipv6("demo-ipv6").arn();
    let targets = scene.aws.targets(&group);
    if let [first, second, ..] = &targets[..] {
        scene.aws.take_target(&group, &first.id.to_string(), first.port);
        let unhealthy = Health::Unhealthy;
        scene.aws.set_health(&group, &second.id.to_string(), second.port, unhealthy);
    }
    advance(60 * SECOND).await;
    let stopped = task("8f1d7a4be0c94a5f9f5d6a3c2b1e0f97").address("2001:db8::1:2").running();
    scene.aws.put_task(&stopped.stopped());
    scene.aws.put_target(&group, "2001:db8::1:2", PORT);
    scene.aws.put_target(&group, "2001:db8::b0b:1", PORT);
    let without = task("1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f").without_address();
    scene.aws.put_task(&without.running());
    Ok(scene)
}

/// One binding's group was deleted, another's may not be read, a third's is used by nothing.
async fn broken() -> Scene {
    let (aws, group) = world();
    let [deleted, denied, unused] = ["deleted-ipv6", "denied-ipv6", "unused-ipv6"]
        .map(|name| aws.add_target_group(TargetGroup::ipv6(name).port(PORT)));
    aws.delete_target_group(&deleted);
    aws.fault(Fault::on(Action::DescribeTargetHealth).group(&denied).access_denied());
    aws.add_service(demo_service());
    aws.add_service(Service::new("other-service"));
    let other = Task::new("1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f").service("other-service");
    let other = other.address("2001:db8::9").created_at(aws.now() - 1_800 * SECOND);
    aws.put_task(&other.running());
    aws.put_target(&unused, "2001:db8::9", PORT);
    put_tasks(&aws, &group, 2).await;
    let bindings = json!([
        binding("demo-service", &group),
        binding("demo-service", &deleted),
        binding("demo-service", &denied),
        binding("other-service", &unused),
    ]);
    Scene::new("broken", aws, &bindings, &[])
}

/// A thousand tasks, of which some are not served.
async fn many() -> Scene {
    let (aws, group) = world();
    aws.add_service(demo_service().desired_count(1_000));
    put_tasks(&aws, &group, 1_000).await;
    for number in 0..5 {
        aws.set_health(&group, &address(number), PORT, Health::Unhealthy);
        aws.take_target(&group, &address(10 + number), PORT);
    }
    Scene::new("many", aws, &json!([binding("demo-service", &group)]), &[])
}

/// What comes from outside tries to be markup.
async fn hostile() -> Scene {
    const MARKUP: &str = "</style></table><script>document.title='broken'</script>\
                          <img src=x onerror=\"document.title='broken'\"> ' \" & \u{202e}txt";
    let (aws, group) = world();
    let named = |name: &str| TargetGroup::ipv6(name).port(PORT);
    let refused = aws.add_target_group(named("refused-ipv6"));
    aws.fault(Fault::on(Action::DescribeTargetHealth).group(&refused).error(MARKUP, MARKUP, 400));
    let tagged = aws.add_target_group(named("tagged-ipv6"));
    aws.tag(&tagged, "ecs-ipv6-targets:bind", MARKUP);
    aws.add_load_balancer(LoadBalancer::network(MARKUP).dualstack().listener(MARKUP, 53, &refused));
    aws.fault(Fault::on(Action::DescribeServices).error("<b>", MARKUP, 400));
    put_tasks(&aws, &group, 2).await;
    let bindings = json!([binding("demo-service", &group), binding("demo-service", &refused)]);
    Scene::new("hostile", aws, &bindings, &[("DISCOVER", "tags")])
}

/// A service without tasks, and a function that writes nothing.
fn empty() -> Scene {
    let (aws, group) = world();
    aws.add_service(demo_service().desired_count(0));
    Scene::new("empty", aws, &json!([binding("demo-service", &group)]), &[("DRY_RUN", "true")])
}

fn address(number: u16) -> String {
    format!("2001:db8:1234:1a00:9691:9503:25ad:{:x}", 0x1000 + number)
}

/// Tasks that run and are registered, for long enough to be healthy.
async fn put_tasks(aws: &Aws, group: &str, count: u16) {
    for number in 0..count {
        let zone = if number % 2 == 0 { 'a' } else { 'b' };
        let id = format!("{:032x}", u128::from(number + 1) * 0x1234_5678_9abc_def0_1357_9bdf);
        let created = aws.now() - SECOND * 60 * (60 + u32::from(number));
        let task = Task::new(&id).address(&address(number)).zone(zone).created_at(created);
        aws.put_task(&task.running());
        aws.put_target(group, &address(number), PORT);
    }
    advance(200 * SECOND).await;
}
