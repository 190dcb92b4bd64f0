//! Roles of other accounts, and the credentials that were given out for them.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::api_error::ApiError;

/// The account whose own credentials the function has.
pub(crate) const OWN: &str = "123456789012";

/// Roles, and the credentials that were given out for them.
#[derive(Debug, Default)]
pub(crate) struct Roles {
    roles: BTreeMap<String, Role>,
    /// By the id of their access key.
    sessions: BTreeMap<String, Session>,
}

#[derive(Debug)]
struct Role {
    external_id: Option<String>,
    /// Whether its trust policy names the function's role.
    is_trusting: bool,
}

#[derive(Debug)]
struct Session {
    role: String,
    expires: SystemTime,
}

impl Roles {
    /// The account whose credentials these are.
    pub(crate) fn account_of(&self, key_id: &str) -> String {
        let session = self.sessions.get(key_id);
        session.and_then(|session| account(&session.role)).unwrap_or(OWN).to_owned()
    }

    /// Whether credentials still hold (IAM user guide, "Troubleshoot IAM": those of a deleted role
    /// are invalid at once; "Revoke IAM role temporary security credentials": those of a role that
    /// trusts no longer hold until they expire).
    pub(crate) fn check(&self, key_id: &str, now: SystemTime) -> Result<(), ApiError> {
        let Some(session) = self.sessions.get(key_id) else { return Ok(()) };
        if !self.roles.contains_key(&session.role) {
            let message = "The security token included in the request is invalid";
            return Err(ApiError::new("InvalidClientTokenId", message, 403));
        }
        if session.expires <= now {
            let message = "The security token included in the request is expired";
            return Err(ApiError::new("ExpiredToken", message, 403));
        }
        Ok(())
    }

    /// A role that may be assumed by who says this external ID, or by any if it asks for none.
    pub(crate) fn add(&mut self, arn: &str, external_id: Option<&str>) {
        let external_id = external_id.map(str::to_owned);
        self.roles.insert(arn.to_owned(), Role { external_id, is_trusting: true });
    }

    pub(crate) fn delete(&mut self, arn: &str) {
        self.roles.remove(arn);
    }

    pub(crate) fn distrust(&mut self, arn: &str) {
        if let Some(role) = self.roles.get_mut(arn) {
            role.is_trusting = false;
        }
    }

    /// Gives out credentials of a role; their number, unless it may not be assumed.
    pub(crate) fn assume(
        &mut self,
        arn: &str,
        external_id: Option<&str>,
        expires: SystemTime,
    ) -> Option<usize> {
        let role = self.roles.get(arn)?;
        let is_right = role.external_id.is_none() || role.external_id.as_deref() == external_id;
        if !role.is_trusting || !is_right {
            return None;
        }
        let number = self.sessions.len() + 1;
        let session = Session { role: arn.to_owned(), expires };
        self.sessions.insert(key_id(number), session);
        Some(number)
    }
}

/// The id of an access key that was given out.
pub(crate) fn key_id(number: usize) -> String {
    format!("ASIASIM{number:013}")
}

/// The fifth part of an ARN.
pub(crate) fn account(arn: &str) -> Option<&str> {
    arn.split(':').nth(4)
}
