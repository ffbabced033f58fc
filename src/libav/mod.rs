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
mod access_unit_reader;
mod audio;
mod byte_source;
mod colour;
mod container;
mod convert;
mod corrupt_slices;
mod decode_range;
mod decoder;
mod decrypt_samples;
mod deinterlace;
mod demuxer;
mod error;
mod field_pictures;
mod fragment_stream;
mod frame;
mod gray;
mod init_trimmer;
mod jpeg;
mod key_verification;
mod metadata;
mod normalised_stream;
mod sample_entries;
mod scale;
mod search;
mod search_by_time;
mod search_first;
mod size;
mod webp;

pub use about::{About, about};
pub use byte_source::{ByteSource, Upstream};
pub use colour::Colour;
pub use container::{PROBE_BYTES as ENOUGH_TO_RECOGNISE, reject_text, require_media};
pub use convert::{ConvertOptions, PixelForm, picture};
pub use decrypt_samples::{CommonEncryption, DecryptSamples, EncryptedPacket};
pub use fragment_stream::FragmentStream;
pub use frame::Frame;
pub use init_trimmer::{InitTrimmer, needs_init};
pub use jpeg::{decode as decode_jpeg, encode as encode_jpeg};
pub use normalised_stream::NormalisedStream;
pub use search::{DecodeLimits, DomainState, FoundFrame, InputKind, SearchOutcome, SearchTarget, SearchTime, search};
pub use webp::{encode as encode_webp, encode_lossless as encode_lossless_webp};
