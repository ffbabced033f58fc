//! The fuzz targets over their committed corpus, and over thousands of cut and flipped variants of it.

#[path = "../fuzz/targets.rs"]
mod targets;

use std::path::Path;

use crate::random::Random;
use targets::InputFormat;

/// Runs a target over each file of its corpus, and over `times` variants of it that are cut or have flipped bits.
fn run_corpus(name: &str, times: usize, target: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut files = 0;
    let mut random = Random(1);
    for entry in std::fs::read_dir(folder).expect("the corpus") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("readable");
        target(&bytes);
        for _ in 0..times {
            let mut damaged = bytes.clone();
            if random.below(4) == 0 {
                damaged.truncate(random.below(bytes.len()));
            }
            for _ in 0..random.below(8) {
                let at = random.below(damaged.len());
                if let Some(byte) = damaged.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            target(&damaged);
        }
        files += 1;
    }
    assert!(files > 3, "{name}: {files} files");
}

#[test]
fn playlists_never_crash_the_parser() {
    run_corpus("playlist", 20, targets::playlist);
}

#[test]
fn transport_streams_never_crash_the_pipeline() {
    run_corpus("ts", 20, |data| targets::media(data, InputFormat::Ts));
}

#[test]
fn movie_fragments_never_crash_the_pipeline() {
    run_corpus("fmp4", 20, |data| targets::media(data, InputFormat::Fragments));
}

#[test]
fn movie_files_never_crash_the_pipeline() {
    run_corpus("mp4", 20, |data| targets::media(data, InputFormat::File));
}

#[test]
fn encrypted_samples_never_crash_the_ciphers() {
    run_corpus("samples", 200, targets::samples);
}

#[test]
fn queries_never_crash_the_http_server() {
    run_corpus("query", 200, targets::query);
}

#[test]
fn events_never_crash_the_lambda_function() {
    run_corpus("event", 200, targets::event);
}
