//! The log: one JSON object per line on stdout, with the invocation's request ID.

use std::panic;

use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging. Only lines of this crate pass: libraries may log secrets.
pub(super) fn start(level: tracing::Level) {
    let own_lines = Targets::new().with_target(env!("CARGO_PKG_NAME"), level);
    let json = fmt::layer().json().flatten_event(true).with_current_span(true).with_span_list(false);
    // Fails only if logging was started before; then that one continues
    let _ = tracing_subscriber::registry().with(own_lines).with(json).try_init();
    panic::set_hook(Box::new(|panic| tracing::error!("{}", crate::frontends::panic_text(panic))));
}
