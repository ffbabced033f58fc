//! The stream of changes of one client.

use std::sync::Arc;

use bytes::Bytes;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Interval, MissedTickBehavior, interval},
};

use super::{Board, feed::PACE};

/// After this many silent ticks, a comment keeps proxies from closing the connection.
const SILENT_TICKS: u32 = 15;

/// The stream of changes of one client.
#[derive(Debug)]
pub struct Subscription {
    board: Arc<Board>,
    /// The changes that the client missed.
    first: Option<Bytes>,
    receiver: Receiver<Bytes>,
    ticks: Interval,
    silent_ticks: u32,
}

impl Subscription {
    /// Starts after the event with an id. `None` once the board is closed.
    pub fn begin(board: Arc<Board>, after: Option<&str>) -> Option<Self> {
        let (first, receiver) = board.changes_after(after)?;
        let mut ticks = interval(PACE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Some(Self { board, first: Some(first), receiver, ticks, silent_ticks: 0 })
    }

    /// The next text of `text/event-stream`. `None` ends the stream: the board closes, or the client is too slow.
    pub async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            tokio::select! {
                message = self.receiver.recv() => {
                    self.silent_ticks = 0;
                    match message {
                        Ok(message) => return Some(message),
                        Err(RecvError::Lagged(_) | RecvError::Closed) => return None,
                    }
                }
                _ = self.ticks.tick() => {
                    self.board.send_changes();
                    self.silent_ticks += 1;
                    if self.silent_ticks >= SILENT_TICKS {
                        self.silent_ticks = 0;
                        return Some(Bytes::from_static(b": keep-alive\n\n"));
                    }
                }
            }
        }
    }
}
