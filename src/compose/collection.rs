//! The stream and the moments of many pictures.

use std::time::Instant;

use crate::{
    capture::{Presentation, TimeRange, Track},
    error::{Error, ErrorKind},
    fetch::Client,
    request::{Pace, PicturesRequest},
};

/// How far the work is: called after each picture.
pub(crate) type ReportProgress<'a> = dyn Fn(Progress) + Sync + 'a;

/// How far the work is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    /// Pictures that were captured, or could not be had.
    pub done: usize,
    pub total: usize,
    /// Bytes received until now.
    pub bytes: u64,
}

/// A stream that is open, and the moments of its pictures.
pub(super) struct Collection {
    pub presentation: Presentation,
    pub track: Track,
    pub range: TimeRange,
    /// Seconds between moments.
    pub interval: f64,
    /// In seconds from the start of the playlist, ascending.
    pub moments: Vec<f64>,
    pub started_at: Instant,
}

impl Collection {
    /// Opens the stream and names the moments. `pace` is the default. Fails with `unsupported` for a media file.
    pub async fn open(request: &PicturesRequest, client: &Client, pace: Pace) -> Result<Self, Error> {
        let started_at = Instant::now();
        let presentation = Presentation::open(&request.snapshot, client).await?;
        let Some(track) = presentation.track().await? else {
            return Err(Error::new(ErrorKind::Unsupported, "many pictures of a single media file are not supported yet")
                .with_hint("give the URL of a playlist"));
        };
        let playlist = track.playlist();
        let range = TimeRange::of(playlist, &request.moments)?.until(playlist.duration());
        let pace = request.moments.pace.unwrap_or(pace);
        let moments = range.moments(pace)?;
        Ok(Self { interval: range.interval(pace), presentation, track, range, moments, started_at })
    }

    /// Lets the pictures be pixels, to compose others from.
    pub fn with_pixels(self) -> Self {
        Self { presentation: self.presentation.with_pixels(), ..self }
    }

    /// Where the picture of a moment ends: at the next moment, or with the range.
    pub fn end_of(&self, moment: f64) -> f64 {
        (moment + self.interval).min(self.range.end)
    }
}
