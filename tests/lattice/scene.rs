//! A function with target groups of VPC Lattice.

use aws_sim::{Action, Aws, Call, TargetGroup, Task};
use serde_json::{Value, json};

use crate::common::{Function, PORT, binding, binding_of, task};

/// The group of VPC Lattice of most tests.
pub fn group() -> TargetGroup {
    TargetGroup::ipv6("demo-lattice").port(PORT).lattice()
}

/// A function with one binding: `demo-service` in a group of VPC Lattice.
pub async fn lattice() -> Function {
    Function::in_group(group(), &[]).await
}

/// A function with a binding of `demo-service` in a group of VPC Lattice, and one of
/// `other-service` in a group of ELB, whose ARN is returned as well.
pub async fn both() -> (Function, String) {
    let aws = Aws::new();
    let lattice = aws.add_target_group(group());
    let elb = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
    let bindings = json!([binding(&lattice, Some(PORT)), binding_of("other-service", &elb)]);
    (Function::with(aws, bindings, &[]).await, elb)
}

/// The n-th task, with an address outside the group's VPC.
pub fn bad(n: u16) -> Task {
    task(n).address(&format!("2001:bad::1:{n:x}"))
}

impl Function {
    /// The calls about the first group since calls were last asked for.
    pub fn calls(&self) -> Vec<Call> {
        let calls = self.aws.take_calls().into_iter();
        calls.filter(|call| call.resource.as_ref() == Some(&self.group)).collect()
    }

    /// How many targets each write of this action had since calls were last asked for.
    pub fn sizes(&self, action: Action) -> Vec<usize> {
        let calls = self.calls().into_iter().filter(|call| call.action == action);
        calls.map(|call| call.targets.len()).collect()
    }

    /// The report of a reconcile, also if it failed.
    pub async fn reconciled(&self) -> Value {
        let answer = self.reconcile().await;
        answer.unwrap_or_else(|error| panic!("{error}"))
    }
}
