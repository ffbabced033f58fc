//! Text in, plan out: what a playlist says, which Variant and which segment a picture needs. Pure: no I/O, no clock, no async.
//!
//! ```text
//! bytes -> normalise -> m3u8-rs -> multivariant | carried, media -> choose, plan
//! ```
//!
//! m3u8-rs reads the text after `normalise` has brought it into the form that it reads rightly; its output is tokens, and the types
//! here are the model. Names and rules are those of draft-pantos-hls-rfc8216bis.

mod attributes;
mod builder;
mod charset;
mod codecs;
mod date;
mod key;
mod lint;
mod low_latency;
mod media;
mod multivariant;
mod normalise;
mod plan;
mod private_tags;
mod select_variants;
mod values;
mod variables;

pub use key::{Key, KeyFormat, Method, drm_system_of};
pub use low_latency::{Part, PreloadHint, RenditionReport, ServerControl};
pub use media::{ByteRange, DateRange, Init, MediaPlaylist, PlaylistType, Segment, Tiles};
pub use multivariant::{MultivariantPlaylist, Rendition, RenditionType, StartOffset, Variant};
pub use plan::{Goal, Plan, PlaylistIndex, plan};
pub use select_variants::{select_variants, undecodable_reason, why};
pub use variables::Variables;

use url::Url;

use crate::{
    error::{Error, ErrorKind},
    request::Limits,
};

/// What a URL answered with (section 4.1).
#[derive(Debug, Clone)]
pub enum Playlist {
    /// Variants of one presentation.
    Multivariant(MultivariantPlaylist),
    /// Segments of one Variant.
    Media(MediaPlaylist),
}

/// Reads a playlist. `url` is where it came from after redirects: relative URIs resolve against it. `imported` are the variables of the
/// Multivariant Playlist that named it.
///
/// Fails with `bad_playlist` where it is none or has neither segments nor Variants, and with `too_large` beyond `limits`.
pub fn parse(bytes: &[u8], url: &Url, imported: &Variables, limits: &Limits) -> Result<Playlist, Error> {
    let text = normalise::normalise(bytes, url, imported, limits)?;
    let unreadable = || Error::new(ErrorKind::BadPlaylist, "the playlist cannot be read").with_hint("please report it");
    if text.is_multivariant {
        let tokens = m3u8_rs::parse_master_playlist_res(text.lines.as_bytes()).map_err(|_| unreadable())?;
        multivariant::MultivariantPlaylist::of(tokens, url, text).map(Playlist::Multivariant)
    } else {
        let tokens = m3u8_rs::parse_media_playlist_res(text.lines.as_bytes()).map_err(|_| unreadable())?;
        Ok(Playlist::Media(media::MediaPlaylist::of(tokens, url, text)))
    }
}

/// Whether a resource that begins so is a playlist: `#EXTM3U`, or one of HLS's tags where that is missing, after a BOM, blanks,
/// comments and a script's warnings.
pub fn looks_like_playlist(first_bytes: &[u8]) -> bool {
    let text = charset::Text::of(first_bytes).bytes;
    let mut lines = text.split(|byte| matches!(byte, b'\n' | b'\r')).map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let tag = lines.find(|line| !line.starts_with(b"#") || is_tag(line));
    tag.is_some_and(is_tag)
}

fn is_tag(line: &[u8]) -> bool {
    line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"#EXT"))
}

#[cfg(test)]
mod tests;
