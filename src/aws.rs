//! Everything that names the SDK or waits for AWS. This file: what all clients share, such as
//! credentials and TLS.

pub mod accounts;
pub mod bisect;
pub mod call;
pub mod clients;
pub mod deadline;
pub mod deployments;
pub mod ec2;
pub mod ecs;
pub mod elb;
pub mod endpoints;
pub mod lattice;
pub mod rate_limits;
pub mod services;
pub mod side_by_side;
pub mod signed_call;
pub mod sts;
pub mod tagging;
pub mod targets;
pub mod traffic;
pub mod xml;

use aws_config::identity::IdentityCache;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::aws::call::{retries, timeouts};
use crate::aws::endpoints::Endpoints;
use crate::config::error::ConfigError;

/// The roots that AWS's endpoints chain to in the commercial and GovCloud partitions, from Amazon
/// Trust Services' repository. Parsing these five takes a fraction of the time of parsing all the
/// system's roots, and every cold start waits for it.
const AMAZON_ROOTS: &[u8] = include_bytes!("aws/amazon-roots.pem");

/// Settings shared by all clients. `http` carries the calls; credentials are read through
/// `variable`, from the environment that Lambda sets.
pub fn sdk_config(
    region: &str,
    http: SharedHttpClient,
    endpoints: &Endpoints,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<SdkConfig, ConfigError> {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials(variable)?))
        .identity_cache(IdentityCache::lazy().build())
        .http_client(http)
        .timeout_config(timeouts())
        .retry_config(retries())
        // The attempt's own timeout is enough for answers of a few kilobytes.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .service_config(endpoints.clone());
    config.set_endpoint_url(endpoints.url.clone());
    config.set_use_dual_stack(endpoints.dual_stack);
    config.set_use_fips(endpoints.fips);
    Ok(config.build())
}

fn credentials(variable: impl Fn(&str) -> Option<String>) -> Result<Credentials, ConfigError> {
    let given = |name: &str| variable(name).filter(|value| !value.is_empty());
    let needed = |name: &str| {
        let fix = "Lambda sets it; elsewhere export credentials, for example by \
                    eval \"$(aws configure export-credentials --format env)\"";
        given(name).ok_or_else(|| ConfigError::new(name, "not set", fix))
    };
    let (id, secret) = (needed("AWS_ACCESS_KEY_ID")?, needed("AWS_SECRET_ACCESS_KEY")?);
    Ok(Credentials::new(id, secret, given("AWS_SESSION_TOKEN"), None, "environment"))
}

/// The HTTPS client: TLS by ring, because the SDK's default (aws-lc-rs) spends 35 to 60 ms of CPU
/// seeding its random generator in the first handshake, half a second at Lambda's smallest size.
/// `AWS_CA_BUNDLE` names the roots to trust; without it they follow from the region.
pub fn https_client(
    region: &str,
    endpoints: &Endpoints,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<SharedHttpClient, ConfigError> {
    let tls =
        TlsContext::builder().with_trust_store(trust_store(region, endpoints, &variable)?).build();
    let tls =
        tls.map_err(|e| ConfigError::new("AWS_CA_BUNDLE", e, "name a file of certificates"))?;
    let ring = Provider::Rustls(CryptoMode::Ring);
    Ok(Builder::new().tls_provider(ring).tls_context(tls).build_https())
}

fn trust_store(
    region: &str,
    endpoints: &Endpoints,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<TrustStore, ConfigError> {
    if let Some(path) = variable("AWS_CA_BUNDLE").filter(|path| !path.is_empty()) {
        return bundle(&path);
    }
    // Other HTTPS endpoints may chain to other roots, and so may those of other partitions.
    if endpoints.has_https() || !chains_to_amazon(region) {
        return Ok(TrustStore::default());
    }
    Ok(TrustStore::empty().with_pem_certificate(AMAZON_ROOTS))
}

fn bundle(path: &str) -> Result<TrustStore, ConfigError> {
    let fix = "name a file of PEM certificates, or unset it";
    let mistake = |problem: String| ConfigError::new("AWS_CA_BUNDLE", problem, fix);
    let pem = std::fs::read(path).map_err(|error| mistake(format!("{path:?}: {error}")))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|error| mistake(format!("{path:?}: {error}")))?;
    let mut roots = rustls::RootCertStore::empty();
    let (usable, unusable) = roots.add_parsable_certificates(certificates);
    // The connector panics on a certificate that it cannot parse.
    if usable == 0 || unusable > 0 {
        return Err(mistake(format!(
            "{path:?}: {usable} usable certificates, {unusable} unusable"
        )));
    }
    Ok(TrustStore::empty().with_pem_certificate(pem))
}

/// Whether the endpoints of a region are AWS's own in the partitions `aws` and `aws-us-gov`.
/// China's, the European Sovereign Cloud's and the isolated regions' may chain to other roots.
fn chains_to_amazon(region: &str) -> bool {
    const AREAS: [&str; 9] = ["af", "ap", "ca", "eu", "il", "me", "mx", "sa", "us"];
    match region.split('-').collect::<Vec<_>>()[..] {
        [area, _, _] => AREAS.contains(&area),
        ["us", "gov", _, _] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regions_known_to_chain_to_amazon_get_its_roots_alone() {
        for region in
            ["us-east-2", "eu-central-1", "ap-southeast-7", "mx-central-1", "us-gov-west-1"]
        {
            assert!(chains_to_amazon(region), "{region}");
        }
        for region in
            ["cn-north-1", "us-iso-east-1", "us-isob-east-1", "eusc-de-east-1", "local", ""]
        {
            assert!(!chains_to_amazon(region), "{region}");
        }
    }

    #[test]
    fn without_credentials_the_error_says_where_they_come_from() {
        for missing in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            let others = |name: &str| (name != missing).then(|| "given".to_owned());
            let mistake = credentials(others).unwrap_err().to_string();
            assert!(
                mistake.starts_with(&format!("{missing}: not set; Lambda sets it")),
                "{mistake}"
            );
            assert!(mistake.contains("aws configure export-credentials"), "{mistake}");
        }
    }

    #[test]
    fn the_roots_that_are_built_in_can_be_used() {
        let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(AMAZON_ROOTS).collect();
        let mut store = rustls::RootCertStore::empty();
        assert_eq!(store.add_parsable_certificates(roots.unwrap()), (5, 0));
    }

    #[test]
    fn a_bundle_without_certificates_is_a_mistake_and_no_panic() {
        let missing = |name: &str| (name == "AWS_CA_BUNDLE").then(|| "/no/such/file".to_owned());
        let error =
            trust_store("us-east-2", &Endpoints::default(), missing).unwrap_err().to_string();
        assert!(error.starts_with("AWS_CA_BUNDLE: \"/no/such/file\""), "{error}");
        let other = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let no_certificates = |name: &str| (name == "AWS_CA_BUNDLE").then(|| other.to_owned());
        let error = trust_store("us-east-2", &Endpoints::default(), no_certificates)
            .unwrap_err()
            .to_string();
        assert!(error.contains("0 usable"), "{error}");
    }
}
