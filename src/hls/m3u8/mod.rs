//! Reads playlists with m3u8-rs 6 and avoids its traps. No other module names m3u8-rs.
//!
//! ```text
//! bytes -> rewrite -> m3u8-rs -> media | multivariant
//! ```
//!
//! m3u8-rs splits the text into tags and URIs, gives each segment the tags before its URI, and reads Variants, integers and flags.
//! [`rewrite`] feeds it only lines that it reads correctly.
//!
//! # Traps
//!
//! Each has a test in `tests/m3u8_rs_traps.rs`.
//!
//! - *A tag with one unreadable attribute is lost.* `BANDWIDTH=1.5`, `RESOLUTION=640X360`, an empty or misquoted string, EXT-X-MEDIA without
//!   NAME. If the tag is EXT-X-STREAM-INF, its URI replaces the URI of the previous Variant. So does any stray URI.
//! - *The rest of a line that is not read to its end becomes a segment.* `EXT-X-TARGETDURATION:4.5` adds a segment named `.5`; so does a
//!   comma in EXTINF's title. A comma at the start of the line after EXTINF disappears.
//! - *Durations are 32-bit floats.* Their error adds up over a long playlist.
//! - *Tags do not persist.* EXT-X-KEY and EXT-X-MAP apply to the next segment only. Of several keys for one segment the last remains, and
//!   whether EXT-X-MAP came before or after a key is unknown. EXT-X-KEY with METHOD=NONE is an error unless it has an IV.
//! - *Tags after the last URI are dropped*: the Partial Segments and the EXT-X-PRELOAD-HINT at the live edge.
//! - *Parsing stops silently* at a byte that is not UTF-8 and at a CR without LF. A byte order mark or blank before `#EXTM3U` is an error.
//! - *Only RFC 3339 dates are read*, and of several EXT-X-DATERANGE before one segment only the last.
//!
//! # The way around them
//!
//! There is one private mechanism: a tag that m3u8-rs would misread is renamed from `#EXT-X-KEY:…` to `#EXT-HLSNAP-EXT-X-KEY:…`, with its
//! value unchanged. m3u8-rs does not know that name and returns the tag with its text, in order, with the next segment or with the
//! Multivariant Playlist. [`passed_tags`] undoes the renaming, and the type that a tag describes reads the value (`Key`, `Part`, …).
//!
//! | line | what m3u8-rs gets |
//! |---|---|
//! | `EXT-X-STREAM-INF`, `EXT-X-I-FRAME-STREAM-INF` | the attributes in use, each in the type that it expects |
//! | `EXT-X-IMAGE-STREAM-INF` | an I-frame Variant with the private attribute [`IMAGES`] |
//! | target duration, sequence numbers, date, playlist type | the value in the form that it expects |
//! | EXT-X-DISCONTINUITY, EXT-X-ENDLIST, EXT-X-I-FRAMES-ONLY | the tag without a value |
//! | all other tags that hlsnap uses | the renamed tag |
//! | the end of a Media Playlist | the URI of one more segment, the *edge*, which collects the tags after the last URI |
//!
//! # Why m3u8-rs is not forked
//!
//! A fork through `[patch.crates-io]` could fix durations, keys and the edge at their source. It was not chosen:
//!
//! - Cargo ignores `[patch]` in dependencies, so a program that uses hlsnap as a library would silently get the unpatched parser.
//! - The fixes change public types and most parsers of the crate, so upstream releases could not be merged easily.
//! - Most of [`rewrite`] would remain: character sets, limits, variables, lost line breaks, lower case, and the kind of the playlist all
//!   precede parsing.

mod media;
mod multivariant;
mod playlist_kind;
mod private_names;
mod rewrite;

use url::Url;

use super::{playlist::Playlist, variables::Variables};
use crate::{
    error::{Error, ErrorKind},
    request::Limits,
};

/// Reads a playlist, as [`super::parse`] describes.
pub(super) fn parse(bytes: &[u8], url: &Url, imported: &Variables, limits: &Limits) -> Result<Playlist, Error> {
    let rewritten = rewrite::rewrite(bytes, url, imported, limits)?;
    let unreadable = || Error::new(ErrorKind::BadPlaylist, "the playlist cannot be read").with_hint("please report this as a bug");
    if rewritten.is_multivariant {
        let parsed = m3u8_rs::parse_master_playlist_res(rewritten.text.as_bytes()).map_err(|_| unreadable())?;
        multivariant::build(parsed, url, rewritten).map(Playlist::Multivariant)
    } else {
        let parsed = m3u8_rs::parse_media_playlist_res(rewritten.text.as_bytes()).map_err(|_| unreadable())?;
        Ok(Playlist::Media(media::build(parsed, url, rewritten)))
    }
}
