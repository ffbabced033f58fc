//! Direct events: the answer is the report, with the picture in it where it went nowhere else.

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::{
    event::EventOptions,
    metrics::Metrics,
    worker::{Deadline, Done, Worker},
};
use crate::{
    error::{Error, ErrorKind},
    frontends::error_report,
};

/// What an answer may hold, in bytes: Lambda takes 6 MB.
pub(super) const MOST_ANSWER: usize = 6_000_000;

/// The report; fails as the picture failed.
pub(super) async fn one(works: &Worker, request: &EventOptions, deadline: Deadline, metrics: &mut Metrics) -> Result<Value, Error> {
    let done = works.one(&Value::Object(request.clone()), deadline, false, metrics).await?;
    let report = json!(done.report);
    let mut room = MOST_ANSWER.saturating_sub(report.to_string().len());
    with_picture(report, done.picture, &mut room)
}

/// `{"results": […]}` in the requests' order: a report, or `{"error": {…}}`.
pub(super) async fn many(works: &Worker, requests: Vec<Value>, deadline: Deadline, metrics: &mut Metrics) -> Result<Value, Error> {
    let failure = |error: &Error| json!(error_report::ErrorObject::from(error));
    let told = |done: Result<Done, Error>| match done {
        Ok(done) => (json!(done.report), done.picture),
        Err(error) => (failure(&error), None),
    };
    let told: Vec<_> = all(works, &requests, deadline, false, metrics).await.into_iter().map(told).collect();
    // Every report comes first, then as many pictures as fit
    let mut room = MOST_ANSWER.saturating_sub(told.iter().map(|(report, _)| report.to_string().len()).sum());
    let results = told.into_iter().map(|(report, picture)| with_picture(report, picture, &mut room).unwrap_or_else(|e| failure(&e)));
    Ok(json!({ "results": results.collect::<Vec<_>>() }))
}

/// Takes all pictures, so many at once as there is memory for; the outcomes are in the requests' order.
pub(super) async fn all(
    works: &Worker,
    requests: &[Value],
    deadline: Deadline,
    must_store: bool,
    metrics: &mut Metrics,
) -> Vec<Result<Done, Error>> {
    let each = requests.iter().map(|request| async move {
        let mut own = Metrics::default();
        (works.one(request, deadline, must_store, &mut own).await, own)
    });
    let outcomes: Vec<_> = stream::iter(each).buffered(works.jobs()).collect().await;
    let add = |(done, own): (_, Metrics)| {
        metrics.add(own);
        done
    };
    outcomes.into_iter().map(add).collect()
}

/// The report, with the picture in base64 where `room` is left for it.
fn with_picture(mut report: Value, picture: Option<Vec<u8>>, room: &mut usize) -> Result<Value, Error> {
    if let (Some(picture), Value::Object(fields)) = (picture, &mut report) {
        let wanted = picture.len().div_ceil(3) * 4;
        *room = room.checked_sub(wanted).ok_or_else(|| too_large(picture.len()))?;
        fields.insert("image_base64".to_owned(), STANDARD.encode(picture).into());
    }
    Ok(report)
}

/// A picture that no answer of Lambda's can hold.
pub(super) fn too_large(bytes: usize) -> Error {
    Error::new(ErrorKind::TooLarge, format!("the picture, {bytes} bytes, is more than is left of what Lambda's answer can hold, 6 MB"))
        .with_hint("have it written by output, such as s3://bucket/key.jpg, or ask for a smaller picture")
}
