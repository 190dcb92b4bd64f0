//! The security groups and subnets of a service's tasks.

pub mod checks;
pub mod reads;
