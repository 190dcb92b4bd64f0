//! The question of an operator about one task.

use serde_json::Value;

use crate::core::arn::is_name;
use crate::core::task::TaskArn;

/// A task as an operator names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskName {
    /// By its ARN.
    Arn(TaskArn),
    /// By its id, in some cluster.
    Id(String),
}

impl TaskName {
    /// Reads the `task` of `{"action": "explain", "task": …}`; `None` if it is neither an ARN of a
    /// task nor an id.
    pub fn read(payload: &Value) -> Option<Self> {
        let text = payload["task"].as_str()?;
        let arn = TaskArn::parse(text).map(Self::Arn);
        arn.or_else(|| is_name(text).then(|| Self::Id(text.to_owned())))
    }

    /// The task as AWS is to be told.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Arn(arn) => arn.as_str(),
            Self::Id(id) => id,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::fixtures::task_arn;

    #[test]
    fn a_task_is_named_by_its_arn_or_its_id_and_by_nothing_else() {
        let arn = task_arn("c50e");
        for (task, expected) in [
            (json!(arn.as_str()), Some(TaskName::Arn(arn.clone()))),
            (json!("c50e"), Some(TaskName::Id("c50e".to_owned()))),
            (json!(""), None),
            (json!("demo-cluster/c50e"), None),
            (json!("arn:aws:ecs:us-east-2:123456789012:service/demo-cluster/demo"), None),
            (json!(["c50e"]), None),
            (json!(null), None),
        ] {
            let name = TaskName::read(&json!({"task": task}));
            assert_eq!(name, expected, "{task}");
            assert!(name.is_none_or(|name| task == name.as_str()), "AWS is told the same");
        }
    }
}
