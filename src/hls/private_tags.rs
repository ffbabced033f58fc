//! Tags of our own, which m3u8-rs hands on as they are, with the next segment or with the Multivariant Playlist.

/// An EXT-X-KEY or EXT-X-SESSION-KEY as it stood; m3u8-rs keeps the last of several, and loses METHOD=NONE.
pub(super) const KEY: &str = "X-HLSNAP-KEY";
/// Here stood the segment's EXT-X-MAP; m3u8-rs does not tell whether a key stood before or after it.
pub(super) const INIT: &str = "X-HLSNAP-INIT";
/// So many segments are left out here (EXT-X-SKIP).
pub(super) const SKIPPED: &str = "X-HLSNAP-SKIPPED";
/// The segment that follows is none: it carries the tags after the last URI, which m3u8-rs would drop.
pub(super) const EDGE: &str = "X-HLSNAP-EDGE";
/// As they stood; m3u8-rs knows none of them, or reads them with conditions of its own.
pub(super) const PART: &str = "X-HLSNAP-PART";
pub(super) const PART_INF: &str = "X-HLSNAP-PART-INF";
pub(super) const SERVER_CONTROL: &str = "X-HLSNAP-SERVER-CONTROL";
pub(super) const PRELOAD_HINT: &str = "X-HLSNAP-PRELOAD-HINT";
pub(super) const RENDITION_REPORT: &str = "X-HLSNAP-RENDITION-REPORT";
pub(super) const DATERANGE: &str = "X-HLSNAP-DATERANGE";
/// How pictures lie in an image (EXT-X-TILES), as it stood.
pub(super) const TILES: &str = "X-HLSNAP-TILES";
pub(super) const STEERING: &str = "X-HLSNAP-CONTENT-STEERING";
