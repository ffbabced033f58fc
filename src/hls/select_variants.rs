//! Which Variant a picture is taken from.

use std::cmp::Reverse;

use super::multivariant::{DEFAULT_PATHWAY, MultivariantPlaylist, Variant};
use crate::{
    error::{Error, ErrorKind},
    request::{Fit, Size, VariantChoice},
};

/// The Variants in the order in which they are to be tried, at least one. Those whose CODECS name no video, or none that this build decodes,
/// come last: CODECS may be wrong, and their media shows it.
///
/// Fails with `no_video` if all Variants are of I-frames, with `unsupported` if none can be shown rightly, and with `not_found` if the choice
/// names none of them.
pub fn select_variants<'a>(playlist: &'a MultivariantPlaylist, choice: &VariantChoice, size: &Size) -> Result<Vec<&'a Variant>, Error> {
    let all_named = |variants: &'a [Variant]| variants.iter().filter(|variant| is_named(variant, choice)).collect::<Vec<_>>();
    let mut named = all_named(&playlist.variants);
    if named.is_empty() && matches!(choice, VariantChoice::Name(_)) {
        named = all_named(&playlist.views);
    }
    if named.is_empty()
        && let VariantChoice::Name(name) = choice
    {
        named = playlist.variants.iter().filter(|variant| is_bitrate(variant, name)).collect();
    }
    if named.is_empty() && !playlist.variants.is_empty() {
        return Err(no_such(choice, playlist.variants.iter(), playlist));
    }
    if named.is_empty() {
        return Err(Error::new(ErrorKind::NoVideo, "the Multivariant Playlist has I-frame Variants only").with_url(&playlist.url));
    }
    let (best, doubtful): (Vec<_>, Vec<_>) = named.iter().partition(|variant| variant.has_video() && variant.decodable());
    let (best, doubtful) = (best_first(best, playlist), doubtful_last(&doubtful, playlist));
    if best.is_empty() && doubtful.is_empty() {
        let misleading = named.first().and_then(|variant| undecodable_reason(variant));
        return Err(misleading.unwrap_or_else(|| Error::new(ErrorKind::NoVideo, "no Variant has video")).with_url(&playlist.url));
    }
    let mut chosen = among(&best, choice, size);
    if best.is_empty() || !chosen.is_empty() {
        chosen.extend(among(&doubtful, choice, size));
    }
    if chosen.is_empty() {
        let there = if best.is_empty() { doubtful } else { best };
        return Err(no_such(choice, there.into_iter(), playlist));
    }
    Ok(chosen)
}

/// What CODECS says against a Variant: that it has no video, or none that this build shows.
pub fn undecodable_reason(variant: &Variant) -> Option<Error> {
    if let Some(codec) = variant.undecodable_codec() {
        return Some(Error::new(ErrorKind::Unsupported, format!("this build has no decoder for {codec:?}, which CODECS names")));
    }
    (!variant.has_video()).then(|| Error::new(ErrorKind::NoVideo, "the Variant has no video: CODECS names none, and its media has none"))
}

/// Those of `best`, which are sorted, that fit the choice.
fn among<'a>(best: &[&'a Variant], choice: &VariantChoice, size: &Size) -> Vec<&'a Variant> {
    match choice {
        VariantChoice::Auto => large_enough(best, size),
        VariantChoice::Best | VariantChoice::Index(_) | VariantChoice::Name(_) => best.to_vec(),
        VariantChoice::Worst => worst_first(best.to_vec()),
        VariantChoice::Lines(lines) => with_lines(best, *lines),
        VariantChoice::AtMostLines(most) => filter(best, |variant| lines_of(variant).is_some_and(|lines| lines <= *most)),
        VariantChoice::AtLeastLines(least) => {
            let mut enough = filter(best, |variant| lines_of(variant).is_some_and(|lines| lines >= *least));
            enough.sort_by_key(|variant| (variant.is_hdr(), area(variant), Reverse(variant.bandwidth)));
            enough
        }
        VariantChoice::AtMostBandwidth(most) => filter(best, |variant| variant.bandwidth.is_some_and(|bits| bits <= *most)),
    }
}

/// Those of another codec before those without video. The ones that would come out wrong are left out.
fn doubtful_last<'a>(doubtful: &[&'a Variant], playlist: &MultivariantPlaylist) -> Vec<&'a Variant> {
    let mut sorted = best_first(filter(doubtful, |variant| !variant.is_misleading()), playlist);
    sorted.sort_by_key(|variant| !variant.has_video());
    sorted
}

