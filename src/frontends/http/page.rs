//! The embedded files of web pages, and the headers that restrict what pages may do.

use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    },
    response::{IntoResponse, Response},
};

use super::response;

/// Allows scripts, styles and data from this server only, and none inline. `blob:` is for pictures that a page has downloaded.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A file of a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageFile {
    pub media_type: &'static str,
    pub text: &'static str,
}

impl PageFile {
    pub const fn html(text: &'static str) -> Self {
        Self { media_type: "text/html; charset=utf-8", text }
    }

    pub const fn css(text: &'static str) -> Self {
        Self { media_type: "text/css; charset=utf-8", text }
    }

    pub const fn script(text: &'static str) -> Self {
        Self { media_type: "text/javascript; charset=utf-8", text }
    }

    /// The file, or 304 if the client has it. Browsers revalidate it each time, so that a new version of the program shows at once.
    pub fn response(self, request: &HeaderMap) -> Response {
        let etag = response::etag(self.text.as_bytes());
        let headers = [(CACHE_CONTROL, "no-cache"), (ETAG, etag.as_str())];
        if response::is_cached(request, &etag) {
            return with_page_headers((StatusCode::NOT_MODIFIED, headers).into_response());
        }
        with_page_headers((headers, [(CONTENT_TYPE, self.media_type)], Body::from(self.text)).into_response())
    }
}

/// Adds the headers that every response of a page's server has.
pub(super) fn with_page_headers(mut response: Response) -> Response {
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    response.headers_mut().extend(headers.map(|(name, text)| (name, HeaderValue::from_static(text))));
    response
}
