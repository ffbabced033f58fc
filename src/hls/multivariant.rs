//! The Multivariant Playlist (section 4.4.6).

use std::collections::HashMap;

use m3u8_rs::{AlternativeMediaType, MasterPlaylist, QuotedOrUnquoted, VariantStream};
use url::Url;

use super::{
    attributes::Attributes,
    codecs::{self, CodecKind},
    key::{Key, Keys},
    normalise::{IMAGES, NO_BANDWIDTH, NormalisedPlaylist},
    private_tags,
    variables::Variables,
};
use crate::error::{Error, ErrorKind};

/// Variants of one presentation.
#[derive(Debug, Clone)]
pub struct MultivariantPlaylist {
    /// Where it came from.
    pub url: Url,
    /// In the order of the playlist.
    pub variants: Vec<Variant>,
    /// EXT-X-MEDIA.
    pub renditions: Vec<Rendition>,
    /// EXT-X-I-FRAME-STREAM-INF.
    pub i_frame_variants: Vec<Variant>,
    /// EXT-X-IMAGE-STREAM-INF, and I-frame Variants of JPEG: whole pictures, for small sizes.
    pub image_variants: Vec<Variant>,
    /// Variants in the view of a video Rendition that has a Media Playlist of its own, by the Rendition's name.
    pub views: Vec<Variant>,
    /// EXT-X-INDEPENDENT-SEGMENTS.
    pub independent_segments: bool,
    /// EXT-X-START.
    pub start: Option<StartOffset>,
    /// EXT-X-SESSION-KEY: keys that Media Playlists are going to name, so that they can be asked for early.
    pub session_keys: Vec<Key>,
    /// The pathway to begin with (EXT-X-CONTENT-STEERING).
    pub pathway: Option<String>,
    /// EXT-X-DEFINE.
    pub variables: Variables,
    /// EXT-X-VERSION.
    pub version: Option<u64>,
    /// What is wrong with the text as such, for people.
    pub oddities: Vec<&'static str>,
}

/// One of several versions of the presentation (section 4.4.6.2).
#[derive(Debug, Clone)]
pub struct Variant {
    /// Its place in the playlist, from 0; I-frame Variants are counted by themselves.
    pub index: usize,
    /// Its Media Playlist.
    pub url: Url,
    /// Peak bits a second.
    pub bandwidth: Option<u64>,
    /// Average bits a second.
    pub average_bandwidth: Option<u64>,
    /// Pixels across and down.
    pub resolution: Option<(u32, u32)>,
    /// Frames a second.
    pub frame_rate: Option<f64>,
    /// RFC 6381, separated by commas.
    pub codecs: Option<String>,
    /// NAME, or that of its video Rendition.
    pub name: Option<String>,
    /// `SDR`, `HLG` or `PQ`.
    pub video_range: Option<String>,
    /// The group of its audio Renditions.
    pub audio: Option<String>,
    /// The group of its video Renditions.
    pub video: Option<String>,
    /// SUPPLEMENTAL-CODECS: what else it may be decoded as.
    pub supplemental_codecs: Option<String>,
    /// How good the origin finds it; of use only where all have one.
    pub score: Option<f64>,
    /// PATHWAY-ID; without it, `.`.
    pub pathway: Option<String>,
    /// STABLE-VARIANT-ID.
    pub stable_id: Option<String>,
}

impl Variant {
    /// Whether it has video, as far as CODECS and RESOLUTION tell.
    pub fn has_video(&self) -> bool {
        let Some(codecs) = &self.codecs else { return true };
        let mut kinds = codecs::kinds(codecs).map(|(_, kind)| kind).peekable();
        self.resolution.is_some() || kinds.peek().is_none() || kinds.any(|kind| kind != CodecKind::NoVideo)
    }

    /// Whether this build decodes its video, as far as CODECS tells.
    pub fn decodable(&self) -> bool {
        self.undecodable_codec().is_none()
    }

