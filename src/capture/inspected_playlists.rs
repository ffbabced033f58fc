//! The result of an inspection, before it is reported.

use crate::{
    error::Error,
    hls::{MediaPlaylist, MultivariantPlaylist},
    report::Cost,
};

/// The playlists of a stream, and the choices between them.
#[derive(Debug)]
pub(super) struct InspectedPlaylists {
    /// The requested URL, redacted.
    pub url: String,
    /// The Multivariant Playlist; `None` if the URL leads to a Media Playlist.
    pub multivariant: Option<MultivariantPlaylist>,
    /// Index of the Variant that a snapshot would use.
    pub chosen: Option<usize>,
    /// The reason for that choice.
    pub why: Option<String>,
    /// Index of the I-frame Variant that a snapshot of a key frame would use.
    pub i_frame: Option<usize>,
    /// The Media Playlist that a snapshot would use.
    pub media: Option<MediaPlaylist>,
    /// Why no Variant was chosen, or why its Media Playlist failed to load.
    pub media_error: Option<Error>,
    /// Network usage.
    pub cost: Cost,
}
