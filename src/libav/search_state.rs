//! What a search is given besides the bytes: its limits, and what earlier searches found.

use crate::media::{Anchor, HeaderReader};

/// Limits of one search.
#[derive(Debug, Clone, Copy)]
pub struct DecodeLimits {
    /// Pixels of a coded picture.
    pub pixels: u64,
    /// Frames to decode.
    pub frames: usize,
}

/// What all searches within one discontinuity sequence number share.
#[derive(Debug, Clone, Default)]
pub struct DomainState {
    /// The anchor of media timestamps in the playlist.
    pub anchor: Option<Anchor>,
    /// The parameter sets so far.
    pub headers: Option<HeaderReader>,
}
