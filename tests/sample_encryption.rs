//! Samples encrypted with SAMPLE-AES in transport streams and with Common Encryption in fMP4.

use crate::encrypted_origin::{IV, IV_TEXT, KEY, WRONG_KEYS, assert_wrong_keys_are_reported, iv_of, origin_with, report};
use crate::origin::fixture;
use crate::support::{
    captured_frame,
    common_encryption::{Codec, KID, encrypt_init, encrypt_segment},
    encryption::sample_aes_ts,
    frame_number, hex, hlsnap,
};

#[test]
fn sample_aes_of_a_transport_stream_is_decrypted() {
    for (name, pid, hevc, frames) in [("ladder-ts/v0-0.ts", 257, false, 50), ("codecs/hevc-ts-0.ts", 256, true, 12)] {
        let clear = fixture(name);
        let encrypted = sample_aes_ts(&clear, pid, hevc, &KEY, &IV);
        assert_ne!(encrypted.len(), 0);
        let lines = format!("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"/key\",IV={IV_TEXT}\n#EXTINF:2,\n/0.ts\n");
        let origin = origin_with(&lines, &KEY, &[("/0.ts", encrypted)]);
        let url = origin.url("/x.m3u8");
        let run = hlsnap(&[&url, "--json", "-o", "out.png"]);
        assert_eq!(report(&run)["encrypted"], "sample-aes", "{name}");
        assert_eq!(frame_number(&run.picture("out.png")), 0, "{name}");
        for wanted in [1, 5, frames - 1] {
            let at = format!("{:.3}", f64::from(wanted) * 0.04 + 0.001);
            assert_eq!(captured_frame(&url, &["--at", &at]), wanted, "{name}");
        }
        assert_wrong_keys_are_reported(&url, &[], WRONG_KEYS);
        assert_wrong_keys_are_reported(&url, &["--at", "0.4"], WRONG_KEYS);
    }
}

#[test]
fn common_encryption_is_decrypted_for_every_codec_in_both_schemes() {
    let streams = [
        ("ladder-fmp4/v0", Codec::H264, 50),
        ("codecs/h264-10bit", Codec::H264, 12),
        ("codecs/h264-444", Codec::H264, 12),
        ("codecs/hevc", Codec::Hevc, 12),
        ("codecs/vp9", Codec::Vp9, 12),
        ("codecs/av1", Codec::Av1, 12),
    ];
    for (name, kind, frames) in streams {
        for (scheme, method) in [(*b"cbcs", "SAMPLE-AES"), (*b"cenc", "SAMPLE-AES-CTR")] {
            let lines = format!(
                "#EXT-X-MAP:URI=\"/init.mp4\"\n#EXT-X-KEY:METHOD={method},URI=\"/key\",KEYFORMAT=\"identity\"\n#EXTINF:2,\n/0.m4s\n"
            );
            let encrypted_init = encrypt_init(&fixture(&format!("{name}-init.mp4")), scheme, None);
            let encrypted = encrypt_segment(&fixture(&format!("{name}-0.m4s")), kind, scheme, &KEY);
            let origin = origin_with(&lines, &KEY, &[("/init.mp4", encrypted_init), ("/0.m4s", encrypted)]);
            let url = origin.url("/x.m3u8");
            let what = format!("{name} {}", String::from_utf8_lossy(&scheme));
            let run = hlsnap(&[&url, "--json", "-o", "out.png"]);
            assert_eq!(run.code, 0, "{what}: {}", run.stderr);
            assert_eq!(report(&run)["encrypted"], String::from_utf8_lossy(&scheme).as_ref(), "{what}");
            assert_eq!(frame_number(&run.picture("out.png")), 0, "{what}");
            assert_eq!(origin.requests().len(), 4, "{what}");
            for wanted in [3, frames - 1] {
                let at = format!("{:.3}", f64::from(wanted) * 0.04 + 0.001);
                assert_eq!(captured_frame(&url, &["--at", &at]), wanted, "{what}");
            }
            assert_eq!(captured_frame(&url, &["--decryption-key", &format!("{}={}", hex(&KID), hex(&KEY))]), 0, "{what}");
            assert_wrong_keys_are_reported(&url, &[], WRONG_KEYS);
            assert_wrong_keys_are_reported(&url, &["--at", "0.3"], WRONG_KEYS / 2);
        }
    }
}

