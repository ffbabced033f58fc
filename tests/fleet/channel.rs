//! A live channel of the fleet, composed from clips by a script: gives its playlist and its segments at any second.

use std::{
    collections::HashMap,
    fmt::Write as _,
    hash::{DefaultHasher, Hash, Hasher},
};

use chrono::{DateTime, Utc};
use serde::Deserialize;

/// Segments in a window.
const WINDOW: i64 = 5;
/// Number of the segment that begins at second 0.
const FIRST: i64 = 1000;

/// The segments of clips by name and size, each a whole transport stream.
pub type Clips = HashMap<(String, String), Vec<bytes::Bytes>>;

/// The script of one channel. Times are in seconds since the start of the origin.
#[derive(Debug, Clone, Deserialize)]
pub struct Script {
    pub id: String,
    /// Duration of each segment.
    #[serde(default = "two")]
    pub segment: f64,
    /// Seconds by which its segments are later than whole multiples of their duration.
    #[serde(default)]
    pub phase: f64,
    /// The clips in order of time. The first one counts from the beginning.
    pub shows: Vec<Show>,
    #[serde(default)]
    pub faults: Vec<Fault>,
}

fn two() -> f64 {
    2.0
}

/// A clip from a second on.
#[derive(Debug, Clone, Deserialize)]
pub struct Show {
    #[serde(default)]
    pub at: f64,
    pub clip: String,
    /// The same segment of the clip again and again.
    #[serde(default)]
    pub repeat: Option<usize>,
    /// Segments of the clip that are skipped, so that channels differ.
    #[serde(default)]
    pub offset: usize,
}

/// A fault in a span of time.
#[derive(Debug, Clone, Deserialize)]
pub struct Fault {
    pub at: f64,
    #[serde(default = "forever")]
    pub until: f64,
    pub kind: FaultKind,
}

fn forever() -> f64 {
    f64::INFINITY
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The encoder stops: the playlist does not advance.
    Stop,
    /// The playlist ends with EXT-X-ENDLIST.
    End,
    /// The encoder restarts at `at`, and numbers segments from 0, with a discontinuity.
    Restart,
    /// The same without EXT-X-DISCONTINUITY.
    RestartSilently,
    /// Program Date Time does not advance while the playlist does.
    Dates,
    /// Playlists and segments are gone.
    NotFound,
    /// Segments alone are gone.
    SegmentsNotFound,
    ServerError,
    /// Segments are not media.
    Garbage,
    /// Requests are never answered.
    Hang,
    /// Connections end without an answer.
    Reset,
    /// The channel's own port is closed.
    Refuse,
}

impl Script {
    pub fn has(&self, kind: FaultKind, seconds: f64) -> bool {
        self.fault(kind, seconds).is_some()
    }

    fn fault(&self, kind: FaultKind, seconds: f64) -> Option<&Fault> {
        self.faults.iter().find(|fault| fault.kind == kind && (fault.at..fault.until).contains(&seconds))
    }

    /// The number of segments that are finished, counted from `FIRST` at second 0.
    fn finished(&self, seconds: f64) -> i64 {
        let stopped = [FaultKind::Stop, FaultKind::End].into_iter().filter_map(|kind| self.fault(kind, seconds));
        let until = stopped.map(|fault| fault.at).fold(seconds, f64::min);
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a test")]
        let count = ((until - self.phase) / self.segment).floor() as i64;
        FIRST + count
    }

    /// The segment at which the encoder last restarted, and whether it signals a discontinuity.
    fn restart(&self, seconds: f64) -> Option<(i64, bool)> {
        let restarts = self.faults.iter().filter(|fault| fault.at <= seconds);
        restarts.rev().find_map(|fault| match fault.kind {
            FaultKind::Restart => Some((self.finished(fault.at), true)),
            FaultKind::RestartSilently => Some((self.finished(fault.at), false)),
            _ => None,
        })
    }

    fn seconds_of(&self, number: i64) -> f64 {
        (number - FIRST) as f64 * self.segment + self.phase
    }

    /// The clip of a segment, and the index in it.
    fn shown(&self, number: i64, clips: &Clips) -> (&str, usize) {
        let seconds = self.seconds_of(number);
        let show = self.shows.iter().rev().find(|show| show.at <= seconds).or(self.shows.first()).expect("a show");
        let length = clips.iter().find(|((clip, _), _)| *clip == show.clip).map_or(1, |(_, segments)| segments.len());
        let index = usize::try_from(number).unwrap_or_default() + show.offset;
        (&show.clip, show.repeat.unwrap_or(index) % length)
    }

    pub fn segment(&self, number: i64, size: &str, clips: &Clips) -> Option<bytes::Bytes> {
        let (clip, index) = self.shown(number, clips);
        clips.get(&(clip.to_owned(), size.to_owned()))?.get(index).cloned()
    }

    /// All clips have the same timestamps, so only a clip's end, and a segment that is repeated, interrupt the timeline.
    fn is_discontinuity(&self, number: i64, clips: &Clips) -> bool {
        self.shown(number, clips).1 != self.shown(number - 1, clips).1 + 1
    }

    /// The Media Playlist of one size. `start` is the date of second 0.
    pub fn playlist(&self, size: &str, seconds: f64, start: DateTime<Utc>, clips: &Clips) -> String {
        let end = self.finished(seconds);
        let restart = self.restart(seconds);
        let origin = restart.map_or(FIRST - WINDOW - 1, |(number, _)| number);
        // A new encoder has at least one segment
        let end = end.max(origin + 1);
        let first = (end - WINDOW).max(origin);
        let number_of = |number: i64| restart.map_or(number, |(restart, _)| number - restart);
        let says = |number: i64| {
            (number == origin && restart.is_some_and(|(_, says)| says)) || (number > origin && self.is_discontinuity(number, clips))
        };
        let mut text = format!("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{}\n", self.segment.ceil());
        let counted = (origin..first).filter(|number| says(*number)).count();
        let _ = writeln!(text, "#EXT-X-MEDIA-SEQUENCE:{}\n#EXT-X-DISCONTINUITY-SEQUENCE:{counted}", number_of(first));
        let dates = self.fault(FaultKind::Dates, seconds);
        for number in first..end {
            if says(number) {
                text.push_str("#EXT-X-DISCONTINUITY\n");
            }
            let at = self.seconds_of(number);
            #[expect(clippy::cast_possible_truncation, reason = "seconds of a test")]
            let milliseconds = (dates.map_or(at, |fault| at.min(fault.at)) * 1000.0) as i64;
            let date = start + chrono::TimeDelta::milliseconds(milliseconds);
            let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{}", date.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
            let _ = writeln!(text, "#EXTINF:{:.3},\n{size}-{number}.ts", self.segment);
        }
        if self.has(FaultKind::End, seconds) {
            text.push_str("#EXT-X-ENDLIST\n");
        }
        text
    }
}

pub fn etag(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}
