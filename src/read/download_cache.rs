//! Downloaded bytes of a job's segments, so that a search that goes further back downloads nothing twice.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use url::Url;

use super::byte_spans::ByteSpan;
use crate::fetch::Validators;

/// The first bytes of a span, or all of them.
#[derive(Clone, Default)]
pub(super) struct CachedDownload {
    pub chunks: Vec<Bytes>,
    pub length: u64,
    pub is_complete: bool,
    pub validators: Option<Validators>,
}

/// Downloads by URL and range. Clones share their content; `max_bytes` bounds its size.
#[derive(Clone, Default)]
pub(crate) struct DownloadCache {
    /// Media Initialization Sections, which many segments share.
    inits: SharedDownloads,
    media: SharedDownloads,
}

/// At most this many inits are kept: a transport stream's I-frame Playlist has tables for each resource.
const MAX_INITS: usize = 64;

type SharedDownloads = Arc<Mutex<HashMap<CacheKey, CachedDownload>>>;

type CacheKey = (Url, u64, Option<u64>);

fn key(span: &ByteSpan) -> CacheKey {
    (span.url.clone(), span.offset, span.length)
}

impl DownloadCache {
    /// A cache that shares the inits of this one, and no media.
    pub fn with_inits_only(&self) -> Self {
        Self { inits: Arc::clone(&self.inits), media: Arc::default() }
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
