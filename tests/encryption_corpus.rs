//! Encrypted streams of many packagers, from the corpus: no wrong key gives a picture. `script/judge` checks the right keys.

use crate::support::{corpus_folder, hex, hlsnap};

/// Playlists, and the number of hexadecimal digits of their keys.
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

#[test]
fn every_wrong_key_is_reported_as_wrong() {
    for (playlist, digits) in STREAMS {
        let path = corpus_folder().join(playlist);
        let path = path.to_str().expect("a name");
        for wrong in 1..=8_u64 {
            // Multiples of the golden ratio, which nobody uses as a key
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
fn a_given_key_decrypts_vp9_whose_playlist_has_no_key() {
    let case = corpus_folder().join("pk-vp9-cenc");
    let bytes = std::fs::read(case.join("key.bin")).expect("the key");
    let key = hex(&bytes);
    let playlist = case.join("master.m3u8");
    let playlist = playlist.to_str().expect("a name");
    let run = hlsnap(&[playlist, "--decryption-key", &key, "--at", "50%", "--exact", "-o", "out.png", "-w", "480", "--json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.json()["encrypted"], "cenc");
    let reference = image::open(case.join("ref-mid.png")).expect("the reference").to_rgb8();
    let picture = image::imageops::resize(
        &run.picture("out.png").to_rgb8(),
        reference.width(),
        reference.height(),
        image::imageops::FilterType::Triangle,
    );
    let difference: u64 = picture.as_raw().iter().zip(reference.as_raw()).map(|(one, other)| u64::from(one.abs_diff(*other))).sum();
    let mean = difference as f64 / reference.as_raw().len() as f64;
    assert!(mean < 5.0, "the mean difference is {mean:.1} of 255");
    // Without a key, the error names the DRM system
    let run = hlsnap(&[playlist]);
    assert!(run.fails(23, "encrypted").stderr.contains("ClearKey"), "{}", run.stderr);
}
