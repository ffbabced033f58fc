//! One continuous timeline of a live stream. Each playlist counts from its own first segment, and encoders that restart count their segments
//! from zero again.

use chrono::{DateTime, Utc};

use crate::{
    hls::{MediaPlaylist, Segment},
    time::{TIME_TOLERANCE, round_to_microsecond},
};

/// The timeline of a live stream, in seconds from the start of the first playlist.
#[derive(Debug, Clone)]
pub(crate) struct LiveTimeline {
    /// The segments of the newest playlist.
    window: Vec<KnownSegment>,
    /// Where the newest playlist starts.
    offset: f64,
    /// The end of the newest playlist's complete segments.
    available_until: f64,
}

#[derive(Debug, Clone)]
struct KnownSegment {
    number: u64,
    start: f64,
    end: f64,
    date: Option<DateTime<Utc>>,
    path: String,
}

/// What a newer playlist is to the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlaylistChange {
    /// An older copy, as a cache may give: the timeline stays.
    Outdated,
    /// Its window overlaps the one before.
    Continued,
    /// The window has moved on without an overlap: segments were missed.
    Jumped,
    /// Media Sequence Numbers have started over.
    Restarted,
}

/// Dates of one segment in two playlists differ by less than this, in seconds: some origins extrapolate them.
const SAME_DATE: f64 = 2.0;
/// Program Date Times that jump further ahead, in seconds, come from a clock that was set.
const MAX_DATE_JUMP: f64 = 7.0 * 86_400.0;

impl LiveTimeline {
    /// The timeline that begins with a playlist.
    pub fn new(playlist: &MediaPlaylist) -> Self {
        let mut timeline = Self { window: Vec::new(), offset: 0.0, available_until: 0.0 };
        timeline.place(playlist, 0.0);
        timeline
    }

    /// A timeline whose newest playlist has segments from `start` to `end`.
    #[cfg(test)]
    pub fn with_window(start: f64, end: f64) -> Self {
        Self { window: Vec::new(), offset: start, available_until: end }
    }

    /// Adds a reloaded playlist. It is placed by Media Sequence Number if the windows overlap; else by Program Date Time, if both have one
    /// and it moves forward; else after the end of what was seen.
    pub fn update(&mut self, playlist: &MediaPlaylist) -> PlaylistChange {
        let (Some(newest), Some(known)) = (playlist.segments.last(), self.window.last()) else {
            self.place(playlist, self.end());
            return PlaylistChange::Jumped;
        };
        let goes_back = newest.media_sequence_number < known.number;
        let common = self.common_segment(playlist);
        if let Some((known, segment)) = common
            && known.is_same(segment, goes_back)
        {
            if goes_back {
                return PlaylistChange::Outdated;
            }
            self.place(playlist, known.start - segment.start);
            return PlaylistChange::Continued;
        }
        let change = if goes_back || common.is_some() { PlaylistChange::Restarted } else { PlaylistChange::Jumped };
        self.place(playlist, self.offset_by_date(playlist).unwrap_or(self.end()));
        change
    }

    /// Where the newest playlist starts.
    pub fn window_start(&self) -> f64 {
        self.offset
    }

    /// Whether the segment that holds a moment is complete.
    pub fn is_available(&self, moment: f64) -> bool {
        moment + TIME_TOLERANCE < self.available_until
    }

    /// Whether a moment is at most `seconds` before the end of the complete segments.
    pub fn is_near_edge(&self, moment: f64, seconds: f64) -> bool {
        self.available_until - moment <= seconds
    }

    /// The moment on the timeline, of seconds of the newest playlist.
    pub fn moment_of(&self, seconds: f64) -> f64 {
        seconds + self.offset
    }

    /// A moment in seconds of the newest playlist.
    pub fn playlist_seconds(&self, moment: f64) -> f64 {
        moment - self.offset
    }

    fn end(&self) -> f64 {
        self.window.last().map_or(self.offset, |known| known.end)
    }

