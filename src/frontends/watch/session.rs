//! One run of `hlsnap watch`, from the list of channels to the signal that ends it.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};

use super::{
    channel_metrics::ChannelMetrics,
    event_printer::EventPrinter,
    large_pictures::ChannelSnapshots,
    sink::{RoundSink, delivery},
    state_file::StateFile,
};
use crate::{
    channels::Channel,
    error::Error,
    fetch::{Client, Poster},
    frontends::{
        channel_list::read_channels,
        deliver::stores,
        http::wall::{self, WallAccess},
        metrics::{DeliveryCounts, Metrics, WatchMetrics},
        server::metrics_text,
        service_manager,
        settings::Settings,
    },
    request::Options,
    store::leave_signals_to_program,
    watch::{Board, ListChange, WatchConfig, Watcher, Webhook, WebhookConfig, WebhookCounts},
};

/// The input of `hlsnap watch`.
pub(in crate::frontends) struct WatchSession {
    /// A file, a URL, or `-` for stdin.
    pub list: String,
    /// The options of channels that do not set their own.
    pub defaults: Options,
    pub settings: Settings,
    pub config: WatchConfig,
    /// The address for the wall.
    pub listen: Option<SocketAddr>,
}

/// After a signal, the watch delivers waiting events for at most this long.
const LAST_DELIVERIES: Duration = Duration::from_secs(5);

impl WatchSession {
    /// Watches until SIGTERM or SIGINT, and reads the list again at SIGHUP. The wall has `metrics` and those of the watch. Calls `on_listening`
    /// with the address of the wall.
    ///
    /// Fails with `usage` if the list or a channel is wrong at the start. Later, such a list changes nothing.
    pub async fn run(self, metrics: Metrics, on_listening: impl FnOnce(SocketAddr) -> Result<(), Error>) -> Result<(), Error> {
        let mut signals = Signals::catch()?;
        leave_signals_to_program();
        let client = Client::new(&self.settings.network)?.without_lanes();
        let channels = self.channels(&client).await?;
        let stores = Arc::new(stores(&self.settings.network));
        for delivery in channels.iter().map(delivery).filter_map(Result::transpose) {
            delivery?.check(&stores)?;
        }
        let states = self.settings.watching.state.clone().map(|path| StateFile::open(path).map(Arc::new)).transpose()?;
        let known_states = states.as_ref().map(|states| states.known(&channels)).unwrap_or_default();
        let webhook = Webhook::start(&self.webhook_config()?, &Poster::new(&self.settings.network)?);
        let wall = match self.listen {
            Some(address) => Some(self.start_wall(address, &client, &channels, &webhook, metrics, on_listening).await?),
            None => None,
        };
        let printer = Arc::new(EventPrinter::start()?);
        let sink = RoundSink {
            printer: Arc::clone(&printer),
            webhooks: webhook.sender(),
            board: wall.as_ref().map(|wall| Arc::clone(&wall.board)),
            metrics: wall.as_ref().map(|wall| Arc::clone(&wall.metrics)),
            stores: Arc::clone(&stores),
            states: states.clone(),
            is_store_failing: false.into(),
        };
        tracing::info!("watching {} channels", channels.len());
        let config = WatchConfig { known_states, ..self.config.clone() };
        let mut watcher = Watcher::start(config, client.clone(), channels, Arc::new(sink))?;
        service_manager::report_ready();
        // Without a wall and a webhook, stdout is the only output
        let needs_stdout = wall.is_none() && self.settings.watching.webhooks.is_empty();
        loop {
            tokio::select! {
                _ = signals.terminate.recv() => break,
                _ = signals.interrupt.recv() => break,
                _ = signals.hangup.recv() => self.read_again(&mut watcher, wall.as_ref(), &client).await,
                () = printer.closed(), if needs_stdout => break,
                () = StateFile::save_regularly(states.as_deref(), &stores) => {}
            }
        }
        drop(watcher);
        if let Some(states) = states {
            states.save(&stores).await;
        }
        webhook.shutdown(LAST_DELIVERIES).await;
        if let Some(wall) = wall {
            wall.finish().await?;
        }
        Ok(())
    }

    async fn channels(&self, client: &Client) -> Result<Vec<Channel>, Error> {
        let mut channels = read_channels(&self.list, client, &self.defaults).await?;
        channels.retain(|channel| self.settings.shard.is_none_or(|shard| shard.has(&channel.id)));
        require_distinct(&channels)?;
        for channel in &mut channels {
            let format = delivery(channel)?.and_then(|delivery| delivery.output.format());
            channel.options.format = channel.options.format.or(format);
        }
        if channels.is_empty() {
            return Err(Error::usage("the list has no channels", "check the list, and --shard if it is given"));
        }
        Ok(channels)
    }

