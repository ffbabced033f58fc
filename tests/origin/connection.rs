//! Connections that can fail below HTTP: by a reset, or by a stall within the headers.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

/// How further writes of the server fail.
#[derive(Debug, Clone, Copy)]
pub(super) enum Failure {
    /// A TCP reset.
    Reset,
    /// Sends this many bytes and nothing more.
    StallAfter(usize),
}

/// The client's address, and a switch that makes the connection fail.
#[derive(Debug, Clone)]
pub(super) struct ConnectionHandle {
    pub address: SocketAddr,
    failure: Arc<Mutex<Option<Failure>>>,
}

impl ConnectionHandle {
    pub fn fail(&self, failure: Failure) {
        *self.failure.lock().unwrap() = Some(failure);
    }
}

impl Connected<IncomingStream<'_, FaultyListener>> for ConnectionHandle {
    fn connect_info(stream: IncomingStream<'_, FaultyListener>) -> Self {
        stream.io().connection.clone()
    }
}

/// A listener whose connections can fail.
pub(super) struct FaultyListener(pub TcpListener);

impl Listener for FaultyListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (Connection { stream, connection: ConnectionHandle { address, failure: Arc::default() } }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// An accepted connection.
pub(super) struct Connection {
    stream: TcpStream,
    connection: ConnectionHandle,
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let failure = *self.connection.failure.lock().unwrap();
        match failure {
            None => Pin::new(&mut self.stream).poll_write(context, bytes),
            Some(Failure::Reset) => {
                // Closing with a linger time of zero sends a reset
                socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
            Some(Failure::StallAfter(0)) => Poll::Pending,
            Some(Failure::StallAfter(remaining)) => {
                let first = &bytes[..bytes.len().min(remaining)];
                let written = Pin::new(&mut self.stream).poll_write(context, first);
                if let Poll::Ready(Ok(count)) = &written {
                    self.connection.fail(Failure::StallAfter(remaining - count));
                }
                written
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
