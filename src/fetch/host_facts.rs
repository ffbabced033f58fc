//! What earlier requests showed about hosts: how far away they are, and whether they serve ranges.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use reqwest::{
    StatusCode,
    header::{ACCEPT_RANGES, HeaderMap},
};
use url::Url;

use super::connector::RequestTiming;

/// The most hosts to remember.
const MAX_HOSTS: usize = 1024;

/// Facts about hosts, by scheme, name and port.
#[derive(Debug, Default)]
pub(super) struct HostFacts(Mutex<HashMap<String, Facts>>);

#[derive(Debug, Clone, Copy, Default)]
struct Facts {
    /// The shortest time of a handshake or a response until now: others wait for a processor too.
    round_trip: Option<Duration>,
    /// `None` if no response showed it.
    serves_ranges: Option<bool>,
    /// Whether a download over several connections failed.
    forbids_lanes: bool,
}

impl HostFacts {
    /// The round-trip time to a host. `None` if it is unknown, or if the host does not serve ranges over several connections.
    pub fn round_trip(&self, url: &Url) -> Option<Duration> {
        let facts = self.get(url)?;
        facts.round_trip.filter(|_| facts.serves_ranges != Some(false) && !facts.forbids_lanes)
    }

    /// Whether responses showed that the host serves ranges.
    pub fn serves_ranges(&self, url: &Url) -> bool {
        self.get(url).is_some_and(|facts| facts.serves_ranges == Some(true))
    }

    fn get(&self, url: &Url) -> Option<Facts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&host_key(url)?).copied()
    }

    /// Notes that a download over several connections failed.
    pub fn forbid_lanes(&self, url: &Url) {
        let Some(key) = host_key(url) else { return };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().forbids_lanes = true;
    }

    /// Learns from a response to a request. `has_range` says whether it requested a range.
    pub fn learn(&self, url: &Url, has_range: bool, status: StatusCode, headers: &HeaderMap, timing: RequestTiming) {
        let Some(key) = host_key(url) else { return };
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= MAX_HOSTS && !hosts.contains_key(&key) {
            hosts.clear();
        }
        let facts = hosts.entry(key).or_default();
        let handshake = timing.handshakes.map(|handshakes| round_trip(url, handshakes));
        facts.round_trip = [facts.round_trip, handshake, Some(timing.response)].into_iter().flatten().min();
        let accepts = headers.get(ACCEPT_RANGES).is_some_and(|units| units.as_bytes().eq_ignore_ascii_case(b"bytes"));
        // What the host does counts more than what it announces
        facts.serves_ranges = match status {
            StatusCode::PARTIAL_CONTENT => Some(true),
            StatusCode::OK if has_range => Some(false),
            _ => facts.serves_ranges.or(accepts.then_some(true)),
        };
    }
}

/// The round-trip time, from how long the handshakes took: one round trip for TCP, and one for TLS 1.3 (RFC 8446, 2).
pub(super) fn round_trip(url: &Url, handshakes: Duration) -> Duration {
    if url.scheme() == "https" { handshakes / 2 } else { handshakes }
}

/// Scheme, name and port of a URL; `None` if it names no host.
pub(super) fn host_key(url: &Url) -> Option<String> {
    Some(format!("{}://{}:{}", url.scheme(), url.host_str()?, url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn a_host_serves_ranges_if_it_announces_them_until_it_ignores_one() {
        let (hosts, url) = (HostFacts::default(), Url::parse("http://host.example/a.m3u8").expect("a URL"));
        let announced: HeaderMap = [(ACCEPT_RANGES, HeaderValue::from_static("bytes"))].into_iter().collect();
        let trip = Some(Duration::from_millis(30));
        let slow = RequestTiming { handshakes: trip, response: Duration::from_millis(90) };
        let reused = RequestTiming { handshakes: None, ..slow };
        hosts.learn(&url, false, StatusCode::OK, &HeaderMap::new(), slow);
        assert_eq!((hosts.round_trip(&url), hosts.serves_ranges(&url)), (trip, false));
        hosts.learn(&url, false, StatusCode::OK, &announced, reused);
        assert_eq!((hosts.round_trip(&url), hosts.serves_ranges(&url)), (trip, true));
        hosts.learn(&url, true, StatusCode::OK, &announced, reused);
        assert_eq!((hosts.round_trip(&url), hosts.serves_ranges(&url)), (None, false));
        hosts.learn(&url, true, StatusCode::PARTIAL_CONTENT, &HeaderMap::new(), reused);
        assert_eq!((hosts.round_trip(&url), hosts.serves_ranges(&url)), (trip, true));
        hosts.forbid_lanes(&url);
        assert_eq!(hosts.round_trip(&url), None);
        assert_eq!(hosts.round_trip(&Url::parse("http://host.example:81/").expect("a URL")), None);
    }
}
