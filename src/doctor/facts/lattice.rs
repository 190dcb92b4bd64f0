//! What was read of VPC Lattice.

/// A target group of VPC Lattice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatticeGroup {
    /// Its name.
    pub name: String,
    /// `IP`, `INSTANCE`, `ALB` or `LAMBDA`.
    pub target_type: String,
    /// `IPV4` or `IPV6`.
    pub ip_address_type: String,
    /// `ACTIVE`, or what it is on the way to or from there.
    pub status: String,
    /// `HTTP`, `HTTPS` or `TCP`, with its version if it has one.
    pub protocol: String,
    /// The port of targets that name none.
    pub port: Option<u16>,
    /// The id of its VPC.
    pub vpc: String,
    /// By what its targets are checked, on which port; `None` if they are not.
    pub health_check: Option<String>,
    /// The names of the services that use it. (A group has at most one: VPC Lattice user guide,
    /// "Target groups".)
    pub services: Vec<String>,
}
