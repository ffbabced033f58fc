//! The memory of `hlsnap serve`: pictures, frames and playlists, for how long, and for which requests.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use crate::origin::{Origin, PLAYLIST, Rule};
use crate::support::{
    frame_number, hex,
    http_server::{Answer, Server, get},
};
use ring::hmac;

const OPEN: [&str; 2] = ["--allow-any", "--allow-private"];
/// A server without a memory.
const FORGETFUL: [&str; 4] = ["--allow-any", "--allow-private", "--cache-bytes", "0"];
/// The frames at the start of the ladder's segments.
const SEGMENTS: [u16; 3] = [0, 50, 100];

/// Puts a live playlist at a path. Its segments have `seconds` seconds, and the newest is segment `newest` of the ladder.
fn put_live(origin: &Origin, path: &str, seconds: u64, newest: usize) {
    let text = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:{seconds}\n#EXT-X-MEDIA-SEQUENCE:{newest}\n#EXTINF:{seconds},\n/ladder-ts/v0-{newest}.ts\n"
    );
    origin.rule(path, Rule::Body(text.into(), PLAYLIST));
}

/// Requests all paths at the same time.
fn all(server: &Server, paths: &[String]) -> Vec<Answer> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let tasks: Vec<_> = paths.iter().map(|path| runtime.spawn(get(server.url(path), &[]))).collect();
    tasks.into_iter().map(|task| runtime.block_on(task).expect("a task")).collect()
}

fn shown(answer: &Answer) -> u16 {
    frame_number(&answer.picture())
}

/// Requests a path until it shows a frame.
fn wait_for(server: &Server, path: &str, frame: u16) -> Answer {
    let start = Instant::now();
    loop {
        let answer = server.get(path);
        if answer.status == 200 && shown(&answer) == frame {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "still {}", answer.status);
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn many_sizes_of_one_live_frame_cost_one_download() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    put_live(&origin, "/live/v.m3u8", 60, 1);
    let master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=600000,RESOLUTION=640x360\n/live/v.m3u8\n";
    origin.rule("/master.m3u8", Rule::Body(master.into(), PLAYLIST));
    let url = origin.url("/master.m3u8");
    let widths: Vec<u32> = (1..=64).map(|step| step * 20).collect();
    let paths: Vec<_> = widths.iter().map(|width| format!("/snapshot.jpg?url={url}&width={width}")).collect();
    for (answer, width) in all(&server, &paths).iter().zip(widths) {
        // Nothing is enlarged
        assert_eq!(answer.picture().width(), width.min(640));
        assert_eq!(answer.header("x-hlsnap-requests"), "3");
    }
    let requested = ["/master.m3u8", "/live/v.m3u8", "/ladder-ts/v0-1.ts"];
    assert_eq!(origin.paths(), requested);
    for path in ["snapshot.png?", "snapshot.webp?", "snapshot.webp?lossless&", "snapshot.jpg?quality=50&", "snapshot.jpg?crop=0,0,0.5,1&"] {
        assert_eq!(server.get(&format!("/{path}url={url}")).status, 200, "{path}");
    }
    let report = server.get(&format!("/report.json?url={url}&width=300")).json();
    assert_eq!((report["width"].as_u64(), report["cost"]["requests"].as_u64()), (Some(300), Some(3)));
    assert_eq!(shown(&server.get(&format!("/snapshot.png?url={url}&width=500"))), SEGMENTS[1]);
    assert_eq!(origin.paths(), requested);
    // Another moment is another frame
    assert_eq!(shown(&server.get(&format!("/snapshot.png?url={url}&exact"))), SEGMENTS[1] + 49);
    assert_eq!(origin.count("/master.m3u8"), 1);
}

#[test]
fn sizes_that_choose_another_variant_cost_one_download_of_each() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let url = origin.url("/ladder-ts/master.m3u8");
    let paths: Vec<_> = (1..=32).map(|step| format!("/snapshot.jpg?url={url}&at=start&width={}", step * 20)).collect();
    assert!(all(&server, &paths).iter().all(|answer| answer.status == 200));
    let counts = ["master.m3u8", "v0.m3u8", "v0-0.ts", "v1.m3u8", "v1-0.ts", "v2.m3u8", "v2-0.ts"];
    assert_eq!(counts.map(|name| origin.count(&format!("/ladder-ts/{name}"))), [1; 7]);
    // One Variant serves all sizes if it is named
    let fixed: Vec<_> = (1..=32).map(|step| format!("/snapshot.jpg?url={url}&at=3&variant=small&width={}", step * 8)).collect();
    assert!(all(&server, &fixed).iter().all(|answer| answer.picture().width() <= 256));
    assert_eq!((origin.count("/ladder-ts/v2.m3u8"), origin.count("/ladder-ts/v2-1.ts")), (1, 1), "the recording's playlist is known");
}

