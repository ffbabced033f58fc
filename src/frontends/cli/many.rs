//! `hlsnap sheet`, `hlsnap storyboard` and `hlsnap animate`: many pictures of one stream.

use std::path::PathBuf;

use super::{args::Cli, logs, progress, request, runtime::block_on, spinner::may_spin, terminal::Terminal};
use crate::{
    error::Error,
    fetch::Client,
    frontends::{
        deliver::stores,
        deliver_many::{Delivered, Writing, deliver_one_file, deliver_storyboard},
        one_file::{OneFileRequest, is_gif},
        settings::Settings,
    },
    report::PicturesReport,
    request::{Options, PicturesRequest, Source},
    store::{Output, OutputFolder},
};

const DEFAULT_SHEET: &str = "sheet.{ext}";
const DEFAULT_STORYBOARD: &str = "storyboard";
const DEFAULT_ANIMATION: &str = "preview.webp";
/// Pictures are decoded on so many threads at a time; more would wait for a processor.
const DECODERS: usize = 8;

pub(super) fn sheet(cli: &Cli, terminal: &mut Terminal) -> Result<(), Error> {
    let command = Command::new(cli, terminal)?;
    let output = Output::parse("--output", command.options.output.as_deref().unwrap_or(DEFAULT_SHEET))?;
    terminal.is_stdout_taken = output == Output::Stdout;
    let mut request = OneFileRequest::Sheet(command.options.sheet(command.source(cli)?, output.format()));
    let stores = stores(&command.settings.network);
    output.check(&stores)?;
    let client = command.client(request.pictures_mut(), &output.local_folders())?;
    let writing = Writing::new(&command.options, &stores);
    let delivered = progress::during(may_spin(&cli.messages), "sheet", |progress| {
        block_on(DECODERS, deliver_one_file(&request, &output, &client, &writing, progress))
    })?;
    finish(terminal, &delivered)
}

pub(super) fn storyboard(cli: &Cli, terminal: &mut Terminal) -> Result<(), Error> {
    let command = Command::new(cli, terminal)?;
    let folder = OutputFolder::parse("--output", command.options.output.as_deref().unwrap_or(DEFAULT_STORYBOARD))?;
    let request = command.options.storyboard(command.source(cli)?);
    let stores = stores(&command.settings.network);
    let client = command.client(&request.pictures, &folder.local_folders())?;
    let writing = Writing::new(&command.options, &stores);
    let messages = *terminal;
    let mut interrupted = |interruption| messages.interrupt(&interruption);
    // A stream that is followed has no end to make progress to
    let delivered = progress::during(may_spin(&cli.messages) && !request.pictures.follow, "storyboard", |progress| {
        block_on(DECODERS, deliver_storyboard(&request, &folder, &client, &writing, progress, &mut interrupted))
    })?;
    finish(terminal, &delivered)
}

pub(super) fn animate(cli: &Cli, terminal: &mut Terminal) -> Result<(), Error> {
    let command = Command::new(cli, terminal)?;
    let text = command.options.output.as_deref().unwrap_or(DEFAULT_ANIMATION);
    let output = Output::parse("--output", text)?;
    terminal.is_stdout_taken = output == Output::Stdout;
    let mut request = OneFileRequest::Animation(command.options.animation(command.source(cli)?, is_gif(text)?));
    let stores = stores(&command.settings.network);
    output.check(&stores)?;
    let client = command.client(request.pictures_mut(), &output.local_folders())?;
    let writing = Writing::new(&command.options, &stores);
    let delivered = progress::during(may_spin(&cli.messages), "animation", |progress| {
        block_on(DECODERS, deliver_one_file(&request, &output, &client, &writing, progress))
    })?;
    finish(terminal, &delivered)
}

/// What every command of many pictures begins with.
struct Command {
    options: Options,
    settings: Settings,
}

impl Command {
    fn new(cli: &Cli, terminal: &mut Terminal) -> Result<Self, Error> {
        terminal.set_messages(&cli.messages);
        let options = request::options(cli)?;
        logs::start(&cli.messages);
        Ok(Self { options, settings: cli.settings(Settings::for_user())? })
    }

    fn source(&self, cli: &Cli) -> Result<Source, Error> {
        request::source(self.options.url.as_deref(), cli.base_url.as_deref(), &self.options.limits())
    }

    /// The client, once the sandbox is entered. `writable` are the folders of outputs.
    fn client(&self, pictures: &PicturesRequest, writable: &[PathBuf]) -> Result<Client, Error> {
        let client = Client::new(&self.settings.network)?;
        request::enter_sandbox(&self.settings, &pictures.snapshot, writable)?;
        Ok(client)
    }
}

/// Prints the report. Fails with `partial` if some pictures could not be had.
fn finish(terminal: &mut Terminal, delivered: &Delivered) -> Result<(), Error> {
    let report: &PicturesReport = &delivered.report;
    for note in &report.notes {
        terminal.note(note);
        tracing::info!("{note}");
    }
    if terminal.json {
        terminal.print_object(report)?;
    } else {
        terminal.print_path(report.output.as_deref().unwrap_or_default())?;
    }
    // stdout has its one object: the report
    terminal.json = false;
    delivered.require_all()
}
