//! Defers termination signals while a file is written.

use std::{
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
    low_level::emulate_default_handler,
};

/// The handlers of SIGHUP, SIGINT and SIGTERM.
struct Signals {
    /// Whether a signal terminates the program at once. Otherwise it becomes pending.
    terminate_at_once: Arc<AtomicBool>,
    /// The pending signal, or 0.
    pending: Arc<AtomicUsize>,
}

static SIGNALS: OnceLock<Option<Signals>> = OnceLock::new();

/// Whether the program handles the signals itself, so that none ends it in the middle of a write.
static IS_HANDLED: AtomicBool = AtomicBool::new(false);

/// Leaves SIGHUP, SIGINT and SIGTERM to the handlers of the program from now on.
#[cfg(feature = "fleet")]
pub fn leave_signals_to_program() {
    IS_HANDLED.store(true, SeqCst);
}

/// Runs `work`, and defers termination signals until it returns. Before and after, they act as usual.
pub(super) fn defer_signals<T>(work: impl FnOnce() -> T) -> T {
    if IS_HANDLED.load(SeqCst) {
        return work();
    }
    let Some(signals) = SIGNALS.get_or_init(|| register().ok()) else {
        return work();
    };
    signals.terminate_at_once.store(false, SeqCst);
    let result = work();
    signals.terminate_at_once.store(true, SeqCst);
    let pending = signals.pending.load(SeqCst);
    if let Some(signal) = [SIGHUP, SIGINT, SIGTERM].into_iter().find(|signal| usize::try_from(*signal) == Ok(pending)) {
        // Does not return
        let _ = emulate_default_handler(signal);
    }
    result
}

fn register() -> io::Result<Signals> {
    let signals = Signals { terminate_at_once: Arc::new(AtomicBool::new(true)), pending: Arc::default() };
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        flag::register_usize(signal, Arc::clone(&signals.pending), usize::try_from(signal).unwrap_or_default())?;
        flag::register_conditional_default(signal, Arc::clone(&signals.terminate_at_once))?;
    }
    Ok(signals)
}
