//! Work that no signal ends in the middle of.

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

/// What the signals that end a program do.
struct Signals {
    /// They end it at once; else they wait.
    at_once: Arc<AtomicBool>,
    /// The one that waits; 0 is none.
    waiting: Arc<AtomicUsize>,
}

static SIGNALS: OnceLock<Option<Signals>> = OnceLock::new();

/// Runs `work` whole: a signal that would end the program ends it behind that. Before and after, signals do what they always do.
pub(super) fn defer_signals<T>(work: impl FnOnce() -> T) -> T {
    let Some(signals) = SIGNALS.get_or_init(|| caught().ok()) else {
        return work();
    };
    signals.at_once.store(false, SeqCst);
    let done = work();
    signals.at_once.store(true, SeqCst);
    let waiting = signals.waiting.load(SeqCst);
    if let Some(signal) = [SIGHUP, SIGINT, SIGTERM].into_iter().find(|signal| usize::try_from(*signal) == Ok(waiting)) {
        // Does not come back
        let _ = emulate_default_handler(signal);
    }
    done
}

fn caught() -> io::Result<Signals> {
    let signals = Signals { at_once: Arc::new(AtomicBool::new(true)), waiting: Arc::default() };
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        flag::register_usize(signal, Arc::clone(&signals.waiting), usize::try_from(signal).unwrap_or_default())?;
        flag::register_conditional_default(signal, Arc::clone(&signals.at_once))?;
    }
    Ok(signals)
}
