//! Watches and prepares connections, as layers around reqwest's connector.
//!
//! The connector does not say for which request it connects. [`Connecting`], which surrounds a request as a task-local value, tells it.

use std::{
    any::Any,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tower_layer::Layer;
use tower_service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

tokio::task_local! {
    static CONNECTING: Arc<Connecting>;
}

/// How long the steps of a request took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RequestTiming {
    /// `None` if it opened no connection.
    pub handshakes: Option<Duration>,
    /// From the open connection to the head of the response.
    pub response: Duration,
}

/// What to do once a connection is open.
pub(super) type OnConnected = Box<dyn Fn(Duration) + Send + Sync>;

/// The connection that one request may open.
#[derive(Default)]
pub(super) struct Connecting {
    /// The host's key.
    host: String,
    /// Called once the connection is open, with how long its handshakes took.
    on_connected: Option<OnConnected>,
    /// Whether to park the connection instead of sending the request.
    only_connects: bool,
    resolved_at: OnceLock<Instant>,
    /// When the handshakes were done, and how long they took.
    connected: OnceLock<(Instant, Duration)>,
}

impl Connecting {
    /// Runs a request to `host` up to the head of its response, and measures its steps.
    pub async fn watch<T>(host: String, on_connected: Option<OnConnected>, request: impl Future<Output = T>) -> (T, RequestTiming) {
        let connecting = Arc::new(Self { host, on_connected, ..Self::default() });
        let start = Instant::now();
        let result = CONNECTING.scope(Arc::clone(&connecting), request).await;
        let connected = connecting.connected.get();
        let sent_at = connected.map_or(start, |(at, _)| *at);
        (result, RequestTiming { handshakes: connected.map(|(_, duration)| *duration), response: sent_at.elapsed() })
    }

    /// Connects to `host` for `request`, parks the connection, and fails the request. Does so only if the client has no open connection to
    /// the host.
    pub async fn park<T>(host: String, request: impl Future<Output = T>) {
        let connecting = Arc::new(Self { host, only_connects: true, ..Self::default() });
        CONNECTING.scope(connecting, request).await;
    }

    /// Notes that the name of the host is resolved: the handshakes begin now.
    pub fn name_is_resolved() {
        // Fails outside of a request
        let _ = CONNECTING.try_with(|connecting| _ = connecting.resolved_at.set(Instant::now()));
    }
}

/// A parked connection, which the next request to its host takes.
#[derive(Clone, Default)]
pub(super) struct Parked(Arc<Mutex<Option<ParkedConnection>>>);

struct ParkedConnection {
    host: String,
    since: Instant,
    connection: Box<dyn Any + Send>,
}

impl Parked {
    /// Servers close idle connections; most wait longer than this.
    const MAX_AGE: Duration = Duration::from_secs(4);

    fn put(&self, host: &str, connection: impl Any + Send) {
        let parked = ParkedConnection { host: host.to_owned(), since: Instant::now(), connection: Box::new(connection) };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(parked);
    }

    fn take<C: 'static>(&self, host: &str) -> Option<C> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let parked = slot.take_if(|parked| parked.host == host || parked.since.elapsed() >= Self::MAX_AGE)?;
        let is_usable = parked.host == host && parked.since.elapsed() < Self::MAX_AGE;
        parked.connection.downcast().ok().map(|connection| *connection).filter(|_| is_usable)
    }
}

impl fmt::Debug for Parked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parked")
    }
}

/// Wraps reqwest's connector.
#[derive(Debug, Clone, Default)]
pub(super) struct ConnectorLayer {
    pub parked: Parked,
}

impl<S> Layer<S> for ConnectorLayer {
    type Service = Connector<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Connector { inner, parked: self.parked.clone() }
    }
}

/// A connector that measures handshakes, and parks or takes parked connections.
#[derive(Clone)]
pub(super) struct Connector<S> {
    inner: S,
    parked: Parked,
}

impl<S, R> Service<R> for Connector<S>
where
    S: Service<R, Error = BoxError>,
    S::Response: Send + 'static,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, target: R) -> Self::Future {
        let connecting = CONNECTING.try_with(Arc::clone).unwrap_or_default();
        if !connecting.only_connects
            && let Some(connection) = self.parked.take(&connecting.host)
        {
            return Box::pin(async { Ok(connection) });
        }
        let (start, connected, parked) = (Instant::now(), self.inner.call(target), self.parked.clone());
        Box::pin(async move {
            let connection = connected.await?;
            let duration = connecting.resolved_at.get().unwrap_or(&start).elapsed();
            _ = connecting.connected.set((Instant::now(), duration));
            connecting.on_connected.iter().for_each(|call| call(duration));
            if connecting.only_connects {
                parked.put(&connecting.host, connection);
                return Err("the connection was parked".into());
            }
            Ok(connection)
        })
    }
}
