//! The check of the role by which a target group in another account is reached.

use super::Judged;
use crate::core::binding::Binding;
use crate::doctor::facts::{AssumedRole, Facts};
use crate::doctor::verdict::Verdict::{DoesNotApply, Fail, Pass};

/// The role can be assumed. STS says the same whether the function's role may not assume it, the
/// role does not trust the function's, or the external ID is another.
pub fn role<'a>(_: &Binding, facts: &'a Facts) -> Judged<'a> {
    let Some(AssumedRole { arn, is_assumed }) = &facts.role else { return Ok(DoesNotApply) };
    let Err(error) = is_assumed else { return Ok(Pass(format!("{arn} can be assumed"))) };
    let fix = if error.code.as_str() == "AccessDenied" {
        format!(
            "allow sts:AssumeRole on {arn} in the policy of the function's role (parameter \
             RoleArns), and name the function's role as principal in the trust policy of {arn}, \
             with `externalId` as its sts:ExternalId if it asks for one"
        )
    } else {
        "invoke doctor again; if the check fails again, its error names the cause".to_owned()
    };
    Ok(Fail(error.to_string(), fix))
}
