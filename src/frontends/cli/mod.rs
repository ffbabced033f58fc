//! The command line. Options become a [`SnapshotRequest`](crate::SnapshotRequest), the answer becomes a file, a path on stdout, a report,
//! or one line on stderr and an exit code.
//!
//! ```text
//! args -> request -> snap | inspect | serve -> voice
//! ```
//!
//! stdout carries what was asked for, stderr what is told about it. Nothing is set up that a plain run does not need.

mod args;
mod content_args;
mod help;
mod inspect;
mod logs;
mod panics;
mod request;
mod serve;
mod snap;
mod spinner;
mod terminal;
mod usage;

use std::{ffi::OsString, future::Future, process::ExitCode, time::Duration};

use clap::{CommandFactory, Parser};
use clap_complete::Shell;

use crate::error::{Error, ErrorKind};
use args::{Cli, Command, PictureArgs};
use terminal::Terminal;

/// Runs the program with its arguments, the program's own name first.
pub fn run(args: Vec<OsString>) -> ExitCode {
    crate::libav::configure_process();
    // Good until the options are read, and for what goes wrong with them
    let mut voice = Terminal::guessed(&args);
    panics::keep();
    match panics::caught(|| parsed(args, &mut voice)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(voice.fail(&error)),
    }
}

fn parsed(args: Vec<OsString>, voice: &mut Terminal) -> Result<(), Error> {
    let mut cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => return Err(usage::told(&error)),
        // Help is no error
        Err(error) => return terminal::text(&error.render().to_string()),
    };
    if cli.version {
        return terminal::text(&help::version());
    }
    let command = cli.command.take();
    if command.is_some() && cli.picture != PictureArgs::default() {
        let what = "an option of `hlsnap snap` stands before the command";
        return Err(
            Error::new(ErrorKind::Usage, what).with_hint("write options behind the command's name; a URL or file of that name is ./NAME")
        );
    }
    match command {
        None => snap::snap(&cli, &cli.picture, voice),
        Some(Command::Snap(picture)) => snap::snap(&cli, &picture, voice),
        Some(Command::Inspect(asked)) => inspect::inspect(&cli, &asked.url, voice),
        Some(Command::Serve(asked)) => serve::serve(&cli, &asked, voice),
        Some(Command::Completions { shell }) => completions(shell),
    }
}

fn completions(shell: Shell) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "hlsnap", &mut script);
    terminal::text(&String::from_utf8_lossy(&script))
}

/// Runs work on this thread; each of `jobs` decoders has its own.
fn block_on<T>(jobs: usize, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        // Others resolve names
        .max_blocking_threads(jobs + 3)
        .thread_keep_alive(Duration::from_secs(1))
        .build()
        .map_err(|e| Error::internal("the runtime cannot be started").with_source(e))?;
    let done = runtime.block_on(work);
    // A decoder that is still at work after the deadline is not waited for
    runtime.shutdown_background();
    done
}

/// A spinner and log lines would write over each other; who wants JSON or silence wants no spinner.
fn may_spin(cli: &Cli) -> bool {
    let telling = &cli.telling;
    !telling.json && !telling.quiet && !telling.log_json && telling.verbose == 0
}
