//! Runs the lines of a list, many at a time.

use std::{collections::BTreeSet, ops::ControlFlow, panic::AssertUnwindSafe};

use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use url::Url;

use super::{line::LineResult, resume::DoneLines};
use crate::{
    channels::{BadLine, Channel, ListItem, ListReader, Shard},
    error::Error,
    fetch::{Client, HostPermits},
    frontends::{
        channel_list::{ChannelList, Pieces},
        deliver::Delivery,
    },
    report::Report,
    request::{Options, Source},
    store::{ChannelName, Stores},
};

/// How many lines wait or run at a time. If all of them name one busy host, the lines after them wait too.
const LOOK_AHEAD: usize = 1000;

/// A run over a list.
pub(in crate::frontends) struct Batch<'a> {
    /// The options of lines that do not set their own.
    pub defaults: &'a Options,
    /// The output of lines that have none.
    pub default_output: &'a str,
    pub client: &'a Client,
    pub stores: &'a Stores,
    pub permits: HostPermits,
    pub shard: Option<Shard>,
    pub done: DoneLines,
}

/// Receives the results.
pub(in crate::frontends) trait BatchSink {
    /// Takes the result of a line, in order of finishing. `Break` ends the run.
    fn result(&mut self, result: &LineResult) -> Result<ControlFlow<()>, Error>;

    /// Is called after each result and each piece of the list. `bytes` of the list have been read.
    fn progress(&mut self, summary: &Summary, bytes: u64);
}

/// The outcomes of the lines.
#[derive(Debug, Default)]
pub(in crate::frontends) struct Summary {
    /// How many pictures were written.
    pub pictures: u64,
    /// How many lines have no picture.
    pub failures: u64,
    /// How many lines an earlier run has done.
    pub done_before: u64,
    /// The content checks (`--fail-on`) that pictures failed.
    pub failed_checks: BTreeSet<&'static str>,
    /// The first failure.
    pub first_error: Option<Error>,
    /// Whether the sink ended the run.
    pub is_cut_off: bool,
}

impl<'a> Batch<'a> {
    /// Runs the list. Fails if the sink fails. If the list cannot be read to its end, finishes the lines before that and then fails.
    pub async fn run(&self, list: &ChannelList, mut pieces: Pieces, sink: &mut impl BatchSink) -> Result<Summary, Error> {
        let mut reader = ListReader::new(self.defaults, list.base());
        let (mut running, mut summary) = (FuturesUnordered::new(), Summary::default());
        let (mut bytes, mut unreadable, mut is_ended) = (0, None, false);
        loop {
            let mut is_drained = false;
            while running.len() < LOOK_AHEAD && !is_drained {
                match reader.next() {
                    Some(item) => running.extend(self.start(list, item, &mut summary)),
                    None => is_drained = true,
                }
            }
            let finished = tokio::select! {
                Some(finished) = running.next() => Some(finished),
                piece = pieces.next(), if is_drained && !is_ended => {
                    match piece {
                        Ok(Some(piece)) => {
                            bytes += piece.len() as u64;
                            reader.push(&piece);
                        }
                        end => {
                            (is_ended, unreadable) = (true, end.err());
                            reader.end();
                        }
                    }
                    None
                }
                else => break,
            };
            if let Some(finished) = finished {
                summary.count(&finished);
                if sink.result(&finished)?.is_break() {
                    return Ok(Summary { is_cut_off: true, ..summary });
                }
            }
            sink.progress(&summary, bytes);
        }
        unreadable.map_or(Ok(summary), Err)
    }

    /// The work for an item of the list; `None` if it belongs to another part of the list, or is done.
    fn start<'b>(
        &'b self,
        list: &'b ChannelList,
        item: ListItem,
        summary: &mut Summary,
    ) -> Option<impl Future<Output = LineResult> + use<'a, 'b>> {
        let item = match item {
            Ok(channel) => {
                if !self.shard.is_none_or(|shard| shard.has(&channel.id)) {
                    return None;
                }
                let id = channel.shown_id();
                if self.done.has(channel.line, &id) {
                    summary.done_before += 1;
                    return None;
                }
                Ok((Box::new(channel), id))
            }
            // The first part reports lines that belong to no part
            Err(bad) if self.shard.is_none_or(Shard::is_first) => Err(bad),
            Err(_) => return None,
        };
        Some(async move {
            match item {
                Err(BadLine { line, id, error }) => LineResult { line, id, result: Err(error) },
                Ok((channel, id)) => {
                    // A panic fails one line and nothing else
                    let work = AssertUnwindSafe(Box::pin(self.capture(list, &channel, &id))).catch_unwind();
                    let result = work.await.unwrap_or_else(|_| Err(Error::internal("hlsnap panicked; see the log (-v)")));
                    LineResult { line: channel.line, id: Some(id), result }
                }
            }
        })
    }

    /// Takes the picture of a line, and writes it.
    async fn capture(&self, list: &ChannelList, channel: &Channel, id: &str) -> Result<Report, Error> {
        list.check(channel, self.defaults)?;
        let source = channel.options.source()?;
        let _permit = self.permits.acquire(&host_of(&source)?).await?;
        let delivery = Delivery::of_channel(&channel.options, self.default_output)?;
        if channel.options.output != self.defaults.output {
            delivery.check(self.stores)?;
        }
        let request = channel.options.request(source, delivery.output.format());
        let name = ChannelName { line: channel.line, id, name: channel.name.as_deref() };
        delivery.capture_of(Some(name), &request, self.client, self.stores).await
    }
}

impl Summary {
    fn count(&mut self, line: &LineResult) {
        match &line.result {
            Ok(report) => {
                self.pictures += 1;
                self.failed_checks.extend(report.verdict.failed.iter().copied());
            }
            Err(error) => {
                self.failures += 1;
                tracing::info!("line {}: {}: {}", line.line, error.kind(), error.one_line());
                self.first_error.get_or_insert_with(|| error.clone());
            }
        }
    }
}

/// A URL with the host of the playlist. All local files count as one host.
fn host_of(source: &Source) -> Result<Url, Error> {
    match source {
        Source::Url(url) => Ok(url.clone()),
        Source::File(_) | Source::Text { .. } => Url::parse("file:///").map_err(|e| Error::internal("file:/// is no URL").with_source(e)),
    }
}
