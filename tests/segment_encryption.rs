//! Whole segments encrypted with AES-128, AES-256, AES-256-CTR and AES-256-GCM.

use crate::encrypted_origin::{IV, IV_TEXT, KEY, KEY_256, encrypted_ladder, iv_of, origin_with, report};
use crate::origin::{Origin, PLAYLIST, Rule, fixture, null_packets};
use crate::support::{
    captured_frame,
    encryption::{cbc_padded, ctr, gcm},
    frame_number, hex, hlsnap,
};

#[test]
fn whole_segments_are_decrypted_with_every_method() {
    type Encrypt = fn(&[u8], u64) -> Vec<u8>;
    let methods: [(&str, &[u8], Encrypt, &str); 5] = [
        ("AES-128,IV=", &KEY, |text, _| cbc_padded(&KEY, &IV, text), "aes-128"),
        ("AES-128", &KEY, |text, number| cbc_padded(&KEY, &iv_of(number), text), "aes-128"),
        ("AES-256,IV=", &KEY_256, |text, _| cbc_padded(&KEY_256, &IV, text), "aes-256"),
        ("AES-256-CTR,IV=", &KEY_256, |text, _| ctr(&KEY_256, &IV, text), "aes-256"),
        ("AES-256-GCM", &KEY_256, |text, number| gcm(&KEY_256, &iv_of(number * 99), text), "aes-256"),
    ];
    for (method, key, encrypt, reported) in methods {
        let iv = if method.ends_with('=') { IV_TEXT } else { "" };
        let origin = encrypted_ladder(&format!("#EXT-X-KEY:METHOD={method}{iv},URI=\"/key\""), key, encrypt);
        let url = origin.url("/x.m3u8");
        let run = hlsnap(&[&url, "--json", "-o", "out.png"]);
        assert_eq!(report(&run)["encrypted"], reported, "{method}");
        assert_eq!(frame_number(&run.picture("out.png")), 0, "{method}");
        assert_eq!(captured_frame(&url, &["--at", "3.5"]), 87, "{method}");
        assert_eq!(captured_frame(&url, &["--at", "4.4", "--key-frame"]), 100, "{method}");
        // With the caller's key, no key is fetched
        let before = origin.requests().len();
        assert_eq!(captured_frame(&url, &["--decryption-key", &hex(key)]), 0, "{method}");
        assert!(origin.requests()[before..].iter().all(|request| request.path != "/key"), "{method}");
    }
}

#[test]
fn aes_128_costs_one_block_and_one_key_request() {
    let clear = Origin::start();
    let cost = |url: &str| report(&hlsnap(&[url, "--json", "--at", "1.96"]))["cost"].clone();
    let count = |cost: &serde_json::Value, name: &str| cost[name].as_u64().expect("a count");
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n/ladder-ts/v0-0.ts\n#EXT-X-ENDLIST\n";
    clear.rule("/x.m3u8", Rule::Body(text.into(), "text/plain"));
    let plain = cost(&clear.url("/x.m3u8"));
    let encrypted = cbc_padded(&KEY, &IV, &fixture("ladder-ts/v0-0.ts"));
    let lines = format!("#EXT-X-KEY:METHOD=AES-128,URI=\"/key\",IV={IV_TEXT}\n#EXTINF:2,\n/0.ts\n");
    let origin = origin_with(&lines, &KEY, &[("/0.ts", encrypted.clone())]);
    let with_key = cost(&origin.url("/x.m3u8"));
    assert_eq!(count(&with_key, "requests"), count(&plain, "requests") + 1);
    let of_media = |cost: &serde_json::Value, origin: &Origin| count(cost, "bytes_received") - origin.requests()[0].sent;
    let more = of_media(&with_key, &origin) - 16 - of_media(&plain, &clear);
    assert!((1..=16).contains(&more), "{more} more bytes of media");
    // The download stops mid-segment, as without encryption
    let long = cbc_padded(&KEY, &IV, &[fixture("ladder-ts/v0-0.ts"), null_packets((8 << 20) / 188)].concat());
    origin.rule("/0.ts", Rule::Body(long, "video/mp2t"));
    let first = report(&hlsnap(&[&origin.url("/x.m3u8"), "--json"]))["cost"].clone();
    assert!(count(&first, "bytes_received") < 400_000, "{first}");
    assert_eq!(count(&first, "requests"), 3);
}

