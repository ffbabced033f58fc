//! `hlsnap inspect URL`: what is there, from playlists alone.
//!
//! [`Facts`] are what is told, redacted; as JSON they are the faces' promise, [`table`] is for people.

mod table;

use chrono::Utc;

use super::{
    args::Cli,
    block_on, logs, may_spin, request, spinner,
    voice::{self, Voice},
};
use crate::{error::Error, faces::facts::Facts, fetch::Client, snapshot};

pub(super) fn inspect(cli: &Cli, url: &str, voice: &mut Voice) -> Result<(), Error> {
    *voice = Voice { json: cli.telling.json, quiet: cli.telling.quiet, stdout_taken: false };
    logs::start(&cli.telling);
    let asked = request::asked_of_playlists(cli)?;
    let request = asked.request(request::source(cli, Some(url), &asked.limits())?, None);
    let reach = request::reach(cli);
    let client = Client::new(&reach)?;
    request::enter_sandbox(cli, &request, &reach, &[])?;
    let found = block_on(1, spinner::during(snapshot::inspect(&request, &client), may_spin(cli), "reading playlists"))?;
    let facts = Facts::of(&found, Utc::now());
    if voice.json {
        return voice.object(&facts);
    }
    voice::text(&table::table(&facts))?;
    if let Some(error) = &found.media_error {
        voice.warn(error);
    }
    Ok(())
}
