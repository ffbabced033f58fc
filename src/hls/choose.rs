//! Which Variant a picture is taken from.

use std::cmp::Reverse;

use super::multivariant::{MultivariantPlaylist, Variant};
use crate::{
    error::{Error, ErrorKind},
    request::{Fit, Size, VariantChoice},
};

/// The Variants in the order in which they are to be tried, at least one.
///
/// Fails with `no_video` where none has video, with `unsupported` where none can be decoded, and with `not_found` where the choice
/// names none of them.
pub fn choose<'a>(playlist: &'a MultivariantPlaylist, choice: &VariantChoice, size: &Size) -> Result<Vec<&'a Variant>, Error> {
    let mut best = decodable(playlist)?;
    let areas = Areas::of(&best);
    best.sort_by_key(|variant| Reverse(areas.rank(variant)));
    let chosen: Vec<&Variant> = match choice {
        VariantChoice::Auto => match large_enough(&best, size) {
            Some(ordered) => ordered,
            None => best.clone(),
        },
        VariantChoice::Best => best.clone(),
        VariantChoice::Worst => best.iter().rev().copied().collect(),
        VariantChoice::Lines(lines) => filter(&best, |variant| lines_of(variant) == Some(*lines)),
        VariantChoice::AtMostLines(most) => filter(&best, |variant| lines_of(variant).is_some_and(|lines| lines <= *most)),
        VariantChoice::AtLeastLines(least) => {
            let mut enough = filter(&best, |variant| lines_of(variant).is_some_and(|lines| lines >= *least));
            enough.sort_by_key(|variant| (variant.is_hdr(), area(variant), Reverse(variant.bandwidth)));
            enough
        }
        VariantChoice::AtMostBandwidth(most) => filter(&best, |variant| variant.bandwidth.is_some_and(|bits| bits <= *most)),
        VariantChoice::Index(index) => filter(&best, |variant| variant.index == *index),
        VariantChoice::Name(name) => filter(&best, |variant| variant.name.as_deref() == Some(name)),
    };
    if chosen.is_empty() {
        let there: Vec<_> = best.iter().map(|variant| describe(variant)).collect();
        return Err(Error::new(ErrorKind::NotFound, "no Variant fits --variant")
            .at(&playlist.url)
            .hint(format!("there are {}", there.join(", "))));
    }
    Ok(chosen)
}

fn decodable(playlist: &MultivariantPlaylist) -> Result<Vec<&Variant>, Error> {
    let with_video: Vec<&Variant> = playlist.variants.iter().filter(|variant| variant.has_video()).collect();
    if with_video.is_empty() {
        let what = if playlist.variants.is_empty() { "only I-frame Variants" } else { "only audio" };
        return Err(Error::new(ErrorKind::NoVideo, format!("the Multivariant Playlist has {what}: no Variant has video")).at(&playlist.url));
    }
    let decodable: Vec<&Variant> = with_video.iter().copied().filter(|variant| variant.decodable()).collect();
    if decodable.is_empty() {
        let codec = with_video.iter().find_map(|variant| variant.undecodable_codec()).unwrap_or("unknown");
        return Err(Error::new(ErrorKind::Unsupported, format!("this build cannot decode the codec {codec}, and no Variant has another"))
            .at(&playlist.url));
    }
    Ok(decodable)
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

/// Areas of Variants that tell none are guessed by those of their bit rate.
struct Areas(Vec<(u64, u64)>);

impl Areas {
    fn of(variants: &[&Variant]) -> Self {
        Self(
            variants
                .iter()
                .filter(|variant| variant.resolution.is_some())
                .map(|variant| (variant.bandwidth.unwrap_or(0), area(variant)))
                .collect(),
        )
    }

    /// Higher is better: SDR before what would need tone mapping, then the resolution, one that is known before one that is guessed, then the
    /// bit rate. Resolution comes first because a calm 1080p may take fewer bits than a busy 720p.
    fn rank(&self, variant: &Variant) -> (bool, u64, bool, u64) {
        let bandwidth = variant.bandwidth.unwrap_or(0);
        let known = variant.resolution.is_some();
        let guessed = || self.0.iter().filter(|(bits, _)| *bits <= bandwidth).map(|(_, area)| *area).max().unwrap_or(0);
        (!variant.is_hdr(), if known { area(variant) } else { guessed() }, known, bandwidth)
    }
}

/// The smallest that is at least as large as the picture will be, then the larger ones, then the smaller ones; `None` where no size is
/// asked for or none is known.
fn large_enough<'a>(best: &[&'a Variant], size: &Size) -> Option<Vec<&'a Variant>> {
    if size.width.is_none() && size.height.is_none() || best.iter().all(|variant| variant.resolution.is_none()) {
        return None;
    }
    let enough = |variant: &Variant| {
        let Some((width, height)) = variant.resolution else {
            return false;
        };
        let (wide, high) = (size.width.map(|asked| width >= asked), size.height.map(|asked| height >= asked));
        match (wide, high, size.fit) {
            // One side of the box bounds the picture, so one that is long enough is enough
            (Some(wide), Some(high), Fit::Contain | Fit::Pad) => wide || high,
            (wide, high, _) => wide.unwrap_or(true) && high.unwrap_or(true),
        }
    };
    let (mut ordered, smaller): (Vec<&Variant>, Vec<&Variant>) = best.iter().partition(|variant| enough(variant));
    ordered.sort_by_key(|variant| (variant.is_hdr(), area(variant), variant.bandwidth));
    ordered.extend(smaller);
    Some(ordered)
}

fn describe(variant: &Variant) -> String {
    let mut words = vec![format!("#{}", variant.index)];
    words.extend(variant.resolution.map(|(width, height)| format!("{width}x{height}")));
    words.extend(variant.bandwidth.map(|bits| format!("{} kbit/s", bits / 1000)));
    words.extend(variant.name.as_ref().map(|name| format!("{name:?}")));
    words.join(" ")
}
