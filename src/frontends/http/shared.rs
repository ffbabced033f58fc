//! Finished pictures that several responses share.

use std::time::Duration;

use axum::{http::HeaderMap, response::Response};
use bytes::Bytes;
use chrono::SecondsFormat;

use super::{
    life::Life,
    recall::Answer,
    response::{self, Caching, File},
    routes::Document,
};
use crate::{
    capture::{FinishedSnapshot, inspection_report::Inspection},
    compose::OneSprite,
    error::Error,
    frontends::{
        one_file::OneFile,
        report_facts::{self, PictureCost},
        settings::Settings,
    },
    report::{PictureReport, PicturesReport, SnapshotFacts},
    request::Format,
    time::milliseconds,
};

/// How long a storyboard of a live stream answers, because players request its sprite a little later.
const KEEP_LIVE: Duration = Duration::from_secs(10);
/// How long an inspection answers.
const KEEP_PLAYLISTS: Duration = Duration::from_secs(2);

/// The longest range in seconds that a query can name.
const LONGEST_RANGE: f64 = 24.0 * 3600.0;

/// One picture.
#[derive(Debug)]
pub(super) struct SharedSnapshot {
    picture: Bytes,
    etag: String,
    pub facts: SnapshotFacts,
    life: Life,
}

/// An inspection of the playlists, as JSON.
#[derive(Debug)]
pub(super) struct SharedInspection(Bytes);

/// One file of many pictures.
#[derive(Debug)]
pub(super) struct SharedFile {
    bytes: Bytes,
    media_type: &'static str,
    etag: String,
    facts: PicturesFacts,
    life: Life,
}

/// The sprite of a storyboard, and what its documents are made from.
#[derive(Debug)]
pub(super) struct SharedStoryboard {
    sprite: SharedFile,
    /// Without the bytes of the sprite.
    storyboard: OneSprite,
}

/// What responses say about many pictures.
#[derive(Debug)]
struct PicturesFacts {
    report: PicturesReport,
    /// How many could not be had.
    failures: usize,
}

impl SharedSnapshot {
    pub fn new(snapshot: FinishedSnapshot) -> Self {
        let FinishedSnapshot { picture, facts, freshness, .. } = snapshot;
        let life = Life::of_picture(facts.live, freshness, !facts.notes.is_empty());
        Self { etag: response::etag(&picture), picture: picture.into(), facts, life }
    }

    /// The size of the picture in bytes.
    pub fn len(&self) -> usize {
        self.picture.len()
    }

    pub fn response(&self, settings: &Settings, request: &HeaderMap, life: Option<Life>) -> Response {
        let facts = &self.facts;
        let file = File {
            bytes: self.picture.clone(),
            media_type: facts.format.media_type(),
            etag: &self.etag,
            caching: Caching::new(facts.live, life, settings),
            cost: PictureCost::new(facts.cost, milliseconds(facts.timing.total)),
        };
        response::file(file, report_facts::http_headers(facts), request)
    }
}

impl SharedFile {
    pub fn new(file: OneFile) -> Self {
        let OneFile { bytes, media_type, report, failures, .. } = file;
        let life = Life::of_pictures(report.live, failures);
        Self { etag: response::etag(&bytes), bytes: bytes.into(), media_type, facts: PicturesFacts { report, failures }, life }
    }

    /// The size of the file in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn response(&self, settings: &Settings, request: &HeaderMap, life: Option<Life>) -> Response {
        let file = (self.bytes.clone(), self.media_type, self.etag.as_str());
        self.facts.response(file, life, settings, request)
    }
}

impl SharedStoryboard {
    /// `format` is the sprite's.
    pub fn new(mut storyboard: OneSprite, format: Format) -> Self {
        let bytes = std::mem::take(&mut storyboard.file);
        let facts = PicturesFacts { report: storyboard.report.clone(), failures: storyboard.failures };
        let life = match (facts.report.live, facts.failures) {
            (true, 0) => Life::of(KEEP_LIVE),
            (live, failures) => Life::of_pictures(live, failures),
        };
        let sprite = SharedFile { etag: response::etag(&bytes), bytes: bytes.into(), media_type: format.media_type(), facts, life };
        Self { sprite, storyboard }
    }

