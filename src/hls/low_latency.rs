//! The tags that Low-Latency HLS adds to a Media Playlist (sections 4.4.3.7, 4.4.3.8, 4.4.4.9, 4.4.5.3 and 4.4.5.4).

use url::Url;

use super::{
    attributes::Attributes,
    byte_range::{ByteRange, ByteRangeTag},
};

/// A Partial Segment (section 4.4.4.9).
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The resource that contains it.
    pub url: Url,
    /// BYTERANGE: its bytes in the resource; `None` is the whole resource.
    pub byte_range: Option<ByteRange>,
    /// Seconds from the start of the playlist's first segment.
    pub start: f64,
    /// DURATION in seconds.
    pub duration: f64,
    /// INDEPENDENT: whether it contains a key frame.
    pub independent: bool,
    /// GAP, or an invalid byte range: there is no media.
    pub gap: bool,
}

/// The next Partial Segment (EXT-X-PRELOAD-HINT of TYPE=PART, section 4.4.5.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreloadHint {
    /// The resource that will contain it.
    pub url: Url,
    /// BYTERANGE-START: its first byte in the resource.
    pub offset: u64,
    /// BYTERANGE-LENGTH: its length in bytes; `None` is up to the end of the resource.
    pub length: Option<u64>,
}

/// Delivery features of the origin (EXT-X-SERVER-CONTROL, section 4.4.3.8). Times are in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ServerControl {
    /// CAN-BLOCK-RELOAD: a request may wait for a segment or part that does not exist yet.
    pub can_block_reload: bool,
    /// CAN-SKIP-UNTIL: a delta update may omit segments older than this.
    pub can_skip_until: Option<f64>,
    /// HOLD-BACK: minimum distance of a player from the end.
    pub hold_back: Option<f64>,
    /// PART-HOLD-BACK: the same for players that read parts.
    pub part_hold_back: Option<f64>,
}

/// Progress of another Variant or Rendition (EXT-X-RENDITION-REPORT, section 4.4.5.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenditionReport {
    /// Its Media Playlist.
    pub url: Url,
    /// LAST-MSN: Media Sequence Number of its last segment, which may be incomplete.
    pub last_media_sequence_number: Option<u64>,
    /// LAST-PART: index of its last part.
    pub last_part: Option<u64>,
}

/// EXT-X-PART before its byte range and its start are resolved.
pub(super) struct PartTag {
    /// `None` if URI is missing or invalid.
    pub url: Option<Url>,
    pub byte_range: Option<ByteRangeTag>,
    pub duration: f64,
    pub independent: bool,
    pub gap: bool,
}

impl PartTag {
    /// Reads EXT-X-PART. A byte range whose offset is unreadable has none.
    pub fn of(attributes: &str, base: &Url) -> Self {
        let list = Attributes::of(attributes);
        let length_alone = |text: &str| ByteRangeTag::of(text.split_once('@')?.0);
        Self {
            url: list.get("URI").and_then(|uri| base.join(uri).ok()),
            byte_range: list.get("BYTERANGE").and_then(|text| ByteRangeTag::of(text).or_else(|| length_alone(text))),
            duration: list.float("DURATION").filter(|seconds| (0.0..1e8).contains(seconds)).unwrap_or_default(),
            independent: list.is_yes("INDEPENDENT"),
            gap: list.is_yes("GAP"),
        }
    }
}

impl PreloadHint {
    /// Reads EXT-X-PRELOAD-HINT. `None` for other types than PART, or without a valid URI.
    pub(super) fn of(attributes: &str, base: &Url) -> Option<Self> {
        let list = Attributes::of(attributes);
        list.get("TYPE").filter(|kind| kind.eq_ignore_ascii_case("PART"))?;
        let url = list.get("URI").and_then(|uri| base.join(uri).ok())?;
        Some(Self { url, offset: list.integer("BYTERANGE-START").unwrap_or(0), length: list.integer("BYTERANGE-LENGTH") })
    }
}

impl ServerControl {
    /// Reads EXT-X-SERVER-CONTROL.
    pub(super) fn of(attributes: &str) -> Self {
        let list = Attributes::of(attributes);
        let seconds = |name| list.float(name).filter(|seconds| *seconds >= 0.0);
        Self {
            can_block_reload: list.is_yes("CAN-BLOCK-RELOAD"),
            can_skip_until: seconds("CAN-SKIP-UNTIL"),
            hold_back: seconds("HOLD-BACK"),
            part_hold_back: seconds("PART-HOLD-BACK"),
        }
    }
}

impl RenditionReport {
    /// Reads EXT-X-RENDITION-REPORT. `None` without a valid URI.
    pub(super) fn of(attributes: &str, base: &Url) -> Option<Self> {
        let list = Attributes::of(attributes);
        let url = list.get("URI").and_then(|uri| base.join(uri).ok())?;
        Some(Self { url, last_media_sequence_number: list.integer("LAST-MSN"), last_part: list.integer("LAST-PART") })
    }
}
