//! What is compared: services, and the ways in which their deployments are looked after.

use std::time::Duration;

use aws_sim::{DeploymentConfiguration, LifecycleHook, Service, Stage, Starts};

/// A service, and who looks after its deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// How many tasks are desired.
    pub tasks: usize,
    pub launch: Launch,
    /// `minimumHealthyPercent` and `maximumPercent`.
    pub percent: (usize, usize),
    pub way: Way,
}

/// How quickly tasks start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Launch {
    /// As on Fargate: RUNNING after 20 to 60 s.
    Fargate,
    /// As on EC2 with a cached image: after 3 to 10 s.
    Ec2,
}

impl Launch {
    pub fn name(self) -> &'static str {
        match self {
            Self::Fargate => "Fargate",
            Self::Ec2 => "EC2",
        }
    }
}

/// Who looks after a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// One call per RUNNING and per first stop event.
    CallPerEvent,
    /// This function, without hold.
    NoHold,
    /// This function with `HOLD_MINUTES`, released by the reconcile of each minute.
    Hold,
    /// The same with further looks, so far apart.
    HoldWithLooks(Duration),
    /// This function without hold, beside an IPv4 group of the same load balancer that stands in
    /// the service's `loadBalancers`.
    NativeGroup,
    /// Strategy BLUE_GREEN, without bake time, with this function as its hook at POST_SCALE_UP.
    Gate,
}

impl Way {
    pub fn name(self) -> &'static str {
        match self {
            Self::CallPerEvent => "a call per event",
            Self::NoHold => "this function, no hold",
            Self::Hold => "hold",
            Self::HoldWithLooks(_) => "hold, a look every 15 s",
            Self::NativeGroup => "no hold, native IPv4 group",
            Self::Gate => "gate, BLUE_GREEN",
        }
    }

    pub fn is_hold(self) -> bool {
        matches!(self, Self::Hold | Self::HoldWithLooks(_))
    }
}

impl Setting {
    /// The function's settings beside the bindings.
    pub fn environment(&self) -> &'static [(&'static str, &'static str)] {
        if self.way.is_hold() { &[("HOLD_MINUTES", "15")] } else { &[] }
    }

    /// The service; `native_group` stands in its `loadBalancers`.
    pub fn service(&self, name: &str, native_group: Option<&str>) -> Service {
        let (starts, launch_type) = match self.launch {
            Launch::Fargate => (Starts::fargate(), "FARGATE"),
            Launch::Ec2 => (Starts::ec2(), "EC2"),
        };
        let configuration = match self.way {
            Way::Gate => DeploymentConfiguration::blue_green(Duration::ZERO)
                .lifecycle_hook(LifecycleHook::at(Stage::PostScaleUp)),
            _ => DeploymentConfiguration::rolling(self.percent.0, self.percent.1),
        };
        let service = Service::new(name)
            .desired_count(self.tasks)
            .zones("abc")
            .deployment(configuration)
            .launch_type(launch_type)
            .starts(starts);
        match native_group {
            Some(group) => service.attached_to(group),
            None => service,
        }
    }
}
