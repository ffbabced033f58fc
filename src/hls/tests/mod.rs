//! Tests of playlists: text in, plan out.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::float_cmp, reason = "a test that panics has failed")]

mod carried_tags;
mod hostile_text;
mod lint;
mod low_latency;
mod m3u8_rs_traps;
mod packager_quirks;
mod plan;
mod round_trip;
mod select_variants;
mod variables;

use url::Url;

use super::{MediaPlaylist, MultivariantPlaylist, Playlist, Variables, parse};
use crate::{error::Error, request::Limits};

/// Pseudo-random numbers (xorshift), the same on every run.
struct RandomNumbers(u64);

impl RandomNumbers {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number from 0 to `limit` - 1.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.below(list.len() as u64)).unwrap()]
    }
}

/// The URL of all playlists in these tests.
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

/// The last path segment of each segment's URL.
fn file_names(playlist: &MediaPlaylist) -> Vec<&str> {
    playlist.segments.iter().map(|segment| segment.url.path().rsplit('/').next().unwrap_or_default()).collect()
}
