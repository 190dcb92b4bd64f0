//! The simulated AWS through the real SDK clients, one file per part of it.

mod clients;
mod describing;
mod events;
mod loopback;
mod script;
mod targets;
mod tasks;
