//! What an origin is asked for: as little as can be, and nothing that is not its own.

mod origin;
mod support;

use std::collections::HashSet;

use origin::{Origin, Rule};
use support::{frame, hlsnap, number};

#[test]
fn ts_takes_three_requests_on_one_connection() {
    let origin = Origin::start();
    let run = hlsnap(&[&origin.url("/ladder-ts/master.m3u8"), "--json"]);
    assert_eq!(origin.paths(), ["/ladder-ts/master.m3u8", "/ladder-ts/v0.m3u8", "/ladder-ts/v0-0.ts"]);
    let connections: HashSet<_> = origin.hits().iter().map(|hit| hit.connection).collect();
    assert_eq!(connections.len(), 1);
    let cost = &run.json()["cost"];
    assert_eq!((&cost["requests"], &cost["connections"], &cost["retries"]), (&3.into(), &1.into(), &0.into()));
}

#[test]
fn fmp4_takes_four_requests_on_one_connection_and_no_sound() {
    let origin = Origin::start();
    assert_eq!(hlsnap(&[&origin.url("/ladder-fmp4/master.m3u8")]).code, 0);
    let folder = "/ladder-fmp4";
    assert_eq!(origin.paths(), ["master.m3u8", "v0.m3u8", "v0-init.mp4", "v0-0.m4s"].map(|name| format!("{folder}/{name}")));
    let connections: HashSet<_> = origin.hits().iter().map(|hit| hit.connection).collect();
    assert_eq!(connections.len(), 1);
}

#[test]
fn an_init_that_lies_before_its_segment_costs_no_request() {
    let origin = Origin::start();
    assert_eq!(frame(&origin.url("/single-file/index.m3u8"), &[]), 0);
    assert_eq!(origin.paths(), ["/single-file/index.m3u8", "/single-file/all.mp4"]);
    assert_eq!(origin.hits()[1].range.as_deref(), Some("bytes=0-6274"));
}

