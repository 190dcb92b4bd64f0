//! The world that all functions start in.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use aws_sim::{Action, Answer, Aws, Function, Server, TargetGroup, Task};
use serde_json::json;

use crate::rivals::Rival;
use crate::tls::tls_in_front_of;

const PORT: u16 = 8080;

/// One running task, one target group, and AWS over HTTPS.
pub struct World {
    aws: Aws,
    task: Task,
    bindings: String,
    url: String,
    bundle: String,
    _server: Server,
}

impl World {
    /// The authority's certificate lies in `folder`.
    pub async fn new(folder: &Path) -> Self {
        let aws = Aws::new();
        let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
        let task = Task::new(&"0".repeat(32)).address("2001:db8::1:1").running();
        aws.put_task(&task);
        let server = aws.serve(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await;
        let server = server.expect("a free port");
        let (url, root) = tls_in_front_of(server.addr).await;
        let bundle = folder.join("authority.pem");
        std::fs::write(&bundle, root).expect("a folder that can be written");
        let bindings = json!([{"cluster": "demo-cluster", "service": "demo-service", "targetGroupArn": group, "port": PORT}]);
        Self {
            aws,
            task,
            bindings: bindings.to_string(),
            url,
            bundle: bundle.to_str().expect("a path in UTF-8").to_owned(),
            _server: server,
        }
    }

    pub async fn start(&self, rival: &Rival) -> Result<Function, String> {
        let mut environment = vec![
            ("BINDINGS", self.bindings.as_str()),
            // Lambda sets both, and boto3 needs the first.
            ("AWS_DEFAULT_REGION", "us-east-2"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            // The first is read by this function and boto3, the second by the SDK's defaults.
            ("AWS_CA_BUNDLE", &self.bundle),
            ("SSL_CERT_FILE", &self.bundle),
        ];
        environment.extend(rival.environment.iter().map(|(name, value)| (*name, value.as_str())));
        let function = Function::start_command(rival.command(), &self.url, &environment).await;
        function.map_err(|error| format!("{}: {error}", rival.name()))
    }

    /// Hands in the task's event, as of now, because of an old one the function asks ECS first; how
    /// long the answer took. An error if the answer is one, or if other calls were made than are
    /// this function's.
    pub async fn invoke(&self, rival: &Rival, function: &Function) -> Result<Duration, String> {
        let event = self.task.event(SystemTime::now());
        // What was read during its start.
        self.aws.take_calls();
        let begin = Instant::now();
        let answer = function.invoke(&event).await;
        let took = begin.elapsed();
        let calls: Vec<Action> =
            self.aws.take_calls().into_iter().map(|call| call.action).collect();
        match answer {
            Answer::Success(_) if calls == rival.calls() => Ok(took),
            _ => Err(format!("{}: {answer:?} after {calls:?}", rival.name())),
        }
    }
}
