//! Direct events: the answer is the report, with the picture in it where it went nowhere else.

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::{
    event::Named,
    metrics::Metrics,
    work::{Deadline, Done, Works},
};
use crate::{
    error::{Error, ErrorKind},
    faces::failure,
};

/// What an answer may hold, in bytes: Lambda takes 6 MB.
pub(super) const MOST_ANSWER: usize = 6_000_000;

/// The report; fails as the picture failed.
pub(super) async fn one(works: &Works, request: &Named, deadline: Deadline, metrics: &mut Metrics) -> Result<Value, Error> {
    let done = works.one(&Value::Object(request.clone()), deadline, false, metrics).await?;
    answer(done, &mut { MOST_ANSWER })
}

/// `{"results": […]}` in the requests' order: a report, or `{"error": {…}}`.
pub(super) async fn many(works: &Works, requests: Vec<Value>, deadline: Deadline, metrics: &mut Metrics) -> Result<Value, Error> {
    let took = all(works, &requests, deadline, false, metrics).await;
    let mut room = MOST_ANSWER;
    let results: Vec<Value> = took
        .into_iter()
        .map(|done| match done.and_then(|done| answer(done, &mut room)) {
            Ok(answer) => answer,
            Err(error) => json!(failure::Failure::from(&error)),
        })
        .collect();
    Ok(json!({ "results": results }))
}

/// Takes all pictures, so many at once as there is memory for; the outcomes are in the requests' order.
pub(super) async fn all(
    works: &Works,
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

/// The report, and the picture in base64 where `room` is left for it.
fn answer(done: Done, room: &mut usize) -> Result<Value, Error> {
    let Done { report, picture } = done;
    let mut answer = json!(report);
    let told = answer.to_string().len();
    if let (Some(picture), Value::Object(fields)) = (picture, &mut answer) {
        let wanted = told + picture.len().div_ceil(3) * 4;
        if wanted > *room {
            return Err(too_large(picture.len()));
        }
        *room -= wanted;
        fields.insert("image_base64".to_owned(), STANDARD.encode(picture).into());
    }
    Ok(answer)
}

/// A picture that no answer of Lambda's can hold.
pub(super) fn too_large(bytes: usize) -> Error {
    Error::new(ErrorKind::TooLarge, format!("the picture, {bytes} bytes, is more than is left of what Lambda's answer can hold, 6 MB"))
        .hint("have it written by output, such as s3://bucket/key.jpg, or ask for a smaller picture")
}
