//! What a job has downloaded of its segments, so that nothing is downloaded twice when a search goes further back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use url::Url;

use super::byte_spans::ByteSpan;
use crate::fetch::Validators;

/// The start of a resource, or all of it.
#[derive(Clone, Default)]
pub(crate) struct CachedDownload {
    pub chunks: Vec<Bytes>,
    pub length: u64,
    pub is_whole: bool,
    pub version: Option<Validators>,
}

/// Downloaded parts by address and range. Clones share one content, which the job's limit on bytes bounds.
#[derive(Clone, Default)]
pub(crate) struct DownloadCache(Arc<Mutex<HashMap<DownloadKey, CachedDownload>>>);

type DownloadKey = (Url, u64, Option<u64>);

fn key(part: &ByteSpan) -> DownloadKey {
    (part.url.clone(), part.offset, part.length)
}

impl DownloadCache {
    /// What is there of a part.
    pub fn get(&self, part: &ByteSpan) -> Option<CachedDownload> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key(part)).cloned()
    }

    /// Keeps what has come of a part, unless more is there already.
    pub fn put(&self, part: &ByteSpan, kept: CachedDownload) {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = parts.entry(key(part)).or_default();
        if kept.length > known.length || (kept.is_whole && !known.is_whole && kept.length == known.length) {
            *known = kept;
        }
    }
}
