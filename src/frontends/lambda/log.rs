//! The log: one JSON object a line on stdout, with the invocation's request id.

use std::panic;

use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Sets logging up. Only this crate's own lines are let through: what libraries log can hold secrets.
pub(super) fn start(level: tracing::Level) {
    let ours = Targets::new().with_target(env!("CARGO_PKG_NAME"), level);
    let lines = fmt::layer().json().flatten_event(true).with_current_span(true).with_span_list(false);
    // Fails only where logging is set up already: then that one is used
    let _ = tracing_subscriber::registry().with(ours).with(lines).try_init();
    panic::set_hook(Box::new(|panic| tracing::error!("{}", crate::frontends::panic_text(panic))));
}
