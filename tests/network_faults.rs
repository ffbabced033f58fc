//! Faults of the network: what the program reports, how long it takes, and that no file is left. `--nocapture` prints a table.

use std::{
    io::Write,
    net::TcpListener,
    time::{Duration, Instant},
};

use crate::origin::{Origin, Rule, fixture, null_packets};
use crate::support::{
    Run, hlsnap,
    isolated_network::{DnsServer, in_isolated_network, run_program},
    print_fault,
    raw_server::{RawRequest, RawServer},
    tls_server::TlsServer,
};

const SEGMENT: &str = "/ladder-ts/v0-0.ts";
const MEDIA: &str = "/ladder-ts/v0.m3u8";
const MODIFIED: &str = "Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n";
/// The deadline of a run, which is `--timeout 5`.
const DEADLINE: Duration = Duration::from_secs(5);
/// A run that takes longer hangs.
const HUNG: Duration = Duration::from_secs(15);

/// Runs the program against a fault, asserts its exit code (0 means a picture), and prints a row of the table.
#[track_caller]
fn assert_outcome(fault: &str, url: &str, options: &[&str], kind: &str, code: i32) -> Run {
    let began = Instant::now();
    let run = hlsnap(&[&[url, "--timeout", "5"], options].concat());
    let elapsed = began.elapsed();
    let outcome = if code == 0 { "a picture" } else { run.last_line() };
    print_fault(fault, outcome, elapsed, &run.files().join(" "));
    assert!(elapsed < HUNG, "{fault}: {elapsed:?}");
    if code == 0 {
        assert_eq!((run.code, run.files()), (0, vec!["snapshot.jpg".to_owned()]), "{fault}: {}", run.stderr);
    } else {
        run.fails(code, kind);
    }
    run
}

/// A server of a valid playlist whose segment gets this answer.
fn with_segment(answer: impl Fn(RawRequest) + Send + Sync + 'static) -> RawServer {
    RawServer::start(move |mut request| {
        if request.path == "/x.m3u8" {
            request.answer("", b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nx.ts\n#EXT-X-ENDLIST\n");
        } else {
            answer(request);
        }
    })
}

#[test]
fn broken_connections_are_unreachable() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    assert_outcome("refused", &format!("http://127.0.0.1:{port}/x.m3u8"), &[], "unreachable", 11);
    let reset = RawServer::start(RawRequest::reset);
    assert_outcome("reset before an answer", &reset.url("/x.m3u8"), &[], "unreachable", 11);
    assert_eq!(reset.request_count(), 3, "one request and two retries");
    let reset = with_segment(|mut request| {
        request.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nG");
        request.reset();
    });
    assert_outcome("reset in mid-body", &reset.url("/x.m3u8"), &[], "unreachable", 11);
    let ssh = RawServer::start(|mut request| request.send("SSH-2.0-OpenSSH_9.6\r\n"));
    assert_outcome("an answer that is not HTTP", &ssh.url("/x.m3u8"), &[], "unreachable", 11);
    let nothing = RawServer::start(drop);
    assert_outcome("closed without an answer", &nothing.url("/x.m3u8"), &[], "unreachable", 11);
    let endless = RawServer::start(|mut request| {
        request.send("HTTP/1.1 200 OK\r\n");
        while request.stream.write_all(&b"X-Filler: 0123456789012345678901234567890123456789\r\n".repeat(100)).is_ok() {}
    });
    assert_outcome("endless headers", &endless.url("/x.m3u8"), &["--retries", "0"], "unreachable", 11);
}

#[test]
fn dns_failures_are_unreachable_or_time_out() {
    in_isolated_network("network_faults::dns_failures_are_unreachable_or_time_out", || {
        let _dns = DnsServer::start();
        assert_outcome("an unknown host name", "http://none.test/x.m3u8", &[], "unreachable", 11);
        // A bound port that nobody reads
        let _silent = std::net::UdpSocket::bind("127.0.0.2:53").expect("a port");
        let mut configuration = tempfile::NamedTempFile::new().expect("a file");
        configuration.write_all(b"nameserver 127.0.0.2\noptions timeout:30 attempts:1\n").expect("written");
        run_program("mount", &["--bind", configuration.path().to_str().expect("a name"), "/etc/resolv.conf"]);
        assert_outcome("a DNS server that never answers", "http://any.test/x.m3u8", &[], "timeout", 13);
    });
}

/// A TLS server whose only answer is a redirect to plain HTTP.
fn redirecting_tls_server(change: impl FnOnce(&mut rcgen::CertificateParams)) -> TlsServer {
    let redirect = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x.m3u8\r\nContent-Length: 0\r\n\r\n";
    TlsServer::start(change, |_| redirect.to_vec())
}

