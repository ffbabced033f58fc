//! `hlsnap batch [LIST]`: takes a picture for each line of a list, and prints a JSON line for each on stdout.
//!
//! As for a single picture, a signal ends it at once: files are complete or absent, and each result is written in one piece.

use std::{
    fs::{File, Metadata},
    io::{self, BufReader, ErrorKind as Io, IsTerminal, Write},
    ops::ControlFlow,
    os::{fd::AsFd, unix::fs::MetadataExt},
    panic,
    path::Path,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{args::Cli, args::MessageArgs, logs, request, runtime::block_on, spinner, terminal::Terminal};
use crate::{
    error::{Error, ErrorKind},
    fetch::{Client, HostPermits},
    frontends::{
        batch::{Batch, BatchSink, DoneLines, LineResult, Summary},
        channel_list::ChannelList,
        deliver::{Delivery, stores},
        panic_text,
        settings::Settings,
    },
    store::Output,
};

/// The extension follows --format.
const DEFAULT_OUTPUT: &str = "{line}.{ext}";

pub(super) fn batch(cli: &Cli, terminal: &mut Terminal) -> Result<(), Error> {
    terminal.set_messages(&cli.messages);
    let options = request::options(cli)?;
    let delivery = Delivery::of_channel(&options, DEFAULT_OUTPUT)?;
    for (output, option) in delivery.outputs().zip(["--output", "--report-output"]) {
        output.require_names_of_channels(option)?;
    }
    logs::start(&cli.messages);
    let settings = cli.settings(Settings::for_user())?;
    let jobs = settings.list_jobs();
    let permits = HostPermits::new(jobs, settings.list_jobs_per_host(), settings.rate)?;
    let base = cli.base_url.as_deref().map(request::parse_base_url).transpose()?;
    let mut list = open_list(cli.list())?.with_base(base);
    let done = settings.resume.as_deref().map_or_else(|| Ok(DoneLines::default()), read_results)?;
    let stores = stores(&settings.network);
    delivery.check(&stores)?;

    let client = Client::new(&settings.network)?.without_lanes();
    let writable: Vec<_> = delivery.outputs().flat_map(Output::local_folders).collect();
    request::enter_sandbox_of_lists(&settings, Vec::new(), &writable)?;
    // A panic fails one line and nothing else
    panic::set_hook(Box::new(|panic| tracing::error!("{}", panic_text(panic))));
    // From now on, stdout carries results
    terminal.json = false;
    let mut sink = ResultPrinter::new(&cli.messages, list.size());
    let run = async {
        let pieces = list.pieces(&client, &options).await?;
        let (defaults, shard) = (&options, settings.shard);
        let batch = Batch { defaults, default_output: DEFAULT_OUTPUT, client: &client, stores: &stores, permits, shard, done };
        batch.run(&list, pieces, &mut sink).await
    };
    let summary = block_on(jobs, run);
    sink.finish();
    outcome(summary?, *terminal)
}

/// Fails with `partial` if lines have no picture, with the error of the only line, and with `verdict` if a picture failed a content check.
fn outcome(summary: Summary, terminal: Terminal) -> Result<(), Error> {
    let Summary { pictures, failures, done_before, failed_checks, first_error, is_cut_off } = summary;
    if is_cut_off {
        return Ok(());
    }
    tracing::info!(pictures, failures, done_before, "the list is done");
    if done_before > 0 {
        terminal.note(&format!("{done_before} lines were done before"));
    }
    match first_error {
        Some(error) if failures == 1 && pictures + done_before == 0 => return Err(error),
        Some(_) => {
            let message = format!("{failures} of {} lines have no picture", failures + pictures + done_before);
            return Err(Error::new(ErrorKind::Partial, message).with_hint("the results name them by \"error\"; --resume tries them again"));
        }
        None => {}
    }
    if failed_checks.is_empty() {
        return Ok(());
    }
    let checks: Vec<_> = failed_checks.into_iter().collect();
    let message = format!("pictures are {}", checks.join(" and "));
    Err(Error::new(ErrorKind::Verdict, message).with_hint("all pictures are written; the results name the checks by \"failed\""))
}

/// Opens the list. Without a name that is stdin, unless it is a terminal.
fn open_list(name: Option<&str>) -> Result<ChannelList, Error> {
    if name.is_none() && io::stdin().is_terminal() {
        return Err(Error::usage("no list was given", "write `hlsnap batch LIST`; `hlsnap batch --help` shows examples"));
    }
    ChannelList::open(name.unwrap_or("-"))
}

/// Reads the results of an earlier run. If they end within a line and stdout appends to them, starts a new line.
fn read_results(path: &Path) -> Result<DoneLines, Error> {
    let unreadable = |e: io::Error| {
        let kind = if e.kind() == Io::NotFound { ErrorKind::NotFound } else { ErrorKind::Unreachable };
        let error = Error::new(kind, format!("--resume {} cannot be read", path.display()));
        error.with_source(e).with_hint("check the path; omit --resume in the first run")
    };
    let file = File::open(path).map_err(unreadable)?;
    let is_stdout = is_stdout(&file);
    let done = DoneLines::read(BufReader::new(file)).map_err(unreadable)?;
    if done.is_torn && is_stdout {
        // A closed pipe shows with the first result
        let _ = print_line(b"\n")?;
    }
    Ok(done)
}

fn is_stdout(file: &File) -> bool {
    let stdout = io::stdout().as_fd().try_clone_to_owned().and_then(|stdout| File::from(stdout).metadata());
    let id = |metadata: &Metadata| (metadata.dev(), metadata.ino());
    stdout.is_ok_and(|stdout| file.metadata().is_ok_and(|metadata| id(&metadata) == id(&stdout)))
}

/// Writes a line on stdout in one piece. `Break` if the reader closed the pipe.
fn print_line(line: &[u8]) -> Result<ControlFlow<()>, Error> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(line).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(e) if e.kind() == Io::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(e) => {
            let error = Error::new(ErrorKind::Output, "the results cannot be written to stdout");
            Err(error.with_source(e).with_hint("check its destination; --resume continues after the written results"))
        }
    }
}

/// Prints results, and draws progress on a terminal.
struct ResultPrinter {
    bar: Option<ProgressBar>,
}

impl ResultPrinter {
    /// `size` is the list's size in bytes, for the progress bar.
    fn new(messages: &MessageArgs, size: Option<u64>) -> Self {
        if !spinner::may_spin(messages) || !io::stderr().is_terminal() {
            return Self { bar: None };
        }
        let template = if size.is_some() { "batch {wide_bar} {percent}%, {msg}, {elapsed}" } else { "{spinner} batch: {msg}, {elapsed}" };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(size, ProgressDrawTarget::stderr()).with_style(style);
        Self { bar: Some(bar) }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl BatchSink for ResultPrinter {
    fn result(&mut self, result: &LineResult) -> Result<ControlFlow<()>, Error> {
        let line = result.to_json()?;
        match &self.bar {
            // stdout may be the same terminal
            Some(bar) if io::stdout().is_terminal() => bar.suspend(|| print_line(&line)),
            _ => print_line(&line),
        }
    }

    fn progress(&mut self, summary: &Summary, bytes: u64) {
        let Some(bar) = &self.bar else { return };
        bar.set_message(format!("{} pictures, {} failures", summary.pictures, summary.failures));
        bar.set_position(bytes);
    }
}
