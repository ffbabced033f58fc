//! A client in Python: its connections and the defaults of its requests.

use std::{
    mem, process,
    sync::{Arc, Mutex, PoisonError},
};

use hlsnap::{Error, internals::bindings::Session};
use pyo3::{PyResult, Python, pyclass, pymethods};
use serde_json::{Map, Value};

use super::{
    engine::engine,
    errors,
    job::{Job, Outcome},
    picture::FinishedPicture,
    series::Series,
};

/// Connections that stay open, and options that hold for all requests.
#[pyclass(frozen, module = "hlsnap._native")]
pub struct Client {
    options: Map<String, Value>,
    /// With the process that it belongs to. Locked only while the GIL is held, as is a fork.
    session: Mutex<(u32, Arc<Session>)>,
}

impl Client {
    /// The session of this process. Connections of the process that this one was forked from stay its own.
    fn session(&self) -> Result<Arc<Session>, Error> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if session.0 != process::id() {
            let parents = mem::replace(&mut *session, (process::id(), Arc::new(Session::new(&self.options)?)));
            mem::forget(parents);
        }
        Ok(Arc::clone(&session.1))
    }
}

fn object(json: &str) -> Result<Map<String, Value>, Error> {
    serde_json::from_str(json).map_err(|e| Error::internal("the options are not an object").with_source(e))
}

#[pymethods]
impl Client {
    #[new]
    fn new(py: Python<'_>, options: &str) -> PyResult<Self> {
        let new = || -> Result<Self, Error> {
            let options = object(options)?;
            Ok(Self { session: Mutex::new((process::id(), Arc::new(Session::new(&options)?))), options })
        };
        new().map_err(|e| errors::to_python(py, &e))
    }

    /// Starts to take a picture. `compare` is the file of an earlier one.
    #[pyo3(signature = (url, options, compare=None))]
    fn snapshot(&self, py: Python<'_>, url: &str, options: &str, compare: Option<&[u8]>) -> PyResult<Job> {
        let start = || -> Result<Job, Error> {
            let session = self.session()?;
            let request = session.snapshot_request(url, &object(options)?, compare)?;
            let work = async move {
                let taken = session.take(&request).await?;
                Ok(Outcome::Picture(Box::new(FinishedPicture::new(taken)?)))
            };
            Ok(Job::start(&engine(py)?, work))
        };
        start().map_err(|e| errors::to_python(py, &e))
    }

    /// Starts to read the playlists. The job gives JSON.
    fn inspect(&self, py: Python<'_>, url: &str, options: &str) -> PyResult<Job> {
        let start = || -> Result<Job, Error> {
            let session = self.session()?;
            let request = session.inspection_request(url, &object(options)?)?;
            let work = async move {
                let inspection = session.inspect(&request).await?;
                let json = serde_json::to_string(&inspection);
                json.map(Outcome::Text).map_err(|e| Error::internal("the inspection cannot be written as JSON").with_source(e))
            };
            Ok(Job::start(&engine(py)?, work))
        };
        start().map_err(|e| errors::to_python(py, &e))
    }

    /// A series of pictures, which starts with the first one that is asked for.
    #[pyo3(signature = (url, options, compare=None))]
    fn series(&self, py: Python<'_>, url: &str, options: &str, compare: Option<&[u8]>) -> PyResult<Series> {
        let new = || -> Result<Series, Error> {
            let session = self.session()?;
            let request = session.series_request(url, &object(options)?, compare)?;
            Ok(Series::new(session, request))
        };
        new().map_err(|e| errors::to_python(py, &e))
    }
}