#[test]
fn the_download_stops_in_mid_segment() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v0-0.ts", Rule::Padded(32 << 20));
    let run = hlsnap(&[&origin.url("/ladder-ts/master.m3u8"), "--json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let received = run.json()["cost"]["bytes_received"].as_u64().expect("a count");
    assert!(received < 200_000, "{received} bytes were received");
    let asked = origin.hits()[2].range.clone().expect("a range");
    assert_eq!(asked, "bytes=0-65535", "what a key frame may take at this bit rate");
}

#[test]
fn a_portion_that_is_too_small_is_continued() {
    let origin = Origin::start();
    let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n/ladder-ts/v0-0.ts\n#EXTINF:2,\n/ladder-ts/v0-1.ts\n#EXT-X-ENDLIST\n";
    origin.rule("/small.m3u8", Rule::Body(playlist.into(), "text/plain"));
    origin.rule("/ladder-ts/v0-0.ts", Rule::Padded(1 << 20));
    // A moment deep in the segment is not asked for in portions; the segment's first moment is, and the frame after it lies behind
    assert_eq!(frame(&origin.url("/small.m3u8"), &["--at", "1.96"]), 49);
    assert!(origin.hits().iter().all(|hit| hit.range.is_none()));
}

#[test]
fn an_origin_without_ranges_serves_as_well() {
    let origin = Origin::start();
    for rule in [Rule::IgnoreRange, Rule::Chunked(1000)] {
        origin.rule("/ladder-ts/v0-0.ts", rule.clone()).rule("/ladder-fmp4/v0-0.m4s", rule.clone()).rule("/single-file/all.mp4", rule);
        assert_eq!(frame(&origin.url("/ladder-ts/master.m3u8"), &[]), 0);
        assert_eq!(frame(&origin.url("/ladder-fmp4/master.m3u8"), &["--at", "0.5"]), 12);
        assert_eq!(frame(&origin.url("/single-file/index.m3u8"), &["--at", "3"]), 75);
    }
    let refuses = Origin::start();
    refuses.rules("/ladder-ts/v0-0.ts", vec![Rule::Status(416, None), Rule::Plain]);
    assert_eq!(frame(&refuses.url("/ladder-ts/master.m3u8"), &[]), 0);
}

#[test]
fn playlists_may_be_compressed() {
    let origin = Origin::start();
    for rule in [Rule::Gzip, Rule::Brotli] {
        origin.rule("/ladder-ts/master.m3u8", rule.clone()).rule("/ladder-ts/v0.m3u8", rule);
        assert_eq!(frame(&origin.url("/ladder-ts/master.m3u8"), &[]), 0);
    }
    assert!(origin.hits()[0].headers["accept-encoding"].contains("gzip"));
    assert_eq!(origin.hits()[2].headers["accept-encoding"], "identity", "a range of a segment is one of its own bytes");
}

#[test]
fn relative_uris_resolve_against_the_final_url() {
    let origin = Origin::start();
    origin.rule("/start.m3u8", Rule::Redirect("/ladder-ts/master.m3u8".into()));
    let run = hlsnap(&[&origin.url("/start.m3u8"), "-o", "out.png", "--json"]);
    assert_eq!(number(&run.picture("out.png")), 0);
    assert_eq!(run.json()["cost"]["requests"], 4);
}

#[test]
fn headers_go_to_the_playlists_own_origin_alone() {
    let (origin, other) = (Origin::start(), Origin::start());
    let elsewhere = other.url("/ladder-ts/v0.m3u8");
    let master = format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=600000\n{elsewhere}\n");
    origin.rule("/master.m3u8", Rule::Body(master.into(), "application/vnd.apple.mpegurl"));
    let url = origin.url("/master.m3u8");
    let options = ["-H", "X-Token: secret", "--cookie", "a=b", "--referer", "http://localhost/page", "--user-agent", "tester/1"];
    assert_eq!(hlsnap(&[&[url.as_str()][..], &options].concat()).code, 0);
    let (own, foreign) = (&origin.hits()[0].headers, &other.hits()[0].headers);
    assert_eq!((&own["x-token"][..], &own["cookie"][..], &own["referer"][..]), ("secret", "a=b", "http://localhost/page"));
    for name in ["x-token", "cookie", "referer"] {
        assert!(!foreign.contains_key(name), "{name} is kept from the other origin");
    }
    assert_eq!((&own["user-agent"][..], &foreign["user-agent"][..]), ("tester/1", "tester/1"));
    assert_eq!(hlsnap(&[&[url.as_str(), "--header-everywhere"][..], &options].concat()).code, 0);
    assert_eq!(other.hits().last().expect("a request").headers["x-token"], "secret");
}

#[test]
fn a_redirect_to_another_origin_takes_no_headers_along() {
    let (origin, other) = (Origin::start(), Origin::start());
    origin.rule("/start.m3u8", Rule::Redirect(other.url("/ladder-ts/v0.m3u8")));
    assert_eq!(hlsnap(&[&origin.url("/start.m3u8"), "-H", "Authorization: Bearer secret"]).code, 0);
    assert_eq!(origin.hits()[0].headers["authorization"], "Bearer secret");
    assert!(other.hits().iter().all(|hit| !hit.headers.contains_key("authorization")));
}

#[test]
fn cookies_that_the_origin_sets_are_sent_back() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v0.m3u8", Rule::SetCookie("session=42; Path=/"));
    origin.rule("/ladder-ts/v0-0.ts", Rule::NeedCookie("session=42"));
    assert_eq!(frame(&origin.url("/ladder-ts/master.m3u8"), &[]), 0);
}

#[test]
fn cookies_that_a_redirect_sets_are_sent_on() {
    let origin = Origin::start();
    origin.rule("/go.m3u8", Rule::RedirectSetting("/ladder-ts/v0.m3u8".into(), "session=42; Path=/"));
    origin.rule("/ladder-ts/v0-0.ts", Rule::NeedCookie("session=42"));
    assert_eq!(frame(&origin.url("/go.m3u8"), &[]), 0);
}

