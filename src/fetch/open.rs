//! Opens a resource: checks the response, retries, and requests the whole resource if the range is not reliable.

use bytes::{Bytes, BytesMut};
use reqwest::StatusCode;
use url::Url;

use super::{
    attempt_error::AttemptError,
    body::Body,
    failure::status_error,
    job::Job,
    range::Range,
    response_body::ResponseBody,
    retry::{Retries, is_transient_status, retry_after},
};
use crate::error::{Error, ErrorKind};

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
                    self.wait_before_retry(wait, error).await?;
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
        if status == StatusCode::NOT_MODIFIED && self.known_version.is_some() {
            return Ok(Body::new(self, &final_url, range, ResponseBody::empty(range)).unchanged());
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
}
