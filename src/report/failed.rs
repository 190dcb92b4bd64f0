//! What could not be done, and the words for it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::core::failure::{Code, Failure};
use crate::core::task::TaskArn;
use crate::report::FirstFew;
use crate::report::entry::Entry;
use crate::report::hold::FailedHold;

/// Something that could not be done with a target, and the cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedEntry {
    /// The target; its unknown fields are left out.
    #[serde(flatten)]
    pub entry: Entry,
    /// AWS's error code and message.
    pub error: String,
    /// The code alone, or ours where no answer came.
    #[serde(skip)]
    pub code: Code,
}

/// What could not be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Failed {
    /// With a target.
    Target(FailedEntry),
    /// With a service's hold.
    Hold(FailedHold),
    /// With the tags that bind tasks.
    Tags(FailedTags),
}

/// The tags of target groups could not be read, so that bindings may be missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedTags {
    /// The task about which nothing can be decided now, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_arn: Option<TaskArn>,
    /// AWS's error code and message.
    pub error: String,
    /// The code alone, or ours where no answer came.
    #[serde(skip)]
    pub code: Code,
}

impl FailedTags {
    /// A failed read, and the task that it concerns.
    pub fn new(task: Option<&TaskArn>, failure: &Failure) -> Self {
        let (error, code) = (failure.to_string(), failure.code.clone());
        Self { task_arn: task.cloned(), error, code }
    }
}

impl Failed {
    /// The target, if it is about one.
    pub fn target(&self) -> Option<&Entry> {
        match self {
            Self::Target(failed) => Some(&failed.entry),
            Self::Hold(_) | Self::Tags(_) => None,
        }
    }

    /// The task that has to be settled again.
    pub fn task(&self) -> Option<&TaskArn> {
        match self {
            Self::Target(failed) => failed.entry.task_arn.as_ref(),
            Self::Hold(_) => None,
            Self::Tags(failed) => failed.task_arn.as_ref(),
        }
    }

    /// The stable code of the error.
    pub fn code(&self) -> &Code {
        match self {
            Self::Target(failed) => &failed.code,
            Self::Hold(failed) => &failed.code,
            Self::Tags(failed) => &failed.code,
        }
    }

    /// Whether trying again may help.
    pub fn may_be_retried(&self) -> bool {
        !matches!(self, Self::Hold(failed) if failed.is_final())
    }

    /// What it has in common with others: the target group or service, and the error.
    fn key(&self) -> (&str, &str) {
        match self {
            Self::Target(failed) => (failed.entry.target_group_arn.as_str(), &failed.error),
            Self::Hold(failed) => (&failed.service_arn, &failed.error),
            Self::Tags(failed) => ("", &failed.error),
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(failed) => failed.fmt(f),
            Self::Hold(failed) => failed.fmt(f),
            Self::Tags(failed) => failed.fmt(f),
        }
    }
}

impl fmt::Display for FailedTags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(task) = &self.task_arn {
            write!(f, "task {task}: ")?;
        }
        write!(f, "bindings by tags cannot be read: {}", self.error)
    }
}

/// In full, because this is what an operator reads in an error: task, group, target, cause.
impl fmt::Display for FailedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(task) = &self.entry.task_arn {
            write!(f, "task {task}, ")?;
        }
        let Self { entry, error, .. } = self;
        write!(f, "target group {}, target {}: {error}", entry.target_group_arn, entry.target())
    }
}

/// Failures in words: every target group and cause, each with its first few targets.
pub struct AllGroups<'a>(pub &'a [Failed]);

impl fmt::Display for AllGroups<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups = BTreeMap::<_, Vec<&Failed>>::new();
        for failed in self.0 {
            groups.entry(failed.key()).or_default().push(failed);
        }
        for (index, failures) in groups.values().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{}", FirstFew(failures))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::core::fixtures::{group, target, task_arn};
    use crate::core::target::{Change, Target};
    use crate::report::Report;

    const TASK: &str = "arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/c50e";

    #[test]
    fn a_failure_names_the_task_the_group_the_target_and_the_cause_in_full() {
        let mut report = Report::default();
        let error = Failure::new("RegisterTargets", Code::of_aws(Some("AccessDenied")), "no");
        report.fail(target(), &error);
        assert_eq!(report.failed_tasks(), BTreeSet::new());
        report.fail(Change { task: Some(task_arn("c50e")), target: target() }, &error);
        assert_eq!(report.failed_tasks(), BTreeSet::from([&task_arn("c50e")]));
        let group = group("demo");
        let of_none =
            format!("target group {group}, target [::1]:80: RegisterTargets: AccessDenied: no");
        let told: Vec<String> = report.failed.iter().map(ToString::to_string).collect();
        assert_eq!(told, [of_none.clone(), format!("task {TASK}, {of_none}")]);
    }

    #[test]
    fn every_group_and_cause_is_shown_however_many_targets_failed() {
        let failure = |name: &str, error: &str| {
            let entry = Target { group: group(name), ..target() }.into();
            let error = error.to_owned();
            Failed::Target(FailedEntry { entry, error, code: Code::Timeout })
        };
        let mut failures = vec![failure("a", "no"); 11];
        failures.extend([failure("b", "no"), failure("a", "gone")]);
        let [a_gone, a_no, b_no] = [12, 0, 11].map(|index| failures[index].to_string());
        let a_no = format!("{}; and 1 more", vec![a_no; 10].join("; "));
        assert_eq!(AllGroups(&failures).to_string(), format!("{a_gone}; {a_no}; {b_no}"));
    }
}