#[test]
fn query_strings_are_the_callers_and_are_not_inherited() {
    let origin = Origin::start();
    assert_eq!(frame(&origin.url("/ladder-ts/master.m3u8?token=secret"), &[]), 0);
    let queries: Vec<_> = origin.hits().into_iter().map(|hit| hit.query).collect();
    assert_eq!(queries, [Some("token=secret".to_owned()), None, None]);
}

#[test]
fn a_second_try_is_made_where_it_is_worth_one() {
    let origin = Origin::start();
    origin.rules("/ladder-ts/v0.m3u8", vec![Rule::Status(503, Some(0)), Rule::Plain]);
    origin.rules("/ladder-ts/v0-0.ts", vec![Rule::CutAt(1000), Rule::Plain]);
    let run = hlsnap(&[&origin.url("/ladder-ts/master.m3u8"), "-o", "out.png", "--json"]);
    assert_eq!(number(&run.picture("out.png")), 0);
    assert_eq!(run.json()["cost"]["retries"], 2);
    let continued = origin.hits().last().expect("a request").range.clone();
    assert!(continued.as_deref().is_some_and(|range| range.starts_with("bytes=1000-")), "the rest is asked for: {continued:?}");
}

#[test]
fn a_proxy_is_asked_instead() {
    let proxy = Origin::start();
    // A proxy is asked with the whole URL; this one answers by its path
    let run = hlsnap(&["http://origin.invalid/ladder-ts/v0.m3u8", "--proxy", &proxy.url("/"), "-o", "out.png"]);
    assert_eq!(number(&run.picture("out.png")), 0);
    assert_eq!(proxy.hits()[0].headers["host"], "origin.invalid");
}

#[test]
fn an_init_or_key_that_segments_share_fails_once() {
    let origin = Origin::start();
    let kind = "application/vnd.apple.mpegurl";
    let segments = "#EXTINF:2,\nv0-0.m4s\n#EXTINF:2,\nv0-1.m4s\n#EXTINF:2,\nv0-2.m4s\n";
    let key = "#EXT-X-KEY:METHOD=AES-128,URI=\"/bad?a=1\",IV=0x00000000000000000000000000000000\n";
    for (tags, end, status, asked) in [
        ("#EXT-X-MAP:URI=\"/bad\"\n".to_owned(), "", 500, 3),
        ("#EXT-X-MAP:URI=\"/bad\"\n".to_owned(), "#EXT-X-ENDLIST\n", 404, 1),
        (format!("#EXT-X-MAP:URI=\"v0-init.mp4\"\n{key}"), "", 404, 1),
    ] {
        let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{tags}{segments}{end}");
        origin.rule("/ladder-fmp4/x.m3u8", Rule::Body(text.into(), kind));
        origin.rule("/bad", Rule::Status(status, None));
        let before = origin.hits().len();
        assert_ne!(hlsnap(&[&origin.url("/ladder-fmp4/x.m3u8"), "--timeout", "3"]).code, 0);
        let bad = origin.paths().split_off(before).iter().filter(|path| *path == "/bad").count();
        assert_eq!(bad, asked, "{tags}{end}");
    }
}

#[test]
fn keys_whose_urls_differ_in_their_query_are_all_asked_for() {
    let origin = Origin::start();
    let key = |number| format!("#EXT-X-KEY:METHOD=AES-128,URI=\"/bad?key={number}\",IV=0x00000000000000000000000000000000\n");
    let segments: String = (0..3).map(|number| key(number) + &format!("#EXTINF:2,\nv0-{number}.m4s\n")).collect();
    let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"v0-init.mp4\"\n{segments}");
    origin.rule("/ladder-fmp4/x.m3u8", Rule::Body(text.into(), "application/vnd.apple.mpegurl"));
    origin.rule("/bad", Rule::Status(404, None));
    hlsnap(&[&origin.url("/ladder-fmp4/x.m3u8"), "--timeout", "3"]).fails(23, "encrypted");
    let queries: Vec<_> = origin.hits().into_iter().filter(|hit| hit.path == "/bad").filter_map(|hit| hit.query).collect();
    assert_eq!(queries, ["key=2", "key=1", "key=0"]);
}
