//! Requests: as few and as small as possible, with headers and cookies for their own origin only.

use std::collections::HashSet;

use crate::origin::{Origin, PLAYLIST, Rule};
use crate::support::{captured_frame, frame_number, hlsnap};

#[test]
fn a_ts_ladder_costs_three_requests_on_one_connection() {
    let origin = Origin::start();
    let run = hlsnap(&[&origin.url("/ladder-ts/master.m3u8"), "--json"]);
    assert_eq!(origin.paths(), ["/ladder-ts/master.m3u8", "/ladder-ts/v0.m3u8", "/ladder-ts/v0-0.ts"]);
    let connections: HashSet<_> = origin.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections.len(), 1);
    let cost = &run.json()["cost"];
    assert_eq!((&cost["requests"], &cost["connections"], &cost["retries"]), (&3.into(), &1.into(), &0.into()));
}

#[test]
fn an_fmp4_ladder_costs_four_requests_on_one_connection_and_no_audio() {
    let origin = Origin::start();
    assert_eq!(hlsnap(&[&origin.url("/ladder-fmp4/master.m3u8")]).code, 0);
    let folder = "/ladder-fmp4";
    assert_eq!(origin.paths(), ["master.m3u8", "v0.m3u8", "v0-init.mp4", "v0-0.m4s"].map(|name| format!("{folder}/{name}")));
    let connections: HashSet<_> = origin.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections.len(), 1);
}

#[test]
fn an_init_next_to_its_segment_costs_no_request() {
    let origin = Origin::start();
    assert_eq!(captured_frame(&origin.url("/single-file/index.m3u8"), &[]), 0);
    assert_eq!(origin.paths(), ["/single-file/index.m3u8", "/single-file/all.mp4"]);
    assert_eq!(origin.requests()[1].range.as_deref(), Some("bytes=0-6274"));
}

#[test]
fn the_download_stops_mid_segment() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v0-0.ts", Rule::WithNullPackets(32 << 20));
    let run = hlsnap(&[&origin.url("/ladder-ts/master.m3u8"), "--json"]);
    run.succeeds();
    let received = run.json()["cost"]["bytes_received"].as_u64().expect("a count");
    assert!(received < 200_000, "{received} bytes were received");
    let range = origin.requests()[2].range.clone();
    assert_eq!(range.as_deref(), Some("bytes=0-65535"), "the size of a key frame at this bit rate");
}

#[test]
fn a_time_deep_in_a_segment_is_requested_without_a_range() {
    let origin = Origin::start();
    let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n/ladder-ts/v0-0.ts\n#EXTINF:2,\n/ladder-ts/v0-1.ts\n#EXT-X-ENDLIST\n";
    origin.rule("/small.m3u8", Rule::Body(playlist.into(), "text/plain"));
    origin.rule("/ladder-ts/v0-0.ts", Rule::WithNullPackets(1 << 20));
    // Only the start of a segment is requested as a portion
    assert_eq!(captured_frame(&origin.url("/small.m3u8"), &["--at", "1.96"]), 49);
    assert!(origin.requests().iter().all(|request| request.range.is_none()));
}

#[test]
fn an_origin_without_ranges_works_too() {
    let origin = Origin::start();
    for rule in [Rule::IgnoreRange, Rule::Chunked(1000)] {
        origin.rule("/ladder-ts/v0-0.ts", rule.clone()).rule("/ladder-fmp4/v0-0.m4s", rule.clone()).rule("/single-file/all.mp4", rule);
        assert_eq!(captured_frame(&origin.url("/ladder-ts/master.m3u8"), &[]), 0);
        assert_eq!(captured_frame(&origin.url("/ladder-fmp4/master.m3u8"), &["--at", "0.5"]), 12);
        assert_eq!(captured_frame(&origin.url("/single-file/index.m3u8"), &["--at", "3"]), 75);
    }
    let refusing = Origin::start();
    refusing.rules("/ladder-ts/v0-0.ts", vec![Rule::Status(416, None), Rule::File]);
    assert_eq!(captured_frame(&refusing.url("/ladder-ts/master.m3u8"), &[]), 0);
}

