//! `hlsnap watch LIST`: a picture and a state of every channel, every few seconds. Events go to stdout, a JSON object a line.

use std::{collections::HashMap, net::SocketAddr, panic, thread, time::Duration};

use super::{args::Cli, logs, runtime::block_on, terminal::Terminal};
use crate::{
    error::Error,
    frontends::{panic_text, settings::Settings, watch::WatchSession},
    watch::{Thresholds, WatchConfig},
};

const DEFAULT_EVERY: Duration = Duration::from_secs(10);
const JOBS_PER_PROCESSOR: usize = 4;
const DEFAULT_PER_HOST: usize = 4;
/// The width of pictures whose size nobody names, in pixels.
const DEFAULT_WIDTH: u32 = 320;

pub(super) fn watch(cli: &Cli, listen: Option<SocketAddr>, terminal: &mut Terminal) -> Result<(), Error> {
    terminal.set_messages(&cli.messages);
    let list =
        cli.list().ok_or_else(|| Error::usage("no list was given", "write `hlsnap watch LIST`; `hlsnap watch --help` shows examples"))?;
    logs::start_with_warnings(&cli.messages);
    let settings = cli.settings(Settings::for_user().with_environment()?)?;
    let mut defaults = cli.options(settings.defaults.clone(), None)?;
    defaults.set_default_width(DEFAULT_WIDTH);
    let options = cli.watch_options()?;
    let jobs = settings.jobs.unwrap_or_else(|| JOBS_PER_PROCESSOR * thread::available_parallelism().map_or(1, usize::from));
    let config = WatchConfig {
        every: options.every.unwrap_or(DEFAULT_EVERY),
        thresholds: Thresholds::default().with(&options),
        jobs,
        per_host: settings.per_host.unwrap_or(DEFAULT_PER_HOST),
        rate: settings.rate,
        known_states: HashMap::new(),
    };
    // A panic fails one round and nothing else
    panic::set_hook(Box::new(|panic| tracing::error!("{}", panic_text(panic))));
    // From now on stdout has events
    terminal.json = false;
    let messages = *terminal;
    let session = WatchSession { list: list.to_owned(), defaults, settings, config, listen };
    block_on(
        2 * jobs,
        session.run(|address| {
            messages.announce(&format!("the wall is at http://{address}/"));
            Ok(())
        }),
    )
}
