//! The simulated AWS through the real SDK clients, one file per part of it.

mod clients;
mod describing;
mod events;
mod hook;
mod load_balancers;
mod loopback;
mod script;
mod services;
mod targets;
mod tasks;
