//! How the tasks of a service start and stop.

use std::time::Duration;

/// Times between the states of a task; each is drawn for each task. A pair is the least and the
/// most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Starts {
    /// From its creation to RUNNING.
    pub running: (Duration, Duration),
    /// From RUNNING to the container health check's HEALTHY; without it the task definition has no
    /// health check.
    pub healthy: Option<(Duration, Duration)>,
    /// From desiredStatus STOPPED to SIGTERM where no target group of the service's own delays it.
    pub sigterm: (Duration, Duration),
    /// From SIGTERM to the container's end.
    pub ended: (Duration, Duration),
    /// The part of the tasks that stop before they are RUNNING.
    pub failing: f64,
    /// The part of the tasks that do not answer on their IPv6 address, as those that listen on
    /// `0.0.0.0` alone.
    pub deaf: f64,
}

impl Default for Starts {
    fn default() -> Self {
        Self::fargate()
    }
}

impl Starts {
    /// Tasks on Fargate: RUNNING 20 to 60 s after their creation. Not a figure of AWS's: one
    /// captured task took 19.5 s, and images of some size take up to a minute. A captured stop took
    /// seconds from its first event to SIGTERM.
    pub fn fargate() -> Self {
        let seconds = Duration::from_secs;
        Self {
            running: (seconds(20), seconds(60)),
            healthy: None,
            sigterm: (seconds(2), seconds(6)),
            ended: (seconds(1), seconds(10)),
            failing: 0.0,
            deaf: 0.0,
        }
    }

    /// Tasks on EC2 with a cached image: RUNNING 3 to 10 s after their creation, an assumption.
    pub fn ec2() -> Self {
        let running = (Duration::from_secs(3), Duration::from_secs(10));
        Self { running, ..Self::fargate() }
    }

    /// With a container health check that passes this long after RUNNING.
    pub fn healthy(self, least: Duration, most: Duration) -> Self {
        Self { healthy: Some((least, most)), ..self }
    }

    /// So many of the tasks never become RUNNING.
    pub fn failing(self, part: f64) -> Self {
        Self { failing: part, ..self }
    }

    /// So many of the tasks do not answer on IPv6.
    pub fn deaf(self, part: f64) -> Self {
        Self { deaf: part, ..self }
    }
}
