//! Converts libav's error codes to [`Error`].

use std::ffi::c_int;

use ffmpeg_next as ff;

use crate::error::{Error, ErrorKind};

/// `Ok` for a non-negative result of a C function.
pub(crate) fn check(result: c_int) -> Result<c_int, ff::Error> {
    if result < 0 { Err(ff::Error::from(result)) } else { Ok(result) }
}

/// The error for a libav failure. `context` says what failed.
pub(crate) fn failure(context: &str, error: ff::Error) -> Error {
    let enomem = ff::Error::Other { errno: ff::util::error::ENOMEM };
    let kind = match error {
        ff::Error::DecoderNotFound | ff::Error::DemuxerNotFound | ff::Error::PatchWelcome => ErrorKind::Unsupported,
        error if error == enomem => ErrorKind::TooLarge,
        _ => ErrorKind::Undecodable,
    };
    let reason = match (error, error.to_string()) {
        (ff::Error::InvalidData, _) => "invalid data".to_owned(),
        (ff::Error::Eof, _) => "unexpected end of data".to_owned(),
        // ffmpeg-next has messages for errno values only
        (_, message) if message.trim().is_empty() => format!("libav error {}", c_int::from(error)),
        (_, message) => message,
    };
    Error::new(kind, format!("{context}: {reason}"))
}

/// The error for a failed allocation in libav.
pub(crate) fn no_memory() -> Error {
    Error::new(ErrorKind::TooLarge, "not enough memory")
}
