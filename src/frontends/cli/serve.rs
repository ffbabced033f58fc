//! `hlsnap serve`: the HTTP face on one machine.

use std::{
    panic,
    time::{Duration, Instant},
};

use super::{
    args::{Cli, ServeArgs},
    block_on, logs, request,
    terminal::{self, Terminal},
};
use crate::{
    error::{Error, ErrorKind},
    fetch::Client,
    frontends::{http, panic_text, settings::Settings},
};

const JOBS: usize = 8;

pub(super) fn serve(cli: &Cli, args: &ServeArgs, voice: &mut Terminal) -> Result<(), Error> {
    *voice = Terminal { json: cli.telling.json, quiet: cli.telling.quiet, stdout_taken: false };
    logs::start(&cli.telling);
    let settings = settings(cli, args)?;
    let (jobs, patience) = (settings.jobs.unwrap_or(JOBS), settings.defaults.limits().timeout);
    let client = Client::new(&settings.reach)?;
    let sandboxed = settings.clone();
    let router = http::router(http::HttpFrontend::new(settings, client, jobs));
    // One picture's panic is told by its own answer, and ends nothing else
    panic::set_hook(Box::new(|panic| tracing::error!("{}", panic_text(panic))));
    let began = Instant::now();
    let done = block_on(
        jobs,
        http::serve(router, args.listen, patience, |address| {
            // No other thread is there yet
            sandboxed.enter_sandbox()?;
            terminal::text(&format!("listening on http://{address}/\n"))
        }),
    );
    tracing::info!("ended after {:?}", Duration::from_secs(began.elapsed().as_secs()));
    done
}

/// The environment's, and over it the options'.
fn settings(cli: &Cli, args: &ServeArgs) -> Result<Settings, Error> {
    let mut settings = Settings::from_environment()?;
    let asked = request::over(settings.defaults, cli)?;
    settings.defaults = asked;
    settings.reach = request::reach_over(settings.reach, cli);
    for pattern in &args.allow_host {
        settings.reach.allow_hosts.push(pattern.parse()?);
    }
    settings.allow_any |= args.allow_any;
    settings.key = args.key.clone().filter(|key| !key.is_empty()).or(settings.key);
    settings.sandbox = cli.limits.sandbox.or(settings.sandbox);
    settings.jobs = args.jobs.map(usize::from).or(settings.jobs);
    let is_closed = !settings.allow_any && settings.key.is_none() && settings.reach.allow_hosts.is_empty();
    if is_closed {
        return Err(Error::new(ErrorKind::Usage, "nobody has said what may be asked for")
            .with_hint("give --allow-host live.example.com, or --key for signed requests, or --allow-any for anything"));
    }
    if settings.reach.allow_hosts.is_empty() && settings.defaults.sends_secrets() {
        return Err(Error::new(ErrorKind::Usage, "headers and cookies would go to whatever host is asked for")
            .with_hint("say by --allow-host which hosts they are for"));
    }
    Ok(settings)
}
