//! `hlsnap serve`: the HTTP face on one machine.

mod origin;
mod support;

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use image::GenericImageView;
use origin::{Origin, Rule};
use ring::hmac;
use support::{
    hlsnap, number,
    server::{Server, asked},
};

const OPEN: [&str; 2] = ["--allow-any", "--allow-private"];

#[test]
fn pictures_in_every_format_and_size() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let url = origin.url("/ladder-ts/master.m3u8");
    for (ending, kind) in [("jpg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp")] {
        let answer = server.get(&format!("/snapshot.{ending}?url={url}&at=3&width=320"));
        assert_eq!((answer.header("content-type"), answer.picture().dimensions()), (kind, (320, 180)));
        assert_eq!(number(&answer.picture()), 75, "{ending}");
        assert_eq!((answer.header("x-hlsnap-requests"), answer.header("x-hlsnap-presentation-seconds")), ("3", "3"));
    }
    let [lossy, lossless] = ["", "&lossless"].map(|how| server.get(&format!("/snapshot.webp?url={url}&quality=20&strip{how}")).body);
    assert_eq!((&lossy[12..16], &lossless[12..16]), (b"VP8 ".as_slice(), b"VP8L".as_slice()));
    let answer = server.get(&format!("/snapshot.png?url={url}&at=0:01&width=100&height=100&fit=cover&variant=worst&exact"));
    assert_eq!(answer.picture().dimensions(), (100, 100));
}

#[test]
fn a_served_picture_names_its_stream_only_on_request() {
    let (origin, closed) = (Origin::start(), Server::start(&OPEN, &[]));
    let open = Server::start(&OPEN, &[("HLSNAP_DESCRIBE", "true")]);
    let url = origin.url("/ladder-ts/master.m3u8");
    let names_it = |body: &[u8]| body.windows(b"master.m3u8".len()).any(|bytes| bytes == b"master.m3u8");
    for ending in ["jpg", "png", "webp"] {
        let question = format!("/snapshot.{ending}?url={url}&width=64");
        assert!(!names_it(&closed.get(&question).body), "{ending}");
        assert!(names_it(&closed.get(&format!("{question}&describe")).body), "{ending} with describe");
        assert!(names_it(&open.get(&question).body), "{ending} with the setting");
        assert!(!names_it(&open.get(&format!("{question}&describe=false")).body), "{ending} without describe");
    }
}

#[test]
fn what_a_picture_shows_may_be_asked_for() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let dull = origin.url("/dull/index.m3u8");
    assert_eq!(number(&server.get(&format!("/snapshot.png?url={dull}&skip_black=true")).picture()), 50);
    let url = origin.url("/ladder-ts/master.m3u8");
    let answer = server.get(&format!("/snapshot.jpg?url={url}&crop=0,0,0.5,1&subsampling=444&progressive=true&strip=true&max_size=20k"));
    assert_eq!(answer.picture().dimensions(), (320, 360));
}

#[test]
fn reports_and_inspections_are_those_of_the_command_line() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let url = origin.url("/ladder-ts/master.m3u8");
    let report = server.get(&format!("/report.json?url={url}")).json();
    let told = hlsnap(&[&url, "--json"]).json();
    for part in ["url", "format", "width", "height", "bytes", "variant", "segment", "frame", "verdict"] {
        assert_eq!(report[part], told[part], "{part}");
    }
    let inspected = server.get(&format!("/inspect.json?url={url}")).json();
    let told = hlsnap(&["inspect", &url, "--json"]).json();
    for part in ["multivariant", "chosen", "media"] {
        assert_eq!(inspected[part], told[part], "{part}");
    }
}

#[test]
fn a_picture_that_the_asker_has_is_not_sent_again() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let path = format!("/snapshot.jpg?url={}", origin.url("/ladder-ts/v0.m3u8"));
    let first = server.get(&path);
    assert_eq!(first.header("cache-control"), "public, max-age=86400");
    let again = server.get_with(&path, &[("if-none-match", first.header("etag"))]);
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, first.header("etag")));
    let other = server.get_with(&path, &[("if-none-match", "\"other\"")]);
    assert_eq!((other.status, other.body), (200, first.body));
    let live = server.get(&format!("/snapshot.jpg?url={}", origin.url("/live/master.m3u8")));
    assert_eq!((live.header("cache-control"), live.header("x-hlsnap-live")), ("public, max-age=2", "true"));
    assert!(live.header("x-hlsnap-age").parse::<f64>().is_ok());
}

