//! ECS Deployment State Change events: a service's deployment has begun.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::core::arn::{Arn, is_name};
use crate::core::binding::{Binding, Owner};
use crate::input::task_event::Unreadable;
use crate::json::JsonObject;

const SOURCE: &str = "aws.ecs";
const DETAIL_TYPE: &str = "ECS Deployment State Change";

/// The event of a deployment that begins, a rollback among them.
const IN_PROGRESS: &str = "SERVICE_DEPLOYMENT_IN_PROGRESS";

/// The ARN of an ECS service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceArn(String);

impl ServiceArn {
    /// Reads `arn:<partition>:ecs:<region>:<account>:service/[<cluster>/]<name>`; the cluster is
    /// absent from ARNs in the old short format (ECS developer guide, "Amazon Resource Names").
    pub fn parse(text: &str) -> Option<Self> {
        let arn = Arn::parse(text).filter(|arn| arn.service == "ecs")?;
        let mut names = arn.resource.strip_prefix("service/")?.split('/');
        let well_formed = names.clone().count() <= 2 && names.all(is_name);
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a binding is about this service. In an ARN of the old format the cluster is left
    /// open, so that all services of that name in the account and region are meant.
    pub fn is_bound_by(&self, binding: &Binding) -> bool {
        let Some((prefix, resource)) = self.0.split_once(":service/") else { return false };
        let Owner::Service(name) = &binding.owner else { return false };
        match resource.split_once('/') {
            Some((cluster, service)) => {
                service == name && binding.cluster.is(&format!("{prefix}:cluster/{cluster}"))
            }
            None => resource == name && binding.cluster.is_in(prefix),
        }
    }
}

impl fmt::Display for ServiceArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the envelope says that this is an ECS Deployment State Change of ECS itself.
pub fn is_deployment_state_change(input: &Value) -> bool {
    input["source"] == SOURCE && input["detail-type"] == DETAIL_TYPE
}

/// The fields that matter here (ECS developer guide, "Amazon ECS service deployment state change
/// events").
#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    resources: Vec<String>,
    detail: JsonObject<Detail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    event_name: String,
}

/// The service whose deployment begins; `None` for every other event of a deployment.
pub fn read(event: Value) -> Result<Option<ServiceArn>, Unreadable> {
    let Event { resources, detail: JsonObject(detail) } = serde_path_to_error::deserialize(event)
        .map_err(|error| {
        Unreadable::new(DETAIL_TYPE, format!("{}: {}", error.path(), error.inner()))
    })?;
    if detail.event_name != IN_PROGRESS {
        return Ok(None);
    }
    let service = resources.first().and_then(|arn| ServiceArn::parse(arn));
    service.map(Some).ok_or_else(|| {
        Unreadable::new(DETAIL_TYPE, "resources[0] is not a service's ARN".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::binding::{Cluster, Source, TargetGroupArn};

    const SERVICE: &str = "arn:aws:ecs:us-east-2:123456789012:service/demo-cluster/demo";

    fn event(name: &str, resources: &[&str]) -> Value {
        json!({
            "source": SOURCE,
            "detail-type": DETAIL_TYPE,
            "resources": resources,
            "detail": {"eventType": "INFO", "eventName": name, "deploymentId": "ecs-svc/1"},
        })
    }

    #[test]
    fn a_deployment_that_begins_names_its_service_and_others_are_ignored() {
        let begins = read(event(IN_PROGRESS, &[SERVICE])).unwrap().unwrap();
        assert_eq!(begins.to_string(), SERVICE);
        for other in
            ["SERVICE_DEPLOYMENT_COMPLETED", "SERVICE_DEPLOYMENT_FAILED", "NEW_IN_PROGRESS"]
        {
            assert_eq!(read(event(other, &[])), Ok(None), "{other}");
        }
    }

    #[test]
    fn what_names_no_service_is_unreadable() {
        for resources in [
            &[][..],
            &["demo"],
            &["arn:aws:ecs:us-east-2:123456789012:cluster/a"],
            &["arn:aws:ec2:us-east-2:123456789012:service/demo-cluster/demo"],
            &["arn:aws:ecs:us-east-2:123456789012:service/demo-cluster/demo/1"],
            &["arn:aws:ecs:us-east-2:123456789012:service/demo-cluster/"],
        ] {
            let error = read(event(IN_PROGRESS, resources)).unwrap_err().to_string();
            assert_eq!(
                error,
                "unreadable ECS Deployment State Change event: resources[0] is not a service's ARN"
            );
        }
        let error = read(json!({"detail": []})).unwrap_err().to_string();
        assert!(error.starts_with("unreadable ECS Deployment State Change event: detail"));
    }

    #[test]
    fn a_binding_is_found_by_both_formats_of_an_arn() {
        let group = "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo/6d0e";
        let target_group = TargetGroupArn::parse(group).unwrap();
        let binding = |cluster, owner| {
            let cluster = Cluster::parse(cluster, &target_group).unwrap();
            Binding {
                cluster,
                owner,
                target_group: target_group.clone(),
                port: None,
                hold: true,
                source: Source::Tag,
            }
        };
        let bound = binding("demo-cluster", Owner::Service("demo".into()));
        let short = SERVICE.replace("demo-cluster/", "");
        for (arn, binding, is_bound) in [
            (SERVICE, &bound, true),
            (&short, &bound, true),
            (SERVICE, &binding("other", Owner::Service("demo".into())), false),
            (SERVICE, &binding("demo-cluster", Owner::Family("demo".into())), false),
            (SERVICE, &binding("demo-cluster", Owner::Service("other".into())), false),
            (&SERVICE.replace("us-east-2", "us-east-1"), &bound, false),
            (&short.replace("123456789012", "210987654321"), &bound, false),
            (&short.replace("service/demo", "service/other"), &bound, false),
        ] {
            assert_eq!(ServiceArn::parse(arn).unwrap().is_bound_by(binding), is_bound, "{arn}");
        }
    }
}
