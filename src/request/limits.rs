//! The limits of one picture.

use std::time::Duration;

/// The most that one picture may cost. Each limit has its own message; exceeding a time is `timeout`, anything else is `too_large`.
/// The defaults fit a Lambda function with 256 MB. Frontends limit how many pictures are made at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The time limit of the whole job.
    pub timeout: Duration,
    /// The time limit of one of many pictures.
    pub picture_timeout: Duration,
    /// The longest wait for the start of a response, or for its next bytes.
    pub idle_timeout: Duration,
    /// Retries of transient failures.
    pub retries: u32,
    /// Requests in total: playlists, keys, segments, redirects, reloads and retries.
    pub max_requests: u64,
    /// Redirects of one request.
    pub max_redirects: usize,
    /// Bytes of all bodies, after decompression.
    pub max_bytes: u64,
    /// Bytes of one response that is not a playlist.
    pub max_segment_bytes: u64,
    /// Bytes of a Media Initialization Section.
    pub max_init_bytes: u64,
    /// Bytes of one playlist, after decompression.
    pub max_playlist_bytes: u64,
    /// Lines of one playlist, empty ones not counted.
    pub max_playlist_lines: usize,
    /// Bytes of one line, which also limits an attribute.
    pub max_line_bytes: usize,
    /// Variants, Renditions, segments or Parts of one playlist.
    pub max_playlist_entries: usize,
    /// Multivariant Playlists that refer to each other.
    pub max_playlist_depth: usize,
    /// Reloads of a live playlist.
    pub max_reloads: usize,
    /// Segments opened for one picture.
    pub max_segments: usize,
    /// How far before the wanted moment the search for a random access point may go. Bytes and the deadline limit it too.
    pub max_look_back: Duration,
    /// Keys fetched for one picture.
    pub keys: usize,
    /// Pixels of a coded frame.
    pub max_coded_pixels: u64,
    /// Frames decoded in one search: a frame may depend on all those before it.
    pub max_frames: usize,
    /// Pixels of the finished picture.
    pub max_pixels: u64,
}

/// The hint for a playlist that exceeds a limit.
pub const RAISE_PLAYLIST_BYTES: &str = "check that it is a playlist, and raise --max-playlist-bytes if it is";

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(20),
            picture_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(10),
            retries: 2,
            max_requests: 200,
            max_redirects: 10,
            max_bytes: 64 << 20,
            max_segment_bytes: 48 << 20,
            max_init_bytes: 16 << 20,
            max_playlist_bytes: 16 << 20,
            max_playlist_lines: 1_000_000,
            max_line_bytes: 1 << 20,
            max_playlist_entries: 500_000,
            max_playlist_depth: 3,
            max_reloads: 50,
            max_segments: 12,
            max_look_back: Duration::from_secs(600),
            keys: 32,
            // Level 6.2 of H.264 and HEVC: 8192 x 4352
            max_coded_pixels: 35_651_584,
            max_frames: 10_000,
            max_pixels: 35_651_584,
        }
    }
}
