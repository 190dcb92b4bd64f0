//! Deployments that are held or gated, second by second and with faults, from a seed.
//!
//! A module imports only modules below it:
//!
//! | module | what it is for |
//! | --- | --- |
//! | `run` | a run, from its set-up to its end |
//! | `ending` | the checks at the end |
//! | `watch`, `operator` | ECS second by second; what people and applications do |
//! | `delivery`, `queue`, `invoke` | from what ECS sends to the function |
//! | `injector`, `observer` | what happens to each of the function's calls; what they change and show |
//! | `stage` | what all of the above share |
//! | [`promises`] | what must hold |
//! | `ledger`, `message` | what was seen, and what is under way |
//! | `draw`, `setting`, `faults`, [`situation`] | what the seed decides; what is reached |

mod delivery;
mod draw;
mod ending;
mod faults;
mod injector;
mod invoke;
mod ledger;
mod message;
mod observer;
mod operator;
pub mod promises;
mod queue;
mod run;
mod setting;
pub mod situation;
mod stage;
mod watch;

use std::sync::Arc;

use harness::dice::Dice;
use tokio::task::LocalSet;

use crate::Outcome;
use crate::deployments::ending::EndState;
use crate::deployments::setting::Setting;
use crate::deployments::situation::Situation;
use crate::deployments::stage::Stage;
use crate::log_capture;
use crate::promises::broken;

/// Runs one seed. The history is only kept if it is wanted, because that takes time.
pub fn run(seed: u64, history: bool) -> Outcome<Situation> {
    let mut dice = Dice::of(seed ^ 0xde91_0700);
    let setting = draw::setting(&mut dice);
    let (stage, end) = perform(seed, setting.clone(), dice, history);
    if setting.compared && setting.hold_minutes > 0 {
        let without = Setting { hold_minutes: 0, ..setting };
        let (_, end_without) = perform(seed, without, Dice::of(seed), false);
        stage.cover(Situation::Compared);
        if end != end_without {
            let how = format!("it ends with {end:?}, and without a hold with {end_without:?}");
            stage.examine(|_| broken("nothing changes", how));
        }
    }
    let state = stage.state();
    Outcome {
        broken: state.broken.clone(),
        coverage: state.coverage.clone(),
        history: state.history.to_string(),
        calls: stage.aws.calls().len(),
    }
}

fn perform(
    seed: u64,
    setting: Setting,
    dice: Dice,
    history: bool,
) -> (Arc<Stage>, Option<EndState>) {
    log_capture::listen();
    log_capture::clear();
    // The SDK's pauses between retries come from this thread's generator.
    fastrand::seed(seed);
    let tasks = LocalSet::new();
    let run = run::carry_out(seed, setting, dice, history);
    tasks.block_on(&harness::function::runtime(), run)
}