#[test]
fn a_portion_that_ends_mid_segment_is_continued() {
    // The first portion ends before the picture, and within a block
    let text = [null_packets(300_000 / 188), fixture("ladder-ts/v0-0.ts")].concat();
    for (tag, encrypted, key) in [
        (format!("AES-128,IV={IV_TEXT}"), cbc_padded(&KEY, &IV, &text), &KEY[..]),
        (format!("AES-256-CTR,IV={IV_TEXT}"), ctr(&KEY_256, &IV, &text), &KEY_256),
        ("AES-256-GCM".to_owned(), gcm(&KEY_256, &IV, &text), &KEY_256),
    ] {
        let lines = format!("#EXT-X-KEY:METHOD={tag},URI=\"/key\"\n#EXT-X-BITRATE:1001\n#EXTINF:2,\n/0.ts\n");
        let origin = origin_with(&lines, key, &[("/0.ts", encrypted)]);
        assert_eq!(captured_frame(&origin.url("/x.m3u8"), &[]), 0, "{tag}");
        let ranges: Vec<_> = origin.requests().into_iter().filter(|request| request.path == "/0.ts").map(|request| request.range).collect();
        // GCM authenticates the whole segment, so it is requested at once
        let wanted: &[Option<&str>] = if tag.ends_with("GCM") { &[None] } else { &[Some("bytes=0-75074"), Some("bytes=75075-")] };
        assert_eq!(ranges.iter().map(Option::as_deref).collect::<Vec<_>>(), wanted, "{tag}");
    }
}

#[test]
fn bodies_in_single_bytes_are_decrypted_and_cut_ones_are_errors() {
    for (method, encrypted, key) in [
        (format!("AES-128,IV={IV_TEXT}"), cbc_padded(&KEY, &IV, &fixture("ladder-ts/v2-0.ts")), &KEY[..]),
        ("AES-256-GCM".to_owned(), gcm(&KEY_256, &IV, &fixture("ladder-ts/v2-0.ts")), &KEY_256),
    ] {
        let origin = origin_with(&format!("#EXT-X-KEY:METHOD={method},URI=\"/key\"\n#EXTINF:2,\n/0.ts\n"), key, &[]);
        let url = origin.url("/x.m3u8");
        origin.rule("/0.ts", Rule::InPieces(encrypted.clone(), 1));
        assert_eq!(captured_frame(&url, &[]), 0, "{method}");
        for size in [0, 1, 15, 16, 17, 200, 1000] {
            origin.rule("/0.ts", Rule::InPieces(encrypted[..size].to_vec(), 100));
            let run = hlsnap(&[&url]);
            assert!(matches!(run.code, 21..=24), "{method}, {size} bytes: {}", run.stderr);
        }
    }
}

