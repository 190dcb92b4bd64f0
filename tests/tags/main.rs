//! Bindings by tags over the simulated AWS: when they are read, what holds if they cannot be, and
//! what becomes of tags that are malformed, late or gone.

#[path = "../common/mod.rs"]
mod common;

mod deployments;
mod events;
mod gone;
mod reconciles;
mod release;
mod scene;
mod slices;
