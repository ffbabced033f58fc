//! A playlist of either kind.

use super::{media::MediaPlaylist, multivariant::MultivariantPlaylist};

/// A playlist of either kind (section 4.1).
#[derive(Debug, Clone)]
pub enum Playlist {
    /// Variants of one presentation.
    Multivariant(MultivariantPlaylist),
    /// Segments of one Variant or Rendition.
    Media(MediaPlaylist),
}
