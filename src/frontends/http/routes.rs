//! The table of routes, which router, OpenAPI document and metrics use.

use crate::request::{Format, options::Commands};

/// One path and its endpoint.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route {
    pub path: &'static str,
    pub endpoint: Endpoint,
    /// The media type of a successful answer.
    pub media_type: &'static str,
    /// A description of the answer, in one line.
    pub summary: &'static str,
}

/// The endpoint of a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Endpoint {
    Snapshot(Format),
    Report,
    Sheet(Format),
    Sprite(Format),
    Document(Document),
    Animation { is_gif: bool },
    Inspection,
    OpenApi,
    Health,
}

/// A document that names the sprite of a storyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Document {
    WebVtt,
    Json,
}

/// The kind of a query, which determines its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    /// Pictures, by the options of a command.
    Pictures(Commands),
    Playlists,
}

/// The path of the sprite that a storyboard's documents name.
pub(super) const SPRITE: &str = "/storyboard.jpg";

/// The contract's routes. `/metrics` and `/` are those of `hlsnap serve` alone.
pub(super) const ROUTES: [Route; 18] = [
    snapshot("/snapshot.jpg", Format::Jpeg),
    snapshot("/snapshot.jpeg", Format::Jpeg),
    snapshot("/snapshot.png", Format::Png),
    snapshot("/snapshot.webp", Format::WebP),
    snapshot("/snapshot.avif", Format::Avif),
    route("/report.json", Endpoint::Report, JSON, "The report of a picture, without the picture"),
    sheet("/sheet.jpg", Format::Jpeg),
    sheet("/sheet.png", Format::Png),
    sheet("/sheet.webp", Format::WebP),
    sprite(SPRITE, Format::Jpeg),
    sprite("/storyboard.webp", Format::WebP),
    route("/storyboard.vtt", Endpoint::Document(Document::WebVtt), "text/vtt", "A storyboard's WebVTT document, which names its sprite"),
    route("/storyboard.json", Endpoint::Document(Document::Json), JSON, "A storyboard's JSON document, which names its sprite"),
    route("/animated.webp", Endpoint::Animation { is_gif: false }, "image/webp", "A moving preview"),
    route("/animated.gif", Endpoint::Animation { is_gif: true }, "image/gif", "A moving preview"),
    route("/inspect.json", Endpoint::Inspection, JSON, "Variants, segments, encryption and live edge of a stream"),
    route("/openapi.json", Endpoint::OpenApi, JSON, "This document"),
    route("/healthz", Endpoint::Health, "text/plain", "Whether the server answers"),
];

const JSON: &str = "application/json";

const fn route(path: &'static str, endpoint: Endpoint, media_type: &'static str, summary: &'static str) -> Route {
    Route { path, endpoint, media_type, summary }
}

const fn snapshot(path: &'static str, format: Format) -> Route {
    route(path, Endpoint::Snapshot(format), format.media_type(), "One picture")
}

const fn sheet(path: &'static str, format: Format) -> Route {
    route(path, Endpoint::Sheet(format), format.media_type(), "A contact sheet: one picture of many")
}

const fn sprite(path: &'static str, format: Format) -> Route {
    route(path, Endpoint::Sprite(format), format.media_type(), "A storyboard's sprite")
}

/// A path of the table as it is, and any other as `other`, so that the number of names is bounded.
pub(in crate::frontends) fn path_name(path: &str) -> &'static str {
    Route::find(path).map_or("other", |route| route.path)
}

impl Route {
    pub fn find(path: &str) -> Option<&'static Self> {
        const { &ROUTES }.iter().find(|route| route.path == path)
    }
}

impl Endpoint {
    /// The kind of its query; `None` if it reads none.
    pub fn resource(self) -> Option<Resource> {
        match self {
            Self::Snapshot(_) | Self::Report => Some(Resource::Pictures(Commands::SNAP)),
            Self::Sheet(_) => Some(Resource::Pictures(Commands::SHEET)),
            Self::Sprite(_) | Self::Document(_) => Some(Resource::Pictures(Commands::STORYBOARD)),
            Self::Animation { .. } => Some(Resource::Pictures(Commands::ANIMATE)),
            Self::Inspection => Some(Resource::Playlists),
            Self::OpenApi | Self::Health => None,
        }
    }
}
