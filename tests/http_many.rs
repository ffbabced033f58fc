//! `hlsnap serve`: contact sheets, storyboards and animations.

use std::{io::Cursor, time::Duration};

use crate::origin::{Origin, Rule};
use crate::support::{
    frame_number, hex,
    http_server::{Answer, Server, get},
};
use image::{
    AnimationDecoder, DynamicImage, GenericImageView,
    codecs::{gif::GifDecoder, webp::WebPDecoder},
};
use ring::hmac;

const OPEN: [&str; 2] = ["--allow-any", "--allow-private"];

/// A cue: its line of times, the URL of the sprite, and the tile's `x`, `y`, width and height.
struct Cue {
    times: String,
    url: String,
    tile: [u32; 4],
}

fn cues(vtt: &Answer) -> Vec<Cue> {
    let text = String::from_utf8(vtt.body.clone()).expect("UTF-8");
    assert_eq!((vtt.status, vtt.header("content-type")), (200, "text/vtt; charset=utf-8"), "{text}");
    let mut blocks = text.split("\n\n");
    assert_eq!(blocks.next(), Some("WEBVTT"));
    let cue = |block: &str| {
        let (times, place) = block.trim().split_once('\n').expect("two lines");
        let (url, tile) = place.split_once("#xywh=").expect("a media fragment");
        let numbers: Vec<u32> = tile.split(',').map(|number| number.parse().expect("a number")).collect();
        Cue { times: times.to_owned(), url: url.to_owned(), tile: numbers.try_into().expect("four numbers") }
    };
    blocks.map(cue).collect()
}

/// The number of the frame in a part of a picture.
fn frame_in(picture: &DynamicImage, [x, y, width, height]: [u32; 4]) -> u16 {
    frame_number(&picture.crop_imm(x, y, width, height))
}

/// The numbers of the frames that the cues show.
fn frames(cues: &[Cue], sprite: &DynamicImage) -> Vec<u16> {
    cues.iter().map(|cue| frame_in(sprite, cue.tile)).collect()
}

/// Adds the signature of a path and its query.
fn signed(path: &str, key: &str) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), path.as_bytes());
    format!("{path}&sig={}", hex(tag.as_ref()))
}

#[test]
fn sheets_are_served_in_every_format() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let url = origin.url("/ladder-ts/master.m3u8");
    for (ending, kind) in [("jpg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp")] {
        let answer = server.get(&format!("/sheet.{ending}?url={url}&every=2s&columns=2&tile_width=160&labels=false&gap=6"));
        let sheet = answer.picture();
        assert_eq!((answer.header("content-type"), sheet.dimensions()), (kind, (2 * 160 + 3 * 6, 2 * 90 + 3 * 6)));
        let tiles = [(6, 6), (172, 6), (6, 102)].map(|(x, y)| frame_in(&sheet, [x, y, 160, 90]));
        assert_eq!(tiles, [0, 50, 100], "{ending}");
        assert_eq!((answer.header("x-hlsnap-pictures"), answer.header("x-hlsnap-missing")), ("3", "0"));
        assert_eq!(answer.header("cache-control"), "public, max-age=86400");
    }
}

#[test]
fn the_header_of_a_sheet_is_its_head_line() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let path = format!("/sheet.png?url={}&count=3&columns=3&tile_width=160", origin.url("/ladder-ts/v0.m3u8"));
    let height = |parameter: &str| server.get(&format!("{path}{parameter}")).picture().height();
    let plain = height("");
    assert!(height("&header") > plain + 10);
    assert_eq!((height("&header=true"), height("&header=false")), (height("&header_line=true"), plain));
    for parameters in ["header=A:%20b", "header&header_line", "header&header=false"] {
        server.get(&format!("{path}&{parameters}")).fails(400, "usage");
    }
    server.get(&path.replace("/sheet.png", "/storyboard.vtt").replace("&count=3", "&header")).fails(400, "usage");
}

