//! A Media Playlist that may still change: where its segments are gone, it is loaded again.

use std::time::{Duration, Instant};

use url::Url;

use super::{
    JobContext,
    candidates::{self, TimeShare},
    facts::{Capture, JobClock},
    media_playlist::{self, SelectedVariant},
    open,
};
use crate::{
    error::{Error, ErrorKind},
    hls::{MediaPlaylist, Variables},
};

/// A Media Playlist, and when it was asked for.
pub(super) struct LoadedPlaylist {
    pub playlist: MediaPlaylist,
    pub asked: Instant,
}

/// A live playlist without a target duration is taken for one of so many seconds.
const USUAL_TARGET: f64 = 6.0;
/// Where so many segments and Parts at the live edge are gone, it is the playlist that is old.
const GONE_BEFORE_RELOAD: usize = 3;
/// However short a target duration a playlist has, in seconds.
const SHORTEST_WAIT: f64 = 0.1;

/// A picture out of a Media Playlist. `variables` are those of its Multivariant Playlist.
pub(super) async fn take(
    work: &JobContext<'_>,
    mut loaded: LoadedPlaylist,
    chosen: Option<SelectedVariant<'_>>,
    variables: &Variables,
    clock: &mut JobClock,
) -> Result<Capture, Error> {
    let mut most_gone = GONE_BEFORE_RELOAD;
    let mut note = None;
    loop {
        let error = match media_playlist::take(work, &loaded.playlist, chosen, most_gone, clock).await {
            Err(error) if loaded.playlist.is_live() && error.is_gone() && work.may_reload(&loaded.playlist.url) => error,
            Ok(mut taken) => {
                taken.notes.extend(note);
                return Ok(taken);
            }
            failed => return failed,
        };
        tracing::info!("the playlist is loaded again: {}", error.one_line());
        // An origin may list what it does not have yet: then the rest of the playlist is tried too
        most_gone = usize::MAX;
        let share = TimeShare::of(work, candidates::RELOAD, true);
        loaded = match again(&share.work(work), &loaded, variables, &error).await {
            Ok(loaded) => {
                note =
                    Some(format!("the playlist was loaded again, as its segments were passed over: {}: {}", error.kind(), error.message()));
                loaded
            }
            // An explicit time is in one segment, whose failure says more
            Err(_) if work.request.at.is_some_and(|at| at.is_time()) => return Err(error),
            // The playlist does not move on: what else it lists is the newest there is
            Err(stalled) => return media_playlist::take(work, &loaded.playlist, chosen, usize::MAX, clock).await.map_err(|_| stalled),
        };
    }
}

/// Loads the playlist until it has moved on. Fails with `timeout` where it does not in time.
async fn again(work: &JobContext<'_>, old: &LoadedPlaylist, variables: &Variables, why: &Error) -> Result<LoadedPlaylist, Error> {
    let mut asked = old.asked;
    let target = old.playlist.target_duration.unwrap_or(USUAL_TARGET);
    // A playlist that has not changed is asked for after half the target duration (section 6.3.4); an origin that holds the answer back
    // until there is something new need not be waited for, but once
    let mut wait = if old.playlist.control.can_block_reload { 0.0 } else { target };
    let url = reload_url(&old.playlist);
    for _ in 0..work.request.limits.max_reloads {
        let due = asked + Duration::from_secs_f64(wait.clamp(0.0, 3600.0));
        if due >= work.job.deadline() {
            return Err(stalled(why).with_url(&old.playlist.url));
        }
        tokio::time::sleep_until(due.into()).await;
        asked = Instant::now();
        match open::reload(work, &url, variables).await {
            Ok(playlist) if has_moved(&old.playlist, &playlist) => return Ok(LoadedPlaylist { playlist, asked }),
            Ok(_) => {}
            Err(error) if error.is_gone() => tracing::info!("the playlist is gone for now: {}", error.one_line()),
            Err(error) if error.kind() == ErrorKind::Timeout => return Err(stalled(why).with_url(&old.playlist.url)),
            Err(error) => return Err(error),
        }
        wait = (target / 2.0).max(SHORTEST_WAIT);
    }
    Err(stalled(why).with_url(&old.playlist.url))
}

/// Whether a reload has brought other segments. One without media helps nobody.
fn has_moved(old: &MediaPlaylist, new: &MediaPlaylist) -> bool {
    if new.segments.iter().all(|segment| segment.gap) {
        return false;
    }
    new.ended || (old.media_sequence, old.next()) != (new.media_sequence, new.next())
}

fn stalled(why: &Error) -> Error {
    let what = format!("the live playlist does not move on, and its segments are gone: {}", why.message());
    Error::new(ErrorKind::Timeout, what).with_hint("the stream may have ended; raise --timeout if it may go on")
}

/// Where the origin can hold the answer back until the next segment or part is there, it is asked to (section 6.2.5.2).
fn reload_url(playlist: &MediaPlaylist) -> Url {
    let mut url = playlist.url.clone();
    if playlist.control.can_block_reload {
        let (segment, part) = playlist.next();
        let mut query = url.query_pairs_mut();
        query.append_pair("_HLS_msn", &segment.to_string());
        if playlist.part_target.is_some() {
            query.append_pair("_HLS_part", &part.to_string());
        }
    }
    url
}
