//! Breadth first through all states, so that the first broken promise has a shortest history.

use std::collections::HashSet;
use std::fmt;
use std::time::{Duration, Instant};

use crate::bounds::Bounds;
use crate::function::Function;
use crate::promises;
use crate::story;
use crate::world::{Broken, Step, World};

/// What was visited.
#[derive(Clone, Copy, Debug, Default)]
pub struct Visited {
    /// States of the world.
    pub states: usize,
    /// Those in which nothing runs and no message waits.
    pub rests: usize,
    /// Points in the course of an invocation, each reached by running the real function.
    pub nodes: usize,
    /// Steps of the longest of the shortest histories.
    pub depth: usize,
    pub took: Duration,
}

impl fmt::Display for Visited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, rests, nodes, depth, took } = self;
        let seconds = took.as_secs_f64();
        write!(f, "{states} states ({rests} at rest), up to {depth} steps; ")?;
        write!(f, "{nodes} points of invocations; {seconds:.0} s")
    }
}

/// A broken promise, and a shortest history that leads to it.
#[derive(Clone, Debug)]
pub struct Found {
    pub broken: Broken,
    /// Each step in words.
    pub story: Vec<String>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.story.iter().enumerate() {
            writeln!(f, "{:>4}. {step}", number + 1)?;
        }
        write!(f, "      {}", self.broken)
    }
}

/// The step that led to a state, and from which one.
type Origin = Option<(usize, Step)>;

/// Visits all states within these bounds.
pub fn visit(bounds: Bounds) -> Result<Visited, Found> {
    let begin = Instant::now();
    let mut function = Function::new(bounds);
    let first = World::first(&bounds);
    let mut known = HashSet::from([first]);
    let mut origins: Vec<Origin> = vec![None];
    let mut visited = Visited::default();
    let mut layer = vec![(0, first)];
    while !layer.is_empty() {
        let mut next = Vec::new();
        for (number, world) in layer {
            let found = |broken, last: Option<Step>, function: &mut Function| {
                let steps = history(&origins, number, last);
                Found { broken, story: story::tell(&bounds, function, &steps) }
            };
            if world.is_quiet() {
                visited.rests += 1;
                if let Err(broken) = promises::at_rest(&world, &bounds, &mut function) {
                    return Err(found(broken, None, &mut function));
                }
            }
            for step in world.steps(&bounds, &function) {
                match world.after(&bounds, &mut function, step) {
                    Err(broken) => return Err(found(broken, Some(step), &mut function)),
                    Ok(Some(after)) if known.insert(after) => next.push((number, step, after)),
                    Ok(_) => {}
                }
            }
        }
        visited.depth += usize::from(!next.is_empty());
        layer = Vec::with_capacity(next.len());
        for (from, step, world) in next {
            origins.push(Some((from, step)));
            layer.push((origins.len() - 1, world));
        }
    }
    visited.states = known.len();
    visited.nodes = function.nodes();
    visited.took = begin.elapsed();
    Ok(visited)
}

/// The steps that lead to a state, and then perhaps another.
fn history(origins: &[Origin], mut number: usize, last: Option<Step>) -> Vec<Step> {
    let mut steps: Vec<Step> = last.into_iter().collect();
    while let Some((from, step)) = origins[number] {
        steps.push(step);
        number = from;
    }
    steps.reverse();
    steps
}