#[test]
fn inits_byte_ranges_and_changing_keys_are_decrypted() {
    // The init has its own key and IV. The segments follow it in the same file, and their keys alternate
    let other = [0x44; 16];
    let encrypted_init = cbc_padded(&other, &iv_of(5), &fixture("ladder-fmp4/v0-init.mp4"));
    let parts: Vec<_> = [(0, KEY), (1, other), (2, KEY)]
        .map(|(index, key)| cbc_padded(&key, &iv_of(index), &fixture(&format!("ladder-fmp4/v0-{index}.m4s"))))
        .into();
    let range = |index: usize, at: &str| format!("#EXTINF:2,\n#EXT-X-BYTERANGE:{}{at}\n/all.mp4\n", parts[index].len());
    let lines = format!(
        "#EXT-X-KEY:METHOD=AES-128,URI=\"/other\",IV=0x5\n#EXT-X-MAP:URI=\"/all.mp4\",BYTERANGE=\"{}@0\"\n\
         #EXT-X-KEY:METHOD=AES-128,URI=\"/key\"\n{}#EXT-X-KEY:METHOD=AES-128,URI=\"/other\"\n{}#EXT-X-KEY:METHOD=AES-128,URI=\"/key\"\n{}",
        encrypted_init.len(),
        range(0, &format!("@{}", encrypted_init.len())),
        range(1, ""),
        range(2, ""),
    );
    let all = [encrypted_init, parts.concat()].concat();
    let origin = origin_with(&lines, &KEY, &[("/all.mp4", all), ("/other", other.to_vec())]);
    let url = origin.url("/x.m3u8");
    for (at, wanted) in [("0", 0), ("1.96", 49), ("2.04", 51), ("5.5", 137)] {
        assert_eq!(captured_frame(&url, &["--at", at]), wanted, "at {at}");
    }
    let before = origin.requests().len();
    assert_eq!(captured_frame(&url, &["--at", "start"]), 0);
    assert_eq!(origin.requests().len() - before, 5, "playlist, init, segment, and each key once");
    // With the wrong one of the two keys nothing is decrypted
    origin.rule("/other", Rule::Body(KEY.to_vec(), "application/octet-stream"));
    hlsnap(&[&url]).fails(23, "encrypted");
}

#[test]
fn each_partial_segment_is_decrypted_by_itself() {
    let part = |index: u64| cbc_padded(&KEY, &iv_of(7), &fixture(&format!("ladder-fmp4/v0-{index}.m4s")));
    let text = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:6\n#EXT-X-PART-INF:PART-TARGET=2\n#EXT-X-MEDIA-SEQUENCE:7\n\
                #EXT-X-MAP:URI=\"/ladder-fmp4/v0-init.mp4\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"/key\"\n\
                #EXT-X-PART:DURATION=2,URI=\"/0.m4s\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=2,URI=\"/1.m4s\",INDEPENDENT=YES\n\
                #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"/2.m4s\"\n";
    let origin = Origin::start();
    origin.rule("/x.m3u8", Rule::Body(text.into(), PLAYLIST));
    origin.rule("/key", Rule::Body(KEY.to_vec(), "application/octet-stream"));
    for (path, index) in [("/0.m4s", 0), ("/1.m4s", 1), ("/2.m4s", 2)] {
        origin.rule(path, Rule::Body(part(index), "video/mp4"));
    }
    assert_eq!(captured_frame(&origin.url("/x.m3u8"), &[]), 50);
    assert_eq!(captured_frame(&origin.url("/x.m3u8"), &["--at", "live", "--exact"]), 149, "the hinted part");
    assert_eq!(captured_frame(&origin.url("/x.m3u8"), &["--at", "1"]), 25);
}

#[test]
fn a_clear_lead_needs_no_key() {
    let encrypted = cbc_padded(&KEY, &iv_of(1), &fixture("ladder-ts/v0-1.ts"));
    let lines = "#EXTINF:2,\n/ladder-ts/v0-0.ts\n#EXT-X-KEY:METHOD=AES-128,URI=\"/key\"\n#EXTINF:2,\n/1.ts\n\
                 #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n#EXTINF:2,\n/gone.ts\n";
    let origin = origin_with(lines, &KEY, &[("/1.ts", encrypted)]);
    let url = origin.url("/x.m3u8");
    let run = hlsnap(&[&url, "--json"]);
    assert_eq!(report(&run)["encrypted"], "none");
    assert!(!origin.paths().contains(&"/key".to_owned()));
    assert_eq!(captured_frame(&url, &["--at", "3.9"]), 97);
    let run = hlsnap(&[&url, "--at", "5"]);
    assert!(run.fails(23, "encrypted").stderr.contains("FairPlay"), "{}", run.stderr);
}
