//! Selects the Variants to try for a picture, in order.

use std::cmp::Reverse;

use super::{
    multivariant::MultivariantPlaylist,
    rank_variants::{pixels, rank, rank_doubtful},
    variant::Variant,
};
use crate::{
    error::{Error, ErrorKind},
    request::{Fit, Size, VariantChoice},
};

/// Returns the Variants in the order in which to try them, at least one.
///
/// Variants come last whose CODECS name no video, or only codecs that this build lacks: CODECS is often wrong, and the media shows it.
///
/// Fails with `no_video` if all Variants are I-frame Variants, with `unsupported` if none decodes to correct pictures, and with `not_found`
/// if none matches the choice.
pub fn select_variants<'a>(playlist: &'a MultivariantPlaylist, choice: &VariantChoice, size: &Size) -> Result<Vec<&'a Variant>, Error> {
    let named = named_variants(playlist, choice)?;
    let (usable, doubtful): (Vec<_>, Vec<_>) = named.iter().partition(|variant| variant.has_video() && variant.is_decodable());
    let usable = rank(usable, playlist);
    let doubtful = rank_doubtful(&doubtful, playlist);
    if usable.is_empty() && doubtful.is_empty() {
        let reason = named.first().and_then(|variant| undecodable_reason(variant));
        return Err(reason.unwrap_or_else(|| Error::new(ErrorKind::NoVideo, "no Variant has video")).with_url(&playlist.url));
    }
    let mut chosen = matching(&usable, choice, size);
    // A bound on size or bit rate that no usable Variant meets must not select a doubtful one
    if usable.is_empty() || !chosen.is_empty() {
        chosen.extend(matching(&doubtful, choice, size));
    }
    if chosen.is_empty() {
        let available = if usable.is_empty() { &doubtful } else { &usable };
        return Err(no_match(choice, available, playlist));
    }
    Ok(chosen)
}

/// Why CODECS makes a Variant undecodable; `None` if it does not.
pub fn undecodable_reason(variant: &Variant) -> Option<Error> {
    if let Some(codec) = variant.undecodable_codec() {
        return Some(Error::new(ErrorKind::Unsupported, format!("this build has no decoder for {codec:?}, which CODECS names")));
    }
    (!variant.has_video())
        .then(|| Error::new(ErrorKind::NoVideo, "the Variant has no video: CODECS names no video codec, and the media contains no video"))
}

/// Explains why [`select_variants`] puts its first Variant first.
pub fn explain_choice(playlist: &MultivariantPlaylist, choice: &VariantChoice, size: &Size) -> String {
    let reason = match choice {
        VariantChoice::Auto if size.width.is_none() && size.height.is_none() => "the best".to_owned(),
        VariantChoice::Auto => "the smallest that is large enough for the requested size, else the best".to_owned(),
        VariantChoice::Best => "the best, as requested".to_owned(),
        VariantChoice::Worst => "the worst, as requested".to_owned(),
        VariantChoice::Index(index) => format!("#{index}, as requested"),
        VariantChoice::Name(name) => format!("named {name:?}, as requested"),
        VariantChoice::Lines(lines) => format!("the best with {lines} lines"),
        VariantChoice::AtMostLines(lines) => format!("the best with at most {lines} lines"),
        VariantChoice::AtLeastLines(lines) => format!("the smallest with at least {lines} lines"),
        VariantChoice::AtMostBandwidth(bits) => format!("the best with at most {bits} bit/s"),
    };
    let count = |has: fn(&Variant) -> bool| playlist.variants.iter().filter(|variant| has(variant)).count();
    let without_video = count(|variant| !variant.has_video());
    let undecodable = count(|variant| variant.has_video() && !variant.is_decodable());
    let hdr = count(Variant::is_hdr);
    let mut reasons = vec![reason];
    reasons.extend((without_video > 0).then(|| format!("without video by CODECS: {without_video}")));
    reasons.extend((undecodable > 0).then(|| format!("without a decoder in this build by CODECS: {undecodable}")));
    reasons.extend((hdr > 0 && hdr < playlist.variants.len()).then(|| format!("HDR, ranked after SDR: {hdr}")));
    reasons.join("; ")
}

/// The Variants that the choice names; all of them, if it names none in particular. A name may also be that of another view, or a bit rate.
fn named_variants<'a>(playlist: &'a MultivariantPlaylist, choice: &VariantChoice) -> Result<Vec<&'a Variant>, Error> {
    if playlist.variants.is_empty() {
        return Err(Error::new(ErrorKind::NoVideo, "the Multivariant Playlist has I-frame Variants only").with_url(&playlist.url));
    }
    let all: Vec<_> = playlist.variants.iter().collect();
    let named = match choice {
        VariantChoice::Index(index) => filter(&all, |variant| variant.index == *index),
        VariantChoice::Name(name) => {
            let has_name = |variant: &Variant| variant.name.as_ref() == Some(name);
            let views: Vec<_> = playlist.views.iter().collect();
            let searches = [filter(&all, has_name), filter(&views, has_name), filter(&all, |variant| is_bitrate(variant, name))];
            searches.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
        }
        _ => all.clone(),
    };
    if named.is_empty() { Err(no_match(choice, &all, playlist)) } else { Ok(named) }
}

/// Whether `name` is the bit rate of the Variant, as livestreamer and streamlink write it: `2500k`.
fn is_bitrate(variant: &Variant, name: &str) -> bool {
    let kilobits = name.strip_suffix(['k', 'K']).and_then(|digits| digits.parse::<u64>().ok());
    kilobits.is_some() && kilobits == variant.bandwidth.map(|bits| bits / 1000)
}

