//! Output of the command line: objects and paths on stdout, one line for each message on stderr. A picture on stdout has it to itself.

use std::{
    ffi::OsString,
    io::{self, ErrorKind as Io, IsTerminal, Write},
};

use serde::Serialize;

use super::args::MessageArgs;
use crate::{
    capture::Interruption,
    error::{Error, ErrorKind, one_line},
    frontends::error_report::ErrorObject,
    report::ErrorReport,
};

/// The forms and streams of output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Terminal {
    /// `--json`
    pub json: bool,
    /// `--quiet`
    pub quiet: bool,
    /// `-o -`: the picture goes to stdout, and objects to stderr.
    pub is_stdout_taken: bool,
}

impl Terminal {
    pub fn new(messages: &MessageArgs) -> Self {
        Self { json: messages.json, quiet: messages.quiet, is_stdout_taken: false }
    }

    /// Guesses from arguments that may be invalid.
    pub fn guess(args: &[OsString]) -> Self {
        let mut terminal = Self::default();
        let mut previous = "";
        for arg in args.iter().skip(1).filter_map(|arg| arg.to_str()) {
            match (previous, arg) {
                (_, "--") => break,
                (_, "--json") => terminal.json = true,
                ("-o" | "--output", "-") | (_, "-o-" | "-o=-" | "--output=-") => terminal.is_stdout_taken = true,
                _ => {}
            }
            previous = arg;
        }
        terminal
    }

    pub fn set_messages(&mut self, messages: &MessageArgs) {
        self.json = messages.json;
        self.quiet = messages.quiet;
    }

    /// Prints an error and returns the exit code.
    pub fn fail(self, error: &Error) -> u8 {
        // If stdout and stderr are closed, the exit code still says it
        if self.json {
            let _ = self.print_object(&ErrorObject::from(error));
        }
        print_message(&format!("{}: {}", error.kind(), error.one_line()));
        error.kind().exit_code()
    }

    /// Prints an object: indented on a terminal, else on one line.
    pub fn print_object(self, object: &impl Serialize) -> Result<(), Error> {
        if self.is_stdout_taken { print_json(io::stderr().lock(), object) } else { print_json(io::stdout().lock(), object) }
    }

    /// Prints a note on a success, if stderr is a terminal.
    pub fn note(self, text: &str) {
        if !self.json && !self.quiet && io::stderr().is_terminal() {
            print_message(&format!("note: {text}"));
        }
    }

    /// Prints an error that did not stop the command.
    pub fn warn(self, error: &ErrorReport) {
        if !self.quiet {
            let line = one_line(&error.message, error.url.as_deref(), error.hint.as_deref());
            print_message(&format!("warning: {}: {line}", error.kind));
        }
    }

    /// Prints the address of a long-running command.
    #[cfg(feature = "fleet")]
    pub fn announce(self, text: &str) {
        if !self.quiet {
            print_message(text);
        }
    }

    /// Prints what a long-running command has to say.
    pub fn warn_text(self, text: &str) {
        if !self.quiet {
            print_message(&format!("warning: {text}"));
        }
    }

    /// Prints that an outage of a live stream began or ended.
    pub fn interrupt(self, interruption: &Interruption) {
        match interruption {
            Interruption::Began(error) => {
                let error = ErrorReport::from(error);
                self.warn(&ErrorReport { message: format!("the live stream is interrupted: {}", error.message), ..error });
            }
            Interruption::Ended(after) => self.warn_text(&format!("the live stream goes on after {:.1} s", after.as_secs_f64())),
        }
    }

    /// Prints the picture's path, if stdout is a terminal.
    pub fn print_path(self, path: &str) -> Result<(), Error> {
        if self.json || self.quiet || self.is_stdout_taken || !io::stdout().is_terminal() {
            return Ok(());
        }
        print_text(&format!("{}\n", printable(path)))
    }
}

/// Prints text on stdout. A reader that closes the pipe is not an error.
pub(super) fn print_text(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != Io::BrokenPipe => Err(unwritable(e)),
        _ => Ok(()),
    }
}

/// The text without control characters: those of a playlist or a path could move a terminal's cursor.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn print_json(mut stream: impl Write + IsTerminal, object: &impl Serialize) -> Result<(), Error> {
    let text = if stream.is_terminal() { serde_json::to_string_pretty(object) } else { serde_json::to_string(object) };
    let text = text.map_err(|e| Error::internal("the report cannot be written as JSON").with_source(e))?;
    writeln!(stream, "{text}").and_then(|()| stream.flush()).map_err(unwritable)
}

fn unwritable(error: io::Error) -> Error {
    Error::new(ErrorKind::Output, "stdout cannot be written to").with_source(error).with_hint("check where it leads")
}

/// Prints one line on stderr in one write, so that lines of parallel processes do not mix.
fn print_message(line: &str) {
    let _ = io::stderr().lock().write_all(format!("hlsnap: {}\n", printable(line)).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_stdout_are_known_from_invalid_arguments() {
        let guess = |args: &[&str]| Terminal::guess(&args.iter().map(OsString::from).collect::<Vec<_>>());
        let terminal = guess(&["hlsnap", "--json", "--nope", "-o", "-"]);
        assert!(terminal.json && terminal.is_stdout_taken);
        let terminal = guess(&["hlsnap", "-", "--", "--json"]);
        assert!(!terminal.json && !terminal.is_stdout_taken);
    }
}