    fn webhook_config(&self) -> Result<WebhookConfig, Error> {
        let watching = &self.settings.watching;
        let key = watching.webhook_key.as_deref().map(str::parse).transpose()?;
        Ok(WebhookConfig::new(watching.webhooks.clone(), key))
    }

    async fn start_wall(
        &self,
        address: SocketAddr,
        client: &Client,
        channels: &[Channel],
        webhook: &Webhook,
        mut metrics: Metrics,
        on_listening: impl FnOnce(SocketAddr) -> Result<(), Error>,
    ) -> Result<RunningWall, Error> {
        let access = WallAccess::new(address, self.settings.key.clone(), self.settings.watching.token.clone())?;
        let counted = WatchMetrics::new(&mut metrics);
        let board = Board::new(channels, self.config.every);
        let snapshots = Arc::new(ChannelSnapshots::new(client.clone(), channels));
        let (events, deliveries) = (webhook.sender(), Arc::clone(&counted));
        let answer = Arc::new(move || {
            let WebhookCounts { delivered, retried, dropped, queued } = events.counts();
            deliveries.webhook(DeliveryCounts { delivered, retried, dropped, queued });
            metrics_text(&metrics)
        });
        let more = Router::new().route("/metrics", get(move || std::future::ready(answer())));
        let large = Arc::clone(&snapshots);
        let router = wall::router(Arc::clone(&board), access, large, more);
        let (bound, is_bound) = tokio::sync::oneshot::channel();
        let server = tokio::spawn(wall::serve(router, address, move |address| {
            // The receiver waits below
            let _ = bound.send(address);
            Ok(())
        }));
        let metrics = Arc::new(ChannelMetrics::new(counted, channels));
        let wall = RunningWall { board, metrics, snapshots, server };
        match is_bound.await {
            Ok(address) => on_listening(address).map(|()| wall),
            // The server has ended already
            Err(_) => wall.finish().await.and_then(|()| Err(Error::internal("the wall does not listen"))),
        }
    }

    /// Reads the list again. A list that is wrong changes nothing.
    async fn read_again(&self, watcher: &mut Watcher, wall: Option<&RunningWall>, client: &Client) {
        let replaced = async {
            let channels = self.channels(client).await?;
            let list = watcher.prepare(channels.clone())?;
            // The wall first: it ignores rounds of channels that it does not know
            if let Some(wall) = wall {
                wall.replace_channels(&channels);
            }
            Ok(watcher.replace(list))
        };
        let replaced: Result<ListChange, Error> = replaced.await;
        match replaced {
            Ok(ListChange { added, changed, removed }) => {
                tracing::info!("the list was read again: {added} channels are new, {changed} changed, {removed} are gone");
            }
            Err(error) => tracing::error!("the list was read again, and the old one stays: {}", error.one_line()),
        }
    }
}

/// The wall while it is served.
struct RunningWall {
    board: Arc<Board>,
    metrics: Arc<ChannelMetrics>,
    snapshots: Arc<ChannelSnapshots>,
    server: JoinHandle<Result<(), Error>>,
}

impl RunningWall {
    fn replace_channels(&self, channels: &[Channel]) {
        self.board.replace_channels(channels);
        self.metrics.replace_channels(channels);
        self.snapshots.replace_channels(channels);
    }

    /// Ends the streams of the wall, and waits for its server, which ends at the same signals.
    async fn finish(self) -> Result<(), Error> {
        self.board.close(true);
        self.server.await.unwrap_or_else(|e| Err(Error::internal("the wall's task failed").with_source(e)))
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn catch() -> Result<Self, Error> {
        let catch = |kind| signal(kind).map_err(|e| Error::internal("signals cannot be caught").with_source(e));
        Ok(Self {
            terminate: catch(SignalKind::terminate())?,
            interrupt: catch(SignalKind::interrupt())?,
            hangup: catch(SignalKind::hangup())?,
        })
    }
}

/// Fails with `usage` if two channels would be one in events, metrics and file names: their URLs differ only in what is not shown.
fn require_distinct(channels: &[Channel]) -> Result<(), Error> {
    let mut lines = HashMap::new();
    for channel in channels {
        if let Some(first) = lines.insert(channel.shown_id(), channel.line) {
            let message =
                format!("lines {first} and {}: the channels differ only in the queries of their URLs, which are not shown", channel.line);
            return Err(Error::usage(message, "give each channel an id of its own"));
        }
    }
    Ok(())
}
