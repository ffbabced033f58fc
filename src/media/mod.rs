//! What coded media says about itself, read from its bytes alone: access units, random access points, presentation times.
//!
//! ```text
//! transport: packets of 188 bytes -> [libavformat] -> assembler: PES payloads -> access units -> Facts
//!                                                     timeline: PTS, DTS, output order -> playlist time
//!                                                     random_access: which unit decoding starts from
//! ```
//!
//! Everything here is pure: no FFI, no I/O, no clock. docs/architecture.md explains the timeline and random access on a page each.

mod assembler;
mod av1;
mod bits;
mod h264;
mod h264_parameters;
mod header_reader;
mod hevc;
mod hevc_parameters;
mod mpeg2;
mod nal;
mod random_access;
mod timeline;
mod transport;
mod transport_sync;
mod unit_facts;
mod vp9;

pub use assembler::{AccessUnit, AccessUnitAssembler, PesPayload};
pub use header_reader::HeaderReader;
pub use random_access::{entries_for, is_whole_from};
pub use timeline::{Anchor, MediaClock, TimedUnit, presentation_times, segment_start};
pub use transport::{StreamStart, TransportReader};
pub use transport_sync::{find_transport_stream, packet_stride_at as transport_packet_size_at};
pub use unit_facts::{EntryPoint, RecoveryPoint, UnitFacts};
