//! `hlsnap inspect URL`: a report on the playlists alone.
//!
//! [`Inspection`](crate::Inspection) has the facts, with URLs redacted. `--json` prints it as it is; [`table`] prints it for people.

mod table;

use super::{
    args::Cli,
    logs, request,
    runtime::block_on,
    spinner,
    terminal::{self, Terminal},
};
use crate::{capture, error::Error, fetch::Client, frontends::settings::Settings};

pub(super) fn inspect(cli: &Cli, terminal: &mut Terminal) -> Result<(), Error> {
    *terminal = Terminal::new(&cli.messages);
    logs::start(&cli.messages);
    let options = request::options(cli)?;
    let request = options.request(request::source(options.url.as_deref(), cli.base_url.as_deref(), &options.limits())?, None);
    let settings = cli.settings(Settings::for_user())?;
    let client = Client::new(&settings.network)?;
    request::enter_sandbox(&settings, &request, &[])?;
    let inspect = capture::inspect(&request, &client);
    let inspection = block_on(1, spinner::during(inspect, spinner::may_spin(&cli.messages), "reading playlists"))?;
    if terminal.json {
        return terminal.print_object(&inspection);
    }
    terminal::print_text(&table::table(&inspection))?;
    if let Some(error) = &inspection.media_error {
        terminal.warn(error);
    }
    Ok(())
}