/// Selects those of the `ranked` Variants that match the choice, in the order that it implies.
fn matching<'a>(ranked: &[&'a Variant], choice: &VariantChoice, size: &Size) -> Vec<&'a Variant> {
    match choice {
        VariantChoice::Auto => large_enough_first(ranked, size),
        VariantChoice::Best | VariantChoice::Index(_) | VariantChoice::Name(_) => ranked.to_vec(),
        VariantChoice::Worst => worst_first(ranked),
        VariantChoice::Lines(wanted) => with_lines(ranked, *wanted),
        VariantChoice::AtMostLines(max) => filter(ranked, |variant| lines(variant).is_some_and(|lines| lines <= *max)),
        VariantChoice::AtLeastLines(min) => {
            let mut large = filter(ranked, |variant| lines(variant).is_some_and(|lines| lines >= *min));
            large.sort_by_key(|variant| (variant.is_hdr(), pixels(variant), Reverse(variant.bandwidth)));
            large
        }
        VariantChoice::AtMostBandwidth(max) => filter(ranked, |variant| variant.bandwidth.is_some_and(|bits| bits <= *max)),
    }
}

/// Sorts the smallest Variant first that is at least as large as the picture, then larger ones, then smaller ones by rank. Without a
/// requested size, or if no Variant has a resolution, the order stays.
fn large_enough_first<'a>(ranked: &[&'a Variant], size: &Size) -> Vec<&'a Variant> {
    if size.width.is_none() && size.height.is_none() {
        return ranked.to_vec();
    }
    let (mut large, small): (Vec<&Variant>, Vec<&Variant>) = ranked.iter().partition(|variant| is_large_enough(variant, size));
    large.sort_by_key(|variant| (pixels(variant), variant.bandwidth));
    large.extend(small);
    large.sort_by_key(|variant| variant.is_hdr());
    large
}

fn is_large_enough(variant: &Variant, size: &Size) -> bool {
    let Some((width, height)) = variant.resolution else { return false };
    let is_wide = size.width.map(|wanted| width >= wanted);
    let is_high = size.height.map(|wanted| height >= wanted);
    match (is_wide, is_high, size.fit) {
        // Only one side of the box limits the picture, so one large side suffices
        (Some(is_wide), Some(is_high), Fit::Contain | Fit::Pad) => is_wide || is_high,
        (is_wide, is_high, _) => is_wide.unwrap_or(true) && is_high.unwrap_or(true),
    }
}

/// A Variant without a resolution among others comes last, since it may be audio only.
fn worst_first<'a>(ranked: &[&'a Variant]) -> Vec<&'a Variant> {
    let mut variants = ranked.to_vec();
    variants.sort_by_key(|variant| (variant.is_hdr(), variant.resolution.is_none(), pixels(variant), variant.bandwidth));
    variants
}

/// If no resolution matches, a name may: Twitch has `720p`.
fn with_lines<'a>(ranked: &[&'a Variant], wanted: u32) -> Vec<&'a Variant> {
    let exact = filter(ranked, |variant| lines(variant) == Some(wanted));
    if !exact.is_empty() {
        return exact;
    }
    let wanted_name = format!("{wanted}p");
    filter(ranked, |variant| variant.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&wanted_name)))
}

/// The shorter side in pixels, so that `720p` matches upright video too.
fn lines(variant: &Variant) -> Option<u32> {
    variant.resolution.map(|(width, height)| width.min(height))
}

fn filter<'a>(variants: &[&'a Variant], matches: impl Fn(&Variant) -> bool) -> Vec<&'a Variant> {
    variants.iter().copied().filter(|variant| matches(variant)).collect()
}

/// Number of Variants that an error lists.
const MAX_LISTED: usize = 12;

fn no_match(choice: &VariantChoice, available: &[&Variant], playlist: &MultivariantPlaylist) -> Error {
    let message = match choice {
        VariantChoice::Index(index) => format!("there is no Variant #{index}"),
        VariantChoice::Name(name) => format!("no Variant is named {name:?}"),
        VariantChoice::Lines(lines) => format!("no Variant has {lines} lines"),
        VariantChoice::AtMostLines(lines) => format!("no Variant has {lines} lines or fewer"),
        VariantChoice::AtLeastLines(lines) => format!("no Variant has {lines} lines or more"),
        VariantChoice::AtMostBandwidth(bits) => format!("no Variant has {bits} bit/s or less"),
        VariantChoice::Auto | VariantChoice::Best | VariantChoice::Worst => "there is no Variant".to_owned(),
    };
    let listed: Vec<_> = available.iter().take(MAX_LISTED).map(|variant| describe(variant)).collect();
    let omitted = available.len() - listed.len();
    let more = if omitted > 0 { format!(" and {omitted} more") } else { String::new() };
    Error::new(ErrorKind::NotFound, message).with_url(&playlist.url).with_hint(format!("choose one of {}{more}", listed.join(", ")))
}

fn describe(variant: &Variant) -> String {
    let mut words = vec![format!("#{}", variant.index)];
    words.extend(variant.resolution.map(|(width, height)| format!("{width}x{height}")));
    words.extend(variant.bandwidth.map(|bits| format!("{} kbit/s", bits / 1000)));
    words.extend(variant.name.as_ref().map(|name| format!("{name:?}")));
    words.join(" ")
}