/// Why the first of [`choose`]'s Variants is the first, for people.
pub fn why(playlist: &MultivariantPlaylist, choice: &VariantChoice, size: &Size) -> String {
    let reason = match choice {
        VariantChoice::Auto if size.width.is_none() && size.height.is_none() => "the best".to_owned(),
        VariantChoice::Auto => "the smallest that is large enough for the size that is asked for, or else the best".to_owned(),
        VariantChoice::Best => "the best, as asked for".to_owned(),
        VariantChoice::Worst => "the worst, as asked for".to_owned(),
        VariantChoice::Index(index) => format!("#{index}, as asked for"),
        VariantChoice::Name(name) => format!("named {name:?}, as asked for"),
        VariantChoice::Lines(lines) => format!("the best with {lines} lines"),
        VariantChoice::AtMostLines(lines) => format!("the best with at most {lines} lines"),
        VariantChoice::AtLeastLines(lines) => format!("the smallest with at least {lines} lines"),
        VariantChoice::AtMostBandwidth(bits) => format!("the best with at most {bits} bit/s"),
    };
    let all = playlist.variants.iter();
    let soundless = all.clone().filter(|variant| !variant.has_video()).count();
    let undecodable = all.clone().filter(|variant| variant.has_video() && !variant.decodable()).count();
    let high = all.filter(|variant| variant.is_hdr()).count();
    let mut words = vec![reason];
    words.extend((soundless > 0).then(|| format!("without video by CODECS: {soundless}")));
    words.extend((undecodable > 0).then(|| format!("without a decoder here by CODECS: {undecodable}")));
    words.extend((high > 0 && high < playlist.variants.len()).then(|| format!("HDR, which comes after SDR: {high}")));
    words.join("; ")
}

/// Whether a choice that names one Variant names this one; the other choices name all.
fn is_named(variant: &Variant, choice: &VariantChoice) -> bool {
    match choice {
        VariantChoice::Index(index) => variant.index == *index,
        VariantChoice::Name(name) => variant.name.as_ref() == Some(name),
        _ => true,
    }
}

/// livestreamer and streamlink name Variants by their bit rate too: `2500k`.
fn is_bitrate(variant: &Variant, name: &str) -> bool {
    let told = name.strip_suffix(['k', 'K']).and_then(|digits| digits.parse::<u64>().ok());
    told.is_some() && told == variant.bandwidth.map(|bits| bits / 1000)
}

fn filter<'a>(variants: &[&'a Variant], fits: impl Fn(&Variant) -> bool) -> Vec<&'a Variant> {
    variants.iter().copied().filter(|variant| fits(variant)).collect()
}

fn area(variant: &Variant) -> u64 {
    variant.resolution.map_or(0, |(width, height)| u64::from(width) * u64::from(height))
}

/// `720p` is the shorter side, so that it fits upright pictures too.
fn lines_of(variant: &Variant) -> Option<u32> {
    variant.resolution.map(|(width, height)| width.min(height))
}

/// SDR comes before what would need tone mapping; then the resolution, because a calm 1080p may take fewer bits than a busy 720p; one
/// that is known before one that is guessed; then SCORE, where all have one; then the bit rate. What is the same by all that comes from
/// the first pathway on, and in the order of the playlist: redundant copies lie side by side.
fn best_first<'a>(mut variants: Vec<&'a Variant>, playlist: &MultivariantPlaylist) -> Vec<&'a Variant> {
    let scored = variants.iter().all(|variant| variant.score.is_some());
    let pathways = pathways(playlist);
    let mut known: Vec<(u64, u64)> = variants
        .iter()
        .filter(|variant| variant.resolution.is_some())
        .map(|variant| (variant.bandwidth.unwrap_or(0), area(variant)))
        .collect();
    known.sort_unstable();
    let mut largest = 0;
    for (_, area) in &mut known {
        largest = largest.max(*area);
        *area = largest;
    }
    // A Variant without a resolution is about as large as the largest that has no more bits
    let guessed = |bandwidth: u64| {
        let below = known.partition_point(|(bits, _)| *bits <= bandwidth);
        below.checked_sub(1).and_then(|last| known.get(last)).map_or(0, |(_, area)| *area)
    };
    variants.sort_by_cached_key(|variant| {
        let bandwidth = variant.bandwidth.unwrap_or(0);
        let is_known = variant.resolution.is_some();
        let area = if is_known { area(variant) } else { guessed(bandwidth) };
        // Of floats that are not negative the order is that of their bits
        let score = variant.score.filter(|_| scored).map_or(0, f64::to_bits);
        let pathway = variant.pathway.as_deref().unwrap_or(DEFAULT_PATHWAY);
        let pathway = pathways.iter().position(|known| *known == pathway);
        (variant.is_hdr(), Reverse(area), !is_known, Reverse(score), Reverse(bandwidth), pathway)
    });
    variants
}

