//! `hlsnap URL`: one picture.

use super::{args::Cli, logs, request, runtime::block_on, spinner, terminal::Terminal};
use crate::{
    error::{Error, ErrorKind},
    fetch::Client,
    frontends::{
        deliver::{Delivery, stores},
        settings::Settings,
    },
    libav,
    store::Output,
};

/// The extension follows --format.
const DEFAULT_OUTPUT: &str = "snapshot.{ext}";

pub(super) fn snap(cli: &Cli, terminal: &mut Terminal) -> Result<(), Error> {
    terminal.set_messages(&cli.messages);
    let options = request::options(cli)?;
    let delivery = Delivery::new(&options, DEFAULT_OUTPUT)?;
    terminal.is_stdout_taken = delivery.outputs().any(|output| *output == Output::Stdout);
    logs::start(&cli.messages);
    let settings = cli.settings(Settings::for_user())?;
    let stores = stores(&settings.network);
    let source = request::source(options.url.as_deref(), cli.base_url.as_deref(), &options.limits())?;
    let request = options.request(source, delivery.output.format());
    delivery.check(&stores)?;

    libav::reserve_picture_memory();
    let client = Client::new(&settings.network)?;
    let writable: Vec<_> = delivery.outputs().flat_map(Output::local_folders).collect();
    request::enter_sandbox(&settings, &request, &writable)?;
    let capture = delivery.capture(&request, &client, &stores);
    let report = block_on(1, spinner::during(capture, spinner::may_spin(&cli.messages), "taking a picture"))?;
    let output = report.output.as_deref().unwrap_or_default();
    for note in &report.notes {
        terminal.note(note);
        tracing::info!("{note}");
    }
    let (width, height, format) = (report.width, report.height, report.format);
    tracing::info!("{width}x{height} {format} to {output}: {:?}, {:?}", report.cost, report.timing_ms);
    if terminal.json {
        terminal.print_object(&report)?;
    } else {
        terminal.print_path(output)?;
    }
    if report.verdict.failed.is_empty() {
        return Ok(());
    }
    // stdout has its one object: the report
    terminal.json = false;
    let message = format!("the picture is {}", report.verdict.failed.join(" and "));
    Err(Error::new(ErrorKind::Verdict, message).with_hint(format!("it was written to {output}")))
}
