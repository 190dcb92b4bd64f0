//! The way of one call through the simulated AWS.

use std::time::{Duration, SystemTime};

use crate::action::{Action, Api};
use crate::api_error::ApiError;
use crate::aws::Aws;
use crate::call::{Call, Outcome};
use crate::ecs;
use crate::elb;
use crate::fault::Effect;
use crate::hook::{Decision, Hook};
use crate::lattice;
use crate::rest::refused_targets;
use crate::script::{Script, Steps};
use crate::sts::{self, assume_role};
use crate::tagging::get_resources;
use crate::wire::{Answer, Asked, Input, Reply, Request};
use crate::world::World;

impl Aws {
    /// Logs a call, waits out its latency, lets the scripted things happen to it, applies it and
    /// answers.
    pub(crate) async fn exchange(&self, request: Request) -> Reply {
        let number = self.world().number();
        let asked = match request.decode() {
            Ok(asked) => self.world().with_arn(asked),
            Err(error) => return answer_error(request.api(), &error, number),
        };
        let call = self.world().log(number, &request, &asked);
        let decision = self.decide(&call);
        let latency = self.world().script.latency_of(asked.action);
        wait(latency + decision.latency).await;
        self.run_steps(&asked, |script| &mut script.before);
        let effect = self.world().script.strike(&call).or(decision.effect(asked.action));
        if let Some(Effect::Hang(time)) = effect {
            wait(time).await;
        }
        let (outcome, refused, reply) = self.settle(number, &asked, effect, decision.as_of);
        self.run_steps(&asked, |script| &mut script.after);
        let call = Call { outcome, refused, ..call };
        self.with_hook(|hook| hook.settled(&call, &decision));
        wait(decision.answer_latency).await;
        self.with_hook(|hook| hook.answered(&call));
        reply
    }

    fn decide(&self, call: &Call) -> Decision {
        let hook = self.world().hook.clone();
        hook.map_or_else(Decision::default, |hook| hook.decide(call))
    }

    /// The hook runs without the lock, because it works on this same world.
    fn with_hook(&self, tell: impl FnOnce(&dyn Hook)) {
        let hook = self.world().hook.clone();
        if let Some(hook) = hook {
            tell(&*hook);
        }
    }

    /// Steps run without the lock, because they work on this same world.
    fn run_steps(&self, asked: &Asked, steps: impl FnOnce(&mut Script) -> &mut Steps) {
        let due = steps(&mut self.world().script).due(asked.action);
        for run in due {
            run();
        }
    }

    /// Applies the call, unless a fault refuses it, and makes the answer.
    fn settle(
        &self,
        number: u64,
        asked: &Asked,
        effect: Option<Effect>,
        as_of: Option<SystemTime>,
    ) -> (Outcome, Vec<String>, Reply) {
        let world = &mut self.world();
        world.catch_up();
        let applied = match &effect {
            Some(Effect::Refuse(error)) => Err(error.clone()),
            Some(Effect::LoseAnswer | Effect::Hang(_) | Effect::Rewrite(_)) | None => {
                admit(world, asked)
                    .and_then(|()| world.reading(as_of, |world| apply(world, asked, number)))
            }
        };
        let refused = match (&asked.input, &applied) {
            (Input::Rest(_), Ok(answer)) => refused_targets(&answer.body),
            _ => Vec::new(),
        };
        let (outcome, reply) = match (effect, applied) {
            (Some(Effect::LoseAnswer), _) => (Outcome::Lost, Reply::Lost),
            (Some(Effect::Rewrite(rewrite)), Ok(answer)) => {
                (Outcome::Ok, Reply::Answer(answer.rewritten(rewrite)))
            }
            (_, Ok(answer)) => (Outcome::Ok, Reply::Answer(answer)),
            (_, Err(error)) => {
                let error = error.in_words_of(asked.api());
                let reply = answer_error(asked.api(), &error, number);
                (Outcome::Error(error.code), reply)
            }
        };
        world.settle(number, outcome.clone(), refused.clone());
        (outcome, refused, reply)
    }
}

fn admit(world: &mut World, asked: &Asked) -> Result<(), ApiError> {
    let now = world.now();
    let account = world.roles.account_of(&asked.key_id);
    if let Some(rates) = &mut world.rates {
        rates.of(&account).admit(asked.api(), asked.action, now)?;
    }
    sts::admit(world, asked)
}

fn apply(world: &mut World, asked: &Asked, number: u64) -> Result<Answer, ApiError> {
    match &asked.input {
        Input::Query(query) if asked.action.api() == Api::Ec2 => {
            let result = world.network.describe(asked.action, query)?;
            Ok(Answer::ec2(asked.action, &result, request_id(number)))
        }
        Input::Query(query) => {
            let result = match asked.action {
                Action::AssumeRole => assume_role(world, query)?,
                action => elb::apply(world, action, query)?,
            };
            Ok(Answer::query(asked.action, &result, request_id(number)))
        }
        Input::Json(input) => {
            let output = match asked.action {
                Action::GetResources => get_resources(world, input)?,
                action => ecs::apply(world, action, input)?,
            };
            Ok(Answer::ecs(&output, request_id(number)))
        }
        Input::Rest(rest) => {
            let output = lattice::apply(world, asked.action, rest)?;
            Ok(Answer::rest(&output, request_id(number)))
        }
    }
}

fn answer_error(api: Api, error: &ApiError, number: u64) -> Reply {
    Reply::Answer(Answer::error(api, error, request_id(number)))
}

fn request_id(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
