//! Invocations for people who want to see, and that change nothing.

use std::collections::BTreeSet;
use std::time::SystemTime;

use serde_json::Value;
use tracing::info;

use crate::aws::rate_limits::Limits;
use crate::core::binding::{Binding, TargetGroupArn};
use crate::doctor::Doctor;
use crate::doctor::verdict::{Check, Status};
use crate::error::Error;
use crate::flow::Settler;
use crate::flow::discovery::Snapshot;
use crate::handler::Handler;
use crate::handler::answers::answer;
use crate::input::explain::TaskName;
use crate::input::widget::Widget;
use crate::report::page::{Finding, Group, Level, Look, Page, Theme, render};

/// How many bindings the doctor examines for the page: it makes some ten calls for each, and of
/// ELB's rates others need some.
const EXAMINED: usize = 10;

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

    /// The page has what failed, and is never a function error: who looks wants to see the rest.
    pub(super) async fn page(
        &self,
        widget: Widget,
        now: SystemTime,
        limits: &Limits,
    ) -> Result<Value, Error> {
        let all = self.anew(now, limits).await;
        // The role of the template's page can assume no other.
        let elsewhere = |binding: &&Binding| self.accounts.role(&binding.target_group).is_some();
        let (elsewhere, own): (Vec<&Binding>, Vec<&Binding>) =
            all.bindings.iter().partition(elsewhere);
        let groups: BTreeSet<_> = elsewhere.iter().map(|binding| &binding.target_group).collect();
        let own = own.into_iter().cloned().collect();
        let bound = Snapshot { bindings: own, ..Snapshot::clone(&all) };
        let share = limits.for_part(0.6);
        let settle = Settler { limits: &share, ..self.settle(&bound, limits) };
        let status = settle.status(&bound, self.config.prune, now).await;
        let examined = to_examine(&bound.bindings, &status.groups);
        let doctor = Doctor::new(&self.clients, self.accounts.clone());
        let diagnosis = doctor.examine(&examined, self.config.hold, limits).await;
        info!(input = "widget", groups = status.groups.len(), "shown");
        let page = Page {
            function: self.config.function.clone(),
            region: self.config.region.clone(),
            now,
            dry_run: self.config.dry_run,
            groups: status.groups,
            left: status.left,
            elsewhere: groups.len(),
            failures: status.failures,
            rollouts: status.rollouts,
            findings: diagnosis.checks.into_iter().map(finding).collect(),
            unexamined: bound.bindings.len() - examined.len(),
        };
        let theme = widget.is_dark.map(|dark| if dark { Theme::Dark } else { Theme::Light });
        answer(&render(&page, Look { theme, offset: widget.offset }))
    }
}

/// The first few bindings, those of the worst target groups first.
fn to_examine(bindings: &[Binding], groups: &[Group]) -> Vec<Binding> {
    let tone = |group: &TargetGroupArn| {
        groups.iter().find(|known| known.arn == *group).map(|known| known.tone())
    };
    let mut bindings: Vec<&Binding> = bindings.iter().collect();
    if bindings.len() > EXAMINED {
        bindings.sort_by_key(|binding| tone(&binding.target_group));
    }
    bindings.into_iter().take(EXAMINED).cloned().collect()
}

fn finding(check: Check) -> Finding {
    let level = match check.status {
        Status::Pass => Level::Pass,
        Status::Warn => Level::Warn,
        Status::Fail => Level::Fail,
    };
    let Check { binding, check, detail, fix, .. } = check;
    Finding { level, binding, check, detail, fix }
}
