//! The access log (`--access-log`): one JSON object a line on stderr for each request.

use std::{
    io::{self, Write},
    net::IpAddr,
    time::Duration,
};

use axum::{
    body::HttpBody,
    extract::Request,
    http::{HeaderMap, Method, header::USER_AGENT},
    response::Response,
};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{client::Client, query_log};
use crate::{
    error::ErrorKind,
    frontends::http::CACHE_HEADER,
    time::{milliseconds, rfc3339},
};

/// The longest path, query and header, in characters.
const MAX_PATH: usize = 200;
const MAX_QUERY: usize = 1000;
const MAX_HEADER: usize = 200;

/// A line that waits for its response.
#[derive(Debug)]
pub(super) struct LogLine {
    time: DateTime<Utc>,
    client: Option<IpAddr>,
    method: String,
    path: String,
    query: Option<String>,
    user_agent: Option<String>,
}

/// The fields of a line, in this order.
#[derive(Debug, Serialize)]
struct Fields<'a> {
    time: String,
    client: Option<IpAddr>,
    method: &'a str,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<&'a str>,
    status: u16,
    /// Size of the body; missing if it is not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// Time until the response is ready to be sent.
    duration_ms: f64,
    /// The kind of an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
}

impl LogLine {
    pub fn new(request: &Request, client: Client) -> Self {
        let uri = request.uri();
        Self {
            time: Utc::now(),
            client: client.0,
            method: cut(request.method().as_str(), MAX_HEADER),
            path: cut(uri.path(), MAX_PATH),
            query: uri.query().map(|query| cut(&query_log::redacted(query), MAX_QUERY)),
            user_agent: header(request.headers(), USER_AGENT.as_str()),
        }
    }

    /// Writes the line to stderr. Ignores errors, because there is no other place to report them.
    pub fn write(self, response: &Response, duration: Duration) {
        let _ = io::stderr().lock().write_all(self.text(response, duration).as_bytes());
    }

    fn text(&self, response: &Response, duration: Duration) -> String {
        let fields = Fields {
            time: rfc3339(self.time),
            client: self.client,
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            status: response.status().as_u16(),
            bytes: if self.method == Method::HEAD.as_str() { Some(0) } else { response.body().size_hint().exact() },
            duration_ms: milliseconds(duration),
            error: response.extensions().get::<ErrorKind>().map(|kind| kind.name()),
            cache: header(response.headers(), CACHE_HEADER),
            user_agent: self.user_agent.as_deref(),
        };
        // Text and numbers cannot fail
        let json = serde_json::to_string(&fields).unwrap_or_default();
        format!("{}\n", without_controls(&json))
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|text| cut(&String::from_utf8_lossy(text.as_bytes()), MAX_HEADER))
}

/// The beginning of a text.
fn cut(text: &str, max: usize) -> String {
    let mut characters = text.chars();
    let mut start: String = characters.by_ref().take(max).collect();
    if characters.next().is_some() {
        start.push('…');
    }
    start
}

/// Escapes the control characters that JSON allows in strings, because a terminal would interpret them.
fn without_controls(json: &str) -> String {
    json.chars().map(|c| if c.is_control() { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn line(uri: &str, agent: &[u8]) -> String {
        let agent = axum::http::HeaderValue::from_bytes(agent).unwrap_or_else(|e| panic!("{e}"));
        let request = Request::builder().uri(uri).header(USER_AGENT, agent).body(Body::empty());
        let request = request.unwrap_or_else(|e| panic!("{e}"));
        let mut response = Response::new(Body::from("12345"));
        response.extensions_mut().insert(ErrorKind::Timeout);
        response.headers_mut().insert(CACHE_HEADER, axum::http::HeaderValue::from_static("hit"));
        let client = Client("192.0.2.1".parse().ok());
        LogLine { time: DateTime::UNIX_EPOCH, ..LogLine::new(&request, client) }.text(&response, Duration::from_micros(1500))
    }

    #[test]
    fn a_line_has_all_fields_and_ends() {
        let wanted = concat!(
            r#"{"time":"1970-01-01T00:00:00.000Z","client":"192.0.2.1","method":"GET","path":"/snapshot.jpg","query":"url=http://h/x&sig=...","#,
            r#""status":200,"bytes":5,"duration_ms":1.5,"error":"timeout","cache":"hit","user_agent":"curl/8"}"#,
            "\n"
        );
        assert_eq!(line("/snapshot.jpg?url=http://h/x&sig=00ff", b"curl/8"), wanted);
    }

    #[test]
    fn lines_are_bounded_and_hold_no_control_characters() {
        let line = line(&format!("/{}?at={}%1b[2J%0a%c2%9b%7f", "a".repeat(3000), "b".repeat(300)), b"\"\\ \xc2\x9b \xff \x80");
        assert!(line.len() < 2000, "{}", line.len());
        assert_eq!(line.chars().filter(|c| c.is_control()).count(), 1, "the line's end alone: {line:?}");
        assert!(line.contains("\\u001b[2J\\n\\u009b\\u007f"), "{line}");
        let parsed: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        assert_eq!(parsed["user_agent"], "\"\\ \u{9b} \u{fffd} \u{fffd}");
    }
}
