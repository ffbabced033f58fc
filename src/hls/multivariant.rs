//! The Multivariant Playlist (section 4.4.6).

use url::Url;

use super::{attributes::Attributes, key::Key, variables::Variables, variant::Variant};

/// Variants of one presentation (section 4.1).
#[derive(Debug, Clone)]
pub struct MultivariantPlaylist {
    /// Its URL after redirects.
    pub url: Url,
    /// EXT-X-STREAM-INF in playlist order (section 4.4.6.2).
    pub variants: Vec<Variant>,
    /// EXT-X-MEDIA of audio, video and subtitles (section 4.4.6.1).
    pub renditions: Vec<Rendition>,
    /// EXT-X-I-FRAME-STREAM-INF (section 4.4.6.3).
    pub i_frame_variants: Vec<Variant>,
    /// EXT-X-IMAGE-STREAM-INF of Roku, and I-frame Variants of JPEG: complete pictures for small sizes.
    pub image_variants: Vec<Variant>,
    /// Variants with the Media Playlist and the name of one of their video Renditions.
    pub views: Vec<Variant>,
    /// EXT-X-INDEPENDENT-SEGMENTS (section 4.4.2.1).
    pub independent_segments: bool,
    /// EXT-X-START (section 4.4.2.2).
    pub start: Option<StartOffset>,
    /// EXT-X-SESSION-KEY: keys of Media Playlists, for early requests (section 4.4.6.5).
    pub session_keys: Vec<Key>,
    /// PATHWAY-ID of EXT-X-CONTENT-STEERING: the pathway to start with (section 4.4.6.6).
    pub pathway: Option<String>,
    /// EXT-X-DEFINE (section 4.4.2.3).
    pub variables: Variables,
    /// EXT-X-VERSION (section 4.4.1.2).
    pub version: Option<u64>,
    /// Flaws of the text itself, one sentence each.
    pub text_flaws: Vec<&'static str>,
}

/// An alternative that Variants refer to by its group (section 4.4.6.1).
#[derive(Debug, Clone)]
pub struct Rendition {
    /// TYPE.
    pub kind: RenditionType,
    /// GROUP-ID; empty if it is missing.
    pub group_id: String,
    /// NAME; empty if it is missing.
    pub name: String,
    /// LANGUAGE.
    pub language: Option<String>,
    /// Its Media Playlist; `None` if its media is in the Variant's own segments.
    pub url: Option<Url>,
    /// DEFAULT.
    pub default: bool,
}

/// TYPE of a Rendition, except CLOSED-CAPTIONS (section 4.4.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenditionType {
    /// Sound.
    Audio,
    /// Another view.
    Video,
    /// Text.
    Subtitles,
}

/// The preferred start of playback (section 4.4.2.2).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StartOffset {
    /// Seconds from the start; negative from the end.
    pub time_offset: f64,
    /// Whether playback starts with the frame at that time, and not with its segment.
    pub precise: bool,
}

impl Rendition {
    /// Reads EXT-X-MEDIA. `None` for other types than those of [`RenditionType`].
    pub(super) fn of(attributes: &str, base: &Url) -> Option<Self> {
        let list = Attributes::of(attributes);
        Some(Self {
            kind: RenditionType::of(&list)?,
            group_id: list.text("GROUP-ID").unwrap_or_default(),
            name: list.text("NAME").unwrap_or_default(),
            language: list.text("LANGUAGE"),
            url: list.text("URI").and_then(|uri| base.join(&uri).ok()),
            default: list.is_yes("DEFAULT"),
        })
    }
}

impl RenditionType {
    /// Reads TYPE of EXT-X-MEDIA.
    pub(super) fn of(list: &Attributes<'_>) -> Option<Self> {
        match list.get("TYPE")?.to_ascii_uppercase().as_str() {
            "AUDIO" => Some(Self::Audio),
            "VIDEO" => Some(Self::Video),
            "SUBTITLES" => Some(Self::Subtitles),
            _ => None,
        }
    }
}

impl StartOffset {
    /// Reads EXT-X-START. `None` without a valid TIME-OFFSET.
    pub(super) fn of(attributes: &str) -> Option<Self> {
        let list = Attributes::of(attributes);
        Some(Self { time_offset: list.float("TIME-OFFSET")?, precise: list.is_yes("PRECISE") })
    }
}

/// Copies each Variant for every video Rendition of its group that has a Media Playlist. `own` is the Multivariant Playlist's URL, which no
/// view may have.
pub(super) fn views(variants: &[Variant], renditions: &[Rendition], own: &Url) -> Vec<Variant> {
    let mut views = Vec::new();
    for variant in variants {
        let is_of_group = |rendition: &&Rendition| variant.video.as_ref() == Some(&rendition.group_id);
        for rendition in renditions.iter().filter(|rendition| rendition.kind == RenditionType::Video).filter(is_of_group) {
            if let Some(url) = rendition.url.clone().filter(|url| url != own) {
                views.push(Variant { url, name: Some(rendition.name.clone()), ..variant.clone() });
            }
        }
    }
    views
}