#[test]
fn the_same_question_at_the_same_time_is_asked_once() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    origin.rule("/ladder-ts/v0-1.ts", Rule::Delay(Duration::from_millis(500)));
    let url = origin.url("/ladder-ts/v0.m3u8");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let tasks: Vec<_> = (0..8)
        .map(|place| {
            // The order of the parameters is no difference
            let query = if place % 2 == 0 { format!("url={url}&at=3") } else { format!("at=3&url={url}") };
            runtime.spawn(asked(server.url(&format!("/snapshot.png?{query}")), &[]))
        })
        .collect();
    for task in tasks {
        let answer = runtime.block_on(task).expect("a task");
        assert_eq!(number(&answer.picture()), 75);
    }
    let asked_for = |path: &str| origin.paths().iter().filter(|hit| *hit == path).count();
    assert_eq!((asked_for("/ladder-ts/v0.m3u8"), asked_for("/ladder-ts/v0-1.ts")), (1, 1));
}

#[test]
fn failures_are_problems_of_the_table() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let secret = origin.url("/none.m3u8?token=secret").replace('?', "%3F");
    let told = server.get(&format!("/snapshot.jpg?url={secret}")).fails(502, "http_status");
    assert_eq!(told["origin_status"], 404);
    assert!(!told.to_string().contains("secret"), "{told}");
    let url = origin.url("/ladder-ts/v0.m3u8");
    for query in [
        String::new(),
        "url=".to_owned(),
        format!("url={url}&widht=5"),
        format!("url={url}&width=0"),
        format!("url={url}&width=5&width=6"),
        format!("url={url}&at=soon"),
        format!("url={url}&output=x.jpg"),
        format!("url={url}&header=a:b"),
        format!("url={url}&proxy=http://127.0.0.1:1"),
        format!("url={url}&key_frame&exact"),
    ] {
        server.get(&format!("/snapshot.jpg?{query}")).fails(400, "usage");
    }
    for local in ["/etc/hostname", "file:///etc/hostname"] {
        server.get(&format!("/snapshot.jpg?url={local}")).fails(403, "not_allowed");
    }
    server.get(&format!("/snapshot.jpg?url={url}&at=1:00:00")).fails(404, "not_found");
    server.get("/nothing").fails(404, "not_found");
    origin.rule("/x.m3u8", Rule::Delay(Duration::from_secs(20)));
    server.get(&format!("/snapshot.jpg?url={}&timeout=0.3", origin.url("/x.m3u8"))).fails(504, "timeout");
}

#[test]
fn refusals_wait_for_nobody() {
    let origin = Origin::start();
    let server = Server::start(&["--allow-host", "127.0.0.1", "--allow-private", "--jobs", "1"], &[]);
    origin.rule("/x.m3u8", Rule::Delay(Duration::from_secs(60)));
    let mut slow = TcpStream::connect(server.url("").trim_start_matches("http://")).expect("connected");
    let head = format!("GET /snapshot.jpg?url={} HTTP/1.1\r\nHost: x\r\n\r\n", origin.url("/x.m3u8"));
    slow.write_all(head.as_bytes()).expect("sent");
    while origin.hits().is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    // The one place is taken, and whoever waits for it has no time left in the end
    server.get(&format!("/snapshot.jpg?url={}&timeout=0.3", origin.url("/ladder-ts/v0.m3u8"))).fails(504, "timeout");
    for url in ["http://other.example.com/x.m3u8", "http://127.0.0.2/x.m3u8"] {
        server.get(&format!("/snapshot.jpg?url={url}&timeout=0.3")).fails(403, "not_allowed");
        server.get(&format!("/inspect.json?url={url}&timeout=0.3")).fails(403, "not_allowed");
    }
}

