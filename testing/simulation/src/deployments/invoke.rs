//! Invokes the function, and kills it now and then.

use std::time::Duration;

use harness::lambda;
use serde_json::Value;

use crate::deployments::ledger::{Look, LookKind};
use crate::deployments::situation::Situation;
use crate::deployments::stage::Stage;
use crate::invocation::{Ending, NUMBER};
use crate::log_capture;

/// `Timeout` of the template.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Invokes the function; the answer is what was seen of it, and how it ended.
pub async fn invoke(stage: &Stage, kind: LookKind, payload: Value) -> (Look, Ending) {
    let now = stage.aws.now();
    let look = Look::new(kind, now);
    let kill = look.kill.clone();
    let number = {
        let state = &mut *stage.state();
        let number = state.number();
        state.ledger.looks.insert(number, look);
        number
    };
    let context = lambda::context(now + TIMEOUT);
    let handle = stage.function.invoke(lambda::event(&payload, context));
    let ending = tokio::select! {
        biased;
        () = kill.notified() => Ending::Killed,
        () = tokio::time::sleep(TIMEOUT) => Ending::Killed,
        answer = NUMBER.scope(number, handle) => match answer {
            Ok(answer) => Ending::Answer(answer),
            Err(error) => Ending::Error(error.to_string()),
        },
    };
    let logged = log_capture::take(number);
    stage.note(&format!("invocation {number}"), || match &ending {
        Ending::Answer(answer) => format!("{kind:?} answers {}; {logged}", shortened(answer)),
        Ending::Error(error) => format!("{kind:?} fails: {error}; {logged}"),
        Ending::Killed => format!("{kind:?} is killed"),
    });
    if matches!(ending, Ending::Error(_)) {
        stage.cover(Situation::FunctionError);
    }
    let state = &mut *stage.state();
    let look = state.ledger.looks.remove(&number).expect("it is under way");
    if ending.answer().is_some() && !look.hold_struck && !look.other_struck {
        for service in &look.rolling_back {
            state.ledger.services[*service].rollback_seen = true;
        }
    }
    (look, ending)
}

/// The function is gone for good, and with it every invocation.
pub fn go(stage: &Stage) {
    let now = stage.aws.now();
    let state = &mut *stage.state();
    if state.gone {
        return;
    }
    state.gone = true;
    state.queue.clear();
    state.coverage.note(Situation::FunctionGone);
    let holding = (0..stage.services.len()).any(|service| state.ledger.held(service, now) > 0);
    if holding {
        state.coverage.note(Situation::FunctionGoneWhileHolding);
    }
    for look in state.ledger.looks.values_mut() {
        look.other_struck = true;
        look.kill.notify_one();
    }
}

/// The answer as it stands in the history. A report is not repeated, because the calls and the log
/// line say the same in fewer words.
fn shortened(answer: &Value) -> String {
    let is_report = answer.get("registered").is_some();
    if is_report { "its report".to_owned() } else { answer.to_string() }
}
