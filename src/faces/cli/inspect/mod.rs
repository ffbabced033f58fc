//! `hlsnap inspect URL`: what is there, from playlists alone.
//!
//! [`facts`] are what is told, redacted; as JSON they are the face's promise, [`table`] is for people.

mod facts;
mod table;

use chrono::Utc;

use super::{
    args::Cli,
    block_on, logs, may_spin, request, spinner,
    voice::{self, Voice},
};
use crate::{error::Error, fetch::Client, snapshot};

pub(super) fn inspect(cli: &Cli, url: &str, voice: &mut Voice) -> Result<(), Error> {
    *voice = Voice { json: cli.telling.json, quiet: cli.telling.quiet, stdout_taken: false };
    logs::start(&cli.telling);
    let request = request::for_playlists(cli, url)?;
    let client = Client::new(&request.access, &request.limits)?;
    let found = block_on(spinner::during(snapshot::inspect(&request, &client), may_spin(cli), "reading playlists"))?;
    let facts = facts::Facts::of(&found, Utc::now());
    if voice.json {
        return voice.object(&facts);
    }
    voice::text(&table::table(&facts))?;
    if let Some(error) = &found.media_error {
        voice.warn(error);
    }
    Ok(())
}
