//! A binding says which tasks belong to which target group. Bindings come from [`crate::config`];
//! their meaning is decided here.

use std::fmt;

use crate::core::arn::{Arn, is_name};
use crate::core::tags;
use crate::core::task::Task;

pub use crate::core::target_group::{NotATargetGroup, TargetGroupArn};

/// A cluster as an operator names it: by its name or by its ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    given: String,
    arn: String,
}

impl Cluster {
    /// Reads `arn:<partition>:ecs:<region>:<account>:cluster/<name>`, or the name of a cluster in
    /// the account and region of `group`. Names are unique only there.
    pub fn parse(text: &str, group: &TargetGroupArn) -> Option<Self> {
        let arn = if text.starts_with("arn:") {
            Arn::parse(text)
                .filter(|arn| arn.service == "ecs")
                .and_then(|arn| arn.resource.strip_prefix("cluster/"))
                .filter(|name| is_name(name))?;
            text.to_owned()
        } else {
            let Arn { partition, region, account, .. } = Arn::parse(group.as_str())?;
            is_name(text)
                .then(|| format!("arn:{partition}:ecs:{region}:{account}:cluster/{text}"))?
        };
        Some(Self { given: text.to_owned(), arn })
    }

    /// The cluster of this name in the function's own account, which is not known yet, and in the
    /// region of `group`, which is in another account.
    pub fn of_unknown_account(name: &str, group: &TargetGroupArn) -> Option<Self> {
        let Arn { partition, region, .. } = Arn::parse(group.as_str())?;
        let arn = is_name(name).then(|| format!("arn:{partition}:ecs:{region}::cluster/{name}"))?;
        Some(Self { given: name.to_owned(), arn })
    }

    /// Whether its account is not known yet.
    pub fn lacks_account(&self) -> bool {
        self.arn.contains("::cluster/")
    }

    /// The same cluster, in this account if its own was not known. It is called by its ARN then.
    #[must_use]
    pub fn in_account(self, account: &str) -> Self {
        if !self.lacks_account() {
            return self;
        }
        let arn = self.arn.replacen("::cluster/", &format!(":{account}:cluster/"), 1);
        Self { given: arn.clone(), arn }
    }

    /// The cluster as AWS is to be told: as the operator named it, by name or ARN.
    pub fn as_str(&self) -> &str {
        &self.given
    }

    /// The region of the cluster.
    pub fn region(&self) -> &str {
        self.arn.split(':').nth(3).unwrap_or_default()
    }

    /// Whether this is the cluster with this ARN.
    pub fn is(&self, arn: &str) -> bool {
        self.arn == arn
    }

    /// The ARN of a service in it.
    pub fn arn_of_service(&self, name: &str) -> String {
        format!("{}/{name}", self.arn.replacen(":cluster/", ":service/", 1))
    }

    /// Whether it is in the account and region that an ARN begins with: `arn:aws:ecs:R:A`.
    pub fn is_in(&self, prefix: &str) -> bool {
        self.arn.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(":cluster/"))
    }

    /// Whether both are the same cluster, however it was named.
    pub fn is_same(&self, other: &Self) -> bool {
        self.arn == other.arn
    }
}

impl fmt::Display for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.arn.rsplit('/').next().unwrap_or(&self.arn))
    }
}

/// Whose tasks a binding covers: those of a service, or standalone ones of a task definition
/// family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The tasks that the ECS service of this name started.
    Service(String),
    /// The tasks started by RunTask or StartTask from this task definition family.
    Family(String),
}

impl Owner {
    /// Whether a task's `group` names this owner: `service:<name>` or `family:<family>`
    /// (ECS API reference, Task: "The name of the task group that's associated with the task").
    pub fn owns(&self, group: &str) -> bool {
        match (self, group.split_once(':')) {
            (Self::Service(name), Some(("service", given))) => name == given,
            (Self::Family(name), Some(("family", given))) => name == given,
            _ => false,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(name) => write!(f, "service:{name}"),
            Self::Family(name) => write!(f, "family:{name}"),
        }
    }
}

/// Where a binding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// In this entry of `BINDINGS`, counted from 0.
    Entry(usize),
    /// In the tag of its target group (see [`crate::core::tags`]).
    Tag,
}

/// "The tasks of this service serve in this target group on this port."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The cluster in which the tasks run.
    pub cluster: Cluster,
    /// The owner of the tasks.
    pub owner: Owner,
    /// The target group in which they serve.
    pub target_group: TargetGroupArn,
    /// The port on which they serve; `None` means the target group's own port.
    pub port: Option<u16>,
    /// Whether a deployment of the service waits for the targets in this group, if holds are on.
    pub hold: bool,
    /// Where it stands.
    pub source: Source,
}

impl Binding {
    /// What a task's `cluster` and `group` have to be: the cluster's ARN, and the kind and name of
    /// the owner.
    pub fn key(&self) -> (&str, &'static str, &str) {
        match &self.owner {
            Owner::Service(name) => (&self.cluster.arn, "service", name),
            Owner::Family(name) => (&self.cluster.arn, "family", name),
        }
    }

    /// Where it stands, in words: `BINDINGS[0]`, or the tag with its entry.
    pub fn source(&self) -> String {
        match self.source {
            Source::Entry(index) => format!("BINDINGS[{index}]"),
            Source::Tag => format!("tag {}={}", tags::KEY, tags::entry(self)),
        }
    }

    /// The same binding; if the account of its cluster is not known, it is this one, the function's
    /// own.
    #[must_use]
    pub fn at_home(self, account: &str) -> Self {
        Self { cluster: self.cluster.in_account(account), ..self }
    }

    /// Whether this binding puts `task` into its target group.
    pub fn covers(&self, task: &Task) -> bool {
        self.owner.owns(&task.group) && self.cluster.is(&task.cluster)
    }

    /// Whether both put the same tasks into the same target group on the same port.
    pub fn repeats(&self, other: &Self) -> bool {
        self.cluster.is_same(&other.cluster)
            && self.owner == other.owner
            && self.target_group == other.target_group
            && self.port == other.port
    }
}

/// For people: `service:demo-service in demo-cluster → demo-ipv6:8080`.
impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cluster, owner, target_group, port, .. } = self;
        write!(f, "{owner} in {cluster} → {}", target_group.name())?;
        port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests;
