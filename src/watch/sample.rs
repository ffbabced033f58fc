//! The facts of one round of one channel, from which its state follows.

use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::{error::ErrorKind, report::Verdict, request::ReferencePicture, time::seconds_between};

/// The findings of one round of one channel.
#[derive(Debug, Clone)]
pub struct Sample {
    /// When the round started.
    pub time: DateTime<Utc>,
    /// The same in seconds since the watch started, by a clock that never steps.
    pub seconds: f64,
    /// The Media Playlist; `None` if it could not be loaded.
    pub playlist: Option<PlaylistSample>,
    /// The newest key frame; `None` if there is no new one, or it could not be captured.
    pub picture: Option<PictureSample>,
    /// Why the playlist or the picture is missing.
    pub failure: Option<SampleFailure>,
    /// Requests of the round.
    pub requests: u64,
    /// Bytes received in the round.
    pub bytes: u64,
}

impl Sample {
    /// Age of the picture by its Program Date Time, in seconds.
    pub fn age_seconds(&self) -> Option<f64> {
        Some(seconds_between(self.picture.as_ref()?.program_date_time?, self.time))
    }
}

/// Why a round has no picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleFailure {
    /// The kind of the error.
    pub kind: ErrorKind,
    /// One line, redacted.
    pub message: String,
}

/// The Media Playlist of a round.
#[derive(Debug, Clone)]
pub struct PlaylistSample {
    /// Media Sequence Number of its first segment.
    pub media_sequence: u64,
    /// Discontinuity Sequence Number of its first segment.
    pub discontinuity_sequence: u64,
    /// Media Sequence Number and part index of the next Partial Segment.
    pub next: (u64, u64),
    /// In seconds.
    pub target_duration: f64,
    /// EXT-X-ENDLIST.
    pub has_ended: bool,
    /// Length of the window in seconds.
    pub duration: f64,
    /// Program Date Time of the end of the last segment.
    pub end_date: Option<DateTime<Utc>>,
    /// Violations of the specification, compared with the playlist of earlier rounds: one sentence each.
    pub violations: Vec<String>,
}

/// The newest key frame of a round.
#[derive(Debug, Clone)]
pub struct PictureSample {
    /// The encoded picture.
    pub file: Bytes,
    /// Media type of the file.
    pub media_type: &'static str,
    /// Pixels across and down.
    pub size: (u32, u32),
    /// Content check.
    pub verdict: Verdict,
    /// For comparing it with the pictures of other rounds.
    pub fingerprint: ReferencePicture,
    /// Hash of the key frame's coded bytes: equal hashes are the same coded frame. `None` if unknown.
    pub coded_hash: Option<u64>,
    /// Bits of the segment per pixel and second of video; `None` if the segment's size is unknown.
    pub bits_per_pixel_second: Option<f64>,
    /// The sound of the segment.
    pub sound: Sound,
    /// Media Sequence Number of the frame's segment.
    pub media_sequence_number: Option<u64>,
    /// Program Date Time of the frame.
    pub program_date_time: Option<DateTime<Utc>>,
    /// libavcodec's name of the codec.
    pub codec: &'static str,
}

/// The sound of the segment that a picture comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sound {
    /// Not read, encrypted, or in another playlist.
    #[default]
    Unknown,
    /// The segment has audio packets.
    Present,
    /// The segment has audio packets that decode to silence.
    Silent,
    /// The segment, or its program's tables, have no audio.
    Missing,
}
