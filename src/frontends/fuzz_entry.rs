//! Parsers of untrusted text, for fuzzing and tests from outside the crate. They do no I/O.

use axum::http::Uri;

use super::{http, lambda, settings::Settings};
use crate::{
    error::Error,
    request::{Options, SnapshotRequest},
};

/// Parses a query of the HTTP frontend: the request, and the text that a signature covers. `signed` requires a signature.
pub fn query(text: &str, signed: bool) -> Result<(SnapshotRequest, String), Error> {
    let uri = format!("/snapshot.jpg?{text}").parse::<Uri>().map_err(|e| Error::internal("no URI").with_source(e))?;
    let mut settings = Settings::default();
    settings.allow_any = true;
    settings.key = signed.then(|| "key".to_owned());
    http::read(&settings, &uri)
}

/// Counts the valid requests of a Lambda event. An HTTP event counts as one.
pub fn event(text: &str) -> Result<usize, Error> {
    lambda::read(text, |options| Options::default().set_all(options).is_ok())
}
