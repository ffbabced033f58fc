//! `hlsnap inspect URL`: what is there, from playlists alone.
//!
//! [`Facts`] are what is told, redacted; as JSON they are the faces' promise, [`table`] is for people.

mod table;

use chrono::Utc;

use super::{
    args::Cli,
    block_on, logs, may_spin, request, spinner,
    terminal::{self, Terminal},
};
use crate::{capture, error::Error, fetch::Client, frontends::inspection_report::InspectionReport};

pub(super) fn inspect(cli: &Cli, url: &str, voice: &mut Terminal) -> Result<(), Error> {
    *voice = Terminal { json: cli.telling.json, quiet: cli.telling.quiet, stdout_taken: false };
    logs::start(&cli.telling);
    let asked = request::asked_of_playlists(cli)?;
    let request = asked.request(request::source(cli, Some(url), &asked.limits())?, None);
    let reach = request::reach(cli);
    let client = Client::new(&reach)?;
    request::enter_sandbox(cli, &request, &reach, &[])?;
    let found = block_on(1, spinner::during(capture::inspect(&request, &client), may_spin(cli), "reading playlists"))?;
    let facts = InspectionReport::of(&found, Utc::now());
    if voice.json {
        return voice.object(&facts);
    }
    terminal::text(&table::table(&facts))?;
    if let Some(error) = &found.media_error {
        voice.warn(error);
    }
    Ok(())
}