#[test]
fn a_storyboard_leads_to_a_sprite_with_the_right_frames() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let query = format!("url={}&every=2&columns=2", origin.url("/ladder-ts/master.m3u8"));
    let vtt = server.get(&format!("/storyboard.vtt?{query}"));
    let cues = cues(&vtt);
    let times: Vec<_> = cues.iter().map(|cue| cue.times.as_str()).collect();
    assert_eq!(times, ["00:00:00.000 --> 00:00:02.000", "00:00:02.000 --> 00:00:04.000", "00:00:04.000 --> 00:00:06.000"]);
    assert!(cues.iter().all(|cue| cue.url.starts_with("storyboard.jpg?") && cue.url == cues[0].url), "{}", cues[0].url);
    let before = origin.requests().len();
    let sprite = server.get(&format!("/{}", cues[0].url));
    assert_eq!((sprite.header("content-type"), sprite.picture().dimensions()), ("image/jpeg", (320, 180)));
    assert_eq!(frames(&cues, &sprite.picture()), [0, 50, 100]);
    let json = server.get(&format!("/storyboard.json?{query}")).json();
    assert_eq!((&json["url"], &json["tile_width"], &json["duration"]), (&cues[0].url.as_str().into(), &160.into(), &6.0.into()));
    assert_eq!(json["tiles"][2], serde_json::json!({"start": 4.0, "x": 0, "y": 90}));
    assert_eq!(origin.requests().len(), before, "sprite and documents come from one job");
    let webp = server.get(&format!("/storyboard.webp?{query}"));
    assert_eq!((webp.header("content-type"), frames(&cues, &webp.picture())), ("image/webp", vec![0, 50, 100]));
}

#[test]
fn the_tiles_follow_from_the_length_or_from_the_grid() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let size = |parameters: &str| {
        let answer = server.get(&format!("/storyboard.jpg?url={}&tile_width=32{parameters}", origin.url("/ladder-ts/v0.m3u8")));
        (answer.header("x-hlsnap-pictures").to_owned(), answer.picture().dimensions())
    };
    assert_eq!(size(""), ("50".to_owned(), (5 * 32, 10 * 18)));
    assert_eq!(size("&columns=3&rows=2"), ("6".to_owned(), (3 * 32, 2 * 18)));
    assert_eq!(size("&count=7&rows=2"), ("7".to_owned(), (4 * 32, 2 * 18)));
}

#[test]
fn animations_are_served_in_both_formats() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let url = origin.url("/ladder-ts/v0.m3u8");
    let path = |ending: &str| format!("/animated.{ending}?url={url}&from=1&for=2&fps=5&width=320");
    let [webp, gif] = ["webp", "gif"].map(|ending| server.get(&path(ending)));
    assert_eq!((webp.header("content-type"), gif.header("content-type")), ("image/webp", "image/gif"));
    let webp_frames = WebPDecoder::new(Cursor::new(webp.body.as_slice())).expect("a WebP").into_frames().collect_frames();
    let gif_frames = GifDecoder::new(Cursor::new(gif.body.as_slice())).expect("a GIF").into_frames().collect_frames();
    for (answer, frames) in [(&webp, webp_frames), (&gif, gif_frames)] {
        let pictures = frames.expect("frames").into_iter().map(|frame| DynamicImage::from(frame.into_buffer()));
        let numbers: Vec<_> = pictures.map(|picture| (picture.width(), frame_number(&picture))).collect();
        assert_eq!(numbers, (0..10).map(|index| (320, 25 + 5 * index)).collect::<Vec<_>>());
        assert_eq!((answer.header("x-hlsnap-pictures"), answer.header("cache-control")), ("10", "public, max-age=86400"));
    }
    assert_eq!(server.get_with(&path("gif"), &[("if-none-match", gif.header("etag"))]).status, 304);
}

