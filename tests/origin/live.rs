//! A live window that slides over the segments of the TS ladder, which repeat.

use std::{fmt::Write, time::Instant};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// The stream at `/live/`.
#[derive(Debug, Clone)]
pub struct LiveWindow {
    /// The Media Sequence Number of the newest segment.
    newest: u64,
    /// The number of segments in the window.
    window: u64,
    /// When the window began to slide in real time, if it does.
    sliding_since: Option<Instant>,
    /// The date of segment 0.
    began: DateTime<Utc>,
}

const SEGMENT_SECONDS: u64 = 2;
/// The number of segments of the ladder.
const SEGMENTS: u64 = 3;

impl Default for LiveWindow {
    fn default() -> Self {
        let noon = DateTime::parse_from_rfc3339("2026-01-31T12:00:00Z").expect("a date");
        Self { newest: 10, window: 4, sliding_since: None, began: noon.to_utc() }
    }
}

impl LiveWindow {
    /// A window that slides in real time.
    pub fn real_time() -> Self {
        let live = Self::default();
        let shown = TimeDelta::seconds(((live.newest + 1) * SEGMENT_SECONDS).cast_signed());
        Self { sliding_since: Some(Instant::now()), began: Utc::now() - shown, ..live }
    }

    pub fn advance(&mut self, segments: u64) {
        self.newest += segments;
    }

    pub fn newest(&self) -> u64 {
        self.newest + self.sliding_since.map_or(0, |since| since.elapsed().as_secs() / SEGMENT_SECONDS)
    }

    /// The Media Playlist of a Variant. Segment n begins 2n seconds after segment 0.
    pub fn playlist(&self, variant: &str) -> String {
        let newest = self.newest();
        let oldest = newest + 1 - self.window;
        let mut text = format!("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:{SEGMENT_SECONDS}\n#EXT-X-MEDIA-SEQUENCE:{oldest}\n");
        writeln!(text, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", oldest / SEGMENTS).expect("formatted");
        for number in oldest..=newest {
            if number % SEGMENTS == 0 && number > oldest {
                text.push_str("#EXT-X-DISCONTINUITY\n");
            }
            let date = self.began + TimeDelta::seconds((number * SEGMENT_SECONDS).cast_signed());
            writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{}", date.to_rfc3339_opts(SecondsFormat::Millis, true)).expect("formatted");
            writeln!(text, "#EXTINF:{SEGMENT_SECONDS}.000,\n{variant}-{number}.ts").expect("formatted");
        }
        text
    }

    /// The ladder's file for a segment such as `v0-12.ts`; `None` outside of the window.
    pub fn file(&self, name: &str) -> Option<String> {
        let (variant, number) = name.strip_suffix(".ts")?.split_once('-')?;
        let number: u64 = number.parse().ok()?;
        let newest = self.newest();
        (number <= newest && number + self.window > newest).then(|| format!("{variant}-{}.ts", number % SEGMENTS))
    }
}