#[test]
fn a_picture_of_a_kept_frame_is_the_one_that_a_server_without_memory_makes() {
    let (origin, server, forgetful) = (Origin::start(), Server::start(&OPEN, &[]), Server::start(&FORGETFUL, &[]));
    // The first picture of each frame is the one that might change it
    for (file, first, second) in [
        ("fields/h264-top.ts", "jpg?", "jpg?width=48&"),
        ("fields/unflagged-top.ts", "jpg?width=48&", "jpg?"),
        ("gray/hevc-full-10.mp4", "png?", "jpg?"),
        ("hdr/pq.mp4", "jpg?width=64&", "webp?width=32&"),
    ] {
        let url = origin.url(&format!("/{file}"));
        assert_eq!(server.get(&format!("/snapshot.{first}strip&url={url}")).status, 200, "{file}");
        let [kept, made] = [&server, &forgetful].map(|server| server.get(&format!("/snapshot.{second}strip&url={url}")));
        assert_eq!((kept.status, made.status), (200, 200), "{file}");
        assert!(kept.body == made.body, "{file}");
        assert_eq!(origin.count(&format!("/{file}")), 2, "{file}: one request of each server");
    }
    let url = origin.url("/av1/chart.mp4");
    assert_eq!(server.get(&format!("/snapshot.jpg?url={url}&width=32")).status, 200);
    let [kept, made] = [&server, &forgetful].map(|server| server.get(&format!("/snapshot.avif?url={url}")));
    assert_eq!((kept.header("content-type"), kept.body == made.body), ("image/avif", true));
}

#[test]
fn a_live_picture_is_made_again_once_the_next_segment_is_due() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let path = |name: &str| format!("/snapshot.png?url={}", origin.url(name));
    // Both start at the same time; the next segment of the first is due long before that of the second
    let [short, long] = [("/short.m3u8", 1), ("/long.m3u8", 5)].map(|(name, seconds)| {
        put_live(&origin, name, seconds, 0);
        assert_eq!(shown(&server.get(&path(name))), SEGMENTS[0]);
        put_live(&origin, name, seconds, 1);
        path(name)
    });
    // Beyond its life and one more segment, the old picture is not sent
    sleep(Duration::from_millis(2500));
    assert_eq!(shown(&server.get(&short)), SEGMENTS[1]);
    let fresh = server.get(&long);
    assert_eq!((shown(&fresh), fresh.header("cache-control")), (SEGMENTS[0], "public, max-age=5, stale-while-revalidate=5"));
    assert!((3..=5).contains(&fresh.header("age").parse().expect("its age")), "{:?}", fresh.header("age"));
    assert_eq!(origin.count("/long.m3u8"), 1);
    sleep(Duration::from_millis(3200));
    // The old picture answers at once, and one request at the origin makes the new one
    origin.rule("/ladder-ts/v0-1.ts", Rule::Delay(Duration::from_millis(400)));
    let stale = all(&server, &vec![long.clone(); 8]);
    assert!(stale.iter().all(|answer| shown(answer) == SEGMENTS[0]));
    wait_for(&server, &long, SEGMENTS[1]);
    assert_eq!(origin.count("/long.m3u8"), 2);
}

