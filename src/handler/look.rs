//! Invocations for people who want to see, and that change nothing.

use std::time::SystemTime;

use serde_json::Value;

use crate::aws::rate_limits::Limits;
use crate::error::Error;
use crate::handler::Handler;
use crate::handler::answers::answer;
use crate::input::explain::TaskName;

impl Handler {
    pub(super) async fn explain(
        &self,
        task: &TaskName,
        now: SystemTime,
        limits: &Limits,
    ) -> Result<Value, Error> {
        let bound = self.anew(now, limits).await;
        let settle = self.settle(&bound, limits);
        answer(&settle.explain(task, bound.kept(), self.config.prune).await)
    }
}
