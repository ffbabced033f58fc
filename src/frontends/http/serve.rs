//! The plain listener of `hlsnap serve`.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::Semaphore,
};

use crate::error::{Error, ErrorKind};

/// Whoever is slower to send a request's head is not waited for.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections at once; more wait to be accepted.
const CONNECTIONS: usize = 1024;

/// Listens until SIGTERM or SIGINT; then what was asked for already is still answered, for at most `patience`.
///
/// `listening` is told the address. Fails with `usage` where nothing can listen there.
pub(in crate::frontends) async fn serve(
    router: Router,
    address: SocketAddr,
    patience: Duration,
    listening: impl FnOnce(SocketAddr) -> Result<(), Error>,
) -> Result<(), Error> {
    let unfit =
        |e| Error::new(ErrorKind::Usage, format!("nothing can listen on {address}")).with_source(e).with_hint("give another --listen");
    let listener = TcpListener::bind(address).await.map_err(unfit)?;
    let [mut terminated, mut interrupted] = signals()?;
    listening(listener.local_addr().map_err(unfit)?)?;

    let connections = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let stream = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _ = terminated.recv() => break,
            _ = interrupted.recv() => break,
        };
        let Some((stream, place)) = stream else { continue };
        let service = TowerToHyperService::new(router.clone());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service);
        let watched = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!("a connection ended: {error}");
            }
            drop(place);
        });
    }
    drop(listener);
    tracing::info!("ending: what was asked for is still answered");
    // Whoever is not done by then is cut off
    let _ = tokio::time::timeout(patience, connections.shutdown()).await;
    Ok(())
}

type Accepted = Option<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)>;

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Accepted {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // A picture's last packet is not held back
            let _ = stream.set_nodelay(true);
            Some((stream, place))
        }
        Err(error) => {
            // Out of descriptors, say: a busy loop would not help
            tracing::warn!("a connection could not be accepted: {error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

fn signals() -> Result<[tokio::signal::unix::Signal; 2], Error> {
    let kept = |kind| signal(kind).map_err(|e| Error::internal("signals cannot be caught").with_source(e));
    Ok([kept(SignalKind::terminate())?, kept(SignalKind::interrupt())?])
}
