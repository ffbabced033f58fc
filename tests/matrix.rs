//! The fault matrix: every fault at every place of every kind of stream. One table says what the program must answer.
//!
//! Each test runs the cells of one kind of stream. A wrong cell is printed with what was expected and what came.

mod origin;
mod support;

#[path = "matrix/cell.rs"]
mod cell;
#[path = "matrix/fault.rs"]
mod fault;
#[path = "matrix/runner.rs"]
mod runner;
#[path = "matrix/stream.rs"]
mod stream;
#[path = "matrix/table.rs"]
mod table;

use cell::{Kind, Place};
use runner::holds;

const PLAYLISTS: [Place; 3] = [Place::Multivariant, Place::Media, Place::Reload];
const SHORTCUTS: [Place; 2] = [Place::IFramePlaylist, Place::IFrameSegment];
const NEEDED: [Place; 2] = [Place::Init, Place::Key];
const SEGMENTS: [Place; 4] = [Place::Newest, Place::Middle, Place::Part, Place::HintedPart];

#[test]
fn a_live_stream_answers_every_fault_in_its_playlists() {
    holds(Kind::Live, &[&PLAYLISTS[..], &SHORTCUTS].concat());
}

#[test]
fn a_live_stream_answers_every_fault_in_its_media() {
    holds(Kind::Live, &[&NEEDED[..], &SEGMENTS].concat());
}

#[test]
fn a_live_transport_stream_answers_every_fault_in_its_media() {
    holds(Kind::LiveTransport, &[&NEEDED[..], &SEGMENTS].concat());
}

#[test]
fn a_recording_answers_every_fault_in_its_playlists() {
    holds(Kind::Recording, &[&PLAYLISTS[..], &SHORTCUTS].concat());
}

#[test]
fn a_recording_answers_every_fault_in_its_media() {
    holds(Kind::Recording, &[&NEEDED[..], &SEGMENTS].concat());
}

#[test]
fn a_recorded_transport_stream_answers_every_fault_in_its_media() {
    holds(Kind::RecordedTransport, &[&NEEDED[..], &SEGMENTS].concat());
}

#[test]
fn a_low_latency_stream_answers_every_fault_in_its_playlists() {
    holds(Kind::LowLatency, &[&PLAYLISTS[..], &SHORTCUTS].concat());
}

#[test]
fn a_low_latency_stream_answers_every_fault_in_its_media() {
    holds(Kind::LowLatency, &[&NEEDED[..], &SEGMENTS].concat());
}
