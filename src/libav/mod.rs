//! The only module with `unsafe`: finds and decodes a frame with libavformat and libavcodec.
//!
//! ```text
//! Upstream [-> FragmentStream] -> NormalisedStream -> ByteSource -> Demuxer -> AccessUnitReader -> Decoder -> Frame -> convert -> jpeg, webp
//!                                                                              [search: which access units to decode]
//! ```
//!
//! Raw handles free themselves, every `unsafe` block names the C contract that it relies on, and no callback from C unwinds. This module
//! knows no network, clock or async: it pulls bytes from an [`Upstream`] on the decoding thread.

#![allow(unsafe_code, reason = "the module's purpose; each block carries its SAFETY comment")]

mod about;
mod access_unit_reader;
mod audio;
mod boxes;
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
mod playlist_times;
mod process;
mod sample_entries;
mod scale;
mod search;
mod search_by_time;
mod search_first;
mod size;
mod stream;
mod video_selection;
mod webp;

pub use about::{About, about};
pub use byte_source::{ByteSource, Upstream};
pub use colour::Colour;
pub use container::{PROBE_BYTES, reject_text, require_media};
pub use convert::{ConvertOptions, PixelForm, picture};
pub use decrypt_samples::{CommonEncryption, DecryptSamples, EncryptedPacket};
pub use fragment_stream::FragmentStream;
pub use frame::Frame;
pub use init_trimmer::{InitTrimmer, needs_init};
pub use jpeg::{decode as decode_jpeg, encode as encode_jpeg};
pub use normalised_stream::NormalisedStream;
pub(crate) use process::configure_process;
pub use search::{DecodeLimits, DomainState, FoundFrame, InputKind, SearchOutcome, SearchTarget, SearchTime, search};
pub use webp::{encode as encode_webp, encode_lossless as encode_lossless_webp};
