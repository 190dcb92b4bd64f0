//! The simulated AWS through the real SDK clients, one file per part of it.

mod clients;
mod deployments;
mod describing;
mod events;
mod health;
mod hook;
mod load_balancers;
mod loopback;
mod protection;
mod rolling;
mod rules;
mod scene;
mod script;
mod services;
mod stages;
mod targets;
mod tasks;
