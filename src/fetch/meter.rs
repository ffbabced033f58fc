//! What a job has cost so far, and its byte budget.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use crate::{
    error::{Error, ErrorKind},
    report::Cost,
    request::Limits,
};

/// Counts requests, connections and bytes. Shared by everything that works on one job.
#[derive(Debug)]
pub struct Meter {
    requests: AtomicU64,
    retries: AtomicU64,
    bytes: AtomicU64,
    most_requests: u64,
    most_bytes: u64,
    /// Our own ends of the connections: each has another port.
    connections: Mutex<HashSet<SocketAddr>>,
}

impl Meter {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            requests: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            most_requests: limits.max_requests,
            most_bytes: limits.max_bytes,
            connections: Mutex::default(),
        }
    }

    /// Counts a request that is about to be made; fails where the job has made enough of them.
    pub(super) fn request(&self) -> Result<(), Error> {
        let most = self.most_requests;
        if self.requests.fetch_add(1, Relaxed) < most {
            return Ok(());
        }
        self.requests.store(most, Relaxed);
        Err(Error::new(ErrorKind::TooLarge, format!("more than {most} requests would be needed")).with_hint("this is the origin's mistake"))
    }

    pub(super) fn retry(&self) {
        self.retries.fetch_add(1, Relaxed);
    }

    pub(super) fn connection(&self, our_end: SocketAddr) {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).insert(our_end);
    }

    /// Counts bytes that have arrived; fails once they are more than the job may take.
    pub(super) fn bytes(&self, count: usize) -> Result<(), Error> {
        let count = count as u64;
        let sum = self.bytes.fetch_add(count, Relaxed).saturating_add(count);
        if sum <= self.most_bytes {
            return Ok(());
        }
        let most = self.most_bytes;
        Err(Error::new(ErrorKind::TooLarge, format!("more than {most} bytes would be needed"))
            .with_hint("raise --max-bytes if that is wanted"))
    }

    /// How many bytes may still arrive.
    pub(super) fn bytes_left(&self) -> u64 {
        self.most_bytes.saturating_sub(self.bytes.load(Relaxed))
    }

    /// Whether nothing more may be downloaded.
    pub(super) fn is_spent(&self) -> bool {
        self.requests.load(Relaxed) >= self.most_requests || self.bytes.load(Relaxed) > self.most_bytes
    }

    /// The figures so far.
    pub fn cost(&self) -> Cost {
        Cost {
            requests: self.requests.load(Relaxed),
            connections: self.connections.lock().unwrap_or_else(PoisonError::into_inner).len() as u64,
            bytes_received: self.bytes.load(Relaxed),
            retries: self.retries.load(Relaxed),
        }
    }
}
