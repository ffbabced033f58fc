//! Direct events: the response is the report, with the picture in it unless it has an output.

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::{
    event::EventOptions,
    metrics::Metrics,
    run::run,
    worker::{Completed, Deadline, Worker},
};
use crate::{
    error::{Error, ErrorKind},
    frontends::error_report,
};

/// The size of a response, in bytes: Lambda's limit is 6 MB.
pub(super) const MAX_RESPONSE: usize = 6_000_000;

/// The report of one picture.
pub(super) async fn one(worker: &Worker, request: &EventOptions, deadline: Deadline, metrics: &mut Metrics) -> Result<Value, Error> {
    let completed = run(worker, &Value::Object(request.clone()), deadline, false, metrics).await?;
    let mut room = MAX_RESPONSE.saturating_sub(completed.report.to_string().len());
    with_picture(completed.report, completed.picture, &mut room)
}

/// `{"results": […]}` in the order of the requests, each a report or `{"error": {…}}`.
pub(super) async fn many(worker: &Worker, requests: Vec<Value>, deadline: Deadline, metrics: &mut Metrics) -> Result<Value, Error> {
    let failure = |error: &Error| json!(error_report::ErrorObject::from(error));
    let to_json = |result: Result<Completed, Error>| match result {
        Ok(completed) => (completed.report, completed.picture),
        Err(error) => (failure(&error), None),
    };
    let results: Vec<_> = all(worker, &requests, deadline, false, metrics).await.into_iter().map(to_json).collect();
    // All reports, and as many pictures as fit
    let mut room = MAX_RESPONSE.saturating_sub(results.iter().map(|(report, _)| report.to_string().len()).sum());
    let results = results.into_iter().map(|(report, picture)| with_picture(report, picture, &mut room).unwrap_or_else(|e| failure(&e)));
    Ok(json!({ "results": results.collect::<Vec<_>>() }))
}

/// Makes all pictures, at most [`Worker::jobs`] at the same time. Results are in the order of the requests.
pub(super) async fn all(
    worker: &Worker,
    requests: &[Value],
    deadline: Deadline,
    must_store: bool,
    metrics: &mut Metrics,
) -> Vec<Result<Completed, Error>> {
    let each = requests.iter().map(|request| async move {
        let mut own = Metrics::default();
        (run(worker, request, deadline, must_store, &mut own).await, own)
    });
    let results: Vec<_> = stream::iter(each).buffered(worker.jobs()).collect().await;
    let add = |(result, own): (_, Metrics)| {
        metrics.add(own);
        result
    };
    results.into_iter().map(add).collect()
}

/// Adds the picture in base64, and takes its size from `room`. Fails with `too_large` if there is not enough.
fn with_picture(mut report: Value, picture: Option<Vec<u8>>, room: &mut usize) -> Result<Value, Error> {
    if let (Some(picture), Value::Object(fields)) = (picture, &mut report) {
        let size = picture.len().div_ceil(3) * 4;
        *room = room.checked_sub(size).ok_or_else(|| too_large(picture.len()))?;
        fields.insert("image_base64".to_owned(), STANDARD.encode(picture).into());
    }
    Ok(report)
}

/// The picture does not fit into Lambda's response.
pub(super) fn too_large(bytes: usize) -> Error {
    Error::new(ErrorKind::TooLarge, format!("the picture of {bytes} bytes does not fit into Lambda's response of 6 MB"))
        .with_hint("name an output, such as s3://bucket/key.jpg, or request a smaller picture")
}
