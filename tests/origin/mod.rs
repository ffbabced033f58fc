//! The local HLS origin: HTTP/1.1 on 127.0.0.1 over the committed fixtures, with the faults that a test configures.
//!
//! Folders of `tests/fixtures` are served as files, with byte ranges; `/vod-ts/` and `/vod-fmp4/` are other names of the two ladders.
//! `/live/` is a window that slides over the TS ladder, `/ll/` a Low-Latency stream. A [`Rule`] changes what one path answers. Every
//! request is logged.

#![allow(dead_code, unused_imports, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a wrong test should fail loudly")]

mod connection;
mod fixtures;
mod live;
mod low_latency;
mod response;
mod rule;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, HttpBody},
    extract::{ConnectInfo, Request, State},
    response::Response,
};
use futures_util::StreamExt;
use tokio::{
    runtime::Runtime,
    sync::{Notify, oneshot},
};

use connection::{ConnectionHandle, FaultyListener};
pub use fixtures::{PLAYLIST, brotli, fixture, fixture_text, fixtures_folder, gzip, null_packets};
pub use live::LiveWindow;
pub use low_latency::LowLatencyStream;
pub use rule::Rule;

/// A request that the origin received.
#[derive(Debug, Clone)]
pub struct ReceivedRequest {
    pub path: String,
    pub query: Option<String>,
    pub range: Option<String>,
    pub headers: HashMap<String, String>,
    /// The client's port, which identifies the connection.
    pub connection: u16,
    pub status: u16,
    /// Bytes of the body that were handed to the socket so far.
    pub sent: u64,
}

#[derive(Default)]
pub(crate) struct Shared {
    pub requests: Mutex<Vec<ReceivedRequest>>,
    pub rules: Mutex<HashMap<String, Vec<Rule>>>,
    /// Files that a test put at a path.
    pub files: Mutex<HashMap<String, Vec<u8>>>,
    pub live: Mutex<LiveWindow>,
    pub low_latency: Mutex<LowLatencyStream>,
    /// Signals new Low-Latency parts.
    pub parts_added: Notify,
    /// Requests that are being answered.
    pub load: Arc<Mutex<Load>>,
}

/// How many requests are answered at the same time.
#[derive(Debug, Default)]
pub(crate) struct Load {
    now: usize,
    most: usize,
}

/// A request, until the last byte of its answer.
struct InFlight(Arc<Mutex<Load>>);

impl InFlight {
    fn new(load: &Arc<Mutex<Load>>) -> Self {
        let mut counted = load.lock().unwrap();
        counted.now += 1;
        counted.most = counted.most.max(counted.now);
        Self(load.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.lock().unwrap().now -= 1;
    }
}

impl Shared {
    /// The rule for this request. Each rule of a list applies once; the last one stays.
    fn next_rule(&self, path: &str) -> Option<Rule> {
        let mut rules = self.rules.lock().unwrap();
        let list = rules.get_mut(path)?;
        if list.len() > 1 { Some(list.remove(0)) } else { list.first().cloned() }
    }
}

/// A running origin. It stops when dropped.
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
            let service = router.into_make_service_with_connect_info::<ConnectionHandle>();
            tokio::select! {
                ended = async { axum::serve(FaultyListener(listener), service).await } => ended.unwrap(),
                _ = stopped => {}
            }
        });
        Self { address, shared, stop: Some(stop), runtime: Some(runtime) }
    }

    /// The URL of a path, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Applies a rule to all further requests of a path.
    pub fn rule(&self, path: &str, rule: Rule) -> &Self {
        self.rules(path, vec![rule])
    }

    /// Applies rules to further requests of a path, one each; the last one stays.
    pub fn rules(&self, path: &str, rules: Vec<Rule>) -> &Self {
        self.shared.rules.lock().unwrap().insert(path.to_owned(), rules);
        self
    }

    /// Puts a file at a path. Its extension decides the content type, and rules apply to it as to a fixture.
    pub fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) -> &Self {
        self.shared.files.lock().unwrap().insert(path.to_owned(), bytes.into());
        self
    }

    /// The file at a path, without its rules.
    pub fn file(&self, path: &str) -> Vec<u8> {
        response::bytes_at(&self.shared, path, None).unwrap_or_else(|| panic!("no file at {path}"))
    }

    /// Moves the live window on by segments.
    pub fn advance(&self, segments: u64) {
        self.shared.live.lock().unwrap().advance(segments);
    }

    /// Adds Low-Latency parts.
    pub fn advance_parts(&self, parts: u64) {
        self.shared.low_latency.lock().unwrap().advance(parts);
        self.shared.parts_added.notify_waiters();
    }

    /// The number of the newest Low-Latency frame.
    pub fn newest_frame(&self) -> u64 {
        self.shared.low_latency.lock().unwrap().newest_frame()
    }

    pub fn set_live_window(&self, live: LiveWindow) {
        *self.shared.live.lock().unwrap() = live;
    }

    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// The requested paths, in order.
    pub fn paths(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.path).collect()
    }

    /// The largest number of requests that were answered at the same time.
    pub fn most_at_once(&self) -> usize {
        self.shared.load.lock().unwrap().most
    }

    /// The number of requests for a path.
    pub fn count(&self, path: &str) -> usize {
        self.paths().iter().filter(|requested| *requested == path).count()
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
        // Never wait for a body that does not end
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(State(shared): State<Arc<Shared>>, ConnectInfo(connection): ConnectInfo<ConnectionHandle>, http: Request) -> Response {
    let request = received(&http, connection.address);
    drop(http);
    let in_flight = InFlight::new(&shared.load);
    let number = {
        let mut requests = shared.requests.lock().unwrap();
        requests.push(request.clone());
        requests.len() - 1
    };
    let rule = shared.next_rule(&request.path);
    // Other rules answer at once, even for a part that does not exist yet
    if matches!(rule, None | Some(Rule::File)) {
        low_latency::block_until_available(&shared, &request).await;
    }
    let response = response::respond(&shared, &request, rule, number, &connection).await;
    if response.body().is_end_stream() {
        return response;
    }
    // The body keeps the request in flight
    response.map(|body| {
        Body::from_stream(body.into_data_stream().inspect(move |_| {
            let _ = &in_flight;
        }))
    })
}

fn received(http: &Request, client: SocketAddr) -> ReceivedRequest {
    let text = |name: &str| http.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let headers = http.headers().iter();
    ReceivedRequest {
        path: http.uri().path().to_owned(),
        query: http.uri().query().map(str::to_owned),
        range: text("range"),
        headers: headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect(),
        connection: client.port(),
        status: 0,
        sent: 0,
    }
}
