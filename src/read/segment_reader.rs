//! Reads the spans of a plan one after the other, each requested when it is needed. The decoding thread pulls the bytes.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::try_join_all;
use tokio::runtime::Handle;

use super::{
    byte_spans::ByteSpan, download_cache::DownloadCache, joined_stream::JoinedStream, span_download::SpanDownload, waves::routes_for,
};
use crate::{
    error::{Error, ErrorKind},
    fetch::{Body, Job, Route},
    libav::{self, Upstream},
    protection::{Keyring, SegmentDecryptor, SegmentOffsets},
};

/// A sequence of spans as one clear stream.
pub(crate) struct SegmentReader {
    handle: Handle,
    job: Job,
    keyring: Keyring,
    downloads: Vec<SpanDownload>,
    /// Index of the span being read.
    current: usize,
    /// Decrypts the current span; `None` before its first byte.
    decryptor: Option<SegmentDecryptor>,
    stream: JoinedStream,
    first_byte: Arc<OnceLock<Instant>>,
}

impl SegmentReader {
    /// Requests the first span. With `is_multiplexed`, also requests the segment after an init, which saves a round trip. Fetches the keys
    /// of both at the same time.
    ///
    /// `first_request` is the size in bytes of the first request for media; `None` requests the whole segment.
    pub async fn open(
        job: &Job,
        spans: Vec<ByteSpan>,
        first_request: Option<u64>,
        is_multiplexed: bool,
        keyring: &Keyring,
        cache: &DownloadCache,
    ) -> Result<Self, Error> {
        let media = spans.iter().position(|span| !span.is_init);
        // The keys of the init and of the first media
        let key_refs: Vec<_> = spans.iter().take(media.unwrap_or_default() + 1).filter_map(|span| span.key_ref.clone()).collect();
        let keys = async { try_join_all(key_refs.iter().map(|key_ref| keyring.prefetch(key_ref))).await };
        let new_download = |(index, span): (usize, ByteSpan)| {
            let first_request = first_request.filter(|_| media == Some(index) && !span.needs_all_bytes());
            SpanDownload::new(job, span, first_request, cache)
        };
        let mut downloads: Vec<_> = spans.into_iter().enumerate().map(new_download).collect();
        if downloads.first().is_some_and(SpanDownload::is_cached) {
            keys.await?;
            return Ok(Self::new(job, downloads, keyring));
        }
        let mut uses_lanes = false;
        if let Some((index, media)) = media.and_then(|index| Some((index, downloads.get_mut(index)?))) {
            // An init takes the main connection, unless that carries both
            let routes = routes_of(job, media, usize::from(index > 0 && !is_multiplexed));
            uses_lanes = !routes.is_empty();
            media.set_routes(routes);
        }
        let [first, others @ ..] = downloads.as_mut_slice() else { return Err(Error::internal("the plan has no byte spans")) };
        let second = others.first_mut().filter(|_| (is_multiplexed || uses_lanes) && first.span().is_init);
        let second = async { if let Some(second) = second { second.prefetch().await } else { Ok(()) } };
        // The media comes first: it takes the open connection, and a key's few bytes another one
        let (first, second, keys) = tokio::join!(first.prefetch(), second, keys);
        first?;
        second?;
        keys?;
        Ok(Self::new(job, downloads, keyring))
    }

    /// Reads a media file that is open already; `head` has been read from `body`.
    pub fn of_file(job: &Job, body: Body, head: Bytes, keyring: &Keyring) -> Self {
        Self::new(job, vec![SpanDownload::of_open_body(job, body, head)], keyring)
    }

    fn new(job: &Job, downloads: Vec<SpanDownload>, keyring: &Keyring) -> Self {
        Self {
            handle: Handle::current(),
            job: job.clone(),
            keyring: keyring.clone(),
            downloads,
            current: 0,
            decryptor: None,
            stream: JoinedStream::default(),
            first_byte: Arc::default(),
        }
    }

    /// The offset of each segment in the stream, known once its first byte was read.
    pub fn offsets(&self) -> SegmentOffsets {
        self.stream.offsets().clone()
    }

    /// When the first byte of media arrived.
    pub fn first_byte(&self) -> Arc<OnceLock<Instant>> {
        Arc::clone(&self.first_byte)
    }

    /// Handles bytes of the current span; returns those that are ready for the demuxer.
    fn receive(&mut self, bytes: Bytes) -> Result<Option<Bytes>, Error> {
        let Some(download) = self.downloads.get(self.current) else { return Ok(None) };
        let received = download.position();
        if received == bytes.len() as u64 {
            self.refuse_text(&bytes)?;
            self.begin_span()?;
        }
        self.check_init_size()?;
        self.first_byte.get_or_init(Instant::now);
        let clear = match &mut self.decryptor {
            Some(decryptor) => decryptor.push(bytes)?,
            None => bytes,
        };
        let Some(download) = self.downloads.get(self.current) else { return Ok(None) };
        let ready = self.stream.push(download.span(), clear, received, false);
        if download.span().is_init && self.stream.is_init_over() {
            self.go_to_next_span();
        }
        Ok(ready)
    }

