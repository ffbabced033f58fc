//! Downloads one byte span: from the cache first, then from the origin, resumed if a response was bounded or paused.

use std::{collections::VecDeque, time::Duration};

use bytes::{Bytes, BytesMut};

use super::{
    byte_spans::ByteSpan,
    download_cache::{CachedDownload, DownloadCache},
    parallel_ranges::ParallelRanges,
    waves::first_wave,
};
use crate::{
    error::Error,
    fetch::{Body, Job, Route, Validators, may_refuse_ranges},
};

/// Maximum size of a Part, in bytes.
const MAX_PART_BYTES: u64 = 16 << 20;

/// The bytes of one span, in order.
pub(super) struct SpanDownload {
    span: ByteSpan,
    job: Job,
    /// The end of the first portion, as an offset in the span: it is requested first, and what follows it only if it is needed. `None` requests
    /// the whole span.
    portion_end: Option<u64>,
    /// The connections for the ranges of the first portion; if empty, the main one.
    routes: Vec<Route>,
    body: Option<Body>,
    /// The ranges after `body`, which are downloaded at the same time.
    ranges: Option<ParallelRanges>,
    /// Offset in the span of the next byte.
    position: u64,
    /// `position` at the last request.
    requested_at: u64,
    /// The validators of the first response; later ones must match.
    validators: Option<Validators>,
    /// Bytes to return before the body's.
    replay: VecDeque<Bytes>,
    cache: DownloadCache,
    cache_use: CacheUse,
}

/// The use of the downloaded bytes.
enum CacheUse {
    /// Nothing has been read; the cache may have the start of the span.
    NotStarted,
    /// They go to the cache.
    On(CachedDownload),
    /// They are dropped: the span is a file or was sought in.
    Off,
}

impl SpanDownload {
    /// A download that sends no request yet. `first_request` is the size of the first portion in bytes.
    pub fn new(job: &Job, span: ByteSpan, first_request: Option<u64>, cache: &DownloadCache) -> Self {
        Self {
            span,
            job: job.clone(),
            portion_end: first_request,
            routes: Vec::new(),
            body: None,
            ranges: None,
            position: 0,
            requested_at: 0,
            validators: None,
            replay: VecDeque::new(),
            cache: cache.clone(),
            cache_use: CacheUse::NotStarted,
        }
    }

    /// A resource that is open already; `head` has been read from `body`.
    pub fn of_open_body(job: &Job, body: Body, head: Bytes) -> Self {
        let mut download = Self::new(job, ByteSpan::whole(body.url()), None, &DownloadCache::default());
        download.body = Some(body);
        download.replay.extend(Some(head).filter(|head| !head.is_empty()));
        download.cache_use = CacheUse::Off;
        download
    }

    /// Requests the first portion as ranges over `routes`.
    pub fn set_routes(&mut self, routes: Vec<Route>) {
        self.routes = routes;
    }

    /// The size of the first portion in bytes, if it is bounded.
    pub fn first_portion(&self) -> Option<u64> {
        self.portion_end.into_iter().chain(self.span.length).min()
    }

    pub fn span(&self) -> &ByteSpan {
        &self.span
    }

    /// The number of bytes returned; after a seek, the offset of the next byte.
    pub fn position(&self) -> u64 {
        self.position
    }

    pub fn is_cached(&self) -> bool {
        self.cache.get(&self.span).is_some()
    }

    /// Sends the first request ahead of [`SpanDownload::next_chunk`].
    pub async fn prefetch(&mut self) -> Result<(), Error> {
        self.body = Some(self.request().await?);
        Ok(())
    }

