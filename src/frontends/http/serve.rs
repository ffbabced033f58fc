//! The listener of `hlsnap serve`.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
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

use crate::error::Error;

/// A client that takes longer to send a request's head is disconnected.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum number of open connections; others wait to be accepted.
const MAX_CONNECTIONS: usize = 1024;

/// The address at the other end of a request's connection: an extension of the request.
#[derive(Debug, Clone, Copy)]
pub(in crate::frontends) struct Peer(pub IpAddr);

/// Listens until SIGTERM or SIGINT, then finishes open requests for at most `grace_period`.
///
/// Calls `on_listening` with the address. Fails with `usage` if the address cannot be used.
pub(in crate::frontends) async fn serve(
    router: Router,
    address: SocketAddr,
    grace_period: Duration,
    on_listening: impl FnOnce(SocketAddr) -> Result<(), Error>,
) -> Result<(), Error> {
    let unusable = |e| Error::usage(format!("cannot listen on {address}"), "give another --listen").with_source(e);
    let listener = TcpListener::bind(address).await.map_err(unusable)?;
    let [mut sigterm, mut sigint] = signals()?;
    on_listening(listener.local_addr().map_err(unusable)?)?;

    let connections = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let stream = tokio::select! {
            accepted = accept(&listener, &permits) => accepted,
            _ = sigterm.recv() => break,
            _ = sigint.recv() => break,
        };
        let Some((stream, peer, permit)) = stream else { continue };
        let router = TowerToHyperService::new(router.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer.ip()));
            router.call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service);
        let watched = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!("a connection ended: {error}");
            }
            drop(permit);
        });
    }
    drop(listener);
    tracing::info!("stopping after open requests are finished");
    // Requests that take longer are cut off
    let _ = tokio::time::timeout(grace_period, connections.shutdown()).await;
    Ok(())
}

type Accepted = Option<(tokio::net::TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)>;

async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> Accepted {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Do not delay a picture's last packet
            let _ = stream.set_nodelay(true);
            Some((stream, peer, permit))
        }
        Err(error) => {
            // For example out of file descriptors: do not retry in a busy loop
            tracing::warn!("a connection could not be accepted: {error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

fn signals() -> Result<[tokio::signal::unix::Signal; 2], Error> {
    let catch = |kind| signal(kind).map_err(|e| Error::internal("signals cannot be caught").with_source(e));
    Ok([catch(SignalKind::terminate())?, catch(SignalKind::interrupt())?])
}
