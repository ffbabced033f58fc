//! Captures a picture from a Media Playlist that may change: reloads it once its segments are gone.

use std::{sync::Arc, time::Instant};

use super::{
    context::{JobContext, TimeShare},
    facts::Capture,
    freshness::Freshness,
    media_playlist::{SelectedVariant, capture_playlist},
    open,
    playlist_cache::LoadedPlaylist,
    reload::{BlockUntil, ReloadPace, has_changed, reload_url},
};
use crate::{
    error::{Error, ErrorKind},
    hls::Variables,
};

/// After this many segments at the live edge that are gone, the playlist is outdated.
const GONE_BEFORE_RELOAD: usize = 3;
/// Captures a picture from a Media Playlist. `variables` are those of its Multivariant Playlist.
pub(super) async fn capture_with_reloads(
    context: &JobContext,
    mut loaded: Arc<LoadedPlaylist>,
    selected: Option<SelectedVariant<'_>>,
    variables: &Variables,
) -> Result<Capture, Error> {
    let mut max_gone = GONE_BEFORE_RELOAD;
    let mut note = None;
    loop {
        let error = match capture_playlist(context, &loaded.playlist, selected, max_gone).await {
            Err(error) if loaded.playlist.is_live() && error.is_gone() && context.may_reload(&loaded.playlist.url) => error,
            Ok(mut capture) => {
                capture.freshness = Freshness::of(&loaded);
                capture.notes.extend(note);
                return Ok(capture);
            }
            failed => return failed,
        };
        tracing::info!("reloading the playlist: {}", error.one_line());
        // An origin may list segments that it does not have yet: then the other segments are tried too
        max_gone = usize::MAX;
        loaded = match reload(&context.with_time_share(TimeShare::RELOAD, true), &loaded, variables, &error).await {
            Ok(reloaded) => {
                let reloaded = Arc::new(reloaded);
                context.playlists.replace(&loaded.playlist.url, Arc::clone(&reloaded));
                note = Some(format!("the playlist was reloaded because its segments were gone: {}: {}", error.kind(), error.message()));
                reloaded
            }
            // An explicit time has only one segment, whose failure says more
            Err(_) if context.request.at.is_some_and(|at| at.is_time()) => return Err(error),
            // The playlist does not change: its other segments are the newest ones
            Err(stalled) => return capture_playlist(context, &loaded.playlist, selected, usize::MAX).await.map_err(|_| stalled),
        };
    }
}

/// Reloads the playlist until it has changed. Fails with `timeout` if it does not in time.
async fn reload(context: &JobContext, old: &LoadedPlaylist, variables: &Variables, cause: &Error) -> Result<LoadedPlaylist, Error> {
    let mut pace = ReloadPace::after(old);
    let url = reload_url(&old.playlist, BlockUntil::NextPart);
    for _ in 0..context.request.limits.max_reloads {
        let due = pace.due();
        if due >= context.job.deadline() {
            return Err(stalled(cause).with_url(&old.playlist.url));
        }
        tokio::time::sleep_until(due.into()).await;
        let requested_at = Instant::now();
        match open::reload_media_playlist(context, &url, variables).await {
            Ok(playlist) if has_changed(&old.playlist, &playlist) => return Ok(LoadedPlaylist { playlist, requested_at }),
            Ok(_) => {}
            Err(error) if error.is_gone() => tracing::info!("the playlist is temporarily gone: {}", error.one_line()),
            Err(error) if error.kind() == ErrorKind::Timeout => return Err(stalled(cause).with_url(&old.playlist.url)),
            Err(error) => return Err(error),
        }
        pace.unchanged(requested_at);
    }
    Err(stalled(cause).with_url(&old.playlist.url))
}

fn stalled(cause: &Error) -> Error {
    let what = format!("the live playlist does not change, and its segments are gone: {}", cause.message());
    Error::new(ErrorKind::Timeout, what).with_hint("the stream may have ended; raise --timeout if it may go on")
}
