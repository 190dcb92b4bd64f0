//! Target groups in other accounts and in peered VPCs, over the simulated AWS.

mod clusters;
#[path = "../common/mod.rs"]
mod common;
mod doctor;
mod refused;
mod roles;
mod scene;
mod zones;
