//! Origins of encrypted streams, made of the fixtures.

use crate::{
    origin::{Origin, PLAYLIST, Rule, fixture},
    support::{Run, hex, hlsnap},
};

pub const KEY: [u8; 16] = *b"0123456789abcdef";
pub const KEY_256: [u8; 32] = *b"0123456789abcdef0123456789ABCDEF";
pub const IV: [u8; 16] = [0xa7; 16];
pub const IV_TEXT: &str = "0xa7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7";

/// The IV of a segment without the attribute: its Media Sequence Number (RFC 8216bis, section 5.2).
pub fn iv_of(media_sequence_number: u64) -> [u8; 16] {
    u128::from(media_sequence_number).to_be_bytes()
}

/// An origin with a playlist of these lines at `/x.m3u8`, the key at `/key`, and these resources.
pub fn origin_with(lines: &str, key: &[u8], resources: &[(&str, Vec<u8>)]) -> Origin {
    let origin = Origin::start();
    let text = format!("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n{lines}#EXT-X-ENDLIST\n");
    origin.rule("/x.m3u8", Rule::Body(text.into(), PLAYLIST));
    origin.rule("/key", Rule::Body(key.to_vec(), "application/octet-stream"));
    for (path, bytes) in resources {
        origin.rule(path, Rule::Body(bytes.clone(), "application/octet-stream"));
    }
    origin
}

/// An origin with the three TS segments of the ladder, encrypted by a function of the segment and its Media Sequence Number, 7 to 9.
pub fn encrypted_ladder(tag: &str, key: &[u8], encrypt: impl Fn(&[u8], u64) -> Vec<u8>) -> Origin {
    let segments: Vec<_> = (0..3).map(|index| encrypt(&fixture(&format!("ladder-ts/v0-{index}.ts")), 7 + index)).collect();
    let lines = format!("#EXT-X-MEDIA-SEQUENCE:7\n{tag}\n#EXTINF:2,\n/0.ts\n#EXTINF:2,\n/1.ts\n#EXTINF:2,\n/2.ts\n");
    let resources: Vec<_> = ["/0.ts", "/1.ts", "/2.ts"].into_iter().zip(segments).collect();
    origin_with(&lines, key, &resources)
}

/// The report of a run that gave a picture.
#[track_caller]
pub fn report(run: &Run) -> serde_json::Value {
    run.succeeds().json()
}

/// The number of wrong keys that each stream is tried with.
pub const WRONG_KEYS: u8 = 12;

/// Asserts that several wrong keys are reported as such and never shown.
#[track_caller]
pub fn assert_wrong_keys_are_reported(url: &str, options: &[&str], count: u8) {
    for wrong in 0..count {
        let key: Vec<u8> = (0..16).map(|index: u8| index.wrapping_mul(29).wrapping_add(wrong.wrapping_mul(83)) ^ 0x3c).collect();
        let key = hex(&key);
        let run = hlsnap(&[&[url, "--decryption-key", &key], options].concat());
        assert_eq!(run.code, 23, "{url} {options:?} with {key}: {}", run.stderr);
        assert!(run.fails(23, "encrypted").stderr.contains("key"), "{}", run.stderr);
        assert!(!run.stderr.contains(&key), "the key is not shown");
    }
}
