//! Target groups of VPC Lattice: the same promises, by other calls.

#[path = "../common/mod.rs"]
mod common;

mod deployments;
mod doctor;
mod failures;
mod reading;
mod scene;
mod settings;
mod writes;
