//! Answers: pictures, JSON, and problems (RFC 9457).

use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, InvalidHeaderValue},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use super::single_flight::SharedSnapshot;
use crate::{
    error::{Error, ErrorKind},
    report::Report,
};

/// A live picture is old in a moment.
pub(super) const LIVE: &str = "public, max-age=2";
/// A recording's picture stays what it is, as far as anybody knows.
const RECORDED: &str = "public, max-age=86400";

pub(super) fn lifetime(report: &Report) -> &'static str {
    if report.live { LIVE } else { RECORDED }
}

/// The picture, or 304 where the asker has it. `cache_control` is the operator's.
pub(super) fn picture(taken: &SharedSnapshot, cache_control: Option<&str>, asker: &HeaderMap) -> Response {
    let report = &taken.report;
    let mut headers = HeaderMap::new();
    let told = told(report, &mut headers).and_then(|()| {
        headers.insert(CACHE_CONTROL, cache_control.unwrap_or(lifetime(report)).parse()?);
        headers.insert(ETAG, taken.etag.parse()?);
        Ok(())
    });
    if let Err(error) = told {
        return problem(&Error::internal("a header cannot be written").with_source(error));
    }
    if has_already(asker, &taken.etag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let media_type = report.format.media_type();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    (headers, Body::from(taken.picture.clone())).into_response()
}

/// `X-Hlsnap-…`: what a picture cannot say of itself.
fn told(report: &Report, headers: &mut HeaderMap) -> Result<(), InvalidHeaderValue> {
    let frame = &report.frame;
    let facts = [
        ("x-hlsnap-width", Some(report.width.to_string())),
        ("x-hlsnap-height", Some(report.height.to_string())),
        ("x-hlsnap-live", Some(report.live.to_string())),
        ("x-hlsnap-age", frame.age_seconds.map(|seconds| seconds.to_string())),
        ("x-hlsnap-program-date-time", frame.program_date_time.clone()),
        ("x-hlsnap-presentation-seconds", frame.presentation_seconds.map(|seconds| seconds.to_string())),
        ("x-hlsnap-requests", Some(report.cost.requests.to_string())),
        ("x-hlsnap-bytes-received", Some(report.cost.bytes_received.to_string())),
        ("x-hlsnap-total-ms", Some(report.timing_ms.total.to_string())),
    ];
    for (name, text) in facts {
        if let Some(text) = text {
            headers.insert(name, text.parse()?);
        }
    }
    Ok(())
}

/// RFC 9110, 13.1.2: the weak comparison, of a list.
fn has_already(asker: &HeaderMap, etag: &str) -> bool {
    let lists = asker.get_all(IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == etag)
}

pub(super) fn json(object: &impl Serialize, lifetime: &'static str) -> Result<Response, Error> {
    let text = serde_json::to_string(object).map_err(|e| Error::internal("the answer cannot be written as JSON").with_source(e))?;
    Ok(([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, lifetime)], text).into_response())
}

/// A failure, with the status of the table.
pub(in crate::frontends) fn problem(error: &Error) -> Response {
    with_status(error, error.kind().http_status())
}

fn with_status(error: &Error, status: u16) -> Response {
    let kind = error.kind().name();
    let mut body = json!({
        "type": format!("urn:hlsnap:error:{kind}"), "title": title(error.kind()), "status": status, "kind": kind, "detail": error.message(),
    });
    let more = [
        ("url", error.url().map(Into::into)),
        ("origin_status", error.origin_status().map(Into::into)),
        ("hint", error.hint().map(Into::into)),
    ];
    if let Some(body) = body.as_object_mut() {
        body.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = [(CONTENT_TYPE, "application/problem+json"), (CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}

fn title(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Usage => "The request makes no sense",
        ErrorKind::NotAllowed => "Policy forbids it",
        ErrorKind::Unreachable => "The origin cannot be reached",
        ErrorKind::HttpStatus => "The origin refused",
        ErrorKind::Timeout => "The deadline passed",
        ErrorKind::TooLarge => "A limit was hit",
        ErrorKind::BadPlaylist => "It is no playlist that can be read",
        ErrorKind::NoVideo => "There is no video",
        ErrorKind::NotFound => "There is nothing",
        ErrorKind::Encrypted => "The stream is encrypted",
        ErrorKind::Undecodable => "No clean frame could be decoded",
        ErrorKind::Unsupported => "This build lacks something",
        ErrorKind::Output => "The picture could not be written",
        ErrorKind::Verdict => "The picture was not to be like that",
        ErrorKind::Internal => "hlsnap has failed",
    }
}

pub(super) fn health() -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")], "ok\n").into_response()
}

pub(super) fn no_such_path(path: &str) -> Response {
    let paths = "ask for /snapshot.jpg, /snapshot.png, /snapshot.webp, /report.json, /inspect.json or /healthz";
    problem(&Error::new(ErrorKind::NotFound, format!("nothing is at {path}")).with_hint(paths))
}

pub(super) fn no_such_method() -> Response {
    with_status(
        &Error::new(ErrorKind::Usage, "only GET and HEAD are answered").with_hint("use GET"),
        StatusCode::METHOD_NOT_ALLOWED.as_u16(),
    )
}
