//! The runtime of the process: one thread drives all connections, tokio's blocking threads decode, and one thread calls Python back.
//!
//! After a fork only the thread that forked exists in the child, so the child starts an engine of its own and forgets the parent's.

use std::{
    future::Future,
    mem, process,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use hlsnap::{Error, internals::bindings};
use pyo3::{Py, PyAny, Python};
use tokio::{
    runtime::{Builder, Handle},
    sync::mpsc::{UnboundedSender, unbounded_channel},
    task::{LocalSet, spawn_local},
};

/// How long an idle decoding thread lives.
const KEEP_THREADS: Duration = Duration::from_secs(5);

/// What jobs need of the process.
pub struct Engine {
    pub handle: Handle,
    starts: UnboundedSender<Start>,
    callbacks: mpsc::Sender<Py<PyAny>>,
    pid: u32,
}

/// Starts a task on the thread that drives the connections.
type Start = Box<dyn FnOnce() + Send>;

/// Locked only while the GIL is held, as is a fork. So no child inherits it locked.
static ENGINE: Mutex<Option<Arc<Engine>>> = Mutex::new(None);

/// The engine of this process. The caller holds the GIL.
pub fn engine(_: Python<'_>) -> Result<Arc<Engine>, Error> {
    let mut current = ENGINE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(engine) = current.as_ref().filter(|engine| engine.pid == process::id()) {
        return Ok(Arc::clone(engine));
    }
    if let Some(parents) = current.take() {
        // Its threads do not exist here: dropping it could wait for them
        mem::forget(parents);
        bindings::restore_after_fork();
    }
    let engine = Arc::new(Engine::start()?);
    *current = Some(Arc::clone(&engine));
    Ok(engine)
}

impl Engine {
    fn start() -> Result<Self, Error> {
        let failed = |e| Error::internal("a thread cannot be started").with_source(e);
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .thread_name("hlsnap-decoder")
            .thread_keep_alive(KEEP_THREADS)
            .build()
            .map_err(failed)?;
        let handle = runtime.handle().clone();
        let (starts, mut started) = unbounded_channel::<Start>();
        let drive = move || {
            LocalSet::new().block_on(&runtime, async move {
                while let Some(start) = started.recv().await {
                    start();
                }
            });
        };
        thread::Builder::new().name("hlsnap".to_owned()).spawn(drive).map_err(failed)?;
        let (callbacks, calls) = mpsc::channel();
        thread::Builder::new().name("hlsnap-callback".to_owned()).spawn(move || call_back(&calls)).map_err(failed)?;
        Ok(Self { handle, starts, callbacks, pid: process::id() })
    }

    /// Runs a task that stays on the thread of the connections.
    pub fn spawn_local<F: Future<Output = ()> + 'static>(&self, task: impl FnOnce() -> F + Send + 'static) {
        // The thread ends with the process only
        let _ = self.starts.send(Box::new(move || _ = spawn_local(task())));
    }

    /// Calls a Python function on another thread, so that no job waits for the GIL.
    pub fn call(&self, callback: Py<PyAny>) {
        // The thread ends with the process only
        let _ = self.callbacks.send(callback);
    }
}

fn call_back(calls: &mpsc::Receiver<Py<PyAny>>) {
    for callback in calls {
        let called = Python::try_attach(|py| {
            if let Err(error) = callback.call0(py) {
                error.write_unraisable(py, Some(callback.bind(py)));
            }
            drop(callback);
        });
        if called.is_none() {
            // The interpreter is shutting down
            return;
        }
    }
}
