//! The log on standard output, as Lambda's advanced logging controls want it (Lambda developer
//! guide, "Configuring advanced logging controls").

use std::io::{Write, stdout};

use lambda_runtime::tracing::subscriber::filter::{LevelFilter, Targets};
use lambda_runtime::tracing::subscriber::fmt;
use lambda_runtime::tracing::subscriber::layer::SubscriberExt;
use lambda_runtime::tracing::subscriber::util::SubscriberInitExt;

/// Starts the log: `AWS_LAMBDA_LOG_LEVEL` is the least severe level shown (`INFO` if not set),
/// `AWS_LAMBDA_LOG_FORMAT` is `JSON` or text. Libraries are shown only from `INFO` up, because
/// their `DEBUG` lines drown the function's own; at `TRACE` everything is shown.
pub fn start(variable: impl Fn(&str) -> Option<String>) {
    let level = variable("AWS_LAMBDA_LOG_LEVEL").as_deref().map_or(LevelFilter::INFO, level);
    let libraries = if level == LevelFilter::TRACE { level } else { level.min(LevelFilter::INFO) };
    let shown = Targets::new().with_default(libraries).with_target(env!("CARGO_CRATE_NAME"), level);
    let log = fmt().with_max_level(level).with_target(false).with_ansi(false);
    let json = variable("AWS_LAMBDA_LOG_FORMAT").is_some_and(|f| f.eq_ignore_ascii_case("json"));
    if json {
        // Lambda filters JSON by level, and treats a line without a time as INFO (the same guide,
        // "Log-level filtering").
        log.json().finish().with(shown).init();
    } else {
        log.without_time().finish().with(shown).init();
    }
}

/// Writes a line unchanged. If standard output is closed, the line is lost.
pub fn write(line: &str) {
    let _ = writeln!(stdout(), "{line}");
}

/// Lambda's name for a level; `FATAL` is unknown to Rust's logs.
fn level(name: &str) -> LevelFilter {
    if name.eq_ignore_ascii_case("fatal") {
        return LevelFilter::ERROR;
    }
    name.parse().unwrap_or(LevelFilter::INFO)
}
