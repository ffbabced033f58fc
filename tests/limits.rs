//! Every limit: the kind of its error and its message, and that nothing continues after it.

use std::time::Duration;

use crate::origin::{Origin, PLAYLIST, Rule, brotli, gzip};
use hlsnap::{Client, Limits, NetworkPolicy, SnapshotRequest, snapshot};

/// The kind and message of the error for `path` with changed limits, or `a picture`.
fn outcome(origin: &Origin, path: &str, at: Option<&str>, change: impl FnOnce(&mut Limits)) -> String {
    let mut limits = Limits::default();
    change(&mut limits);
    let mut builder = SnapshotRequest::builder(origin.url(path)).limits(limits);
    if let Some(at) = at {
        builder = builder.position(at.parse().expect("a moment"));
    }
    let request = builder.build().expect("a valid request");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let result = runtime.block_on(async { snapshot(&request, &Client::new(&NetworkPolicy::default())?).await });
    result.map_or_else(|e| format!("{}: {}", e.kind(), e.message()), |_| "a picture".to_owned())
}

#[track_caller]
fn assert_error(outcome: &str, kind: &str, words: &str) {
    assert!(outcome.starts_with(&format!("{kind}: ")) && outcome.contains(words), "{outcome:?} is not {kind:?} with {words:?}");
}

