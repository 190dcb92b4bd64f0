//! Delivers files, one after the other.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::error::Error;
use crate::input::Input;
use crate::screen::Screen;
use crate::world::{self, DRIFT, Pace, World, binding_in_words, is_breakdown, learn};

/// Long enough that nothing changes by itself between two files.
const PACE: Pace =
    Pace { health_check: Duration::from_secs(120), draining: Duration::from_secs(300) };

/// Delivers files one after the other. All of them are read before anything is started.
pub async fn play(
    screen: &Screen,
    files: &[PathBuf],
    fresh: bool,
    logs: bool,
) -> Result<(), Error> {
    let inputs =
        files.iter().map(|file| Input::of_file(file)).collect::<Result<Vec<Input>, Error>>()?;
    let mut world = World::start(PACE, logs).await?;
    let times = match fresh {
        true => "the events' times are set to now",
        false => "delivered as they are; --fresh sets the events' times to now",
    };
    screen.field("binding", &[binding_in_words()])?;
    screen.field("files", &[times.to_owned()])?;
    if inputs.iter().any(|input| input.concerns_everything()) {
        world::drift(&world)?;
        screen.field("world", &DRIFT.map(str::to_owned))?;
    }
    for (number, input) in (1..).zip(inputs) {
        let input = if fresh { input.at(SystemTime::now()) } else { input };
        screen.heading(number, &input.name)?;
        let problems = learn(&world.aws, &input).into_iter();
        let problems: Vec<String> = problems.map(|why| format!("learns nothing: {why}")).collect();
        screen.field("ECS", &problems)?;
        let delivery = world.deliver(&input).await;
        screen.delivery(&world.aws, &world.group, &input, &delivery)?;
        if is_breakdown(&delivery.answer) {
            return Err(Error::Failed("the function's process broke down".to_owned()));
        }
    }
    Ok(())
}
