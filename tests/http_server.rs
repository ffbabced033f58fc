//! `hlsnap serve`: answers, caching, allowed hosts, signatures and shutdown.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::origin::{Origin, PLAYLIST, Rule};
use crate::support::{
    frame_number, hex, hlsnap,
    http_server::{Server, get},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use image::GenericImageView;
use ring::hmac;

const OPEN: [&str; 2] = ["--allow-any", "--allow-private"];

#[test]
fn pictures_are_served_in_every_format_and_size() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let url = origin.url("/ladder-ts/master.m3u8");
    for (ending, kind) in [("jpg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp")] {
        let answer = server.get(&format!("/snapshot.{ending}?url={url}&at=3&width=320"));
        assert_eq!((answer.header("content-type"), answer.picture().dimensions()), (kind, (320, 180)));
        assert_eq!(frame_number(&answer.picture()), 75, "{ending}");
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
        let path = format!("/snapshot.{ending}?url={url}&width=64");
        assert!(!names_it(&closed.get(&path).body), "{ending}");
        assert!(names_it(&closed.get(&format!("{path}&describe")).body), "{ending} with describe");
        assert!(names_it(&open.get(&path).body), "{ending} with the setting");
        assert!(!names_it(&open.get(&format!("{path}&describe=false")).body), "{ending} without describe");
    }
}

#[test]
fn content_and_encoding_options_are_parameters() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let dull = origin.url("/dull/index.m3u8");
    assert_eq!(frame_number(&server.get(&format!("/snapshot.png?url={dull}&skip_black=true")).picture()), 50);
    let url = origin.url("/ladder-ts/master.m3u8");
    let answer = server.get(&format!("/snapshot.jpg?url={url}&crop=0,0,0.5,1&subsampling=444&progressive=true&strip=true&max_size=20k"));
    assert_eq!(answer.picture().dimensions(), (320, 360));
}

#[test]
fn reports_and_inspections_are_those_of_the_command_line() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let url = origin.url("/ladder-ts/master.m3u8");
    let report = server.get(&format!("/report.json?url={url}")).json();
    let expected = hlsnap(&[&url, "--json"]).json();
    for part in ["url", "format", "width", "height", "bytes", "variant", "segment", "frame", "verdict"] {
        assert_eq!(report[part], expected[part], "{part}");
    }
    let inspected = server.get(&format!("/inspect.json?url={url}")).json();
    let expected = hlsnap(&["inspect", &url, "--json"]).json();
    for part in ["multivariant", "chosen", "media"] {
        assert_eq!(inspected[part], expected[part], "{part}");
    }
}

#[test]
fn a_picture_with_a_matching_etag_is_not_sent_again() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let path = format!("/snapshot.jpg?url={}", origin.url("/ladder-ts/v0.m3u8"));
    let first = server.get(&path);
    assert_eq!(first.header("cache-control"), "public, max-age=86400");
    let again = server.get_with(&path, &[("if-none-match", first.header("etag"))]);
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, first.header("etag")));
    let other = server.get_with(&path, &[("if-none-match", "\"other\"")]);
    assert_eq!((other.status, other.body), (200, first.body));
    let live = server.get(&format!("/snapshot.jpg?url={}", origin.url("/live/master.m3u8")));
    assert_eq!((live.header("cache-control"), live.header("x-hlsnap-live")), ("public, max-age=2, stale-while-revalidate=2", "true"));
    assert!(live.header("x-hlsnap-age").parse::<f64>().is_ok());
}

#[test]
fn equal_requests_at_the_same_time_share_one_snapshot() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    origin.rule("/ladder-ts/v0-1.ts", Rule::Delay(Duration::from_millis(500)));
    let url = origin.url("/ladder-ts/v0.m3u8");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            // The order of the parameters makes no difference
            let query = if number % 2 == 0 { format!("url={url}&at=3") } else { format!("at=3&url={url}") };
            runtime.spawn(get(server.url(&format!("/snapshot.png?{query}")), &[]))
        })
        .collect();
    for task in tasks {
        let answer = runtime.block_on(task).expect("a task");
        assert_eq!(frame_number(&answer.picture()), 75);
    }
    assert_eq!((origin.count("/ladder-ts/v0.m3u8"), origin.count("/ladder-ts/v0-1.ts")), (1, 1));
}

