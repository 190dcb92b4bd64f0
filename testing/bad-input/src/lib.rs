//! Bad input for the real function: inputs and settings drawn and damaged by a seed, and what came
//! of each judged by an oracle that knows the documented rules and nothing of the function. The
//! same seed gives the same case.
//!
//! | module | what it is for |
//! | --- | --- |
//! | [`documents`], [`odd`], [`mutate`] | what a case is drawn from, and how it is damaged |
//! | [`scene`] | where an input lands: the real handler over the simulated AWS |
//! | [`oracle`], [`rules`], [`lenient`], [`timestamp`] | what an input is, by the documented rules alone |
//! | [`judge`], [`follows`], [`answer`] | whether what came of an input is one of the things that may |
//! | [`settings`] | all of this for BINDINGS, PRUNE and DRY_RUN |

pub mod answer;
pub mod documents;
pub mod follows;
pub mod judge;
pub mod lenient;
pub mod mutate;
pub mod odd;
pub mod oracle;
pub mod rules;
pub mod scene;
pub mod settings;
pub mod timestamp;

use std::panic::{AssertUnwindSafe, catch_unwind};

use harness::dice::Dice;
use harness::function;
use lambda_runtime::tracing::subscriber as log;
use serde_json::Value;
use tokio::runtime::Runtime;

use documents::Documents;
use judge::{Judge, Verdict};
use scene::{Ecs, Scene};
use settings::Settings;

/// What came of a case.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// In few words what it was, or what is wrong.
    pub verdict: Verdict,
    /// How many calls to AWS the function made.
    pub calls: usize,
    /// Input and answer, where they are wanted or something is wrong.
    pub told: String,
}

/// The function with all it needs, for one thread and many cases.
pub struct Bench {
    runtime: Runtime,
    documents: Documents,
    scenes: [Scene; 3],
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

impl Bench {
    /// Sets up what all cases share; none of it is changed by them.
    pub fn new() -> Self {
        let runtime = function::runtime();
        let documents = Documents::read();
        let scene = |ecs| runtime.block_on(Scene::new(ecs, &documents));
        let scenes = [Ecs::Serving, Ecs::Leaving, Ecs::Empty].map(scene);
        Self { runtime, documents, scenes }
    }

    /// Runs the case of this seed. With `wanted` it is told even if nothing is wrong.
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
            (settings.judge(&read), format!("{read:?}"))
        });
        let told = wanted || verdict.is_err();
        let told = told.then(|| format!("settings: {settings:#?}\nread: {answer}\n"));
        Outcome { verdict, calls: 0, told: told.unwrap_or_default() }
    }

    fn input(&self, dice: &mut Dice, wanted: bool) -> Outcome {
        let text = self.documents.draw(dice);
        let scene = &self.scenes[dice.pick(&[0, 0, 1, 2])];
        // To write nothing makes fewer calls and is much faster, and all else is the same.
        let dry = !dice.chance(0.06);
        let input: Value = match serde_json::from_slice(&text) {
            Ok(input) => input,
            Err(error) => {
                let told = if wanted {
                    format!("{}\n{error}\n", text.escape_ascii())
                } else {
                    String::new()
                };
                return Outcome { verdict: Ok("no JSON: the runtime refuses it"), calls: 0, told };
            }
        };
        let mut made = 0;
        let (verdict, answer) = guarded(|| {
            let reading = oracle::read(&input);
            let (answer, calls) = scene.invoke(&self.runtime, input, dry);
            made = calls.len();
            let verdict = Judge { scene, dry }.input(&reading, &answer, &calls);
            let told = if wanted || verdict.is_err() {
                let calls: Vec<_> = calls
                    .iter()
                    .map(|c| format!("{} {:?} {:?}", c.action, c.targets, c.outcome))
                    .collect();
                format!("{answer:?}\ncalls: {calls:#?}\nread by the oracle: {reading:#?}")
            } else {
                String::new()
            };
            (verdict, told)
        });
        let told = wanted || verdict.is_err();
        let told = told.then(|| {
            let input = String::from_utf8_lossy(&text);
            format!(
                "input: {input}\nECS knows: {:?}, dry run: {dry}\nanswer: {answer}\n",
                scene.tasks
            )
        });
        Outcome { verdict, calls: made, told: told.unwrap_or_default() }
    }
}

/// A panic is a verdict, too.
fn guarded(case: impl FnOnce() -> (Verdict, String)) -> (Verdict, String) {
    catch_unwind(AssertUnwindSafe(case)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        (Err(format!("panic: {text}")), String::new())
    })
}

/// Has the function write its log to nowhere, so that what it would say is put into words.
pub fn listen() {
    use log::layer::SubscriberExt;
    use log::util::SubscriberInitExt;
    let own = log::filter::Targets::new()
        .with_target("ecs_ipv6_targets", log::filter::LevelFilter::DEBUG);
    let sink =
        log::fmt().with_max_level(log::filter::LevelFilter::DEBUG).with_writer(std::io::sink);
    // Where somebody listens already, that serves as well.
    let _ = sink.finish().with(own).try_init();
}
