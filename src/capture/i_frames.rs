//! The shortcut to a key frame: an I-frame Playlist gives its byte range, so the picture costs the init and one range. An image playlist
//! has pictures that are encoded already, in small sizes.

use std::{cmp::Reverse, sync::Arc};

use url::Url;

use super::{
    context::{JobContext, TimeShare},
    facts::Capture,
    failure_scope::FailureScope,
    media_playlist::{SelectedVariant, capture_playlist},
    open,
    playlist_cache::LoadedPlaylist,
};
use crate::{
    error::{Error, ErrorKind},
    hls::{MultivariantPlaylist, Variant},
    request::SnapshotRequest,
};

/// Captures a picture from the I-frame Variant that replaces `selected`. `None` if there is no such Variant or it fails, which a note
/// explains: then capture from `selected` itself.
pub(super) async fn capture_i_frame(
    context: &JobContext,
    multivariant: &MultivariantPlaylist,
    selected: &Variant,
    notes: &mut Vec<String>,
) -> Result<Option<Capture>, Error> {
    let Some(variant) = usable_replacement(context, multivariant, selected) else { return Ok(None) };
    let context = context.with_time_share(TimeShare::SHORTCUT, true);
    let capture = async {
        let Some(loaded) = load_variant(&context, multivariant, variant).await? else { return Ok(None) };
        context.timing.playlists_loaded();
        let selected = SelectedVariant { variant, start: multivariant.start.as_ref() };
        capture_playlist(&context, &loaded.playlist, Some(selected), usize::MAX).await.map(Some)
    };
    skip_failure(&context, variant, capture.await, notes)
}

/// The playlist of the I-frame Variant that replaces `selected`, and its URL in the Multivariant Playlist. `None` if there is no such Variant
/// or it fails, which a note explains.
pub(super) async fn load(
    context: &JobContext,
    multivariant: &MultivariantPlaylist,
    selected: &Variant,
    notes: &mut Vec<String>,
) -> Result<Option<(Url, Arc<LoadedPlaylist>)>, Error> {
    let Some(variant) = usable_replacement(context, multivariant, selected) else { return Ok(None) };
    let context = context.with_time_share(TimeShare::SHORTCUT, true);
    let loaded = skip_failure(&context, variant, load_variant(&context, multivariant, variant).await, notes)?;
    if loaded.is_none() {
        context.playlists.exclude(&variant.url);
    }
    Ok(loaded.map(|loaded| (variant.url.clone(), loaded)))
}

/// The [`replacement`], unless it failed too often.
fn usable_replacement<'a>(context: &JobContext, multivariant: &'a MultivariantPlaylist, selected: &Variant) -> Option<&'a Variant> {
    replacement(&context.request, multivariant, selected).filter(|variant| !context.playlists.is_excluded(&variant.url))
}

/// `None` for a failure that leaves the Variant itself, with a note.
fn skip_failure<T>(
    context: &JobContext,
    variant: &Variant,
    result: Result<Option<T>, Error>,
    notes: &mut Vec<String>,
) -> Result<Option<T>, Error> {
    match result {
        Err(error) if FailureScope::of(&error, &context.job).allows_another_variant() => {
            tracing::info!("skipping I-frame Variant {}: {}", variant.index, error.one_line());
            context.playlists.count_failure(&variant.url);
            notes.push(format!("the I-frame Playlist was skipped: {}: {}", error.kind(), error.message()));
            Ok(None)
        }
        Ok(Some(captured)) => {
            context.playlists.count_success(&variant.url);
            Ok(Some(captured))
        }
        result => result,
    }
}

/// The playlist of an I-frame Variant; `None` if it is live.
async fn load_variant(
    context: &JobContext,
    multivariant: &MultivariantPlaylist,
    variant: &Variant,
) -> Result<Option<Arc<LoadedPlaylist>>, Error> {
    let loaded = open::load_media_playlist(context, &variant.url, &multivariant.variables).await?;
    if !loaded.playlist.i_frames_only {
        return Err(Error::new(ErrorKind::BadPlaylist, "the I-frame Variant's playlist lacks EXT-X-I-FRAMES-ONLY").with_url(&variant.url));
    }
    if loaded.playlist.is_live() {
        // Its window may differ from the Media Playlist's, which positions refer to
        tracing::info!("skipping I-frame Variant {}: it is live", variant.index);
        return Ok(None);
    }
    Ok(Some(loaded))
}

/// The I-frame Variant with the same picture as `selected`: of its size, or just large enough for a small requested size.
pub(super) fn replacement<'a>(
    request: &SnapshotRequest,
    multivariant: &'a MultivariantPlaylist,
    selected: &Variant,
) -> Option<&'a Variant> {
    let starts_precisely = request.at.is_none() && multivariant.start.is_some_and(|start| start.precise);
    if request.is_exact() || starts_precisely {
        return None;
    }
    let (width, height) = selected.resolution?;
    let size = request.size;
    let is_small = size.width.is_some() || size.height.is_some();
    let fits = |variant: &Variant| {
        let Some((w, h)) = variant.resolution else { return false };
        let is_large_enough = is_small && size.width.is_none_or(|min| w >= min) && size.height.is_none_or(|min| h >= min);
        // Sizes are rounded to whole pixels, or blocks
        let has_same_shape = (f64::from(w) * f64::from(height) / (f64::from(h) * f64::from(width)) - 1.0).abs() < 0.02;
        ((w, h) == (width, height) || (is_large_enough && has_same_shape && w <= width))
            && variant.is_decodable()
            && variant.is_hdr() == selected.is_hdr()
    };
    // Images need no video decoder, but exist in small sizes only
    let images = multivariant.image_variants.iter().filter(|_| is_small);
    let all = images.chain(&multivariant.i_frame_variants).filter(|variant| fits(variant));
    all.min_by_key(|variant| (variant.resolution.map(|(w, h)| u64::from(w) * u64::from(h)), Reverse(variant.bandwidth)))
}
