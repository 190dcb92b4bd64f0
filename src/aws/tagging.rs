//! Thin adapter over the Resource Groups Tagging API: which target groups have the tag that binds
//! tasks to them.

use serde::Deserialize;
use serde_json::json;
use tracing::debug;

use crate::aws::endpoints::TAGGING;
use crate::aws::rate_limits::{Kind, Limits};
use crate::aws::signed_call::{Request, SignedClient};
use crate::aws::traffic::Counter;
use crate::core::failure::Failure;
use crate::core::tags::KEY;

/// Resources in one page: the most that GetResources takes (Resource Groups Tagging API reference,
/// GetResources: `ResourcesPerPage`).
const PAGE: usize = 100;

/// The name of the call, for messages.
pub const GET_RESOURCES: &str = "GetResources";

/// A tagged resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// Its ARN.
    pub arn: String,
    /// The value of its tag.
    pub value: String,
}

/// Reads tags.
#[derive(Clone, Debug)]
pub struct Tagging {
    client: SignedClient,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    pagination_token: Option<String>,
    #[serde(default)]
    resource_tag_mapping_list: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(rename = "ResourceARN")]
    arn: String,
    #[serde(default, rename = "Tags")]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

impl Tagging {
    /// An adapter with the settings of the SDK's clients; `counter` counts its requests.
    pub fn new(sdk: &aws_config::SdkConfig, counter: Counter) -> Self {
        Self { client: SignedClient::new(sdk, &TAGGING, counter) }
    }

    /// All target groups with the tag, as far as they could be read, and why the rest could not:
    /// the pages up to the first that fails.
    ///
    /// The API is an index of tags. It lags behind, and shows deleted resources for a while.
    pub async fn target_groups(&self, limits: &Limits) -> (Vec<Tagged>, Option<Failure>) {
        let mut found = Vec::new();
        let mut token = String::new();
        loop {
            let page = match self.page(&token, limits).await {
                Ok(page) => page,
                Err(error) => return (found, Some(error)),
            };
            found.extend(page.resource_tag_mapping_list.into_iter().filter_map(tagged));
            token = page.pagination_token.unwrap_or_default();
            if token.is_empty() {
                return (found, None);
            }
        }
    }

    async fn page(&self, token: &str, limits: &Limits) -> Result<Page, Failure> {
        debug!(is_first = token.is_empty(), GET_RESOURCES);
        let body = json!({
            "TagFilters": [{"Key": KEY}],
            "ResourceTypeFilters":
                ["elasticloadbalancing:targetgroup", "vpc-lattice:targetgroup"],
            "ResourcesPerPage": PAGE,
            "PaginationToken": token,
        });
        let target = "ResourceGroupsTaggingAPI_20170126.GetResources";
        let request = Request::json_1_1(target, body.to_string());
        self.client.call(limits, Kind::TagRead, GET_RESOURCES, request).await
    }
}

/// The index also lists resources that had the tag once (the same reference: "tagged or previously
/// tagged").
fn tagged(resource: Resource) -> Option<Tagged> {
    let tag = resource.tags.into_iter().find(|tag| tag.key == KEY)?;
    Some(Tagged { arn: resource.arn, value: tag.value })
}
