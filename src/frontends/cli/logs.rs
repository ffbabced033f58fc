//! Logs on stderr, only where they were asked for.

use std::io;

use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use super::args::MessageArgs;

/// Sets logging up for `-v`, `-vv` and `--log-json`. Only this crate's own lines are let through: what libraries log can hold secrets.
pub(super) fn start(telling: &MessageArgs) {
    let level = match telling.verbose {
        0 if !telling.log_json => return,
        0 | 1 => tracing::Level::INFO,
        _ => tracing::Level::DEBUG,
    };
    let registry = tracing_subscriber::registry().with(Targets::new().with_target(env!("CARGO_PKG_NAME"), level));
    // Fails only where logging is set up already: then that one is used
    let _ = if telling.log_json {
        registry.with(fmt::layer().json().with_writer(io::stderr)).try_init()
    } else {
        let colours = io::IsTerminal::is_terminal(&io::stderr()) && std::env::var_os("NO_COLOR").is_none();
        registry.with(fmt::layer().with_target(false).with_ansi(colours).with_writer(io::stderr)).try_init()
    };
}
