//! Origins and playlists that violate the specifications and still give a picture; docs/leniency.md lists them.

use std::io::Write;

use crate::origin::{Origin, PLAYLIST, Rule, fixture, fixture_text, gzip};
use crate::support::{
    Run, captured_frame, encryption::cbc_padded, frame_number, hex, hlsnap, raw_server::RawServer, tls_server::TlsServer,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

const MEDIA: &str = "/ladder-ts/v0.m3u8";
const FRAGMENTS: &str = "/ladder-fmp4/v0.m3u8";
const VARIANT: &str = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,";

/// An origin with an additional playlist.
fn origin_with(path: &str, playlist: impl Into<Vec<u8>>) -> Origin {
    let origin = Origin::start();
    origin.rule(path, Rule::Body(playlist.into(), PLAYLIST));
    origin
}

/// A run with a report.
#[track_caller]
fn run_with_report(url: &str, options: &[&str]) -> Run {
    let run = hlsnap(&[&[url, "--json", "-o", "out.png"], options].concat());
    run.succeeds();
    run
}

#[test]
fn media_overrides_a_wrong_codecs_attribute() {
    for codecs in ["mp4a.40.2", "x264,aac", "unknown", "vvc1.1.L51"] {
        let origin = origin_with("/ladder-ts/x.m3u8", format!("{VARIANT}CODECS=\"{codecs}\"\nv0.m3u8\n"));
        assert_eq!(captured_frame(&origin.url("/ladder-ts/x.m3u8"), &[]), 0, "{codecs}");
    }
}

#[test]
fn a_variant_with_unknown_codecs_is_tried_last() {
    let lines = format!("{VARIANT}CODECS=\"unknown\"\nv0.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.4d401e\"\nv1.m3u8\n");
    let origin = origin_with("/ladder-ts/x.m3u8", lines);
    captured_frame(&origin.url("/ladder-ts/x.m3u8"), &[]);
    assert!(!origin.paths().iter().any(|path| path == MEDIA), "{:?}", origin.paths());
    origin.rule("/ladder-ts/v1.m3u8", Rule::Status(404, None));
    captured_frame(&origin.url("/ladder-ts/x.m3u8"), &[]);
}

#[test]
fn codecs_decide_the_error_for_media_without_a_picture() {
    for (codecs, code, kind) in [("mp4a.40.2", 21, "no_video"), ("xyz1.2", 25, "unsupported"), ("avc1.4d401e", 24, "undecodable")] {
        let origin = origin_with("/broken/x.m3u8", format!("{VARIANT}CODECS=\"{codecs}\"\nnoise.m3u8\n"));
        hlsnap(&[&origin.url("/broken/x.m3u8")]).fails(code, kind);
    }
    // Dolby Vision profile 5 would decode cleanly, but with wrong colors
    let origin = origin_with("/ladder-ts/x.m3u8", format!("{VARIANT}CODECS=\"dvh1.05.06\"\nv0.m3u8\n"));
    hlsnap(&[&origin.url("/ladder-ts/x.m3u8")]).fails(25, "unsupported");
}

#[test]
fn stray_media_tags_do_not_make_a_media_playlist() {
    let stray = "#EXTM3U\n#EXT-X-TARGETDURATION:15\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv0.m3u8\n#EXT-X-ENDLIST\n";
    let origin = origin_with("/ladder-ts/x.m3u8", stray);
    assert_eq!(captured_frame(&origin.url("/ladder-ts/x.m3u8"), &["--at", "3"]), 75);
}

#[test]
fn a_transport_stream_ignores_the_map_before_it() {
    let lines = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"/ladder-fmp4/v0-init.mp4\"\n#EXTINF:2,\n/ladder-fmp4/v0-0.m4s\n\
                 #EXT-X-DISCONTINUITY\n#EXTINF:2,\n/ladder-ts/v0-1.ts\n#EXTINF:2,\n/ladder-ts/v0-2.ts\n";
    for end in ["", "#EXT-X-ENDLIST\n"] {
        let origin = origin_with("/x.m3u8", format!("{lines}{end}"));
        assert_eq!(captured_frame(&origin.url("/x.m3u8"), &["--at", "3.4"]), 85);
        assert_eq!(captured_frame(&origin.url("/x.m3u8"), &["--at", "live"]), 100);
        assert_eq!(captured_frame(&origin.url("/x.m3u8"), &["--at", "1"]), 25);
    }
}

#[test]
fn media_within_a_map_is_not_part_of_the_init() {
    let (init, first) = (fixture("ladder-fmp4/v0-init.mp4"), fixture("ladder-fmp4/v0-0.m4s"));
    let origin = origin_with("/ladder-fmp4/x.m3u8", fixture_text(FRAGMENTS).replace("v0-init.mp4", "first.mp4"));
    origin.rule("/ladder-fmp4/first.mp4", Rule::Body([init, first].concat(), "video/mp4"));
    let url = origin.url("/ladder-fmp4/x.m3u8");
    assert_eq!(captured_frame(&url, &["--at", "4.4", "--key-frame"]), 100);
    assert_eq!(captured_frame(&url, &["--at", "live"]), 100);
    assert_eq!(captured_frame(&url, &[]), 0);
}

#[test]
fn an_unknown_method_of_clear_media_is_ignored() {
    for (playlist, line) in [(MEDIA, "#EXTINF:2.000000,\nv0-0.ts"), (FRAGMENTS, "#EXTINF:2.000000,\nv0-0.m4s")] {
        let folder = playlist.rsplit_once('/').expect("a path").0;
        let lines = fixture_text(playlist).replace(line, &format!("#EXT-X-KEY:METHOD=EVENT\n{line}"));
        assert!(lines.contains("EVENT"), "{lines}");
        let origin = origin_with(&format!("{folder}/x.m3u8"), lines);
        let run = run_with_report(&origin.url(&format!("{folder}/x.m3u8")), &["--at", "3"]);
        assert_eq!((frame_number(&run.picture("out.png")), run.json()["encrypted"].as_str()), (75, Some("none")), "{playlist}");
    }
}

#[test]
fn an_unknown_method_of_unreadable_media_is_encryption() {
    let origin = origin_with("/x.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=ROT-13\n#EXTINF:2,\nx.ts\n#EXT-X-ENDLIST\n");
    origin.rule("/x.ts", Rule::Body(cbc_padded(&[7; 16], &[9; 16], &fixture("ladder-ts/v0-0.ts")), "video/mp2t"));
    let run = hlsnap(&[&origin.url("/x.m3u8")]);
    assert!(run.fails(23, "encrypted").stderr.contains("ROT-13"), "{}", run.stderr);
}

#[test]
fn a_line_break_after_a_key_is_ignored_and_other_text_is_no_key() {
    const KEY: &[u8; 16] = b"0123456789abcdef";
    let lines = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n#EXTINF:2,\nx.ts\n#EXT-X-ENDLIST\n";
    let origin = origin_with("/x.m3u8", lines);
    origin.rule("/x.ts", Rule::Body(cbc_padded(KEY, &[0; 16], &fixture("ladder-ts/v0-0.ts")), "video/mp2t"));
    for end in ["\n", "\r\n"] {
        origin.rule("/key", Rule::Body([KEY, end.as_bytes()].concat(), "text/plain"));
        assert_eq!(captured_frame(&origin.url("/x.m3u8"), &[]), 0);
    }
    for text in [hex(KEY), STANDARD.encode(KEY), "0123456789abcdeF\n".to_owned()] {
        origin.rule("/key", Rule::Body(text.into(), "text/plain"));
        hlsnap(&[&origin.url("/x.m3u8")]).fails(23, "encrypted");
    }
}

#[test]
fn playlists_in_utf_16_or_after_a_warning_are_read() {
    let lines = fixture_text(MEDIA);
    let units = |bom: &str| format!("{bom}{lines}").encode_utf16().collect::<Vec<_>>();
    let little_endian = |bom: &str| units(bom).iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<_>>();
    let big_endian = |bom: &str| units(bom).iter().flat_map(|unit| unit.to_be_bytes()).collect::<Vec<_>>();
    let after = |warning: &str| format!("{warning}{lines}").into_bytes();
    for playlist in [
        little_endian("\u{feff}"),
        little_endian(""),
        big_endian("\u{feff}"),
        big_endian(""),
        after("\n\nWarning: something on line 3\n"),
        after("<br />\n<b>Warning</b>: something<br />\n"),
    ] {
        let origin = origin_with("/ladder-ts/x.m3u8", playlist);
        assert_eq!(captured_frame(&origin.url("/ladder-ts/x.m3u8"), &["--at", "3"]), 75);
    }
}

fn data_url(bytes: &[u8]) -> String {
    format!("data:application/octet-stream;base64,{}", STANDARD.encode(bytes))
}

#[test]
fn data_urls_hold_inits_segments_and_playlists() {
    let origin =
        origin_with("/ladder-fmp4/x.m3u8", fixture_text(FRAGMENTS).replace("v0-init.mp4", &data_url(&fixture("ladder-fmp4/v0-init.mp4"))));
    assert_eq!(captured_frame(&origin.url("/ladder-fmp4/x.m3u8"), &["--at", "3"]), 75);
    assert!(!origin.paths().iter().any(|path| path.contains("init")), "{:?}", origin.paths());
    let segment = data_url(&fixture("ladder-ts/v0-1.ts"));
    let lines = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{segment}\n#EXT-X-ENDLIST\n");
    let origin = origin_with("/x.m3u8", lines.clone());
    assert_eq!(captured_frame(&origin.url("/x.m3u8"), &[]), 50);
    let origin = origin_with("/x.m3u8", format!("{VARIANT}RESOLUTION=1x1\n{}\n", data_url(lines.as_bytes())));
    assert_eq!(captured_frame(&origin.url("/x.m3u8"), &[]), 50);
    assert_eq!(origin.requests().len(), 1);
}

#[test]
fn data_urls_obey_the_network_policy_and_the_limits() {
    let origin = Origin::start();
    let master = |lines: &str| format!("{VARIANT}RESOLUTION=1x1\n{}\n", data_url(lines.as_bytes()));
    let media = |uri: &str| format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{uri}\n#EXT-X-ENDLIST\n");
    // A remote playlist may not name a local file, not even within a data: URL
    origin.rule("/x.m3u8", Rule::Body(master(&media("file:///etc/hostname")).into(), PLAYLIST));
    hlsnap(&[&origin.url("/x.m3u8")]).fails(10, "not_allowed");
    // A data: URL has no base for relative URIs
    origin.rule("/x.m3u8", Rule::Body(master(&media("x.ts")).into(), PLAYLIST));
    hlsnap(&[&origin.url("/x.m3u8")]).fails(22, "not_found");
    // Bytes of data: URLs count too
    origin.rule("/x.m3u8", Rule::Body(media(&data_url(&fixture("ladder-ts/v0-0.ts"))).into(), PLAYLIST));
    hlsnap(&[&origin.url("/x.m3u8"), "--max-bytes", "20000"]).fails(14, "too_large");
    origin.rule("/x.m3u8", Rule::Body(media("data:,%zz").into(), PLAYLIST));
    hlsnap(&[&origin.url("/x.m3u8")]).fails(20, "bad_playlist");
    origin.rule("/x.m3u8", Rule::Redirect("data:,x".into()));
    hlsnap(&[&origin.url("/x.m3u8")]).fails(10, "not_allowed");
}

#[test]
fn content_codings_are_known_under_every_name() {
    let lines = fixture("ladder-ts/v0.m3u8");
    let members = [gzip(&lines[..60]), gzip(&lines[60..])].concat();
    for (compressed, coding) in
        [(gzip(&lines), "gzip"), (gzip(&lines), "GZIP"), (gzip(&lines), "x-gzip"), (members, "Gzip"), (lines.clone(), "utf-8")]
    {
        let origin = Origin::start();
        origin.rule("/ladder-ts/x.m3u8", Rule::Encoded(compressed, coding));
        assert_eq!(captured_frame(&origin.url("/ladder-ts/x.m3u8"), &["--at", "3"]), 75, "{coding}");
    }
}

/// A server of the TS ladder whose responses start with this head. It replaces `%d` by the length of the body.
fn with_head(head: &'static str) -> RawServer {
    RawServer::start(move |mut request| {
        let body = fixture(&format!("ladder-ts{}", request.path));
        request.send(head.replace("%d", &body.len().to_string()));
        request.send(body);
    })
}

#[test]
fn headers_are_read_as_browsers_and_curl_read_them() {
    for head in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nX-Policy: default-src self;\r\n   img-src *;\r\nContent-Length: %d\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nServer : X\r\nX-Powered-By : PHP/5\r\nContent-Length: %d\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nX-Something\r\nContent-Length: %d\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.0 200\r\nConnection: keep-alive\r\nContent-Length: %d\r\n\r\n",
        "HTTP/1.1 200 OK\nConnection: close\nContent-Length: %d\n\n",
    ] {
        assert_eq!(captured_frame(&with_head(head).url("/v0.m3u8"), &["--at", "3"]), 75, "{head:?}");
    }
}

