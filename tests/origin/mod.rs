//! The local HLS origin: real HTTP/1.1 on 127.0.0.1 over the committed fixtures, with the faults that a test asks for.
//!
//! `/ts/…`, `/fmp4/…` and the other folders of `tests/fixtures` are served as files, with ranges. `/live/…` is a window that slides
//! over them, `/ll/…` a Low-Latency stream. A [`Rule`] changes what one path answers. Every request is logged.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that is wrong about its origin should fail loudly")]

mod answer;
mod live;
mod low_latency;
mod rule;
mod wire;

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    response::Response,
};
use tokio::{
    runtime::Runtime,
    sync::{Notify, oneshot},
};

pub use live::Live;
pub use low_latency::LowLatency;
pub use rule::Rule;
use wire::{Wire, Wires};

/// One request, as the origin saw it.
#[derive(Debug, Clone)]
pub struct Hit {
    pub path: String,
    pub query: Option<String>,
    pub range: Option<String>,
    pub headers: HashMap<String, String>,
    /// The client's port: another one for each connection.
    pub connection: u16,
    pub status: u16,
    /// Bytes of the body that were handed to the socket so far.
    pub sent: u64,
}

#[derive(Default)]
pub(crate) struct Shared {
    pub hits: Mutex<Vec<Hit>>,
    pub rules: Mutex<HashMap<String, Vec<Rule>>>,
    /// Files that a test puts at a path, with their content type.
    pub files: Mutex<HashMap<String, Vec<u8>>>,
    pub live: Mutex<Live>,
    pub low_latency: Mutex<LowLatency>,
    /// A Low-Latency part has come.
    pub moved: Notify,
}

impl Shared {
    /// The rule that applies to this request of a path. Those that count are used up; the last one stays.
    fn rule(&self, path: &str) -> Option<Rule> {
        let mut rules = self.rules.lock().unwrap();
        let list = rules.get_mut(path)?;
        if list.len() > 1 { Some(list.remove(0)) } else { list.first().cloned() }
    }
}

/// A running origin; it ends when it is dropped.
pub struct Origin {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    runtime: Option<Runtime>,
}

impl Origin {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let shared = Arc::new(Shared::default());
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(serve).with_state(shared.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        runtime.spawn(async move {
            let service = router.into_make_service_with_connect_info::<Wire>();
            tokio::select! {
                ended = async { axum::serve(Wires(listener), service).await } => ended.unwrap(),
                _ = stopped => {}
            }
        });
        Self { address, shared, stop: Some(stop), runtime: Some(runtime) }
    }

    /// `path` begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on this path answers so.
    pub fn rule(&self, path: &str, rule: Rule) -> &Self {
        self.rules(path, vec![rule])
    }

    /// From now on this path answers so, one after the other; the last one stays.
    pub fn rules(&self, path: &str, rules: Vec<Rule>) -> &Self {
        self.shared.rules.lock().unwrap().insert(path.to_owned(), rules);
        self
    }

    /// Puts a file at a path. Rules apply to it as to a fixture.
    pub fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) -> &Self {
        self.shared.files.lock().unwrap().insert(path.to_owned(), bytes.into());
        self
    }

    /// The file at a path, without its rules.
    pub fn file(&self, path: &str) -> Vec<u8> {
        answer::bytes_at(&self.shared, path, None).unwrap_or_else(|| panic!("no file at {path}"))
    }

    /// Moves the live window on, by segments.
    pub fn advance(&self, segments: u64) {
        self.shared.live.lock().unwrap().advance(segments);
    }

    /// Makes so many further Low-Latency parts.
    pub fn advance_parts(&self, parts: u64) {
        self.shared.low_latency.lock().unwrap().advance(parts);
        self.shared.moved.notify_waiters();
    }

    /// The number of the newest Low-Latency frame.
    pub fn newest_frame(&self) -> u64 {
        self.shared.low_latency.lock().unwrap().newest_frame()
    }

    pub fn set_live(&self, live: Live) {
        *self.shared.live.lock().unwrap() = live;
    }

    pub fn hits(&self) -> Vec<Hit> {
        self.shared.hits.lock().unwrap().clone()
    }

    /// The paths that were asked for, in order.
    pub fn paths(&self) -> Vec<String> {
        self.hits().into_iter().map(|hit| hit.path).collect()
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
        // A body that never ends is not waited for
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

async fn serve(State(shared): State<Arc<Shared>>, ConnectInfo(wire): ConnectInfo<Wire>, request: Request) -> Response {
    let hit = hit_of(&request, wire.address);
    drop(request);
    let number = {
        let mut hits = shared.hits.lock().unwrap();
        hits.push(hit.clone());
        hits.len() - 1
    };
    let rule = shared.rule(&hit.path);
    // A rule answers at once, whether the file exists yet or not
    if matches!(rule, None | Some(Rule::Plain)) {
        low_latency::wait(&shared, &hit).await;
    }
    answer::answer(&shared, &hit, rule, number, &wire).await
}

fn hit_of(request: &Request, client: SocketAddr) -> Hit {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let headers = request.headers().iter();
    Hit {
        path: request.uri().path().to_owned(),
        query: request.uri().query().map(str::to_owned),
        range: text("range"),
        headers: headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect(),
        connection: client.port(),
        status: 0,
        sent: 0,
    }
}