    /// The video codec that this build lacks, where no other stands beside it.
    pub(super) fn undecodable_codec(&self) -> Option<&str> {
        let list: Vec<_> = codecs::kinds(self.codecs.as_deref()?).collect();
        if list.iter().any(|(_, kind)| *kind == CodecKind::Decodable) {
            return None;
        }
        list.into_iter().find(|(_, kind)| matches!(kind, CodecKind::OtherVideo | CodecKind::Misleading)).map(|(codec, _)| codec)
    }

    /// Whether its pictures would come out clean and wrong, so that CODECS is believed whatever the media holds.
    pub(super) fn is_misleading(&self) -> bool {
        let mut kinds = self.codecs.iter().flat_map(|codecs| codecs::kinds(codecs));
        !self.decodable() && kinds.any(|(_, kind)| kind == CodecKind::Misleading)
    }

    /// Whether it is PQ or HLG.
    pub fn is_hdr(&self) -> bool {
        self.video_range.as_deref().is_some_and(|range| matches!(range.to_ascii_uppercase().as_str(), "PQ" | "HLG"))
    }
}

/// What a Rendition is (section 4.4.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenditionType {
    /// Sound.
    Audio,
    /// Another view.
    Video,
    /// Text.
    Subtitles,
}

/// An alternative that Variants refer to by its group.
#[derive(Debug, Clone)]
pub struct Rendition {
    /// What it is.
    pub kind: RenditionType,
    /// GROUP-ID.
    pub group_id: String,
    /// NAME.
    pub name: String,
    /// LANGUAGE.
    pub language: Option<String>,
    /// Its Media Playlist; `None` where it is in the Variant's own segments.
    pub url: Option<Url>,
    /// DEFAULT.
    pub default: bool,
}

/// Where playback is meant to start (section 4.4.2.2).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StartOffset {
    /// Seconds from the start; negative from the end.
    pub time_offset: f64,
    /// Whether that very moment is meant.
    pub precise: bool,
}

impl From<m3u8_rs::Start> for StartOffset {
    fn from(start: m3u8_rs::Start) -> Self {
        Self { time_offset: start.time_offset, precise: start.precise == Some(true) }
    }
}

impl MultivariantPlaylist {
    /// Fails with `bad_playlist` where no Variant is left.
    pub(super) fn of(tokens: MasterPlaylist, url: &Url, text: NormalisedPlaylist) -> Result<Self, Error> {
        let renditions: Vec<_> = tokens.alternatives.into_iter().filter_map(|media| rendition(media, url)).collect();
        let mut names = Views::new();
        for view in renditions.iter().filter(|rendition| rendition.kind == RenditionType::Video) {
            names.entry(&view.group_id).or_insert(&view.name);
        }
        let is_image = |stream: &VariantStream| {
            let is_told = stream.other_attributes.as_ref().is_some_and(|others| others.contains_key(IMAGES));
            is_told || stream.codecs.as_deref().is_some_and(codecs::is_jpeg)
        };
        let (i_frame, plain): (Vec<_>, Vec<_>) = tokens.variants.into_iter().partition(|variant| variant.is_i_frame);
        let (images, i_frame): (Vec<_>, Vec<_>) = i_frame.into_iter().partition(is_image);
        let variants = |list: Vec<VariantStream>| -> Vec<Variant> {
            let all = list.into_iter().enumerate().filter_map(|(index, stream)| variant(index, stream, url, &names));
            // A playlist that names itself would be asked for without end
            all.filter(|variant| variant.url != *url).collect()
        };
        let (variants, i_frame_variants, image_variants) = (variants(plain), variants(i_frame), variants(images));
        if variants.is_empty() && i_frame_variants.is_empty() && image_variants.is_empty() {
            let what = "the Multivariant Playlist names no Media Playlist but itself, or none at all";
            return Err(Error::new(ErrorKind::BadPlaylist, what).with_hint("this is the origin's mistake"));
        }
        let own_tag =
            |name: &'static str| tokens.unknown_tags.iter().filter(move |tag| tag.tag == name).filter_map(|tag| tag.rest.as_deref());
        let steering = own_tag(private_tags::STEERING).next().map(Attributes::of);
        Ok(Self {
            url: url.clone(),
            views: views(&variants, &renditions, url),
            variants,
            i_frame_variants,
            image_variants,
            independent_segments: text.independent_segments,
            start: tokens.start.map(StartOffset::from),
            session_keys: own_tag(private_tags::KEY).filter_map(|attributes| Keys::alone(attributes, url)).collect(),
            pathway: steering.map(|list| list.get("PATHWAY-ID").unwrap_or(DEFAULT_PATHWAY).to_owned()),
            variables: text.variables,
            version: text.version,
            oddities: text.oddities,
            renditions,
        })
    }
}

