//! A function that reads tags, and what it says.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;
use std::time::Duration;

use aws_sim::Action::GetResources;
use aws_sim::{Aws, TargetGroup};
use lambda_runtime::tracing::subscriber::fmt;
use serde_json::{Value, json};

use crate::common::{Function, PORT, binding};

pub const KEY: &str = "ecs-ipv6-targets:bind";

/// The tag of a group that `demo-service` serves in.
pub const DEMO: &str = "demo-cluster/demo-service:8080";

/// A function without `BINDINGS`, and a group with this tag.
pub async fn tagged(value: &str) -> Function {
    tagged_with(value, &[]).await
}

/// Likewise, with more settings.
pub async fn tagged_with(value: &str, settings: &[(&str, &str)]) -> Function {
    let aws = Aws::new();
    let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
    aws.tag(&group, KEY, value);
    discovering(aws, &group, &[&[("BINDINGS", "")], settings].concat()).await
}

/// A function with a binding of `demo-service` in one group by `BINDINGS`, and another group, which
/// this tag binds.
pub async fn united(value: &str) -> (Function, String) {
    let aws = Aws::new();
    let [own, tagged] = ["demo-ipv6", "tagged"]
        .map(|name| aws.add_target_group(TargetGroup::ipv6(name).port(PORT)));
    aws.tag(&tagged, KEY, value);
    (discovering(aws, &own, &[]).await, tagged)
}

pub async fn discovering(aws: Aws, group: &str, settings: &[(&str, &str)]) -> Function {
    let settings = [&[("DISCOVER", "tags")], settings].concat();
    Function::with(aws, json!([binding(group, Some(PORT))]), &settings).await
}

impl Function {
    /// A reconcile by the schedule.
    pub async fn scheduled(&self) -> Result<Value, ecs_ipv6_targets::error::Error> {
        self.invoke(aws_sim::events::scheduled(self.aws.now())).await
    }

    /// How often tags were read since the last time that calls were asked for.
    pub fn tag_reads(&self) -> usize {
        self.actions().into_iter().filter(|action| *action == GetResources).count()
    }
}

pub async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

thread_local! {
    /// What this test's thread has logged.
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What is written to the log from now on, at level info and above.
pub struct Log;

impl Log {
    pub fn listen() -> Self {
        static START: Once = Once::new();
        START.call_once(|| fmt().with_ansi(false).with_writer(|| Pen).init());
        Self.take();
        Self
    }

    pub fn take(&self) -> String {
        String::from_utf8(LOGGED.with_borrow_mut(std::mem::take)).unwrap()
    }
}

struct Pen;

impl Write for Pen {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.write(text))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
