//! The simulated AWS through the real SDK clients, one file per part of it.

mod clients;
mod describing;
mod events;
mod fate;
mod load_balancers;
mod loopback;
mod rules;
mod script;
mod services;
mod targets;
mod tasks;
