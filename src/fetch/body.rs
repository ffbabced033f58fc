//! A resource as it arrives: chunks of one response or, after an interruption, of several.

use bytes::{Bytes, BytesMut};
use url::Url;

use super::{
    failure::may_refuse_ranges,
    job::Job,
    range::Range,
    response_body::{ResponseBody, too_long},
    retry::Retries,
    validators::Validators,
};
use crate::error::{Error, ErrorKind};

/// A resource or a range of it, in chunks. Dropping it ends the download.
#[derive(Debug)]
pub struct Body {
    job: Job,
    url: Url,
    range: Range,
    /// The offset in the resource of the next byte.
    position: u64,
    /// Bytes received, over all attempts.
    received: u64,
    response: ResponseBody,
    /// The validators of the first response; later ones must match.
    validators: Validators,
    retries: Retries,
    is_unchanged: bool,
}

impl Body {
    pub(super) fn new(job: &Job, url: &Url, range: Range, (response, validators): (ResponseBody, Validators)) -> Self {
        Self {
            job: job.clone(),
            url: url.clone(),
            range,
            position: range.first,
            received: 0,
            response,
            validators,
            retries: Retries::new(&job.limits),
            is_unchanged: false,
        }
    }

    /// The empty body of 304 Not Modified.
    pub(super) fn unchanged(self) -> Self {
        Self { is_unchanged: true, ..self }
    }

    /// Whether the version that the [`Job`] knows is still current, so that this body is empty.
    pub fn is_unchanged(&self) -> bool {
        self.is_unchanged
    }

    /// The URL after redirects, against which relative URIs in the body resolve.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The size of the whole resource in bytes, if known.
    pub fn size(&self) -> Option<u64> {
        self.validators.size
    }

    /// The validators of the resource, to detect that it changed.
    pub fn validators(&self) -> &Validators {
        &self.validators
    }

    /// Whether the origin sends the whole resource, ignoring the range.
    pub fn is_whole(&self) -> bool {
        self.response.is_whole
    }

    /// Accepts the whole resource if the origin sends it anyway, ignoring the range.
    pub fn accept_longer_body(&mut self) {
        if self.response.is_whole {
            self.range.last = None;
        }
    }

    /// Whether the body ended with its range, so that the resource may continue.
    pub fn was_limited(&self) -> bool {
        self.range.last.is_some_and(|last| self.position > last)
    }

    /// Whether parallel requests can share the connection (HTTP/2).
    pub fn is_multiplexed(&self) -> bool {
        self.response.is_multiplexed
    }

    /// The next bytes, at least one; `None` at the end. Resumes a body that breaks off.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let wanted = self.bytes_wanted();
            if wanted == Some(0) {
                if !self.has_more() {
                    return Ok(None);
                }
                self.request_rest().await?;
                continue;
            }
            match self.response.next(&self.job, &self.url).await {
                Ok(None) => return Ok(None),
                Err(error) => self.resume(error).await?,
                Ok(Some(piece)) => {
                    self.count(piece.len())?;
                    if let Some(chunk) = self.response.cut(piece, wanted) {
                        self.position += chunk.len() as u64;
                        return Ok(Some(chunk));
                    }
                }
            }
        }
    }

    /// Appends the rest of the body to `bytes`. Fails with `too_large` beyond `max_bytes` in total.
    pub async fn read_to_end(&mut self, mut bytes: BytesMut, max_bytes: u64) -> Result<Bytes, Error> {
        while bytes.len() as u64 <= max_bytes {
            let Some(chunk) = self.chunk().await? else { return Ok(bytes.freeze()) };
            bytes.extend_from_slice(&chunk);
        }
        Err(Error::new(ErrorKind::TooLarge, format!("the resource is larger than {max_bytes} bytes"))
            .with_url(&self.url)
            .with_body_too_large())
    }

    /// The bytes still wanted of the current response; `None` up to its end.
    fn bytes_wanted(&self) -> Option<u64> {
        let end_of_range = self.range.last.map(|last| last.saturating_add(1));
        let end = end_of_range.into_iter().chain(self.response.end).min()?;
        Some(end.saturating_sub(self.position))
    }

    /// Counts received bytes against the budget of the job and the limit for one response.
    fn count(&mut self, bytes: usize) -> Result<(), Error> {
        self.job.meter.count_bytes(bytes).map_err(|e| e.with_url(&self.url))?;
        self.received = self.received.saturating_add(bytes as u64);
        let limit = if self.size().is_some() { self.job.limits.max_segment_bytes } else { self.job.max_unsized_bytes };
        if self.received > limit { Err(too_long(limit).with_url(&self.url)) } else { Ok(()) }
    }

    /// Whether the response held only a part of the range, and the resource has more of it.
    fn has_more(&self) -> bool {
        let is_wanted = self.range.last.is_none_or(|last| self.position <= last);
        // Without a known size, only the next response shows whether a bounded range continues
        let exists = self.size().map_or(self.range.last.is_some(), |size| self.position < size);
        is_wanted && exists && self.position > self.response.start
    }

    /// Requests the rest of the range.
    async fn request_rest(&mut self) -> Result<(), Error> {
        let rest = Range { first: self.position, last: self.range.last };
        let next = match Box::pin(self.job.open(&self.url, rest)).await {
            // The caller requested no range, so an origin that refuses ranges must not matter
            Err(error) if self.range == Range::ALL && error.origin_status().is_some_and(may_refuse_ranges) => {
                Box::pin(self.job.open_requesting(&self.url, rest, Range::ALL)).await?
            }
            result => result?,
        };
        self.validators.check(&next.validators, &self.url)?;
        self.response = next.response;
        Ok(())
    }

    /// Requests the rest after a transient failure.
    async fn resume(&mut self, error: Error) -> Result<(), Error> {
        if !self.response.is_resumable || !error.kind().is_transient() {
            return Err(error);
        }
        let Some(wait) = self.retries.next_wait(None) else {
            return Err(error);
        };
        self.job.wait_before_retry(wait, error).await?;
        // `self.retries` keeps counting, so a body that always breaks off fails in the end
        self.request_rest().await
    }
}
