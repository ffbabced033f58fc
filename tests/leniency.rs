//! Origins and playlists that are not as they should be, and give a picture all the same: docs/leniency.md lists them.

mod origin;
mod support;

use std::{io::Write, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use origin::{Origin, Rule, fixtures};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use support::{Run, frame, hlsnap, number, raw::Raw, sealing::padded};

const PLAYLIST: &str = "application/vnd.apple.mpegurl";
const MEDIA: &str = "/ladder-ts/v0.m3u8";
const FRAGMENTS: &str = "/ladder-fmp4/v0.m3u8";
const VARIANT: &str = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,";

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixtures().join(name.trim_start_matches('/'))).expect("a fixture")
}

fn text(name: &str) -> String {
    String::from_utf8(fixture(name)).expect("text")
}

/// An origin with this playlist at a path beside the ladder's.
fn with(path: &str, playlist: impl Into<Vec<u8>>) -> Origin {
    let origin = Origin::start();
    origin.rule(path, Rule::Body(playlist.into(), PLAYLIST));
    origin
}

#[track_caller]
fn report(url: &str, options: &[&str]) -> Run {
    let run = hlsnap(&[&[url, "--json", "-o", "out.png"], options].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    run
}

#[test]
fn media_belies_codecs() {
    for codecs in ["mp4a.40.2", "x264,aac", "unknown", "vvc1.1.L51"] {
        let origin = with("/ladder-ts/x.m3u8", format!("{VARIANT}CODECS=\"{codecs}\"\nv0.m3u8\n"));
        assert_eq!(frame(&origin.url("/ladder-ts/x.m3u8"), &[]), 0, "{codecs}");
    }
}

#[test]
fn a_variant_that_codecs_speak_against_comes_last() {
    let lines = format!("{VARIANT}CODECS=\"unknown\"\nv0.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.4d401e\"\nv1.m3u8\n");
    let origin = with("/ladder-ts/x.m3u8", lines);
    frame(&origin.url("/ladder-ts/x.m3u8"), &[]);
    assert!(!origin.paths().iter().any(|path| path == MEDIA), "{:?}", origin.paths());
    origin.rule("/ladder-ts/v1.m3u8", Rule::Status(404, None));
    frame(&origin.url("/ladder-ts/x.m3u8"), &[]);
}

#[test]
fn codecs_say_why_media_shows_nothing() {
    for (codecs, code, kind) in [("mp4a.40.2", 21, "no_video"), ("xyz1.2", 25, "unsupported"), ("avc1.4d401e", 24, "undecodable")] {
        let origin = with("/broken/x.m3u8", format!("{VARIANT}CODECS=\"{codecs}\"\nnoise.m3u8\n"));
        hlsnap(&[&origin.url("/broken/x.m3u8")]).fails(code, kind);
    }
    // Its pictures would be clean and in wrong colours, whatever its media is
    let origin = with("/ladder-ts/x.m3u8", format!("{VARIANT}CODECS=\"dvh1.05.06\"\nv0.m3u8\n"));
    hlsnap(&[&origin.url("/ladder-ts/x.m3u8")]).fails(25, "unsupported");
}

#[test]
fn stray_media_tags_make_no_media_playlist() {
    let stray = "#EXTM3U\n#EXT-X-TARGETDURATION:15\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv0.m3u8\n#EXT-X-ENDLIST\n";
    let origin = with("/ladder-ts/x.m3u8", stray);
    assert_eq!(frame(&origin.url("/ladder-ts/x.m3u8"), &["--at", "3"]), 75);
}

#[test]
fn a_transport_stream_does_not_need_the_map_before_it() {
    let lines = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"/ladder-fmp4/v0-init.mp4\"\n#EXTINF:2,\n/ladder-fmp4/v0-0.m4s\n\
                 #EXT-X-DISCONTINUITY\n#EXTINF:2,\n/ladder-ts/v0-1.ts\n#EXTINF:2,\n/ladder-ts/v0-2.ts\n";
    for end in ["", "#EXT-X-ENDLIST\n"] {
        let origin = with("/x.m3u8", format!("{lines}{end}"));
        assert_eq!(frame(&origin.url("/x.m3u8"), &["--at", "3.4"]), 85);
        assert_eq!(frame(&origin.url("/x.m3u8"), &["--at", "live"]), 100);
        assert_eq!(frame(&origin.url("/x.m3u8"), &["--at", "1"]), 25);
    }
}

#[test]
fn media_in_a_map_is_not_of_the_init() {
    let (init, first) = (fixture("ladder-fmp4/v0-init.mp4"), fixture("ladder-fmp4/v0-0.m4s"));
    let origin = with("/ladder-fmp4/x.m3u8", text(FRAGMENTS).replace("v0-init.mp4", "first.mp4"));
    origin.rule("/ladder-fmp4/first.mp4", Rule::Body([init, first].concat(), "video/mp4"));
    let url = origin.url("/ladder-fmp4/x.m3u8");
    assert_eq!(frame(&url, &["--at", "4.4", "--key-frame"]), 100);
    assert_eq!(frame(&url, &["--at", "live"]), 100);
    assert_eq!(frame(&url, &[]), 0);
}

#[test]
fn an_unknown_method_of_clear_media_is_ignored() {
    for (playlist, line) in [(MEDIA, "#EXTINF:2.000000,\nv0-0.ts"), (FRAGMENTS, "#EXTINF:2.000000,\nv0-0.m4s")] {
        let folder = playlist.rsplit_once('/').expect("a path").0;
        let lines = text(playlist).replace(line, &format!("#EXT-X-KEY:METHOD=EVENT\n{line}"));
        assert!(lines.contains("EVENT"), "{lines}");
        let origin = with(&format!("{folder}/x.m3u8"), lines);
        let run = report(&origin.url(&format!("{folder}/x.m3u8")), &["--at", "3"]);
        assert_eq!((number(&run.picture("out.png")), run.json()["encrypted"].as_str()), (75, Some("none")), "{playlist}");
    }
}

#[test]
fn an_unknown_method_of_other_bytes_is_encryption() {
    let origin = with("/x.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=ROT-13\n#EXTINF:2,\nx.ts\n#EXT-X-ENDLIST\n");
    origin.rule("/x.ts", Rule::Body(padded(&[7; 16], &[9; 16], &fixture("ladder-ts/v0-0.ts")), "video/mp2t"));
    let run = hlsnap(&[&origin.url("/x.m3u8")]);
    assert!(run.fails(23, "encrypted").stderr.contains("ROT-13"), "{}", run.stderr);
}

#[test]
fn a_line_end_after_a_key_is_ignored_and_other_text_is_no_key() {
    const KEY: &[u8; 16] = b"0123456789abcdef";
    let lines = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n#EXTINF:2,\nx.ts\n#EXT-X-ENDLIST\n";
    let origin = with("/x.m3u8", lines);
    origin.rule("/x.ts", Rule::Body(padded(KEY, &[0; 16], &fixture("ladder-ts/v0-0.ts")), "video/mp2t"));
    for end in ["\n", "\r\n"] {
        origin.rule("/key", Rule::Body([KEY, end.as_bytes()].concat(), "text/plain"));
        assert_eq!(frame(&origin.url("/x.m3u8"), &[]), 0);
    }
    let digits: String =
        KEY.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
    for text in [digits, STANDARD.encode(KEY), "0123456789abcdeF\n".to_owned()] {
        origin.rule("/key", Rule::Body(text.into(), "text/plain"));
        hlsnap(&[&origin.url("/x.m3u8")]).fails(23, "encrypted");
    }
}

#[test]
fn text_in_utf_16_and_after_a_warning_is_read() {
    let lines = text(MEDIA);
    let units = |mark: &str| format!("{mark}{lines}").encode_utf16().collect::<Vec<_>>();
    let little = |mark: &str| units(mark).iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<_>>();
    let big = |mark: &str| units(mark).iter().flat_map(|unit| unit.to_be_bytes()).collect::<Vec<_>>();
    let warned = |before: &str| format!("{before}{lines}").into_bytes();
    for playlist in [
        little("\u{feff}"),
        little(""),
        big("\u{feff}"),
        big(""),
        warned("\n\nWarning: something on line 3\n"),
        warned("<br />\n<b>Warning</b>: something<br />\n"),
    ] {
        let origin = with("/ladder-ts/x.m3u8", playlist);
        assert_eq!(frame(&origin.url("/ladder-ts/x.m3u8"), &["--at", "3"]), 75);
    }
}

fn data_url(bytes: &[u8]) -> String {
    format!("data:application/octet-stream;base64,{}", STANDARD.encode(bytes))
}

#[test]
fn data_urls_hold_inits_segments_and_playlists() {
    let origin = with("/ladder-fmp4/x.m3u8", text(FRAGMENTS).replace("v0-init.mp4", &data_url(&fixture("ladder-fmp4/v0-init.mp4"))));
    assert_eq!(frame(&origin.url("/ladder-fmp4/x.m3u8"), &["--at", "3"]), 75);
    assert!(!origin.paths().iter().any(|path| path.contains("init")), "{:?}", origin.paths());
    let segment = data_url(&fixture("ladder-ts/v0-1.ts"));
    let lines = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{segment}\n#EXT-X-ENDLIST\n");
    let origin = with("/x.m3u8", lines.clone());
    assert_eq!(frame(&origin.url("/x.m3u8"), &[]), 50);
    let origin = with("/x.m3u8", format!("{VARIANT}RESOLUTION=1x1\n{}\n", data_url(lines.as_bytes())));
    assert_eq!(frame(&origin.url("/x.m3u8"), &[]), 50);
    assert_eq!(origin.hits().len(), 1);
}

#[test]
fn data_urls_lead_nowhere_that_is_closed_and_are_bounded() {
    let origin = Origin::start();
    let master = |lines: &str| format!("{VARIANT}RESOLUTION=1x1\n{}\n", data_url(lines.as_bytes()));
    let media = |uri: &str| format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{uri}\n#EXT-X-ENDLIST\n");
    // A local file is named by what came over the network
    origin.rule("/x.m3u8", Rule::Body(master(&media("file:///etc/hostname")).into(), PLAYLIST));
    hlsnap(&[&origin.url("/x.m3u8")]).fails(10, "not_allowed");
    // A relative URI has nothing to be relative to
    origin.rule("/x.m3u8", Rule::Body(master(&media("x.ts")).into(), PLAYLIST));
    hlsnap(&[&origin.url("/x.m3u8")]).fails(22, "not_found");
    // Bytes count, wherever they come from
    origin.rule("/x.m3u8", Rule::Body(media(&data_url(&fixture("ladder-ts/v0-0.ts"))).into(), PLAYLIST));
    hlsnap(&[&origin.url("/x.m3u8"), "--max-bytes", "20000"]).fails(14, "too_large");
    origin.rule("/x.m3u8", Rule::Body(media("data:,%zz").into(), PLAYLIST));
    hlsnap(&[&origin.url("/x.m3u8")]).fails(20, "bad_playlist");
    origin.rule("/x.m3u8", Rule::Redirect("data:,x".into()));
    hlsnap(&[&origin.url("/x.m3u8")]).fails(10, "not_allowed");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("packed");
    encoder.finish().expect("packed")
}

#[test]
fn content_codings_are_known_by_every_name() {
    let lines = fixture("ladder-ts/v0.m3u8");
    let members = [gzip(&lines[..60]), gzip(&lines[60..])].concat();
    for (packed, coding) in
        [(gzip(&lines), "gzip"), (gzip(&lines), "GZIP"), (gzip(&lines), "x-gzip"), (members, "Gzip"), (lines.clone(), "utf-8")]
    {
        let origin = Origin::start();
        origin.rule("/ladder-ts/x.m3u8", Rule::Packed(packed, coding));
        assert_eq!(frame(&origin.url("/ladder-ts/x.m3u8"), &["--at", "3"]), 75, "{coding}");
    }
}

/// Answers a playlist and its segment behind a head of one's own, in which `%d` is the body's length.
fn headed(head: &'static str) -> Raw {
    Raw::start(move |mut asked| {
        let body = fixture(&format!("ladder-ts{}", asked.path));
        asked.say(head.replace("%d", &body.len().to_string()));
        asked.say(body);
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
        assert_eq!(frame(&headed(head).url("/v0.m3u8"), &["--at", "3"]), 75, "{head:?}");
    }
}

#[test]
fn a_redirect_in_any_encoding_is_followed() {
    let raw = Raw::start(|mut asked| match asked.path.as_str() {
        "/x.m3u8" => {
            asked.say(b"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: /caf\xe9 1/v0.m3u8\r\n\r\n");
        }
        path => {
            let body = fixture(&path.replace("caf%E9%201", "ladder-ts"));
            asked.answer("", &body);
        }
    });
    assert_eq!(frame(&raw.url("/x.m3u8"), &[]), 0);
}

#[test]
fn behind_a_proxy_headers_are_read_strictly() {
    let folded = Raw::start(|mut asked| asked.answer("X-Policy: a;\r\n  b\r\n", b"#EXTM3U\n"));
    let run = hlsnap(&["http://example.test/x.m3u8", "--proxy", &folded.url(""), "--retries", "0"]);
    run.fails(11, "unreachable");
    assert_eq!(folded.asked(), 1);
}

#[test]
fn framing_that_contradicts_itself_is_refused() {
    for head in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\nContent-Length: 7\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: x\r\n\r\n",
    ] {
        hlsnap(&[&headed(head).url("/v0.m3u8"), "--retries", "0"]).fails(11, "unreachable");
    }
}

/// A TLS server of the ladder with a certificate of its own making, and that certificate as PEM.
fn tls(change: impl FnOnce(&mut rcgen::CertificateParams)) -> (u16, tempfile::NamedTempFile) {
    let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("a name");
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    change(&mut parameters);
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = parameters.self_signed(&key).expect("a certificate");
    let mut pem = tempfile::NamedTempFile::new().expect("a file");
    pem.write_all(certificate.pem().as_bytes()).expect("written");
    let configuration = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate.der().to_vec())],
            PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
        )
        .expect("a configuration");
    let configuration = Arc::new(configuration);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&configuration)).expect("a connection"), stream);
            let mut request = [0; 4096];
            let Ok(count) = std::io::Read::read(&mut stream, &mut request) else { continue };
            let line = String::from_utf8_lossy(request.get(..count).unwrap_or_default()).into_owned();
            let body = fixture(&format!("ladder-ts{}", line.split(' ').nth(1).unwrap_or_default()));
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(&body);
            let _ = stream.flush();
        }
    });
    (port, pem)
}

