//! A simulated AWS for tests and local runs: load balancers and their target groups, ECS services
//! and tasks, and the Lambda Runtime API. It is a model, not a set of mocks: a call changes a state
//! that the next call sees, and the same calls at the same times always give the same answers.
//!
//! It stands in for AWS at the wire, so that the real SDK clients run on top of it:
//! - in process, as the clients' HTTP client ([`Aws::http_client`]), which follows tokio's paused
//!   time;
//! - over loopback HTTP ([`Aws::serve`]), for a real binary that [`Function`] runs.
//!
//! | module | what it is for |
//! | --- | --- |
//! | `aws` | the handle that tests and examples hold |
//! | `exchange` | the way of one call: latency, hooks, faults, effect, answer |
//! | `script` and `fault` | what a test scripted to happen to calls |
//! | `fate` | a say in every call, for what happens at random |
//! | `rates` | the token buckets that all callers share; off unless asked for |
//! | `past` | earlier states of tasks, for reads that lag behind |
//! | `world` | the state: clock, target groups, tasks, the log of calls |
//! | `wire` | requests and answers, whatever carried them |
//! | `elb`, `form`, `xml` | ELBv2's actions and their protocol (AWS Query) |
//! | `target_group`, `targets` | a target group's settings and its registered targets |
//! | `load_balancer`, `load_balancers` | a load balancer with its listeners, and ELBv2's actions about them |
//! | `rules` | the rules of listeners |
//! | `ecs`, `task` | ECS's actions (AWS JSON 1.1), and a task with its life |
//! | `service`, `task_definition`, `services` | an ECS service and its task definition, and ECS's actions about them |
//! | [`events`] | tasks as EventBridge events, and SQS batches of them |
//! | `connector`, `server` | the two ways in: in process and over loopback |
//! | [`runtime_api`], `function` | the Lambda service around a function's process |
//!
//! Nothing here keeps a timer: every state is computed from the time of the call that asks for it.

mod action;
mod aws;
mod call;
mod clock;
mod connector;
mod digest;
mod ecs;
mod elb;
pub mod events;
mod exchange;
mod fate;
mod fault;
mod form;
mod function;
mod load_balancer;
mod load_balancers;
mod past;
mod prefix;
mod rates;
mod rules;
pub mod runtime_api;
mod script;
mod server;
mod service;
mod services;
mod target_group;
mod targets;
mod task;
mod task_definition;
mod task_shape;
mod tasks;
mod wire;
mod world;
mod xml;

pub use action::Action;
pub use aws::Aws;
pub use call::{Call, Outcome};
pub use fate::{Decision, Fate, Verdict};
pub use fault::Fault;
pub use function::Function;
pub use load_balancer::LoadBalancer;
pub use rates::Rate;
pub use runtime_api::{Answer, RuntimeApi};
pub use server::Server;
pub use service::Service;
pub use target_group::TargetGroup;
pub use targets::{Health, TargetRow};
pub use task::Task;
pub use task_definition::TaskDefinition;
