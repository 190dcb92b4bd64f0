//! The SDK's clients: one for each service of an account, with the account's rates and a count of
//! the requests. A client makes its connection when it is first used.

use aws_config::SdkConfig;
use aws_sdk_ecs as ecs;
use aws_sdk_elasticloadbalancingv2 as elb;

use crate::aws::rate_limits::AdaptiveRates;
use crate::aws::tagging::Tagging;
use crate::aws::traffic::Counter;
use crate::report::metrics::Traffic;

/// The clients of one account.
#[derive(Debug)]
pub struct Clients {
    /// The client for Amazon ECS.
    pub ecs: ecs::Client,
    /// The client for Elastic Load Balancing v2.
    pub elb: elb::Client,
    /// How fast these services may be called.
    pub rates: AdaptiveRates,
    counter: Counter,
}

impl Clients {
    /// Makes the clients with these settings.
    pub fn new(sdk: &SdkConfig) -> Self {
        let of_elb = Counter::default();
        let of_ecs = of_elb.of_another_service();
        let ecs = ecs::config::Builder::from(sdk).interceptor(of_ecs.clone()).build();
        let elb = elb::config::Builder::from(sdk).interceptor(of_elb.clone()).build();
        Self {
            ecs: ecs::Client::from_conf(ecs),
            elb: elb::Client::from_conf(elb),
            rates: AdaptiveRates::new(&of_elb, &of_ecs),
            counter: of_elb,
        }
    }

    /// What reads tags, with these settings, for a function that needs it.
    pub fn tagging(&self, sdk: &SdkConfig) -> Tagging {
        Tagging::new(sdk, self.counter.of_another_service())
    }

    /// The requests since the previous call of this function.
    pub fn take_traffic(&self) -> Traffic {
        self.counter.take()
    }
}
