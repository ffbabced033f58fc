//! Finds and decodes a frame with libavformat and libavcodec. `unsafe` is only here and in `render/ffi`, the two places that call C.
//!
//! ```text
//! Upstream [-> FragmentStream] -> NormalizedStream -> ByteSource -> Demuxer -> AccessUnitReader -> Decoder -> Frame
//!                                                                              [search: which access units to decode]
//! ```
//!
//! Raw handles free themselves, every `unsafe` block names the C contract that it relies on, and no callback from C unwinds. This module
//! knows no network, clock or async: it pulls bytes from an [`Upstream`] on the decoding thread.

#![allow(unsafe_code, reason = "the module's purpose; each block carries its SAFETY comment")]

mod about;
mod access_unit_reader;
mod anchor_state;
mod audio;
mod boxes;
mod byte_source;
mod coded_key_frame;
mod color_codes;
mod container;
mod corrupt_slices;
mod decode_range;
mod decoder;
mod decrypt_samples;
mod demuxer;
mod error;
mod field_pictures;
mod format_context;
mod fragment_stream;
mod frame;
mod init_trimmer;
mod key_verification;
mod light_metadata;
mod metadata;
mod normalized_stream;
mod playlist_times;
mod process;
mod sample_entries;
mod search;
mod search_by_time;
mod search_first;
mod search_moments;
mod search_state;
mod size;
mod sound;
mod sound_decoder;
mod still;
mod stream;
mod video_selection;

pub use crate::media::{Av1KeyFrame, HeaderReader};
pub use about::{About, about};
pub use byte_source::{ByteSource, Upstream};
pub use coded_key_frame::CodedKeyFrame;
pub use color_codes::{ColorCodes, MatrixCode, PrimariesCode, TransferCode, h273_numbers};
pub use container::{PROBE_BYTES, reject_text, require_media};
pub use decrypt_samples::{CommonEncryption, DecryptSamples, EncryptedPacket};
pub use ffmpeg_next::format::Pixel as PixelFormat;
pub use fragment_stream::FragmentStream;
pub use frame::{FieldOrder, Frame};
pub use init_trimmer::{InitTrimmer, needs_init};
pub use light_metadata::{ContentLight, MasteringDisplay};
pub use normalized_stream::NormalizedStream;
pub(crate) use process::{configure_process, reserve_picture_memory, silence_log};
pub use search::{FoundFrame, InputKind, SearchOutcome, SearchTarget, SearchTime, search};
pub use search_moments::MomentSearch;
pub use search_state::{DecodeLimits, DomainState};
pub use sound::{SoundFacts, SoundReader, read_sound};
pub use sound_decoder::SoundLevel;
pub use still::decode_jpeg;

pub(crate) use error::{check, failure, no_memory};
pub(crate) use process::limit_allocations;
