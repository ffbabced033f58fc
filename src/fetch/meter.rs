//! The cost of a job until now, and its limits.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::traffic::Traffic;
use crate::{
    error::{Error, ErrorKind},
    report::Cost,
    request::Limits,
};

/// Counts the requests and bytes of one job, or of one of its pictures, against their limits.
#[derive(Debug)]
pub struct Meter {
    requests: AtomicU64,
    bytes: AtomicU64,
    max_requests: u64,
    max_bytes: u64,
    total: Arc<TotalCost>,
    traffic: Arc<Traffic>,
}

/// The cost of a whole job.
#[derive(Debug, Default)]
struct TotalCost {
    requests: AtomicU64,
    retries: AtomicU64,
    bytes: AtomicU64,
    /// The local addresses of the connections: each has its own port.
    connections: Mutex<HashSet<SocketAddr>>,
}

impl Meter {
    /// `traffic` counts requests and bytes of all jobs.
    pub(super) fn new(limits: &Limits, traffic: &Arc<Traffic>) -> Self {
        Self {
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            max_requests: limits.max_requests,
            max_bytes: limits.max_bytes,
            total: Arc::default(),
            traffic: Arc::clone(traffic),
        }
    }

    /// A meter with the same limits that has counted nothing yet. Both add to the same cost.
    pub(super) fn renewed(&self) -> Self {
        Self {
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            max_requests: self.max_requests,
            max_bytes: self.max_bytes,
            total: Arc::clone(&self.total),
            traffic: Arc::clone(&self.traffic),
        }
    }

    /// A meter with the same limits for another job.
    pub(super) fn restarted(&self) -> Self {
        Self { total: Arc::default(), ..self.renewed() }
    }

    /// Counts a request before it is sent. Fails with `too_large` beyond the limit.
    pub(super) fn count_request(&self) -> Result<(), Error> {
        let limit = self.max_requests;
        if self.requests.fetch_add(1, Relaxed) < limit {
            self.total.requests.fetch_add(1, Relaxed);
            self.traffic.count_request();
            return Ok(());
        }
        self.requests.store(limit, Relaxed);
        Err(Error::new(ErrorKind::TooLarge, format!("the job needs more than {limit} requests"))
            .with_hint("report this to the origin's operator"))
    }

    pub(super) fn count_retry(&self) {
        self.total.retries.fetch_add(1, Relaxed);
    }

    pub(super) fn count_connection(&self, local_address: SocketAddr) {
        self.total.connections.lock().unwrap_or_else(PoisonError::into_inner).insert(local_address);
    }

    /// Counts received bytes. Fails with `too_large` beyond the limit.
    pub(super) fn count_bytes(&self, count: usize) -> Result<(), Error> {
        let count = count as u64;
        self.total.bytes.fetch_add(count, Relaxed);
        self.traffic.count_bytes(count);
        let sum = self.bytes.fetch_add(count, Relaxed).saturating_add(count);
        if sum <= self.max_bytes {
            return Ok(());
        }
        let limit = self.max_bytes;
        Err(Error::new(ErrorKind::TooLarge, format!("the job needs more than {limit} bytes")).with_hint("raise --max-bytes to allow it"))
    }

    /// The bytes left in the budget.
    pub(super) fn bytes_left(&self) -> u64 {
        self.max_bytes.saturating_sub(self.bytes.load(Relaxed))
    }

    /// Whether the budget of bytes or requests is used up.
    pub(super) fn is_spent(&self) -> bool {
        self.requests.load(Relaxed) >= self.max_requests || self.bytes.load(Relaxed) > self.max_bytes
    }

    /// The cost of the whole job until now.
    pub fn cost(&self) -> Cost {
        let total = &self.total;
        Cost {
            requests: total.requests.load(Relaxed),
            connections: total.connections.lock().unwrap_or_else(PoisonError::into_inner).len() as u64,
            bytes_received: total.bytes.load(Relaxed),
            retries: total.retries.load(Relaxed),
        }
    }
}
