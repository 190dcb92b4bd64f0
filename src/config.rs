//! The function's settings, read from environment variables. All validation is in this room; an
//! error is one line that names the variable, the entry and the fix.

mod access;
pub mod bindings;
pub mod error;

use std::time::Duration;

use crate::core::access::Accesses;
use crate::core::binding::Binding;
use crate::core::drift::Prune;
use crate::core::hold;
use error::{ConfigError, quoted};

/// What the operator has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Which tasks belong to which target groups: none twice, and at least one unless tags are
    /// read.
    pub bindings: Vec<Binding>,
    /// How the target groups of these bindings are reached, where it takes more than the function's
    /// own account and VPC.
    pub accesses: Accesses,
    /// Whether bindings are read from the tags of target groups as well.
    pub discovers_tags: bool,
    /// What a reconcile may remove.
    pub prune: Prune,
    /// Whether to decide, report and log, but write nothing.
    pub dry_run: bool,
    /// How long a deployment may be held until the targets of its new tasks are healthy; `None`
    /// holds none.
    pub hold: Option<Duration>,
    /// The region of the function, its clusters and its target groups.
    pub region: String,
    /// The function's name, a dimension of its metrics.
    pub function: String,
}

impl Config {
    /// Reads the settings; `variable` gives an environment variable's value if it is set.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        // CloudFormation can hardly omit a variable, so an empty one counts as not set.
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        let region = region.ok_or_else(|| {
            ConfigError::new(
                "AWS_REGION",
                "not set",
                "Lambda sets it; elsewhere set it to the region",
            )
        })?;
        let discovers_tags = read_discover(variable("DISCOVER").as_deref())?;
        let (bindings, accesses) = match variable("BINDINGS") {
            Some(bindings) => bindings::read(&bindings, &region)?,
            None if discovers_tags => (Vec::new(), Accesses::new()),
            None => {
                let fix = format!("set it to {}", bindings::EXAMPLE);
                return Err(ConfigError::new("BINDINGS", "not set", fix));
            }
        };
        let prune = read_prune(variable("PRUNE").as_deref())?;
        if discovers_tags && prune == Prune::All {
            let problem = "\"all\" would empty target groups whose tags lag behind";
            return Err(ConfigError::new(
                "PRUNE",
                problem,
                "set it to proven or never, or unset DISCOVER",
            ));
        }
        Ok(Self {
            bindings,
            accesses,
            discovers_tags,
            prune,
            dry_run: read_dry_run(variable("DRY_RUN").as_deref())?,
            hold: read_hold(variable("HOLD_MINUTES").as_deref())?,
            region,
            function: variable("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "local".to_owned()),
        })
    }
}

fn read_discover(value: Option<&str>) -> Result<bool, ConfigError> {
    match value {
        None => Ok(false),
        Some("tags") => Ok(true),
        Some(other) => {
            let problem = format!("{} is not known", quoted(other));
            Err(ConfigError::new("DISCOVER", problem, "set it to tags, or unset it"))
        }
    }
}

fn read_prune(value: Option<&str>) -> Result<Prune, ConfigError> {
    match value {
        None | Some("proven") => Ok(Prune::Proven),
        Some("all") => Ok(Prune::All),
        Some("never") => Ok(Prune::Never),
        Some(other) => {
            let problem = format!("{} is not known", quoted(other));
            Err(ConfigError::new("PRUNE", problem, "set it to proven, all or never"))
        }
    }
}

fn read_dry_run(value: Option<&str>) -> Result<bool, ConfigError> {
    match value {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => {
            let problem = format!("{} is neither true nor false", quoted(other));
            Err(ConfigError::new("DRY_RUN", problem, "set it to true or false"))
        }
    }
}

