//! Why a run ends early.

use std::io;
use std::process::ExitCode;

/// Shown in one line on standard error.
pub enum Error {
    /// The command line, or a file that it names, cannot be used: exit code 2.
    Usage(String),
    /// The function or the simulated AWS did not run as it must: exit code 1.
    Failed(String),
    /// Standard output cannot be written to.
    Output(io::Error),
}

impl Error {
    /// Prints the error and returns the exit code.
    pub fn report(self) -> ExitCode {
        let (line, code) = match self {
            Self::Usage(line) => (line, 2),
            Self::Failed(line) => (line, 1),
            // Whoever read the output has seen enough, as `head` does.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return ExitCode::SUCCESS;
            }
            Self::Output(error) => (format!("standard output cannot be written to: {error}"), 1),
        };
        eprintln!("local: {line}");
        ExitCode::from(code)
    }
}

impl From<io::Error> for Error {
    /// Only writing to the screen converts by itself; what else can fail says what it was doing.
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}
