//! The limits of a search, and the state that it shares with other searches.

use crate::media::{Anchor, HeaderReader};

/// Limits of one search.
#[derive(Debug, Clone, Copy)]
pub struct DecodeLimits {
    /// Pixels of a coded picture.
    pub pixels: u64,
    /// Frames to decode.
    pub frames: usize,
}

/// The state that all searches within one discontinuity sequence number share.
#[derive(Debug, Clone, Default)]
pub struct DomainState {
    /// The anchor of media timestamps in the playlist.
    pub anchor: Option<Anchor>,
    /// The parameter sets that were read until now.
    pub headers: Option<HeaderReader>,
}
