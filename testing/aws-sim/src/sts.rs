//! The Security Token Service's AssumeRole, and what the credentials that sign a call may reach.

use std::time::Duration;

use crate::action::{Action, Api};
use crate::api_error::ApiError;
use crate::query_protocol::Query;
use crate::roles::{OWN, account, key_id};
use crate::timestamps::{rfc3339, whole_seconds};
use crate::wire::Asked;
use crate::world::World;
use crate::xml;

/// Whether the credentials of a call hold, and reach what it is about. Nothing of ELBv2 can be
/// reached from another account.
pub(crate) fn admit(world: &World, asked: &Asked) -> Result<(), ApiError> {
    world.roles.check(&asked.key_id, world.now())?;
    let caller = world.roles.account_of(&asked.key_id);
    let arns = asked.resource().into_iter().chain(asked.targets());
    let owners: Vec<String> = arns
        .filter_map(|arn| Some(account(arn.strip_prefix("arn:").map(|_| &*arn)?)?.to_owned()))
        .collect();
    match asked.api() {
        Api::Elb if owners.iter().any(|owner| *owner != caller) => {
            Err(denied(asked.action, &caller))
        }
        Api::Ecs | Api::Tagging | Api::Ec2 | Api::Lattice if caller != OWN => {
            Err(denied(asked.action, &caller))
        }
        _ => Ok(()),
    }
}

fn denied(action: Action, caller: &str) -> ApiError {
    let message = format!(
        "User: arn:aws:sts::{caller}:assumed-role/demo/demo is not authorized to perform: {} \
         because no resource-based policy allows the action",
        action.iam_name()
    );
    ApiError::new("AccessDenied", message, 403)
}

/// The XML inside `<AssumeRoleResult>`. STS API reference, AssumeRole: a session's name has 2 to 64
/// characters; IAM user guide, "Role chaining": at most an hour.
pub(crate) fn assume_role(world: &mut World, query: &Query) -> Result<String, ApiError> {
    let arn = query.required("RoleArn")?;
    let name = query.required("RoleSessionName")?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if !(2..=64).contains(&name.len()) || !name.chars().all(is_word) {
        return Err(ApiError::validation(format!("'{name}' is not a session's name")));
    }
    let seconds = query.get("DurationSeconds").unwrap_or("3600").parse().unwrap_or(0);
    if !(900..=3600).contains(&seconds) {
        let message = "DurationSeconds is less than 900, or more than 3600 in a chain of roles";
        return Err(ApiError::validation(message));
    }
    let now = world.now();
    let expires = whole_seconds(now) + Duration::from_secs(seconds);
    let number = world.roles.assume(arn, query.get("ExternalId"), expires).ok_or_else(|| {
        let message = format!(
            "User: arn:aws:sts::{OWN}:assumed-role/demo/demo is not authorized to perform: \
             sts:AssumeRole on resource: {arn}"
        );
        ApiError::new("AccessDenied", message, 403)
    })?;
    let credentials = [
        xml::text("AccessKeyId", key_id(number)),
        xml::text("SecretAccessKey", format!("assumed-secret/{number}")),
        xml::text("SessionToken", format!("assumed-token//{number}==")),
        xml::text("Expiration", rfc3339(expires)),
    ];
    Ok(xml::element("Credentials", &credentials.concat()))
}
