//! Checks the answer to an input, and with it the calls.

use aws_sim::Call;
use ecs_ipv6_targets::core::target::Write;
use ecs_ipv6_targets::error::Error;
use serde_json::Value;

use crate::allowed_effects::AllowedEffects;
use crate::answer::{self, Report};
use crate::deployments::Hook;
use crate::fixture::NOW;
use crate::hook_answers;
use crate::legible::Legible;
use crate::oracle::{Claim, Event, Message, Phase, Reading, Release, Sight};

/// What the function made of an input.
pub type Answer = Result<Value, Error>;

/// The result of a check: a name for what the case was, or what is wrong.
pub type Checked = Result<&'static str, String>;

/// The check of one input.
pub struct Check<'a>(pub AllowedEffects<'a>);

impl Check<'_> {
    /// Checks the answer and the calls. The result names what the input was, or says what is wrong.
    pub fn input(&self, reading: &Reading, answer: &Answer, calls: &[Call]) -> Checked {
        self.0.calls(reading, calls)?;
        if let Err(error) = answer {
            one_line(error)?;
        }
        let refused = matches!(answer, Err(Error::UnknownInput));
        if refused && (reading.claims.is_empty() || reading.contradicted) {
            return Ok("refused: UnknownInput");
        }
        let mut verdict = Err(format!("not ours, and not refused: {answer:?}"));
        for claim in &reading.claims {
            verdict = self.claim(claim, answer);
            if verdict.is_ok() {
                break;
            }
        }
        verdict
    }

    fn claim(&self, claim: &Claim, answer: &Answer) -> Checked {
        match claim {
            Claim::Event(event) => self.event(event, answer),
            Claim::Copy(event) => self.copy(event, answer),
            Claim::Batch(messages) => self.batch(messages, answer),
            Claim::Deployment(legible) => self.deployment(*legible, answer),
            Claim::Hook(hook) => self.hook(hook, answer),
            Claim::Reconcile => self.reconcile(answer, self.0.dry).map(|()| "reconcile"),
            Claim::Plan => self.reconcile(answer, true).map(|()| "plan"),
            Claim::Doctor => answer::checks(success(answer)?).map(|()| "doctor"),
            Claim::Release(release) => self.release(release, answer),
            Claim::Explain(task) => self.explain(task, answer),
            Claim::Widget => answer::page(success(answer)?).map(|()| "widget"),
            Claim::Describe => answer::description(success(answer)?).map(|()| "describe"),
        }
    }

    /// A task that ECS knows has an entry for each binding that covers it, and another has a
    /// reason.
    fn explain(&self, named: &str, answer: &Answer) -> Checked {
        let explanation = answer::explanation(success(answer)?)?;
        let id = named.rsplit('/').next();
        let known = self.0.fixture.tasks.iter().find(|task| task.arn.rsplit('/').next() == id);
        let known = known.filter(|task| !named.contains('/') || task.arn == named);
        let bound = known.map(|task| self.0.bound(&[task], &task.arn).len());
        let covering = bound.unwrap_or_default();
        let fits = explanation.task.as_ref() == known.map(|task| &task.arn)
            && explanation.bindings == covering
            && explanation.has_because == (covering == 0);
        match known {
            _ if !fits => Err(format!("{named} is explained by {explanation:?}")),
            Some(_) => Ok("explain: known"),
            None => Ok("explain: unknown"),
        }
    }

    fn event(&self, event: &Event, answer: &Answer) -> Checked {
        match (answer, event.legible, &event.sight) {
            (Err(Error::UnreadableEvent(_)), Legible::No | Legible::Perhaps, _) => {
                Ok("event: UnreadableEvent")
            }
            (Err(Error::TargetsFailed(_)), _, Some(sight)) if self.0.may_fail(&[sight]) => {
                Ok("event: TargetsFailed")
            }
            (Ok(answer), Legible::Yes | Legible::Perhaps, Some(sight)) => {
                self.report_of_event(event.legible, sight, answer::report(answer)?)
            }
            _ => Err(format!("an event that is readable: {:?}, and {answer:?}", event.legible)),
        }
    }

    /// Nothing is held here, so that the report of one that can be read is empty.
    fn deployment(&self, legible: Legible, answer: &Answer) -> Checked {
        match (answer, legible) {
            (Err(Error::UnreadableEvent(_)), Legible::No | Legible::Perhaps) => {
                Ok("deployment: UnreadableEvent")
            }
            (Ok(answer), Legible::Yes | Legible::Perhaps) => {
                let report = answer::report(answer)?;
                let empty = Report { dry_run: self.0.dry, ..Report::default() };
                if report == empty { Ok("deployment: ignored") } else { Err(format!("{report:?}")) }
            }
            _ => Err(format!("a deployment that is readable: {legible:?}, and {answer:?}")),
        }
    }

    fn hook(&self, hook: &Hook, answer: &Answer) -> Checked {
        let answer = success(answer)?;
        if !hook_answers::is_answered_by(hook, answer, &self.0.fixture.bound) {
            return Err(format!("{hook:?} is answered by {answer}"));
        }
        Ok(match answer["hookStatus"].as_str() {
            Some("SUCCEEDED") => "hook: SUCCEEDED",
            Some("FAILED") => "hook: FAILED",
            _ => "hook: IN_PROGRESS",
        })
    }

    /// A copy never ends in an error. Its report names no failure, because the message in the queue
    /// is retried.
    fn copy(&self, event: &Event, answer: &Answer) -> Checked {
        let report = answer::report(success(answer)?)?;
        let empty = report.skipped.is_empty()
            && report.registered.is_empty()
            && report.deregistered.is_empty();
        if event.legible != Legible::Yes && empty && report.failed == 0 {
            return Ok("copy: unreadable");
        }
        let Some(sight) = &event.sight else {
            return Err(format!("a copy that cannot be read, and {report:?}"));
        };
        if report.skipped.iter().any(|(_, reason)| reason == "queued") {
            let allowed = report.failed == 0 && self.0.may_fail(&[sight]);
            return if allowed { Ok("copy: queued") } else { Err(format!("{report:?}")) };
        }
        self.report_of_event(event.legible, sight, report).map(|_| "copy: done")
    }

    fn report_of_event(&self, legible: Legible, sight: &Sight, report: Report) -> Checked {
        if report.failed > 0 || report.dry_run != self.0.dry || !report.unowned.is_empty() {
            return Err(format!("failures, foreign targets, or another dryRun: {report:?}"));
        }
        self.0.targets(Write::Register, &report.registered, &[sight])?;
        self.0.targets(Write::Deregister, &report.deregistered, &[sight])?;
        if let Some((task, _)) = report.skipped.iter().find(|(task, _)| *task != sight.arn) {
            return Err(format!("skipped {task}, which is not the event's"));
        }
        if legible == Legible::Yes {
            self.exactly(sight, &report)?;
        }
        let reason = report.skipped.first().map(|(_, reason)| reason.as_str());
        Ok(match (report.registered.is_empty(), report.deregistered.is_empty(), reason) {
            (false, _, _) => "event: registered",
            (_, false, Some("superseded")) => "event: superseded and deregistered",
            (_, false, Some("gone")) => "event: gone and deregistered",
            (_, false, _) => "event: deregistered",
            (_, _, Some("no-binding")) => "event: skipped, no-binding",
            (_, _, Some("no-address")) => "event: skipped, no-address",
            (_, _, Some("not-running")) => "event: skipped, not-running",
            (_, _, Some("gone")) => "event: skipped, gone",
            _ => return Err(format!("nothing done, and nothing said: {report:?}")),
        })
    }

    /// What must be done about a valid event, where that follows from the event alone.
    fn exactly(&self, sight: &Sight, report: &Report) -> Result<(), String> {
        let bound = self.0.bound(&[sight], &sight.arn);
        let done = (report.registered.len(), report.deregistered.len());
        let fresh = sight.at.is_some_and(|at| (at - NOW).abs() <= 60);
        let first = sight.addresses.first();
        // Of the address, too, ECS has the last word.
        let shows = |known: &Sight| {
            known.addresses.is_empty() || first.is_none_or(|id| known.addresses.contains(id))
        };
        let mut of_task = self.0.fixture.tasks.iter().filter(|known| known.arn == sight.arn);
        let serves = of_task.any(|known| known.phase == Phase::Serving && shows(known));
        let expected = match (sight.phase, first) {
            _ if bound.is_empty() => (0, 0),
            (Phase::Starting, _) => (0, 0),
            (Phase::Leaving, Some(_)) => (0, bound.len()),
            (Phase::Serving, Some(_)) if fresh && (self.0.dry || serves) => (bound.len(), 0),
            (Phase::Serving, Some(_)) if fresh => (0, bound.len()),
            _ => return Ok(()),
        };
        let done_to = report.registered.iter().chain(&report.deregistered);
        let first_only = done_to.clone().all(|(_, _, address, _)| Some(address) == first);
        if done != expected || !first_only {
            return Err(format!(
                "expected {expected:?} with {first:?}, and the report is {report:?}"
            ));
        }
        Ok(())
    }

    fn batch(&self, messages: &[Message], answer: &Answer) -> Checked {
        let ids: Vec<&str> = messages.iter().filter_map(|m| m.id.as_deref()).collect();
        let sights: Vec<&Sight> = messages.iter().filter_map(|m| m.event.sight.as_ref()).collect();
        let may_fail = |message: &Message| {
            let sight = message.event.sight.as_ref();
            message.event.legible < Legible::Yes
                || sight.is_some_and(|sight| {
                    let same: Vec<&Sight> =
                        sights.iter().filter(|s| s.arn == sight.arn).copied().collect();
                    self.0.may_fail(&same)
                })
        };
        if matches!(answer, Err(Error::NamelessMessage)) {
            let nameless = messages.iter().any(|message| message.id.is_none() && may_fail(message));
            return if nameless {
                Ok("batch: NamelessMessage")
            } else {
                Err("all have names".to_owned())
            };
        }
        let mut returned = answer::returned(success(answer)?)?;
        for id in &returned {
            if !ids.contains(&id.as_str()) {
                return Err(format!("{id} was returned, which is not of the batch"));
            }
        }
        let whole = returned.len();
        for message in messages.iter().filter(|message| message.event.legible == Legible::No) {
            let place = returned.iter().position(|id| Some(id) == message.id.as_ref());
            let place = place
                .ok_or_else(|| format!("{:?} cannot be read, and was not returned", message.id))?;
            returned.swap_remove(place);
        }
        for id in &returned {
            let same = messages.iter().filter(|message| message.id.as_ref() == Some(id));
            if !same.clone().any(may_fail) {
                return Err(format!("{id} is valid, and was returned"));
            }
        }
        Ok(match whole {
            0 if messages.is_empty() => "batch: empty",
            0 => "batch: all done",
            n if n == messages.len() => "batch: all returned",
            _ => "batch: some returned",
        })
    }

    /// The groups here have no target of a task, so that there is nothing to deregister.
    fn release(&self, release: &Release, answer: &Answer) -> Checked {
        let report = answer::report(success(answer)?)?;
        let empty = Report { dry_run: self.0.dry || release.dry, ..Report::default() };
        if report == empty { Ok("release") } else { Err(format!("{report:?}")) }
    }

    fn reconcile(&self, answer: &Answer, dry: bool) -> Result<(), String> {
        let report = answer::report(success(answer)?)?;
        let tasks: Vec<&Sight> = self.0.fixture.tasks.iter().collect();
        self.0.targets(Write::Register, &report.registered, &tasks)?;
        self.0.targets(Write::Deregister, &report.deregistered, &tasks)?;
        let right = report.failed == 0 && report.dry_run == dry && report.unowned.len() == 2;
        if right { Ok(()) } else { Err(format!("{report:?}")) }
    }
}

fn success(answer: &Answer) -> Result<&Value, String> {
    answer.as_ref().map_err(|error| format!("failed: {error}"))
}

/// The runtime logs an error as one line, which people read.
fn one_line(error: &Error) -> Result<(), String> {
    let text = error.to_string();
    if text.is_empty() || text.contains(['\n', '\r']) {
        Err(format!("not one line: {text:?}"))
    } else {
        Ok(())
    }
}
