//! `hlsnap watch LIST`: takes a picture of every channel every few seconds, and reports changes of state on stdout, a JSON object a line.

use std::{
    collections::HashMap,
    net::SocketAddr,
    panic,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{args::Cli, logs, request, runtime::block_on, terminal::Terminal};
use crate::{
    error::Error,
    frontends::{metrics::Metrics, panic_text, settings::Settings, watch::WatchSession},
    request::{Options, Source},
    store::Output,
    watch::{Thresholds, WatchConfig},
};

const DEFAULT_EVERY: Duration = Duration::from_secs(10);
/// The default width of pictures, in pixels.
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
    let jobs = settings.list_jobs();
    let config = WatchConfig {
        every: options.every.unwrap_or(DEFAULT_EVERY),
        thresholds: Thresholds::default().with(&options),
        jobs,
        per_host: settings.list_jobs_per_host(),
        rate: settings.rate,
        known_states: HashMap::new(),
    };
    // The sandbox closes /proc, where they come from
    let metrics = Metrics::new();
    let sandbox = Sandbox::new(&settings, list, &defaults)?;
    // It forbids to listen too
    if listen.is_none() {
        sandbox.enter()?;
    }
    // A panic fails one round and nothing else
    panic::set_hook(Box::new(|panic| tracing::error!("{}", panic_text(panic))));
    // From now on, stdout carries events
    terminal.json = false;
    let messages = *terminal;
    let session = WatchSession { list: list.to_owned(), defaults, settings, config, listen };
    block_on(
        2 * jobs,
        session.run(metrics, |address| {
            sandbox.enter()?;
            messages.announce(&format!("the wall is at http://{address}/"));
            Ok(())
        }),
    )
}

/// The sandbox of `--sandbox`. The list stays readable, for SIGHUP, and the folders of `--output` and `--state` writable.
struct Sandbox {
    settings: Settings,
    readable: Vec<PathBuf>,
    writable: Vec<PathBuf>,
}

impl Sandbox {
    fn new(settings: &Settings, list: &str, defaults: &Options) -> Result<Self, Error> {
        let folder = |path: &Path| {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            parent.unwrap_or(Path::new(".")).to_owned()
        };
        let readable = if let Ok(Source::File(path)) = Source::parse(list) { vec![folder(&path)] } else { Vec::new() };
        let outputs = output(defaults)?.map(|output| output.local_folders()).unwrap_or_default();
        let writable = outputs.into_iter().chain(settings.watching.state.as_deref().map(folder)).collect();
        Ok(Self { settings: settings.clone(), readable, writable })
    }

    fn enter(&self) -> Result<(), Error> {
        request::enter_sandbox_of_lists(&self.settings, self.readable.clone(), &self.writable)
    }
}

/// The output of all channels. Fails with `usage` if they would overwrite each other's pictures.
fn output(defaults: &Options) -> Result<Option<Output>, Error> {
    let Some(text) = defaults.output.as_deref() else { return Ok(None) };
    let output = Output::parse_channel("--output", text)?;
    output.require_names_of_channels("--output")?;
    Ok(Some(output))
}