#[test]
fn a_redirect_with_unencoded_bytes_is_followed() {
    let raw = RawServer::start(|mut request| match request.path.as_str() {
        "/x.m3u8" => {
            request.send(b"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: /caf\xe9 1/v0.m3u8\r\n\r\n");
        }
        path => {
            let body = fixture(&path.replace("caf%E9%201", "ladder-ts"));
            request.answer("", &body);
        }
    });
    assert_eq!(captured_frame(&raw.url("/x.m3u8"), &[]), 0);
}

#[test]
fn headers_from_a_proxy_are_read_strictly() {
    let folded = RawServer::start(|mut request| request.answer("X-Policy: a;\r\n  b\r\n", b"#EXTM3U\n"));
    let run = hlsnap(&["http://example.test/x.m3u8", "--proxy", &folded.url(""), "--retries", "0"]);
    run.fails(11, "unreachable");
    assert_eq!(folded.request_count(), 1);
}

#[test]
fn framing_that_contradicts_itself_is_refused() {
    for head in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\nContent-Length: 7\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: x\r\n\r\n",
    ] {
        hlsnap(&[&with_head(head).url("/v0.m3u8"), "--retries", "0"]).fails(11, "unreachable");
    }
}

/// A TLS server of the TS ladder.
fn tls_ladder(change: impl FnOnce(&mut rcgen::CertificateParams)) -> TlsServer {
    TlsServer::start(change, |path| {
        let body = fixture(&format!("ladder-ts{path}"));
        [format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat()
    })
}

#[test]
fn a_certificate_given_by_the_caller_is_trusted_for_its_name_until_it_expires() {
    let server = tls_ladder(|_| ());
    let url = server.url("/v0.m3u8");
    assert_eq!(captured_frame(&url, &["--cacert", server.certificate()]), 0);
    hlsnap(&[&url, "--retries", "0"]).fails(11, "unreachable");
    let other = tls_ladder(|_| ());
    hlsnap(&[&url, "--retries", "0", "--cacert", other.certificate()]).fails(11, "unreachable");
    let other_name = url.replace("localhost", "127.0.0.1");
    hlsnap(&[&other_name, "--retries", "0", "--cacert", server.certificate()]).fails(11, "unreachable");
    let expired = tls_ladder(|parameters| parameters.not_after = rcgen::date_time_ymd(2020, 1, 1));
    hlsnap(&[&expired.url("/v0.m3u8"), "--retries", "0", "--cacert", expired.certificate()]).fails(11, "unreachable");
}

#[test]
fn further_connections_resume_the_tls_session() {
    let server = tls_ladder(|_| ());
    // The server closes each connection after one answer
    assert_eq!(captured_frame(&server.url("/master.m3u8"), &["--cacert", server.certificate()]), 0);
    assert_eq!(server.resumed(), [false, true, true], "Multivariant Playlist, Media Playlist, segment");
}

#[test]
fn an_outdated_tls_version_is_named() {
    // The answer of a server that only knows TLS 1.1: the alert protocol_version
    let raw = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = raw.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in raw.incoming().map_while(Result::ok) {
            let mut hello = [0; 4096];
            let _ = std::io::Read::read(&mut stream, &mut hello);
            let _ = stream.write_all(&[21, 3, 2, 0, 2, 2, 70]);
        }
    });
    let run = hlsnap(&[&format!("https://127.0.0.1:{port}/x.m3u8"), "--retries", "0"]);
    assert!(run.fails(11, "unreachable").stderr.contains("TLS"), "{}", run.stderr);
    assert!(run.stderr.contains("1.2"), "{}", run.stderr);
}

#[test]
fn an_invalid_date_is_noted_in_the_report() {
    let lines = fixture_text(MEDIA).replace("#EXTINF", "#EXT-X-PROGRAM-DATE-TIME:yesterday\n#EXTINF");
    let origin = origin_with("/ladder-ts/x.m3u8", lines);
    let run = run_with_report(&origin.url("/ladder-ts/x.m3u8"), &[]);
    assert!(run.json()["notes"].to_string().contains("EXT-X-PROGRAM-DATE-TIME"), "{}", run.json());
}
