//! Requests of the AWS Query protocol: a form whose lists are spelled `Targets.member.1.Id`.

use std::net::{IpAddr, SocketAddr};

use crate::api_error::ApiError;

#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) parameters: Vec<(String, String)>,
}

/// A `TargetDescription`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) address: IpAddr,
    pub(crate) port: Option<u16>,
    pub(crate) zone: Option<String>,
}

impl Query {
    pub(crate) fn parse(body: &[u8]) -> Self {
        Self { parameters: form_urlencoded::parse(body).into_owned().collect() }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(sent, _)| sent == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).ok_or_else(|| ApiError::validation(format!("'{name}' is required")))
    }

    /// The strings of a list.
    pub(crate) fn strings(&self, name: &str) -> Vec<String> {
        members(name).map_while(|member| self.get(&member).map(str::to_owned)).collect()
    }

    /// The targets of the call; one that no target group could ever take fails the whole call.
    pub(crate) fn targets(&self) -> Result<Vec<Target>, ApiError> {
        members("Targets")
            .map_while(|member| {
                let id = self.get(&format!("{member}.Id"))?;
                let port = self.get(&format!("{member}.Port"));
                let zone = self.get(&format!("{member}.AvailabilityZone"));
                Some(asked(id, port, zone))
            })
            .collect()
    }

    /// The targets as the log of calls spells them, readable or not.
    pub(crate) fn target_names(&self) -> Vec<String> {
        members("Targets")
            .map_while(|member| {
                let id = self.get(&format!("{member}.Id"))?;
                let port = self.get(&format!("{member}.Port"));
                Some(target_name(id, port))
            })
            .collect()
    }
}

fn members(list: &str) -> impl Iterator<Item = String> {
    (1..).map(move |n| format!("{list}.member.{n}"))
}

fn asked(id: &str, port: Option<&str>, zone: Option<&str>) -> Result<Target, ApiError> {
    let address = id
        .parse()
        .map_err(|_| ApiError::validation(format!("'{id}' is not a valid IP address")))?;
    let port = port.map(read_port).transpose()?;
    Ok(Target { address, port, zone: zone.map(str::to_owned) })
}

/// botocore: a `Port` is 1 to 65535.
fn read_port(text: &str) -> Result<u16, ApiError> {
    match text.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(ApiError::validation(format!("'{text}' is not a valid port"))),
    }
}

pub(crate) fn target_name(id: &str, port: Option<&str>) -> String {
    let address = id.parse::<IpAddr>();
    match (address, port.map(str::parse)) {
        (Ok(address), Some(Ok(port))) => SocketAddr::new(address, port).to_string(),
        (Ok(address), None) => address.to_string(),
        (_, Some(_)) => format!("{id}:{}", port.unwrap_or_default()),
        (Err(_), None) => id.to_owned(),
    }
}
