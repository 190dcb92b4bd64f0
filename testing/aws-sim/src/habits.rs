//! What VPC Lattice may do this way or that.

/// What AWS does not document, and may do this way or that.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Habits {
    /// Whether an address that a group cannot take fails the whole call.
    pub(crate) refuses_whole_calls: bool,
    /// Whether a target that is not there cannot be deregistered.
    pub(crate) refuses_absent_targets: bool,
}