#[test]
fn a_certificate_that_the_caller_names_is_trusted_as_itself() {
    let (port, pem) = tls(|_| ());
    let (url, path) = (format!("https://localhost:{port}/v0.m3u8"), pem.path().to_str().expect("a name").to_owned());
    assert_eq!(frame(&url, &["--cacert", &path]), 0);
    hlsnap(&[&url, "--retries", "0"]).fails(11, "unreachable");
    // Another server's, another name, and one that is over
    let (_, other) = tls(|_| ());
    hlsnap(&[&url, "--retries", "0", "--cacert", other.path().to_str().expect("a name")]).fails(11, "unreachable");
    hlsnap(&[&url.replace("localhost", "127.0.0.1"), "--retries", "0", "--cacert", &path]).fails(11, "unreachable");
    let (port, pem) = tls(|parameters| parameters.not_after = rcgen::date_time_ymd(2020, 1, 1));
    let path = pem.path().to_str().expect("a name");
    hlsnap(&[&format!("https://localhost:{port}/v0.m3u8"), "--retries", "0", "--cacert", path]).fails(11, "unreachable");
}

#[test]
fn an_old_version_of_tls_is_named() {
    // What a server of TLS 1.1 answers: the alert protocol_version
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
fn parameters_of_old_spellings_are_understood_or_refused() {
    let origin = Origin::start();
    let url = origin.url("/ladder-ts/master.m3u8");
    frame(&format!("hlsvariant://{url} name_key=bitrate"), &["--variant", "360p"]);
    let run = hlsnap(&[&format!("hls://{url} token=hunter2")]);
    assert!(run.fails(2, "usage").stderr.contains("token") && !run.stderr.contains("hunter2"), "{}", run.stderr);
}

#[test]
fn messages_name_the_options_that_help() {
    let origin = Origin::start();
    origin.rule("/x.m3u8", Rule::Status(403, None));
    let run = hlsnap(&[&origin.url("/x.m3u8")]);
    assert!(run.stderr.contains("--user-agent") && run.stderr.contains("--referer"), "{}", run.stderr);
    let run = hlsnap(&[&origin.url(MEDIA), "--max-playlist-bytes", "100"]);
    assert!(run.fails(14, "too_large").stderr.contains("--max-playlist-bytes"), "{}", run.stderr);
    frame(&origin.url(MEDIA), &["--max-playlist-bytes", "1k"]);
    let list = "#EXTM3U x-tvg-url=\"http://a\"\n#EXTINF:-1 tvg-id=\"one\",One\nhi.m3u8\n";
    origin.rule("/list.m3u8", Rule::Body(list.into(), PLAYLIST));
    assert!(hlsnap(&[&origin.url("/list.m3u8")]).fails(20, "bad_playlist").stderr.contains("list of channels"));
}

#[test]
fn a_date_that_cannot_be_read_is_noted_in_the_report() {
    let lines = text(MEDIA).replace("#EXTINF", "#EXT-X-PROGRAM-DATE-TIME:yesterday\n#EXTINF");
    let origin = with("/ladder-ts/x.m3u8", lines);
    let run = report(&origin.url("/ladder-ts/x.m3u8"), &[]);
    assert!(run.json()["notes"].to_string().contains("EXT-X-PROGRAM-DATE-TIME"), "{}", run.json());
}
