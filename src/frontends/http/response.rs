//! Responses: pictures, JSON, and problem details (RFC 9457).

use axum::{
    Extension,
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
    frontends::report_facts::{self, PictureCost},
    report::SnapshotFacts,
    time::milliseconds,
};

/// `Cache-Control` of a live picture, which is soon outdated.
pub(super) const LIVE: &str = "public, max-age=2";
/// `Cache-Control` of a recording's picture, which does not change.
const RECORDED: &str = "public, max-age=86400";

pub(super) fn cache_control(facts: &SnapshotFacts) -> &'static str {
    if facts.live { LIVE } else { RECORDED }
}

/// The picture, or 304 if the client has it. Its cost is an extension of the response. `operators` is the operator's `Cache-Control`.
pub(super) fn picture(snapshot: &SharedSnapshot, operators: Option<&str>, request: &HeaderMap) -> Response {
    let facts = &snapshot.facts;
    let mut headers = match picture_headers(snapshot, operators.unwrap_or(cache_control(facts))) {
        Ok(headers) => headers,
        Err(error) => return problem(&Error::internal("a header cannot be written").with_source(error)),
    };
    let cost = Extension(PictureCost::new(facts.cost, milliseconds(facts.timing.total)));
    if is_cached(request, &snapshot.etag) {
        return (StatusCode::NOT_MODIFIED, cost, headers).into_response();
    }
    let media_type = facts.format.media_type();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    (cost, headers, Body::from(snapshot.picture.clone())).into_response()
}

fn picture_headers(snapshot: &SharedSnapshot, cache_control: &str) -> Result<HeaderMap, InvalidHeaderValue> {
    let mut headers = HeaderMap::new();
    for (name, text) in report_facts::http_headers(&snapshot.facts) {
        headers.insert(name, text.parse()?);
    }
    headers.insert(CACHE_CONTROL, cache_control.parse()?);
    headers.insert(ETAG, snapshot.etag.parse()?);
    Ok(headers)
}

/// Compares weakly with every ETag of If-None-Match (RFC 9110, section 13.1.2).
fn is_cached(request: &HeaderMap, etag: &str) -> bool {
    let lists = request.get_all(IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == etag)
}

pub(super) fn json(object: &impl Serialize, cache_control: &'static str) -> Result<Response, Error> {
    let text = serde_json::to_string(object).map_err(|e| Error::internal("the response cannot be written as JSON").with_source(e))?;
    Ok(([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, cache_control)], text).into_response())
}

/// An error, with its kind's HTTP status.
pub(in crate::frontends) fn problem(error: &Error) -> Response {
    with_status(error, error.kind().http_status())
}

fn with_status(error: &Error, status: u16) -> Response {
    let kind = error.kind().name();
    let mut body = json!({
        "type": format!("urn:hlsnap:error:{kind}"), "title": title(error.kind()), "status": status, "kind": kind, "detail": error.message(),
    });
    let optional = [
        ("url", error.url().map(Into::into)),
        ("origin_status", error.origin_status().map(Into::into)),
        ("hint", error.hint().map(Into::into)),
    ];
    if let Some(body) = body.as_object_mut() {
        body.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = [(CONTENT_TYPE, "application/problem+json"), (CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}

fn title(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Usage => "The request is invalid",
        ErrorKind::NotAllowed => "Policy forbids it",
        ErrorKind::Unreachable => "The origin cannot be reached",
        ErrorKind::HttpStatus => "The origin refused",
        ErrorKind::Timeout => "The deadline passed",
        ErrorKind::TooLarge => "A limit was hit",
        ErrorKind::BadPlaylist => "The playlist cannot be read",
        ErrorKind::NoVideo => "There is no video",
        ErrorKind::NotFound => "Nothing was found",
        ErrorKind::Encrypted => "The stream is encrypted",
        ErrorKind::Undecodable => "No clean frame could be decoded",
        ErrorKind::Unsupported => "This build lacks a codec or a feature",
        ErrorKind::Output => "The picture could not be written",
        ErrorKind::Verdict => "A content check failed",
        ErrorKind::Partial => "Some pictures could not be had",
        ErrorKind::Internal => "hlsnap has failed",
    }
}

pub(super) fn health() -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")], "ok\n").into_response()
}

pub(super) fn no_such_path(path: &str) -> Response {
    let paths = "use /snapshot.jpg, /snapshot.png, /snapshot.webp, /snapshot.avif, /report.json, /inspect.json or /healthz";
    problem(&Error::new(ErrorKind::NotFound, format!("nothing is at {path}")).with_hint(paths))
}

pub(super) fn no_such_method() -> Response {
    with_status(&Error::usage("only GET and HEAD are allowed", "use GET"), StatusCode::METHOD_NOT_ALLOWED.as_u16())
}
