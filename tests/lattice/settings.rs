//! What stops the start, and where VPC Lattice is called.

use aws_sim::Aws;
use ecs_ipv6_targets::config::Config;
use serde_json::{Value, json};

use crate::common::{Function, PORT, binding, task};
use crate::scene::group;

/// The mistake in these bindings.
fn mistake(bindings: &Value) -> String {
    let variable = |name: &str| match name {
        "BINDINGS" => Some(bindings.to_string()),
        "AWS_REGION" => Some("us-east-2".to_owned()),
        _ => None,
    };
    Config::read(variable).unwrap_err().to_string()
}

#[test]
fn a_role_or_a_zone_is_a_mistake() {
    for (field, value, told) in [
        ("roleArn", "arn:aws:iam::123456789012:role/r", "cannot be in another account"),
        ("roleArn", "nonsense", "cannot be in another account"),
        ("zone", "all", "have no zone"),
        ("zone", "us-east-2a", "have no zone"),
        ("externalId", "prod", "given without roleArn"),
    ] {
        let mut binding = binding(&group().arn(), Some(PORT));
        binding[field] = value.into();
        let mistake = mistake(&json!([binding]));
        assert!(mistake.starts_with(&format!("BINDINGS[0].{field}: ")), "{mistake}");
        assert!(mistake.contains(told), "{mistake}");
    }
}

#[test]
fn a_malformed_arn_and_another_region_are_mistakes() {
    let arn = group().arn();
    for (arn, told) in [
        (arn.replace("/tg-", "/"), "is a malformed ARN"),
        (arn.replace(":targetgroup/tg-", ":service/svc-"), "nor one of VPC Lattice"),
        (arn.replace("us-east-2", "eu-west-1"), "the target group is in eu-west-1"),
    ] {
        let mistake = mistake(&json!([binding(&arn, Some(PORT))]));
        assert!(mistake.starts_with("BINDINGS[0].targetGroupArn: "), "{mistake}");
        assert!(mistake.contains(told), "{mistake}");
    }
}

#[tokio::test(start_paused = true)]
async fn lattice_is_called_where_the_settings_say() {
    for (settings, host) in [
        (&[("AWS_ENDPOINT_URL_VPC_LATTICE", "https://lattice.example")][..], "lattice.example"),
        (&[("AWS_ENDPOINT_URL", "https://all.example")], "all.example"),
        (&[("AWS_USE_DUALSTACK_ENDPOINT", "true")], "vpc-lattice.us-east-2.api.aws"),
        (&[("AWS_USE_FIPS_ENDPOINT", "true")], "vpc-lattice-fips.us-east-2.amazonaws.com"),
    ] {
        let aws = Aws::new();
        let arn = aws.add_target_group(group());
        let function = Function::with(aws, json!([binding(&arn, Some(PORT))]), settings).await;
        function.deliver(&task(0)).await.unwrap();
        let calls = function.calls();
        assert!(calls.iter().all(|call| call.host == host), "{settings:?} {calls:?}");
        assert_eq!(calls[0].region.as_deref(), Some("us-east-2"));
    }
}
