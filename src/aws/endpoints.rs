//! The hosts of AWS, by the environment's settings (AWS SDKs and Tools reference, "Service-specific
//! endpoints", "Dual-stack and FIPS endpoints").
//!
//! The SDK's own loader also supports profiles, role chains and instance metadata, which Lambda
//! does not have, and makes the binary an eighth larger (docs/performance.md).

use aws_config::SdkConfig;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use crate::config::error::ConfigError;

const URL: &str = "AWS_ENDPOINT_URL";

/// The services that are called, as the SDK names them, with their own variables for an endpoint.
const SERVICES: [(&str, &str); 6] = [
    (ECS.id, "AWS_ENDPOINT_URL_ECS"),
    (ELB.id, "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2"),
    (EC2.id, "AWS_ENDPOINT_URL_EC2"),
    (TAGGING.id, "AWS_ENDPOINT_URL_RESOURCE_GROUPS_TAGGING_API"),
    (STS.id, "AWS_ENDPOINT_URL_STS"),
    (LATTICE.id, "AWS_ENDPOINT_URL_VPC_LATTICE"),
];

/// Amazon ECS (botocore, `ecs`).
pub const ECS: Service = Service::new("ECS", "ecs");

/// Elastic Load Balancing v2 (botocore, `elbv2`).
pub const ELB: Service =
    Service::new("Elastic Load Balancing v2", "elasticloadbalancing").with_fips_in_govcloud();

/// Amazon EC2 (botocore, `ec2`).
pub const EC2: Service = Service::new("EC2", "ec2").with_fips_in_govcloud();

/// The Resource Groups Tagging API (botocore, `resourcegroupstaggingapi`).
pub const TAGGING: Service = Service::new("Resource Groups Tagging API", "tagging");

/// The AWS Security Token Service (botocore, `sts`), by its regional hosts.
pub const STS: Service = Service::new("STS", "sts").with_fips_in_govcloud();

/// VPC Lattice (botocore, `vpc-lattice`).
pub const LATTICE: Service = Service::new("VPC Lattice", "vpc-lattice");

/// A service that is called without an SDK client.
#[derive(Debug)]
pub struct Service {
    /// The SDK's name for it.
    pub id: &'static str,
    /// The first part of its hosts' names, and its name in signatures.
    pub host: &'static str,
    /// Whether its plain hosts in GovCloud are those validated to FIPS 140, so that there are no
    /// others (botocore, the service's endpoint rules).
    is_fips_in_govcloud: bool,
}

impl Service {
    const fn new(id: &'static str, host: &'static str) -> Self {
        Self { id, host, is_fips_in_govcloud: false }
    }

    const fn with_fips_in_govcloud(self) -> Self {
        Self { is_fips_in_govcloud: true, ..self }
    }

    /// Where to call it: its own endpoint, that of all services, or AWS's by region and partition.
    pub fn endpoint(&self, sdk: &SdkConfig) -> String {
        let own = sdk.service_config().and_then(|settings| {
            let key = ServiceConfigKey::builder().service_id(self.id).env(URL);
            settings.load_config(key.profile("endpoint_url").build().ok()?)
        });
        own.or_else(|| sdk.endpoint_url().map(str::to_owned)).unwrap_or_else(|| {
            let region = sdk.region().map_or("", |region| region.as_ref());
            let is_dual_stack = sdk.use_dual_stack().unwrap_or(false);
            self.url(region, is_dual_stack, sdk.use_fips().unwrap_or(false))
        })
    }

    fn url(&self, region: &str, is_dual_stack: bool, is_fips: bool) -> String {
        let is_plain = self.is_fips_in_govcloud && !is_dual_stack && region.starts_with("us-gov-");
        let fips = if is_fips && !is_plain { "-fips" } else { "" };
        let (suffix, dual_stack_suffix) = suffixes(region);
        let suffix = if is_dual_stack { dual_stack_suffix } else { suffix };
        format!("https://{}{fips}.{region}.{suffix}", self.host)
    }
}

/// The suffixes of a partition's hosts, and of its dual-stack hosts (botocore, `partitions.json`).
fn suffixes(region: &str) -> (&'static str, &'static str) {
    let partitions = [
        ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
        ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
        ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
        ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
        ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    ];
    let partition = partitions.into_iter().find(|(prefix, ..)| region.starts_with(prefix));
    partition.map_or(("amazonaws.com", "api.aws"), |(_, suffix, dual)| (suffix, dual))
}

/// The endpoint settings in the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Whether to call dual-stack hosts.
    pub dual_stack: Option<bool>,
    /// Whether to call hosts validated to FIPS 140.
    pub fips: Option<bool>,
    /// The endpoint of all services, if set.
    pub url: Option<String>,
    /// The endpoints of single services, by the SDK's names.
    own: Vec<(&'static str, String)>,
}

impl Endpoints {
    /// Reads the settings; `variable` gives an environment variable's value if it is set.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let flag = |name: &str| variable(name).map(|value| flag(name, &value)).transpose();
        let ignored = flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")?.unwrap_or(false);
        let url = |name: &str| {
            let given = variable(name).filter(|_| !ignored);
            given.map(|value| url(name, value)).transpose()
        };
        let mut own = Vec::new();
        for (service, name) in SERVICES {
            own.extend(url(name)?.map(|url| (service, url)));
        }
        Ok(Self {
            dual_stack: flag("AWS_USE_DUALSTACK_ENDPOINT")?,
            fips: flag("AWS_USE_FIPS_ENDPOINT")?,
            url: url(URL)?,
            own,
        })
    }

    /// Whether a custom endpoint is called over HTTPS.
    pub fn has_https(&self) -> bool {
        self.own.iter().map(|(_, url)| url).chain(&self.url).any(|url| url.starts_with("https:"))
    }
}

