//! The extension module of the Python package `hlsnap`. The package's Python layer has the interface; this module has the jobs.
//!
//! A [`client`] starts a [`job`] on the [`engine`], the one runtime of a process. Jobs run without the GIL. A caller waits for a job, and
//! checks for signals meanwhile, or is called back. Options come as JSON text, which hlsnap's own table of options reads.

mod client;
mod engine;
mod errors;
mod job;
mod options;
mod picture;
mod series;

/// Jobs of the Python package `hlsnap`.
#[pyo3::pymodule]
mod _native {
    #[pymodule_export]
    use super::{client::Client, errors::kinds, job::Job, options::options, picture::Picture, series::Series};

    #[pymodule_init]
    #[allow(clippy::unnecessary_wraps, reason = "PyO3 expects a result")]
    fn init(_module: &pyo3::Bound<'_, pyo3::types::PyModule>) -> pyo3::PyResult<()> {
        hlsnap::internals::bindings::start();
        Ok(())
    }
}
