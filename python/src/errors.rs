//! From hlsnap's errors to the package's exceptions.

use hlsnap::{Error, ErrorKind};
use pyo3::{PyErr, PyResult, Python, pyfunction, types::PyAnyMethods};

/// The exception of an error: `hlsnap._errors` has a class for each kind.
pub fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, error).unwrap_or_else(|failure| failure)
}

fn exception(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let kind = error.kind().name();
    let facts = (kind, error.message(), error.url(), error.origin_status(), error.hint());
    Ok(PyErr::from_value(py.import("hlsnap._errors")?.getattr("from_native")?.call1(facts)?))
}

/// The name and the exit code of each kind of error.
#[pyfunction]
pub fn kinds() -> Vec<(&'static str, u8)> {
    ErrorKind::TABLE.iter().map(|(_, name, exit_code, _)| (*name, *exit_code)).collect()
}
