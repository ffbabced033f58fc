//! Runs one request: makes its picture, or its many pictures, and writes them to its output or returns them.

use serde_json::Value;

use super::{
    kind::EventKind,
    list_keys::ListKeys,
    many,
    metrics::Metrics,
    worker::{Completed, Deadline, Worker},
};
use crate::{
    capture,
    error::Error,
    frontends::{deliver::Delivery, remote_source, report_facts::PictureCost},
    report::Report,
    request::{Options, Source},
};

/// Runs one request. Without an output its picture is returned; with `must_store`, for asynchronous events, that is `usage`.
pub(super) async fn run(
    worker: &Worker,
    request: &Value,
    deadline: Deadline,
    must_store: bool,
    metrics: &mut Metrics,
) -> Result<Completed, Error> {
    let result = run_uncounted(worker, request, deadline, must_store).await;
    match &result {
        Ok(completed) => metrics.count_picture(completed.cost),
        Err(error) => {
            metrics.count_failure();
            tracing::warn!(kind = error.kind().name(), "no picture: {}", error.one_line());
        }
    }
    result
}

async fn run_uncounted(worker: &Worker, request: &Value, deadline: Deadline, must_store: bool) -> Result<Completed, Error> {
    let Value::Object(object) = request else {
        return Err(Error::usage("a request is not an object", "send {\"url\": …}"));
    };
    let (kind, mut object) = EventKind::split(object)?;
    let keys = ListKeys::take(&mut object)?;
    let mut options = worker.settings.defaults.clone();
    options.set_all(&object)?;
    if options.output.is_none() && must_store {
        return Err(Error::usage(
            "the request names no output, and nobody waits for the picture",
            "name an output in the message, or for all messages by HLSNAP_OUTPUT",
        ));
    }
    match kind {
        EventKind::Snapshot => snapshot(worker, &options, &keys, deadline).await,
        EventKind::Many(kind) => many::run(worker, kind, &options, deadline).await,
    }
}

async fn snapshot(worker: &Worker, options: &Options, keys: &ListKeys, deadline: Deadline) -> Result<Completed, Error> {
    let delivery = options.output.is_some().then(|| delivery(worker, options)).transpose()?;
    let mut request = options.request(remote_source(options)?, delivery.as_ref().and_then(|delivery| delivery.output.format()));
    let _permit = worker.permit(deadline).await?;
    request.limits.timeout = request.limits.timeout.min(deadline.remaining());
    let Some(delivery) = delivery else {
        let snapshot = capture::snapshot(&request, &worker.client).await?;
        return completed(&snapshot.report, Some(snapshot.picture));
    };
    delivery.check(&worker.stores)?;
    let id = if let Source::Url(url) = &request.source { keys.shown_id(url) } else { String::new() };
    let report = delivery.capture_of(Some(keys.channel(&id)), &request, &worker.client, &worker.stores).await?;
    completed(&report, None)
}

fn completed(report: &Report, picture: Option<Vec<u8>>) -> Result<Completed, Error> {
    Completed::new(report, PictureCost::new(report.cost, report.timing_ms.total), picture)
}

fn delivery(worker: &Worker, options: &Options) -> Result<Delivery, Error> {
    let delivery = Delivery::of_event(options)?;
    let names = [options.output.as_deref(), options.report_output.as_deref()].into_iter().flatten();
    delivery.outputs().zip(names).try_for_each(|(output, name)| worker.settings.check_output(output, name))?;
    Ok(delivery)
}