#[test]
fn sample_keys_may_change_with_each_segment() {
    let other = [0x91; 16];
    let keys = [KEY, other, KEY];
    let tag = |index: usize| format!("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"/{}\"\n", if index == 1 { "other" } else { "key" });
    let ts: Vec<_> = (0..3)
        .map(|index| {
            let number = u64::try_from(index).expect("small") + 7;
            sample_aes_ts(&fixture(&format!("ladder-ts/v0-{index}.ts")), 257, false, &keys[index], &iv_of(number))
        })
        .collect();
    let fmp4: Vec<_> = (0..3)
        .map(|index| encrypt_segment(&fixture(&format!("ladder-fmp4/v0-{index}.m4s")), Codec::H264, *b"cbcs", &keys[index]))
        .collect();
    let encrypted_init = encrypt_init(&fixture("ladder-fmp4/v0-init.mp4"), *b"cbcs", None);
    for (map, segments) in [("", ts), ("#EXT-X-MAP:URI=\"/init.mp4\"\n", fmp4)] {
        let entries = [0, 1, 2].map(|index| format!("{}#EXTINF:2,\n/{index}\n", tag(index))).concat();
        let lines = format!("#EXT-X-MEDIA-SEQUENCE:7\n{map}{entries}");
        let mut resources: Vec<_> = ["/0", "/1", "/2"].into_iter().zip(segments).collect();
        resources.push(("/init.mp4", encrypted_init.clone()));
        resources.push(("/other", other.to_vec()));
        let origin = origin_with(&lines, &KEY, &resources);
        let url = origin.url("/x.m3u8");
        // Frames at the end of a segment are only certain after the start of the next one
        for (at, wanted) in [("0", 0), ("1.961", 49), ("2.001", 50), ("3.961", 99), ("4.601", 115), ("5.961", 149)] {
            assert_eq!(captured_frame(&url, &["--at", at]), wanted, "at {at} {map}");
        }
    }
}

#[test]
fn drm_systems_are_named_and_a_given_key_decrypts_their_streams() {
    let widevine = [0xed, 0xef, 0x8b, 0xa9, 0x79, 0xd6, 0x4a, 0xce, 0xa3, 0xc8, 0x27, 0xdc, 0xd5, 0x1d, 0x21, 0xed];
    let encrypted_init = encrypt_init(&fixture("ladder-fmp4/v0-init.mp4"), *b"cenc", Some(widevine));
    let encrypted = encrypt_segment(&fixture("ladder-fmp4/v0-0.m4s"), Codec::H264, *b"cenc", &KEY);
    let tag = |format: &str| format!("#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"data:,x\",KEYFORMAT=\"{format}\"\n");
    for (key, named) in [
        (tag("urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"), "Widevine"),
        (tag("com.microsoft.playready"), "PlayReady"),
        (tag("org.example"), "another DRM system"),
        // Only the `pssh` of the init names the system
        (String::new(), "Widevine"),
    ] {
        let lines = format!("#EXT-X-MAP:URI=\"/init.mp4\"\n{key}#EXTINF:2,\n/0.m4s\n");
        let origin = origin_with(&lines, &KEY, &[("/init.mp4", encrypted_init.clone()), ("/0.m4s", encrypted.clone())]);
        let url = origin.url("/x.m3u8");
        let run = hlsnap(&[&url]);
        assert!(run.fails(23, "encrypted").stderr.contains(named), "{}", run.stderr);
        assert_eq!(captured_frame(&url, &["--decryption-key", &hex(&KEY)]), 0);
        assert_eq!(captured_frame(&url, &["--decryption-key", &format!("{}={}", hex(&KID), hex(&KEY))]), 0);
        // A key for another key ID does not apply
        let run = hlsnap(&[&url, "--decryption-key", &format!("{}={}", hex(&[9; 16]), hex(&KEY))]);
        run.fails(23, "encrypted");
    }
}

#[test]
fn media_under_an_unknown_method_is_only_shown_if_proven_clear() {
    // Encrypted samples, which only the unknown METHOD announces
    let ts = [("ladder-ts/v0-0.ts", 257, false), ("codecs/hevc-ts-0.ts", 256, true)];
    for (name, pid, hevc) in ts {
        let encrypted = sample_aes_ts(&fixture(name), pid, hevc, &KEY, &IV);
        let origin = origin_with("#EXT-X-KEY:METHOD=NEW\n#EXTINF:2,\n/0\n", &KEY, &[("/0", encrypted)]);
        hlsnap(&[&origin.url("/x.m3u8")]).fails(23, "encrypted");
    }
    let fmp4 = [("ladder-fmp4/v0", Codec::H264), ("codecs/hevc", Codec::Hevc), ("codecs/vp9", Codec::Vp9), ("codecs/av1", Codec::Av1)];
    for (name, kind) in fmp4 {
        let (clear_init, clear) = (fixture(&format!("{name}-init.mp4")), fixture(&format!("{name}-0.m4s")));
        let lines = "#EXT-X-MAP:URI=\"/init.mp4\"\n#EXT-X-KEY:METHOD=NEW\n#EXTINF:2,\n/0\n";
        let clear_origin = origin_with(lines, &KEY, &[("/init.mp4", clear_init.clone()), ("/0", clear.clone())]);
        assert_eq!(captured_frame(&clear_origin.url("/x.m3u8"), &[]), 0, "{name}");
        let encrypted = encrypt_segment(&clear, kind, *b"cbcs", &KEY);
        let origin = origin_with(lines, &KEY, &[("/init.mp4", clear_init), ("/0", encrypted)]);
        let run = hlsnap(&[&origin.url("/x.m3u8")]);
        assert!(matches!(run.code, 23 | 24), "{name}: {} {}", run.code, run.stderr);
    }
}
