//! VPC Lattice: what doctor reads of it, and the checks of that.

pub mod checks;
pub mod reads;
