//! A progress bar for people who wait for many pictures.

use std::{io::IsTerminal, time::Duration};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::compose::{Progress, ReportProgress};

const STEP: Duration = Duration::from_millis(100);

/// Runs `work`, and shows its progress if `enabled` and if stderr is a terminal.
pub(super) fn during<T>(enabled: bool, name: &'static str, work: impl FnOnce(&ReportProgress<'_>) -> T) -> T {
    if !enabled || !std::io::stderr().is_terminal() {
        return work(&|_| {});
    }
    let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} tiles, {msg}, {eta} left");
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let bar = bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_prefix(name);
    bar.enable_steady_tick(STEP);
    let result = work(&|Progress { done, total, bytes }| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        bar.set_message(HumanBytes(bytes).to_string());
    });
    bar.finish_and_clear();
    result
}
