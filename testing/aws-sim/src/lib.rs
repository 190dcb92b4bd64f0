//! A simulated AWS for tests and local runs: load balancers, target groups, ECS services and tasks,
//! and the Lambda Runtime API. It is a model, not a set of mocks: a call changes a state that the
//! next call sees, and the same calls at the same times always give the same answers.
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
//! | `hook` | what befalls calls, decided call by call: for what happens at random |
//! | `rates` | the token buckets that all callers share; off unless asked for |
//! | `earlier_states` | earlier states of tasks, for reads that lag behind |
//! | `world` | the state: clock, target groups, tasks, the log of calls |
//! | `wire`, `api_error` | requests, answers and refusals, whatever carried them |
//! | `elb`, `query_protocol`, `xml` | ELBv2's actions and their protocol (AWS Query) |
//! | `lattice`, `rest`, `habits` | VPC Lattice's actions about target groups, their protocol (AWS restJson1), and what of them is not documented |
//! | `spelling` | how addresses are spelled |
//! | `target_group`, `targets`, `cidr` | a target group's settings and its registered targets |
//! | `load_balancer`, `load_balancers` | a load balancer with its listeners, and ELBv2's actions about them |
//! | `account_limits` | the quotas of a new account |
//! | `rules` | ELBv2's action about the rules of listeners |
//! | `tags`, `tagged`, `tagging` | the tags of resources, their changes, and the Resource Groups Tagging API's action about them |
//! | `roles`, `trust`, `sts` | roles of other accounts, their changes, and STS's action about them; whose credentials reach what |
//! | `ecs`, `ecs_input` | ECS's actions (AWS JSON 1.1) and what they read alike |
//! | `task`, `tasks`, `task_shape`, `task_actions` | a task with its life, all of them, their JSON, and ECS's actions about them |
//! | `service`, `task_definition`, `services` | an ECS service and its task definition, and ECS's actions about them |
//! | `deployment_configuration`, `starts` | how a service is deployed, and how its tasks start and stop |
//! | `deploying` | the part of the handle that drives deployments |
//! | `fleet`, `task_run` | a service that the scheduler runs, and its tasks |
//! | `scheduler` | what the scheduler starts and stops: pure decisions |
//! | `scheduling`, `native_targets` | the scheduler at work, and what it does with target groups of the service's own |
//! | `deployment` | a deployment as DescribeServices and EventBridge show it |
//! | `lifecycle_hook`, `stages` | hooks, and the stages of deployments that are not rolling ones |
//! | `protecting`, `protection`, `protection_actions` | task scale-in protection, and ECS's actions about it |
//! | `health`, `chance` | registration lags and silent targets; draws from a seed |
//! | [`events`], `timestamps` | tasks as EventBridge events, and SQS batches of them |
//! | `connector`, `server` | the two ways in: in process and over loopback |
//! | [`runtime_api`], `function` | the Lambda service around a function's process |
//!
//! Nothing here keeps a timer: every state is computed from the time of the call that asks for it.
//!
//! # Deployments
//!
//! A test, a simulation or a benchmark drives a deployment in five steps:
//!
//! ```
//! # use aws_sim::*;
//! # use std::time::Duration;
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! // A world, with chance from a seed. Two worlds with one seed can be compared task by task.
//! let seed = 1;
//! let aws = Aws::new();
//! aws.draw_registration_lags(seed, Duration::from_secs(90), Duration::from_secs(180));
//! let ipv6 = aws.add_target_group(TargetGroup::ipv6("demo-ipv6"));
//! // A service in a steady state. Its IPv6 targets are the caller's to register.
//! let service = Service::new("demo-service")
//!     .desired_count(4)
//!     .zones("abc")
//!     .deployment(DeploymentConfiguration::rolling(100, 200))
//!     .starts(Starts::fargate());
//! let service = aws.run_service(service, seed);
//! // A deployment, second by second.
//! aws.deploy(&service);
//! let mut missing = 0;
//! while aws.is_deploying(&service) {
//!     tokio::time::advance(Duration::from_secs(1)).await;
//!     for sent in aws.step() {
//!         match sent {
//!             Sent::Event(event) => drop(event), // to the function, by way of a queue
//!             Sent::Hook(call) => aws.answer_hook(&call, None), // the function's answer
//!         }
//!     }
//!     missing += 4 - aws.serving(&ipv6); // target-seconds without service
//! }
//! # assert!(missing > 0);
//! # }
//! ```
//!
//! The scheduler has its work done up to now before each call from outside is applied, so that how
//! often a caller steps changes nothing. What it does is in `scheduler`, `task_run`, `stages` and
//! `protection`, each rule with its source. Not modelled: placement and capacity, failing health
//! checks of running tasks and their grace period, alarms, Availability Zone rebalancing, early
//! success criteria, test traffic, PAUSE hooks, and the hooks' second round in a rollback.

mod account_limits;
mod action;
mod api_error;
mod aws;
mod call;
mod chance;
mod cidr;
mod clock;
mod connector;
mod deploying;
mod deployment;
mod deployment_configuration;
mod digest;
mod earlier_states;
mod ecs;
mod ecs_input;
mod elb;
pub mod events;
mod exchange;
mod fault;
mod fleet;
mod function;
mod habits;
mod health;
mod hook;
mod lattice;
mod lifecycle_hook;
mod load_balancer;
mod load_balancers;
mod native_targets;
mod network;
mod protecting;
mod protection;
mod protection_actions;
mod query_protocol;
mod rates;
mod rest;
mod roles;
mod rules;
pub mod runtime_api;
mod scheduler;
mod scheduling;
mod script;
mod server;
mod service;
mod services;
mod spelling;
mod stages;
mod starts;
mod sts;
mod tagged;
mod tagging;
mod tags;
mod target_group;
mod targets;
mod task;
mod task_actions;
mod task_definition;
mod task_run;
mod task_shape;
mod tasks;
mod timestamps;
mod trust;
mod wire;
mod world;
mod xml;

pub use action::Action;
pub use aws::Aws;
pub use call::{Call, Outcome};
pub use deployment::{Deployment, Rollout};
pub use deployment_configuration::DeploymentConfiguration;
pub use fault::Fault;
pub use fleet::Sent;
pub use function::Function;
pub use hook::{Decision, Hook, Verdict};
pub use lifecycle_hook::{LifecycleHook, Stage};
pub use load_balancer::LoadBalancer;
pub use network::{SecurityGroup, Subnet};
pub use rates::Rate;
pub use runtime_api::{Answer, RuntimeApi};
pub use server::Server;
pub use service::Service;
pub use stages::HookCall;
pub use starts::Starts;
pub use target_group::TargetGroup;
pub use targets::{Health, TargetRow};
pub use task::Task;
pub use task_definition::TaskDefinition;