    /// Ends the current span; returns the bytes that this makes ready.
    fn end_span(&mut self) -> Result<Option<Bytes>, Error> {
        let Some(download) = self.downloads.get(self.current) else { return Ok(None) };
        if download.position() == 0 {
            self.refuse_text(&[])?;
        }
        let clear = self.decryptor.take().map_or_else(|| Ok(Bytes::new()), SegmentDecryptor::finish)?;
        let ready = self.stream.push(download.span(), clear, download.position(), true);
        self.go_to_next_span();
        Ok(ready)
    }

    /// Reads the last span, which may not exist yet, and ends the stream.
    fn read_hinted(&mut self, patience: Duration) -> Result<Option<Bytes>, Error> {
        let Some(download) = self.downloads.get(self.current) else { return Ok(None) };
        let hinted = self.handle.block_on(download.read_hinted(patience));
        self.begin_span()?;
        self.current = self.downloads.len();
        let Some((bytes, mut decryptor)) = hinted.zip(self.decryptor.take()) else { return Ok(self.stream.finish()) };
        let clear = [decryptor.push(bytes)?, decryptor.finish()?].concat();
        Ok(self.stream.push_last(&clear))
    }

    /// Prepares the current span for its first byte.
    fn begin_span(&mut self) -> Result<(), Error> {
        let Some(download) = self.downloads.get(self.current) else { return Ok(()) };
        self.stream.begin_span(download.span());
        let key_ref = download.span().key_ref.as_ref();
        self.decryptor = Some(self.handle.block_on(SegmentDecryptor::open(key_ref, &self.keyring))?);
        Ok(())
    }

    fn go_to_next_span(&mut self) {
        if let Some(download) = self.downloads.get_mut(self.current) {
            download.finish();
        }
        self.decryptor = None;
        self.current += 1;
    }

    /// Fails if the first media is text or empty. Otherwise a neighboring segment's picture would replace it unnoticed.
    fn refuse_text(&self, start: &[u8]) -> Result<(), Error> {
        let first_media = self.downloads.iter().position(|download| !download.span().is_init);
        let current = self.downloads.get(self.current).map(SpanDownload::span);
        match current.filter(|span| first_media == Some(self.current) && span.key_ref.is_none()) {
            Some(span) => libav::reject_text(start).map_err(|error| error.with_url(&span.url)),
            None => Ok(()),
        }
    }

    /// Fails with `too_large` if the resource of an init is larger than any init.
    fn check_init_size(&self) -> Result<(), Error> {
        let max = self.job.limits().max_init_bytes;
        match self.downloads.get(self.current) {
            Some(download) if download.span().is_init && download.position() > max => {
                let what = format!("the Media Initialization Section has more than {max} bytes");
                Err(Error::new(ErrorKind::TooLarge, what).with_url(&download.span().url).with_hint("report it to the origin's operator"))
            }
            _ => Ok(()),
        }
    }

    /// The only span, if it is clear: offsets in it are offsets in the stream.
    fn only_clear_span(&self) -> Option<&SpanDownload> {
        match self.downloads.as_slice() {
            [download] if download.span().key_ref.is_none() => Some(download),
            _ => None,
        }
    }
}

impl Upstream for SegmentReader {
    fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        while let Some(download) = self.downloads.get_mut(self.current) {
            if let Some(patience) = download.span().hint_timeout {
                return self.read_hinted(patience);
            }
            let ready = match self.handle.block_on(download.next_chunk())? {
                Some(bytes) => self.receive(bytes)?,
                None => self.end_span()?,
            };
            if ready.is_some() {
                return Ok(ready);
            }
        }
        Ok(self.stream.finish())
    }

    fn seek_to(&mut self, offset: u64) -> Result<bool, Error> {
        if self.only_clear_span().is_none() {
            return Ok(false);
        }
        self.current = 0;
        self.downloads.iter_mut().for_each(|download| download.seek_to(offset));
        Ok(true)
    }

    fn resource_start(&self, from: u64, to: u64) -> Option<u64> {
        self.stream.offsets().start_between(from, to)
    }

    fn size(&self) -> Option<u64> {
        self.only_clear_span()?.resource_size()
    }

    fn check_deadline(&self) -> Result<(), Error> {
        self.job.check_deadline()
    }

    fn stop_download(&mut self) {
        if let Some(download) = self.downloads.get_mut(self.current) {
            download.stop_download();
        }
    }
}

/// The connections for the first portion of media, without the first `taken` ones. None if several save no time.
fn routes_of(job: &Job, media: &SpanDownload, taken: usize) -> Vec<Route> {
    let Some(portion) = media.first_portion() else { return Vec::new() };
    let max = job.max_routes(&media.span().url, portion);
    let count = if max > 1 { routes_for(portion).min(max) + taken } else { 1 };
    if count > 1 { Route::all().skip(taken).take(count - taken).collect() } else { Vec::new() }
}