#[test]
fn nothing_is_served_until_somebody_has_said_what() {
    hlsnap(&["serve"]).fails(2, "usage");
    hlsnap(&["serve", "--allow-any", "-H", "Authorization: secret"]).fails(2, "usage");
    let origin = Origin::start();
    let picture = |server: &Server| server.get(&format!("/snapshot.jpg?url={}", origin.url("/ladder-ts/v0.m3u8")));
    // Loopback is private
    picture(&Server::start(&["--allow-any"], &[])).fails(403, "not_allowed");
    picture(&Server::start(&["--allow-host", "127.0.0.1"], &[])).fails(403, "not_allowed");
    picture(&Server::start(&["--allow-host", "*.example.com", "--allow-private"], &[])).fails(403, "not_allowed");
    assert_eq!(origin.hits().len(), 0, "nothing was asked for");
    let server = Server::start(&[], &[("HLSNAP_ALLOW_HOST", "127.0.0.1"), ("HLSNAP_ALLOW_PRIVATE", "true"), ("HLSNAP_WIDTH", "64")]);
    assert_eq!(picture(&server).picture().width(), 64);
    let health = server.get("/healthz");
    assert_eq!((health.status, health.body.as_slice()), (200, b"ok\n".as_slice()));
}

#[test]
fn hosts_hold_for_redirects_and_segments_too() {
    let (origin, other) = (Origin::start(), Origin::start());
    let allowed = format!("127.0.0.1:{}", origin.port());
    let server = Server::start(&["--allow-host", &allowed, "--allow-private"], &[]);
    let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n", other.url("/ladder-ts/v0-0.ts"));
    origin.rule("/elsewhere.m3u8", Rule::Body(text.into(), "application/vnd.apple.mpegurl"));
    origin.rule("/moved.m3u8", Rule::Redirect(other.url("/ladder-ts/v0.m3u8")));
    for path in ["/elsewhere.m3u8", "/moved.m3u8"] {
        server.get(&format!("/snapshot.jpg?url={}", origin.url(path))).fails(403, "not_allowed");
    }
    assert_eq!(other.hits().len(), 0, "the other host was not asked");
}

#[test]
fn signed_requests_are_answered_and_no_others() {
    let origin = Origin::start();
    let server = Server::start(&["--allow-private"], &[("HLSNAP_KEY", "secret")]);
    let path = format!("/snapshot.jpg?url={}&width=64", origin.url("/ladder-ts/v0.m3u8"));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"secret"), path.as_bytes());
    let hexadecimal: Vec<_> = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    for signature in [hexadecimal.concat(), URL_SAFE_NO_PAD.encode(tag)] {
        assert_eq!(server.get(&format!("{path}&sig={signature}")).picture().width(), 64);
        server.get(&format!("{}&sig={signature}", path.replace("64", "65"))).fails(403, "not_allowed");
    }
    server.get(&path).fails(403, "not_allowed");
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn what_was_asked_for_is_answered_before_the_end() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v0-0.ts", Rule::Delay(Duration::from_millis(700)));
    let mut server = Server::start(&OPEN, &[]);
    let address = server.url("").trim_start_matches("http://").to_owned();
    let mut asker = TcpStream::connect(&address).expect("connected");
    let head = format!("GET /snapshot.jpg?url={} HTTP/1.1\r\nHost: x\r\n\r\n", origin.url("/ladder-ts/v0.m3u8"));
    asker.write_all(head.as_bytes()).expect("sent");
    while origin.hits().len() < 2 {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(server.terminate().success());
    let mut answer = Vec::new();
    asker.read_to_end(&mut answer).expect("an answer");
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "{:?}", String::from_utf8_lossy(&answer));
    assert!(TcpStream::connect(&address).is_err(), "nobody listens any more");
}

#[test]
fn other_methods_are_refused() {
    let server = Server::start(&OPEN, &[]);
    let address = server.url("").trim_start_matches("http://").to_owned();
    let mut asker = TcpStream::connect(address).expect("connected");
    asker.write_all(b"POST /snapshot.jpg HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").expect("sent");
    let mut answer = String::new();
    asker.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("allow: GET,HEAD"), "{answer}");
}
