//! What Low-Latency HLS adds to a Media Playlist (sections 4.4.3.7, 4.4.3.8, 4.4.4.9, 4.4.5.3 and 4.4.5.4).

use url::Url;

use super::{attributes::Attributes, media::ByteRange};

/// A Partial Segment.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The resource that holds it.
    pub url: Url,
    /// Its part of the resource; `None` is the whole.
    pub byte_range: Option<ByteRange>,
    /// Seconds from the start of the playlist's first segment.
    pub start: f64,
    /// Seconds.
    pub duration: f64,
    /// INDEPENDENT: it holds a frame that needs no other.
    pub independent: bool,
    /// There is no media.
    pub gap: bool,
}

/// A Partial Segment that the origin is about to have (EXT-X-PRELOAD-HINT of the type PART).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreloadHint {
    /// The resource that will hold it.
    pub url: Url,
    /// Where it begins in the resource.
    pub offset: u64,
    /// How long it will be; `None` is to the resource's end.
    pub length: Option<u64>,
}

/// What the origin can do for its clients, and asks of them (EXT-X-SERVER-CONTROL). Times in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ServerControl {
    /// A request may wait for a segment or part that is not there yet.
    pub can_block_reload: bool,
    /// Segments older than this may be left out of a reload.
    pub can_skip_until: Option<f64>,
    /// How far a player should stay from the end.
    pub hold_back: Option<f64>,
    /// The same with parts.
    pub part_hold_back: Option<f64>,
}

/// How far another Variant or Rendition is (EXT-X-RENDITION-REPORT).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenditionReport {
    /// Its Media Playlist.
    pub url: Url,
    /// The Media Sequence Number of its last segment, also one that only has parts yet.
    pub last_media_sequence_number: Option<u64>,
    /// The index of its last part.
    pub last_part: Option<u64>,
}

/// A part of a playlist, with its range where that is told: `length[@offset]`.
pub(super) struct PartTag {
    pub url: Option<Url>,
    pub range: Option<m3u8_rs::ByteRange>,
    pub duration: f64,
    pub independent: bool,
    pub gap: bool,
}

impl PartTag {
    pub fn of(attributes: &str, base: &Url) -> Self {
        let list = Attributes::of(attributes);
        let range = list.get("BYTERANGE").and_then(|text| {
            let (length, offset) = text.split_once('@').map_or((text, None), |(length, offset)| (length, Some(offset)));
            let number = |text: &str| text.trim().parse().ok();
            Some(m3u8_rs::ByteRange { length: number(length)?, offset: offset.and_then(number) })
        });
        Self {
            url: list.get("URI").and_then(|uri| base.join(uri).ok()),
            range,
            duration: list.float("DURATION").filter(|seconds| (0.0..1e8).contains(seconds)).unwrap_or_default(),
            independent: list.is_yes("INDEPENDENT"),
            gap: list.is_yes("GAP"),
        }
    }
}

impl PreloadHint {
    /// `None` where it is of another type than PART.
    pub(super) fn of(attributes: &str, base: &Url) -> Option<Self> {
        let list = Attributes::of(attributes);
        list.get("TYPE").filter(|kind| kind.eq_ignore_ascii_case("PART"))?;
        let url = list.get("URI").and_then(|uri| base.join(uri).ok())?;
        Some(Self { url, offset: list.integer("BYTERANGE-START").unwrap_or(0), length: list.integer("BYTERANGE-LENGTH") })
    }
}

impl ServerControl {
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
    pub(super) fn of(attributes: &str, base: &Url) -> Option<Self> {
        let list = Attributes::of(attributes);
        let url = list.get("URI").and_then(|uri| base.join(uri).ok())?;
        Some(Self { url, last_media_sequence_number: list.integer("LAST-MSN"), last_part: list.integer("LAST-PART") })
    }
}
