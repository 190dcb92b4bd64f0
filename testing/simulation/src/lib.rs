//! The real function in a simulated AWS where everything goes wrong, driven by a seed: the same
//! seed gives the same run, call for call.
//!
//! The handler and the SDK clients are the real ones, over the `aws-sim` crate in process; time is
//! tokio's paused time, so that an hour takes milliseconds.
//!
//! A module imports only modules below it; `tests/architecture.rs` checks that there is no circle.
//!
//! | module | what it is for |
//! | --- | --- |
//! | `run` | a run, from its set-up to the checks at its end |
//! | [`deployments`] | runs of their own: deployments that are held or gated |
//! | `trials`, `forgery`, `source_trials`, `undisturbed` | what some runs try at the end, when nothing else goes wrong |
//! | `fault_injector`, `observer`, `answers` | what happens to each of the function's calls; what they change and show; when ECS's answers show it |
//! | `operator`, `neighbours` | deployments, scalings, crashes, the schedule, edits by hand; crowds and other accounts |
//! | `group_owners` | tags that change, roles that are taken away |
//! | `life` | the life of a task, from PROVISIONING to STOPPED |
//! | `eventbridge`, `copies`, `delivery`, `queue` | from a task's change to the function: late, twice or never |
//! | `invoke` | one invocation, from its payload to its end |
//! | `world` | what all of the above share |
//! | [`promises`], `convergence`, `known_bindings`, `frugal`, `broken` | what must hold, in words and as checks of an observation |
//! | `observation`, `seen_right`, `tag_history`, `tracked_task`, `evidence`, `invocation`, `message` | the truth about tasks, what ECS has shown of them, and what the function did |
//! | `draw`, `writing`, `scenario`, `sources`, `fault_rates`, `rare`, `hung_call` | what the seed decides |
//! | `log_capture`, [`coverage`], `history` | what the function logs; what was exercised; what happened |

mod answers;
mod broken;
mod convergence;
mod copies;
pub mod coverage;
mod delivery;
pub mod deployments;
mod draw;
mod eventbridge;
mod evidence;
mod fault_injector;
mod fault_rates;
mod forgery;
mod frugal;
mod group_owners;
mod history;
mod hung_call;
mod invocation;
mod invoke;
mod known_bindings;
mod life;
mod log_capture;
mod message;
mod neighbours;
mod observation;
mod observer;
mod operator;
pub mod promises;
mod queue;
mod rare;
mod run;
mod scenario;
mod seen_right;
mod source_trials;
mod sources;
mod tag_history;
mod tracked_task;
mod trials;
mod undisturbed;
mod world;
mod writing;

use coverage::{Case, Coverage};
use promises::Broken;
use run::Kind;

/// The outcome of a run.
#[derive(Clone, Debug)]
pub struct Outcome<C = Case> {
    /// The first promise that was broken.
    pub broken: Option<Broken>,
    /// What was exercised.
    pub coverage: Coverage<C>,
    /// What happened; empty unless the history was wanted.
    pub history: String,
    /// How many calls the function made.
    pub calls: usize,
}

/// Runs one seed. The history is only kept if it is wanted, because that takes time.
pub fn run(seed: u64, history: bool) -> Outcome {
    run_of(Kind::Plain, seed, history)
}

/// Likewise, with bindings by tags and target groups in other accounts.
pub fn run_bindings(seed: u64, history: bool) -> Outcome {
    run_of(Kind::Bindings, seed, history)
}

/// Like [`run`], but each batch that writes settles whole groups, as in a large rollout.
pub fn run_whole_groups(seed: u64, history: bool) -> Outcome {
    run_of(Kind::WholeGroups, seed, history)
}

fn run_of(kind: Kind, seed: u64, history: bool) -> Outcome {
    log_capture::listen();
    log_capture::clear();
    // The SDK's pauses between retries come from this thread's generator.
    fastrand::seed(seed);
    let tasks = tokio::task::LocalSet::new();
    let world = tasks.block_on(&harness::function::runtime(), run::carry_out(seed, kind, history));
    let calls = world.aws.calls().len();
    let state = world.state();
    Outcome {
        broken: state.broken.clone(),
        coverage: state.coverage.clone(),
        history: state.history.to_string(),
        calls,
    }
}