#[test]
fn tls_failures_are_unreachable_or_time_out() {
    let server = redirecting_tls_server(|_| ());
    let url = server.url("/x.m3u8");
    assert_outcome("an untrusted certificate", &url, &[], "unreachable", 11);
    assert_outcome("another host's certificate", &url.replace("localhost", "127.0.0.1"), &[], "unreachable", 11);
    let expired = redirecting_tls_server(|parameters| parameters.not_after = rcgen::date_time_ymd(2020, 1, 1));
    assert_outcome("an expired certificate", &expired.url("/x.m3u8"), &[], "unreachable", 11);
    let plain = RawServer::start(drop);
    assert_outcome("a server without TLS", &plain.url("/x.m3u8").replace("http:", "https:"), &["--retries", "0"], "unreachable", 11);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = listener.local_addr().expect("an address").port();
    assert_outcome("a TLS handshake that stalls", &format!("https://localhost:{silent}/x.m3u8"), &[], "timeout", 13);
}

#[test]
fn a_redirect_from_https_to_http_is_only_followed_if_allowed() {
    let server = redirecting_tls_server(|_| ());
    let url = server.url("/x.m3u8");
    assert_outcome("a redirect from https: to http:", &url, &["--insecure"], "not_allowed", 10);
    assert_outcome("the same with --allow-downgrade", &url, &["--insecure", "--allow-downgrade", "--retries", "0"], "unreachable", 11);
}

#[test]
fn stalls_time_out() {
    let origin = Origin::start();
    origin.rule("/silent.m3u8", Rule::Delay(Duration::from_secs(60)));
    assert_outcome("a stall before the headers", &origin.url("/silent.m3u8"), &[], "timeout", 13);
    let half = RawServer::start(|mut request| {
        request.send("HTTP/1.1 200 OK\r\nContent-Le");
        std::thread::sleep(DEADLINE * 2);
    });
    assert_outcome("a stall in the headers", &half.url("/x.m3u8"), &[], "timeout", 13);
    origin.rule(SEGMENT, Rule::StallAt(1000));
    assert_outcome("a stall in mid-body", &origin.url(MEDIA), &[], "timeout", 13);
    origin.rule(SEGMENT, Rule::Trickle(Duration::from_secs(1)));
    assert_outcome("one byte a second", &origin.url(MEDIA), &[], "timeout", 13);
    let playlist = "/slow.m3u8";
    let slow = RawServer::start(move |mut request| {
        request.send("HTTP/1.1 200 OK\r\n\r\n#EXTM3U\n");
        while request.stream.write_all(b"#").is_ok() {
            std::thread::sleep(Duration::from_secs(1));
        }
    });
    assert_outcome("a playlist at one byte a second", &slow.url(playlist), &[], "timeout", 13);
}

