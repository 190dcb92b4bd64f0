//! A service that is deployed again and again, and the function that follows it, in the time of
//! this machine: `--serve --play`.

use std::sync::Arc;
use std::time::Duration;

use aws_sim::{Aws, DeploymentConfiguration, LoadBalancer, Sent, Service, Starts, TargetGroup};
use ecs_ipv6_targets::handler::Handler;
use harness::{function, lambda};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::error::Error;
use crate::world::{GROUP, PORT, SERVICE, bindings};

const SECOND: Duration = Duration::from_secs(1);

/// How often ECS and the schedule are looked at.
const LOOK: Duration = Duration::from_millis(200);

/// From one reconcile to the next, in looks.
const RECONCILE: u64 = 25;

/// From the end of one deployment to the next, in looks.
const REST: u64 = 75;

/// With holds, as a deployment without them has nothing to see.
pub const SETTINGS: [(&str, &str); 1] = [("HOLD_MINUTES", "5")];

/// A world whose minutes pass in seconds.
pub struct Play {
    pub aws: Aws,
    /// The ARN of the target group.
    pub group: String,
    service: String,
    handler: Handler,
}

impl Play {
    /// A service of four tasks.
    pub fn new() -> Self {
        let aws = Aws::new();
        aws.draw_registration_lags(1, 5 * SECOND, 12 * SECOND);
        let group = TargetGroup::ipv6(GROUP).port(PORT).deregistration_delay(10 * SECOND);
        let group = aws.add_target_group(group);
        let balancer = LoadBalancer::network("demo-nlb").dualstack().zones("ab");
        aws.add_load_balancer(balancer.listener("TCP", 443, &group));
        let starts = Starts { running: (3 * SECOND, 8 * SECOND), ..Starts::fargate() };
        let service = Service::new(SERVICE)
            .desired_count(4)
            .zones("ab")
            .deployment(DeploymentConfiguration::rolling(100, 200))
            .starts(starts);
        let service = aws.run_service(service, 1);
        let clock = aws.clone();
        let clock = Arc::new(move || clock.now());
        let bindings = serde_json::from_str(&bindings(&group)).unwrap_or_default();
        let handler = function::handler_as_set(&bindings, &SETTINGS, &aws, clock);
        Self { aws, group, service, handler }
    }

    /// Plays until the process is ended.
    pub async fn run(&self) -> Result<(), Error> {
        let (mut looks, mut rested) = (0, REST / 2);
        loop {
            for sent in self.aws.step() {
                if let Sent::Event(event) = sent {
                    self.invoke(event).await?;
                }
            }
            if looks % RECONCILE == 0 {
                self.invoke(json!({"source": "aws.events", "detail-type": "Scheduled Event"}))
                    .await?;
            }
            looks += 1;
            rested = if self.aws.is_deploying(&self.service) { 0 } else { rested + 1 };
            if rested == REST {
                self.aws.deploy(&self.service);
            }
            sleep(LOOK).await;
        }
    }

    async fn invoke(&self, input: Value) -> Result<(), Error> {
        let context = lambda::context(self.aws.now() + 30 * SECOND);
        let answer = self.handler.handle(lambda::event(&input, context)).await;
        answer.map(drop).map_err(|error| Error::Failed(format!("the function failed: {error}")))
    }
}