    /// The first segment that both playlists number alike.
    fn common_segment<'a>(&self, playlist: &'a MediaPlaylist) -> Option<(&KnownSegment, &'a Segment)> {
        let first = self.window.first()?.number;
        let segment = playlist.segments.iter().find(|segment| segment.media_sequence_number >= first)?;
        let known = self.window.iter().find(|known| known.number == segment.media_sequence_number)?;
        Some((known, segment))
    }

    /// Where a playlist starts by its dates, if it then brings something new.
    fn offset_by_date(&self, playlist: &MediaPlaylist) -> Option<f64> {
        let (known, known_date) = self.window.iter().rev().find_map(|known| Some((known, known.date?)))?;
        let (segment, date) = playlist.segments.iter().find_map(|segment| Some((segment, segment.program_date_time?)))?;
        let offset = known.start + (date - known_date).as_seconds_f64() - segment.start;
        let is_new = offset + playlist.duration() > self.end() + TIME_TOLERANCE;
        (is_new && offset < self.end() + MAX_DATE_JUMP).then_some(offset)
    }

    /// Makes a playlist the newest one.
    fn place(&mut self, playlist: &MediaPlaylist, offset: f64) {
        // Sums of decimal durations must not drift
        self.offset = round_to_microsecond(offset);
        self.available_until = self.offset + playlist.complete_segments().last().map_or(0.0, Segment::end);
        let known = |segment: &Segment| KnownSegment {
            number: segment.media_sequence_number,
            start: self.offset + segment.start,
            end: self.offset + segment.end(),
            date: segment.program_date_time,
            path: segment.url.path().to_owned(),
        };
        self.window = playlist.segments.iter().map(known).collect();
    }
}

