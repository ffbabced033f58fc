//! A sign of life for people who wait.

use std::{future::Future, io::IsTerminal, pin::pin, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

/// Short runs stay silent.
const PATIENCE: Duration = Duration::from_millis(500);
const STEP: Duration = Duration::from_millis(100);

/// Awaits `work`, with a spinner on stderr while it takes long; nothing in a pipe.
pub(super) async fn during<T>(work: impl Future<Output = T>, wanted: bool, what: &'static str) -> T {
    let mut work = pin!(work);
    if !wanted || !std::io::stderr().is_terminal() {
        return work.await;
    }
    if let Ok(done) = tokio::time::timeout(PATIENCE, &mut work).await {
        return done;
    }
    let style = ProgressStyle::with_template("{spinner} {msg}, {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let spinner = ProgressBar::new_spinner().with_style(style).with_message(what).with_elapsed(PATIENCE);
    spinner.enable_steady_tick(STEP);
    let done = work.await;
    spinner.finish_and_clear();
    done
}
