//! Every limit: its own kind, its own words, and that nothing goes on behind it.

mod origin;
mod support;

use std::{io::Write, time::Duration};

use hlsnap::{
    SnapshotRequest, capture,
    fetch::Client,
    request::{Limits, NetworkPolicy, Source},
};
use origin::{Origin, Rule};

const PLAYLIST: &str = "application/vnd.apple.mpegurl";

/// What a picture of `path` fails with, where the limits are those.
fn failure(origin: &Origin, path: &str, at: Option<&str>, change: impl FnOnce(&mut Limits)) -> String {
    let mut request = SnapshotRequest::new(Source::parse(&origin.url(path)).expect("a URL"));
    request.at = at.map(|text| text.parse().expect("a moment"));
    change(&mut request.limits);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let done = runtime.block_on(async { capture::take(&request, &Client::new(&NetworkPolicy::default())?).await });
    done.map_or_else(|e| format!("{}: {}", e.kind(), e.message()), |_| "a picture".to_owned())
}

#[track_caller]
fn fails(said: &str, kind: &str, words: &str) {
    assert!(said.starts_with(&format!("{kind}: ")) && said.contains(words), "{said:?} is not {kind:?} with {words:?}");
}

fn playlist(origin: &Origin, path: &str, text: &str) {
    origin.rule(path, Rule::Body(format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{text}").into(), PLAYLIST));
}

#[test]
fn of_playlists() {
    let origin = Origin::start();
    let media = "/ladder-ts/v0.m3u8";
    origin.rule("/endless.m3u8", Rule::Endless);
    fails(&failure(&origin, "/endless.m3u8", None, |limits| limits.max_playlist_bytes = 500_000), "too_large", "larger than 500000 bytes");
    fails(&failure(&origin, media, None, |limits| limits.max_playlist_lines = 5), "too_large", "more than 5 lines");
    fails(&failure(&origin, media, None, |limits| limits.max_line_bytes = 10), "too_large", "more than 10 bytes in one line");
    fails(&failure(&origin, media, None, |limits| limits.max_playlist_entries = 2), "too_large", "more than 2 entries");
    fails(&failure(&origin, "/ladder-ts/master.m3u8", None, |limits| limits.max_playlist_entries = 1), "too_large", "more than 1 entries");
    let attribute = format!("#EXT-X-KEY:METHOD=AES-128,URI=\"{}\"\n#EXTINF:2,\na.ts\n", "k".repeat(2 << 20));
    playlist(&origin, "/attribute.m3u8", &attribute);
    fails(&failure(&origin, "/attribute.m3u8", None, |_| ()), "too_large", "bytes in one line");
    // One variable may stand for much, many times
    let variable = format!("#EXT-X-DEFINE:NAME=\"x\",VALUE=\"{}\"\n{}", "v".repeat(500_000), "#EXTINF:2,\n{$x}{$x}.ts\n".repeat(50));
    playlist(&origin, "/variable.m3u8", &variable);
    fails(&failure(&origin, "/variable.m3u8", None, |_| ()), "too_large", "");
}

#[test]
fn of_what_was_packed() {
    let origin = Origin::start();
    let bomb = format!("#EXTM3U\n{}", "#\n".repeat(40 << 20));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(bomb.as_bytes()).expect("packed");
    let mut brotli = Vec::new();
    let quick = brotli::enc::BrotliEncoderParams { quality: 3, ..Default::default() };
    brotli::BrotliCompress(&mut bomb.as_bytes(), &mut brotli, &quick).expect("packed");
    for (packed, encoding) in [(gzip.finish().expect("packed"), "gzip"), (brotli, "br")] {
        assert!(packed.len() < 200_000, "{encoding}: {}", packed.len());
        origin.rule("/bomb.m3u8", Rule::Packed(packed, encoding));
        fails(&failure(&origin, "/bomb.m3u8", None, |_| ()), "too_large", "larger than 16777216 bytes");
    }
}

#[test]
fn of_the_way_there() {
    let origin = Origin::start();
    let media = "/ladder-ts/v0.m3u8";
    fails(&failure(&origin, media, None, |limits| limits.max_requests = 1), "too_large", "more than 1 requests");
    assert_eq!(origin.hits().len(), 1);
    fails(&failure(&origin, media, None, |limits| limits.max_bytes = 5000), "too_large", "the job needs more than 5000 bytes");
    fails(&failure(&origin, media, None, |limits| limits.max_segment_bytes = 5000), "too_large", "one response has more than 5000 bytes");
    fails(
        &failure(&origin, "/ladder-fmp4/v0.m3u8", None, |limits| limits.max_init_bytes = 100),
        "too_large",
        "Initialization Section has more than 100",
    );
    origin.rule("/loop.m3u8", Rule::Redirect("/loop.m3u8".into()));
    fails(&failure(&origin, "/loop.m3u8", None, |limits| limits.max_redirects = 3), "too_large", "more than 3 redirects");
    // A live stream whose segments are gone, and that does not move on
    playlist(&origin, "/gone.m3u8", "#EXTINF:0.1,\nnone.ts\n");
    let said = failure(&origin, "/gone.m3u8", None, |limits| (limits.max_reloads, limits.timeout) = (2, Duration::from_secs(30)));
    fails(&said, "timeout", "does not change");
    assert_eq!(origin.paths().iter().filter(|path| *path == "/gone.m3u8").count(), 3);
}

#[test]
fn of_time() {
    let origin = Origin::start();
    let segment = "/ladder-ts/v0-0.ts";
    for rule in [Rule::StallAt(0), Rule::StallAt(1000), Rule::Delay(Duration::from_secs(60))] {
        origin.rule(segment, rule);
        let step = |limits: &mut Limits| (limits.idle_timeout, limits.retries) = (Duration::from_millis(300), 0);
        fails(&failure(&origin, "/ladder-ts/v0.m3u8", None, step), "timeout", "no data for 0.3 s");
        // A stall may be gone at the next try
        let hits = origin.hits().len();
        origin.rules(segment, vec![Rule::StallAt(1000), Rule::Plain]);
        assert_eq!(failure(&origin, "/ladder-ts/v0.m3u8", None, |limits| limits.idle_timeout = Duration::from_millis(300)), "a picture");
        let ranges: Vec<_> = origin.hits()[hits + 1..].iter().filter_map(|hit| hit.range.clone()).collect();
        assert!(ranges.last().is_some_and(|range| range.starts_with("bytes=1000-")), "it goes on where it stopped: {ranges:?}");
    }
    // A byte now and then is never a stall; the whole is too slow all the same
    origin.rule(segment, Rule::Trickle(Duration::from_millis(100)));
    let both = |limits: &mut Limits| (limits.idle_timeout, limits.timeout) = (Duration::from_millis(300), Duration::from_secs(1));
    fails(&failure(&origin, "/ladder-ts/v0.m3u8", None, both), "timeout", "not done within 1 s");
}

#[test]
fn of_decoding() {
    let origin = Origin::start();
    let media = "/ladder-ts/v0.m3u8";
    for path in ["/ladder-fmp4/v0.m3u8", "/codecs/hevc.m3u8", "/codecs/av1.m3u8", "/codecs/vp9.m3u8"] {
        fails(&failure(&origin, path, None, |limits| limits.max_coded_pixels = 1000), "too_large", "1000 pixels may be decoded");
    }
    // A transport stream tells no size before its frames do
    for path in [media, "/codecs/hevc-ts.m3u8", "/codecs/mpeg2.m3u8"] {
        for at in [None, Some("0.3")] {
            fails(&failure(&origin, path, at, |limits| limits.max_coded_pixels = 1000), "too_large", "1000 pixels may be decoded");
        }
    }
    fails(&failure(&origin, media, Some("1.5"), |limits| limits.max_frames = 3), "too_large", "more than 3 frames");
    fails(&failure(&origin, media, None, |limits| limits.max_pixels = 1000), "too_large", "");
}
