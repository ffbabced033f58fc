//! What libav's error numbers mean to us.

use std::{ffi::c_int, sync::Once};

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use crate::error::{Error, ErrorKind};

/// `Ok` for a non-negative result of a C function.
pub(crate) fn check(result: c_int) -> Result<c_int, ff::Error> {
    if result < 0 { Err(ff::Error::from(result)) } else { Ok(result) }
}

/// A failure of libav's while `doing`, told by its number.
pub(crate) fn failure(doing: &str, error: ff::Error) -> Error {
    let enomem = ff::Error::Other { errno: ff::util::error::ENOMEM };
    let kind = match error {
        ff::Error::DecoderNotFound | ff::Error::DemuxerNotFound | ff::Error::PatchWelcome => ErrorKind::Unsupported,
        error if error == enomem => ErrorKind::TooLarge,
        _ => ErrorKind::Undecodable,
    };
    // ffmpeg-next has texts for the numbers of the system alone
    let said = match (error, error.to_string()) {
        (ff::Error::InvalidData, _) => "its data is invalid".to_owned(),
        (ff::Error::Eof, _) => "it ends too early".to_owned(),
        (_, said) if said.trim().is_empty() => format!("libav's error {}", std::ffi::c_int::from(error)),
        (_, said) => said,
    };
    Error::new(kind, format!("{doing}: {said}"))
}

/// An allocation of libav's that failed.
pub(crate) fn no_memory() -> Error {
    Error::new(ErrorKind::TooLarge, "not enough memory")
}

/// The most that libav may allocate at once, in bytes: a frame of 35 million pixels in 4:2:0 with 10 bits fits.
const LARGEST_ALLOCATION: usize = 128 << 20;

/// Larger allocations are given back to the system when they are freed: with this, where glibc begins, before it learns to keep them. Of
/// frames that come and go on many threads each thread would keep some.
#[cfg(target_env = "gnu")]
const LARGEST_KEPT: std::ffi::c_int = 128 << 10;

/// What holds for the whole process. libav writes to stderr by itself, where only our one line belongs: what matters comes back as a
/// result. And no size in a stream's headers may have it take all memory.
pub(crate) fn set_up() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        ff::log::set_level(ff::log::Level::Quiet);
        // SAFETY: sets one number, which every allocation from now on is compared with.
        unsafe { ffi::av_max_alloc(LARGEST_ALLOCATION) };
        #[cfg(target_env = "gnu")]
        // SAFETY: a setting of glibc's allocator, which may be made at any time (mallopt(3)).
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, LARGEST_KEPT);
        }
    });
}
