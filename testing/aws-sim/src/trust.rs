//! The part of the handle that makes roles of other accounts, and takes them away.

use crate::aws::Aws;

impl Aws {
    /// A role that the function's may assume, if it says this external ID or the role asks for
    /// none; in place of one of the same ARN.
    pub fn add_role(&self, arn: &str, external_id: Option<&str>) {
        self.world().roles.add(arn, external_id);
    }

    /// Somebody deletes a role: its credentials are invalid at once.
    pub fn delete_role(&self, arn: &str) {
        self.world().roles.delete(arn);
    }

    /// A role no longer trusts the function's: credentials that were given out hold until they
    /// expire.
    pub fn distrust(&self, arn: &str) {
        self.world().roles.distrust(arn);
    }
}