/// The pathway of Variants that name none (section 4.4.6.2).
pub(super) const DEFAULT_PATHWAY: &str = ".";

/// Each Variant once more for every other view of its group.
fn views(variants: &[Variant], renditions: &[Rendition], own: &Url) -> Vec<Variant> {
    let other_views = |variant: &Variant| {
        let group = variant.video.clone();
        renditions.iter().filter(move |rendition| rendition.kind == RenditionType::Video && Some(&rendition.group_id) == group.as_ref())
    };
    let seen = |variant: &Variant, rendition: &Rendition| {
        let url = rendition.url.clone().filter(|url| url != own)?;
        Some(Variant { url, name: Some(rendition.name.clone()), ..variant.clone() })
    };
    variants.iter().flat_map(|variant| other_views(variant).filter_map(|rendition| seen(variant, rendition)).collect::<Vec<_>>()).collect()
}

/// The name of each group of video Renditions: that of its first.
type Views<'a> = HashMap<&'a str, &'a str>;

fn variant(index: usize, stream: VariantStream, base: &Url, views: &Views<'_>) -> Option<Variant> {
    let url = base.join(stream.uri.trim()).ok().filter(|_| !stream.uri.trim().is_empty())?;
    let others = stream.other_attributes.unwrap_or_default();
    let side = |pixels: u64| u32::try_from(pixels).ok();
    let video = told(stream.video);
    let view = || video.as_deref().and_then(|group| views.get(group)).map(|name| (*name).to_owned());
    Some(Variant {
        index,
        url,
        bandwidth: Some(stream.bandwidth).filter(|bandwidth| *bandwidth != NO_BANDWIDTH),
        average_bandwidth: stream.average_bandwidth,
        resolution: stream.resolution.and_then(|size| Some((side(size.width)?, side(size.height)?))),
        frame_rate: stream.frame_rate.filter(|rate| *rate > 0.0),
        codecs: told(stream.codecs),
        name: told(text(&others, "NAME")).or_else(|| told(view())),
        video_range: told(text(&others, "VIDEO-RANGE")),
        audio: told(stream.audio),
        video,
        supplemental_codecs: told(text(&others, "SUPPLEMENTAL-CODECS")),
        score: text(&others, "SCORE").and_then(|score| score.trim().parse().ok()).filter(|score: &f64| score.is_finite() && *score >= 0.0),
        pathway: told(text(&others, "PATHWAY-ID")),
        stable_id: told(text(&others, "STABLE-VARIANT-ID")),
    })
}

/// `None` where nothing but blanks is told.
fn told(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

fn text(attributes: &HashMap<String, QuotedOrUnquoted>, name: &str) -> Option<String> {
    attributes.get(name).map(|value| match value {
        QuotedOrUnquoted::Quoted(text) | QuotedOrUnquoted::Unquoted(text) => text.clone(),
    })
}

fn rendition(media: m3u8_rs::AlternativeMedia, base: &Url) -> Option<Rendition> {
    let kind = match media.media_type {
        AlternativeMediaType::Audio => RenditionType::Audio,
        AlternativeMediaType::Video => RenditionType::Video,
        AlternativeMediaType::Subtitles => RenditionType::Subtitles,
        _ => return None,
    };
    let url = told(media.uri).and_then(|uri| base.join(&uri).ok());
    let [group_id, name] = [media.group_id, media.name].map(|text| told(Some(text)).unwrap_or_default());
    Some(Rendition { kind, group_id, name, language: told(media.language), url, default: media.default })
}
