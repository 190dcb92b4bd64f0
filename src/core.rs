//! Decisions and nouns: pure data and functions. This room has no clock, no network, no async and
//! no SDK, and imports nothing from other rooms but `json`.

pub mod access;
pub mod arn;
pub mod binding;
pub mod caught_up;
pub mod deployment;
pub mod drift;
pub mod failure;
#[cfg(test)]
pub mod fixtures;
pub mod health;
pub mod hold;
pub mod knowledge;
pub mod plan;
pub mod slices;
pub mod tags;
pub mod target;
pub mod target_group;
pub mod task;
pub mod verdict;
