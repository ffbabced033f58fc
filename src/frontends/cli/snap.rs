//! `hlsnap URL`: one picture.

use super::{
    args::{Cli, PictureArgs},
    block_on, logs, request, spinner,
    terminal::Terminal,
};
use crate::{
    error::{Error, ErrorKind},
    fetch::Client,
    frontends::{deliver::Delivery, stores},
    store::Output,
};

/// The ending follows --format.
const USUAL_OUTPUT: &str = "snapshot.{ext}";

pub(super) fn snap(cli: &Cli, picture: &PictureArgs, voice: &mut Terminal) -> Result<(), Error> {
    voice.json = cli.telling.json;
    voice.quiet = cli.telling.quiet;
    let asked = request::asked(cli, picture)?;
    let delivery = Delivery::of(&asked, USUAL_OUTPUT)?;
    voice.stdout_taken = delivery.outputs().any(|output| *output == Output::Stdout);
    logs::start(&cli.telling);
    let reach = request::reach(cli);
    let stores = stores(&reach);
    let request = asked.request(request::source(cli, picture.url.as_deref(), &asked.limits())?, delivery.output.format());
    delivery.check(&stores)?;

    let client = Client::new(&reach)?;
    let written: Vec<_> = delivery.outputs().flat_map(Output::local_folders).collect();
    request::enter_sandbox(cli, &request, &reach, &written)?;
    let report = block_on(1, spinner::during(delivery.make(&request, &client, &stores), super::may_spin(cli), "taking a picture"))?;
    let place = report.output.as_deref().unwrap_or_default();
    for note in &report.notes {
        voice.note(note);
        tracing::info!("{note}");
    }
    let (size, cost) = (format_args!("{}x{}", report.width, report.height), report.cost);
    tracing::info!("{size} {} to {place}: {cost:?}, {:?}", report.format, report.timing_ms);
    if voice.json {
        voice.object(&report)?;
    } else {
        voice.path(place)?;
    }
    if report.verdict.failed.is_empty() {
        return Ok(());
    }
    // The report was the one object
    voice.json = false;
    let what = format!("the picture is {}", report.verdict.failed.join(" and "));
    Err(Error::new(ErrorKind::Verdict, what).with_hint(format!("it was written to {place}")))
}
