//! The real function in a simulated AWS where everything goes wrong, driven by a seed: the same
//! seed gives the same run, call for call.
//!
//! The handler and the SDK clients are the real ones, over the `aws-sim` crate in process; time is
//! tokio's paused time, so that an hour takes milliseconds.
//!
//! | module | what it is for |
//! | --- | --- |
//! | [`promises`], [`convergence`] | what must hold, in words and as checks |
//! | [`course`] | the course of a run, from its set-up to the examination |
//! | [`scenario`], [`trouble`], [`rare`] | what the seed decides |
//! | [`life`], [`subject`] | tasks: their way through life, and the truth about them |
//! | [`operator`] | deployments, scalings, crashes, the schedule, edits by hand |
//! | [`neighbours`] | what only some runs have: a crowd of bad targets, an account with a cluster of the same name |
//! | [`delivery`], [`queue`], [`copies`] | from a task's change to the function, late, doubled or never |
//! | [`trials`], [`forgery`] | what some runs try at the end, when nothing else goes wrong |
//! | [`invocation`], [`network`] | one invocation; what befalls each of its calls |
//! | [`witness`] | what those calls change and show |
//! | [`evidence`] | what ECS has shown, and to whom |
//! | [`journal`] | what the function's log tells |
//! | [`coverage`], [`history`] | what was exercised, and what happened |
//! | [`mod@run`] | what all these share |

pub mod convergence;
pub mod copies;
pub mod course;
pub mod coverage;
pub mod delivery;
pub mod evidence;
pub mod forgery;
pub mod history;
pub mod invocation;
pub mod journal;
pub mod life;
pub mod neighbours;
pub mod network;
pub mod operator;
pub mod promises;
pub mod queue;
pub mod rare;
pub mod run;
pub mod scenario;
pub mod subject;
pub mod trials;
pub mod trouble;
pub mod witness;

use coverage::Coverage;
use promises::Broken;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The first promise that was broken.
    pub broken: Option<Broken>,
    /// What was exercised.
    pub coverage: Coverage,
    /// What happened, if it was wanted.
    pub history: String,
    /// How many calls the function made.
    pub calls: usize,
}

/// Runs one seed. A history is only kept if it is wanted, because that takes time.
pub fn run(seed: u64, history: bool) -> Outcome {
    journal::listen();
    journal::clear();
    // The SDK's pauses between retries come from this thread's generator.
    fastrand::seed(seed);
    let tasks = tokio::task::LocalSet::new();
    let run = tasks.block_on(&harness::function::runtime(), course::take(seed, history));
    let calls = run.aws.calls().len();
    let state = run.state();
    Outcome {
        broken: state.broken.clone(),
        coverage: state.coverage.clone(),
        history: state.history.to_string(),
        calls,
    }
}
