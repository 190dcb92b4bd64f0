//! The SDK's clients: one for each service, with the account's rates and a count of requests.

use aws_config::SdkConfig;
use aws_sdk_ecs as ecs;

use crate::aws::accounts::{Accounts, ElbClient, Now};
use crate::aws::ec2::Ec2;
use crate::aws::lattice::Lattice;
use crate::aws::rate_limits::AdaptiveRates;
use crate::aws::services::EcsCalls;
use crate::aws::tagging::Tagging;
use crate::aws::traffic::Counter;
use crate::core::access::Accesses;
use crate::report::metrics::Traffic;

/// The clients of one account.
#[derive(Debug)]
pub struct Clients {
    /// The client for Amazon ECS.
    pub ecs: ecs::Client,
    /// The calls to Amazon ECS that are made without the SDK's client.
    pub ecs_calls: EcsCalls,
    /// The client for Elastic Load Balancing v2.
    pub elb: ElbClient,
    /// The calls to Amazon EC2.
    pub ec2: Ec2,
    /// The calls to VPC Lattice.
    pub lattice: Lattice,
    /// How fast these services may be called.
    pub rates: AdaptiveRates,
    counter: Counter,
}

impl Clients {
    /// Makes the clients with these settings.
    pub fn new(sdk: &SdkConfig) -> Self {
        let of_elb = Counter::default();
        let of_ecs = of_elb.of_another_service();
        let of_lattice = of_elb.of_another_service();
        let ecs = ecs::config::Builder::from(sdk).interceptor(of_ecs.clone()).build();
        Self {
            ecs: ecs::Client::from_conf(ecs),
            ecs_calls: EcsCalls::new(sdk, of_ecs.clone()),
            elb: ElbClient::new(sdk, &of_elb),
            ec2: Ec2::new(sdk, of_elb.of_another_service()),
            lattice: Lattice::new(sdk, of_lattice.clone()),
            rates: AdaptiveRates::new(&of_elb, &of_ecs, &of_lattice),
            counter: of_elb,
        }
    }

    /// What reads tags, with these settings, for a function that needs it.
    pub fn tagging(&self, sdk: &SdkConfig) -> Tagging {
        Tagging::new(sdk, self.counter.of_another_service())
    }

    /// The clients by which target groups are reached: the one here, and those of the roles among
    /// `accesses`, with these settings.
    pub fn accounts(
        &self,
        sdk: &SdkConfig,
        accesses: Accesses,
        function: &str,
        now: &Now,
    ) -> Accounts {
        let own = Accounts::own(self.elb.clone());
        match accesses.is_empty() {
            true => own,
            false => own.with_roles(accesses, sdk, function, &self.counter, now),
        }
    }

    /// The requests since the previous call of this function.
    pub fn take_traffic(&self) -> Traffic {
        self.counter.take()
    }
}
