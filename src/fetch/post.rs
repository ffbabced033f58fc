//! Posts small bodies to URLs that the operator names, such as webhooks. The address policy does not apply to them: they may be private.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{
    Response,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use url::Url;

use super::{
    client::{build, builder},
    failure::{from_reqwest, status_error},
    retry::retry_after,
};
use crate::{
    error::{Error, ErrorKind},
    request::NetworkPolicy,
};

/// The limits for reading an answer. A longer one costs its connection.
const MAX_ANSWER_BYTES: usize = 64 << 10;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// Posts bodies, and keeps connections for the next ones. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Poster(reqwest::Client);

/// Why a body was not accepted.
#[derive(Debug)]
pub struct PostFailure {
    /// The failure.
    pub error: Error,
    /// Whether the same request may succeed later: the connection failed, or the status is 408, 429 or 5xx.
    pub is_transient: bool,
    /// The shortest wait before the next attempt, if the receiver names one.
    pub retry_after: Option<Duration>,
}

impl Poster {
    /// Uses the proxy and the certificates of `network`. Certificates are verified even if those of streams are not.
    ///
    /// Fails with `usage` if the proxy or the certificate file is invalid.
    pub fn new(network: &NetworkPolicy) -> Result<Self, Error> {
        let network = NetworkPolicy { insecure: false, ..network.clone() };
        // A redirect would send the signed body to a host that the operator did not name
        build(builder(&network)?.redirect(redirect::Policy::none()).retry(reqwest::retry::never()).referer(false)).map(Self)
    }

    /// Posts `body` once, and succeeds with a status of 2xx. Gives up after `timeout`.
    pub async fn post(&self, url: &Url, headers: &[(&'static str, String)], body: Bytes, timeout: Duration) -> Result<(), PostFailure> {
        let headers = header_map(headers).map_err(PostFailure::permanent)?;
        let request = self.0.post(url.clone()).headers(headers).body(body);
        let failure = match tokio::time::timeout(timeout, request.send()).await {
            Ok(Ok(response)) if response.status().is_success() => {
                // The status alone decides: the receiver has the body
                let _ = tokio::time::timeout(ANSWER_TIMEOUT, skip_answer(response)).await;
                return Ok(());
            }
            Ok(Ok(response)) => PostFailure::of_status(&response),
            Ok(Err(error)) => PostFailure::transient(from_reqwest(error)),
            Err(_) => {
                let what = format!("the receiver did not answer within {} s", timeout.as_secs_f64());
                PostFailure::transient(Error::new(ErrorKind::Timeout, what))
            }
        };
        Err(PostFailure { error: failure.error.with_url(url), ..failure })
    }
}

/// Reads an answer, so that its connection can be reused.
async fn skip_answer(mut response: Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await
        && read < MAX_ANSWER_BYTES
    {
        read += chunk.len();
    }
}

impl PostFailure {
    fn of_status(response: &Response) -> Self {
        let status = response.status();
        let is_transient = matches!(status.as_u16(), 408 | 429 | 500..);
        Self { error: status_error(status), is_transient, retry_after: retry_after(response.headers()) }
    }

    fn transient(error: Error) -> Self {
        Self { error, is_transient: true, retry_after: None }
    }

    fn permanent(error: Error) -> Self {
        Self { is_transient: false, ..Self::transient(error) }
    }
}

fn header_map(headers: &[(&'static str, String)]) -> Result<HeaderMap, Error> {
    let pair = |(name, value): &(&'static str, String)| {
        let value = HeaderValue::from_str(value).map_err(|e| Error::internal("a header is invalid").with_source(e))?;
        Ok((HeaderName::from_static(name), value))
    };
    headers.iter().map(pair).collect()
}
