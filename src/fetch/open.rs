//! The steps of a request: check the policy, send, follow redirects, check the response, retry.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper_util::client::legacy::connect::HttpInfo;
use reqwest::{
    Response, StatusCode,
    header::{ACCEPT_ENCODING, HeaderValue, LOCATION, RANGE},
};
use url::Url;

use super::{
    Body, Job, Range,
    content_coding::ACCEPTED,
    failure::{from_reqwest, status_error},
    response_body::ResponseBody,
    retry::{Retries, is_transient_status, retry_after},
};
use crate::error::{self, Error, ErrorKind};

/// Why an attempt returned no body.
pub(super) enum AttemptError {
    /// Another attempt may succeed, no sooner than the origin's `Retry-After`.
    Transient { error: Error, retry_after: Option<Duration> },
    /// Another attempt fails the same way.
    Final(Error),
    /// The response does not reliably hold the requested range, and why.
    Unusable(&'static str),
}

impl From<Error> for AttemptError {
    fn from(error: Error) -> Self {
        if error.kind().is_transient() { Self::Transient { error, retry_after: None } } else { Self::Final(error) }
    }
}

impl Job {
    /// Opens a resource and returns its body as it arrives.
    ///
    /// Follows redirects and retries transient failures. If the origin does not reliably send the range, requests the whole resource.
    pub async fn open(&self, url: &Url, range: Range) -> Result<Body, Error> {
        match url.scheme() {
            "file" => Ok(Body::new(self, url, range, ResponseBody::local(self, url, range)?)),
            "data" => Ok(Body::new(self, url, range, ResponseBody::data(url, range)?)),
            _ => Box::pin(self.open_requesting(url, range, range)).await,
        }
    }

    /// Reads a small resource to its end. Fails with `too_large` beyond `max_bytes`.
    pub async fn read(&self, url: &Url, range: Range, max_bytes: u64) -> Result<(Url, Bytes), Error> {
        let mut body = self.open(url, range).await?;
        let bytes = body.read_to_end(BytesMut::new(), max_bytes).await?;
        Ok((body.url().clone(), bytes))
    }

    /// Opens `range` of a resource with a request for `requested`, which contains it.
    pub(super) async fn open_requesting(&self, url: &Url, range: Range, mut requested: Range) -> Result<Body, Error> {
        let mut retries = Retries::new(&self.limits);
        loop {
            match self.attempt(url, range, requested).await {
                Ok(body) => return Ok(body),
                Err(AttemptError::Final(error)) => return Err(error),
                Err(AttemptError::Unusable(why)) => {
                    tracing::info!("the origin sent {why}: requesting the whole resource");
                    requested = Range::ALL;
                }
                Err(AttemptError::Transient { error, retry_after }) => {
                    let Some(wait) = retries.next_wait(retry_after) else { return Err(error) };
                    self.pause(wait, error).await?;
                }
            }
        }
    }

    async fn attempt(&self, url: &Url, range: Range, requested: Range) -> Result<Body, AttemptError> {
        let (final_url, response) = self.follow_redirects(url, requested).await?;
        let status = response.status();
        if status == StatusCode::RANGE_NOT_SATISFIABLE && requested.first > 0 {
            return Ok(Body::new(self, url, range, ResponseBody::empty(range)));
        }
        if !status.is_success() {
            let error = status_error(status).with_url(&final_url);
            let is_transient = is_transient_status(status);
            let retry_after = retry_after(response.headers());
            return Err(if is_transient { AttemptError::Transient { error, retry_after } } else { AttemptError::Final(error) });
        }
        match ResponseBody::remote(self, &final_url, response, range, requested).await {
            Ok(response) => Ok(Body::new(self, &final_url, range, response)),
            Err(AttemptError::Unusable(why)) if requested == Range::ALL => {
                let error = Error::new(ErrorKind::Unreachable, format!("the origin sent {why}"));
                Err(AttemptError::Final(error.with_url(&final_url).with_hint("try again")))
            }
            Err(error) => Err(error),
        }
    }

    /// Sends a request and those that redirects lead to. Returns the last response with its URL.
    pub(super) async fn follow_redirects(&self, url: &Url, range: Range) -> Result<(Url, Response), Error> {
        let mut url = url.clone();
        for _ in 0..=self.limits.max_redirects {
            self.check_policy(&url).await?;
            let response = self.send(&url, range).await?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok((url, response));
            }
            let target = redirect_target(&url, &response)?;
            self.client.policy.check_redirect(&url, &target)?;
            url = target;
        }
        let limit = self.limits.max_redirects;
        Err(Error::new(ErrorKind::TooLarge, format!("more than {limit} redirects"))
            .with_url(&url)
            .with_hint("check the origin for a redirect loop"))
    }

    async fn check_policy(&self, url: &Url) -> Result<(), Error> {
        self.client.policy.check(url)?;
        self.before_deadline(self.client.policy.check_proxied_host(url)).await.map_err(|e| e.with_url(url))
    }

    async fn send(&self, url: &Url, range: Range) -> Result<Response, Error> {
        let mut headers = self.headers.for_url(url);
        if let Some(range) = range.header() {
            headers.insert(RANGE, range);
            // A range of a compressed body counts compressed bytes
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        } else {
            headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static(ACCEPTED));
        }
        let request = self.client.http.get(url.clone()).headers(headers);
        self.meter.count_request().map_err(|e| e.with_url(url))?;
        let response = self.in_time(url, async { request.send().await.map_err(from_reqwest) }).await?;
        self.headers.keep_cookies(response.headers(), url);
        if let Some(info) = response.extensions().get::<HttpInfo>() {
            self.meter.count_connection(info.local_addr());
        }
        tracing::debug!("{} {} {:?} {range:?}", response.status().as_u16(), error::redacted(url), response.version());
        Ok(response)
    }
}

fn redirect_target(url: &Url, response: &Response) -> Result<Url, Error> {
    let location = response.headers().get(LOCATION).map(|value| escaped_location(value.as_bytes()));
    location.and_then(|location| url.join(&location).ok()).ok_or_else(|| {
        Error::new(ErrorKind::HttpStatus, "the origin redirects without a valid Location")
            .with_origin_status(response.status().as_u16())
            .with_url(url)
    })
}

/// A Location as text. Percent-encodes bytes that are not UTF-8, so that the origin gets back the same bytes.
fn escaped_location(location: &[u8]) -> String {
    let escaped =
        || location.iter().map(|byte| if byte.is_ascii() { char::from(*byte).to_string() } else { format!("%{byte:02X}") }).collect();
    std::str::from_utf8(location).map_or_else(|_| escaped(), str::to_owned)
}
