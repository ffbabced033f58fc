//! Encrypted streams of real packagers: no wrong key gives a picture out of any of them.
//!
//! They lie in `$HLSNAP_CORPUS`, else in `../shared/corpus`; that the right keys give the right pictures is the corpus judge's to see.

mod support;

use std::{
    env,
    path::{Path, PathBuf},
};

use support::hlsnap;

/// Playlists, and digits of their keys.
const STREAMS: [(&str, usize); 11] = [
    ("ts-aes128-vhs/index.m3u8", 32),
    ("ff-aes128-ts/index.m3u8", 32),
    ("cap-vod-aes128/aes_b480.mp4_master.m3u8", 32),
    ("cap-rtmp-aes-rotate/hls_enc_demo.m3u8", 32),
    ("fmp4-aes256/media.m3u8", 64),
    ("b4-sample-aes-ts/stream.m3u8", 32),
    ("pk-shaka-sample-aes-ts/master.m3u8", 32),
    ("fmp4-cbcs-real/index.m3u8", 32),
    ("pk-shaka-cbcs-byterange/master.m3u8", 32),
    ("pk-hevc-cbcs/master.m3u8", 32),
    ("pk-vp9-cenc/master.m3u8", 32),
];

fn corpus() -> PathBuf {
    let folder = env::var_os("HLSNAP_CORPUS").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    assert!(folder.is_dir(), "there is no corpus at {}: set HLSNAP_CORPUS to its folder", folder.display());
    folder
}

#[test]
fn wrong_keys_are_told_as_such() {
    for (playlist, digits) in STREAMS {
        let path = corpus().join(playlist);
        let path = path.to_str().expect("a name");
        for wrong in 1..=8_u64 {
            // Digits of the golden ratio: no key of anybody's
            let key: String = format!("{:x}", u128::from(wrong).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834))
                .repeat(4)
                .chars()
                .take(digits)
                .collect();
            for at in [&[][..], &["--at", "50%", "--exact"]] {
                let run = hlsnap(&[&[path, "--decryption-key", &key], at].concat());
                assert_eq!(run.code, 23, "{playlist} {at:?} with {key}: {}", run.stderr);
                assert!(run.fails(23, "encrypted").stderr.contains("the key is wrong"), "{playlist}: {}", run.stderr);
            }
        }
    }
}

#[test]
fn a_key_for_a_key_id_opens_vp9_whose_playlist_names_none() {
    let case = corpus().join("pk-vp9-cenc");
    let bytes = std::fs::read(case.join("key.bin")).expect("the key");
    let key: String = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
    let playlist = case.join("master.m3u8");
    let playlist = playlist.to_str().expect("a name");
    let run = hlsnap(&[playlist, "--decryption-key", &key, "--at", "50%", "--exact", "-o", "out.png", "-w", "480", "--json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.json()["encrypted"], "cenc");
    let right = image::open(case.join("ref-mid.png")).expect("the reference").to_rgb8();
    let given =
        image::imageops::resize(&run.picture("out.png").to_rgb8(), right.width(), right.height(), image::imageops::FilterType::Triangle);
    let off: u64 = given.as_raw().iter().zip(right.as_raw()).map(|(one, other)| u64::from(one.abs_diff(*other))).sum();
    let mean = off as f64 / right.as_raw().len() as f64;
    assert!(mean < 5.0, "off by {mean:.1} of 255 in the mean");
    // Without it, the error says whose it is
    let run = hlsnap(&[playlist]);
    assert!(run.fails(23, "encrypted").stderr.contains("ClearKey"), "{}", run.stderr);
}
