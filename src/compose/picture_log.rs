//! Which pictures were had, and what is to be said about them.

use std::time::{Duration, Instant};

use super::collection::Collection;
use crate::{
    capture::{Capture, MomentCapture},
    error::Error,
    report::{ErrorReport, PictureReport, PicturesReport, PicturesTiming, VariantReport},
    time::{milliseconds, round_to_microsecond},
};

/// The pictures until now.
#[derive(Default)]
pub(super) struct PictureLog {
    is_strict: bool,
    pub pictures: Vec<PictureReport>,
    notes: Vec<String>,
    variant: Option<VariantReport>,
    first_failure: Option<Error>,
    failures: usize,
    last_picture: Option<Instant>,
}

/// A sheet, its tiles, or one picture: what the head of a report says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Dimensions {
    pub size: (u32, u32),
    pub grid: Option<(u32, u32)>,
    pub tile: Option<(u32, u32)>,
}

impl PictureLog {
    /// With `is_strict`, the first picture that cannot be had is an error.
    pub fn new(is_strict: bool, notes: &[String]) -> Self {
        Self { is_strict, notes: notes.to_vec(), ..Self::default() }
    }

    /// Adds what became of a moment; returns the picture, if there is one.
    pub fn add(&mut self, captured: MomentCapture) -> Result<Option<Capture>, Error> {
        let seconds = round_to_microsecond(captured.moment);
        let mut picture =
            PictureReport { seconds, presentation_seconds: None, program_date_time: None, x: None, y: None, sprite: None, error: None };
        match captured.capture {
            Ok(capture) => {
                picture.presentation_seconds = Some(capture.presentation.rounded_seconds());
                picture.program_date_time = capture.presentation.date_text();
                self.last_picture = Some(Instant::now());
                self.variant = self.variant.take().or_else(|| capture.variant.clone());
                self.pictures.push(picture);
                for note in &capture.notes {
                    self.note(note.clone());
                }
                Ok(Some(capture))
            }
            Err(error) if self.is_strict => Err(error),
            Err(error) => {
                tracing::info!("no picture at {seconds} s: {}", error.one_line());
                picture.error = Some(ErrorReport::from(&error));
                self.pictures.push(picture);
                self.note(format!("there is no picture at {seconds} s: {}: {}", error.kind(), error.message()));
                self.failures += 1;
                self.first_failure.get_or_insert(error);
                Ok(None)
            }
        }
    }

    /// Adds a note, once.
    pub fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Sets the position of a picture's tile in the sheet.
    pub fn place(&mut self, index: usize, position: Option<(u32, u32)>) {
        if let Some(picture) = self.pictures.get_mut(index) {
            (picture.x, picture.y) = position.unzip();
        }
    }

    /// Names the file and the position of the last picture.
    pub fn place_last(&mut self, sprite: Option<&str>, position: Option<(u32, u32)>) {
        if let Some(last) = self.pictures.last_mut() {
            last.sprite = sprite.map(str::to_owned);
            (last.x, last.y) = position.unzip();
        }
    }

    /// Fails with the first failure if no picture could be had.
    pub fn require_any(&self) -> Result<(), Error> {
        let has_any = self.pictures.len() > self.failures;
        match &self.first_failure {
            Some(error) if !has_any => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// How many pictures could not be had.
    pub fn failures(&self) -> usize {
        self.failures
    }

    /// The report.
    pub fn report(
        self,
        kind: &'static str,
        format: &'static str,
        collection: &Collection,
        dimensions: Dimensions,
        bytes: u64,
    ) -> PicturesReport {
        let (start, timing) = (collection.started_at, collection.presentation.timing());
        let since_start = |at: Instant| milliseconds(at.saturating_duration_since(start));
        PicturesReport {
            kind,
            url: collection.presentation.redacted_url(),
            output: None,
            format,
            width: dimensions.size.0,
            height: dimensions.size.1,
            bytes,
            live: collection.track.playlist().is_live(),
            duration: round_to_microsecond(collection.track.playlist().duration()),
            variant: self.variant,
            columns: dimensions.grid.map(|grid| grid.0),
            rows: dimensions.grid.map(|grid| grid.1),
            tile_width: dimensions.tile.map(|tile| tile.0),
            tile_height: dimensions.tile.map(|tile| tile.1),
            pictures: self.pictures,
            cost: collection.presentation.cost(),
            timing_ms: PicturesTiming {
                playlists: milliseconds(timing.playlists),
                pictures: self.last_picture.map_or(0.0, since_start),
                total: milliseconds(Duration::from_secs_f64(start.elapsed().as_secs_f64())),
            },
            notes: self.notes,
        }
    }
}
