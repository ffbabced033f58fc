//! Settings of libav and of the allocator that hold for the whole process.

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

/// The largest allocation that libav may make, in bytes. A 10-bit 4:2:0 frame of 35 million pixels fits.
const MAX_ALLOCATION: usize = 128 << 20;

/// Size in bytes above which glibc returns freed memory to the system. This is its initial threshold. A fixed threshold keeps
/// glibc from raising it, after which each decoding thread would retain freed frames.
#[cfg(target_env = "gnu")]
const MMAP_THRESHOLD: std::ffi::c_int = 128 << 10;

/// Limits libav's allocations, so that no size in a stream's headers exhausts memory. Call this before untrusted input is read.
pub(crate) fn limit_allocations() {
    // SAFETY: stores one atomic number, with which later allocations are compared (libavutil/mem.c).
    unsafe { ffi::av_max_alloc(MAX_ALLOCATION) };
}

/// Silences libav's own log: errors are returned, and stderr is the program's.
pub(crate) fn silence_log() {
    ff::log::set_level(ff::log::Level::Quiet);
}

/// Configures the process for decoding: silences libav's own log, because errors are returned and stderr is the program's, and keeps glibc
/// from retaining freed frames. For programs, once, at their start.
pub(crate) fn configure_process() {
    silence_log();
    #[cfg(target_env = "gnu")]
    // SAFETY: a setting of glibc's allocator, which may be made at any time (mallopt(3)).
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MMAP_THRESHOLD);
    }
}

/// The memory that most 1080p pictures take, in bytes, without the largest buffers: those are mostly untouched.
#[cfg(target_env = "gnu")]
const PICTURE_MEMORY: usize = 9 << 20;
/// The size of a huge page in bytes.
#[cfg(target_env = "gnu")]
const HUGE_PAGE: usize = 2 << 20;
/// Size in bytes above which memory is not reused.
#[cfg(target_env = "gnu")]
const MAX_REUSED: std::ffi::c_int = 10 << 20;

/// Reserves memory for a picture, in huge pages if the system has them, and makes glibc reuse freed memory instead of returning it: then the
/// kernel clears the same pages once, and not for each buffer. For programs whose only load is pictures, one or a few at a time. Call this
/// once, before the program starts threads.
pub(crate) fn reserve_picture_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: settings of glibc's allocator, which may be made at any time (mallopt(3)). `madvise` changes nothing but the size of pages, in
    // a range that lies in the block; then the block is freed once. If it could not be allocated, nothing happens.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAX_REUSED);
        libc::mallopt(libc::M_TRIM_THRESHOLD, MAX_REUSED);
        let block = libc::malloc(PICTURE_MEMORY);
        if !block.is_null() {
            let skipped = block.align_offset(HUGE_PAGE);
            let length = PICTURE_MEMORY.saturating_sub(skipped) / HUGE_PAGE * HUGE_PAGE;
            libc::madvise(block.wrapping_byte_add(skipped), length, libc::MADV_HUGEPAGE);
            libc::free(block);
        }
    }
}
