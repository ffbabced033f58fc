//! The progress of many pictures: a bar on a terminal, else lines of the log.

use std::{
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::compose::{Progress, ReportProgress};

const BAR_STEP: Duration = Duration::from_millis(100);
/// The log gets a line this often.
const LOG_STEP: Duration = Duration::from_secs(1);

/// Runs `work`. Shows its progress as a bar if `may_draw` and if stderr is a terminal; else logs it (`-v`, `--log-json`).
pub(super) fn during<T>(may_draw: bool, name: &'static str, work: impl FnOnce(&ReportProgress<'_>) -> T) -> T {
    if may_draw && std::io::stderr().is_terminal() { draw(name, work) } else { log(name, work) }
}

fn draw<T>(name: &'static str, work: impl FnOnce(&ReportProgress<'_>) -> T) -> T {
    let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} pictures, {msg}, {eta} left");
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let bar = bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_prefix(name);
    bar.enable_steady_tick(BAR_STEP);
    let result = work(&|Progress { done, total, bytes }| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        bar.set_message(HumanBytes(bytes).to_string());
    });
    bar.finish_and_clear();
    result
}

fn log<T>(name: &'static str, work: impl FnOnce(&ReportProgress<'_>) -> T) -> T {
    let logged_at = Mutex::new(Instant::now());
    work(&|Progress { done, total, bytes }| {
        let mut logged_at = logged_at.lock().unwrap_or_else(PoisonError::into_inner);
        if logged_at.elapsed() >= LOG_STEP {
            *logged_at = Instant::now();
            tracing::info!(done, total, bytes, "{name}: {done} of {total} pictures");
        }
    })
}
