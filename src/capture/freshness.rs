//! Computes until when a picture of a live stream is the newest one: until the next segment is due.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::{playlist_cache::LoadedPlaylist, reload::target_duration};
use crate::{hls::MediaPlaylist, time::seconds_between};

/// Shortest and longest interval between segments, in seconds: playlists may say anything.
const INTERVALS: (f64, f64) = (0.1, 60.0);

/// The time until which a live playlist is expected not to change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Freshness {
    /// When the playlist was requested.
    pub since: Instant,
    /// When the next segment is due, or the next Part of a Low-Latency stream.
    pub due: Instant,
    /// The time from one segment to the next, or from one Part to the next.
    pub interval: Duration,
    /// Media Sequence Number and part index of the next Partial Segment: equal if the playlist has not changed.
    pub next: (u64, u64),
}

impl Freshness {
    /// The freshness of a playlist that was just read; `None` for a recording.
    pub(super) fn of(loaded: &LoadedPlaylist) -> Option<Self> {
        Self::at(&loaded.playlist, loaded.requested_at, Instant::now(), Utc::now())
    }

    /// `now` and `date` are the same moment. The next segment follows one interval after the playlist was requested at the latest, and earlier
    /// if the newest segment's Program Date Time says so.
    fn at(playlist: &MediaPlaylist, requested_at: Instant, now: Instant, date: DateTime<Utc>) -> Option<Self> {
        if !playlist.is_live() {
            return None;
        }
        let target = target_duration(playlist);
        let newest = playlist.segments.iter().rfind(|segment| segment.complete && !segment.gap);
        let seconds = match (playlist.part_target, newest) {
            (Some(part), _) => part.min(target),
            (None, Some(segment)) => segment.duration.min(target),
            (None, None) => target,
        };
        let interval = Duration::from_secs_f64(seconds.clamp(INTERVALS.0, INTERVALS.1));
        let latest = requested_at + interval;
        let due = newest.filter(|_| playlist.part_target.is_none()).and_then(|segment| {
            // Seconds from the segment's end to the request of the playlist
            let passed = seconds_between(segment.program_date_time?, date) - segment.duration - (now - requested_at).as_secs_f64();
            // Ignore the date if the clock is slow or the encoder late
            (0.0..seconds).contains(&passed).then(|| requested_at + interval.saturating_sub(Duration::from_secs_f64(passed)))
        });
        let due = due.unwrap_or(latest);
        Some(Self { since: requested_at, due, interval, next: playlist.next() })
    }

    /// The same for a playlist that is unchanged since `first_seen`. If a segment is overdue, the playlist is due again after half an
    /// interval (section 6.3.4).
    #[must_use]
    pub fn unchanged_since(self, first_seen: Instant) -> Self {
        let expected = first_seen + self.interval;
        let due = if expected > self.since { self.due.min(expected) } else { self.since + self.interval / 2 };
        Self { due, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        hls::{self, Playlist, Variables},
        request::Limits,
    };

    /// Seconds from the request of a playlist until its next segment is due, if it is read `read` seconds later, `age` seconds after the date.
    fn due(tags: &str, read: f64, age: f64) -> Option<f64> {
        let date = DateTime::parse_from_rfc3339("2026-01-31T12:00:00Z").expect("a date").to_utc();
        let text = format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:6\n{tags}\n#EXTINF:6,\na.ts\n#EXT-X-PROGRAM-DATE-TIME:2026-01-31T12:00:00Z\n#EXTINF:4,\nb.ts\n"
        );
        let base = url::Url::parse("http://origin/live.m3u8").expect("a URL");
        let Ok(Playlist::Media(playlist)) = hls::parse(text.as_bytes(), &base, &Variables::default(), &Limits::default()) else {
            panic!("not a Media Playlist");
        };
        let (requested_at, seconds) = (Instant::now(), Duration::from_secs_f64);
        let freshness = Freshness::at(&playlist, requested_at, requested_at + seconds(read), date + seconds(age))?;
        assert!(tags.contains("PART") || freshness.interval == seconds(4.0));
        Some(((freshness.due - requested_at).as_secs_f64() * 1000.0).round() / 1000.0)
    }

    #[test]
    fn the_next_segment_is_due_one_segment_after_the_newest_one() {
        assert_eq!(due("", 0.5, 5.5), Some(3.0), "requested 1 s after its end");
        assert_eq!(due("", 0.5, 4.0), Some(4.0), "never longer than a segment after the request");
        assert_eq!(due("", 0.5, 3.0), Some(4.0), "a clock that is behind");
        assert_eq!(due("", 3.0, 8.0), Some(3.0), "however late the playlist is read");
        assert_eq!(due("", 0.5, 9.0), Some(4.0), "an encoder that is late");
        assert_eq!(due("#EXT-X-PART-INF:PART-TARGET=0.5", 0.1, 4.1), Some(0.5));
        assert_eq!(due("#EXT-X-PLAYLIST-TYPE:VOD", 0.5, 5.5), None, "a recording");
    }

    #[test]
    fn an_overdue_segment_is_due_again_after_half_an_interval() {
        let now = Instant::now();
        let seconds = Duration::from_secs;
        let freshness = Freshness { since: now + seconds(10), due: now + seconds(14), interval: seconds(4), next: (7, 0) };
        assert_eq!(freshness.unchanged_since(now + seconds(8)).due, now + seconds(12));
        assert_eq!(freshness.unchanged_since(now + seconds(2)).due, now + seconds(12));
        assert_eq!(freshness.unchanged_since(now + seconds(10)).due, now + seconds(14));
    }
}
