//! Tests of the room: text in, plan out.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::float_cmp, reason = "a test that panics has failed")]

mod carried;
mod checks;
mod choice;
mod hostile;
mod low_latency;
mod plans;
mod printed;
mod quirks;
mod traps;
mod variables;

use url::Url;

use super::{MediaPlaylist, MultivariantPlaylist, Playlist, Variables, parse};
use crate::{error::Error, request::Limits};

fn base() -> Url {
    "https://origin.test/live/index.m3u8?token=1".parse().unwrap()
}

fn read(text: impl AsRef<[u8]>) -> Result<Playlist, Error> {
    parse(text.as_ref(), &base(), &Variables::default(), &Limits::default())
}

fn media(text: impl AsRef<[u8]>) -> MediaPlaylist {
    match read(text) {
        Ok(Playlist::Media(media)) => media,
        other => panic!("not a Media Playlist: {other:?}"),
    }
}

fn multivariant(text: impl AsRef<[u8]>) -> MultivariantPlaylist {
    match read(text) {
        Ok(Playlist::Multivariant(multivariant)) => multivariant,
        other => panic!("not a Multivariant Playlist: {other:?}"),
    }
}

/// Segments by the last part of their paths.
fn names(playlist: &MediaPlaylist) -> Vec<&str> {
    playlist.segments.iter().map(|segment| segment.url.path().rsplit('/').next().unwrap_or_default()).collect()
}
