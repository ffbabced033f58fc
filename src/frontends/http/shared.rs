//! Finished pictures that several responses share.

use std::time::Duration;

use axum::{http::HeaderMap, response::Response};
use bytes::Bytes;
use chrono::SecondsFormat;

use super::{
    response::{self, Caching, File},
    routes::Document,
};
use crate::{
    capture::FinishedSnapshot,
    compose::OneSprite,
    error::Error,
    frontends::{
        one_file::OneFile,
        report_facts::{self, PictureCost},
        settings::Settings,
    },
    report::{PicturesReport, SnapshotFacts},
    request::Format,
    time::milliseconds,
};

/// How long a finished storyboard answers further requests.
const KEEP_RECORDED: Duration = Duration::from_secs(60);
const KEEP_LIVE: Duration = Duration::from_secs(10);

/// The longest range in seconds that a query can name.
const LONGEST_RANGE: f64 = 24.0 * 3600.0;

/// One picture.
#[derive(Debug)]
pub(super) struct SharedSnapshot {
    picture: Bytes,
    etag: String,
    pub facts: SnapshotFacts,
}

/// One file of many pictures.
#[derive(Debug)]
pub(super) struct SharedFile {
    bytes: Bytes,
    media_type: &'static str,
    etag: String,
    facts: PicturesFacts,
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
        Self { etag: response::etag(&snapshot.picture), picture: snapshot.picture.into(), facts: snapshot.facts }
    }

    /// The size of the picture in bytes.
    pub fn len(&self) -> usize {
        self.picture.len()
    }

    pub fn response(&self, settings: &Settings, request: &HeaderMap) -> Response {
        let facts = &self.facts;
        let file = File {
            bytes: self.picture.clone(),
            media_type: facts.format.media_type(),
            etag: &self.etag,
            caching: Caching::new(facts.live, settings),
            cost: PictureCost::new(facts.cost, milliseconds(facts.timing.total)),
        };
        response::file(file, report_facts::http_headers(facts), request)
    }
}

impl SharedFile {
    pub fn new(file: OneFile) -> Self {
        let OneFile { bytes, media_type, report, failures, .. } = file;
        Self { etag: response::etag(&bytes), bytes: bytes.into(), media_type, facts: PicturesFacts { report, failures } }
    }

    /// The size of the file in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn response(&self, settings: &Settings, request: &HeaderMap) -> Response {
        self.facts.response(self.bytes.clone(), self.media_type, &self.etag, settings, request)
    }
}

impl SharedStoryboard {
    /// `format` is the sprite's.
    pub fn new(mut storyboard: OneSprite, format: Format) -> Self {
        let bytes = std::mem::take(&mut storyboard.file);
        let facts = PicturesFacts { report: storyboard.report.clone(), failures: storyboard.failures };
        let sprite = SharedFile { etag: response::etag(&bytes), bytes: bytes.into(), media_type: format.media_type(), facts };
        Self { sprite, storyboard }
    }

    /// The size of the sprite in bytes.
    pub fn sprite_len(&self) -> usize {
        self.sprite.len()
    }

    pub fn sprite_response(&self, settings: &Settings, request: &HeaderMap) -> Response {
        self.sprite.response(settings, request)
    }

    /// A document, which names the sprite by this URL. Fails with `usage` if that has a character that no URL has.
    pub fn document_response(&self, kind: Document, url: &str, settings: &Settings, request: &HeaderMap) -> Result<Response, Error> {
        let (text, media_type) = match kind {
            Document::WebVtt => (self.storyboard.webvtt(url)?, "text/vtt; charset=utf-8"),
            Document::Json => (self.storyboard.json(url)?, "application/json"),
        };
        let etag = response::etag(text.as_bytes());
        Ok(self.sprite.facts.response(text.into(), media_type, &etag, settings, request))
    }

    /// How long it answers further requests.
    pub fn lifetime(&self) -> Duration {
        if self.sprite.facts.report.live { KEEP_LIVE } else { KEEP_RECORDED }
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
    /// A file made from the pictures. It is cached shortly if some are missing, since the next attempt may have them.
    fn response(&self, bytes: Bytes, media_type: &'static str, etag: &str, settings: &Settings, request: &HeaderMap) -> Response {
        let report = &self.report;
        let caching = if self.failures > 0 { Caching::short(settings) } else { Caching::new(report.live, settings) };
        let cost = PictureCost::new(report.cost, report.timing_ms.total);
        let file = File { bytes, media_type, etag, caching, cost };
        response::file(file, report_facts::http_headers_of_many(report, self.failures), request)
    }
}
