//! What the tests, the simulation, the bad inputs and the benchmarks share.
//!
//! | module | what it is for |
//! | --- | --- |
//! | [`function`] | the real function over a simulated AWS, in process or over the network |
//! | [`lambda`] | what Lambda adds to an invocation, and how long it waits |
//! | [`delivery`] | the template's ways from events to the function |
//! | [`latency`] | how long calls to AWS take |
//! | [`count`] | what is under way, and when it is over |
//! | [`dice`], [`seeds`] | chance from a seed; many seeds on all cores |
//! | [`plot`] | numbers over time, as SVG |

pub mod count;
pub mod delivery;
pub mod dice;
pub mod function;
pub mod lambda;
pub mod latency;
pub mod plot;
pub mod seeds;
