//! All histories of a small world, within bounds: invocations of the real function, side by side
//! and with a reconcile, whose calls to AWS are one step each, between the steps of two tasks and
//! of everything that goes wrong.
//!
//! Nothing of the function is modelled. What it does next depends on its input and on the answers
//! so far, so the real handler with the real SDK clients is run from the beginning of an invocation
//! to each call that waits (`function`), and each such point is remembered. A few hundred points
//! serve for millions of states.
//!
//! The search is our own, because it is a hundred lines. The crate stateright would have to share
//! the function between threads, and brings a web server.
//!
//! A module imports only modules that do not import it, directly or through others.
//!
//! | module | what it is for |
//! | --- | --- |
//! | `names`, `stage`, `message` | the tasks, targets and events of this world |
//! | [`bounds`], [`situations`] | what is visited, and how much goes wrong |
//! | `wire` | the other end of the function's calls |
//! | `knowledge` | what an invocation was shown |
//! | `function` | the function, as a tree of points between calls |
//! | `world`, `effects`, `calls` | a state, the steps from it, and what they and the calls do |
//! | `promises` | what must hold |
//! | [`search`], `story` | the search, and a history in words |

pub mod bounds;
mod calls;
mod effects;
mod function;
mod knowledge;
mod message;
mod names;
mod promises;
pub mod search;
pub mod situations;
mod stage;
mod story;
mod wire;
mod world;