    /// The next bytes, at least one; `None` at the end of the span.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        if matches!(self.cache_use, CacheUse::NotStarted) {
            self.load_cached();
        }
        if let Some(bytes) = self.replay.pop_front() {
            self.position += bytes.len() as u64;
            return Ok(Some(bytes));
        }
        if matches!(&self.cache_use, CacheUse::On(download) if download.is_complete) {
            return Ok(None);
        }
        loop {
            if self.body.is_none()
                && let Some(bytes) = self.next_chunk_of_ranges().await
            {
                return Ok(Some(self.receive(bytes)));
            }
            if self.is_at_end() {
                return Ok(self.end());
            }
            let mut body = if let Some(body) = self.body.take() { body } else { self.request().await? };
            self.validators.get_or_insert_with(|| body.validators().clone()).check(body.validators(), body.url())?;
            if let Some(bytes) = body.chunk().await? {
                self.body = Some(body);
                return Ok(Some(self.receive(bytes)));
            }
            // A response without bytes is the end, whatever size the origin claims
            if self.is_complete(&body) || self.position == self.requested_at {
                return Ok(self.end());
            }
        }
    }

    fn receive(&mut self, bytes: Bytes) -> Bytes {
        if let CacheUse::On(download) = &mut self.cache_use {
            download.length += bytes.len() as u64;
            download.chunks.push(bytes.clone());
            download.validators.clone_from(&self.validators);
        }
        self.position += bytes.len() as u64;
        bytes
    }

    fn end(&mut self) -> Option<Bytes> {
        if let CacheUse::On(download) = &mut self.cache_use {
            download.is_complete = true;
        }
        None
    }

    async fn next_chunk_of_ranges(&mut self) -> Option<Bytes> {
        let ranges = self.ranges.as_mut()?;
        let bytes = ranges.next_chunk(self.position, self.validators.as_ref(), &self.span).await;
        if bytes.is_none() {
            let lacks_bytes = !ranges.is_empty();
            self.ranges = None;
            // Ranges after the end of the resource are empty
            if lacks_bytes && !self.is_at_end() {
                self.job.give_up_lanes(&self.span.url);
                self.routes.clear();
            }
        }
        bytes
    }

    /// All bytes of a span that may not exist yet; `None` unless they arrive within `patience`.
    pub async fn read_hinted(&self, patience: Duration) -> Option<Bytes> {
        let whole = async {
            let mut body = self.open(&self.job, None).await?;
            body.read_to_end(BytesMut::new(), MAX_PART_BYTES).await
        };
        match tokio::time::timeout(patience, whole).await {
            Ok(Ok(bytes)) => Some(bytes).filter(|bytes| !bytes.is_empty()),
            Ok(Err(error)) => {
                tracing::debug!("skipping the hinted part: {}", error.one_line());
                None
            }
            Err(_) => {
                tracing::debug!("skipping the hinted part: it did not arrive in time");
                None
            }
        }
    }

    /// Stops the download; [`SpanDownload::next_chunk`] resumes it.
    pub fn stop_download(&mut self) {
        // An open body may still be needed after its head
        if self.replay.is_empty() {
            self.release_body();
        }
    }

    /// Gives up the open response, at the end of which its connection is free again.
    fn release_body(&mut self) {
        self.ranges = None;
        let Some(body) = self.body.take() else { return };
        let requested = self.portion_end.map(|end| end.saturating_sub(self.position));
        let left = self.span.length.map(|length| length.saturating_sub(self.position));
        self.cache.release(body, requested.into_iter().chain(left).min());
    }

    /// Continues at `offset`. Later bytes are not cached, since the cache holds the start of a span.
    pub fn seek_to(&mut self, offset: u64) {
        self.save_to_cache();
        self.cache_use = CacheUse::Off;
        self.replay.clear();
        self.body = None;
        self.ranges = None;
        self.routes.clear();
        self.portion_end = self.portion_end.map(|end| offset.saturating_add(end));
        self.position = offset;
    }

    /// Ends the download and moves the received bytes to the cache.
    pub fn finish(&mut self) {
        self.save_to_cache();
        self.replay.clear();
        self.release_body();
    }

    /// Size of the resource in bytes, if the open response states it.
    pub fn resource_size(&self) -> Option<u64> {
        self.body.as_ref().and_then(Body::size)
    }

    /// Sends the next request: for the first portion or a wave of its ranges, then for the rest.
    async fn request(&mut self) -> Result<Body, Error> {
        self.requested_at = self.position;
        let (main, lanes) = self.routes.split_first().unwrap_or((&Route::Main, &[]));
        let end = if lanes.is_empty() { self.portion_end } else { self.first_portion() };
        let left = end.and_then(|end| end.checked_sub(self.position)).filter(|left| *left > 0);
        // Unless the host is known to serve ranges, its first response has to show it
        let is_known = self.position > 0 || self.job.knows_ranges(&self.span.url);
        let (length, lane_length) = match left {
            Some(left) if !lanes.is_empty() => {
                let count = lanes.len() as u64;
                // The second wave goes to the end of the portion
                let second = left.div_ceil(count + 1);
                let (length, lane_length) =
                    if self.position > 0 { (second, second) } else { first_wave(left, count, u32::from(!is_known)) };
                (Some(length), lane_length)
            }
            _ => (left, 0),
        };
        let start_lanes = || {
            let start = self.position.saturating_add(length.unwrap_or_default());
            (lane_length > 0).then(|| ParallelRanges::start(&self.job, &self.span, start, lane_length, lanes))
        };
        let early = if is_known { start_lanes() } else { None };
        let body = self.open(&self.job.via(*main), length).await?;
        if body.is_whole() {
            self.routes.clear();
        } else {
            self.ranges = early.or_else(start_lanes);
        }
        Ok(body)
    }

    /// Opens at most `max` bytes at the position, or all of them.
    async fn open(&self, job: &Job, max: Option<u64>) -> Result<Body, Error> {
        let span = &self.span;
        match job.open(&span.url, span.range_from(self.position, max)).await {
            // An origin without range support may answer with almost any status
            Err(error) if max.is_some() && span.length.is_none() && error.origin_status().is_some_and(may_refuse_ranges) => {
                job.open(&span.url, span.range_from(self.position, None)).await
            }
            Ok(mut body) => {
                if span.length.is_none() {
                    body.accept_longer_body();
                }
                Ok(body)
            }
            failed => failed,
        }
    }

    /// Takes what the cache has, unless the span was requested already.
    fn load_cached(&mut self) {
        let cached = if self.body.is_none() { self.cache.get(&self.span) } else { None }.unwrap_or_default();
        self.replay = cached.chunks.iter().cloned().collect();
        self.validators.clone_from(&cached.validators);
        self.cache_use = CacheUse::On(cached);
    }

    fn save_to_cache(&mut self) {
        if let CacheUse::On(download) = std::mem::replace(&mut self.cache_use, CacheUse::Off) {
            self.cache.put(&self.span, download);
        }
    }

    /// Whether the bytes up to the position are all, as earlier responses say. Without them, only the next response shows it.
    fn is_at_end(&self) -> bool {
        let size = self.validators.as_ref().and_then(Validators::size).and_then(|size| size.checked_sub(self.span.offset));
        let end = self.span.length.into_iter().chain(size).min();
        self.body.is_none() && self.position > 0 && end.is_some_and(|end| self.position >= end)
    }

    /// Whether `body`, which has ended, reached the end of the span.
    fn is_complete(&self, body: &Body) -> bool {
        match (self.span.length, body.size()) {
            (Some(length), _) => self.position >= length || !body.was_limited(),
            (None, Some(size)) => self.span.offset + self.position >= size,
            (None, None) => !body.was_limited(),
        }
    }
}