#[test]
fn broken_bodies_give_an_error_and_no_file() {
    let long = with_segment(|mut request| {
        request.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 900000\r\n\r\n");
        request.send(&fixture("ladder-ts/v0-0.ts")[..1000]);
    });
    assert_outcome("less than Content-Length says", &long.url("/x.m3u8"), &[], "unreachable", 11);
    let short = with_segment(|mut request| {
        request.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 940\r\n\r\n");
        request.send(fixture("ladder-ts/v0-0.ts"));
    });
    assert_outcome("more than Content-Length says", &short.url("/x.m3u8"), &[], "undecodable", 24);
    let absurd = RawServer::start(|mut request| request.send("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n"));
    assert_outcome("a Content-Length beyond 64 bits", &absurd.url("/x.m3u8"), &["--retries", "0"], "unreachable", 11);
    let cut = with_segment(|mut request| {
        request.send("HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n");
        request.send(&fixture("ladder-ts/v0-0.ts")[..1000]);
    });
    assert_outcome("a chunked body that is cut", &cut.url("/x.m3u8"), &[], "unreachable", 11);
    let chunk = with_segment(|mut request| request.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nG"));
    assert_outcome("a chunk of an absurd size", &chunk.url("/x.m3u8"), &[], "unreachable", 11);
    let packed = RawServer::start(|mut request| request.answer("Content-Encoding: gzip\r\n", b"#EXTM3U\n"));
    assert_outcome("a body that is not gzip", &packed.url("/x.m3u8"), &["--retries", "0"], "unreachable", 11);
    let html = RawServer::start(|mut request| request.answer("Content-Type: text/html\r\n", b"<html>please log in</html>"));
    assert_outcome("200 with HTML for a playlist", &html.url("/x.m3u8"), &[], "bad_playlist", 20);
    let html = with_segment(|mut request| request.answer("Content-Type: text/html\r\n", b"<html>please log in</html>"));
    assert_outcome("200 with HTML for a segment", &html.url("/x.m3u8"), &[], "undecodable", 24);
}

#[test]
fn an_ignored_range_gives_a_picture_and_another_one_an_error() {
    let origin = Origin::start();
    origin.rule(SEGMENT, Rule::IgnoreRange);
    assert_outcome("an ignored Range", &origin.url(MEDIA), &[], "", 0);
    let wrong = with_segment(|mut request| {
        request
            .send("HTTP/1.1 206 Partial Content\r\nConnection: close\r\nContent-Range: bytes 500-999/2000\r\nContent-Length: 500\r\n\r\n");
        request.send([0; 500]);
    });
    assert_outcome("206 with another range", &wrong.url("/x.m3u8"), &[], "unreachable", 11);
}

/// Sends a part of a body as 206. The connection closes after `sent` bytes of it.
#[allow(clippy::indexing_slicing, reason = "a wrong test should fail loudly")]
fn send_part(mut request: RawRequest, validators: &str, body: &[u8], first: usize, last: usize, size: usize, sent: usize) {
    let length = last + 1 - first;
    request.send(format!(
        "HTTP/1.1 206 Partial\r\nConnection: close\r\n{validators}Content-Range: bytes {first}-{last}/{size}\r\nContent-Length: {length}\r\n\r\n"
    ));
    request.send(&body[first..first + sent.min(length)]);
}

#[test]
fn a_body_that_changes_between_retries_is_never_joined() {
    let changes = [
        ("another ETag", ["ETag: \"a\"\r\n", "ETag: \"b\"\r\n"]),
        ("another Last-Modified", [MODIFIED, "Last-Modified: Wed, 21 Oct 2015 07:28:02 GMT\r\n"]),
        ("another size", ["", ""]),
    ];
    for (change, validators) in changes {
        // The first answer ends after 1000 bytes, and the retry continues there
        let changing = with_segment(move |request| {
            let body = fixture("ladder-ts/v0-0.ts");
            let (first, validators) = if request.number < 2 { (0, validators[0]) } else { (1000, validators[1]) };
            let size = if change == "another size" { body.len() + 188 * first } else { body.len() };
            send_part(request, validators, &body, first, body.len() - 1, size, 1000);
        });
        assert_outcome(&format!("a body that changes between retries: {change}"), &changing.url("/x.m3u8"), &[], "unreachable", 11);
        assert_eq!(changing.request_count(), 3, "{change}");
    }
}

#[test]
fn a_body_that_changes_after_its_first_portion_is_never_joined() {
    for (change, second, kind, code) in
        [("unchanged", MODIFIED, "", 0), ("another one", "ETag: \"b\"\r\nLast-Modified: today\r\n", "unreachable", 11)]
    {
        // The key frame lies after the first portion, so the program requests the rest
        let changing = with_segment(move |mut request| {
            let body = [null_packets(8000), fixture("ladder-ts/v0-0.ts")].concat();
            let range = request.range.take().expect("a range");
            let (first, last) = range.trim_start_matches("bytes=").split_once('-').expect("a range");
            let first: usize = first.parse().expect("a number");
            let last = last.parse().unwrap_or(usize::MAX).min(body.len() - 1);
            send_part(request, if first == 0 { MODIFIED } else { second }, &body, first, last, body.len(), usize::MAX);
        });
        assert_outcome(&format!("a body that is {change} after its first portion"), &changing.url("/x.m3u8"), &[], kind, code);
        assert_eq!(changing.request_count(), 3, "{change}");
    }
}

#[test]
fn retries_follow_the_status_and_retry_after() {
    let origin = Origin::start();
    origin.rules(SEGMENT, vec![Rule::Status(429, Some(1)), Rule::File]);
    assert_outcome("429 with Retry-After of a second", &origin.url(MEDIA), &[], "", 0);
    origin.rule(SEGMENT, Rule::Status(429, Some(60)));
    assert_outcome("429 with Retry-After of a minute", &origin.url(MEDIA), &[], "http_status", 12);
    origin.rules(SEGMENT, vec![Rule::Status(503, None), Rule::File]);
    assert_outcome("503, then 200", &origin.url(MEDIA), &[], "", 0);
    origin.rule(SEGMENT, Rule::Status(503, None));
    assert_outcome("503 again and again", &origin.url(MEDIA), &[], "http_status", 12);
    let early = RawServer::start(|mut request| {
        for _ in 0..100 {
            request.send("HTTP/1.1 103 Early Hints\r\n\r\n");
        }
        request.answer("", b"<html>");
    });
    assert_outcome("a hundred interim responses", &early.url("/x.m3u8"), &[], "bad_playlist", 20);
}

#[test]
fn endless_bodies_and_redirects_are_too_large() {
    let origin = Origin::start();
    origin.rule("/endless.m3u8", Rule::EndlessPlaylist);
    assert_outcome("an endless playlist", &origin.url("/endless.m3u8"), &[], "too_large", 14);
    let endless = with_segment(|mut request| {
        request.send("HTTP/1.1 200 OK\r\n\r\n");
        let packets = null_packets(1000);
        while request.stream.write_all(&packets).is_ok() {}
    });
    assert_outcome("an endless segment", &endless.url("/x.m3u8"), &[], "too_large", 14);
    origin.rule("/loop.m3u8", Rule::Redirect("/loop.m3u8".into()));
    assert_outcome("a redirect loop", &origin.url("/loop.m3u8"), &[], "too_large", 14);
    origin.rule("/nowhere.m3u8", Rule::Redirect("http://".into()));
    assert_outcome("a redirect to an invalid URL", &origin.url("/nowhere.m3u8"), &[], "http_status", 12);
}
