//! Real SDK clients on top of the simulated AWS.

use std::net::IpAddr;

use aws_sdk_ecs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_elasticloadbalancingv2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_elasticloadbalancingv2::types::TargetDescription;
use aws_sim::{Aws, TargetGroup};

pub fn elb(aws: &Aws) -> aws_sdk_elasticloadbalancingv2::Client {
    let config = aws_sdk_elasticloadbalancingv2::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(credentials())
        .region(Region::new("us-east-2"))
        .http_client(aws.http_client())
        .build();
    aws_sdk_elasticloadbalancingv2::Client::from_conf(config)
}

pub fn ecs(aws: &Aws) -> aws_sdk_ecs::Client {
    let config = aws_sdk_ecs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(credentials())
        .region(Region::new("us-east-2"))
        .http_client(aws.http_client())
        .build();
    aws_sdk_ecs::Client::from_conf(config)
}

pub fn credentials() -> Credentials {
    Credentials::new("AKIDEXAMPLE", "not-a-secret", None, None, "tests")
}

pub fn target(id: &str, port: i32) -> TargetDescription {
    TargetDescription::builder().id(id).port(port).build()
}

pub fn pair(id: &str, port: u16) -> (IpAddr, u16) {
    (id.parse().expect("an IP address"), port)
}

/// A world with one target group, a client for it, and the group's ARN.
pub fn world(group: TargetGroup) -> (Aws, aws_sdk_elasticloadbalancingv2::Client, String) {
    let aws = Aws::new();
    let arn = aws.add_target_group(group);
    let client = elb(&aws);
    (aws, client, arn)
}

/// The wire code of an error.
pub fn code<E: ProvideErrorMetadata, R>(error: SdkError<E, R>) -> Option<String> {
    error.code().map(str::to_owned)
}
