//! Ranks Variants, the best for a picture first.

use std::cmp::Reverse;

use super::{
    multivariant::MultivariantPlaylist,
    variant::{DEFAULT_PATHWAY, Variant},
};

/// Sorts Variants by these criteria:
///
/// 1. SDR before HDR, which needs tone mapping.
/// 2. The larger resolution: a calm 1080p may need fewer bits than a busy 720p. A known one comes before an estimate.
/// 3. SCORE, if all have one, then BANDWIDTH.
/// 4. The pathway, then the order of the playlist, so that redundant copies are neighbors.
pub(super) fn rank<'a>(mut variants: Vec<&'a Variant>, playlist: &MultivariantPlaylist) -> Vec<&'a Variant> {
    let all_have_scores = variants.iter().all(|variant| variant.score.is_some());
    let pathways = pathways(playlist);
    let estimates = PixelEstimates::new(&variants);
    variants.sort_by_cached_key(|variant| {
        let has_resolution = variant.resolution.is_some();
        let bandwidth = variant.bandwidth.unwrap_or(0);
        let pixels = if has_resolution { pixels(variant) } else { estimates.at(bandwidth) };
        // Floats that are not negative sort as their bits do
        let score = variant.score.filter(|_| all_have_scores).map_or(0, f64::to_bits);
        let pathway = pathways.iter().position(|pathway| *pathway == pathway_of(variant));
        (variant.is_hdr(), Reverse(pixels), !has_resolution, Reverse(score), Reverse(bandwidth), pathway)
    });
    variants
}

/// Sorts Variants whose CODECS name no video or no supported codec: those with video first. Leaves out those whose colors would be wrong.
pub(super) fn rank_doubtful<'a>(doubtful: &[&'a Variant], playlist: &MultivariantPlaylist) -> Vec<&'a Variant> {
    let correct = doubtful.iter().copied().filter(|variant| !variant.has_wrong_colors()).collect();
    let mut ranked = rank(correct, playlist);
    ranked.sort_by_key(|variant| !variant.has_video());
    ranked
}

/// Pixels of a frame; 0 without a resolution.
pub(super) fn pixels(variant: &Variant) -> u64 {
    variant.resolution.map_or(0, |(width, height)| u64::from(width) * u64::from(height))
}

/// Estimates the size of Variants without a resolution: that of the largest Variant with no higher bandwidth.
struct PixelEstimates {
    /// Bandwidths in ascending order, each with the largest number of pixels up to it.
    largest_up_to: Vec<(u64, u64)>,
}

impl PixelEstimates {
    fn new(variants: &[&Variant]) -> Self {
        let sized = variants.iter().filter(|variant| variant.resolution.is_some());
        let mut largest_up_to: Vec<(u64, u64)> = sized.map(|variant| (variant.bandwidth.unwrap_or(0), pixels(variant))).collect();
        largest_up_to.sort_unstable();
        let mut largest = 0;
        for (_, pixels) in &mut largest_up_to {
            largest = largest.max(*pixels);
            *pixels = largest;
        }
        Self { largest_up_to }
    }

    fn at(&self, bandwidth: u64) -> u64 {
        let count = self.largest_up_to.partition_point(|(bits, _)| *bits <= bandwidth);
        count.checked_sub(1).and_then(|last| self.largest_up_to.get(last)).map_or(0, |(_, pixels)| *pixels)
    }
}

/// Pathways in the order in which to try them: the one that EXT-X-CONTENT-STEERING starts with, then in playlist order. The steering
/// manifest is not read: it would cost a request, and it is for players that stay.
fn pathways(playlist: &MultivariantPlaylist) -> Vec<&str> {
    let mut pathways: Vec<&str> = playlist.pathway.as_deref().into_iter().collect();
    for variant in &playlist.variants {
        if !pathways.contains(&pathway_of(variant)) {
            pathways.push(pathway_of(variant));
        }
    }
    pathways
}

fn pathway_of(variant: &Variant) -> &str {
    variant.pathway.as_deref().unwrap_or(DEFAULT_PATHWAY)
}
