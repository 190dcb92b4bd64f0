//! What the doctor reads of Elastic Load Balancing, and what it makes of it.

pub mod checks;
pub mod reads;
