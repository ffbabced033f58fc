//! Keys: how they are requested, which of them are accepted, and where they are never shown.

use std::time::Duration;

use crate::encrypted_origin::{IV, IV_TEXT, KEY, encrypted_ladder, origin_with, report};
use crate::origin::{Origin, Rule, fixture};
use crate::support::{captured_frame, encryption::cbc_padded, hex, hlsnap};
use base64::{Engine as _, engine::general_purpose::STANDARD};

#[test]
fn a_key_is_requested_in_parallel_with_its_segment() {
    let encrypted = cbc_padded(&KEY, &IV, &fixture("ladder-ts/v0-0.ts"));
    let lines = format!("#EXT-X-KEY:METHOD=AES-128,URI=\"/key\",IV={IV_TEXT}\n#EXTINF:2,\n/0.ts\n");
    let origin = origin_with(&lines, &KEY, &[]);
    // The origin answers each one only after a request for the other
    origin.rule("/key", Rule::AfterRequest("/0.ts", KEY.to_vec())).rule("/0.ts", Rule::AfterRequest("/key", encrypted));
    let run = hlsnap(&[&origin.url("/x.m3u8"), "--json", "--retries", "0"]);
    assert_eq!(report(&run)["cost"]["requests"], 3);
    assert_eq!(
        origin.requests()[0].connection,
        origin.requests().iter().find(|request| request.path == "/0.ts").expect("a request").connection
    );
}

#[test]
fn keys_may_be_data_urls() {
    let encrypted = cbc_padded(&KEY, &IV, &fixture("ladder-ts/v0-0.ts"));
    for key in [format!("data:application/octet-stream;base64,{}", STANDARD.encode(KEY)), format!("data:,{}", "0123456789abcdef")] {
        let lines = format!("#EXT-X-KEY:METHOD=AES-128,URI=\"{key}\",IV={IV_TEXT}\n#EXTINF:2,\n/0.ts\n");
        let origin = origin_with(&lines, &[], &[("/0.ts", encrypted.clone())]);
        assert_eq!(captured_frame(&origin.url("/x.m3u8"), &[]), 0);
        assert_eq!(origin.paths(), ["/x.m3u8", "/0.ts"]);
    }
}

#[test]
fn a_key_request_has_the_callers_headers_for_that_origin_only() {
    let (origin, other) = (Origin::start(), Origin::start());
    let encrypted = cbc_padded(&KEY, &IV, &fixture("ladder-ts/v0-0.ts"));
    let text = |key: &str| {
        format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=AES-128,URI=\"{key}\",IV={IV_TEXT}\n#EXTINF:2,\n/0.ts\n#EXT-X-ENDLIST\n"
        )
    };
    origin.rule("/0.ts", Rule::Body(encrypted, "video/mp2t"));
    other.rule("/key", Rule::Body(KEY.to_vec(), "application/octet-stream"));
    origin.rule("/key", Rule::Body(KEY.to_vec(), "application/octet-stream"));
    let secret = ["-H", "X-Token: secret"];
    for (key, wanted) in [("/key".to_owned(), Some("secret")), (other.url("/key"), None)] {
        origin.rule("/x.m3u8", Rule::Body(text(&key).into(), "text/plain"));
        assert_eq!(captured_frame(&origin.url("/x.m3u8"), &secret), 0);
        let requests = [origin.requests(), other.requests()].concat();
        let request = requests.iter().rfind(|request| request.path == "/key").expect("a request for the key");
        assert_eq!(request.headers.get("x-token").map(String::as_str), wanted);
    }
    // A remote playlist may not use a local file as a key
    origin.rule("/x.m3u8", Rule::Body(text("file:///etc/hostname").into(), "text/plain"));
    hlsnap(&[&origin.url("/x.m3u8")]).fails(10, "not_allowed");
}

#[test]
fn an_invalid_key_and_a_wrong_key_are_reported() {
    let origin =
        encrypted_ladder(&format!("#EXT-X-KEY:METHOD=AES-128,URI=\"/key\",IV={IV_TEXT}"), &KEY, |text, _| cbc_padded(&KEY, &IV, text));
    let url = origin.url("/x.m3u8");
    let answers: [(Rule, &str); 8] = [
        (Rule::Status(404, None), "404"),
        (Rule::Status(403, None), "403"),
        (Rule::Body(b"\n<html>log in</html>".to_vec(), "text/html"), "page of text"),
        (Rule::Body(Vec::new(), "application/octet-stream"), "0 bytes"),
        (Rule::Body(hex(&KEY).into(), "text/plain"), "32 bytes"),
        (Rule::Body(KEY[1..].to_vec(), "application/octet-stream"), "15 bytes"),
        (Rule::Body(vec![7; 5000], "application/octet-stream"), "not a key"),
        (Rule::Body(vec![7; 16], "application/octet-stream"), "the key is wrong"),
    ];
    for (rule, part) in answers {
        origin.rule("/key", rule);
        for at in [&[][..], &["--at", "3.5"]] {
            let run = hlsnap(&[&[url.as_str(), "--retries", "0"], at].concat());
            assert!(run.fails(23, "encrypted").stderr.contains(part), "{part}: {}", run.stderr);
        }
    }
    // A key that does not arrive is a timeout, not a wrong key
    origin.rule("/key", Rule::Delay(Duration::from_secs(60)));
    hlsnap(&[&url, "--timeout", "0.5"]).fails(13, "timeout");
}

#[test]
fn keys_are_kept_out_of_logs_and_usage_errors() {
    let origin =
        encrypted_ladder(&format!("#EXT-X-KEY:METHOD=AES-128,URI=\"/key\",IV={IV_TEXT}"), &KEY, |text, _| cbc_padded(&KEY, &IV, text));
    let run = hlsnap(&[&origin.url("/x.m3u8"), "--decryption-key", &hex(&KEY), "-vv", "--json"]);
    run.succeeds();
    let output = format!("{}{}", run.stderr, String::from_utf8_lossy(&run.stdout));
    assert!(!output.contains(&hex(&KEY)) && !output.contains("0123456789abcdef"), "{output}");
    let run = hlsnap(&["x.m3u8", "--decryption-key", "c0ffee"]);
    assert!(!run.fails(2, "usage").stderr.contains("c0ffee"), "{}", run.stderr);
}

#[test]
fn inspect_lists_encryption_without_fetching_keys() {
    let lines = "#EXT-X-KEY:METHOD=AES-256-GCM,URI=\"/key\"\n#EXTINF:2,\n/0.ts\n\
                 #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n#EXTINF:2,\n/1.ts\n";
    let origin = origin_with(lines, &KEY, &[]);
    let facts = hlsnap(&["inspect", &origin.url("/x.m3u8"), "--json"]).json()["media"]["encryption"].clone();
    assert_eq!((&facts[0]["method"], &facts[0]["clear_key"]), (&"aes-256".into(), &true.into()));
    assert_eq!((&facts[1]["method"], &facts[1]["clear_key"]), (&"sample-aes".into(), &false.into()));
    let run = hlsnap(&["inspect", &origin.url("/x.m3u8")]);
    let table = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(table.contains("SAMPLE-AES with FairPlay (1 of 2 segments, no clear key)"), "{table}");
    assert_eq!(origin.paths(), ["/x.m3u8", "/x.m3u8"], "no key is fetched");
}
