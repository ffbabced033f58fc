//! The total cost of a client's jobs, including failed and running ones.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Requests and bytes since the client was made.
#[derive(Debug, Default)]
pub struct Traffic {
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl Traffic {
    pub(super) fn count_request(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    pub(super) fn count_bytes(&self, count: u64) {
        self.bytes.fetch_add(count, Relaxed);
    }

    /// Requests that were sent, retries and redirects included.
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// Bytes of bodies that were received.
    pub fn bytes_received(&self) -> u64 {
        self.bytes.load(Relaxed)
    }
}
