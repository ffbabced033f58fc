//! What strangers' text is read by, for tests from outside: no network, no work.

use axum::http::Uri;
use serde_json::Value;

use super::{http, lambda, settings::Settings};
use crate::{
    error::Error,
    request::{Options, SnapshotRequest},
};

/// What a query of the HTTP face asks for; the text that its signature is of comes along. `signed` has it be signed by some key.
pub fn query(text: &str, signed: bool) -> Result<(SnapshotRequest, String), Error> {
    let uri = format!("/snapshot.jpg?{text}").parse::<Uri>().map_err(|e| Error::internal("no URI").with_source(e))?;
    let mut settings = Settings::default();
    settings.allow_any = true;
    settings.key = signed.then(|| "key".to_owned());
    http::read(&settings, &uri)
}

/// How many requests an event of Lambda's holds that can be read; HTTP events count as one.
pub fn event(text: &str) -> Result<usize, Error> {
    lambda::read(text, |request| match request {
        Value::Object(named) => Options::default().set_all(named).is_ok(),
        _ => false,
    })
}
