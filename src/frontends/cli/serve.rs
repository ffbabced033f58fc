//! `hlsnap serve`: the HTTP frontend with a listener of its own.

use std::{
    net::SocketAddr,
    panic,
    time::{Duration, Instant},
};

use super::{
    args::Cli,
    logs,
    runtime::block_on,
    terminal::{self, Terminal},
};
use crate::{
    error::Error,
    fetch::Client,
    frontends::{http, panic_text, remote_limits, settings::Settings},
};

const DEFAULT_JOBS: usize = 8;

pub(super) fn serve(cli: &Cli, listen: SocketAddr, terminal: &mut Terminal) -> Result<(), Error> {
    *terminal = Terminal::new(&cli.messages);
    logs::start(&cli.messages);
    let settings = settings(cli)?;
    let (jobs, grace_period) = (settings.jobs.unwrap_or(DEFAULT_JOBS), remote_limits::of_many(&settings.defaults).timeout);
    let client = Client::new(&settings.network)?;
    let router = http::router(http::HttpFrontend::new(settings.clone(), client, jobs));
    // A panic fails one request and nothing else; its response says so
    panic::set_hook(Box::new(|panic| tracing::error!("{}", panic_text(panic))));
    let start = Instant::now();
    let result = block_on(
        remote_limits::threads(jobs),
        http::serve(router, listen, grace_period, |address| {
            // Before the runtime starts another thread, which would stay outside
            settings.enter_sandbox()?;
            terminal::print_text(&format!("listening on http://{address}/\n"))
        }),
    );
    tracing::info!("ended after {:?}", Duration::from_secs(start.elapsed().as_secs()));
    result
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
