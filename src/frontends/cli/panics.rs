//! Panics become errors of the kind `internal`: one line, as for every other failure.

use std::{
    panic::{self, AssertUnwindSafe},
    process,
    sync::OnceLock,
};

use crate::{
    error::{Error, ErrorKind},
    frontends::panic_text,
};

/// What the first panic said.
static FIRST: OnceLock<String> = OnceLock::new();

/// Keeps what a panic says instead of printing it.
pub(super) fn keep() {
    panic::set_hook(Box::new(|panic| {
        if FIRST.set(panic_text(panic)).is_err() {
            // The second one: unwinding has failed, or is about to, and nobody may come to print the first
            eprintln!("hlsnap: {}: {}", ErrorKind::Internal, error().one_line());
            process::exit(ErrorKind::Internal.exit_code().into());
        }
    }));
}

/// Runs `work`. A panic in it, or behind an `internal` error on another thread, is told in the error.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // What `work` was changing is only used to tell the error
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(Err(error)) if error.kind() == ErrorKind::Internal => match FIRST.get() {
            Some(said) => Err(error.with_source(said.as_str())),
            None => Err(error),
        },
        Ok(done) => done,
        Err(_) => Err(error()),
    }
}

fn error() -> Error {
    Error::internal(FIRST.get().map_or("it panicked", String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_internal_error() {
        // Without the hook, which other tests' panics need as it is
        let done: Result<(), Error> = caught(|| panic!("on purpose"));
        assert_eq!(done.map_err(|e| e.kind()), Err(ErrorKind::Internal));
    }
}
