//! Lanes: further connections to a host, which carry byte ranges at the same time as the first one.
//!
//! Over a long line a new connection carries few bytes in its first round trips: ten segments (RFC 6928), then twice as many in each (RFC 5681,
//! 3.1). Several connections carry several times as many. Each lane is an HTTP client of its own, because a client sends all requests of a
//! host over one HTTP/2 connection.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, OnceLock},
};

use tokio::sync::Mutex;
use url::Url;

use super::{
    connector::{Connecting, ConnectorLayer},
    host_facts::host_key,
};
use crate::error::Error;

/// The most connections that one resource is downloaded over: as many as browsers use to a host.
pub const MAX_ROUTES: usize = 6;
/// The most hosts that a lane remembers.
const MAX_HOSTS: usize = 1024;

/// The connection that a request goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Any connection of the client.
    Main,
    /// The connection of the lane with this index.
    Lane(usize),
}

impl Route {
    /// All routes, the best first.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Main).chain((0..MAX_ROUTES).map(Self::Lane))
    }
}

/// The lanes of a client, which are set up when the first is used.
#[derive(Clone)]
pub(super) struct Lanes {
    new_client: Arc<dyn Fn(ConnectorLayer) -> Result<reqwest::Client, Error> + Send + Sync>,
    lanes: Arc<OnceLock<Vec<Arc<Lane>>>>,
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lanes")
    }
}

struct Lane {
    http: reqwest::Client,
    /// The hosts that it had a connection to, open or not. Locked while one is being opened.
    hosts: Mutex<HashSet<String>>,
}

impl Lanes {
    /// `new_client` makes HTTP clients that differ only in their connections.
    pub fn new(new_client: impl Fn(ConnectorLayer) -> Result<reqwest::Client, Error> + Send + Sync + 'static) -> Self {
        Self { new_client: Arc::new(new_client), lanes: Arc::default() }
    }

    fn get(&self, index: usize) -> Option<Arc<Lane>> {
        let new_lane = |_| Ok(Arc::new(Lane { http: (self.new_client)(ConnectorLayer::default())?, hosts: Mutex::default() }));
        // The same settings made the main client, so this does not fail
        let new_lanes = || (0..MAX_ROUTES).map(new_lane).collect::<Result<_, Error>>().unwrap_or_default();
        self.lanes.get_or_init(new_lanes).get(index).cloned()
    }

    /// The HTTP client of a lane for a request to `host`, once its connection is ready if that is being opened.
    pub async fn client(&self, index: usize, host: &str) -> Option<reqwest::Client> {
        let lane = self.get(index)?;
        lane.hosts.lock().await.insert(host.to_owned());
        Some(lane.http.clone())
    }

    /// Opens the connections of the first `count` lanes to the host of `url`, each in the background.
    pub fn connect_all(&self, url: &Url, count: usize) {
        let Some(host) = host_key(url) else { return };
        for index in 0..count {
            let (lanes, url, host) = (self.clone(), url.clone(), host.clone());
            tokio::spawn(async move { lanes.connect(index, url, host).await });
        }
    }

    /// Opens a lane's connection to the host of `url`, unless it had one already.
    async fn connect(&self, index: usize, url: Url, host: String) {
        let Some(lane) = self.get(index) else { return };
        let mut hosts = lane.hosts.lock().await;
        if hosts.len() >= MAX_HOSTS {
            hosts.clear();
        }
        if hosts.insert(host.clone()) {
            Connecting::park(host, lane.http.head(url).send()).await;
        }
    }
}
