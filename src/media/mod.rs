//! Reads the headers of coded video: access units, random access points and presentation times.
//!
//! ```text
//! transport: packets of 188 bytes -> [libavformat] -> assembler: PES payloads -> access units -> UnitFacts
//!                                                     timeline: PTS, DTS, output order -> playlist time
//!                                                     random_access: the access unit that decoding starts from
//! ```
//!
//! A *picture* is coded: an access unit holds one, or the two fields of one. A *frame* is what a decoder returns for it.
//!
//! This module is pure: no FFI, no I/O, no clock. docs/architecture.md explains the timeline and random access.

mod assembler;
mod av1;
mod av1_key_frame;
mod av1_sequence;
mod bits;
mod h264;
mod h264_parameters;
mod header_reader;
mod hevc;
mod hevc_parameters;
mod mpeg2;
mod nal;
mod obu;
mod parameter_sets;
mod random_access;
mod sei;
mod timeline;
mod transport;
mod transport_sync;
mod unit_facts;
mod unit_role;
mod vp9;

pub use assembler::{AccessUnit, AccessUnitAssembler, PesPayload};
pub use av1_key_frame::Av1KeyFrame;
pub use header_reader::HeaderReader;
pub use nal::{NalFraming, nal_unit_ranges};
pub use random_access::{entries_for, is_whole_from};
pub use timeline::{Anchor, MediaClock, TimedUnit, presentation_times, segment_start};
pub use transport::{StreamStart, TransportReader};
pub use transport_sync::find_transport_stream;
pub use unit_facts::{EntryPoint, UnitFacts};