fn read_hold(value: Option<&str>) -> Result<Option<Duration>, ConfigError> {
    let Some(text) = value else { return Ok(None) };
    match text.parse() {
        Ok(0) => Ok(None),
        Ok(minutes @ 1..=hold::LONGEST) => Ok(Some(Duration::from_secs(60 * u64::from(minutes)))),
        _ => {
            let problem = format!("{} is no number of minutes from 0 to 2880", quoted(text));
            Err(ConfigError::new("HOLD_MINUTES", problem, "set it to 15, or to 0 for no holds"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: &str = "arn:aws:ecs:us-east-2:123456789012:cluster/demo-cluster";

    fn binding(cluster: &str, port: &str) -> String {
        let group = "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo/6d0e";
        format!(
            r#"{{"cluster":"{cluster}","service":"demo","targetGroupArn":"{group}","port":{port}}}"#
        )
    }

    fn read(settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let bindings = format!("[{}]", binding("demo-cluster", "80"));
        let defaults = [("AWS_REGION", "us-east-2"), ("BINDINGS", bindings.as_str())];
        Config::read(|name| {
            let mut settings = settings.iter().chain(&defaults);
            settings.find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn what_is_not_set_or_empty_has_its_default() {
        let default = read(&[]).unwrap();
        assert_eq!((default.prune, default.dry_run), (Prune::Proven, false));
        assert_eq!(default.bindings[0].port, Some(80));
        assert_eq!(read(&[("PRUNE", ""), ("DRY_RUN", " ")]).unwrap(), default);
        assert_eq!(read(&[("PRUNE", "proven"), ("DRY_RUN", "false")]).unwrap(), default);
        assert!(read(&[("DRY_RUN", "true")]).unwrap().dry_run);
        for (value, prune) in [("all", Prune::All), ("never", Prune::Never)] {
            assert_eq!(read(&[("PRUNE", value)]).unwrap().prune, prune);
        }
        let elsewhere = [("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "us-east-2")];
        assert_eq!(read(&elsewhere).unwrap(), default);
    }

    #[test]
    fn tags_make_bindings_optional_and_pruning_all_a_mistake() {
        let tags = ("DISCOVER", "tags");
        assert!(!read(&[("DISCOVER", " ")]).unwrap().discovers_tags);
        let both = read(&[tags]).unwrap();
        assert_eq!((both.bindings.len(), both.discovers_tags), (1, true));
        assert_eq!(read(&[tags, ("BINDINGS", "")]).unwrap().bindings, []);
        for (settings, mistake) in [
            (vec![("BINDINGS", "")], "BINDINGS: not set"),
            (vec![tags, ("BINDINGS", "[]")], "BINDINGS: holds no binding"),
            (vec![("DISCOVER", "tag")], "DISCOVER: \"tag\" is not known"),
            (vec![("DISCOVER", "Tags")], "DISCOVER: \"Tags\" is not known"),
            (vec![tags, ("PRUNE", "all")], "PRUNE: \"all\" would empty"),
        ] {
            let told = read(&settings).unwrap_err().to_string();
            assert!(told.starts_with(mistake), "{told}");
        }
        assert_eq!(read(&[tags, ("PRUNE", "never")]).unwrap().prune, Prune::Never);
    }

    #[test]
    fn bindings_that_differ_in_anything_are_several() {
        let bindings = [("demo-cluster", "80"), ("demo-cluster", "81"), ("other", "80")];
        let read = |bindings: &[(&str, &str)]| {
            let bindings: Vec<String> = bindings.iter().map(|(c, port)| binding(c, port)).collect();
            read(&[("BINDINGS", &format!("[{}]", bindings.join(",")))])
        };
        assert_eq!(read(&bindings).unwrap().bindings.len(), 3);
        let mistake = read(&[bindings[0], bindings[1], (CLUSTER, "80")]).unwrap_err();
        assert!(mistake.to_string().starts_with("BINDINGS[2]: the same binding as BINDINGS[0]"));
    }

    #[test]
    fn a_cluster_in_another_region_is_a_mistake() {
        let elsewhere = binding(&CLUSTER.replace("us-east-2", "eu-west-1"), "80");
        let mistake = read(&[("BINDINGS", &format!("[{elsewhere}]"))]).unwrap_err().to_string();
        assert!(mistake.contains("the cluster is in eu-west-1, the function in us-east-2"));
    }

    #[test]
    fn a_port_is_a_number_from_1_to_65535() {
        for (port, expected) in [("1", Some(1)), ("65535", Some(65535)), ("null", None)] {
            let bindings = format!("[{}]", binding(CLUSTER, port));
            let config = read(&[("BINDINGS", &bindings)]).unwrap();
            assert_eq!(config.bindings[0].port, expected, "{port}");
        }
        for port in ["0", "-1", "65536", "80.5", r#""80""#] {
            let bindings = format!("[{}]", binding(CLUSTER, port));
            let mistake = read(&[("BINDINGS", &bindings)]).unwrap_err().to_string();
            assert!(mistake.starts_with("BINDINGS[0].port: "), "{mistake}");
        }
    }
}
