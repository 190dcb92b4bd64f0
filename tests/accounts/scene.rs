//! A function with a target group in its own account and one in another.

use std::time::Duration;

use aws_sim::{Action, Aws, Call, TargetGroup, Task};
use serde_json::{Value, json};

use crate::common::{Function, PORT, binding_of, task};

/// The function's own account.
pub const OWN: &str = "123456789012";

/// The account of the other group.
pub const OTHER: &str = "222222222222";

/// The role of the other account.
pub const ROLE: &str = "arn:aws:iam::222222222222:role/ecs-ipv6-targets";

/// What the role expects to be told.
pub const EXTERNAL_ID: &str = "recognisable-id";

/// A function with a binding of `demo-service` in a group of its own account, and one of
/// `other-service` in a group of another, whose ARN is returned as well.
pub async fn two_accounts() -> (Function, String) {
    two_accounts_with(&[]).await
}

/// Likewise, with more settings.
pub async fn two_accounts_with(settings: &[(&str, &str)]) -> (Function, String) {
    let aws = Aws::new();
    aws.add_role(ROLE, Some(EXTERNAL_ID));
    let own = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
    let there = aws.add_target_group(group_there("there"));
    let bindings = json!([binding_of("demo-service", &own), by_role("other-service", &there)]);
    (Function::with(aws, bindings, settings).await, there)
}

/// A group of the other account.
pub fn group_there(name: &str) -> TargetGroup {
    TargetGroup::ipv6(name).port(PORT).account(OTHER)
}

/// A binding of a service in a group of the other account.
pub fn by_role(service: &str, group: &str) -> Value {
    with(binding_of(service, group), json!({"roleArn": ROLE, "externalId": EXTERNAL_ID}))
}

/// A binding with more fields.
pub fn with(mut binding: Value, fields: Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        binding[name] = value.clone();
    }
    binding
}

/// The n-th task, of the service that serves in the other account.
pub fn task_there(n: u16) -> Task {
    task(n).service("other-service")
}

pub async fn pass(minutes: u64) {
    tokio::time::advance(Duration::from_secs(60 * minutes)).await;
}

impl Function {
    /// The calls of an action since calls were last asked for.
    pub fn calls_of(&self, action: Action) -> Vec<Call> {
        self.aws.take_calls().into_iter().filter(|call| call.action == action).collect()
    }

    /// The error of an invocation that has to fail.
    pub async fn failure(&self, payload: Value) -> String {
        self.invoke(payload).await.unwrap_err().to_string()
    }
}
