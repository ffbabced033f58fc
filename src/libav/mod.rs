//! The only room with `unsafe`: bytes in, pictures out, by libavformat, libavcodec and libswscale; WebP by libwebp.
//!
//! ```text
//! Upstream [-> Fragments] -> Normalised -> Source -> Demuxer -> Units -> Decoder -> Frame -> convert -> jpeg, webp
//!                                                     [search: which access units make the frame that was asked for]
//! ```
//!
//! Raw handles free themselves, every `unsafe` block names the C contract that it rests on, and no callback from C unwinds. Nothing
//! here knows of networks, clocks or async: bytes are pulled from an [`Upstream`] on the thread that decodes.

#![allow(unsafe_code, reason = "the room's purpose; each block carries its SAFETY comment")]

mod about;
mod colour;
mod convert;
mod decoder;
mod demuxer;
mod fault;
mod field_pictures;
mod first;
mod fragments;
mod frame;
mod grey;
mod init;
mod jpeg;
mod locked;
mod metadata;
mod moment;
mod normalise;
mod proof;
mod run;
mod sample_entries;
mod scale;
mod search;
mod size;
mod sniff;
mod sound;
mod source;
mod units;
mod unlock;
mod webp;
mod woven;

pub use about::{About, about};
pub use colour::Colour;
pub use convert::{Form, Wanted, picture};
pub use fragments::Fragments;
pub use frame::Frame;
pub use init::{InitSection, needs_init};
pub use jpeg::{decode as decode_jpeg, encode as encode_jpeg};
pub use normalise::Normalised;
pub use search::{Bounds, Found, Kind, Memory, Outcome, Search, Start, search};
pub use sniff::{ENOUGH as ENOUGH_TO_RECOGNISE, recognise, refuse_text};
pub use source::{Source, Upstream};
pub use unlock::{CommonEncryption, Sealed, Unlock};
pub use webp::{encode as encode_webp, encode_lossless as encode_lossless_webp};
