//! Thin adapter over the Security Token Service: the credentials of a role in another account.

use std::time::SystemTime;

use aws_sdk_ecs::config::Credentials;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use tracing::debug;

use crate::aws::endpoints::STS;
use crate::aws::rate_limits::{Kind, Limits};
use crate::aws::signed_call::{Request, SignedClient};
use crate::aws::traffic::Counter;
use crate::aws::xml::Element;
use crate::core::access::{Role, session_name};
use crate::core::failure::{Code, Failure};

/// The name of the call, for messages.
pub const ASSUME_ROLE: &str = "AssumeRole";

/// The version of the API (STS API reference, "Making requests").
const VERSION: &str = "2011-06-15";

/// How long credentials last, in seconds: the most that a role gets that is assumed by another
/// role, as a Lambda function's is (IAM user guide, "Role chaining").
const DURATION: &str = "3600";

/// Assumes roles.
#[derive(Clone, Debug)]
pub struct Sts {
    client: SignedClient,
    session_name: String,
}

/// The credentials of a role, and when they expire.
#[derive(Debug)]
pub struct Session {
    /// The credentials. The SDK is not told when they expire: its clock need not be ours.
    pub credentials: Credentials,
    /// When they expire.
    pub expires: SystemTime,
}

impl Sts {
    /// An adapter with the settings of the SDK's clients; `counter` counts its requests. The other
    /// account's CloudTrail shows the sessions by the name of the `function`.
    pub fn new(sdk: &aws_config::SdkConfig, function: &str, counter: Counter) -> Self {
        Self { client: SignedClient::new(sdk, &STS, counter), session_name: session_name(function) }
    }

    /// Assumes a role. A failure does not show its external ID, although STS repeats what it does
    /// not accept.
    pub async fn assume(&self, role: &Role, limits: &Limits) -> Result<Session, Failure> {
        debug!(role = role.arn(), ASSUME_ROLE);
        let mut parameters = vec![
            ("RoleArn", role.arn()),
            ("RoleSessionName", &self.session_name),
            ("DurationSeconds", DURATION),
        ];
        parameters.extend(role.external_id().map(|id| ("ExternalId", id)));
        let request = Request {
            secret: role.external_id().map(str::to_owned),
            ..Request::query(ASSUME_ROLE, VERSION, &parameters)
        };
        let answer = self.client.xml(limits, Kind::Unlimited, ASSUME_ROLE, request).await?;
        session(&answer).ok_or_else(|| {
            let message = "it does not hold credentials and their expiration";
            Failure::new(ASSUME_ROLE, Code::UnreadableAnswer, message)
        })
    }
}

fn session(answer: &Element) -> Option<Session> {
    let found = answer.find("Credentials")?;
    let [id, key, token, expires] =
        ["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"]
            .map(|name| found.text(name));
    let expires = DateTime::from_str(expires?, Format::DateTime).ok()?;
    Some(Session {
        credentials: Credentials::new(id?, key?, Some(token?.to_owned()), None, ASSUME_ROLE),
        expires: SystemTime::try_from(expires).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    /// The example of the STS API reference, shortened.
    const ANSWER: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">
        <AssumeRoleResult><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/d/TestAR</Arn>
        <AssumedRoleId>ARO123EXAMPLE123:TestAR</AssumedRoleId></AssumedRoleUser><Credentials>
        <AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>
        <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>
        <SessionToken>
            AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQW==
        </SessionToken><Expiration>2019-11-09T13:34:41Z</Expiration></Credentials>
        </AssumeRoleResult></AssumeRoleResponse>";

    fn read(answer: &str) -> Option<Session> {
        session(&Element::parse(answer.as_bytes()).unwrap())
    }

    #[test]
    fn the_example_of_the_reference_is_read() {
        let Session { credentials, expires } = read(ANSWER).unwrap();
        assert_eq!(credentials.access_key_id(), "ASIAIOSFODNN7EXAMPLE");
        assert!(credentials.session_token().unwrap().starts_with("AQoDYXdz"));
        assert_eq!(expires, UNIX_EPOCH + Duration::from_secs(1_573_306_481));
        assert_eq!(credentials.expiry(), None);
    }

    #[test]
    fn an_answer_without_one_of_the_four_is_none() {
        for name in ["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"] {
            assert!(read(&ANSWER.replace(name, "Other")).is_none(), "{name}");
        }
        assert!(read(&ANSWER.replace("2019-11-09T", "soon ")).is_none());
    }
}
