//! `/channels.json` and `/channels/{id}.json`: the board as JSON.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use chrono::Utc;
use serde::Serialize;

use super::state::{Wall, no_such_channel};
use crate::{
    frontends::http::response::{self, Caching, problem},
    time::rfc3339,
    watch::ChannelView,
};

const UNCACHED: &str = "no-store";

/// All channels, and the point at which the stream of changes continues.
#[derive(Serialize)]
struct List<'a> {
    time: String,
    every_seconds: f64,
    /// `/events?after=` this starts with the changes after this list.
    event_id: String,
    channels: Vec<&'a ChannelView>,
}

pub(super) async fn list(State(wall): State<Wall>) -> Response {
    let (channels, event_id) = wall.board.channels();
    let list = List {
        time: rfc3339(Utc::now()),
        every_seconds: wall.board.every().as_secs_f64(),
        event_id,
        channels: channels.iter().map(Arc::as_ref).collect(),
    };
    response::json(&list, &Caching::fixed(UNCACHED)).unwrap_or_else(|e| problem(&e))
}

pub(super) async fn detail(State(wall): State<Wall>, Path(file): Path<String>) -> Response {
    let id = file.strip_suffix(".json").unwrap_or(&file);
    match wall.board.detail(id) {
        Some(detail) => response::json(&detail, &Caching::fixed(UNCACHED)).unwrap_or_else(|e| problem(&e)),
        None => no_such_channel(id),
    }
}
