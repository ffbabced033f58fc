//! Which web pages may read answers (`--cors`): CORS by tower-http.

use std::time::Duration;

use axum::http::{
    HeaderName, HeaderValue, Method,
    header::{AGE, ETAG, IF_NONE_MATCH, ORIGIN, RETRY_AFTER},
};
use tower_http::cors::{AllowOrigin, CorsLayer, Vary};
use url::Url;

use crate::{
    error::Error,
    frontends::{http::CACHE_HEADER, report_facts},
};

/// How long a browser may keep the answer to a preflight.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// The layer for origins such as `https://example.com`, or `*`; `None` without origins. Fails with `usage`.
///
/// With one origin or `*`, all clients get the same answer, so a cache needs only one copy.
pub(super) fn cors(origins: &[String]) -> Result<Option<CorsLayer>, Error> {
    let origins: Vec<_> = origins.iter().map(|text| parse(text)).collect::<Result<_, _>>()?;
    let (allowed, vary) = match origins.as_slice() {
        [] => return Ok(None),
        several if several.iter().any(|origin| origin == "*") => (AllowOrigin::any(), Vary::list([])),
        [one] => (AllowOrigin::exact(one.clone()), Vary::list([])),
        several => (AllowOrigin::list(several.iter().cloned()), Vary::list([ORIGIN])),
    };
    let facts = report_facts::http_header_names().map(HeaderName::from_static);
    let exposed: Vec<_> = facts.chain([HeaderName::from_static(CACHE_HEADER), ETAG, AGE, RETRY_AFTER]).collect();
    let layer = CorsLayer::new().allow_origin(allowed).allow_methods([Method::GET, Method::HEAD]).allow_headers([IF_NONE_MATCH]);
    Ok(Some(layer.expose_headers(exposed).max_age(MAX_AGE).vary(vary)))
}

fn parse(text: &str) -> Result<HeaderValue, Error> {
    let is_origin =
        |text: &str| !text.contains('*') && Url::parse(text).is_ok_and(|url| url.has_host() && url.origin().ascii_serialization() == text);
    let origin = Some(text).filter(|text| *text == "*" || is_origin(text)).and_then(|text| HeaderValue::from_str(text).ok());
    origin.ok_or_else(|| Error::usage(format!("--cors {text:?} is not an origin"), "give https://example.com without a path, or *"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_have_no_path() {
        for text in ["*", "https://example.com", "http://localhost:3000", "https://xn--bcher-kva.example"] {
            assert!(parse(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "example.com",
            "https://example.com/",
            "https://example.com/a",
            "https://EXAMPLE.com",
            "null",
            "data:x",
            "https://*.example.com",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
