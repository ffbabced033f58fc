//! The short way to a key frame: an I-frame Playlist names its bytes, so that the picture costs the init and one range. An image
//! playlist has pictures that are made already, in small sizes.

use std::cmp::Reverse;

use super::{
    JobContext,
    candidates::{self, FailureScope, TimeShare},
    facts::{Capture, JobClock},
    media_playlist::{self, SelectedVariant},
    open,
};
use crate::{
    error::{Error, ErrorKind},
    hls::{MultivariantPlaylist, Variant},
    request::SnapshotRequest,
};

/// A picture by way of the I-frame Variant that stands for `chosen`. `None` where there is none, or where it does not lead to a
/// picture: then the Variant itself does, and a note says why.
pub(super) async fn take(
    work: &JobContext<'_>,
    multivariant: &MultivariantPlaylist,
    chosen: &Variant,
    notes: &mut Vec<String>,
    clock: &mut JobClock,
) -> Result<Option<Capture>, Error> {
    let Some(variant) = stands_for(work.request, multivariant, chosen) else { return Ok(None) };
    let share = TimeShare::of(work, candidates::OPTIONAL, true);
    match from_variant(&share.work(work), multivariant, variant, clock).await {
        Ok(taken) => Ok(taken),
        Err(error) if FailureScope::of(&error, work.job).gives_way_to_variant() => {
            tracing::info!("I-frame Variant {} is passed over: {}", variant.index, error.one_line());
            notes.push(format!("the I-frame Playlist was passed over: {}: {}", error.kind(), error.message()));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn from_variant(
    work: &JobContext<'_>,
    multivariant: &MultivariantPlaylist,
    variant: &Variant,
    clock: &mut JobClock,
) -> Result<Option<Capture>, Error> {
    let loaded = open::media(work, &variant.url, &multivariant.variables).await?;
    if !loaded.playlist.i_frames_only {
        return Err(Error::new(ErrorKind::BadPlaylist, "the I-frame Variant's playlist is not of I-frames only").with_url(&variant.url));
    }
    if loaded.playlist.is_live() {
        // Its window may begin and end elsewhere than the Media Playlist's, which moments count on
        tracing::info!("I-frame Variant {} is live: the Media Playlist is read instead", variant.index);
        return Ok(None);
    }
    clock.playlists_read();
    media_playlist::take(work, &loaded.playlist, Some(SelectedVariant { variant, start: multivariant.start.as_ref() }), usize::MAX, clock)
        .await
        .map(Some)
}

/// The I-frame Variant that shows the same as the chosen one: of its size, or where a small picture is asked for, just large enough.
pub(super) fn stands_for<'a>(request: &SnapshotRequest, multivariant: &'a MultivariantPlaylist, chosen: &Variant) -> Option<&'a Variant> {
    let starts_precisely = request.at.is_none() && multivariant.start.is_some_and(|start| start.precise);
    if request.is_exact() || starts_precisely {
        return None;
    }
    let (width, height) = chosen.resolution?;
    let size = request.size;
    let is_small = size.width.is_some() || size.height.is_some();
    let fits = |variant: &Variant| {
        let Some((w, h)) = variant.resolution else { return false };
        let large_enough = is_small && size.width.is_none_or(|asked| w >= asked) && size.height.is_none_or(|asked| h >= asked);
        // Sizes are rounded to whole pixels, or blocks
        let same_shape = (f64::from(w) * f64::from(height) / (f64::from(h) * f64::from(width)) - 1.0).abs() < 0.02;
        ((w, h) == (width, height) || (large_enough && same_shape && w <= width))
            && variant.is_decodable()
            && variant.is_hdr() == chosen.is_hdr()
    };
    // Whole pictures need no decoder for video, but are made for small sizes
    let images = multivariant.image_variants.iter().filter(|_| is_small);
    let all = images.chain(&multivariant.i_frame_variants).filter(|variant| fits(variant));
    all.min_by_key(|variant| (variant.resolution.map(|(w, h)| u64::from(w) * u64::from(h)), Reverse(variant.bandwidth)))
}