#[test]
fn signed_documents_name_a_signed_sprite() {
    let origin = Origin::start();
    let [server, other] = [(); 2].map(|()| Server::start(&["--allow-private"], &[("HLSNAP_KEY", "secret")]));
    let path = format!("url={}&every=2&expires=99999999999", origin.url("/ladder-ts/v0.m3u8"));
    for document in ["/storyboard.vtt", "/storyboard.json"] {
        server.get(&format!("{document}?{path}")).fails(403, "not_allowed");
        server.get(&signed(&format!("/storyboard.jpg?{path}"), "secret").replace("/storyboard.jpg", document)).fails(403, "not_allowed");
    }
    let vtt = server.get(&signed(&format!("/storyboard.vtt?{path}"), "secret"));
    let cues = cues(&vtt);
    let url = format!("/{}", cues[0].url);
    assert!(url.contains("expires=99999999999") && url.contains("&sig="), "{url}");
    for server in [&server, &other] {
        assert_eq!(frames(&cues, &server.get(&url).picture()), [0, 50, 100]);
        server.get(&url.replace("every=2", "every=1")).fails(403, "not_allowed");
        server.get(&url.replace("99999999999", "99999999998")).fails(403, "not_allowed");
    }
    let json = server.get(&signed(&format!("/storyboard.json?{path}"), "secret")).json();
    assert_eq!(json["url"], cues[0].url);
    for path in ["/sheet.jpg", "/animated.webp"] {
        server.get(&format!("{path}?url={}", origin.url("/ladder-ts/v0.m3u8"))).fails(403, "not_allowed");
    }
}

#[test]
fn the_sprite_of_a_live_stream_shows_the_moments_of_its_document() {
    let origin = Origin::start();
    let [server, other] = [(); 2].map(|()| Server::start(&OPEN, &[]));
    let vtt = server.get(&format!("/storyboard.vtt?url={}&from=-4&every=2", origin.url("/live/master.m3u8")));
    assert_eq!((vtt.header("cache-control"), vtt.header("x-hlsnap-live")), ("public, max-age=10", "true"));
    let cues = cues(&vtt);
    let url = format!("/{}", cues[0].url);
    let sprite = server.get(&url).picture();
    let shown = frames(&cues, &sprite);
    origin.advance(1);
    assert_eq!(frames(&cues, &server.get(&url).picture()), shown);
    assert_eq!(frames(&cues, &other.get(&url).picture()), shown, "a server that knows nothing of the document");
    origin.advance(8);
    other.get(&url.replace("storyboard.jpg", "storyboard.webp")).fails(404, "not_found");
}

#[test]
fn the_base_makes_the_url_of_the_sprite_absolute() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let path = format!("/storyboard.vtt?url={}&count=1", origin.url("/ladder-ts/v0.m3u8"));
    for base in ["https://cdn.example.com/previews", "https://cdn.example.com/previews/"] {
        let cues = cues(&server.get(&format!("{path}&base={base}")));
        let query = cues[0].url.strip_prefix("https://cdn.example.com/previews/storyboard.jpg?").expect("an absolute URL");
        assert!(!query.contains("base="), "{query}");
        assert_eq!(frame_in(&server.get(&format!("/storyboard.jpg?{query}")).picture(), cues[0].tile), 0);
    }
    for base in ["https://h/%20x%0Ay", "https://h/x%3Fy=z"] {
        server.get(&format!("{path}&base={base}")).fails(400, "usage");
    }
}

#[test]
fn equal_requests_at_the_same_time_share_one_job() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    origin.rule("/ladder-ts/v0-1.ts", Rule::Delay(Duration::from_millis(500)));
    let url = origin.url("/ladder-ts/v0.m3u8");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let sheets = [format!("/sheet.png?url={url}&count=3"), format!("/sheet.png?count=3&url={url}")];
    let storyboards = ["vtt", "json", "jpg"].map(|ending| format!("/storyboard.{ending}?url={url}&count=3"));
    for (paths, jobs) in [(sheets.to_vec(), 1), (storyboards.to_vec(), 2)] {
        let tasks: Vec<_> = paths.iter().map(|path| runtime.spawn(get(server.url(path), &[]))).collect();
        for task in tasks {
            assert_eq!(runtime.block_on(task).expect("a task").status, 200);
        }
        assert_eq!((origin.count("/ladder-ts/v0.m3u8"), origin.count("/ladder-ts/v0-1.ts")), (jobs, jobs), "{paths:?}");
    }
}

