//! What the doctor reads of ECS, and what it makes of it.

pub mod checks;
pub mod reads;
