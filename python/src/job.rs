//! A job that runs while Python does something else, or waits.

use std::{
    future::Future,
    process,
    sync::{Arc, Condvar, Mutex, PoisonError, Weak},
    time::Duration,
};

use hlsnap::{Error, ErrorKind};
use pyo3::{Py, PyAny, PyResult, Python, pyclass, pymethods};
use tokio::task::{AbortHandle, JoinError};

use super::{engine::Engine, errors, picture::FinishedPicture};

/// How often a waiting thread looks after signals. A signal interrupts a call within this time.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(20);

/// What a job gives.
pub enum Outcome {
    /// A picture.
    Picture(Box<FinishedPicture>),
    /// JSON.
    Text(String),
    /// Nothing: the series is over.
    End,
}

/// A running or finished job. Dropping it cancels the job.
#[pyclass(frozen, module = "hlsnap._native")]
pub struct Job {
    slot: Arc<Slot>,
    task: AbortHandle,
    engine: Arc<Engine>,
    pid: u32,
}

#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    finished: Condvar,
}

#[derive(Default)]
struct State {
    outcome: Option<Result<Outcome, Error>>,
    callback: Option<Py<PyAny>>,
    is_finished: bool,
}

impl Slot {
    /// Keeps the outcome, and wakes whoever waits for it.
    fn finish(&self, outcome: Result<Outcome, Error>, engine: &Weak<Engine>) {
        let callback = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.outcome = Some(outcome);
            state.is_finished = true;
            state.callback.take()
        };
        self.finished.notify_all();
        if let (Some(callback), Some(engine)) = (callback, engine.upgrade()) {
            engine.call(callback);
        }
    }

    /// Waits for the outcome, at most for `timeout`.
    fn wait(&self, timeout: Duration) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.finished.wait_timeout_while(state, timeout, |state| !state.is_finished);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_finished
    }
}

impl Job {
    /// Starts a job. A panic in it becomes an error.
    pub fn start(engine: &Arc<Engine>, work: impl Future<Output = Result<Outcome, Error>> + Send + 'static) -> Self {
        let slot = Arc::<Slot>::default();
        let work = engine.handle.spawn(work);
        let task = work.abort_handle();
        // The engine outlives its jobs; a cycle would keep it forever
        let (finished, weak) = (Arc::clone(&slot), Arc::downgrade(engine));
        engine.handle.spawn(async move { finished.finish(work.await.unwrap_or_else(|e| Err(ended(e))), &weak) });
        Self { slot, task, engine: Arc::clone(engine), pid: process::id() }
    }

    /// Fails in the child of a fork: the job's threads are the parent's.
    fn check_process(&self, py: Python<'_>) -> PyResult<()> {
        if self.pid == process::id() {
            return Ok(());
        }
        let error = Error::usage("the job belongs to the process that this one was forked from", "start it again in this process");
        Err(errors::to_python(py, &error))
    }

    fn take(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let outcome = self.slot.state.lock().unwrap_or_else(PoisonError::into_inner).outcome.take();
        match outcome.unwrap_or_else(|| Err(Error::internal("the result of a job was taken twice"))) {
            Ok(Outcome::Picture(picture)) => Ok(Py::new(py, picture.into_python(py))?.into_any()),
            Ok(Outcome::Text(text)) => Ok(pyo3::types::PyString::new(py, &text).unbind().into_any()),
            Ok(Outcome::End) => Ok(py.None()),
            Err(error) => Err(errors::to_python(py, &error)),
        }
    }
}

fn ended(error: JoinError) -> Error {
    if error.is_cancelled() {
        // Only whoever cancelled it could read this
        Error::new(ErrorKind::Internal, "the job was cancelled")
    } else {
        Error::internal("the job panicked").with_source(error)
    }
}

#[pymethods]
impl Job {
    /// Waits for the result without the GIL. A signal handler that raises cancels the job.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.check_process(py)?;
        while !py.detach(|| self.slot.wait(SIGNAL_INTERVAL)) {
            if let Err(raised) = py.check_signals() {
                self.task.abort();
                return Err(raised);
            }
        }
        self.take(py)
    }

    /// Calls `callback` once, on another thread, when the job has finished.
    fn notify(&self, py: Python<'_>, callback: Py<PyAny>) -> PyResult<()> {
        self.check_process(py)?;
        let mut state = self.slot.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_finished {
            self.engine.call(callback);
        } else {
            state.callback = Some(callback);
        }
        Ok(())
    }

    /// The result of a finished job.
    fn result(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.check_process(py)?;
        self.take(py)
    }

    /// Cancels the job. Its connections close, and a decoder that is busy finishes alone.
    fn cancel(&self) {
        if self.pid == process::id() {
            self.task.abort();
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.cancel();
    }
}