#[test]
fn a_stale_picture_survives_an_origin_that_fails() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    put_live(&origin, "/live.m3u8", 3, 0);
    let path = format!("/snapshot.png?url={}", origin.url("/live.m3u8"));
    assert_eq!(shown(&server.get(&path)), SEGMENTS[0]);
    origin.rule("/live.m3u8", Rule::Status(404, None));
    sleep(Duration::from_millis(3100));
    assert_eq!(shown(&server.get(&path)), SEGMENTS[0]);
    sleep(Duration::from_millis(200));
    // The refresh has failed, and is not repeated at once
    let count = origin.count("/live.m3u8");
    assert_eq!((server.get(&path).status, origin.count("/live.m3u8"), count), (200, 2, 2));
    sleep(Duration::from_secs(3));
    server.get(&path).fails(502, "http_status");
}

#[test]
fn failures_are_remembered_for_seconds_only() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    origin.rule("/late.m3u8", Rule::Status(404, None));
    let path = format!("/snapshot.png?url={}", origin.url("/late.m3u8"));
    for _ in 0..5 {
        server.get(&path).fails(502, "http_status");
    }
    assert_eq!(origin.count("/late.m3u8"), 1);
    put_live(&origin, "/late.m3u8", 60, 2);
    wait_for(&server, &path, SEGMENTS[2]);
    assert_eq!(origin.count("/late.m3u8"), 2);
    // A short timeout fails no other request
    origin.rule("/slow.m3u8", Rule::Delay(Duration::from_secs(1)));
    origin.put("/slow.m3u8", origin.file("/ladder-ts/v0.m3u8"));
    let slow = format!("/snapshot.jpg?url={}", origin.url("/slow.m3u8"));
    let answers = all(&server, &[format!("{slow}&timeout=0.2"), slow]);
    assert_eq!(answers[0].status, 504);
    assert_ne!(answers[1].status, 504);
}

#[test]
fn a_signature_is_checked_each_time_and_is_no_part_of_the_key() {
    let origin = Origin::start();
    let server = Server::start(&["--allow-private"], &[("HLSNAP_KEY", "secret")]);
    let signed = |query: &str| {
        let path = format!("/snapshot.jpg?{query}");
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"secret"), path.as_bytes());
        format!("{path}&sig={}", hex(tag.as_ref()))
    };
    let query = format!("url={}&width=64", origin.url("/ladder-ts/v0.m3u8"));
    let first = server.get(&signed(&format!("{query}&expires=99999999998")));
    assert_eq!(first.picture().width(), 64);
    for query in [format!("{query}&expires=99999999999"), format!("width=64&{}", query.replace("&width=64", ""))] {
        let again = server.get(&signed(&query));
        assert_eq!((again.status, again.header("etag")), (200, first.header("etag")));
    }
    assert_eq!(origin.paths().len(), 2, "one download");
    server.get(&format!("/snapshot.jpg?{query}")).fails(403, "not_allowed");
    server.get(&format!("/snapshot.jpg?{query}&sig={}", "0".repeat(64))).fails(403, "not_allowed");
    server.get(&signed(&format!("{query}&expires=1700000000"))).fails(403, "not_allowed");
}

