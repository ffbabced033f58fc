//! Which pictures were had, and what is to be said about them.

use std::time::{Duration, Instant};

use super::collection::Collection;
use crate::{
    capture::{Capture, MomentCapture},
    error::Error,
    report::{Cost, ErrorReport, PictureReport, PicturesReport, PicturesTiming, Presentation, SnapshotFacts, TimingFacts, VariantReport},
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
    /// Pictures that could be had.
    successes: usize,
    failures: usize,
    last_picture: Option<Instant>,
}

/// More notes than this are left out: a stream may run for days.
const MAX_NOTES: usize = 1000;

/// What a report says about the stream.
#[derive(Debug, Clone)]
pub(super) struct StreamFacts {
    /// Redacted.
    pub url: String,
    pub live: bool,
    /// Seconds.
    pub duration: f64,
    pub started_at: Instant,
    pub cost: Cost,
    pub timing: TimingFacts,
}

/// What the log keeps of a picture.
struct CapturedFacts<'a> {
    presentation: &'a Presentation,
    variant: Option<&'a VariantReport>,
    notes: &'a [String],
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
        let MomentCapture { moment, capture } = captured;
        let captured = capture.as_ref().map(|capture| CapturedFacts {
            presentation: &capture.presentation,
            variant: capture.variant.as_ref(),
            notes: &capture.notes,
        });
        self.add_result(moment, captured)?;
        Ok(capture.ok())
    }

    /// Adds what became of a moment, once its picture is a file.
    pub fn add_finished(&mut self, moment: f64, finished: Result<&SnapshotFacts, &Error>) -> Result<(), Error> {
        let captured =
            finished.map(|facts| CapturedFacts { presentation: &facts.presentation, variant: facts.variant.as_ref(), notes: &facts.notes });
        self.add_result(moment, captured)
    }

    fn add_result(&mut self, moment: f64, captured: Result<CapturedFacts<'_>, &Error>) -> Result<(), Error> {
        let seconds = round_to_microsecond(moment);
        let mut picture =
            PictureReport { seconds, presentation_seconds: None, program_date_time: None, x: None, y: None, sprite: None, error: None };
        match captured {
            Ok(captured) => {
                picture.presentation_seconds = Some(captured.presentation.rounded_seconds());
                picture.program_date_time = captured.presentation.date_text();
                self.last_picture = Some(Instant::now());
                self.variant = self.variant.take().or_else(|| captured.variant.cloned());
                self.pictures.push(picture);
                self.successes += 1;
                for note in captured.notes {
                    self.note(note.clone());
                }
            }
            Err(error) if self.is_strict => return Err(error.clone()),
            Err(error) => {
                tracing::info!("no picture at {seconds} s: {}", error.one_line());
                picture.error = Some(ErrorReport::from(error));
                self.pictures.push(picture);
                self.note(format!("there is no picture at {seconds} s: {}: {}", error.kind(), error.message()));
                self.failures += 1;
                self.first_failure.get_or_insert_with(|| error.clone());
            }
        }
        Ok(())
    }

    /// Forgets all but the last `max` pictures, which a note says.
    pub fn keep_last(&mut self, max: usize) {
        if let Some(extra) = self.pictures.len().checked_sub(max).filter(|extra| *extra > 0) {
            self.pictures.drain(..extra);
            self.note(format!("`pictures` lists the last {max} pictures alone"));
        }
    }

    /// Adds a note, once.
    pub fn note(&mut self, note: String) {
        if self.notes.len() < MAX_NOTES && !self.notes.contains(&note) {
            self.notes.push(note);
        } else if self.notes.len() == MAX_NOTES {
            self.notes.push("further notes were left out".to_owned());
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
        match &self.first_failure {
            Some(error) if self.successes == 0 => Err(error.clone()),
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
        let playlist = collection.track.playlist();
        let stream = StreamFacts {
            url: collection.presentation.redacted_url(),
            live: playlist.is_live(),
            duration: playlist.duration(),
            started_at: collection.started_at,
            cost: collection.presentation.cost(),
            timing: collection.presentation.timing(),
        };
        self.report_on(kind, format, stream, dimensions, bytes)
    }

    /// The report on the pictures of a stream.
    pub fn report_on(
        self,
        kind: &'static str,
        format: &'static str,
        stream: StreamFacts,
        dimensions: Dimensions,
        bytes: u64,
    ) -> PicturesReport {
        let start = stream.started_at;
        let since_start = |at: Instant| milliseconds(at.saturating_duration_since(start));
        PicturesReport {
            kind,
            url: stream.url,
            output: None,
            format,
            width: dimensions.size.0,
            height: dimensions.size.1,
            bytes,
            live: stream.live,
            duration: round_to_microsecond(stream.duration),
            variant: self.variant,
            columns: dimensions.grid.map(|grid| grid.0),
            rows: dimensions.grid.map(|grid| grid.1),
            tile_width: dimensions.tile.map(|tile| tile.0),
            tile_height: dimensions.tile.map(|tile| tile.1),
            pictures: self.pictures,
            cost: stream.cost,
            timing_ms: PicturesTiming {
                playlists: milliseconds(stream.timing.playlists),
                pictures: self.last_picture.map_or(0.0, since_start),
                total: milliseconds(Duration::from_secs_f64(start.elapsed().as_secs_f64())),
            },
            notes: self.notes,
        }
    }
}
