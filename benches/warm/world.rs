//! The simulated AWS, and the requests that events lead to.

use std::net::{Ipv6Addr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_sim::{Aws, TargetGroup, Task};
use ecs_ipv6_targets::handler::Handler;
use harness::function::over_network;
use serde_json::json;

use crate::runtime;

/// The port on which all tasks serve.
pub const PORT: u16 = 8080;

/// Their cluster.
pub const CLUSTER: &str = "demo-cluster";

/// Targets in one RegisterTargets of the function.
pub const WRITE: usize = 200;

/// Tasks in one DescribeTasks of the function.
pub const READ: usize = 100;

/// Reads of ECS that the function has under way at once.
pub const AT_ONCE: usize = 4;

/// A simulated AWS on a thread of its own.
pub struct World {
    /// Where it serves.
    pub server: SocketAddr,
    /// Its target group.
    pub group: String,
    /// Tasks that serve.
    pub tasks: Vec<Task>,
    /// When all of it happens, so that no event ever grows old.
    pub now: SystemTime,
    aws: Aws,
}

impl World {
    /// With so many tasks that serve.
    pub fn start(tasks: usize) -> Self {
        let aws = Aws::new();
        let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").quota(1000));
        let address =
            |number: usize| Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) | (number as u128 + 1));
        let tasks: Vec<Task> = (0..tasks)
            .map(|number| {
                Task::new(&format!("{number:032x}")).address(&address(number).to_string()).running()
            })
            .collect();
        tasks.iter().for_each(|task| aws.put_task(task));
        let served = aws.clone();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            runtime().block_on(async {
                let server = served.serve(SocketAddr::from(([127, 0, 0, 1], 0))).await;
                let server = server.expect("loopback is there");
                tell.send(server.addr).expect("somebody waits for it");
                std::future::pending::<()>().await;
            });
        });
        let server = told.recv().expect("it serves");
        Self { server, group, tasks, now: SystemTime::now(), aws }
    }

    /// The function's handler, and the settings of its clients.
    pub fn handler(&self) -> (Handler, SdkConfig) {
        let bindings = json!([{"cluster": CLUSTER, "service": "demo-service", "targetGroupArn": self.group, "port": PORT}]);
        let (url, now) = (format!("http://{}", self.server), self.now);
        over_network(&bindings, &url, Arc::new(move || now))
    }

    /// How many requests came since this was last asked.
    pub fn count_calls(&self) -> usize {
        self.aws.take_calls().len()
    }

    /// The requests that the handler makes for the first so many tasks.
    ///
    /// Those of an inner list are under way at once.
    pub fn requests(&self, count: usize) -> Vec<Vec<Vec<u8>>> {
        let tasks = &self.tasks[..count];
        let registers = tasks.chunks(WRITE).map(|tasks| vec![self.register(tasks)]);
        let looks = tasks.chunks(READ).map(|tasks| {
            let arns: Vec<String> = tasks.iter().map(Task::arn).collect();
            let body = json!({"cluster": CLUSTER, "tasks": arns}).to_string();
            let headers = "content-type: application/x-amz-json-1.1\r\nx-amz-target: AmazonEC2ContainerServiceV20141113.DescribeTasks\r\n";
            self.post("ecs", headers, &body)
        });
        registers.chain([looks.collect()]).collect()
    }

    fn register(&self, tasks: &[Task]) -> Vec<u8> {
        let escaped = |text: &str| text.replace(':', "%3A").replace('/', "%2F");
        let mut body = format!(
            "Action=RegisterTargets&Version=2015-12-01&TargetGroupArn={}",
            escaped(&self.group)
        );
        for (place, task) in (1..).zip(tasks) {
            let id = task.ipv6().expect("it has one").to_string();
            body += &format!(
                "&Targets.member.{place}.Id={}&Targets.member.{place}.Port={PORT}",
                escaped(&id)
            );
        }
        self.post(
            "elasticloadbalancing",
            "content-type: application/x-www-form-urlencoded\r\n",
            &body,
        )
    }

    fn post(&self, service: &str, headers: &str, body: &str) -> Vec<u8> {
        let signature = format!(
            "authorization: AWS4-HMAC-SHA256 Credential=test/20261122/us-east-2/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n"
        );
        format!(
            "POST / HTTP/1.1\r\nhost: {}\r\n{headers}{signature}content-length: {}\r\n\r\n{body}",
            self.server,
            body.len()
        )
        .into_bytes()
    }
}
