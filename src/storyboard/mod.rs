//! The documents beside a storyboard's sheets, from which players learn which tile shows which moment: text and bytes from typed facts.
//!
//! | file | written by | read by |
//! |---|---|---|
//! | `storyboard.vtt` | [`webvtt()`] | most players, by themselves or with a plugin |
//! | `storyboard.json` | [`mux_json()`] | players made for Mux, and scripts |
//! | `images.m3u8` | [`image_playlist()`] | Roku, Shaka Player, hlsnap |
//! | `iframes.m3u8` | [`i_frame_playlist()`] | hls.js, Shaka Player, Apple's tools, hlsnap |
//! | `storyboard.m3u8` | [`multivariant()`] | nobody alone: its lines belong into the stream's Multivariant Playlist |
//! | `thumbnails.mpd` | [`mpd()`] | DASH players; its AdaptationSet belongs into the stream's MPD |
//!
//! The sheets are `storyboard-000.jpg` and so on. `iframes.m3u8` needs each tile as a JPEG of its own, in `storyboard-000.mp4` and so on,
//! which [`init_segment`] and [`fragment`] write.

mod bandwidth;
mod i_frame_playlist;
mod image_playlist;
mod jpeg_mp4;
mod model;
mod mpd;
mod multivariant;
mod mux_json;
mod playlist_text;
mod url_form;
mod webvtt;

pub use i_frame_playlist::i_frame_playlist;
pub use image_playlist::image_playlist;
pub use jpeg_mp4::{fragment, init_segment};
pub use model::{I_FRAME_INIT, Sheet, Storyboard, Tile, sheet_name};
pub use mpd::mpd;
pub use multivariant::{i_frame_stream_inf, image_stream_inf, multivariant};
pub use mux_json::mux_json;
pub use url_form::UrlForm;
pub use webvtt::webvtt;

#[cfg(test)]
mod tests;
