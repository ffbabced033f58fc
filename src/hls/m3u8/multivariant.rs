//! Builds a [`MultivariantPlaylist`].

use std::collections::HashMap;

use m3u8_rs::{MasterPlaylist, QuotedOrUnquoted, VariantStream};
use url::Url;

use super::{
    super::{
        attributes::Attributes,
        codecs,
        key::Key,
        multivariant::{MultivariantPlaylist, Rendition, RenditionType, StartOffset, views},
        variant::{DEFAULT_PATHWAY, Variant},
    },
    private_names::{IMAGES, NO_BANDWIDTH, passed_tags},
    rewrite::RewrittenPlaylist,
};
use crate::error::{Error, ErrorKind};

/// Builds the playlist. `url` is its own.
///
/// Fails with `bad_playlist` if it has no Variant.
pub(super) fn build(parsed: MasterPlaylist, url: &Url, rewritten: RewrittenPlaylist) -> Result<MultivariantPlaylist, Error> {
    let values = |wanted: &'static str| passed_tags(&parsed.unknown_tags).filter(move |(name, _)| *name == wanted).map(|(_, value)| value);
    let renditions: Vec<_> = values("EXT-X-MEDIA").filter_map(|value| Rendition::of(value, url)).collect();
    let group_names = group_names(&renditions);
    let (i_frame, regular): (Vec<_>, Vec<_>) = parsed.variants.into_iter().partition(|stream| stream.is_i_frame);
    let (images, i_frame): (Vec<_>, Vec<_>) = i_frame.into_iter().partition(has_whole_images);
    let variants = |streams: Vec<VariantStream>| -> Vec<Variant> {
        let all = streams.into_iter().enumerate().filter_map(|(index, stream)| variant(index, stream, url, &group_names));
        // A playlist that names itself would be requested forever
        all.filter(|variant| variant.url != *url).collect()
    };
    let (variants, i_frame_variants, image_variants) = (variants(regular), variants(i_frame), variants(images));
    if variants.is_empty() && i_frame_variants.is_empty() && image_variants.is_empty() {
        let message = "the Multivariant Playlist names no Media Playlist, or only itself";
        return Err(Error::new(ErrorKind::BadPlaylist, message).with_hint("the origin has to fix this"));
    }
    let steering = values("EXT-X-CONTENT-STEERING").next().map(Attributes::of);
    Ok(MultivariantPlaylist {
        url: url.clone(),
        views: views(&variants, &renditions, url),
        variants,
        i_frame_variants,
        image_variants,
        independent_segments: rewritten.independent_segments,
        start: values("EXT-X-START").filter_map(StartOffset::of).last(),
        session_keys: values("EXT-X-KEY").filter_map(|attributes| Key::of(attributes, url)).collect(),
        pathway: steering.map(|list| list.get("PATHWAY-ID").unwrap_or(DEFAULT_PATHWAY).to_owned()),
        variables: rewritten.variables,
        version: rewritten.version,
        text_flaws: rewritten.text_flaws,
        renditions,
    })
}

/// Names of the groups of video Renditions: the name of the first in each.
fn group_names(renditions: &[Rendition]) -> HashMap<String, String> {
    let mut names = HashMap::new();
    for rendition in renditions.iter().filter(|rendition| rendition.kind == RenditionType::Video) {
        names.entry(rendition.group_id.clone()).or_insert_with(|| rendition.name.clone());
    }
    names
}

/// Whether each entry of an I-frame Variant is a JPEG picture.
fn has_whole_images(stream: &VariantStream) -> bool {
    let is_image_stream = stream.other_attributes.as_ref().is_some_and(|others| others.contains_key(IMAGES));
    is_image_stream || stream.codecs.as_deref().is_some_and(codecs::is_jpeg)
}

fn variant(index: usize, stream: VariantStream, base: &Url, group_names: &HashMap<String, String>) -> Option<Variant> {
    let url = base.join(stream.uri.trim()).ok().filter(|_| !stream.uri.trim().is_empty())?;
    let others = stream.other_attributes.unwrap_or_default();
    let side = |pixels: u64| u32::try_from(pixels).ok();
    let video = non_blank(stream.video);
    let group_name = || video.as_ref().and_then(|group| group_names.get(group)).cloned();
    let score = text(&others, "SCORE").and_then(|score| score.trim().parse().ok());
    Some(Variant {
        index,
        url,
        bandwidth: Some(stream.bandwidth).filter(|bandwidth| *bandwidth != NO_BANDWIDTH),
        average_bandwidth: stream.average_bandwidth,
        resolution: stream.resolution.and_then(|size| Some((side(size.width)?, side(size.height)?))),
        frame_rate: stream.frame_rate.filter(|rate| *rate > 0.0),
        codecs: non_blank(stream.codecs),
        name: text(&others, "NAME").or_else(|| non_blank(group_name())),
        video_range: text(&others, "VIDEO-RANGE"),
        audio: non_blank(stream.audio),
        video,
        supplemental_codecs: text(&others, "SUPPLEMENTAL-CODECS"),
        score: score.filter(|score: &f64| score.is_finite() && *score >= 0.0),
        pathway: text(&others, "PATHWAY-ID"),
        stable_id: text(&others, "STABLE-VARIANT-ID"),
    })
}

fn text(attributes: &HashMap<String, QuotedOrUnquoted>, name: &str) -> Option<String> {
    non_blank(attributes.get(name).map(|value| value.as_str().to_owned()))
}

fn non_blank(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}