#[test]
fn requests_beyond_a_limit_are_too_large() {
    let origin = Origin::start();
    let server = Server::start(&OPEN, &[]);
    let small = Server::start(&[&OPEN[..], &["--max-pictures", "3"]].concat(), &[("HLSNAP_MAX_BYTES", "2k")]);
    let url = origin.url("/ladder-ts/v0.m3u8");
    for path in [
        format!("/sheet.jpg?url={url}&count=401"),
        format!("/sheet.jpg?url={url}&every=0.01"),
        format!("/storyboard.vtt?url={url}&columns=21&rows=20"),
    ] {
        let problem = server.get(&path).fails(502, "too_large");
        assert!(problem["hint"].is_string(), "{problem}");
    }
    assert_eq!(origin.paths(), ["/ladder-ts/v0.m3u8"; 3], "too many pictures are refused before media is read");
    for path in ["/sheet.jpg", "/storyboard.jpg"] {
        server.get(&format!("{path}?url={url}&columns=100&rows=4&tile_width=640&enlarge")).fails(502, "too_large");
    }
    small.get(&format!("/sheet.jpg?url={url}&count=4")).fails(502, "too_large");
    small.get(&format!("/animated.webp?url={url}&fps=4&for=1")).fails(502, "too_large");
    small.get(&format!("/sheet.jpg?url={url}&count=3&max_bytes=1G&strict")).fails(502, "too_large");
    for query in ["count=5&columns=2&rows=2", "at=5", "parallel=9", "query=a", "follow", "format=png", "from=3&to=2"] {
        server.get(&format!("/sheet.jpg?url={url}&{query}")).fails(400, "usage");
    }
    for query in ["query=a", "follow", "at=5", "columns=0", "labels", "count=5&columns=2&rows=2"] {
        server.get(&format!("/storyboard.vtt?url={url}&{query}")).fails(400, "usage");
    }
    server.get(&format!("/animated.gif?url={url}&at=5")).fails(400, "usage");
    origin.rule("/slow.m3u8", Rule::Delay(Duration::from_secs(20)));
    server.get(&format!("/sheet.jpg?url={}&timeout=0.3", origin.url("/slow.m3u8"))).fails(504, "timeout");
}

#[test]
fn missing_pictures_are_counted_and_not_cached_for_long() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let private = Server::start(&OPEN, &[("HLSNAP_CACHE_CONTROL", "private, max-age=99"), ("HLSNAP_CACHE_BYTES", "0")]);
    let query = format!("url={}&every=2&columns=3", origin.url("/ladder-ts/v0.m3u8"));
    assert_eq!(private.get(&format!("/sheet.png?{query}")).header("cache-control"), "private, max-age=99");
    origin.rule("/ladder-ts/v0-1.ts", Rule::Status(404, None));
    let sheet = server.get(&format!("/sheet.png?{query}&labels=false"));
    assert_eq!((sheet.status, sheet.header("x-hlsnap-missing"), sheet.header("cache-control")), (200, "1", "public, max-age=2"));
    assert_eq!(private.get(&format!("/sheet.png?{query}")).header("cache-control"), "no-store");
    assert_eq!([4, 4 + 2 * 324].map(|x| frame_in(&sheet.picture(), [x, 4, 320, 180])), [0, 100]);
    let vtt = server.get(&format!("/storyboard.vtt?{query}"));
    assert_eq!((vtt.header("x-hlsnap-missing"), vtt.header("cache-control")), ("1", "public, max-age=2"));
    let cues = cues(&vtt);
    assert_eq!(frames(&cues, &server.get(&format!("/{}", cues[0].url)).picture()), [0, 100]);
    for path in ["/sheet.png", "/storyboard.vtt", "/storyboard.jpg"] {
        server.get(&format!("{path}?{query}&strict")).fails(502, "http_status");
    }
}

#[test]
fn a_file_with_a_matching_etag_is_not_sent_again() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    for name in ["sheet.jpg", "storyboard.jpg", "storyboard.vtt", "storyboard.json"] {
        let path = format!("/{name}?url={}&count=3", origin.url("/ladder-ts/v0.m3u8"));
        let first = server.get(&path);
        let again = server.get_with(&path, &[("if-none-match", first.header("etag"))]);
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, first.header("etag")), "{name}");
        assert_eq!(server.get_with(&path, &[("if-none-match", "\"other\"")]).body, first.body, "{name}");
    }
}
