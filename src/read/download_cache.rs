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
pub(crate) struct DownloadCache(Arc<Mutex<HashMap<CacheKey, CachedDownload>>>);

type CacheKey = (Url, u64, Option<u64>);

fn key(span: &ByteSpan) -> CacheKey {
    (span.url.clone(), span.offset, span.length)
}

impl DownloadCache {
    pub(super) fn get(&self, span: &ByteSpan) -> Option<CachedDownload> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key(span)).cloned()
    }

    /// Stores a download unless the cache holds as much of the span already.
    pub(super) fn put(&self, span: &ByteSpan, download: CachedDownload) {
        let mut downloads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = downloads.entry(key(span)).or_default();
        if download.length > known.length || (download.is_complete && !known.is_complete && download.length == known.length) {
            *known = download;
        }
    }
}
