//! Thin adapter over Amazon EC2: what doctor reads of the network around tasks.

use std::time::Duration;

use aws_config::SdkConfig;

use crate::aws::call::timeouts;
use crate::aws::endpoints::EC2;
use crate::aws::rate_limits::{Kind, Limits};
use crate::aws::signed_call::{Request, SignedClient};
use crate::aws::traffic::Counter;
use crate::aws::xml::Element;
use crate::core::failure::Failure;

/// The version of the API (EC2 API reference).
const VERSION: &str = "2016-11-15";

/// How long a read may take with its retries. It only adds to a diagnosis, and in a VPC without a
/// way to EC2 nothing answers.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Calls EC2.
#[derive(Clone, Debug)]
pub struct Ec2(SignedClient);

impl Ec2 {
    /// Calls with the settings of the SDK's clients; `counter` counts their requests.
    pub fn new(sdk: &SdkConfig, counter: Counter) -> Self {
        let patience = timeouts().to_builder().operation_timeout(TIMEOUT).build();
        let sdk = sdk.clone().into_builder().timeout_config(patience).build();
        Self(SignedClient::new(&sdk, &EC2, counter))
    }

    /// Reads the things of these ids, each of which goes by the `parameter` and a number.
    pub async fn describe(
        &self,
        action: &'static str,
        parameter: &str,
        ids: &[String],
        limits: &Limits,
    ) -> Result<Element, Failure> {
        let names: Vec<String> = (1..=ids.len()).map(|n| format!("{parameter}.{n}")).collect();
        let parameters: Vec<(&str, &str)> =
            names.iter().map(String::as_str).zip(ids.iter().map(String::as_str)).collect();
        let request = Request::query(action, VERSION, &parameters);
        self.0.xml(limits, Kind::Unlimited, action, request).await
    }
}
