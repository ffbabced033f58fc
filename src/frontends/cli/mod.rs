//! The command line. Arguments become a [`SnapshotRequest`](crate::SnapshotRequest); the result becomes a file, a path on stdout, a report,
//! or one line on stderr and an exit code.
//!
//! ```text
//! args -> request -> snap | inspect | serve -> terminal
//! ```
//!
//! stdout carries the result, stderr the messages. A plain run starts no log and no server.

mod args;
#[cfg(feature = "fleet")]
mod batch;
mod completions;
#[cfg(all(test, feature = "fleet", feature = "lambda"))]
mod documents;
mod help;
mod inspect;
mod logs;
mod manual;
mod manual_text;
mod many;
mod panics;
mod progress;
mod request;
mod runtime;
mod series;
mod series_output;
#[cfg(feature = "http")]
mod serve;
#[cfg(feature = "http")]
mod sign;
mod snap;
mod spinner;
mod table_args;
mod terminal;
mod usage;
#[cfg(feature = "fleet")]
mod watch;

use std::{ffi::OsString, path::Path, process::ExitCode};

use crate::error::Error;
use args::{Cli, CliCommand};
use terminal::Terminal;

/// Runs the program. The first argument is its own name.
pub fn run(args: Vec<OsString>) -> ExitCode {
    crate::libav::configure_process();
    // In effect until the arguments are parsed, and if that fails
    let mut terminal = Terminal::guess(&args);
    panics::install_hook();
    match panics::catch(|| run_command(args, &mut terminal)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(terminal.fail(&with_command_hint(error))),
    }
}

fn run_command(args: Vec<OsString>, terminal: &mut Terminal) -> Result<(), Error> {
    let cli = match Cli::parse(args) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => return Err(usage::from_clap(&error)),
        // Help is not an error
        Err(error) => return terminal::print_text(&error.render().to_string()),
    };
    if cli.command == CliCommand::Version {
        return terminal::print_text(&help::version());
    }
    if cli.has_misplaced_options {
        return Err(Error::usage(
            "an option of `hlsnap snap` precedes the command",
            "write options after the command's name; a URL or file of that name is ./NAME",
        ));
    }
    match cli.command {
        CliCommand::Snap => snap::snap(&cli, terminal),
        CliCommand::Sheet => many::sheet(&cli, terminal),
        CliCommand::Storyboard => many::storyboard(&cli, terminal),
        CliCommand::Animate => many::animate(&cli, terminal),
        CliCommand::Series => series::series(&cli, terminal),
        CliCommand::Inspect => inspect::inspect(&cli, terminal),
        #[cfg(feature = "fleet")]
        CliCommand::Batch => batch::batch(&cli, terminal),
        #[cfg(feature = "fleet")]
        CliCommand::Watch { listen } => watch::watch(&cli, listen, terminal),
        #[cfg(feature = "http")]
        CliCommand::Serve { listen } => serve::serve(&cli, listen, terminal),
        #[cfg(feature = "http")]
        CliCommand::Sign => sign::sign(&cli, terminal),
        CliCommand::Completions(shell) => terminal::print_text(&completions::completions(shell)),
        CliCommand::Manual => manual::manual(cli.folder().unwrap_or(Path::new("."))),
        CliCommand::Version => Ok(()),
    }
}

/// If the URL is a list of channels, names the commands that read it.
fn with_command_hint(error: Error) -> Error {
    if cfg!(feature = "fleet") && error.is_channel_list() {
        return error.with_hint("take a picture of each channel with `hlsnap batch`, watch them with `hlsnap watch`, or give one's URL");
    }
    error
}
