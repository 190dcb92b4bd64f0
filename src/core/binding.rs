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
mod tests {
    use super::*;
    use crate::core::fixtures::{CLUSTER, binding, task};
    use crate::core::task::Phase;

    const GROUP: &str = "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo-ipv6/6d0ecf831eec9f09";

    fn cluster(text: &str) -> Option<Cluster> {
        Cluster::parse(text, &TargetGroupArn::parse(GROUP).unwrap())
    }

    #[test]
    fn a_cluster_is_known_by_its_arn_or_by_its_name_at_home() {
        assert!(cluster("demo-cluster").unwrap().is(CLUSTER));
        assert!(cluster(CLUSTER).unwrap().is(CLUSTER));
        assert!(!cluster("demo").unwrap().is(CLUSTER));
        let replaced = [("123456789012", "210987654321"), ("us-east-2", "us-east-1")];
        for (home, elsewhere) in replaced {
            let elsewhere = CLUSTER.replace(home, elsewhere);
            assert!(!cluster("demo-cluster").unwrap().is(&elsewhere));
            assert!(!cluster(CLUSTER).unwrap().is(&elsewhere));
            assert!(cluster(&elsewhere).unwrap().is(&elsewhere));
        }
        let eks = CLUSTER.replace(":ecs:", ":eks:");
        for text in ["no spaces", "", "arn:aws:ecs:us-east-2:123456789012:service/a/b", &eks] {
            assert_eq!(cluster(text), None, "{text}");
        }
    }

    #[test]
    fn a_cluster_is_in_its_account_and_region_and_its_services_are_too() {
        let cluster = cluster("demo-cluster").unwrap();
        assert_eq!(
            cluster.arn_of_service("demo"),
            "arn:aws:ecs:us-east-2:123456789012:service/demo-cluster/demo"
        );
        assert!(cluster.is_in("arn:aws:ecs:us-east-2:123456789012"));
        for elsewhere in ["arn:aws:ecs:us-east-1:123456789012", "arn:aws:ecs:us-east-2:12345678901"]
        {
            assert!(!cluster.is_in(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn a_cluster_of_an_unknown_account_is_no_other_until_the_account_is_known() {
        let group = TargetGroupArn::parse(GROUP).unwrap();
        assert_eq!(Cluster::of_unknown_account(CLUSTER, &group), None);
        let unknown = Cluster::of_unknown_account("demo-cluster", &group).unwrap();
        assert!(unknown.lacks_account() && !unknown.is(CLUSTER));
        assert_eq!((unknown.as_str(), unknown.region()), ("demo-cluster", "us-east-2"));
        let known = unknown.in_account("123456789012");
        assert!(!known.lacks_account() && known.is(CLUSTER));
        assert_eq!(known.as_str(), CLUSTER);
        assert!(known.in_account("222222222222").is(CLUSTER));
    }

    #[test]
    fn a_service_and_a_family_of_one_name_are_different_owners() {
        let service = Owner::Service("demo".into());
        let family = Owner::Family("demo".into());
        assert!(service.owns("service:demo") && !service.owns("family:demo"));
        assert!(family.owns("family:demo") && !family.owns("service:demo"));
        assert!(!service.owns("demo") && !service.owns("service:demo-2"));
    }

    #[test]
    fn what_was_given_is_shown_as_it_was_given() {
        let group = TargetGroupArn::parse(GROUP).unwrap();
        assert_eq!((group.as_str(), group.to_string().as_str()), (GROUP, GROUP));
        assert_eq!(serde_json::to_value(&group).unwrap(), GROUP);
        for text in ["demo-cluster", CLUSTER] {
            let cluster = cluster(text).unwrap();
            assert_eq!((cluster.as_str(), cluster.region()), (text, "us-east-2"));
            assert_eq!(cluster.to_string(), "demo-cluster");
        }
        assert_eq!(Owner::Service("demo".into()).to_string(), "service:demo");
        assert_eq!(Owner::Family("demo".into()).to_string(), "family:demo");
    }

    #[test]
    fn a_binding_covers_the_tasks_of_its_owner_in_its_cluster_alone() {
        let task = task("c50e", Phase::Serving, None);
        let of_other = Task { group: "service:other".to_owned(), ..task.clone() };
        let elsewhere = Task { cluster: CLUSTER.replace("demo-cluster", "other"), ..task.clone() };
        let binding = binding("demo", "demo-ipv6", None);
        assert!(binding.covers(&task));
        assert!(!binding.covers(&elsewhere) && !binding.covers(&of_other));
    }

    #[test]
    fn a_binding_repeats_one_that_differs_in_nothing() {
        let in_cluster = |text: &str| Binding {
            cluster: cluster(text).unwrap(),
            ..binding("demo", "demo-ipv6", Some(80))
        };
        let one = binding("demo", "demo-ipv6", Some(80));
        for (other, repeats) in [
            (in_cluster(CLUSTER), true),
            (in_cluster("elsewhere"), false),
            (binding("other", "demo-ipv6", Some(80)), false),
            (binding("demo", "other", Some(80)), false),
            (binding("demo", "demo-ipv6", None), false),
        ] {
            assert_eq!((one.repeats(&other), other.repeats(&one)), (repeats, repeats), "{other:?}");
        }
    }
}
