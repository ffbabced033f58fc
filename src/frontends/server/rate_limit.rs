//! Limits how many requests one client may send in a second or minute (`--rate-limit`), by governor's GCRA.

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    str::FromStr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::{
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::Response,
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    nanos::Nanos,
    state::StateStore,
};

use super::client::Client;
use crate::{
    error::{Error, ErrorKind},
    frontends::http,
};

/// The size of one generation of clients. Two are kept, with about 64 bytes for each client; the older one is forgotten first.
const MAX_CLIENTS: usize = 65_536;

/// The limit of every client.
#[derive(Debug)]
pub(super) struct RateLimit {
    limiter: RateLimiter<IpAddr, RecentClients, DefaultClock>,
    clock: DefaultClock,
}

/// A request that came too soon.
#[derive(Debug)]
pub(super) struct TooMany {
    /// The wait before the client may send the next request.
    retry_after: Duration,
}

impl FromStr for RateLimit {
    type Err = Error;

    /// `10` or `10/s`: ten a second. `100/m`: a hundred a minute. A client may send all of them at once.
    fn from_str(text: &str) -> Result<Self, Error> {
        let (count, per_minute) = match text.rsplit_once('/') {
            None => (text, false),
            Some((count, "s")) => (count, false),
            Some((count, "m")) => (count, true),
            Some(_) => ("", false),
        };
        let count: NonZeroU32 = count
            .parse()
            .map_err(|_| Error::usage(format!("--rate-limit {text:?} is not a rate"), "give requests such as 10/s or 100/m"))?;
        let quota = if per_minute { Quota::per_minute(count) } else { Quota::per_second(count) };
        let clock = DefaultClock::default();
        Ok(Self { limiter: RateLimiter::new(quota, RecentClients::new(MAX_CLIENTS), clock.clone()), clock })
    }
}

impl RateLimit {
    /// Counts a request of a client.
    pub fn check(&self, client: Client) -> Result<(), TooMany> {
        let Some(network) = client.network() else { return Ok(()) };
        let check = self.limiter.check_key(&network);
        check.map_err(|until| TooMany { retry_after: until.wait_time_from(self.clock.now()) })
    }
}

impl TooMany {
    /// 429 with the seconds to wait. The contract has no separate kind for it.
    pub fn response(&self) -> Response {
        let seconds = self.retry_after.as_secs() + u64::from(self.retry_after.subsec_nanos() > 0);
        let seconds = seconds.max(1);
        let error = Error::new(ErrorKind::NotAllowed, "this client sends too many requests").with_hint(format!("try again in {seconds} s"));
        let mut response = http::with_status(&error, StatusCode::TOO_MANY_REQUESTS.as_u16());
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        response
    }
}

/// The states of recent clients, in two generations: when the younger one is full, it replaces the older one.
#[derive(Debug)]
struct RecentClients {
    capacity: usize,
    generations: Mutex<[HashMap<IpAddr, Nanos>; 2]>,
}

impl RecentClients {
    fn new(capacity: usize) -> Self {
        Self { capacity, generations: Mutex::default() }
    }
}

impl StateStore for RecentClients {
    type Key = IpAddr;

    fn measure_and_replace<T, F, E>(&self, client: &IpAddr, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let [young, old] = &mut *generations;
        let (result, state) = measure(young.get(client).or_else(|| old.get(client)).copied())?;
        if young.len() >= self.capacity && !young.contains_key(client) {
            *old = std::mem::take(young);
        }
        young.insert(*client, state);
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(number: u32) -> Client {
        Client(Some(IpAddr::from(number.to_be_bytes())))
    }

    #[test]
    fn each_client_has_its_own_limit() {
        let limit: RateLimit = "2/m".parse().unwrap_or_else(|e: Error| panic!("{e}"));
        let allowed = |client| limit.check(client).is_ok();
        assert_eq!([1, 1, 1, 2].map(|number| allowed(client(number))), [true, true, false, true]);
        let refused = limit.check(client(1)).err().map(|refused| refused.retry_after.as_secs());
        assert_eq!(refused, Some(29), "half a minute for each");
        assert!(allowed(Client(None)), "without an address there is no limit");
    }

    #[test]
    fn rates_are_a_second_or_a_minute() {
        for text in ["1", "10/s", "100/m"] {
            assert!(text.parse::<RateLimit>().is_ok(), "{text}");
        }
        for text in ["", "0", "-1", "x/s", "10/h", "10/", "1.5/s", "/s"] {
            assert!(text.parse::<RateLimit>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_number_of_clients_is_bounded_and_the_latest_are_known() {
        let states = RecentClients::new(10);
        let visit = |number: u32| {
            let seen = |state: Option<Nanos>| Ok::<_, ()>((state.is_some(), Nanos::from(1_u64)));
            states.measure_and_replace(&IpAddr::from(number.to_be_bytes()), seen) == Ok(true)
        };
        assert!(!(0..1000).any(visit));
        let kept: usize = states.generations.lock().map_or(0, |generations| generations.iter().map(HashMap::len).sum());
        assert_eq!(kept, 20);
        assert!((990..1000).all(visit) && !visit(1));
    }
}
