//! Connections that can fail below HTTP: one is reset, another stops in the middle of the headers.

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

/// What happens to the rest of what the server writes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Failure {
    /// A TCP reset instead of an answer.
    Reset,
    /// So many bytes are sent, and nothing more.
    StallAfter(usize),
}

/// The client's end of a connection, and a handle that makes the connection fail.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    pub address: SocketAddr,
    failure: Arc<Mutex<Option<Failure>>>,
}

impl Wire {
    pub fn fail(&self, failure: Failure) {
        *self.failure.lock().unwrap() = Some(failure);
    }
}

impl Connected<IncomingStream<'_, Wires>> for Wire {
    fn connect_info(stream: IncomingStream<'_, Wires>) -> Self {
        stream.io().wire.clone()
    }
}

/// A listener whose connections can fail.
pub(super) struct Wires(pub TcpListener);

impl Listener for Wires {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (Connection { stream, wire: Wire { address, failure: Arc::default() } }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// One accepted connection.
pub(super) struct Connection {
    stream: TcpStream,
    wire: Wire,
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let failure = *self.wire.failure.lock().unwrap();
        match failure {
            None => Pin::new(&mut self.stream).poll_write(context, bytes),
            Some(Failure::Reset) => {
                // Closing without lingering sends a reset
                socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
            Some(Failure::StallAfter(0)) => Poll::Pending,
            Some(Failure::StallAfter(left)) => {
                let first = &bytes[..bytes.len().min(left)];
                let written = Pin::new(&mut self.stream).poll_write(context, first);
                if let Poll::Ready(Ok(count)) = &written {
                    self.wire.fail(Failure::StallAfter(left - count));
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
