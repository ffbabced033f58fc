//! Logs on stderr, if requested.

use std::io;

use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use super::args::MessageArgs;

/// Starts logging for `-v`, `-vv` and `--log-json`.
pub(super) fn start(messages: &MessageArgs) {
    if messages.verbose > 0 || messages.log_json {
        start_at(messages, tracing::Level::INFO);
    }
}

/// As [`start`], and also logs warnings unless `--quiet` is given, because this command runs for days.
#[cfg(feature = "fleet")]
pub(super) fn start_with_warnings(messages: &MessageArgs) {
    if !messages.quiet {
        start_at(messages, if messages.log_json { tracing::Level::INFO } else { tracing::Level::WARN });
    }
}

/// Logs at level `default`, or at the level of `-v`. Only lines of this crate pass: libraries may log secrets.
fn start_at(messages: &MessageArgs, default: tracing::Level) {
    let level = match messages.verbose {
        0 => default,
        1 => tracing::Level::INFO,
        _ => tracing::Level::DEBUG,
    };
    let registry = tracing_subscriber::registry().with(Targets::new().with_target(env!("CARGO_PKG_NAME"), level));
    // Fails only if logging was started before; then that one continues
    let _ = if messages.log_json {
        registry.with(fmt::layer().json().with_writer(io::stderr)).try_init()
    } else {
        let colors = io::IsTerminal::is_terminal(&io::stderr()) && std::env::var_os("NO_COLOR").is_none();
        registry.with(fmt::layer().with_target(false).with_ansi(colors).with_writer(io::stderr)).try_init()
    };
}
