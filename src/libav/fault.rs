//! What libav's error numbers mean to us.

use std::{ffi::c_int, sync::Once};

use ffmpeg_next as ff;

use crate::error::{Error, ErrorKind};

/// `Ok` for a non-negative result of a C function.
pub(super) fn check(result: c_int) -> Result<c_int, ff::Error> {
    if result < 0 { Err(ff::Error::from(result)) } else { Ok(result) }
}

/// A failure of libav's while `doing`, told by its number.
pub(super) fn failure(doing: &str, error: ff::Error) -> Error {
    let enomem = ff::Error::Other { errno: ff::util::error::ENOMEM };
    let kind = match error {
        ff::Error::DecoderNotFound | ff::Error::DemuxerNotFound | ff::Error::PatchWelcome => ErrorKind::Unsupported,
        error if error == enomem => ErrorKind::TooLarge,
        _ => ErrorKind::Undecodable,
    };
    Error::new(kind, format!("{doing}: {error}"))
}

/// An allocation of libav's that failed.
pub(super) fn no_memory() -> Error {
    Error::new(ErrorKind::TooLarge, "not enough memory")
}

/// libav writes to stderr by itself, where only our one line belongs. What matters comes back as a result.
pub(super) fn silence() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| ff::log::set_level(ff::log::Level::Quiet));
}