#[test]
fn failures_are_problem_documents_with_their_status() {
    let (origin, server) = (Origin::start(), Server::start(&OPEN, &[]));
    let secret = origin.url("/none.m3u8?token=secret").replace('?', "%3F");
    let problem = server.get(&format!("/snapshot.jpg?url={secret}")).fails(502, "http_status");
    assert_eq!(problem["origin_status"], 404);
    assert!(!problem.to_string().contains("secret"), "{problem}");
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
fn refusals_do_not_wait_for_a_busy_server() {
    let origin = Origin::start();
    let server = Server::start(&["--allow-host", "127.0.0.1", "--allow-private", "--jobs", "1"], &[]);
    origin.rule("/x.m3u8", Rule::Delay(Duration::from_secs(60)));
    let mut slow = TcpStream::connect(server.url("").trim_start_matches("http://")).expect("connected");
    let head = format!("GET /snapshot.jpg?url={} HTTP/1.1\r\nHost: x\r\n\r\n", origin.url("/x.m3u8"));
    slow.write_all(head.as_bytes()).expect("sent");
    while origin.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    // The only job is busy, so a second request runs out of time
    server.get(&format!("/snapshot.jpg?url={}&timeout=0.3", origin.url("/ladder-ts/v0.m3u8"))).fails(504, "timeout");
    for url in ["http://other.example.com/x.m3u8", "http://127.0.0.2/x.m3u8"] {
        server.get(&format!("/snapshot.jpg?url={url}&timeout=0.3")).fails(403, "not_allowed");
        server.get(&format!("/inspect.json?url={url}&timeout=0.3")).fails(403, "not_allowed");
    }
}

#[test]
fn no_host_is_allowed_by_default() {
    hlsnap(&["serve"]).fails(2, "usage");
    hlsnap(&["serve", "--allow-any", "-H", "Authorization: secret"]).fails(2, "usage");
    let origin = Origin::start();
    let picture = |server: &Server| server.get(&format!("/snapshot.jpg?url={}", origin.url("/ladder-ts/v0.m3u8")));
    // Loopback is private
    picture(&Server::start(&["--allow-any"], &[])).fails(403, "not_allowed");
    picture(&Server::start(&["--allow-host", "127.0.0.1"], &[])).fails(403, "not_allowed");
    picture(&Server::start(&["--allow-host", "*.example.com", "--allow-private"], &[])).fails(403, "not_allowed");
    assert_eq!(origin.requests().len(), 0, "no request was sent");
    let server = Server::start(&[], &[("HLSNAP_ALLOW_HOST", "127.0.0.1"), ("HLSNAP_ALLOW_PRIVATE", "true"), ("HLSNAP_WIDTH", "64")]);
    assert_eq!(picture(&server).picture().width(), 64);
    let health = server.get("/healthz");
    assert_eq!((health.status, health.body.as_slice()), (200, b"ok\n".as_slice()));
}

#[test]
fn allowed_hosts_apply_to_redirects_and_segments_too() {
    let (origin, other) = (Origin::start(), Origin::start());
    let allowed = format!("127.0.0.1:{}", origin.port());
    let server = Server::start(&["--allow-host", &allowed, "--allow-private"], &[]);
    let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n", other.url("/ladder-ts/v0-0.ts"));
    origin.rule("/elsewhere.m3u8", Rule::Body(text.into(), PLAYLIST));
    origin.rule("/moved.m3u8", Rule::Redirect(other.url("/ladder-ts/v0.m3u8")));
    for path in ["/elsewhere.m3u8", "/moved.m3u8"] {
        server.get(&format!("/snapshot.jpg?url={}", origin.url(path))).fails(403, "not_allowed");
    }
    assert_eq!(other.requests().len(), 0, "the other host got no request");
}

#[test]
fn only_signed_requests_are_answered_if_there_is_a_key() {
    let origin = Origin::start();
    let server = Server::start(&["--allow-private"], &[("HLSNAP_KEY", "secret")]);
    let path = format!("/snapshot.jpg?url={}&width=64", origin.url("/ladder-ts/v0.m3u8"));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"secret"), path.as_bytes());
    for signature in [hex(tag.as_ref()), URL_SAFE_NO_PAD.encode(tag)] {
        assert_eq!(server.get(&format!("{path}&sig={signature}")).picture().width(), 64);
        server.get(&format!("{}&sig={signature}", path.replace("64", "65"))).fails(403, "not_allowed");
    }
    server.get(&path).fails(403, "not_allowed");
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn open_requests_are_answered_before_the_server_ends() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v0-0.ts", Rule::Delay(Duration::from_millis(700)));
    let mut server = Server::start(&OPEN, &[]);
    let address = server.url("").trim_start_matches("http://").to_owned();
    let mut client = TcpStream::connect(&address).expect("connected");
    let head = format!("GET /snapshot.jpg?url={} HTTP/1.1\r\nHost: x\r\n\r\n", origin.url("/ladder-ts/v0.m3u8"));
    client.write_all(head.as_bytes()).expect("sent");
    while origin.requests().len() < 2 {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(server.terminate().success());
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).expect("an answer");
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "{:?}", String::from_utf8_lossy(&answer));
    assert!(TcpStream::connect(&address).is_err(), "the server no longer listens");
}

#[test]
fn methods_other_than_get_and_head_are_refused() {
    let server = Server::start(&OPEN, &[]);
    let address = server.url("").trim_start_matches("http://").to_owned();
    let mut client = TcpStream::connect(address).expect("connected");
    client.write_all(b"POST /snapshot.jpg HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").expect("sent");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("allow: GET,HEAD"), "{answer}");
}
