//! Protection that has a key is opened, what has none is told, and no wrong key ever gives a picture.

mod origin;
mod support;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use origin::{Origin, Rule, fixtures};
use support::{
    Run,
    common_encryption::{KID, Kind, init, segment},
    frame, hlsnap, number,
    sealing::{ctr, gcm, padded, sample_aes_ts},
};

const KEY: [u8; 16] = *b"0123456789abcdef";
const KEY_256: [u8; 32] = *b"0123456789abcdef0123456789ABCDEF";
const IV: [u8; 16] = [0xa7; 16];
const IV_TEXT: &str = "0xa7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7";

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixtures().join(name)).expect("a fixture")
}

fn iv_of(number: u64) -> [u8; 16] {
    u128::from(number).to_be_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// An origin with a playlist of some lines, the key at `/key`, and these resources.
fn origin_with(lines: &str, key: &[u8], resources: &[(&str, Vec<u8>)]) -> Origin {
    let origin = Origin::start();
    let text = format!("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n{lines}#EXT-X-ENDLIST\n");
    origin.rule("/x.m3u8", Rule::Body(text.into(), "application/vnd.apple.mpegurl"));
    origin.rule("/key", Rule::Body(key.to_vec(), "application/octet-stream"));
    for (path, bytes) in resources {
        origin.rule(path, Rule::Body(bytes.clone(), "application/octet-stream"));
    }
    origin
}

/// The three TS segments of the ladder, from Media Sequence Number 7 on, as `seal` has them.
fn sealed_ts(tags: &str, key: &[u8], seal: impl Fn(&[u8], u64) -> Vec<u8>) -> Origin {
    let segments: Vec<_> = (0..3).map(|index| seal(&fixture(&format!("ladder-ts/v0-{index}.ts")), 7 + index)).collect();
    let lines = format!("#EXT-X-MEDIA-SEQUENCE:7\n{tags}\n#EXTINF:2,\n/0.ts\n#EXTINF:2,\n/1.ts\n#EXTINF:2,\n/2.ts\n");
    let resources: Vec<_> = ["/0.ts", "/1.ts", "/2.ts"].into_iter().zip(segments).collect();
    origin_with(&lines, key, &resources)
}

/// The JSON report of a run that gave a picture.
#[track_caller]
fn report(run: &Run) -> serde_json::Value {
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.json()
}

#[test]
fn whole_segments_by_every_method() {
    type Seal = fn(&[u8], u64) -> Vec<u8>;
    let methods: [(&str, &[u8], Seal, &str); 5] = [
        ("AES-128,IV=", &KEY, |text, _| padded(&KEY, &IV, text), "aes-128"),
        ("AES-128", &KEY, |text, number| padded(&KEY, &iv_of(number), text), "aes-128"),
        ("AES-256,IV=", &KEY_256, |text, _| padded(&KEY_256, &IV, text), "aes-256"),
        ("AES-256-CTR,IV=", &KEY_256, |text, _| ctr(&KEY_256, &IV, text), "aes-256"),
        ("AES-256-GCM", &KEY_256, |text, number| gcm(&KEY_256, &iv_of(number * 99), text), "aes-256"),
    ];
    for (method, key, seal, told) in methods {
        let iv = if method.ends_with('=') { IV_TEXT } else { "" };
        let origin = sealed_ts(&format!("#EXT-X-KEY:METHOD={method}{iv},URI=\"/key\""), key, seal);
        let url = origin.url("/x.m3u8");
        let run = hlsnap(&[&url, "--json", "-o", "out.png"]);
        assert_eq!(report(&run)["encrypted"], told, "{method}");
        assert_eq!(number(&run.picture("out.png")), 0, "{method}");
        assert_eq!(frame(&url, &["--at", "3.5"]), 87, "{method}");
        assert_eq!(frame(&url, &["--at", "4.4", "--key-frame"]), 100, "{method}");
        // The caller's key is used instead, and none is fetched
        let asked = origin.hits().len();
        assert_eq!(frame(&url, &["--decryption-key", &hex(key)]), 0, "{method}");
        assert!(origin.hits()[asked..].iter().all(|hit| hit.path != "/key"), "{method}");
    }
}

#[test]
fn aes_128_costs_a_block_and_a_key_more_than_clear() {
    let clear = Origin::start();
    let cost = |url: &str| report(&hlsnap(&[url, "--json", "--at", "1.96"]))["cost"].clone();
    let count = |cost: &serde_json::Value, name: &str| cost[name].as_u64().expect("a count");
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n/ladder-ts/v0-0.ts\n#EXT-X-ENDLIST\n";
    clear.rule("/x.m3u8", Rule::Body(text.into(), "text/plain"));
    let plain = cost(&clear.url("/x.m3u8"));
    let sealed = padded(&KEY, &IV, &fixture("ladder-ts/v0-0.ts"));
    let lines = format!("#EXT-X-KEY:METHOD=AES-128,URI=\"/key\",IV={IV_TEXT}\n#EXTINF:2,\n/0.ts\n");
    let origin = origin_with(&lines, &KEY, &[("/0.ts", sealed.clone())]);
    let locked = cost(&origin.url("/x.m3u8"));
    assert_eq!(count(&locked, "requests"), count(&plain, "requests") + 1);
    let of_media = |cost: &serde_json::Value, origin: &Origin| count(cost, "bytes_received") - origin.hits()[0].sent;
    let more = of_media(&locked, &origin) - 16 - of_media(&plain, &clear);
    assert!((1..=16).contains(&more), "{more} bytes of media more");
    // In mid-segment it stops as it does without a key, and it streams: nothing of the rest is needed
    let long = padded(&KEY, &IV, &[fixture("ladder-ts/v0-0.ts"), null_packets(8 << 20)].concat());
    origin.rule("/0.ts", Rule::Body(long, "video/mp2t"));
    let first = report(&hlsnap(&[&origin.url("/x.m3u8"), "--json"]))["cost"].clone();
    assert!(count(&first, "bytes_received") < 400_000, "{first}");
    assert_eq!(count(&first, "requests"), 3);
}

fn null_packets(size: usize) -> Vec<u8> {
    let mut packet = [0xff; 188];
    packet[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
    packet.repeat(size / 188)
}

#[test]
fn a_portion_that_ends_in_mid_segment_is_continued() {
    // The first answer ends before any picture, and within a block
    let text = [null_packets(300_000), fixture("ladder-ts/v0-0.ts")].concat();
    for (tag, sealed, key) in [
        (format!("AES-128,IV={IV_TEXT}"), padded(&KEY, &IV, &text), &KEY[..]),
        (format!("AES-256-CTR,IV={IV_TEXT}"), ctr(&KEY_256, &IV, &text), &KEY_256),
        ("AES-256-GCM".to_owned(), gcm(&KEY_256, &IV, &text), &KEY_256),
    ] {
        let lines = format!("#EXT-X-KEY:METHOD={tag},URI=\"/key\"\n#EXT-X-BITRATE:1001\n#EXTINF:2,\n/0.ts\n");
        let origin = origin_with(&lines, key, &[("/0.ts", sealed)]);
        assert_eq!(frame(&origin.url("/x.m3u8"), &[]), 0, "{tag}");
        let ranges: Vec<_> = origin.hits().into_iter().filter(|hit| hit.path == "/0.ts").map(|hit| hit.range).collect();
        // What is authenticated is needed as a whole, and is asked for at once
        let wanted: &[Option<&str>] = if tag.ends_with("GCM") { &[None] } else { &[Some("bytes=0-75074"), Some("bytes=75075-")] };
        assert_eq!(ranges.iter().map(Option::as_deref).collect::<Vec<_>>(), wanted, "{tag}");
    }
}

#[test]
fn keys_are_asked_for_in_parallel_with_the_segment() {
    let sealed = padded(&KEY, &IV, &fixture("ladder-ts/v0-0.ts"));
    let lines = format!("#EXT-X-KEY:METHOD=AES-128,URI=\"/key\",IV={IV_TEXT}\n#EXTINF:2,\n/0.ts\n");
    let origin = origin_with(&lines, &KEY, &[]);
    // Each is answered only when the other has been asked for
    origin.rule("/key", Rule::After("/0.ts", KEY.to_vec())).rule("/0.ts", Rule::After("/key", sealed));
    let run = hlsnap(&[&origin.url("/x.m3u8"), "--json", "--retries", "0"]);
    assert_eq!(report(&run)["cost"]["requests"], 3);
    assert_eq!(origin.hits()[0].connection, origin.hits().iter().find(|hit| hit.path == "/0.ts").expect("asked").connection);
}

#[test]
fn bodies_in_single_bytes_and_bodies_that_are_cut() {
    for (method, sealed, key) in [
        (format!("AES-128,IV={IV_TEXT}"), padded(&KEY, &IV, &fixture("ladder-ts/v2-0.ts")), &KEY[..]),
        ("AES-256-GCM".to_owned(), gcm(&KEY_256, &IV, &fixture("ladder-ts/v2-0.ts")), &KEY_256),
    ] {
        let origin = origin_with(&format!("#EXT-X-KEY:METHOD={method},URI=\"/key\"\n#EXTINF:2,\n/0.ts\n"), key, &[]);
        let url = origin.url("/x.m3u8");
        origin.rule("/0.ts", Rule::Pieces(sealed.clone(), 1));
        assert_eq!(frame(&url, &[]), 0, "{method}");
        for size in [0, 1, 15, 16, 17, 200, 1000] {
            origin.rule("/0.ts", Rule::Pieces(sealed[..size].to_vec(), 100));
            let run = hlsnap(&[&url]);
            assert!(matches!(run.code, 21..=24), "{method}, {size} bytes: {}", run.stderr);
        }
    }
}

#[test]
fn inits_byte_ranges_and_keys_that_change() {
    // The init has its own key and IV; the segments lie in one file, one behind the other, and change theirs
    let other = [0x44; 16];
    let sealed_init = padded(&other, &iv_of(5), &fixture("ladder-fmp4/v0-init.mp4"));
    let parts: Vec<_> = [(0, KEY), (1, other), (2, KEY)]
        .map(|(index, key)| padded(&key, &iv_of(index), &fixture(&format!("ladder-fmp4/v0-{index}.m4s"))))
        .into();
    let range = |index: usize, at: &str| format!("#EXTINF:2,\n#EXT-X-BYTERANGE:{}{at}\n/all.mp4\n", parts[index].len());
    let lines = format!(
        "#EXT-X-KEY:METHOD=AES-128,URI=\"/other\",IV=0x5\n#EXT-X-MAP:URI=\"/all.mp4\",BYTERANGE=\"{}@0\"\n\
         #EXT-X-KEY:METHOD=AES-128,URI=\"/key\"\n{}#EXT-X-KEY:METHOD=AES-128,URI=\"/other\"\n{}#EXT-X-KEY:METHOD=AES-128,URI=\"/key\"\n{}",
        sealed_init.len(),
        range(0, &format!("@{}", sealed_init.len())),
        range(1, ""),
        range(2, ""),
    );
    let all = [sealed_init, parts.concat()].concat();
    let origin = origin_with(&lines, &KEY, &[("/all.mp4", all), ("/other", other.to_vec())]);
    let url = origin.url("/x.m3u8");
    for (at, wanted) in [("0", 0), ("1.96", 49), ("2.04", 51), ("5.5", 137)] {
        assert_eq!(frame(&url, &["--at", at]), wanted, "at {at}");
    }
    let before = origin.hits().len();
    assert_eq!(frame(&url, &["--at", "start"]), 0);
    assert_eq!(origin.hits().len() - before, 5, "playlist, init, segment, and each key once");
    // The wrong one of the two opens nothing
    origin.rule("/other", Rule::Body(KEY.to_vec(), "application/octet-stream"));
    hlsnap(&[&url]).fails(23, "encrypted");
}

#[test]
fn partial_segments_are_encrypted_each_by_itself() {
    let part = |index: u64| padded(&KEY, &iv_of(7), &fixture(&format!("ladder-fmp4/v0-{index}.m4s")));
    let text = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:6\n#EXT-X-PART-INF:PART-TARGET=2\n#EXT-X-MEDIA-SEQUENCE:7\n\
                #EXT-X-MAP:URI=\"/ladder-fmp4/v0-init.mp4\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"/key\"\n\
                #EXT-X-PART:DURATION=2,URI=\"/0.m4s\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=2,URI=\"/1.m4s\",INDEPENDENT=YES\n\
                #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"/2.m4s\"\n";
    let origin = Origin::start();
    origin.rule("/x.m3u8", Rule::Body(text.into(), "application/vnd.apple.mpegurl"));
    origin.rule("/key", Rule::Body(KEY.to_vec(), "application/octet-stream"));
    for (path, index) in [("/0.m4s", 0), ("/1.m4s", 1), ("/2.m4s", 2)] {
        origin.rule(path, Rule::Body(part(index), "video/mp4"));
    }
    assert_eq!(frame(&origin.url("/x.m3u8"), &[]), 50);
    assert_eq!(frame(&origin.url("/x.m3u8"), &["--at", "live", "--exact"]), 149, "the part that was hinted at");
    assert_eq!(frame(&origin.url("/x.m3u8"), &["--at", "1"]), 25);
}

#[test]
fn keys_in_the_playlist_itself() {
    let sealed = padded(&KEY, &IV, &fixture("ladder-ts/v0-0.ts"));
    for key in [format!("data:application/octet-stream;base64,{}", STANDARD.encode(KEY)), format!("data:,{}", "0123456789abcdef")] {
        let lines = format!("#EXT-X-KEY:METHOD=AES-128,URI=\"{key}\",IV={IV_TEXT}\n#EXTINF:2,\n/0.ts\n");
        let origin = origin_with(&lines, &[], &[("/0.ts", sealed.clone())]);
        assert_eq!(frame(&origin.url("/x.m3u8"), &[]), 0);
        assert_eq!(origin.paths(), ["/x.m3u8", "/0.ts"]);
    }
}

#[test]
fn a_clear_lead_is_clear() {
    let sealed = padded(&KEY, &iv_of(1), &fixture("ladder-ts/v0-1.ts"));
    let lines = "#EXTINF:2,\n/ladder-ts/v0-0.ts\n#EXT-X-KEY:METHOD=AES-128,URI=\"/key\"\n#EXTINF:2,\n/1.ts\n\
                 #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n#EXTINF:2,\n/gone.ts\n";
    let origin = origin_with(lines, &KEY, &[("/1.ts", sealed)]);
    let url = origin.url("/x.m3u8");
    let run = hlsnap(&[&url, "--json"]);
    assert_eq!(report(&run)["encrypted"], "none");
    assert!(!origin.paths().contains(&"/key".to_owned()));
    assert_eq!(frame(&url, &["--at", "3.9"]), 97);
    let run = hlsnap(&[&url, "--at", "5"]);
    assert!(run.fails(23, "encrypted").stderr.contains("FairPlay"), "{}", run.stderr);
}

#[test]
fn a_key_is_asked_for_as_the_caller_says() {
    let (origin, other) = (Origin::start(), Origin::start());
    let sealed = padded(&KEY, &IV, &fixture("ladder-ts/v0-0.ts"));
    let text = |key: &str| {
        format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=AES-128,URI=\"{key}\",IV={IV_TEXT}\n#EXTINF:2,\n/0.ts\n#EXT-X-ENDLIST\n"
        )
    };
    origin.rule("/0.ts", Rule::Body(sealed, "video/mp2t"));
    other.rule("/key", Rule::Body(KEY.to_vec(), "application/octet-stream"));
    origin.rule("/key", Rule::Body(KEY.to_vec(), "application/octet-stream"));
    let secret = ["-H", "X-Token: secret"];
    for (key, wanted) in [("/key".to_owned(), Some("secret")), (other.url("/key"), None)] {
        origin.rule("/x.m3u8", Rule::Body(text(&key).into(), "text/plain"));
        assert_eq!(frame(&origin.url("/x.m3u8"), &secret), 0);
        let hits = [origin.hits(), other.hits()].concat();
        let hit = hits.iter().rfind(|hit| hit.path == "/key").expect("the key was asked for");
        assert_eq!(hit.headers.get("x-token").map(String::as_str), wanted);
    }
    // A playlist from elsewhere may not have a local file read as a key
    origin.rule("/x.m3u8", Rule::Body(text("file:///etc/hostname").into(), "text/plain"));
    hlsnap(&[&origin.url("/x.m3u8")]).fails(10, "not_allowed");
}

#[test]
fn what_is_no_key_is_told_and_so_is_a_wrong_one() {
    let origin = sealed_ts(&format!("#EXT-X-KEY:METHOD=AES-128,URI=\"/key\",IV={IV_TEXT}"), &KEY, |text, _| padded(&KEY, &IV, text));
    let url = origin.url("/x.m3u8");
    let answers: [(Rule, &str); 8] = [
        (Rule::Status(404, None), "404"),
        (Rule::Status(403, None), "403"),
        (Rule::Body(b"\n<html>log in</html>".to_vec(), "text/html"), "page of text"),
        (Rule::Body(Vec::new(), "application/octet-stream"), "0 bytes"),
        (Rule::Body(hex(&KEY).into(), "text/plain"), "32 bytes"),
        (Rule::Body(KEY[1..].to_vec(), "application/octet-stream"), "15 bytes"),
        (Rule::Body(vec![7; 5000], "application/octet-stream"), "no key"),
        (Rule::Body(vec![7; 16], "application/octet-stream"), "the key is wrong"),
    ];
    for (rule, part) in answers {
        origin.rule("/key", rule);
        for at in [&[][..], &["--at", "3.5"]] {
            let run = hlsnap(&[&[url.as_str(), "--retries", "0"], at].concat());
            assert!(run.fails(23, "encrypted").stderr.contains(part), "{part}: {}", run.stderr);
        }
    }
    // What cannot be asked is not the key's fault
    origin.rule("/key", Rule::Delay(std::time::Duration::from_secs(60)));
    hlsnap(&[&url, "--timeout", "0.5"]).fails(13, "timeout");
}

/// Every wrong key of a row of them is told.
fn wrong_keys_are_told(url: &str, at: &[&str], count: u8) {
    for wrong in 0..count {
        let key: Vec<u8> = (0..16).map(|place: u8| place.wrapping_mul(29).wrapping_add(wrong.wrapping_mul(83)) ^ 0x3c).collect();
        let run = hlsnap(&[&[url, "--decryption-key", &hex(&key)], at].concat());
        assert_eq!(run.code, 23, "{} {at:?} with {}: {}", url, hex(&key), run.stderr);
        assert!(run.fails(23, "encrypted").stderr.contains("key"), "{}", run.stderr);
        assert!(!run.stderr.contains(&hex(&key)), "no key is shown");
    }
}

const WRONG_KEYS: u8 = 12;

#[test]
fn sample_aes_in_a_transport_stream() {
    for (name, pid, hevc, frames) in [("ladder-ts/v0-0.ts", 257, false, 50), ("codecs/hevc-ts-0.ts", 256, true, 12)] {
        let clear = fixture(name);
        let sealed = sample_aes_ts(&clear, pid, hevc, &KEY, &IV);
        assert_ne!(sealed.len(), 0);
        let lines = format!("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"/key\",IV={IV_TEXT}\n#EXTINF:2,\n/0.ts\n");
        let origin = origin_with(&lines, &KEY, &[("/0.ts", sealed)]);
        let url = origin.url("/x.m3u8");
        let run = hlsnap(&[&url, "--json", "-o", "out.png"]);
        assert_eq!(report(&run)["encrypted"], "sample-aes", "{name}");
        assert_eq!(number(&run.picture("out.png")), 0, "{name}");
        for wanted in [1, 5, frames - 1] {
            let at = format!("{:.3}", f64::from(wanted) * 0.04 + 0.001);
            assert_eq!(frame(&url, &["--at", &at]), wanted, "{name}");
        }
        wrong_keys_are_told(&url, &[], WRONG_KEYS);
        wrong_keys_are_told(&url, &["--at", "0.4"], WRONG_KEYS);
    }
}

#[test]
fn common_encryption_of_every_codec_in_both_schemes() {
    let streams = [
        ("ladder-fmp4/v0", Kind::H264, 50),
        ("codecs/h264-10bit", Kind::H264, 12),
        ("codecs/h264-444", Kind::H264, 12),
        ("codecs/hevc", Kind::Hevc, 12),
        ("codecs/vp9", Kind::Vp9, 12),
        ("codecs/av1", Kind::Av1, 12),
    ];
    for (name, kind, frames) in streams {
        for (scheme, method) in [(*b"cbcs", "SAMPLE-AES"), (*b"cenc", "SAMPLE-AES-CTR")] {
            let lines = format!(
                "#EXT-X-MAP:URI=\"/init.mp4\"\n#EXT-X-KEY:METHOD={method},URI=\"/key\",KEYFORMAT=\"identity\"\n#EXTINF:2,\n/0.m4s\n"
            );
            let sealed_init = init(&fixture(&format!("{name}-init.mp4")), scheme, None);
            let sealed = segment(&fixture(&format!("{name}-0.m4s")), kind, scheme, &KEY);
            let origin = origin_with(&lines, &KEY, &[("/init.mp4", sealed_init), ("/0.m4s", sealed)]);
            let url = origin.url("/x.m3u8");
            let what = format!("{name} {}", String::from_utf8_lossy(&scheme));
            let run = hlsnap(&[&url, "--json", "-o", "out.png"]);
            assert_eq!(run.code, 0, "{what}: {}", run.stderr);
            assert_eq!(report(&run)["encrypted"], String::from_utf8_lossy(&scheme).as_ref(), "{what}");
            assert_eq!(number(&run.picture("out.png")), 0, "{what}");
            assert_eq!(origin.hits().len(), 4, "{what}");
            for wanted in [3, frames - 1] {
                let at = format!("{:.3}", f64::from(wanted) * 0.04 + 0.001);
                assert_eq!(frame(&url, &["--at", &at]), wanted, "{what}");
            }
            assert_eq!(frame(&url, &["--decryption-key", &format!("{}={}", hex(&KID), hex(&KEY))]), 0, "{what}");
            wrong_keys_are_told(&url, &[], WRONG_KEYS);
            wrong_keys_are_told(&url, &["--at", "0.3"], WRONG_KEYS / 2);
        }
    }
}

#[test]
fn keys_of_samples_that_change_from_segment_to_segment() {
    let other = [0x91; 16];
    let keys = [KEY, other, KEY];
    let tag = |index: usize| format!("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"/{}\"\n", if index == 1 { "other" } else { "key" });
    let ts: Vec<_> = (0..3)
        .map(|index| {
            let number = u64::try_from(index).expect("small") + 7;
            sample_aes_ts(&fixture(&format!("ladder-ts/v0-{index}.ts")), 257, false, &keys[index], &iv_of(number))
        })
        .collect();
    let fmp4: Vec<_> =
        (0..3).map(|index| segment(&fixture(&format!("ladder-fmp4/v0-{index}.m4s")), Kind::H264, *b"cbcs", &keys[index])).collect();
    let sealed_init = init(&fixture("ladder-fmp4/v0-init.mp4"), *b"cbcs", None);
    for (map, segments) in [("", ts), ("#EXT-X-MAP:URI=\"/init.mp4\"\n", fmp4)] {
        let entries = [0, 1, 2].map(|index| format!("{}#EXTINF:2,\n/{index}\n", tag(index))).concat();
        let lines = format!("#EXT-X-MEDIA-SEQUENCE:7\n{map}{entries}");
        let mut resources: Vec<_> = ["/0", "/1", "/2"].into_iter().zip(segments).collect();
        resources.push(("/init.mp4", sealed_init.clone()));
        resources.push(("/other", other.to_vec()));
        let origin = origin_with(&lines, &KEY, &resources);
        let url = origin.url("/x.m3u8");
        // Frames at a segment's end are only sure when the next one has been read into
        for (at, wanted) in [("0", 0), ("1.961", 49), ("2.001", 50), ("3.961", 99), ("4.601", 115), ("5.961", 149)] {
            assert_eq!(frame(&url, &["--at", at]), wanted, "at {at} {map}");
        }
    }
}

#[test]
fn drm_systems_are_named_and_a_given_key_opens_them_all_the_same() {
    let widevine = [0xed, 0xef, 0x8b, 0xa9, 0x79, 0xd6, 0x4a, 0xce, 0xa3, 0xc8, 0x27, 0xdc, 0xd5, 0x1d, 0x21, 0xed];
    let sealed_init = init(&fixture("ladder-fmp4/v0-init.mp4"), *b"cenc", Some(widevine));
    let sealed = segment(&fixture("ladder-fmp4/v0-0.m4s"), Kind::H264, *b"cenc", &KEY);
    let tag = |format: &str| format!("#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"data:,x\",KEYFORMAT=\"{format}\"\n");
    for (key, named) in [
        (tag("urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"), "Widevine"),
        (tag("com.microsoft.playready"), "PlayReady"),
        (tag("org.example"), "another DRM system"),
        // Only the init tells
        (String::new(), "Widevine"),
    ] {
        let lines = format!("#EXT-X-MAP:URI=\"/init.mp4\"\n{key}#EXTINF:2,\n/0.m4s\n");
        let origin = origin_with(&lines, &KEY, &[("/init.mp4", sealed_init.clone()), ("/0.m4s", sealed.clone())]);
        let url = origin.url("/x.m3u8");
        let run = hlsnap(&[&url]);
        assert!(run.fails(23, "encrypted").stderr.contains(named), "{}", run.stderr);
        assert_eq!(frame(&url, &["--decryption-key", &hex(&KEY)]), 0);
        assert_eq!(frame(&url, &["--decryption-key", &format!("{}={}", hex(&KID), hex(&KEY))]), 0);
        // A key for another ID is none
        let run = hlsnap(&[&url, "--decryption-key", &format!("{}={}", hex(&[9; 16]), hex(&KEY))]);
        run.fails(23, "encrypted");
    }
}

#[test]
fn keys_are_kept_out_of_logs_and_usage_errors() {
    let origin = sealed_ts(&format!("#EXT-X-KEY:METHOD=AES-128,URI=\"/key\",IV={IV_TEXT}"), &KEY, |text, _| padded(&KEY, &IV, text));
    let run = hlsnap(&[&origin.url("/x.m3u8"), "--decryption-key", &hex(&KEY), "-vv", "--json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let said = format!("{}{}", run.stderr, String::from_utf8_lossy(&run.stdout));
    assert!(!said.contains(&hex(&KEY)) && !said.contains("0123456789abcdef"), "{said}");
    let run = hlsnap(&["x.m3u8", "--decryption-key", "c0ffee"]);
    assert!(!run.fails(2, "usage").stderr.contains("c0ffee"), "{}", run.stderr);
}

#[test]
fn inspect_tells_what_opens() {
    let lines = "#EXT-X-KEY:METHOD=AES-256-GCM,URI=\"/key\"\n#EXTINF:2,\n/0.ts\n\
                 #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n#EXTINF:2,\n/1.ts\n";
    let origin = origin_with(lines, &KEY, &[]);
    let facts = hlsnap(&["inspect", &origin.url("/x.m3u8"), "--json"]).json()["media"]["encryption"].clone();
    assert_eq!((&facts[0]["method"], &facts[0]["clear_key"]), (&"aes-256".into(), &true.into()));
    assert_eq!((&facts[1]["method"], &facts[1]["clear_key"]), (&"sample-aes".into(), &false.into()));
    let run = hlsnap(&["inspect", &origin.url("/x.m3u8")]);
    let table = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(table.contains("SAMPLE-AES with FairPlay (1 of 2 segments, no clear key)"), "{table}");
    assert_eq!(origin.paths(), ["/x.m3u8", "/x.m3u8"], "no key is fetched to tell");
}

#[test]
fn an_unknown_method_is_believed_to_be_none_only_with_proof() {
    // Samples are encrypted, and nothing but the METHOD says so
    let ts = [("ladder-ts/v0-0.ts", 257, false), ("codecs/hevc-ts-0.ts", 256, true)];
    for (name, pid, hevc) in ts {
        let sealed = sample_aes_ts(&fixture(name), pid, hevc, &KEY, &IV);
        let origin = origin_with("#EXT-X-KEY:METHOD=NEW\n#EXTINF:2,\n/0\n", &KEY, &[("/0", sealed)]);
        hlsnap(&[&origin.url("/x.m3u8")]).fails(23, "encrypted");
    }
    let fmp4 = [("ladder-fmp4/v0", Kind::H264), ("codecs/hevc", Kind::Hevc), ("codecs/vp9", Kind::Vp9), ("codecs/av1", Kind::Av1)];
    for (name, kind) in fmp4 {
        let (clear_init, clear) = (fixture(&format!("{name}-init.mp4")), fixture(&format!("{name}-0.m4s")));
        let lines = "#EXT-X-MAP:URI=\"/init.mp4\"\n#EXT-X-KEY:METHOD=NEW\n#EXTINF:2,\n/0\n";
        let clear_origin = origin_with(lines, &KEY, &[("/init.mp4", clear_init.clone()), ("/0", clear.clone())]);
        assert_eq!(frame(&clear_origin.url("/x.m3u8"), &[]), 0, "{name}");
        let sealed = segment(&clear, kind, *b"cbcs", &KEY);
        let origin = origin_with(lines, &KEY, &[("/init.mp4", clear_init), ("/0", sealed)]);
        let run = hlsnap(&[&origin.url("/x.m3u8")]);
        assert!(matches!(run.code, 23 | 24), "{name}: {} {}", run.code, run.stderr);
    }
}
