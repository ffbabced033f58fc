//! Bytes in, frames out, by libavformat and libavcodec. `unsafe` is only here and in `render/ffi`, the two places that call C.
//!
//! ```text
//! Upstream [-> Fragments] -> Normalised -> Source -> Demuxer -> Units -> Decoder -> Frame
//!                                                     [search: which access units make the frame that was asked for]
//! ```
//!
//! Raw handles free themselves, every `unsafe` block names the C contract that it rests on, and no callback from C unwinds. Nothing
//! here knows of networks, clocks or async: bytes are pulled from an [`Upstream`] on the thread that decodes.

#![allow(unsafe_code, reason = "the room's purpose; each block carries its SAFETY comment")]

mod about;
mod byte_source;
mod color_codes;
mod decode_run;
mod decoder;
mod decrypt_samples;
mod demuxer;
mod error;
mod field_pictures;
mod first_key_frame;
mod fragments;
mod frame;
mod init;
mod key_verification;
mod metadata;
mod normalise;
mod sample_entries;
mod search;
mod seek;
mod size;
mod sniff;
mod sound;
mod spoilt_slices;
mod still;
mod units;

pub use about::{About, about};
pub use byte_source::{ByteSource, Upstream};
pub use color_codes::{ColorCodes, MatrixCode, PrimariesCode, TransferCode};
pub use decrypt_samples::{CommonEncryption, DecryptSamples, EncryptedPacket};
pub use ffmpeg_next::format::Pixel as PixelFormat;
pub use fragments::Fragments;
pub use frame::{FieldOrder, Frame};
pub use init::{InitSection, needs_init};
pub use normalise::NormalisedStream;
pub use search::{DecodeLimits, DomainState, Found, InputKind, SearchOutcome, SearchTarget, SearchTime, search};
pub use sniff::{ENOUGH as ENOUGH_TO_RECOGNISE, recognise, refuse_text};
pub use still::decode_jpeg;

pub(crate) use error::{check, failure, no_memory, set_up};
