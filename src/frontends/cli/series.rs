//! `hlsnap series URL`: pictures at a regular interval.

use super::{args::Cli, logs, request, runtime::block_on, series_output::SeriesPrinter, terminal::Terminal};
use crate::{
    compose::{self, SeriesResult},
    error::{Error, ErrorKind},
    fetch::Client,
    frontends::{deliver::stores, series_output::SeriesOutput, settings::Settings},
    store::Output,
};

/// The extension follows --format.
const DEFAULT_OUTPUT: &str = "snapshot-{index}.{ext}";

pub(super) fn series(cli: &Cli, terminal: &mut Terminal) -> Result<(), Error> {
    terminal.set_messages(&cli.messages);
    let options = request::options(cli)?;
    let source = || request::source(options.url.as_deref(), cli.base_url.as_deref(), &options.limits());
    let has_one_picture = options.max_pictures() == Some(1);
    let output = SeriesOutput::new(&options, DEFAULT_OUTPUT, has_one_picture)?;
    terminal.is_stdout_taken = output.all().any(|output| *output == Output::Stdout);
    logs::start(&cli.messages);
    let settings = cli.settings(Settings::for_user())?;
    let stores = stores(&settings.network);
    let request = options.series(source()?, output.pictures.format());
    output.check(&stores)?;

    let client = Client::new(&settings.network)?;
    let writable: Vec<_> = output.all().flat_map(Output::local_folders).collect();
    request::enter_sandbox(&settings, &request.pictures.snapshot, &writable)?;
    let limits = request.pictures.snapshot.limits;
    let mut printer = SeriesPrinter::new(&output, &stores, limits, *terminal, &cli.messages);
    let work = async {
        let mut result = Box::pin(compose::take_series(&request, &client, &mut printer)).await?;
        let name = options.output.as_deref().unwrap_or(DEFAULT_OUTPUT);
        result.report.output = Some(name.to_owned());
        output.write_report(&result.report, &stores, &limits).await?;
        Ok(result)
    };
    let result = block_on(request.pictures.parallel + 1, work)?;
    for note in &result.report.notes {
        tracing::info!("{note}");
    }
    if terminal.json {
        terminal.print_object(&result.report)?;
        // stdout has its last object: the report
        terminal.json = false;
    }
    outcome(&result)
}

/// Fails with `partial` if pictures are missing, and with `verdict` if one failed a content check.
fn outcome(result: &SeriesResult) -> Result<(), Error> {
    if result.failures > 0 {
        let message = format!("{} times a picture of the series could not be had", result.failures);
        return Err(Error::new(ErrorKind::Partial, message).with_hint("the others are written; --json names the missing ones"));
    }
    if result.failed_checks.is_empty() {
        return Ok(());
    }
    let checks: Vec<_> = result.failed_checks.iter().copied().collect();
    let message = format!("pictures of the series are {}", checks.join(" and "));
    Err(Error::new(ErrorKind::Verdict, message).with_hint("all pictures are written; --json says which ones"))
}