/// Puts a Media Playlist with these lines at a path.
fn playlist(origin: &Origin, path: &str, text: &str) {
    origin.rule(path, Rule::Body(format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{text}").into(), PLAYLIST));
}

#[test]
fn playlists_have_limits_of_bytes_lines_and_entries() {
    let origin = Origin::start();
    let media = "/ladder-ts/v0.m3u8";
    origin.rule("/endless.m3u8", Rule::EndlessPlaylist);
    assert_error(
        &outcome(&origin, "/endless.m3u8", None, |limits| limits.max_playlist_bytes = 500_000),
        "too_large",
        "larger than 500000 bytes",
    );
    assert_error(&outcome(&origin, media, None, |limits| limits.max_playlist_lines = 5), "too_large", "more than 5 lines");
    assert_error(&outcome(&origin, media, None, |limits| limits.max_line_bytes = 10), "too_large", "more than 10 bytes in one line");
    assert_error(&outcome(&origin, media, None, |limits| limits.max_playlist_entries = 2), "too_large", "more than 2 entries");
    assert_error(
        &outcome(&origin, "/ladder-ts/master.m3u8", None, |limits| limits.max_playlist_entries = 1),
        "too_large",
        "more than 1 entries",
    );
    let attribute = format!("#EXT-X-KEY:METHOD=AES-128,URI=\"{}\"\n#EXTINF:2,\na.ts\n", "k".repeat(2 << 20));
    playlist(&origin, "/attribute.m3u8", &attribute);
    assert_error(&outcome(&origin, "/attribute.m3u8", None, |_| ()), "too_large", "bytes in one line");
    // A long variable that is used many times
    let variable = format!("#EXT-X-DEFINE:NAME=\"x\",VALUE=\"{}\"\n{}", "v".repeat(500_000), "#EXTINF:2,\n{$x}{$x}.ts\n".repeat(50));
    playlist(&origin, "/variable.m3u8", &variable);
    assert_error(&outcome(&origin, "/variable.m3u8", None, |_| ()), "too_large", "");
}

#[test]
fn decompressed_playlists_have_a_limit_of_bytes() {
    let origin = Origin::start();
    let bomb = format!("#EXTM3U\n{}", "#\n".repeat(40 << 20));
    for (compressed, encoding) in [(gzip(bomb.as_bytes()), "gzip"), (brotli(bomb.as_bytes()), "br")] {
        assert!(compressed.len() < 200_000, "{encoding}: {}", compressed.len());
        origin.rule("/bomb.m3u8", Rule::Encoded(compressed, encoding));
        assert_error(&outcome(&origin, "/bomb.m3u8", None, |_| ()), "too_large", "larger than 16777216 bytes");
    }
}

#[test]
fn requests_bytes_redirects_and_reloads_have_limits() {
    let origin = Origin::start();
    let media = "/ladder-ts/v0.m3u8";
    assert_error(&outcome(&origin, media, None, |limits| limits.max_requests = 1), "too_large", "more than 1 requests");
    assert_eq!(origin.requests().len(), 1);
    assert_error(&outcome(&origin, media, None, |limits| limits.max_bytes = 5000), "too_large", "the job needs more than 5000 bytes");
    assert_error(
        &outcome(&origin, media, None, |limits| limits.max_segment_bytes = 5000),
        "too_large",
        "one response has more than 5000 bytes",
    );
    assert_error(
        &outcome(&origin, "/ladder-fmp4/v0.m3u8", None, |limits| limits.max_init_bytes = 100),
        "too_large",
        "Initialization Section has more than 100",
    );
    origin.rule("/loop.m3u8", Rule::Redirect("/loop.m3u8".into()));
    assert_error(&outcome(&origin, "/loop.m3u8", None, |limits| limits.max_redirects = 3), "too_large", "more than 3 redirects");
    // A live stream whose only segment is gone, and whose playlist never changes
    playlist(&origin, "/gone.m3u8", "#EXTINF:0.1,\nnone.ts\n");
    let gone = outcome(&origin, "/gone.m3u8", None, |limits| (limits.max_reloads, limits.timeout) = (2, Duration::from_secs(30)));
    assert_error(&gone, "timeout", "does not change");
    assert_eq!(origin.count("/gone.m3u8"), 3);
}

#[test]
fn stalls_and_jobs_have_timeouts() {
    let origin = Origin::start();
    let segment = "/ladder-ts/v0-0.ts";
    for rule in [Rule::StallAt(0), Rule::StallAt(1000), Rule::Delay(Duration::from_secs(60))] {
        origin.rule(segment, rule);
        let idle = |limits: &mut Limits| (limits.idle_timeout, limits.retries) = (Duration::from_millis(300), 0);
        assert_error(&outcome(&origin, "/ladder-ts/v0.m3u8", None, idle), "timeout", "no data for 0.3 s");
        // The retry continues after the stall
        let before = origin.requests().len();
        origin.rules(segment, vec![Rule::StallAt(1000), Rule::File]);
        assert_eq!(outcome(&origin, "/ladder-ts/v0.m3u8", None, |limits| limits.idle_timeout = Duration::from_millis(300)), "a picture");
        let ranges: Vec<_> = origin.requests()[before + 1..].iter().filter_map(|request| request.range.clone()).collect();
        assert!(ranges.last().is_some_and(|range| range.starts_with("bytes=1000-")), "it continues after the last byte: {ranges:?}");
    }
    // Single bytes within the idle timeout are no stall, but the job times out
    origin.rule(segment, Rule::Trickle(Duration::from_millis(100)));
    let both = |limits: &mut Limits| (limits.idle_timeout, limits.timeout) = (Duration::from_millis(300), Duration::from_secs(1));
    assert_error(&outcome(&origin, "/ladder-ts/v0.m3u8", None, both), "timeout", "not done within 1 s");
}

#[test]
fn pixels_and_decoded_frames_have_limits() {
    let origin = Origin::start();
    let media = "/ladder-ts/v0.m3u8";
    for path in ["/ladder-fmp4/v0.m3u8", "/codecs/hevc.m3u8", "/codecs/av1.m3u8", "/codecs/vp9.m3u8"] {
        assert_error(&outcome(&origin, path, None, |limits| limits.max_coded_pixels = 1000), "too_large", "1000 pixels may be decoded");
    }
    // A transport stream has no size before its first frame
    for path in [media, "/codecs/hevc-ts.m3u8", "/codecs/mpeg2.m3u8"] {
        for at in [None, Some("0.3")] {
            assert_error(&outcome(&origin, path, at, |limits| limits.max_coded_pixels = 1000), "too_large", "1000 pixels may be decoded");
        }
    }
    assert_error(&outcome(&origin, media, Some("1.5"), |limits| limits.max_frames = 3), "too_large", "more than 3 frames");
    assert_error(&outcome(&origin, media, None, |limits| limits.max_pixels = 1000), "too_large", "");
}
