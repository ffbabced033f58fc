//! `hlsnap URL`: one picture.

use std::time::Instant;

use chrono::Utc;

use super::{
    args::{Cli, PictureArgs},
    block_on, logs, request, spinner,
    voice::Voice,
};
use crate::{error::Error, fetch::Client, snapshot, store::Output};

/// The ending follows --format.
const USUAL_OUTPUT: &str = "snapshot.{ext}";

pub(super) fn snap(cli: &Cli, picture: &PictureArgs, voice: &mut Voice) -> Result<(), Error> {
    voice.json = cli.telling.json;
    voice.quiet = cli.telling.quiet;
    let output = Output::parse(picture.output.as_deref().unwrap_or(USUAL_OUTPUT))?;
    voice.stdout_taken = output == Output::Stdout;
    logs::start(&cli.telling);
    let request = request::for_picture(cli, picture, &output)?;
    output.check()?;

    let client = Client::new(&request.access, &request.limits)?;
    let taken = block_on(spinner::during(snapshot::take(&request, &client), super::may_spin(cli), "taking a picture"))?;
    let mut report = taken.report;

    let storing = Instant::now();
    let place = output.place(&report, Utc::now());
    place.put(&taken.picture)?;
    let took = storing.elapsed().as_secs_f64() * 1e3;
    report.timing_ms.store = rounded(took);
    report.timing_ms.total = rounded(report.timing_ms.total + took);
    report.output = Some(place.name());

    for note in &report.notes {
        voice.note(note);
        tracing::info!("{note}");
    }
    let (size, cost) = (format_args!("{}x{}", report.width, report.height), report.cost);
    tracing::info!("{size} {} to {}: {cost:?}, {:?}", report.format, place.name(), report.timing_ms);
    if voice.json { voice.object(&report) } else { voice.path(&place.name()) }
}

/// To a thousandth.
fn rounded(milliseconds: f64) -> f64 {
    (milliseconds * 1e3).round() / 1e3
}
