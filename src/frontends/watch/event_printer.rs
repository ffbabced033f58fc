//! Prints events on stdout, a JSON object a line, on a separate thread, so that a reader that stops does not stop the watch.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::error::Error;

/// How many events wait for a slow reader of stdout; more are lost.
const QUEUE: usize = 10_000;
/// At the end, events get this long to be printed.
const LAST_EVENTS: Duration = Duration::from_secs(1);

/// Prints events in order. Dropping it does not wait for a slow reader: events that still wait may be lost.
#[derive(Debug)]
pub(super) struct EventPrinter {
    queue: Option<SyncSender<Bytes>>,
    thread: Option<JoinHandle<()>>,
    state: Arc<PrinterState>,
}

#[derive(Debug, Default)]
struct PrinterState {
    is_closed: AtomicBool,
    closed: Notify,
    lost: AtomicU64,
}

impl EventPrinter {
    /// Fails with `internal` if the thread cannot be started.
    pub fn start() -> Result<Self, Error> {
        let (queue, waiting) = sync_channel(QUEUE);
        let state = Arc::new(PrinterState::default());
        let shared = Arc::clone(&state);
        let thread = thread::Builder::new().name("events".to_owned()).spawn(move || print_all(&waiting, &shared));
        let thread = thread.map_err(|e| Error::internal("the thread that prints events cannot be started").with_source(e))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), state })
    }

    /// Prints an event, a JSON object, as soon as stdout takes it. Returns at once.
    pub fn print(&self, event: Bytes) {
        let Some(queue) = &self.queue else { return };
        if let Err(TrySendError::Full(_)) = queue.try_send(event) {
            let lost = self.state.lost.fetch_add(1, Relaxed) + 1;
            if lost.is_power_of_two() {
                tracing::warn!("the reader of stdout is too slow: {lost} events were lost");
            }
        }
    }

    /// Waits until the reader of stdout is gone.
    pub async fn closed(&self) {
        let closed = self.state.closed.notified();
        if !self.state.is_closed.load(Relaxed) {
            closed.await;
        }
    }
}

impl Drop for EventPrinter {
    fn drop(&mut self) {
        drop(self.queue.take());
        let Some(thread) = self.thread.take() else { return };
        let start = Instant::now();
        // A reader that does not read must not hold up the end
        while !thread.is_finished() && start.elapsed() < LAST_EVENTS {
            thread::sleep(Duration::from_millis(5));
        }
        if thread.is_finished() {
            let _ = thread.join();
        }
    }
}

fn print_all(waiting: &Receiver<Bytes>, state: &PrinterState) {
    for event in waiting {
        let mut line = event.to_vec();
        line.push(b'\n');
        let mut stdout = io::stdout().lock();
        if stdout.write_all(&line).and_then(|()| stdout.flush()).is_err() {
            state.is_closed.store(true, Relaxed);
            state.closed.notify_waiters();
            return;
        }
    }
}