#[test]
fn playlists_may_be_compressed() {
    let origin = Origin::start();
    for rule in [Rule::Gzip, Rule::Brotli] {
        origin.rule("/ladder-ts/master.m3u8", rule.clone()).rule("/ladder-ts/v0.m3u8", rule);
        assert_eq!(captured_frame(&origin.url("/ladder-ts/master.m3u8"), &[]), 0);
    }
    assert!(origin.requests()[0].headers["accept-encoding"].contains("gzip"));
    assert_eq!(origin.requests()[2].headers["accept-encoding"], "identity", "ranges of segments refer to uncompressed bytes");
}

#[test]
fn relative_uris_resolve_against_the_final_url() {
    let origin = Origin::start();
    origin.rule("/start.m3u8", Rule::Redirect("/ladder-ts/master.m3u8".into()));
    let run = hlsnap(&[&origin.url("/start.m3u8"), "-o", "out.png", "--json"]);
    assert_eq!(frame_number(&run.picture("out.png")), 0);
    assert_eq!(run.json()["cost"]["requests"], 4);
}

#[test]
fn headers_go_to_the_origin_of_the_playlist_only() {
    let (origin, other) = (Origin::start(), Origin::start());
    let elsewhere = other.url("/ladder-ts/v0.m3u8");
    let master = format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=600000\n{elsewhere}\n");
    origin.rule("/master.m3u8", Rule::Body(master.into(), PLAYLIST));
    let url = origin.url("/master.m3u8");
    let options = ["-H", "X-Token: secret", "--cookie", "a=b", "--referer", "http://localhost/page", "--user-agent", "tester/1"];
    assert_eq!(hlsnap(&[&[url.as_str()][..], &options].concat()).code, 0);
    let (own, foreign) = (&origin.requests()[0].headers, &other.requests()[0].headers);
    assert_eq!((&own["x-token"][..], &own["cookie"][..], &own["referer"][..]), ("secret", "a=b", "http://localhost/page"));
    for name in ["x-token", "cookie", "referer"] {
        assert!(!foreign.contains_key(name), "the other origin gets no {name}");
    }
    assert_eq!((&own["user-agent"][..], &foreign["user-agent"][..]), ("tester/1", "tester/1"));
    assert_eq!(hlsnap(&[&[url.as_str(), "--header-everywhere"][..], &options].concat()).code, 0);
    assert_eq!(other.requests().last().expect("a request").headers["x-token"], "secret");
}

#[test]
fn a_redirect_to_another_origin_drops_the_headers() {
    let (origin, other) = (Origin::start(), Origin::start());
    origin.rule("/start.m3u8", Rule::Redirect(other.url("/ladder-ts/v0.m3u8")));
    assert_eq!(hlsnap(&[&origin.url("/start.m3u8"), "-H", "Authorization: Bearer secret"]).code, 0);
    assert_eq!(origin.requests()[0].headers["authorization"], "Bearer secret");
    assert!(other.requests().iter().all(|request| !request.headers.contains_key("authorization")));
}

#[test]
fn cookies_that_the_origin_sets_are_sent_back() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v0.m3u8", Rule::SetCookie("session=42; Path=/"));
    origin.rule("/ladder-ts/v0-0.ts", Rule::RequireCookie("session=42"));
    assert_eq!(captured_frame(&origin.url("/ladder-ts/master.m3u8"), &[]), 0);
}

#[test]
fn cookies_that_a_redirect_sets_are_sent_on() {
    let origin = Origin::start();
    origin.rule("/go.m3u8", Rule::RedirectWithCookie("/ladder-ts/v0.m3u8".into(), "session=42; Path=/"));
    origin.rule("/ladder-ts/v0-0.ts", Rule::RequireCookie("session=42"));
    assert_eq!(captured_frame(&origin.url("/go.m3u8"), &[]), 0);
}

