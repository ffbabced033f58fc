//! `hlsnap serve`: the HTTP frontend with a listener of its own.

use std::{
    net::SocketAddr,
    panic,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::Router;

use super::{
    args::Cli,
    logs,
    runtime::block_on,
    terminal::{self, Terminal},
};
#[cfg(not(feature = "fleet"))]
use crate::frontends::settings::Serving;
#[cfg(feature = "fleet")]
use crate::frontends::{
    metrics::{Metrics, QueueSize, ServeMetrics},
    server,
};
use crate::{
    error::Error,
    fetch::Client,
    frontends::{http, panic_text, remote_limits, service_manager, settings::Settings},
};

const DEFAULT_JOBS: usize = 8;
#[cfg(feature = "fleet")]
const DEFAULT_CACHE_BYTES: u64 = 256 << 20;

pub(super) fn serve(cli: &Cli, listen: SocketAddr, terminal: &mut Terminal) -> Result<(), Error> {
    *terminal = Terminal::new(&cli.messages);
    logs::start(&cli.messages);
    let settings = settings(cli)?;
    let (jobs, grace_period) = (settings.jobs.unwrap_or(DEFAULT_JOBS), remote_limits::of_many(&settings.defaults).timeout);
    let client = Client::new(&settings.network)?;
    let router = router(&settings, client, jobs)?;
    // A panic fails one request and nothing else; its response says so
    panic::set_hook(Box::new(|panic| tracing::error!("{}", panic_text(panic))));
    let start = Instant::now();
    let result = block_on(
        remote_limits::threads(jobs),
        http::serve(router, listen, grace_period, |address| {
            // Before the runtime starts another thread, which would stay outside
            settings.enter_sandbox()?;
            terminal::print_text(&format!("listening on http://{address}/\n"))?;
            service_manager::report_ready();
            Ok(())
        }),
    );
    tracing::info!("ended after {:?}", Duration::from_secs(start.elapsed().as_secs()));
    result
}

/// The HTTP frontend, with the layers of a single machine.
#[cfg(feature = "fleet")]
fn router(settings: &Settings, client: Client, jobs: usize) -> Result<Router, Error> {
    let mut metrics = Metrics::new();
    let counted = ServeMetrics::new(&mut metrics, client.traffic());
    let observer = http::Observer::new(counted.clone());
    let memory = memory(settings, &observer);
    let frontend = http::HttpFrontend::new(settings.clone(), client, jobs, observer, memory);
    let queue = Arc::clone(&frontend);
    metrics.add_queue(move || {
        let (running, waiting) = queue.job_counts();
        QueueSize { running, waiting }
    });
    let router = http::router(frontend).merge(http::try_page::router(settings));
    server::surround(router, &settings.serving, Arc::new(metrics), counted, http::path_name)
}

/// The server's memory; `None` with `--cache-bytes 0`.
#[cfg(feature = "fleet")]
fn memory(settings: &Settings, observer: &http::Observer) -> Option<Arc<dyn http::PictureMemory>> {
    let bytes = settings.cache_bytes.unwrap_or(DEFAULT_CACHE_BYTES);
    (bytes > 0).then(|| http::ServerMemory::new(bytes, observer.clone()) as Arc<dyn http::PictureMemory>)
}

#[cfg(not(feature = "fleet"))]
fn router(settings: &Settings, client: Client, jobs: usize) -> Result<Router, Error> {
    if settings.serving != Serving::default() {
        return Err(Error::usage("this build has no CORS, rate limit and access log", "build it with the feature fleet"));
    }
    Ok(http::router(http::HttpFrontend::new(settings.clone(), client, jobs, http::Observer::default(), None)))
}

/// The environment's settings, overridden by flags.
fn settings(cli: &Cli) -> Result<Settings, Error> {
    let mut settings = cli.settings(Settings::from_environment()?)?;
    settings.defaults = cli.options(settings.defaults, None)?;
    let allows_no_hosts = settings.network.allow_hosts.is_empty();
    if allows_no_hosts && !settings.allow_any && settings.key.is_none() {
        return Err(Error::usage(
            "no host is allowed yet",
            "give --allow-host live.example.com, or --key for signed requests, or --allow-any for anything",
        ));
    }
    if allows_no_hosts && settings.defaults.sends_secrets() {
        return Err(Error::usage("headers and cookies would go to any host", "name their hosts by --allow-host"));
    }
    Ok(settings)
}
