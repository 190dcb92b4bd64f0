//! What a check found, and what all of them did.

use serde::Serialize;
use tracing::{info, warn};

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Pass(String),
    /// It works, with a drawback; and how to fix it.
    Warn(String, String),
    /// It does not work; and how to fix it.
    Fail(String, String),
    /// There is nothing to check.
    DoesNotApply,
}

/// What was found in all bindings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// Whether nothing failed; warnings are allowed.
    pub ok: bool,
    /// The checks, in the order of the bindings.
    pub checks: Vec<Check>,
}

/// What was found in one check of one binding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The binding, for people: `service:demo-service in demo-cluster → demo-ipv6:8080`.
    pub binding: String,
    /// The check's name, which stays the same.
    pub check: &'static str,
    /// Its result.
    pub status: Status,
    /// What was found.
    pub detail: String,
    /// A sentence or command that fixes it; empty if there is nothing to fix.
    pub fix: String,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Pass,
    /// IPv6 clients are served, with a drawback.
    Warn,
    /// IPv6 clients are not served, or will not be, or that is not known.
    Fail,
}

impl Diagnosis {
    /// The same, with these checks before the others.
    #[must_use]
    pub fn after(self, first: Vec<Check>) -> Self {
        let ok = self.ok && first.iter().all(|check| check.status != Status::Fail);
        Self { ok, checks: [first, self.checks].concat() }
    }

    /// Writes a line to the log for every check that did not pass, and one for all.
    pub fn log(&self) {
        let count = |status| self.checks.iter().filter(|check| check.status == status).count();
        for Check { binding, check, status, detail, fix } in &self.checks {
            if *status != Status::Pass {
                warn!(binding, check, ?status, detail, fix, "check did not pass");
            }
        }
        let (pass, warn, fail) = (count(Status::Pass), count(Status::Warn), count(Status::Fail));
        info!(input = "doctor", pass, warn, fail, "examined");
    }
}