#[test]
fn query_strings_are_not_inherited() {
    let origin = Origin::start();
    assert_eq!(captured_frame(&origin.url("/ladder-ts/master.m3u8?token=secret"), &[]), 0);
    let queries: Vec<_> = origin.requests().into_iter().map(|request| request.query).collect();
    assert_eq!(queries, [Some("token=secret".to_owned()), None, None]);
}

#[test]
fn temporary_failures_are_retried() {
    let origin = Origin::start();
    origin.rules("/ladder-ts/v0.m3u8", vec![Rule::Status(503, Some(0)), Rule::File]);
    origin.rules("/ladder-ts/v0-0.ts", vec![Rule::CutAt(1000), Rule::File]);
    let run = hlsnap(&[&origin.url("/ladder-ts/master.m3u8"), "-o", "out.png", "--json"]);
    assert_eq!(frame_number(&run.picture("out.png")), 0);
    assert_eq!(run.json()["cost"]["retries"], 2);
    let continued = origin.requests().last().expect("a request").range.clone();
    assert!(continued.as_deref().is_some_and(|range| range.starts_with("bytes=1000-")), "the retry requests the rest: {continued:?}");
}

#[test]
fn requests_go_to_the_proxy() {
    let proxy = Origin::start();
    // A proxy gets the whole URL. This one answers by its path
    let run = hlsnap(&["http://origin.invalid/ladder-ts/v0.m3u8", "--proxy", &proxy.url("/"), "-o", "out.png"]);
    assert_eq!(frame_number(&run.picture("out.png")), 0);
    assert_eq!(proxy.requests()[0].headers["host"], "origin.invalid");
}

#[test]
fn a_missing_init_or_key_is_not_requested_again_for_each_segment() {
    let origin = Origin::start();
    let segments = "#EXTINF:2,\nv0-0.m4s\n#EXTINF:2,\nv0-1.m4s\n#EXTINF:2,\nv0-2.m4s\n";
    let key = "#EXT-X-KEY:METHOD=AES-128,URI=\"/bad?a=1\",IV=0x00000000000000000000000000000000\n";
    for (tags, end, status, count) in [
        ("#EXT-X-MAP:URI=\"/bad\"\n".to_owned(), "", 500, 3),
        ("#EXT-X-MAP:URI=\"/bad\"\n".to_owned(), "#EXT-X-ENDLIST\n", 404, 1),
        (format!("#EXT-X-MAP:URI=\"v0-init.mp4\"\n{key}"), "", 404, 1),
    ] {
        let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{tags}{segments}{end}");
        origin.rule("/ladder-fmp4/x.m3u8", Rule::Body(text.into(), PLAYLIST));
        origin.rule("/bad", Rule::Status(status, None));
        let before = origin.requests().len();
        assert_ne!(hlsnap(&[&origin.url("/ladder-fmp4/x.m3u8"), "--timeout", "3"]).code, 0);
        let bad = origin.paths().split_off(before).iter().filter(|path| *path == "/bad").count();
        assert_eq!(bad, count, "{tags}{end}");
    }
}

#[test]
fn keys_whose_urls_differ_in_their_query_are_all_requested() {
    let origin = Origin::start();
    let key = |number| format!("#EXT-X-KEY:METHOD=AES-128,URI=\"/bad?key={number}\",IV=0x00000000000000000000000000000000\n");
    let segments: String = (0..3).map(|number| key(number) + &format!("#EXTINF:2,\nv0-{number}.m4s\n")).collect();
    let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"v0-init.mp4\"\n{segments}");
    origin.rule("/ladder-fmp4/x.m3u8", Rule::Body(text.into(), PLAYLIST));
    origin.rule("/bad", Rule::Status(404, None));
    hlsnap(&[&origin.url("/ladder-fmp4/x.m3u8"), "--timeout", "3"]).fails(23, "encrypted");
    let queries: Vec<_> =
        origin.requests().into_iter().filter(|request| request.path == "/bad").filter_map(|request| request.query).collect();
    assert_eq!(queries, ["key=2", "key=1", "key=0"]);
}
