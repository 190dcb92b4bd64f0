//! The simulated AWS with the demo target group, and the function's process.

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use aws_sim::{
    Answer, Aws, Call, Function, LoadBalancer, Server, Service, TargetGroup, TaskDefinition,
};

use crate::error::Error;
use crate::input::{Input, sample, without_number};

pub const CLUSTER: &str = "demo-cluster";
pub const SERVICE: &str = "demo-service";
pub const GROUP: &str = "demo-ipv6";
pub const PORT: u16 = 8080;

/// Marks a process as the function's: cargo builds no binary for an example, so
/// the example runs itself.
const ROLE: (&str, &str) = ("LOCAL_ROLE", "function");

/// Settings of the caller's shell that the function is handed. Of the rest it sees nothing.
const HANDED_ON: [&str; 2] = ["AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL"];

/// A log line can arrive through its pipe a little later than the answer.
const LOG_LAG: Duration = Duration::from_millis(50);

/// Whether this process is the function's.
pub fn is_the_function() -> bool {
    env::var(ROLE.0).is_ok_and(|role| role == ROLE.1)
}

/// How long the simulated load balancer takes for what takes minutes on AWS.
#[derive(Clone, Copy)]
pub struct Pace {
    /// Until a registered target is healthy. AWS: 90 to 180 s.
    pub health_check: Duration,
    /// Until a deregistered target is gone. AWS: 300 s, unless the target group says otherwise.
    pub draining: Duration,
}

/// A simulated AWS with the demo target group; and the group's ARN. Unlike the real one it takes
/// addresses outside the VPC, so that files with any address can be played.
pub fn demo_aws(pace: Pace) -> (Aws, String) {
    let aws = Aws::new();
    let group = TargetGroup::ipv6(GROUP)
        .port(PORT)
        .vpc_cidr("::/0")
        .registration_lag(pace.health_check)
        .deregistration_delay(pace.draining);
    let group = aws.add_target_group(group);
    let balancer = LoadBalancer::network("demo-nlb").dualstack().zones("ab");
    aws.add_load_balancer(balancer.listener("TCP", 443, &group));
    aws.add_service(demo_service());
    (aws, group)
}

fn demo_service() -> Service {
    Service::new(SERVICE).task_definition(TaskDefinition::new("demo").container("app", PORT, None))
}

/// The value of `BINDINGS`.
pub fn bindings(group: &str) -> String {
    let names = format!(r#""cluster":"{CLUSTER}","service":"{SERVICE}""#);
    format!(r#"[{{{names},"targetGroupArn":"{group}","port":{PORT}}}]"#)
}

/// The same in words.
pub fn binding_in_words() -> String {
    format!("{SERVICE} in {CLUSTER} → target group {GROUP}, port {PORT}")
}

pub async fn serve(aws: &Aws, address: SocketAddr) -> Result<Server, Error> {
    aws.serve(address).await.map_err(|error| {
        let error = without_number(&error);
        let fix = "name another address, or port 0 for any free one";
        Error::Failed(format!("cannot listen on {address}: {error}; {fix}"))
    })
}

/// The simulated AWS and the function under it.
pub struct World {
    pub aws: Aws,
    /// The ARN of the target group.
    pub group: String,
    server: Server,
    function: Function,
    lines_shown: usize,
    wants_logs: bool,
}

/// What came of handing the function an input.
pub struct Delivery {
    /// The calls that it made, in their order.
    pub calls: Vec<Call>,
    pub answer: Answer,
    /// The lines that it wrote meanwhile, if they are wanted.
    pub logs: Vec<String>,
}

impl World {
    pub async fn start(pace: Pace, wants_logs: bool) -> Result<Self, Error> {
        let (aws, group) = demo_aws(pace);
        let server = serve(&aws, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let bindings = bindings(&group);
        let handed_on = HANDED_ON.map(|name| (name, env::var(name).unwrap_or_default()));
        let mut environment = vec![ROLE, ("BINDINGS", &bindings)];
        let set = handed_on.iter().filter(|(_, value)| !value.is_empty());
        environment.extend(set.map(|(name, value)| (*name, value.as_str())));

        let no_start = |error| Error::Failed(format!("the function cannot be started: {error}"));
        let program = env::current_exe().map_err(no_start)?;
        let function =
            Function::start(program, &server.url(), &environment).await.map_err(no_start)?;
        Ok(Self { aws, group, server, function, lines_shown: 0, wants_logs })
    }

    /// The endpoint URL of the simulated AWS.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Hands the function an input and waits for its answer.
    pub async fn deliver(&mut self, input: &Input) -> Delivery {
        self.aws.take_calls();
        let answer = self.function.invoke(&input.payload).await;
        let calls = self.aws.take_calls();
        let logs = if self.wants_logs || is_breakdown(&answer) {
            tokio::time::sleep(LOG_LAG).await;
            self.new_lines()
        } else {
            Vec::new()
        };
        Delivery { calls, answer, logs }
    }

    fn new_lines(&mut self) -> Vec<String> {
        let lines = self.function.logs().split_off(self.lines_shown);
        self.lines_shown += lines.len();
        lines
    }
}

/// Whether this is Lambda's word that the process ended or hung, rather than the function's answer.
pub fn is_breakdown(answer: &Answer) -> bool {
    match answer {
        Answer::Success(_) => false,
        Answer::Error { error_type, .. } => {
            error_type.starts_with("Runtime.") || error_type.starts_with("Sandbox.")
        }
    }
}

/// The world of [`drift`] in words.
pub const DRIFT: [&str; 4] = [
    "task c50e321c runs, and is not registered",
    "task 8f1d7a4b has stopped, and is still registered",
    "2001:db8:1234:1a00:b0b::1 was registered by hand",
    "the group stands in the service's own loadBalancers, where it must not",
];

/// Makes a world in which events were lost and people were at work, for inputs that look at all of
/// it.
pub fn drift(world: &World) -> Result<(), Error> {
    let World { aws, group, .. } = world;
    for sample in [sample!("task-running.json"), sample!("task-running-second.json")] {
        learn(aws, &Input::of_sample(sample)?);
    }
    let second =
        "arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/8f1d7a4be0c94a5f9f5d6a3c2b1e0f97";
    if let Some(second) = aws.task(second) {
        aws.put_target(group, "2001:db8:1234:1a00:47f2:8be1:6c0d:93aa", PORT);
        aws.put_task(&second.stopped());
    }
    aws.put_target(group, "2001:db8:1234:1a00:b0b::1", PORT);
    aws.add_service(demo_service().attached_to(group));
    Ok(())
}

/// ECS learns the states that an input's events report; where it knows a newer one, that stays.
/// The answer is why some event taught it nothing.
pub fn learn(aws: &Aws, input: &Input) -> Vec<String> {
    input.events().iter().filter_map(|event| aws.observe(event).err()).collect()
}
