//! `hlsnap sheet`, `hlsnap storyboard` and `hlsnap animate`: many pictures of one stream.

use std::path::PathBuf;

use super::{args::Cli, logs, progress, request, runtime::block_on, spinner::may_spin, terminal::Terminal};
use crate::{
    error::Error,
    fetch::Client,
    frontends::{
        deliver::stores,
        deliver_many::{Delivered, Writing, deliver_one_file, deliver_report, deliver_storyboard},
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
/// The number of decoding threads; more would wait for a processor.
const DECODERS: usize = 8;

pub(super) fn sheet(cli: &Cli, terminal: &mut Terminal) -> Result<(), Error> {
    let command = Command::new(cli, terminal)?;
    let output = Output::parse("--output", command.options.output.as_deref().unwrap_or(DEFAULT_SHEET))?;
    let request = OneFileRequest::Sheet(command.options.sheet(command.source(cli)?, output.format()));
    one_file(&command, request, &output, "sheet", terminal)
}

pub(super) fn animate(cli: &Cli, terminal: &mut Terminal) -> Result<(), Error> {
    let command = Command::new(cli, terminal)?;
    let text = command.options.output.as_deref().unwrap_or(DEFAULT_ANIMATION);
    let output = Output::parse("--output", text)?;
    let request = OneFileRequest::Animation(command.options.animation(command.source(cli)?, is_gif(text)?));
    one_file(&command, request, &output, "animation", terminal)
}

fn one_file(
    command: &Command,
    mut request: OneFileRequest,
    output: &Output,
    name: &'static str,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    terminal.is_stdout_taken = *output == Output::Stdout || command.report_output == Some(Output::Stdout);
    let stores = stores(&command.settings.network);
    output.check(&stores)?;
    let client = command.client(request.pictures_mut(), output.local_folders())?;
    let writing = Writing::new(&command.options, &stores);
    let delivered = progress::during(command.may_draw, name, |progress| {
        block_on(DECODERS, command.with_report(deliver_one_file(&request, output, &client, &writing, progress), &writing))
    })?;
    finish(terminal, &delivered)
}

pub(super) fn storyboard(cli: &Cli, terminal: &mut Terminal) -> Result<(), Error> {
    let command = Command::new(cli, terminal)?;
    let folder = OutputFolder::parse("--output", command.options.output.as_deref().unwrap_or(DEFAULT_STORYBOARD))?;
    let request = command.options.storyboard(command.source(cli)?);
    terminal.is_stdout_taken = command.report_output == Some(Output::Stdout);
    let stores = stores(&command.settings.network);
    let client = command.client(&request.pictures, folder.local_folders())?;
    let writing = Writing::new(&command.options, &stores);
    let messages = *terminal;
    let mut interrupted = |interruption| messages.interrupt(&interruption);
    // A stream that is followed has no end to make progress to
    let delivered = progress::during(command.may_draw && !request.pictures.follow, "storyboard", |progress| {
        let storyboard = deliver_storyboard(&request, &folder, &client, &writing, progress, &mut interrupted);
        block_on(DECODERS, command.with_report(storyboard, &writing))
    })?;
    finish(terminal, &delivered)
}

/// What every command of many pictures begins with.
struct Command {
    options: Options,
    settings: Settings,
    report_output: Option<Output>,
    /// Whether a progress bar may be drawn.
    may_draw: bool,
}

impl Command {
    fn new(cli: &Cli, terminal: &mut Terminal) -> Result<Self, Error> {
        terminal.set_messages(&cli.messages);
        let options = request::options(cli)?;
        let report_output = options.report_output.as_deref().map(|text| Output::parse("--report-output", text)).transpose()?;
        logs::start(&cli.messages);
        Ok(Self { options, settings: cli.settings(Settings::for_user())?, report_output, may_draw: may_spin(&cli.messages) })
    }

    fn source(&self, cli: &Cli) -> Result<Source, Error> {
        request::source(self.options.url.as_deref(), cli.base_url.as_deref(), &self.options.limits())
    }

    /// The client, once the sandbox is entered. `writable` are the folders of outputs.
    fn client(&self, pictures: &PicturesRequest, mut writable: Vec<PathBuf>) -> Result<Client, Error> {
        let client = Client::new(&self.settings.network)?;
        writable.extend(self.report_output.iter().flat_map(Output::local_folders));
        request::enter_sandbox(&self.settings, &pictures.snapshot, &writable)?;
        Ok(client)
    }

    /// Delivers the pictures, and then the report, if it has an output of its own.
    async fn with_report(
        &self,
        deliver: impl Future<Output = Result<Delivered, Error>>,
        writing: &Writing<'_>,
    ) -> Result<Delivered, Error> {
        let delivered = deliver.await?;
        if let Some(output) = &self.report_output {
            deliver_report(&delivered, output, writing).await?;
        }
        Ok(delivered)
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