    /// The size of the sprite in bytes.
    pub fn sprite_len(&self) -> usize {
        self.sprite.len()
    }

    pub fn sprite_response(&self, settings: &Settings, request: &HeaderMap, life: Option<Life>) -> Response {
        self.sprite.response(settings, request, life)
    }

    /// A document, which names the sprite by this URL. Fails with `usage` if that has a character that no URL has.
    pub fn document_response(
        &self,
        kind: Document,
        url: &str,
        settings: &Settings,
        request: &HeaderMap,
        life: Option<Life>,
    ) -> Result<Response, Error> {
        let (text, media_type) = match kind {
            Document::WebVtt => (self.storyboard.webvtt(url)?, "text/vtt; charset=utf-8"),
            Document::Json => (self.storyboard.json(url)?, "application/json"),
        };
        let etag = response::etag(text.as_bytes());
        Ok(self.sprite.facts.response((text.into(), media_type, &etag), life, settings, request))
    }

    /// Parameters that name the same moments of a live stream later, when its window has moved on. Empty for a recording, and without
    /// Program Date Time.
    pub fn absolute_moments(&self) -> Vec<(&'static str, String)> {
        let report = &self.sprite.facts.report;
        let count = report.pictures.len();
        let seconds = self.storyboard.interval() * count as f64;
        match self.storyboard.first_date() {
            Some(date) if report.live && seconds <= LONGEST_RANGE => vec![
                ("from", date.to_rfc3339_opts(SecondsFormat::Micros, true)),
                ("for", seconds.to_string()),
                ("count", count.to_string()),
            ],
            _ => Vec::new(),
        }
    }
}

impl PicturesFacts {
    /// A file made from the pictures. If some are missing, it is cached only briefly, because the next attempt may have them.
    fn response(
        &self,
        (bytes, media_type, etag): (Bytes, &'static str, &str),
        life: Option<Life>,
        settings: &Settings,
        request: &HeaderMap,
    ) -> Response {
        let report = &self.report;
        let caching = if self.failures > 0 { Caching::short(life, settings) } else { Caching::new(report.live, life, settings) };
        let cost = PictureCost::new(report.cost, report.timing_ms.total);
        let file = File { bytes, media_type, etag, caching, cost };
        response::file(file, report_facts::http_headers_of_many(report, self.failures), request)
    }
}

impl SharedInspection {
    /// Fails with `internal` if it cannot be written as JSON.
    pub fn new(inspection: &Inspection) -> Result<Self, Error> {
        Ok(Self(response::to_json(inspection)?.into()))
    }

    pub fn response(&self, life: Option<Life>) -> Response {
        response::json_text(self.0.clone(), &Caching::of_document(true, life))
    }
}

/// The size of the facts and headers of a file, in bytes.
const FACTS: usize = 2048;

impl Answer for SharedSnapshot {
    fn life(&self) -> Life {
        self.life
    }

    fn size(&self) -> usize {
        self.picture.len() + FACTS
    }
}

impl Answer for SharedFile {
    fn life(&self) -> Life {
        self.life
    }

    fn size(&self) -> usize {
        self.bytes.len() + FACTS + self.facts.report.pictures.len() * size_of::<PictureReport>()
    }
}

impl Answer for SharedStoryboard {
    fn life(&self) -> Life {
        self.sprite.life
    }

    fn size(&self) -> usize {
        // There are two copies of the report
        self.sprite.size() + FACTS + self.sprite.facts.report.pictures.len() * size_of::<PictureReport>()
    }
}

impl Answer for SharedInspection {
    fn life(&self) -> Life {
        Life::of(KEEP_PLAYLISTS)
    }

    fn size(&self) -> usize {
        self.0.len()
    }
}
