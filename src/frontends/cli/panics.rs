//! Panics become errors of the kind `internal`, in one line like every other error.

use std::{
    panic::{self, AssertUnwindSafe},
    process,
    sync::OnceLock,
};

use crate::{
    error::{Error, ErrorKind},
    frontends::panic_text,
};

/// The message of the first panic.
static FIRST: OnceLock<String> = OnceLock::new();

/// Records the message of a panic instead of printing it.
pub(super) fn install_hook() {
    panic::set_hook(Box::new(|panic| {
        if FIRST.set(panic_text(panic)).is_err() {
            // A second panic: unwinding may have failed, and then nobody prints the first
            eprintln!("hlsnap: {}: {}", ErrorKind::Internal, error().one_line());
            process::exit(ErrorKind::Internal.exit_code().into());
        }
    }));
}

/// Runs `work`. If it panics, or fails with `internal` after a panic of another thread, the error has the panic's message.
pub(super) fn catch<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // After a panic, only the printing of the error uses the values that `work` changes
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(Err(error)) if error.kind() == ErrorKind::Internal => match FIRST.get() {
            Some(message) => Err(error.with_source(message.as_str())),
            None => Err(error),
        },
        Ok(result) => result,
        Err(_) => Err(error()),
    }
}

fn error() -> Error {
    Error::internal(FIRST.get().map_or("hlsnap panicked", String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_internal_error() {
        // Without the hook, which would affect other tests
        let result: Result<(), Error> = catch(|| panic!("on purpose"));
        assert_eq!(result.map_err(|e| e.kind()), Err(ErrorKind::Internal));
    }
}
