//! Responses: pictures, JSON, and problem details (RFC 9457).

use axum::{
    Extension,
    body::Body,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{AGE, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, InvalidHeaderValue},
    },
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use ring::digest;
use serde::Serialize;
use serde_json::json;

use super::life::Life;
use crate::{
    error::{Error, ErrorKind},
    frontends::{report_facts::PictureCost, settings::Settings},
};

/// `Cache-Control` of a live picture, which is soon outdated, and of a picture that may come out better next time.
const LIVE: &str = "public, max-age=2";
/// `Cache-Control` of a recording's picture, which does not change.
const RECORDED: &str = "public, max-age=86400";

/// The `Cache-Control` of a response, and its `Age` if it is remembered.
#[derive(Debug, Clone)]
pub(super) struct Caching {
    control: String,
    age: u64,
}

impl Caching {
    /// The operator's, or that of what is remembered, of a live stream or of a recording.
    pub fn new(is_live: bool, life: Option<Life>, settings: &Settings) -> Self {
        let caching = Self::of_document(is_live, life);
        match &settings.defaults.cache_control {
            Some(control) => Self { control: control.clone(), ..caching },
            None => caching,
        }
    }

    /// For what may come out better next time: as short as for a live stream, or none if the operator has a `Cache-Control` of his own.
    pub fn short(life: Option<Life>, settings: &Settings) -> Self {
        match &settings.defaults.cache_control {
            Some(_) => Self { control: "no-store".to_owned(), age: 0 },
            None => Self::of_document(true, life),
        }
    }

    /// Of what is remembered, of a live stream or of a recording.
    pub fn of_document(is_live: bool, life: Option<Life>) -> Self {
        let without_memory = || if is_live { LIVE } else { RECORDED }.to_owned();
        Self { control: life.map_or_else(without_memory, |life| life.cache_control()), age: life.map_or(0, |life| life.age()) }
    }

    /// With this `Cache-Control`.
    pub fn fixed(control: &'static str) -> Self {
        Self { control: control.to_owned(), age: 0 }
    }

    fn write(&self, headers: &mut HeaderMap) -> Result<(), InvalidHeaderValue> {
        headers.insert(CACHE_CONTROL, self.control.parse()?);
        if self.age > 0 {
            headers.insert(AGE, self.age.into());
        }
        Ok(())
    }
}

/// A file to send.
#[derive(Debug)]
pub(super) struct File<'a> {
    pub bytes: Bytes,
    pub media_type: &'static str,
    /// From [`etag`].
    pub etag: &'a str,
    pub caching: Caching,
    /// Becomes an extension of the response.
    pub cost: PictureCost,
}

/// A digest of a file's bytes, in quotes.
pub(super) fn etag(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest.as_ref().get(..16).unwrap_or_default()))
}

/// The file, or 304 if the client has it. `facts` are its `X-Hlsnap-…` headers.
pub(super) fn file(file: File<'_>, facts: impl IntoIterator<Item = (&'static str, String)>, request: &HeaderMap) -> Response {
    let mut headers = match file_headers(&file, facts) {
        Ok(headers) => headers,
        Err(error) => return problem(&Error::internal("a header cannot be written").with_source(error)),
    };
    let cost = Extension(file.cost);
    if is_cached(request, file.etag) {
        return (StatusCode::NOT_MODIFIED, cost, headers).into_response();
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    (cost, headers, Body::from(file.bytes)).into_response()
}

fn file_headers(file: &File<'_>, facts: impl IntoIterator<Item = (&'static str, String)>) -> Result<HeaderMap, InvalidHeaderValue> {
    let mut headers = HeaderMap::new();
    for (name, text) in facts {
        headers.insert(name, text.parse()?);
    }
    file.caching.write(&mut headers)?;
    headers.insert(ETAG, file.etag.parse()?);
    Ok(headers)
}

/// Compares weakly with every ETag of If-None-Match (RFC 9110, section 13.1.2).
pub(super) fn is_cached(request: &HeaderMap, etag: &str) -> bool {
    let lists = request.get_all(IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == etag)
}

/// A document.
pub(super) fn json(object: &impl Serialize, caching: &Caching) -> Result<Response, Error> {
    Ok(json_text(to_json(object)?, caching))
}

pub(super) fn to_json(object: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(object).map_err(|e| Error::internal("the response cannot be written as JSON").with_source(e))
}

/// A document that is written already.
pub(super) fn json_text(text: impl Into<Body>, caching: &Caching) -> Response {
    let mut headers = HeaderMap::new();
    if let Err(error) = caching.write(&mut headers) {
        return problem(&Error::internal("a header cannot be written").with_source(error));
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (headers, text.into()).into_response()
}

/// An error, with its kind's HTTP status.
pub(in crate::frontends) fn problem(error: &Error) -> Response {
    with_status(error, error.kind().http_status())
}

/// An error with another status. Its kind becomes an extension of the response.
pub(in crate::frontends) fn with_status(error: &Error, status: u16) -> Response {
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
    (status, Extension(error.kind()), headers, body.to_string()).into_response()
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
    let paths = "use /snapshot.jpg, .png, .webp or .avif, /sheet.jpg, .png or .webp, /storyboard.vtt, .json, .jpg or .webp, \
                 /animated.webp or .gif, /report.json, /inspect.json, /openapi.json or /healthz";
    problem(&Error::new(ErrorKind::NotFound, format!("nothing is at {path}")).with_hint(paths))
}

pub(super) fn no_such_method() -> Response {
    with_status(&Error::usage("only GET and HEAD are allowed", "use GET"), StatusCode::METHOD_NOT_ALLOWED.as_u16())
}
