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
mod byte_source;
mod colour;
mod convert;
mod decode_run;
mod decoder;
mod decrypt_samples;
mod deinterlace;
mod demuxer;
mod error;
mod field_pictures;
mod first_key_frame;
mod fragments;
mod frame;
mod gray;
mod init;
mod jpeg;
mod key_verification;
mod metadata;
mod normalise;
mod sample_entries;
mod scale;
mod search;
mod seek;
mod size;
mod sniff;
mod sound;
mod spoilt_slices;
mod units;
mod webp;

pub use about::{About, about};
pub use byte_source::{ByteSource, Upstream};
pub use colour::Colour;
pub use convert::{ConvertOptions, PixelForm, picture};
pub use decrypt_samples::{CommonEncryption, DecryptSamples, EncryptedPacket};
pub use fragments::Fragments;
pub use frame::Frame;
pub use init::{InitSection, needs_init};
pub use jpeg::{decode as decode_jpeg, encode as encode_jpeg};
pub use normalise::NormalisedStream;
pub use search::{DecodeLimits, DomainState, Found, InputKind, SearchOutcome, SearchTarget, SearchTime, search};
pub use sniff::{ENOUGH as ENOUGH_TO_RECOGNISE, recognise, refuse_text};
pub use webp::{encode as encode_webp, encode_lossless as encode_lossless_webp};
