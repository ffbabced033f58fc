//! What a job has downloaded of its segments, so that nothing is downloaded twice when a search goes further back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use url::Url;

use super::parts::Part;
use crate::fetch::Version;

/// The start of a resource, or all of it.
#[derive(Clone, Default)]
pub(super) struct Kept {
    pub chunks: Vec<Bytes>,
    pub length: u64,
    pub is_whole: bool,
    pub version: Option<Version>,
}

/// Downloaded parts by address and range. Clones share one content, which the job's limit on bytes bounds.
#[derive(Clone, Default)]
pub(super) struct Shelf(Arc<Mutex<HashMap<Key, Kept>>>);

type Key = (Url, u64, Option<u64>);

fn key(part: &Part) -> Key {
    (part.url.clone(), part.offset, part.length)
}

impl Shelf {
    /// What is there of a part.
    pub fn get(&self, part: &Part) -> Option<Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key(part)).cloned()
    }

    /// Keeps what has come of a part, unless more is there already.
    pub fn put(&self, part: &Part, kept: Kept) {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = parts.entry(key(part)).or_default();
        if kept.length > known.length || (kept.is_whole && !known.is_whole && kept.length == known.length) {
            *known = kept;
        }
    }
}