impl Drop for SpanDownload {
    fn drop(&mut self) {
        self.release_body();
        self.save_to_cache();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fetch::Client,
        request::{Limits, NetworkPolicy, RequestHeaders},
    };

    async fn read_to_end(download: &mut SpanDownload) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some(chunk) = download.next_chunk().await.expect("readable") {
            bytes.extend_from_slice(&chunk);
        }
        bytes
    }

    #[tokio::test]
    async fn the_cache_holds_the_start_of_a_span_even_after_a_seek() {
        let folder = tempfile::tempdir().expect("a folder");
        let content: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
        let path = folder.path().join("a.mp4");
        std::fs::write(&path, &content).expect("written");
        let url = url::Url::from_file_path(&path).expect("a URL");
        let client = Client::new(&NetworkPolicy::default()).expect("a client");
        let job = Job::new(&client, &url, &RequestHeaders::default(), &Limits::default()).expect("a job");
        let cache = DownloadCache::default();

        let mut first = SpanDownload::new(&job, ByteSpan::whole(&url), None, &cache);
        let start = first.next_chunk().await.expect("readable").expect("the first chunk");
        first.seek_to(2_000_000);
        assert_eq!(read_to_end(&mut first).await, content[2_000_000..]);
        drop(first);

        let mut second = SpanDownload::new(&job, ByteSpan::whole(&url), None, &cache);
        assert!(second.is_cached());
        assert_eq!(second.next_chunk().await.expect("readable"), Some(start));
        second.seek_to(0);
        assert_eq!(read_to_end(&mut second).await, content);
    }
}
