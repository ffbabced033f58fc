//! A Variant Stream (section 4.4.6.2), and what its CODECS say about its video.

use url::Url;

use super::codecs::{self, CodecKind};

/// PATHWAY-ID of Variants without one (section 4.4.6.2).
pub(super) const DEFAULT_PATHWAY: &str = ".";

/// One version of the presentation (section 4.4.6.2).
#[derive(Debug, Clone)]
pub struct Variant {
    /// Position in the playlist from 0. I-frame Variants have their own count.
    pub index: usize,
    /// Its Media Playlist.
    pub url: Url,
    /// BANDWIDTH: peak bits per second.
    pub bandwidth: Option<u64>,
    /// AVERAGE-BANDWIDTH in bits per second.
    pub average_bandwidth: Option<u64>,
    /// RESOLUTION: width and height in pixels.
    pub resolution: Option<(u32, u32)>,
    /// FRAME-RATE in frames per second.
    pub frame_rate: Option<f64>,
    /// CODECS: RFC 6381 names separated by commas.
    pub codecs: Option<String>,
    /// NAME, else the NAME of its video Rendition.
    pub name: Option<String>,
    /// VIDEO-RANGE: `SDR`, `HLG` or `PQ`.
    pub video_range: Option<String>,
    /// AUDIO: the group of its audio Renditions.
    pub audio: Option<String>,
    /// VIDEO: the group of its video Renditions.
    pub video: Option<String>,
    /// SUPPLEMENTAL-CODECS: codecs that may decode it too.
    pub supplemental_codecs: Option<String>,
    /// SCORE: the origin's preference; meaningful only if all Variants have one.
    pub score: Option<f64>,
    /// PATHWAY-ID; `.` if it is missing.
    pub pathway: Option<String>,
    /// STABLE-VARIANT-ID.
    pub stable_id: Option<String>,
}

impl Variant {
    /// Whether it has video according to CODECS and RESOLUTION. Without either it may.
    pub fn has_video(&self) -> bool {
        let Some(codecs) = &self.codecs else { return true };
        let mut kinds = codecs::kinds(codecs).map(|(_, kind)| kind).peekable();
        self.resolution.is_some() || kinds.peek().is_none() || kinds.any(|kind| kind != CodecKind::NoVideo)
    }

    /// Whether this build decodes its video according to CODECS.
    pub fn is_decodable(&self) -> bool {
        self.undecodable_codec().is_none()
    }

    /// The first video codec that this build cannot decode; `None` if CODECS also names one that it can.
    pub(super) fn undecodable_codec(&self) -> Option<&str> {
        let list: Vec<_> = codecs::kinds(self.codecs.as_deref()?).collect();
        if list.iter().any(|(_, kind)| *kind == CodecKind::Decodable) {
            return None;
        }
        list.into_iter().find(|(_, kind)| matches!(kind, CodecKind::OtherVideo | CodecKind::WrongColors)).map(|(codec, _)| codec)
    }

    /// Whether its frames would decode cleanly to wrong colors. Only CODECS shows that, so it is trusted here.
    pub(super) fn has_wrong_colors(&self) -> bool {
        let mut kinds = self.codecs.iter().flat_map(|codecs| codecs::kinds(codecs));
        !self.is_decodable() && kinds.any(|(_, kind)| kind == CodecKind::WrongColors)
    }

    /// Whether CODECS names AV1.
    pub fn is_av1(&self) -> bool {
        self.codecs.iter().flat_map(|codecs| codecs::kinds(codecs)).any(|(codec, _)| codec.to_ascii_lowercase().starts_with("av01"))
    }

    /// Whether VIDEO-RANGE is PQ or HLG.
    pub fn is_hdr(&self) -> bool {
        self.video_range.as_deref().is_some_and(|range| matches!(range.to_ascii_uppercase().as_str(), "PQ" | "HLG"))
    }
}
