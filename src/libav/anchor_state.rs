//! The anchor of one pass over the bytes, and how certain it is.

use crate::media::Anchor;

/// The anchor, and how certain it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct AnchorState {
    pub anchor: Option<Anchor>,
    /// Whether the anchor is final.
    pub is_final: bool,
    /// Whether the anchor is another segment's.
    pub is_inherited: bool,
    /// By how much timestamps stepped back before the first stored access unit, in seconds.
    pub clock_correction: f64,
}

impl AnchorState {
    /// Starts with the anchor of another segment, if there is one.
    pub fn new(anchor: Option<Anchor>) -> Self {
        let is_final = anchor.is_some_and(|anchor| anchor.is_sure);
        Self { anchor, is_final, is_inherited: anchor.is_some(), clock_correction: 0.0 }
    }
}
