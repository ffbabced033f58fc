//! Downloaded bytes of a job's segments, so that a search that goes further back downloads nothing twice.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hasher},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::task::JoinHandle;
use url::Url;

use super::byte_spans::ByteSpan;
use crate::fetch::{Body, Validators};

/// The first bytes of a span, or all of them.
#[derive(Clone, Default)]
pub(super) struct CachedDownload {
    pub chunks: Vec<Bytes>,
    pub length: u64,
    pub is_complete: bool,
    pub validators: Option<Validators>,
}

/// The start of a downloaded span.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MediaStart {
    /// Hash of its first bytes, which include timestamps: equal hashes mean that the same file was downloaded again.
    pub hash: u64,
    /// Size of the span in bytes, if known.
    pub size: Option<u64>,
}

impl MediaStart {
    const HASHED_BYTES: usize = 4 << 10;
}

/// Downloads by URL and range. Clones share their content; `max_bytes` bounds its size.
#[derive(Clone, Default)]
pub(crate) struct DownloadCache {
    /// Media Initialization Sections, which many segments share.
    inits: SharedDownloads,
    media: SharedDownloads,
    /// Rests of bounded responses that are read to their end; `None` closes their connections instead.
    rests: Option<Rests>,
}

type Rests = Arc<Mutex<Vec<JoinHandle<()>>>>;

/// The largest rest of a response that is worth its connection, in bytes.
const MAX_REST_BYTES: u64 = 256 << 10;
/// The longest wait for a rest.
const REST_TIMEOUT: Duration = Duration::from_secs(2);
/// At most this many inits are kept: a transport stream's I-frame Playlist has tables for each resource.
const MAX_INITS: usize = 64;

type SharedDownloads = Arc<Mutex<HashMap<CacheKey, CachedDownload>>>;

type CacheKey = (Url, u64, Option<u64>);

fn key(span: &ByteSpan) -> CacheKey {
    (span.url.clone(), span.offset, span.length)
}

impl DownloadCache {
    /// A cache that shares the inits of this one, and no media. Responses that are no longer needed are read to their end, so that the next
    /// picture can use their connections.
    pub fn for_another_picture(&self) -> Self {
        Self { inits: Arc::clone(&self.inits), media: Arc::default(), rests: Some(Rests::default()) }
    }

    /// Waits until connections of responses that are no longer needed are free.
    pub async fn finish_rests(&self) {
        let rests = self.rests.as_ref().map(|rests| std::mem::take(&mut *rests.lock().unwrap_or_else(PoisonError::into_inner)));
        for rest in rests.into_iter().flatten() {
            // A failure costs a connection, nothing else
            let _ = rest.await;
        }
    }

    /// Takes a response that is no longer needed. `length` is the number of bytes that it still has at most.
    pub(super) fn release(&self, mut body: Body, length: Option<u64>) {
        let Some(rests) = self.rests.as_ref().filter(|_| length.is_some_and(|length| length <= MAX_REST_BYTES)) else { return };
        let read = async move { while let Ok(Some(_)) = body.chunk().await {} };
        let rest = tokio::spawn(async { _ = tokio::time::timeout(REST_TIMEOUT, read).await });
        rests.lock().unwrap_or_else(PoisonError::into_inner).push(rest);
    }

    /// The start of a span, if it was downloaded.
    pub fn media_start(&self, span: &ByteSpan) -> Option<MediaStart> {
        let download = self.get(span)?;
        let mut hasher = DefaultHasher::new();
        let mut rest = MediaStart::HASHED_BYTES;
        for chunk in &download.chunks {
            let taken = chunk.get(..rest).unwrap_or(chunk);
            hasher.write(taken);
            rest -= taken.len();
        }
        let size = span.length.or_else(|| download.validators.as_ref()?.size()?.checked_sub(span.offset));
        let is_enough = rest == 0 || download.is_complete;
        is_enough.then(|| MediaStart { hash: hasher.finish(), size })
    }

    /// Forgets the inits whose URL is not among `needed`.
    pub fn retain_inits(&self, needed: &HashSet<Url>) {
        self.inits.lock().unwrap_or_else(PoisonError::into_inner).retain(|(url, ..), _| needed.contains(url));
    }

    pub(super) fn get(&self, span: &ByteSpan) -> Option<CachedDownload> {
        self.of(span).lock().unwrap_or_else(PoisonError::into_inner).get(&key(span)).cloned()
    }

    /// Stores a download unless the cache holds as much of the span already.
    pub(super) fn put(&self, span: &ByteSpan, download: CachedDownload) {
        if let Some((init, start)) = download.init_of(span) {
            make_room(&mut self.inits.lock().unwrap_or_else(PoisonError::into_inner)).entry(key(&init)).or_insert(start);
        }
        let mut downloads = self.of(span).lock().unwrap_or_else(PoisonError::into_inner);
        if span.is_init {
            make_room(&mut downloads);
        }
        let known = downloads.entry(key(span)).or_default();
        if download.length > known.length || (download.is_complete && !known.is_complete && download.length == known.length) {
            *known = download;
        }
    }

    fn of(&self, span: &ByteSpan) -> &SharedDownloads {
        if span.is_init { &self.inits } else { &self.media }
    }
}

/// Removes all inits if there are too many: pictures follow each other in time, so older ones are needed no more.
fn make_room(inits: &mut HashMap<CacheKey, CachedDownload>) -> &mut HashMap<CacheKey, CachedDownload> {
    if inits.len() >= MAX_INITS {
        inits.clear();
    }
    inits
}

impl CachedDownload {
    /// The Media Initialization Section that was joined to the start of a span, as a download of its own.
    fn init_of(&self, span: &ByteSpan) -> Option<(ByteSpan, Self)> {
        let length = span.init_length;
        if length == 0 || self.length < length {
            return None;
        }
        let (mut chunks, mut rest) = (Vec::new(), length);
        for chunk in &self.chunks {
            let taken = chunk.slice(..usize::try_from(rest).map_or(chunk.len(), |rest| rest.min(chunk.len())));
            // A slice would keep the media after it
            let taken = Bytes::copy_from_slice(&taken);
            rest -= taken.len() as u64;
            chunks.push(taken);
        }
        chunks.retain(|chunk| !chunk.is_empty());
        let init = ByteSpan { length: Some(length), ..ByteSpan::whole(&span.url) };
        let init = ByteSpan { offset: span.offset, is_init: true, ..init };
        Some((init, Self { chunks, length, is_complete: true, validators: self.validators.clone() }))
    }
}
