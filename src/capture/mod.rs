//! Takes a snapshot: a [`SnapshotRequest`] in, a [`Snapshot`] out. This is where the rooms meet.
//!
//! The steps, and the file of each:
//!
//! 1. Open the stream: a playlist or a media file (`open`).
//! 2. Choose a Variant, or the I-frame Playlist that replaces it (`variants`, `i_frames`).
//! 3. Load its Media Playlist, and reload it if its segments are gone (`open`, `live`).
//! 4. Plan which segments may hold the frame, and try them in order (`media_playlist`).
//! 5. Read segments and search them for the frame, going back if it depends on earlier ones (`playlist_search`). A media file takes
//!    the place of steps 2 to 5 (`file`, `file_search`).
//! 6. Decode the frame and render the picture, on a blocking thread (`decode_job`, `render`).
//! 7. Choose a better picture, if the content matters (`content_choice`).
//! 8. Build the snapshot: the file with its metadata, and the facts for the report (`facts`).
//!
//! Steps 2 to 5 try the next candidate if one fails; `failure_scope` says which kind of candidate may still succeed. All steps share one
//! [`JobContext`](context::JobContext).

#[cfg(feature = "fleet")]
mod channel_probe;
mod content_choice;
mod context;
mod decode_job;
mod decode_permit;
mod domain_states;
mod facts;
mod failure_scope;
mod file;
mod file_search;
mod forget;
#[cfg_attr(not(feature = "fleet"), allow(dead_code, reason = "a server that remembers reads it"))]
mod freshness;
mod i_frames;
mod inspect;
mod inspected_playlists;
pub mod inspection_report;
#[cfg_attr(not(feature = "fleet"), allow(dead_code, reason = "a server that remembers reads it"))]
mod kept_frame;
mod key_frame_bytes;
mod live;
mod live_follower;
mod live_timeline;
mod media_playlist;
mod moment_groups;
mod moment_range;
mod moments;
mod open;
mod playlist_cache;
mod playlist_search;
mod presentation;
mod reload;
#[cfg(feature = "fleet")]
mod shared_stream;
#[cfg(feature = "fleet")]
mod sound_probe;
mod variants;

#[cfg(feature = "fleet")]
pub use crate::libav::{SoundFacts, SoundLevel};
pub use crate::render::reference_picture;
#[cfg(feature = "fleet")]
pub(crate) use channel_probe::{ChannelProbe, Probe, ProbedPicture, ProbedPlaylist};
pub(crate) use decode_permit::renew_permits_after_fork;
pub use facts::Snapshot;
pub(crate) use facts::{Capture, FinishedSnapshot};
#[cfg(feature = "frontends")]
pub(crate) use freshness::Freshness;
pub use inspect::inspect;
#[cfg(feature = "frontends")]
pub use kept_frame::PicturePixels;
pub(crate) use live_follower::{Interruption, LiveFollower};
pub(crate) use live_timeline::LiveTimeline;
pub(crate) use moment_range::{TimeRange, live_end, live_start};
pub(crate) use presentation::MomentCapture;
pub use presentation::Presentation;
#[cfg(feature = "fleet")]
pub(crate) use shared_stream::{CapturedPicture, SharedFrame, SharedStream};
#[cfg(feature = "fleet")]
pub use sound_probe::{picture_and_sound, sound_of_newest_segment};
pub(crate) use variants::Track;

use crate::{
    error::Error,
    fetch::{Client, Job},
    report::Report,
    request::SnapshotRequest,
};

/// Takes one snapshot, and writes nothing. Needs a tokio runtime with I/O and time enabled.
///
/// The job starts now and ends within the request's timeout; a decoder that is still busy then finishes in the background.
///
/// Fails with any [`ErrorKind`](crate::ErrorKind) except `output`.
pub async fn snapshot(request: &SnapshotRequest, client: &Client) -> Result<Snapshot, Error> {
    let FinishedSnapshot { picture, facts, .. } = Box::pin(capture(request, client)).await?;
    Ok(Snapshot { picture, report: Report::new(facts, None) })
}

/// [`snapshot`] for callers that deliver the picture before they build the report.
pub(crate) async fn capture(request: &SnapshotRequest, client: &Client) -> Result<FinishedSnapshot, Error> {
    Box::pin(capture_with(request, client, false)).await
}

/// As [`capture`]. With `keeps_frame`, the picture's pixels can be rendered later.
pub(crate) async fn capture_with(request: &SnapshotRequest, client: &Client, keeps_frame: bool) -> Result<FinishedSnapshot, Error> {
    let base = open::base_url(&request.source)?;
    let job = Job::new(client, &base, &request.headers, &request.limits)?;
    let deadline = job.deadline();
    let steps = Box::pin(async {
        let mut presentation = Presentation::open_within(request, job.clone(), &base).await?;
        presentation.context.keeps_frames = keeps_frame;
        presentation.finish(presentation.capture_in(&presentation.context).await?).await
    });
    tokio::time::timeout_at(deadline.into(), steps).await.unwrap_or_else(|_| Err(job.timeout().with_url(&base)))
}
