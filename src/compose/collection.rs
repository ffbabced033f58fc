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
        Self::open_with_pace(request, client, |_| pace).await
    }

    /// As [`open`](Self::open), with a default pace that depends on the range.
    pub async fn open_with_pace(request: &PicturesRequest, client: &Client, pace: impl FnOnce(TimeRange) -> Pace) -> Result<Self, Error> {
        let started_at = Instant::now();
        let presentation = Presentation::open(&request.snapshot, client).await?;
        let Some(track) = presentation.track().await? else {
            return Err(Error::new(ErrorKind::Unsupported, "many pictures of a single media file are not supported yet")
                .with_hint("give the URL of a playlist"));
        };
        let playlist = track.playlist();
        let range = TimeRange::of(playlist, &request.moments)?.until(playlist.duration());
        let pace = request.moments.pace.unwrap_or_else(|| pace(range));
        let moments = range.moments(pace)?;
        check_count(&moments, request)?;
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

/// Fails with `too_large` if there are more moments than the request may have pictures.
pub(super) fn check_count(moments: &[f64], request: &PicturesRequest) -> Result<(), Error> {
    if moments.len() <= request.max_pictures {
        return Ok(());
    }
    let message = format!("{} pictures are more than {}", moments.len(), request.max_pictures);
    Err(Error::new(ErrorKind::TooLarge, message).with_hint("give a shorter range, or fewer pictures"))
}
