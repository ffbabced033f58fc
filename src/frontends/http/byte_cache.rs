//! A cache that is limited by bytes, and whose entries each have their own expiry.

use std::time::{Duration, Instant};

use moka::{Expiry, future::Cache, policy::EvictionPolicy};

/// The overhead of an entry, in bytes.
const ENTRY: usize = 512;

/// An entry by its key.
pub(super) type ByteCache<E> = Cache<String, E>;

/// An entry with a size and an expiry.
pub(super) trait Entry: Clone + Send + Sync + 'static {
    /// The time until its expiry.
    fn left(&self) -> Duration;
    /// Its approximate size in bytes.
    fn size(&self) -> usize;
}

struct AtItsEnd;

impl<E: Entry> Expiry<String, E> for AtItsEnd {
    fn expire_after_create(&self, _: &String, entry: &E, _: Instant) -> Option<Duration> {
        Some(entry.left())
    }

    fn expire_after_update(&self, _: &String, entry: &E, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(entry.left())
    }
}

/// A cache of at most `bytes`. The least recently used entries leave first.
pub(super) fn cache<E: Entry>(bytes: u64) -> ByteCache<E> {
    let weight = |key: &String, entry: &E| u32::try_from(key.len() + entry.size() + ENTRY).unwrap_or(u32::MAX);
    Cache::builder().max_capacity(bytes).weigher(weight).eviction_policy(EvictionPolicy::lru()).expire_after(AtItsEnd).build()
}
