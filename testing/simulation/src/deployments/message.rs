//! A message on its way to the function.

use serde_json::Value;

/// A message, or the event of Lambda's asynchronous invocation.
#[derive(Debug)]
pub struct Message {
    pub id: String,
    pub event: Value,
    pub about: About,
    /// How often it was received.
    pub received: u32,
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    Task,
    /// A deployment of this service that begins.
    Begin(usize),
    /// Something else about a deployment.
    Deployment,
}

impl Message {
    /// The message in words.
    pub fn words(&self) -> String {
        let detail = &self.event["detail"];
        let what = ["eventName", "lastStatus", "desiredStatus"].map(|name| &detail[name]);
        let what = what.iter().filter_map(|value| value.as_str()).collect::<Vec<_>>().join("/");
        let resource = self.event["resources"][0].as_str().unwrap_or_default();
        let name = resource.rsplit('/').next().unwrap_or_default();
        format!("{} {name} {what}", self.id)
    }
}
