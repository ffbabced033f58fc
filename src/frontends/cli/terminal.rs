//! How the command line speaks: objects and paths on stdout, one line for an error on stderr. A picture on stdout has it for itself.

use std::{
    ffi::OsString,
    io::{self, ErrorKind as Io, IsTerminal, Write},
};

use serde::Serialize;

use crate::{
    error::{Error, ErrorKind},
    frontends::error_report::ErrorObject,
};

/// Who listens, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terminal {
    /// `--json`
    pub json: bool,
    /// `--quiet`
    pub quiet: bool,
    /// `-o -`: stdout is the picture's.
    pub stdout_taken: bool,
}

impl Terminal {
    /// From arguments that may not make sense.
    pub fn guessed(args: &[OsString]) -> Self {
        let mut voice = Self { json: false, quiet: false, stdout_taken: false };
        let mut before = "";
        for arg in args.iter().skip(1).filter_map(|arg| arg.to_str()) {
            match (before, arg) {
                (_, "--") => break,
                (_, "--json") => voice.json = true,
                ("-o" | "--output", "-") | (_, "-o-" | "-o=-" | "--output=-") => voice.stdout_taken = true,
                _ => {}
            }
            before = arg;
        }
        voice
    }

    /// Says a failure; gives the exit code.
    pub fn fail(self, error: &Error) -> u8 {
        // Where nobody listens any more, the exit code still tells
        if self.json {
            let _ = self.object(&ErrorObject::from(error));
        }
        say(&format!("{}: {}", error.kind(), error.one_line()));
        error.kind().exit_code()
    }

    /// Prints an object: for people where a terminal is, else on one line.
    pub fn object(self, object: &impl Serialize) -> Result<(), Error> {
        if self.stdout_taken { print(io::stderr().lock(), object) } else { print(io::stdout().lock(), object) }
    }

    /// Says what is worth knowing about a success, where somebody is there to read it.
    pub fn note(self, text: &str) {
        if !self.json && !self.quiet && io::stderr().is_terminal() {
            say(&format!("note: {text}"));
        }
    }

    /// Says a failure that the job could do without.
    pub fn warn(self, error: &Error) {
        if !self.quiet {
            say(&format!("warning: {}: {}", error.kind(), error.one_line()));
        }
    }

    /// Prints where the picture is, where somebody is there to read it.
    pub fn path(self, path: &str) -> Result<(), Error> {
        if self.json || self.quiet || self.stdout_taken || !io::stdout().is_terminal() {
            return Ok(());
        }
        text(&format!("{}\n", plain(path)))
    }
}

/// Prints text that was asked for on stdout. A reader who has seen enough is no failure.
pub(super) fn text(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != Io::BrokenPipe => Err(unwritable(e)),
        _ => Ok(()),
    }
}

/// Without what would move a terminal's cursor: playlists and paths can hold anything.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn print(mut stream: impl Write + IsTerminal, object: &impl Serialize) -> Result<(), Error> {
    let text = if stream.is_terminal() { serde_json::to_string_pretty(object) } else { serde_json::to_string(object) };
    let text = text.map_err(|e| Error::internal("the report cannot be written as JSON").with_source(e))?;
    writeln!(stream, "{text}").and_then(|()| stream.flush()).map_err(unwritable)
}

fn unwritable(error: io::Error) -> Error {
    Error::new(ErrorKind::Output, "stdout cannot be written to").with_source(error).with_hint("check where it leads")
}

/// One line on stderr, in one write, so that lines of parallel runs do not mix.
fn say(line: &str) {
    let _ = io::stderr().lock().write_all(format!("hlsnap: {}\n", plain(line)).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_voice_is_known_before_the_options_are() {
        let guessed = |args: &[&str]| Terminal::guessed(&args.iter().map(OsString::from).collect::<Vec<_>>());
        let voice = guessed(&["hlsnap", "--json", "--nope", "-o", "-"]);
        assert!(voice.json && voice.stdout_taken);
        let voice = guessed(&["hlsnap", "-", "--", "--json"]);
        assert!(!voice.json && !voice.stdout_taken);
    }
}
