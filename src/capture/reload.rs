//! When and how a live playlist is reloaded (sections 6.3.4 and 6.2.5.2).

use std::time::{Duration, Instant};

use url::Url;

use super::playlist_cache::LoadedPlaylist;
use crate::hls::MediaPlaylist;

/// Target duration of a playlist that has none, in seconds.
const DEFAULT_TARGET_DURATION: f64 = 6.0;
/// Shortest interval between reloads, in seconds.
const MIN_INTERVAL: f64 = 0.1;
/// Longest interval after failures, in seconds, unless the target duration is longer.
const MAX_BACKOFF: f64 = 30.0;

/// The time of the next reload.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReloadPace {
    requested_at: Instant,
    target: f64,
    wait: f64,
}

impl ReloadPace {
    /// After a change: the target duration. With blocking reloads at once, since the origin holds the response back.
    pub fn after(loaded: &LoadedPlaylist) -> Self {
        let target = target_duration(&loaded.playlist);
        let wait = if loaded.playlist.control.can_block_reload { 0.0 } else { target };
        Self { requested_at: loaded.requested_at, target, wait }
    }

    /// When the next request may be sent.
    pub fn due(&self) -> Instant {
        self.requested_at + Duration::from_secs_f64(self.wait.clamp(0.0, 3600.0))
    }

    /// A reload that changed nothing was requested: the next one follows after half of the target duration.
    pub fn unchanged(&mut self, requested_at: Instant) {
        self.requested_at = requested_at;
        self.wait = (self.target / 2.0).max(MIN_INTERVAL);
    }

    /// The last `failures` reloads failed: the wait doubles each time.
    pub fn failed(&mut self, requested_at: Instant, failures: u32) {
        self.unchanged(requested_at);
        let factor = f64::from(1_u32 << failures.saturating_sub(1).min(10));
        self.wait = (self.wait * factor).min(MAX_BACKOFF.max(self.target));
    }
}

/// The target duration, or the default, in seconds.
pub(super) fn target_duration(playlist: &MediaPlaylist) -> f64 {
    playlist.target_duration.unwrap_or(DEFAULT_TARGET_DURATION)
}

/// Whether a reload brought other segments. A playlist without media does not replace the old one.
pub(super) fn has_changed(old: &MediaPlaylist, new: &MediaPlaylist) -> bool {
    if new.segments.iter().all(|segment| segment.gap) {
        return false;
    }
    new.ended || (old.media_sequence, old.next()) != (new.media_sequence, new.next())
}

/// What a blocking reload waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockUntil {
    /// The next segment, or the next part if there are parts.
    NextPart,
    /// The next complete segment.
    NextSegment,
}

/// The playlist's URL, with the delivery directives that request what is next, if the origin supports them.
pub(super) fn reload_url(playlist: &MediaPlaylist, until: BlockUntil) -> Url {
    let mut url = without_directives(&playlist.url);
    if playlist.control.can_block_reload {
        let (segment, part) = playlist.next();
        let mut query = url.query_pairs_mut();
        query.append_pair("_HLS_msn", &segment.to_string());
        if playlist.part_target.is_some() && until == BlockUntil::NextPart {
            query.append_pair("_HLS_part", &part.to_string());
        }
    }
    url
}

/// The URL that the directives of the last reload were appended to.
pub(super) fn without_directives(url: &Url) -> Url {
    let mut plain = url.clone();
    if let Some(query) = url.query().filter(|query| query.contains("_HLS_")) {
        let others: Vec<_> = query.split('&').filter(|pair| !pair.starts_with("_HLS_")).collect();
        plain.set_query(Some(others.join("&").as_str()).filter(|query| !query.is_empty()));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_replaced_and_other_parameters_stay() {
        for (given, plain) in [("?a=b&_HLS_msn=3&_HLS_part=1", "?a=b"), ("?_HLS_msn=3", ""), ("?a=%20", "?a=%20"), ("", "")] {
            let url = |query: &str| Url::parse(&format!("http://origin/live.m3u8{query}")).expect("a URL");
            assert_eq!(without_directives(&url(given)), url(plain));
        }
    }

    #[test]
    fn failures_double_the_wait_up_to_a_limit() {
        let now = Instant::now();
        let mut pace = ReloadPace { requested_at: now, target: 4.0, wait: 4.0 };
        pace.unchanged(now);
        let mut waits = vec![pace.wait];
        for failures in [1, 2, 3, 4, 5, 99] {
            pace.failed(now, failures);
            waits.push(pace.wait);
        }
        assert_eq!(waits, [2.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
    }
}
