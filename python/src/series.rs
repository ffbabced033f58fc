//! A series of pictures in Python. A task takes them, and waits while nobody asks for the next one.

use std::{
    collections::VecDeque,
    mem, process,
    sync::{Arc, Mutex, PoisonError},
};

use hlsnap::{
    Error,
    internals::{
        bindings::{NumberedPicture, SeriesReceiver, Session},
        request::SeriesRequest,
    },
    report::PicturesReport,
};
use pyo3::{PyErr, PyResult, Python, pyclass, pymethods};
use tokio::sync::{Mutex as AsyncMutex, Notify, mpsc};

use super::{
    engine::{Engine, engine},
    errors,
    job::{Job, Outcome},
    picture::FinishedPicture,
};

/// Finished pictures that wait for the caller. Two more are encoded meanwhile.
const READY_PICTURES: usize = 1;
/// Messages that are kept for a caller that does not ask for them.
const MAX_MESSAGES: usize = 1000;

type Pictures = Arc<AsyncMutex<mpsc::Receiver<NumberedPicture>>>;

/// A series.
#[pyclass(frozen, module = "hlsnap._native")]
pub struct Series {
    state: Mutex<State>,
    messages: Messages,
    pid: u32,
}

enum State {
    New(Arc<Session>, Box<SeriesRequest>),
    Running { pictures: Pictures, ended: Ended, stop: Arc<Notify> },
    Closed,
}

/// What became of a series that ended by itself: its report as JSON, or why it failed.
type Ended = Arc<Mutex<Option<Result<String, Error>>>>;

type Messages = Arc<Mutex<VecDeque<Message>>>;

/// An event beside the pictures.
enum Message {
    Missed { index: u64, seconds: f64, error: Error },
    Interrupted(String),
}

/// Passes pictures on to the caller. It waits if one is ready already.
struct Receiver {
    pictures: mpsc::Sender<NumberedPicture>,
    messages: Messages,
}

impl Receiver {
    fn tell(&self, message: Message) {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        if messages.len() == MAX_MESSAGES {
            messages.pop_front();
        }
        messages.push_back(message);
    }
}

impl SeriesReceiver for Receiver {
    async fn receive(&mut self, picture: NumberedPicture) -> Result<(), Error> {
        self.pictures.send(picture).await.map_err(|_| Error::internal("nobody receives the pictures"))
    }

    fn miss(&mut self, index: u64, seconds: f64, error: &Error) {
        self.tell(Message::Missed { index, seconds, error: error.clone() });
    }

    fn interrupt(&mut self, message: String) {
        self.tell(Message::Interrupted(message));
    }
}

fn to_json(report: &PicturesReport) -> Result<String, Error> {
    serde_json::to_string(report).map_err(|e| Error::internal("the report cannot be written as JSON").with_source(e))
}

impl Series {
    pub fn new(session: Arc<Session>, request: SeriesRequest) -> Self {
        let state = Mutex::new(State::New(session, Box::new(request)));
        Self { state, messages: Messages::default(), pid: process::id() }
    }

    /// Starts the task, unless it runs. `None` after the series was closed.
    fn running(&self, engine: &Arc<Engine>) -> Option<(Pictures, Ended)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::New(..) = &*state
            && let State::New(session, request) = mem::replace(&mut *state, State::Closed)
        {
            let (sender, receiver) = mpsc::channel(READY_PICTURES);
            let (messages, ended) = (Arc::clone(&self.messages), Ended::default());
            let (ended_of_task, stop) = (Arc::clone(&ended), Arc::<Notify>::default());
            let stopped = Arc::clone(&stop);
            engine.spawn_local(move || async move {
                let mut receiver = Receiver { pictures: sender, messages };
                let result = tokio::select! {
                    () = stopped.notified() => return,
                    result = session.take_series(&request, &mut receiver) => result,
                };
                // Before the channel closes, which the caller notices
                *ended_of_task.lock().unwrap_or_else(PoisonError::into_inner) = Some(result.and_then(|report| to_json(&report)));
            });
            *state = State::Running { pictures: Arc::new(AsyncMutex::new(receiver)), ended, stop };
        }
        match &*state {
            State::Running { pictures, ended, .. } => Some((Arc::clone(pictures), Arc::clone(ended))),
            State::New(..) | State::Closed => None,
        }
    }
}

/// Number, moment and exception.
type MissedPicture = (u64, f64, PyErr);

#[pymethods]
impl Series {
    /// Starts to wait for the next picture. The job gives a picture, or `None` at the end.
    fn next(&self, py: Python<'_>) -> PyResult<Job> {
        if self.pid != process::id() {
            let message = "the pictures belong to the process that this one was forked from";
            return Err(errors::to_python(py, &Error::usage(message, "start them again in this process")));
        }
        let engine = engine(py).map_err(|e| errors::to_python(py, &e))?;
        let Some((pictures, ended)) = self.running(&engine) else { return Ok(Job::start(&engine, async { Ok(Outcome::End) })) };
        Ok(Job::start(&engine, async move {
            if let Some(picture) = pictures.lock().await.recv().await {
                return Ok(Outcome::Picture(Box::new(FinishedPicture::numbered(picture)?)));
            }
            let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
            match ended.take() {
                Some(Ok(report)) => Ok(Outcome::Text(report)),
                Some(Err(error)) => Err(error),
                // It was reported, or the series was closed
                None => Ok(Outcome::End),
            }
        }))
    }

    /// The moments without a picture, and interruptions, since the last call: number, moment and exception, or a text.
    fn messages(&self, py: Python<'_>) -> Vec<(Option<MissedPicture>, Option<String>)> {
        let messages = mem::take(&mut *self.messages.lock().unwrap_or_else(PoisonError::into_inner));
        let message = |message| match message {
            Message::Missed { index, seconds, error } => (Some((index, seconds, errors::to_python(py, &error))), None),
            Message::Interrupted(text) => (None, Some(text)),
        };
        messages.into_iter().map(message).collect()
    }

    /// Stops the work.
    fn close(&self) {
        let state = mem::replace(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner), State::Closed);
        if self.pid != process::id() {
            // Its task belongs to the parent
            mem::forget(state);
        } else if let State::Running { stop, .. } = state {
            stop.notify_one();
        }
    }
}

impl Drop for Series {
    fn drop(&mut self) {
        self.close();
    }
}
