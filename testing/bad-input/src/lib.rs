//! Bad input for the real function: inputs and settings drawn and damaged by a seed. Each result is
//! checked by an oracle that knows the documented rules and shares no code with the function. The
//! same seed gives the same case.
//!
//! A module imports only modules that do not import it, directly or through others.
//!
//! | module | what it is for |
//! | --- | --- |
//! | `documents`, `odd_values`, `mutate` | what a case is drawn from, and how it is damaged |
//! | `fixture` | the real handler over the simulated AWS |
//! | `oracle`, `deployments`, `legible`, `rules`, `lossy_json` | what an input is, by the documented rules alone |
//! | `check`, `allowed_effects`, `hook_answers`, `answer` | whether the answer and the calls are allowed |
//! | `settings` | all of this for BINDINGS, PRUNE, DRY_RUN and HOLD_MINUTES |

mod allowed_effects;
mod answer;
mod check;
mod deployments;
mod documents;
mod fixture;
mod hook_answers;
mod legible;
mod lossy_json;
mod mutate;
mod odd_values;
mod oracle;
mod rules;
mod settings;

use std::panic::{AssertUnwindSafe, catch_unwind};

use harness::dice::Dice;
use harness::function;
use lambda_runtime::tracing::subscriber as log;
use serde_json::Value;
use tokio::runtime::Runtime;

use allowed_effects::AllowedEffects;
use check::Check;
use documents::Documents;
use fixture::{Ecs, Fixture};
use settings::Settings;

pub use check::Checked;

/// The outcome of a case.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the case was, or what is wrong.
    pub verdict: Checked,
    /// How many calls to AWS the function made.
    pub calls: usize,
    /// Input and answer, if the case was to be shown or something is wrong.
    pub shown: String,
}

/// The function with everything it needs, for many cases on one thread.
pub struct Bench {
    runtime: Runtime,
    documents: Documents,
    fixtures: [Fixture; 3],
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

impl Bench {
    /// Sets up what all cases share. No case changes it.
    pub fn new() -> Self {
        let runtime = function::runtime();
        let documents = Documents::read();
        let fixture = |ecs| runtime.block_on(Fixture::new(ecs, &documents));
        let fixtures = [Ecs::Serving, Ecs::Leaving, Ecs::Empty].map(fixture);
        Self { runtime, documents, fixtures }
    }

    /// Runs the case of this seed. With `wanted` the outcome shows it even if nothing is wrong.
    pub fn case(&self, seed: u64, wanted: bool) -> Outcome {
        let mut dice = Dice::of(seed);
        // The SDK's pauses between retries come from this thread's generator.
        fastrand::seed(seed);
        if dice.chance(0.4) {
            self.settings(&mut dice, wanted)
        } else {
            self.input(&mut dice, wanted)
        }
    }

    fn settings(&self, dice: &mut Dice, wanted: bool) -> Outcome {
        let settings = Settings::draw(dice, self.documents.all());
        let (verdict, answer) = guarded(|| {
            let read = settings.read();
            (settings.check(&read), format!("{read:?}"))
        });
        let shown = wanted || verdict.is_err();
        let shown = shown.then(|| format!("settings: {settings:#?}\nread: {answer}\n"));
        Outcome { verdict, calls: 0, shown: shown.unwrap_or_default() }
    }

    fn input(&self, dice: &mut Dice, wanted: bool) -> Outcome {
        let text = self.documents.draw(dice);
        let fixture = &self.fixtures[dice.pick(&[0, 0, 1, 2])];
        // A dry run makes fewer calls and is much faster, and everything else is the same.
        let dry = !dice.chance(0.06);
        let input: Value = match serde_json::from_slice(&text) {
            Ok(input) => input,
            Err(error) => {
                let shown = if wanted {
                    format!("{}\n{error}\n", text.escape_ascii())
                } else {
                    String::new()
                };
                return Outcome { verdict: Ok("no JSON: the runtime refuses it"), calls: 0, shown };
            }
        };
        let mut made = 0;
        let (verdict, answer) = guarded(|| {
            let reading = oracle::read(&input);
            let (answer, calls) = fixture.invoke(&self.runtime, &text, &input, dry);
            made = calls.len();
            let verdict = Check(AllowedEffects { fixture, dry }).input(&reading, &answer, &calls);
            let shown = if wanted || verdict.is_err() {
                let calls: Vec<_> = calls
                    .iter()
                    .map(|c| format!("{} {:?} {:?}", c.action, c.targets, c.outcome))
                    .collect();
                format!("{answer:?}\ncalls: {calls:#?}\nread by the oracle: {reading:#?}")
            } else {
                String::new()
            };
            (verdict, shown)
        });
        let shown = wanted || verdict.is_err();
        let shown = shown.then(|| {
            let input = String::from_utf8_lossy(&text);
            format!(
                "input: {input}\nECS knows: {:?}, dry run: {dry}\nanswer: {answer}\n",
                fixture.tasks
            )
        });
        Outcome { verdict, calls: made, shown: shown.unwrap_or_default() }
    }
}

/// Runs a case and reports a panic as its verdict.
fn guarded(case: impl FnOnce() -> (Checked, String)) -> (Checked, String) {
    catch_unwind(AssertUnwindSafe(case)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        (Err(format!("panic: {text}")), String::new())
    })
}

/// Discards the function's log, but has every line formatted.
pub fn listen() {
    use log::layer::SubscriberExt;
    use log::util::SubscriberInitExt;
    let own = log::filter::Targets::new()
        .with_target("ecs_ipv6_targets", log::filter::LevelFilter::DEBUG);
    let sink =
        log::fmt().with_max_level(log::filter::LevelFilter::DEBUG).with_writer(std::io::sink);
    // A subscriber that exists already does the same.
    let _ = sink.finish().with(own).try_init();
}
