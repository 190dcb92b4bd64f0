//! The checks of the target group and the load balancer before it.

mod health;
mod listeners;
mod load_balancer;
mod quota;
mod role;
mod target_group;
mod zones;

pub use health::{State, health, health_check, of_tasks};
pub use load_balancer::{load_balancer, source_nat};
pub use quota::{of_quota, quota};
pub use role::role;
pub use target_group::{client_ip, target_group};
pub use zones::zones;

use crate::core::binding::Binding;
use crate::core::failure::Failure;
use crate::doctor::verdict::Verdict;

type Judged<'a> = Result<Verdict, &'a Failure>;

fn modify_attribute(binding: &Binding, key: &str, value: &str) -> String {
    format!(
        "aws elbv2 modify-target-group-attributes --target-group-arn {} --attributes \
         Key={key},Value={value}",
        binding.target_group
    )
}
