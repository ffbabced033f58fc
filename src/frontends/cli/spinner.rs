//! A spinner for people who wait.

use std::{future::Future, io::IsTerminal, pin::pin, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

use super::args::MessageArgs;

/// Short runs show no spinner.
const DELAY: Duration = Duration::from_millis(500);
const STEP: Duration = Duration::from_millis(100);

/// Awaits `work` and shows a spinner while it takes long, if `enabled` and if stderr is a terminal.
pub(super) async fn during<T>(work: impl Future<Output = T>, enabled: bool, message: &'static str) -> T {
    let mut work = pin!(work);
    if !enabled || !std::io::stderr().is_terminal() {
        return work.await;
    }
    if let Ok(output) = tokio::time::timeout(DELAY, &mut work).await {
        return output;
    }
    let style = ProgressStyle::with_template("{spinner} {msg}, {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let spinner = ProgressBar::new_spinner().with_style(style).with_message(message).with_elapsed(DELAY);
    spinner.enable_steady_tick(STEP);
    let output = work.await;
    spinner.finish_and_clear();
    output
}

/// Whether a spinner may be shown: it would overwrite log lines, and JSON and `--quiet` call for silence.
pub(super) fn may_spin(messages: &MessageArgs) -> bool {
    !messages.json && !messages.quiet && !messages.log_json && messages.verbose == 0
}
