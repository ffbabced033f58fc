//! Downloads consecutive ranges of a resource at the same time, each over a connection of its own.
//!
//! This is a shortcut: a range that fails, is late or belongs to another version ends it, and the caller requests what is missing as usual.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
};

use super::byte_spans::ByteSpan;
use crate::{
    error::Error,
    fetch::{Job, Route, Validators},
};

/// The longest wait for bytes. Hosts that limit connections may leave some of them waiting.
const PATIENCE: Duration = Duration::from_secs(1);

/// Ranges that are being downloaded, in order.
pub(super) struct ParallelRanges {
    ranges: VecDeque<RangeDownload>,
    /// Dropping it ends the downloads.
    _tasks: JoinSet<()>,
}

/// A range of a span.
struct RangeDownload {
    /// The offset in the span of the next byte.
    position: u64,
    pieces: UnboundedReceiver<Piece>,
}

/// What a range's connection delivers.
enum Piece {
    /// The version of the resource.
    Version(Validators),
    Bytes(Bytes),
}

impl ParallelRanges {
    /// Starts to download ranges of `length` bytes from `position` in the span on, one over each of `routes`.
    pub fn start(job: &Job, span: &ByteSpan, position: u64, length: u64, routes: &[Route]) -> Self {
        let mut tasks = JoinSet::new();
        let mut start = |(index, route): (u64, &Route)| {
            let position = position.saturating_add(length.saturating_mul(index));
            let (sender, pieces) = unbounded_channel();
            let (job, span) = (job.via(*route).without_retries(), span.clone());
            tasks.spawn(async move {
                if let Err(error) = download(&job, &span, position, length, &sender).await {
                    tracing::debug!("a range failed: {}", error.one_line());
                }
            });
            RangeDownload { position, pieces }
        };
        let ranges = (0..).zip(routes).map(&mut start).collect();
        Self { ranges, _tasks: tasks }
    }

    /// The next bytes, which begin at `position` in the span. `None` if the ranges end, or if they lack these bytes.
    pub async fn next_chunk(&mut self, position: u64, version: Option<&Validators>, span: &ByteSpan) -> Option<Bytes> {
        while let Some(range) = self.ranges.front_mut().filter(|range| range.position == position) {
            match tokio::time::timeout(PATIENCE, range.pieces.recv()).await.ok()? {
                Some(Piece::Bytes(bytes)) => {
                    range.position += bytes.len() as u64;
                    return Some(bytes);
                }
                Some(Piece::Version(other)) => version?.check(&other, &span.url).ok()?,
                None => _ = self.ranges.pop_front(),
            }
        }
        None
    }

    /// Whether all ranges were read to their ends.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

async fn download(job: &Job, span: &ByteSpan, position: u64, length: u64, pieces: &UnboundedSender<Piece>) -> Result<(), Error> {
    let mut body = job.open(&span.url, span.range_from(position, Some(length))).await?;
    if body.is_whole() {
        return Err(Error::internal("the origin ignores ranges"));
    }
    // Sending fails once nobody reads the ranges any more
    let _ = pieces.send(Piece::Version(body.validators().clone()));
    while let Some(bytes) = body.chunk().await? {
        let _ = pieces.send(Piece::Bytes(bytes));
    }
    Ok(())
}