impl KnownSegment {
    /// Whether a segment of the same number is the same one. Paths may hold tokens, so they count only if the numbers go back.
    fn is_same(&self, segment: &Segment, goes_back: bool) -> bool {
        match (self.date, segment.program_date_time) {
            (Some(one), Some(other)) => (other - one).as_seconds_f64().abs() < SAME_DATE,
            _ => !goes_back || self.path == segment.url.path(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use url::Url;

    use super::*;
    use crate::{
        hls::{self, Playlist, Variables},
        request::Limits,
    };

    /// A playlist of segments of two seconds. `second` is that of its Program Date Time.
    fn playlist(name: &str, numbers: std::ops::Range<u64>, second: Option<u64>, tail: &str) -> MediaPlaylist {
        let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{}\n", numbers.start);
        if let Some(second) = second {
            writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:2026-01-31T12:{:02}:{:02}Z", second / 60, second % 60).expect("formatted");
        }
        for number in numbers {
            write!(text, "#EXTINF:2,\n{name}{number}.ts\n").expect("formatted");
        }
        let base = Url::parse("http://origin/live.m3u8").expect("a URL");
        match hls::parse(format!("{text}{tail}").as_bytes(), &base, &Variables::default(), &Limits::default()) {
            Ok(Playlist::Media(playlist)) => playlist,
            _ => panic!("not a Media Playlist: {text}"),
        }
    }

    fn undated(numbers: std::ops::Range<u64>) -> MediaPlaylist {
        playlist("a", numbers, None, "")
    }

    /// How the second playlist continues the first one, where its window starts, and where it ends.
    fn change(first: &MediaPlaylist, second: &MediaPlaylist) -> (PlaylistChange, f64, f64) {
        let mut timeline = LiveTimeline::new(first);
        let change = timeline.update(second);
        (change, timeline.window_start(), timeline.available_until)
    }

    #[test]
    fn a_window_that_slides_is_placed_by_its_numbers() {
        assert_eq!(change(&undated(5..8), &undated(6..9)), (PlaylistChange::Continued, 2.0, 8.0));
        assert_eq!(change(&undated(5..8), &undated(7..12)), (PlaylistChange::Continued, 4.0, 14.0));
        // A window of another length, which begins earlier
        assert_eq!(change(&undated(5..8), &undated(2..9)), (PlaylistChange::Continued, -6.0, 8.0));
    }

    #[test]
    fn an_unchanged_playlist_changes_nothing() {
        assert_eq!(change(&undated(5..8), &undated(5..8)), (PlaylistChange::Continued, 0.0, 6.0));
    }

    #[test]
    fn an_older_copy_leaves_the_timeline_as_it_is() {
        assert_eq!(change(&undated(5..8), &undated(4..7)), (PlaylistChange::Outdated, 0.0, 6.0));
    }

    #[test]
    fn missed_segments_leave_a_hole_if_the_playlists_have_dates() {
        let dated = |numbers, second| playlist("a", numbers, Some(second), "");
        assert_eq!(change(&dated(5..8, 0), &dated(10..13, 10)), (PlaylistChange::Jumped, 10.0, 16.0));
        assert_eq!(change(&undated(5..8), &undated(10..13)), (PlaylistChange::Jumped, 6.0, 12.0));
    }

    #[test]
    fn a_restarted_encoder_goes_on_at_the_end_without_dates() {
        assert_eq!(change(&undated(5..8), &playlist("b", 0..1, None, "")), (PlaylistChange::Restarted, 6.0, 8.0));
        // The numbers overlap, the names differ
        assert_eq!(change(&undated(1..4), &playlist("b", 0..2, None, "")), (PlaylistChange::Restarted, 6.0, 10.0));
    }

    #[test]
    fn a_restarted_encoder_is_placed_by_its_date_if_that_moves_forward() {
        let old = playlist("a", 5..8, Some(0), "");
        assert_eq!(change(&old, &playlist("a", 0..2, Some(60), "")), (PlaylistChange::Restarted, 60.0, 64.0));
        // The same program under other numbers
        assert_eq!(change(&old, &playlist("a", 0..3, Some(2), "")), (PlaylistChange::Restarted, 2.0, 8.0));
        // A clock that was set back
        let mut timeline = LiveTimeline::new(&playlist("a", 5..8, Some(600), ""));
        let change = timeline.update(&playlist("a", 0..2, Some(0), ""));
        assert_eq!((change, timeline.window_start()), (PlaylistChange::Restarted, 6.0));
    }

    #[test]
    fn a_date_tells_a_restart_from_numbers_that_overlap() {
        let old = playlist("a", 0..3, Some(0), "");
        assert_eq!(change(&old, &playlist("a", 0..4, Some(30), "")), (PlaylistChange::Restarted, 30.0, 38.0));
    }

    #[test]
    fn numbers_that_jump_far_forward_go_on_at_the_end() {
        assert_eq!(change(&undated(5..8), &undated(1_000_000..1_000_002)), (PlaylistChange::Jumped, 6.0, 10.0));
    }

    #[test]
    fn a_date_that_jumps_too_far_is_not_believed() {
        let mut late = playlist("a", 0..1, Some(0), "");
        for segment in &mut late.segments {
            segment.program_date_time = segment.program_date_time.map(|date| date + chrono::TimeDelta::days(20_000));
        }
        assert_eq!(change(&playlist("a", 5..8, Some(0), ""), &late), (PlaylistChange::Restarted, 6.0, 8.0));
    }

    #[test]
    fn a_discontinuity_and_the_end_of_the_list_keep_the_timeline() {
        let tail = "#EXT-X-DISCONTINUITY\n#EXTINF:2,\nb0.ts\n#EXT-X-ENDLIST\n";
        let last = playlist("a", 7..8, None, tail);
        assert!(last.ended);
        assert_eq!(change(&undated(5..8), &last), (PlaylistChange::Continued, 4.0, 8.0));
    }

    #[test]
    fn a_moment_is_available_once_its_segment_is_complete() {
        let timeline = LiveTimeline::new(&undated(5..8));
        assert!(timeline.is_available(5.9) && !timeline.is_available(6.0));
        assert!((timeline.playlist_seconds(timeline.moment_of(3.5)) - 3.5).abs() < 1e-9);
    }
}
