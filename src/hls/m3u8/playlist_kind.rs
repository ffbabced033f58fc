//! Decides what a text is by the tags that it contains: a Multivariant Playlist, a Media Playlist, or no HLS at all.

use crate::error::{Error, ErrorKind};

/// Attributes of EXTINF in channel lists.
const CHANNEL_ATTRIBUTES: [&str; 3] = [" tvg-", " group-title=", " catchup"];

/// Which kinds of tags the text contains.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "the kinds are independent of each other")]
pub(super) struct SeenTags {
    /// EXTM3U.
    pub m3u: bool,
    /// Any tag that starts with EXT-X.
    pub hls: bool,
    /// A tag of Multivariant Playlists.
    pub multivariant: bool,
    /// A tag of Media Playlists.
    pub media: bool,
    /// EXTINF with a duration: channel lists have -1.
    pub duration: bool,
    /// EXT-X-TARGETDURATION.
    pub target_duration: bool,
    /// A URI after EXTINF with a duration, without EXT-X-STREAM-INF between them.
    pub segment: bool,
    /// EXTINF with an attribute of channel lists.
    pub channel: bool,
}

impl SeenTags {
    /// Notes EXTINF. `duration` is in seconds, 0 if it is unreadable.
    pub fn note_extinf(&mut self, value: &str, duration: f64) {
        self.media = true;
        self.duration |= duration > 0.0;
        self.channel |= CHANNEL_ATTRIBUTES.iter().any(|name| value.contains(name));
    }

    /// Only a segment makes a Media Playlist of a text with Variants: packagers paste other tags of Media Playlists into Multivariant
    /// Playlists, and channel lists put EXTINF before EXT-X-STREAM-INF.
    pub fn is_multivariant(&self) -> bool {
        self.multivariant && !self.segment
    }

    /// Fails with `bad_playlist` unless the text is an HLS playlist. `entries` counts URIs, Renditions, Partial Segments and date ranges.
    pub fn check(&self, entries: usize, text: &[u8]) -> Result<(), Error> {
        if !(self.m3u || self.hls || self.media) {
            return Err(not_hls(text));
        }
        if !self.media && !self.multivariant && entries == 0 {
            return Err(Error::new(ErrorKind::BadPlaylist, "the playlist is empty: it has neither segments nor Variants")
                .with_hint("the stream may be off the air"));
        }
        let has_hls_content = self.multivariant || self.duration || self.target_duration;
        if !has_hls_content && (self.channel || (!self.hls && self.media && entries > 1)) {
            return Err(Error::new(ErrorKind::BadPlaylist, "it is a list of channels (plain M3U, as for IPTV), not an HLS playlist")
                .with_hint("use the URL of one of its channels")
                .with_channel_list());
        }
        Ok(())
    }
}

/// Says what the text is instead of a playlist.
pub(super) fn not_hls(text: &[u8]) -> Error {
    let message = match text {
        [] => "the answer is empty",
        [b'<', ..] => "it is an HTML or XML page, not a playlist",
        [b'{' | b'[', ..] => "it is JSON, not a playlist",
        _ => "it is neither a playlist nor media: #EXTM3U is missing",
    };
    Error::new(ErrorKind::BadPlaylist, message).with_hint("check that the URL is the playlist's own and needs no login")
}