/// Through this, SDK clients ask for the settings of their own service.
impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let mut own = self.own.iter().filter(|_| key.env() == URL);
        own.find(|(service, _)| *service == key.service_id()).map(|(_, url)| url.clone())
    }
}

fn flag(name: &str, value: &str) -> Result<bool, ConfigError> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => {
            let problem = format!("{value:?} is neither true nor false");
            Err(ConfigError::new(name, problem, "set it to one of them, or unset it"))
        }
    }
}

fn url(name: &str, value: String) -> Result<String, ConfigError> {
    let host = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(char::is_whitespace) => Ok(value),
        _ => {
            let problem = format!("{value:?} is no URL of an endpoint");
            let fix = "give one that begins with https:// or http://, or unset it";
            Err(ConfigError::new(name, problem, fix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Endpoints, String> {
        let set =
            |name: &str| settings.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        Endpoints::read(set).map_err(|mistake| mistake.to_string())
    }

    #[test]
    fn without_settings_the_sdk_chooses() {
        assert_eq!(read(&[]), Ok(Endpoints::default()));
        assert_eq!(read(&[(URL, ""), ("AWS_USE_FIPS_ENDPOINT", "")]), Ok(Endpoints::default()));
    }

    #[test]
    fn a_service_finds_its_own_endpoint_and_no_others() {
        let ecs = ("AWS_ENDPOINT_URL_ECS", "http://ecs.example");
        let endpoints = read(&[ecs, (URL, "https://all.example")]).unwrap();
        let key = |service, env| {
            let key = ServiceConfigKey::builder().service_id(service).env(env);
            key.profile("endpoint_url").build().unwrap()
        };
        assert_eq!(endpoints.load_config(key("ECS", URL)).as_deref(), Some("http://ecs.example"));
        assert_eq!(endpoints.load_config(key("Elastic Load Balancing v2", URL)), None);
        assert_eq!(endpoints.load_config(key("ECS", "AWS_SOMETHING_ELSE")), None);
        assert_eq!(endpoints.url.as_deref(), Some("https://all.example"));
        assert!(endpoints.has_https());
        assert!(!read(&[ecs]).unwrap().has_https());
    }

    #[test]
    fn hosts_follow_from_the_partition_and_the_kind_of_endpoint() {
        for (region, is_dual_stack, is_fips, host) in [
            ("us-east-2", false, false, "tagging.us-east-2.amazonaws.com"),
            ("us-east-2", true, false, "tagging.us-east-2.api.aws"),
            ("us-gov-west-1", false, true, "tagging-fips.us-gov-west-1.amazonaws.com"),
            ("us-gov-west-1", true, true, "tagging-fips.us-gov-west-1.api.aws"),
            ("cn-north-1", false, false, "tagging.cn-north-1.amazonaws.com.cn"),
            ("cn-north-1", true, false, "tagging.cn-north-1.api.amazonwebservices.com.cn"),
            ("eusc-de-east-1", false, false, "tagging.eusc-de-east-1.amazonaws.eu"),
            ("us-isob-east-1", true, false, "tagging.us-isob-east-1.api.aws.scloud"),
        ] {
            let url = TAGGING.url(region, is_dual_stack, is_fips);
            assert_eq!(url, format!("https://{host}"));
        }
    }

    #[test]
    fn lattice_has_dual_stack_hosts_and_such_for_fips() {
        for (is_dual_stack, is_fips, host) in [
            (false, false, "vpc-lattice.us-east-2.amazonaws.com"),
            (true, false, "vpc-lattice.us-east-2.api.aws"),
            (false, true, "vpc-lattice-fips.us-east-2.amazonaws.com"),
            (true, true, "vpc-lattice-fips.us-east-2.api.aws"),
        ] {
            assert_eq!(LATTICE.url("us-east-2", is_dual_stack, is_fips), format!("https://{host}"));
        }
    }

    #[test]
    fn where_plain_hosts_in_govcloud_are_those_of_fips_there_are_no_others() {
        for (region, is_dual_stack, is_fips, host) in [
            ("us-east-2", false, false, "us-east-2.amazonaws.com"),
            ("us-east-2", true, false, "us-east-2.api.aws"),
            ("us-east-2", false, true, "-fips.us-east-2.amazonaws.com"),
            ("us-gov-west-1", false, true, "us-gov-west-1.amazonaws.com"),
            ("us-gov-west-1", true, true, "-fips.us-gov-west-1.api.aws"),
            ("cn-north-1", false, false, "cn-north-1.amazonaws.com.cn"),
        ] {
            for service in [STS, ELB, EC2] {
                let dot = if host.starts_with('-') { "" } else { "." };
                let expected = format!("https://{}{dot}{host}", service.host);
                assert_eq!(service.url(region, is_dual_stack, is_fips), expected);
            }
        }
    }

    #[test]
    fn they_can_be_ignored() {
        let ignore = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True");
        let endpoints = read(&[(URL, "https://x"), ("AWS_ENDPOINT_URL_ECS", "http://y"), ignore]);
        assert_eq!(endpoints, Ok(Endpoints::default()));
    }

    #[test]
    fn a_mistake_names_the_variable() {
        for (name, value) in [
            (URL, "localhost:9001"),
            (URL, "https://"),
            ("AWS_ENDPOINT_URL_ECS", "http://a b"),
            ("AWS_USE_DUALSTACK_ENDPOINT", "yes"),
            ("AWS_USE_FIPS_ENDPOINT", "1"),
        ] {
            let mistake = read(&[(name, value)]).unwrap_err();
            assert!(mistake.starts_with(&format!("{name}: {value:?} is ")), "{mistake}");
        }
    }
}
