//! The only room with `unsafe`: bytes in, pictures out, by libavformat, libavcodec and libswscale; WebP by libwebp.
//!
//! ```text
//! Upstream [-> Fragments] -> Source -> Demuxer -> Decoder -> Frame -> convert -> jpeg, webp
//!                                      [search: which packets make the frame that was asked for]
//! ```
//!
//! Raw handles free themselves, every `unsafe` block names the C contract that it rests on, and no callback from C unwinds. Nothing
//! here knows of networks, clocks or async: bytes are pulled from an [`Upstream`] on the thread that decodes.

#![allow(unsafe_code, reason = "the room's purpose; each block carries its SAFETY comment")]

mod about;
mod convert;
mod decoder;
mod demuxer;
mod fault;
mod first;
mod fragments;
mod frame;
mod init;
mod jpeg;
mod locked;
mod metadata;
mod moment;
mod proof;
mod scale;
mod search;
mod size;
mod sniff;
mod source;
mod unlock;
mod webp;
mod woven;

pub use about::{About, about};
pub use convert::{Form, Wanted, picture};
pub use fragments::Fragments;
pub use frame::{Colour, Frame};
pub use init::{InitSection, needs_init};
pub use jpeg::{decode as decode_jpeg, encode as encode_jpeg};
pub use search::{Bounds, Found, Outcome, Search, Start, search};
pub use sniff::{ENOUGH as ENOUGH_TO_RECOGNISE, recognise};
pub use source::{Source, Upstream};
pub use unlock::{CommonEncryption, Sealed, Unlock};
pub use webp::{encode as encode_webp, encode_lossless as encode_lossless_webp};
