//! The committed fixtures, and bytes that several tests make of them.

use std::{io::Write, path::PathBuf};

/// The media type of playlists.
pub const PLAYLIST: &str = "application/vnd.apple.mpegurl";

pub fn fixtures_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// The bytes of a file below `tests/fixtures`. The name may begin with a slash, as paths of the origin do.
#[track_caller]
pub fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixtures_folder().join(name.trim_start_matches('/'))).unwrap_or_else(|e| panic!("fixture {name}: {e}"))
}

/// The text of a file below `tests/fixtures`.
#[track_caller]
pub fn fixture_text(name: &str) -> String {
    String::from_utf8(fixture(name)).expect("UTF-8")
}

/// Null packets of a transport stream (PID 0x1fff).
pub fn null_packets(count: usize) -> Vec<u8> {
    let mut packet = [0xff; 188];
    packet[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
    packet.repeat(count)
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("compressed");
    encoder.finish().expect("compressed")
}

pub fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::new();
    // Higher qualities take seconds for tens of megabytes
    let parameters = brotli::enc::BrotliEncoderParams { quality: 3, ..Default::default() };
    brotli::BrotliCompress(&mut &*bytes, &mut compressed, &parameters).expect("compressed");
    compressed
}
