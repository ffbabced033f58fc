//! HLS playlists: reads them, selects Variants, and plans which segment to search. Pure: no I/O, no clock, no async.
//!
//! ```text
//! bytes -> m3u8 -> MultivariantPlaylist -> select_variants
//!               -> MediaPlaylist        -> plan
//! ```
//!
//! Each tag is read next to its type: EXT-X-KEY in `key`, EXT-X-PART in `low_latency`. `m3u8` splits the text into tags with m3u8-rs.
//! Names, rules and section numbers are those of draft-pantos-hls-rfc8216bis.

mod attributes;
mod byte_range;
mod charset;
mod codecs;
mod date;
mod key;
mod lint;
mod low_latency;
mod m3u8;
mod media;
mod multivariant;
mod plan;
mod playlist;
mod rank_variants;
mod segment;
mod select_variants;
mod variables;
mod variant;

pub use byte_range::ByteRange;
pub use key::{Key, KeyFormat, Method, drm_system_of};
pub use low_latency::{Part, PreloadHint, RenditionReport, ServerControl};
pub use media::{DateRange, MediaPlaylist, PlaylistType};
pub use multivariant::{MultivariantPlaylist, Rendition, RenditionType, StartOffset};
pub use plan::{Goal, Plan, SearchStart, check_has_media, moment_of, plan};
pub use playlist::Playlist;
pub use segment::{Init, Segment, Tiles};
pub use select_variants::{explain_choice, select_variants, undecodable_reason};
pub use variables::Variables;
pub use variant::Variant;

use url::Url;

use crate::{error::Error, request::Limits};

/// Reads a playlist. `url` is its URL after redirects, which relative URIs resolve against. `imported` are the variables of the Multivariant
/// Playlist that names it.
///
/// Fails with `bad_playlist` if it is not HLS or has neither segments nor Variants, and with `too_large` beyond `limits`.
pub fn parse(bytes: &[u8], url: &Url, imported: &Variables, limits: &Limits) -> Result<Playlist, Error> {
    m3u8::parse(bytes, url, imported, limits)
}

/// Whether a resource with these first bytes is a playlist: its first tag is `#EXTM3U` or, without it, another `#EXT` tag. A byte order mark,
/// blanks, comments, and warnings of scripts may precede it.
pub fn looks_like_playlist(first_bytes: &[u8]) -> bool {
    let text = charset::Text::of(first_bytes).bytes;
    let mut lines = text.split(|byte| matches!(byte, b'\n' | b'\r')).map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let first = lines.find(|line| !line.starts_with(b"#") || is_tag(line));
    first.is_some_and(is_tag)
}

fn is_tag(line: &[u8]) -> bool {
    line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"#EXT"))
}

#[cfg(test)]
mod tests;