/// The pathways in the order in which they are to be tried: the one that EXT-X-CONTENT-STEERING names, then as they come. The steering
/// manifest would cost a request, and is for players that stay.
fn pathways(playlist: &MultivariantPlaylist) -> Vec<&str> {
    let mut pathways: Vec<&str> = playlist.pathway.as_deref().into_iter().collect();
    for variant in &playlist.variants {
        let pathway = variant.pathway.as_deref().unwrap_or(DEFAULT_PATHWAY);
        if !pathways.contains(&pathway) {
            pathways.push(pathway);
        }
    }
    pathways
}

/// A Variant without a resolution among others comes last: it may well be sound alone.
fn worst_first(mut variants: Vec<&Variant>) -> Vec<&Variant> {
    variants.sort_by_key(|variant| (variant.is_hdr(), variant.resolution.is_none(), area(variant), variant.bandwidth));
    variants
}

/// Where no resolution says so, a name may: Twitch has `720p`.
fn with_lines<'a>(best: &[&'a Variant], lines: u32) -> Vec<&'a Variant> {
    let exact = filter(best, |variant| lines_of(variant) == Some(lines));
    if exact.is_empty() {
        let name = format!("{lines}p");
        return filter(best, |variant| variant.name.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(&name)));
    }
    exact
}

/// The smallest that is at least as large as the picture will be, then the larger ones, then the smaller ones from the best on. Where no
/// size is asked for, or none is known, it is the best.
fn large_enough<'a>(best: &[&'a Variant], size: &Size) -> Vec<&'a Variant> {
    if size.width.is_none() && size.height.is_none() {
        return best.to_vec();
    }
    let enough = |variant: &Variant| {
        let Some((width, height)) = variant.resolution else { return false };
        let (wide, high) = (size.width.map(|asked| width >= asked), size.height.map(|asked| height >= asked));
        match (wide, high, size.fit) {
            // One side of the box bounds the picture, so one that is long enough is enough
            (Some(wide), Some(high), Fit::Contain | Fit::Pad) => wide || high,
            (wide, high, _) => wide.unwrap_or(true) && high.unwrap_or(true),
        }
    };
    let (mut ordered, smaller): (Vec<&Variant>, Vec<&Variant>) = best.iter().partition(|variant| enough(variant));
    ordered.sort_by_key(|variant| (area(variant), variant.bandwidth));
    ordered.extend(smaller);
    ordered.sort_by_key(|variant| variant.is_hdr());
    ordered
}

/// So many Variants are listed in an error.
const LISTED: usize = 12;

fn no_such<'a>(choice: &VariantChoice, there: impl ExactSizeIterator<Item = &'a Variant>, playlist: &MultivariantPlaylist) -> Error {
    let what = match choice {
        VariantChoice::Index(index) => format!("there is no Variant #{index}"),
        VariantChoice::Name(name) => format!("no Variant is named {name:?}"),
        VariantChoice::Lines(lines) => format!("no Variant has {lines} lines"),
        VariantChoice::AtMostLines(lines) => format!("no Variant has {lines} lines or fewer"),
        VariantChoice::AtLeastLines(lines) => format!("no Variant has {lines} lines or more"),
        VariantChoice::AtMostBandwidth(bits) => format!("no Variant has {bits} bit/s or less"),
        VariantChoice::Auto | VariantChoice::Best | VariantChoice::Worst => "there is no Variant".to_owned(),
    };
    let more = if there.len() > LISTED { format!(" and {} more", there.len() - LISTED) } else { String::new() };
    let listed: Vec<_> = there.take(LISTED).map(describe).collect();
    Error::new(ErrorKind::NotFound, what).with_url(&playlist.url).with_hint(format!("there are {}{more}", listed.join(", ")))
}

fn describe(variant: &Variant) -> String {
    let mut words = vec![format!("#{}", variant.index)];
    words.extend(variant.resolution.map(|(width, height)| format!("{width}x{height}")));
    words.extend(variant.bandwidth.map(|bits| format!("{} kbit/s", bits / 1000)));
    words.extend(variant.name.as_ref().map(|name| format!("{name:?}")));
    words.join(" ")
}
