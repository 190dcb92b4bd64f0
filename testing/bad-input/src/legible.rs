//! How much of an event is as documented.

/// Whether an event can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Legible {
    /// Something that the function needs is missing.
    No,
    /// Everything that the function needs is there, and something else is malformed.
    Perhaps,
    /// Everything is as documented.
    Yes,
}