#[test]
fn remembered_answers_say_how_old_they_are() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let path = format!("/snapshot.jpg?url={}", origin.url("/ladder-ts/v0.m3u8"));
    let first = server.get(&path);
    assert_eq!((first.header("cache-control"), first.header("age")), ("public, max-age=86400", ""));
    sleep(Duration::from_millis(1100));
    // A client's headers make no difference, and are not forwarded
    let again =
        server.get_with(&path, &[("cookie", "secret=1"), ("authorization", "Bearer secret"), ("if-none-match", first.header("etag"))]);
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, first.header("etag")));
    assert!(again.header("age").parse::<u64>().expect("its age") >= 1);
    assert_eq!(again.header("x-hlsnap-presentation-seconds"), first.header("x-hlsnap-presentation-seconds"));
    assert_eq!(server.get(&path).body, first.body);
    assert_eq!(origin.requests().len(), 2);
    assert!(origin.requests().iter().all(|request| !request.headers.values().any(|value| value.contains("secret"))));
    // An incomplete result may be better next time
    origin.rule("/ladder-ts/v0-1.ts", Rule::Status(404, None));
    let sheet = server.get(&format!("/sheet.jpg?url={}&count=3", origin.url("/ladder-ts/v0.m3u8")));
    assert_eq!((sheet.header("x-hlsnap-missing"), sheet.header("cache-control")), ("1", "public, max-age=2"));
}

#[test]
fn files_of_many_pictures_and_playlists_are_remembered_too() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let url = origin.url("/ladder-ts/v0.m3u8");
    for path in ["sheet.jpg?count=2&", "animated.webp?for=1&fps=2&", "storyboard.vtt?every=2&", "inspect.json?", "report.json?"] {
        let path = format!("/{path}url={url}");
        let first = server.get(&path);
        let requests = origin.requests().len();
        let again = server.get(&path);
        assert_eq!((first.status, first.body == again.body, origin.requests().len()), (200, true, requests), "{path}");
    }
}

#[test]
fn the_memory_is_bounded_by_bytes() {
    let origin = Origin::start();
    let server = Server::start(&["--allow-any", "--allow-private", "--cache-bytes", "64k"], &[]);
    let url = origin.url("/ladder-ts/v0.m3u8");
    let path = |number: u32| format!("/snapshot.jpg?url={url}&quality=100&at={}", f64::from(number) * 0.04);
    let first = server.get(&path(1));
    assert!(first.body.len() > 7_000, "{} bytes", first.body.len());
    assert_eq!(server.get(&path(1)).body, first.body);
    assert_eq!(origin.count("/ladder-ts/v0-0.ts"), 1);
    assert!((2..10).all(|number| server.get(&path(number)).status == 200));
    let requests = origin.requests().len();
    assert_eq!(server.get(&path(9)).status, 200);
    assert_eq!(origin.requests().len(), requests, "the newest one is remembered");
    assert_eq!(server.get(&path(1)).body, first.body);
    assert!(origin.requests().len() > requests, "the oldest one is not");
    let forgetful = Server::start(&FORGETFUL, &[]);
    let requests = origin.requests().len();
    assert_eq!([0; 2].map(|_| forgetful.get(&path(1)).status), [200; 2]);
    assert_eq!(origin.requests().len(), requests + 4);
}

#[test]
fn remembered_pictures_do_not_wait_for_slow_origins() {
    let origin = Origin::start();
    let server = Server::start(&["--allow-any", "--allow-private", "--jobs", "1"], &[]);
    let url = origin.url("/ladder-ts/v0.m3u8");
    assert_eq!(server.get(&format!("/snapshot.jpg?url={url}")).status, 200);
    origin.rule("/slow.m3u8", Rule::Delay(Duration::from_secs(60)));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let slow = runtime.spawn(get(server.url(&format!("/snapshot.jpg?url={}&timeout=30", origin.url("/slow.m3u8"))), &[]));
    while origin.count("/slow.m3u8") == 0 {
        sleep(Duration::from_millis(10));
    }
    // The only job is busy: a new frame runs out of time, other sizes of a known one do not
    server.get(&format!("/snapshot.jpg?url={url}&at=5&timeout=0.3")).fails(504, "timeout");
    for path in ["snapshot.jpg?", "snapshot.jpg?width=100&", "snapshot.webp?"] {
        assert_eq!(server.get(&format!("/{path}url={url}")).status, 200, "{path}");
    }
    assert!(!slow.is_finished());
    runtime.shutdown_background();
}
