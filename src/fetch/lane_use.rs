//! When a job uses lanes, and how many.

use std::time::Duration;

use url::Url;

use super::{
    connector::OnConnected,
    host_facts::round_trip,
    job::Job,
    lanes::{MAX_ROUTES, Route},
};

/// Over a shorter line another connection saves less time than it costs.
const MIN_ROUND_TRIP: Duration = Duration::from_millis(20);
/// The lanes that are opened before it is known how much they will carry.
const EARLY_LANES: usize = 3;

impl Job {
    /// The same job, whose requests go over `route`.
    #[must_use]
    pub fn via(&self, route: Route) -> Self {
        let mut job = self.clone();
        job.route = route;
        job
    }

    /// The same job, which opens lanes as soon as an HTTPS host turns out to be far away: TLS takes a round trip more than TCP, so lanes that
    /// are opened with the Media Playlist's request would be late.
    #[must_use]
    pub fn opening_lanes(&self) -> Self {
        let mut job = self.clone();
        job.opens_lanes = true;
        job
    }

    /// The same job with one connection to a host.
    #[must_use]
    pub fn without_lanes(&self) -> Self {
        let mut job = self.clone();
        job.client = job.client.without_lanes();
        job
    }

    /// How many connections download `bytes` of a resource sooner than one: several if its host is far away, has not refused ranges, and the
    /// budget has room for bytes that are not needed.
    pub fn max_routes(&self, url: &Url, bytes: u64) -> usize {
        let is_far = self.client.hosts.round_trip(url).is_some_and(|round_trip| round_trip >= MIN_ROUND_TRIP);
        match url.scheme() {
            _ if !is_far || self.client.lanes.is_none() || bytes > self.meter.bytes_left() / 2 => 1,
            "https" => EARLY_LANES + 1,
            _ => MAX_ROUTES,
        }
    }

    /// Whether earlier responses showed that the host of `url` serves ranges.
    pub fn knows_ranges(&self, url: &Url) -> bool {
        self.client.hosts.serves_ranges(url)
    }

    /// Uses one connection to the host of `url` from now on: it does not serve several well.
    pub fn give_up_lanes(&self, url: &Url) {
        self.client.hosts.forbid_lanes(url);
    }

    /// Opens the connections of `count` lanes to the host of `url` in the background.
    pub fn open_lanes(&self, url: &Url, count: usize) {
        if let Some(lanes) = &self.client.lanes {
            lanes.connect_all(url, count);
        }
    }

    /// What to do once the main connection for a request to `url` is open.
    pub(super) fn on_connected(&self, url: &Url) -> Option<OnConnected> {
        let lanes = self.client.lanes.clone().filter(|_| self.opens_lanes && self.route == Route::Main && url.scheme() == "https")?;
        let url = url.clone();
        Some(Box::new(move |handshakes| {
            if round_trip(&url, handshakes) >= MIN_ROUND_TRIP {
                lanes.connect_all(&url, EARLY_LANES);
            }
        }))
    }
}
