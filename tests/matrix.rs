//! The fault matrix: every fault, at every location, in every kind of stream. `matrix/table.rs` holds the expected outcomes.
//!
//! Each test runs the cells of one kind of stream and prints the wrong ones with their expected and actual outcomes.

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

use cell::{Location, StreamKind};
use runner::assert_cells;

const PLAYLISTS: [Location; 3] = [Location::Multivariant, Location::Media, Location::Reload];
const I_FRAMES: [Location; 2] = [Location::IFramePlaylist, Location::IFrameSegment];
const INIT_AND_KEY: [Location; 2] = [Location::Init, Location::Key];
const SEGMENTS: [Location; 4] = [Location::Newest, Location::Middle, Location::Part, Location::HintedPart];

#[test]
fn a_live_stream_handles_every_fault_in_its_playlists() {
    assert_cells(StreamKind::Live, &[&PLAYLISTS[..], &I_FRAMES].concat());
}

#[test]
fn a_live_stream_handles_every_fault_in_its_media() {
    assert_cells(StreamKind::Live, &[&INIT_AND_KEY[..], &SEGMENTS].concat());
}

#[test]
fn a_live_transport_stream_handles_every_fault_in_its_media() {
    assert_cells(StreamKind::LiveTransport, &[&INIT_AND_KEY[..], &SEGMENTS].concat());
}

#[test]
fn a_recording_handles_every_fault_in_its_playlists() {
    assert_cells(StreamKind::Recording, &[&PLAYLISTS[..], &I_FRAMES].concat());
}

#[test]
fn a_recording_handles_every_fault_in_its_media() {
    assert_cells(StreamKind::Recording, &[&INIT_AND_KEY[..], &SEGMENTS].concat());
}

#[test]
fn a_recorded_transport_stream_handles_every_fault_in_its_media() {
    assert_cells(StreamKind::RecordedTransport, &[&INIT_AND_KEY[..], &SEGMENTS].concat());
}

#[test]
fn a_low_latency_stream_handles_every_fault_in_its_playlists() {
    assert_cells(StreamKind::LowLatency, &[&PLAYLISTS[..], &I_FRAMES].concat());
}

#[test]
fn a_low_latency_stream_handles_every_fault_in_its_media() {
    assert_cells(StreamKind::LowLatency, &[&INIT_AND_KEY[..], &SEGMENTS].concat());
}
