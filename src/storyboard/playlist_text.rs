//! Media Playlists as text (RFC 8216bis section 4.4): what image playlists and I-frame Playlists have in common.

use std::fmt::Write;

use chrono::{DateTime, Utc};

use crate::time::{TIME_TOLERANCE, rfc3339};

/// A Media Playlist to be written.
pub(super) struct PlaylistText {
    /// The tag that says what the entries are.
    pub kind: &'static str,
    /// Whether the window slides.
    pub is_live: bool,
    /// The least target duration in seconds. No entry of a live playlist exceeds it, so that it never changes.
    pub least_target: f64,
    /// Media Sequence Number of the first entry of a live playlist. A recording's is 0.
    pub media_sequence: u64,
    /// Discontinuity Sequence Number of the first entry.
    pub discontinuity_sequence: u64,
    /// URL of the Media Initialization Section of all entries.
    pub map: Option<String>,
    pub entries: Vec<PlaylistEntry>,
}

/// A segment of a [`PlaylistText`].
pub(super) struct PlaylistEntry {
    pub uri: String,
    /// Seconds from the start of the stream's playlist.
    pub start: f64,
    pub end: f64,
    /// Ignored for the first entry, because nothing precedes it.
    pub follows_discontinuity: bool,
    pub program_date_time: Option<DateTime<Utc>>,
    /// Whether the resource is missing.
    pub is_gap: bool,
    /// Further lines between EXTINF and the URI.
    pub tags: String,
}

impl PlaylistText {
    /// The text of the playlist.
    pub fn write(&self) -> String {
        let mut text = "#EXTM3U\n#EXT-X-VERSION:7\n".to_owned();
        _ = writeln!(text, "#EXT-X-TARGETDURATION:{:.0}", self.target_duration());
        _ = writeln!(text, "#EXT-X-MEDIA-SEQUENCE:{}", if self.is_live { self.media_sequence } else { 0 });
        _ = writeln!(text, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", self.discontinuity_sequence);
        if !self.is_live {
            text.push_str("#EXT-X-PLAYLIST-TYPE:VOD\n");
        }
        _ = writeln!(text, "#{}", self.kind);
        self.write_map(&mut text);
        let mut end = None;
        for entry in &self.entries {
            self.write_entry(&mut text, entry, end);
            end = Some(entry.end);
        }
        if !self.is_live {
            text.push_str("#EXT-X-ENDLIST\n");
        }
        text
    }

    /// `previous_end` is `None` for the first entry.
    fn write_entry(&self, text: &mut String, entry: &PlaylistEntry, previous_end: Option<f64>) {
        if entry.follows_discontinuity && previous_end.is_some() {
            text.push_str("#EXT-X-DISCONTINUITY\n");
            // Section 4.4.4.5: an I-frame Playlist names the init again, because players look for another one here
            self.write_map(text);
        }
        if let Some(gap) = self.gap_before(entry, previous_end) {
            _ = writeln!(text, "#EXTINF:{},\n#EXT-X-GAP\n{}", seconds(gap), entry.uri);
        }
        if let Some(date) = entry.program_date_time {
            _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{}", rfc3339(date));
        }
        _ = writeln!(text, "#EXTINF:{},", seconds(entry.end - entry.start));
        if entry.is_gap {
            text.push_str("#EXT-X-GAP\n");
        }
        _ = writeln!(text, "{}{}", entry.tags, entry.uri);
    }

    fn write_map(&self, text: &mut String) {
        if let Some(map) = &self.map {
            _ = writeln!(text, "#EXT-X-MAP:URI=\"{map}\"");
        }
    }

    /// Seconds without an entry before this one. In a recording, times count from the playlist's start, so they need an entry of their own.
    /// A live playlist has none: it would change the numbers of the entries that follow.
    fn gap_before(&self, entry: &PlaylistEntry, previous_end: Option<f64>) -> Option<f64> {
        let gap = entry.start - previous_end.unwrap_or(0.0);
        (!self.is_live && gap > TIME_TOLERANCE).then_some(gap)
    }

    /// The least integer that no duration exceeds (section 4.4.3.1). That of a live playlist must not change.
    fn target_duration(&self) -> f64 {
        let previous_ends = std::iter::once(None).chain(self.entries.iter().map(|entry| Some(entry.end)));
        let gaps = self.entries.iter().zip(previous_ends).filter_map(|(entry, end)| self.gap_before(entry, end));
        let durations = self.entries.iter().map(|entry| entry.end - entry.start);
        gaps.chain(durations).fold(self.least_target, f64::max).ceil().max(1.0)
    }
}

/// Seconds with three to six decimals.
pub(super) fn seconds(seconds: f64) -> String {
    let text = format!("{seconds:.6}");
    let zeros = text.len() - text.trim_end_matches('0').len();
    text.get(..text.len() - zeros.min(3)).unwrap_or(&text).to_owned()
}
