//! The fuzzers' targets over their committed corpus, and over what a few thousand cuts and flips make of it.

#[path = "../fuzz/targets.rs"]
mod targets;

use std::path::Path;

use targets::Way;

/// Runs a target over each file of its corpus: as it is, cut, and with bits flipped. `times` each.
fn over(name: &str, times: usize, target: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut seen = 0;
    let mut random = 1_u64;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap_or_default() % below.max(1)
    };
    for entry in std::fs::read_dir(folder).expect("the corpus") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("readable");
        target(&bytes);
        for _ in 0..times {
            let mut spoilt = bytes.clone();
            if next(4) == 0 {
                spoilt.truncate(next(bytes.len()));
            }
            for _ in 0..next(8) {
                let at = next(spoilt.len());
                if let Some(byte) = spoilt.get_mut(at) {
                    *byte ^= 1 << next(8);
                }
            }
            target(&spoilt);
        }
        seen += 1;
    }
    assert!(seen > 3, "{name}: {seen} files");
}

#[test]
fn playlists() {
    over("playlist", 20, targets::playlist);
}

#[test]
fn transport_streams() {
    over("ts", 20, |data| targets::media(data, Way::Ts));
}

#[test]
fn movie_fragments() {
    over("fmp4", 20, |data| targets::media(data, Way::Fragments));
}

#[test]
fn movies() {
    over("mp4", 20, |data| targets::media(data, Way::File));
}

#[test]
fn encrypted_samples() {
    over("samples", 200, targets::samples);
}

#[test]
fn queries() {
    over("query", 200, targets::query);
}

#[test]
fn events() {
    over("event", 200, targets::event);
}
