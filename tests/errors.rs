//! Every kind of failure that can happen: the exit code, the line, and that no file is left.

mod origin;
mod support;

use std::{net::TcpListener, time::Duration};

use origin::{Origin, Rule};
use support::{Run, hlsnap, hlsnap_with};

/// A failed run of a playlist with this text.
fn of_text(text: &str) -> Run {
    let origin = Origin::start();
    origin.rule("/x.m3u8", Rule::Body(text.into(), "application/vnd.apple.mpegurl"));
    hlsnap(&[&origin.url("/x.m3u8")])
}

#[test]
fn usage() {
    for arguments in [
        &[][..],
        &["http://127.0.0.1:1/", "--at", "yesterday"],
        &["http://127.0.0.1:1/", "--variant", "<="],
        &["http://127.0.0.1:1/", "-q", "101"],
        &["http://127.0.0.1:1/", "--exact", "--key-frame"],
        &["http://127.0.0.1:1/", "--no-such-option"],
        &["http://127.0.0.1:1/", "-H", "no colon"],
        &["http://127.0.0.1:1/", "-o", "{nonsense}.jpg"],
        &["http://127.0.0.1:1/", "-o", "s3://bucket"],
        &["http://127.0.0.1:1/", "--report-output", "s3://bucket/{nonsense}"],
        &["http://127.0.0.1:1/", "--cacert", "/no/such/file"],
        &["ftp://127.0.0.1/x.m3u8"],
        &["-"],
    ] {
        hlsnap(arguments).fails(2, "usage");
    }
}

#[test]
fn not_allowed() {
    let origin = Origin::start();
    let run = hlsnap(&[&origin.url("/ladder-ts/master.m3u8"), "--allow-private=false"]);
    run.fails(10, "not_allowed");
    assert_eq!(origin.hits().len(), 0, "nothing was asked for");
    // A playlist from elsewhere names a local file
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n";
    of_text(text).fails(10, "not_allowed");
    of_text(&text.replace("file:///etc/hostname", "ftp://127.0.0.1/a.ts")).fails(10, "not_allowed");
}

#[test]
fn a_local_playlist_may_name_files_below_its_own_folder_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let below = folder.path().join("below");
    std::fs::create_dir(&below).expect("made");
    std::fs::copy(origin::fixtures().join("ladder-ts/v0-0.ts"), folder.path().join("outside.ts")).expect("copied");
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n../outside.ts\n#EXT-X-ENDLIST\n";
    let playlist = below.join("x.m3u8");
    std::fs::write(&playlist, text).expect("written");
    hlsnap(&[playlist.to_str().expect("a name")]).fails(10, "not_allowed");
}

#[test]
fn unreachable() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    hlsnap(&[&format!("http://127.0.0.1:{port}/x.m3u8"), "--retries", "0"]).fails(11, "unreachable");
    // A body that breaks off again and again
    let origin = Origin::start();
    origin.rule("/ladder-ts/v0-0.ts", Rule::CutAt(100));
    hlsnap(&[&origin.url("/ladder-ts/v0.m3u8"), "--retries", "1"]).fails(11, "unreachable");
}

#[test]
fn http_status() {
    let origin = Origin::start();
    for status in [401, 403, 404, 410, 500, 503] {
        origin.rule("/x.m3u8", Rule::Status(status, None));
        let run = hlsnap(&[&origin.url("/x.m3u8"), "--json", "--retries", "0"]);
        run.fails(12, "http_status");
        let error = &run.json()["error"];
        assert_eq!((&error["kind"], &error["status"]), (&"http_status".into(), &status.into()));
        assert!(error["hint"].is_string() && error["url"].is_string() && error["message"].is_string(), "{error}");
    }
    for segment in 0..3 {
        origin.rule(&format!("/ladder-ts/v0-{segment}.ts"), Rule::Status(404, None));
    }
    let run = hlsnap(&[&origin.url("/ladder-ts/v0.m3u8")]);
    assert!(run.fails(12, "http_status").stderr.contains("Media Sequence Number 0"), "{}", run.stderr);
    // A time is in one segment
    origin.rule("/ladder-ts/v0-0.ts", Rule::Plain);
    hlsnap(&[&origin.url("/ladder-ts/v0.m3u8"), "--at", "3"]).fails(12, "http_status");
}

#[test]
fn timeout() {
    let origin = Origin::start();
    for rule in [Rule::Delay(Duration::from_secs(60)), Rule::StallAt(100)] {
        origin.rule("/ladder-ts/v0.m3u8", rule.clone());
        hlsnap(&[&origin.url("/ladder-ts/v0.m3u8"), "--timeout", "0.5"]).fails(13, "timeout");
        origin.rule("/ladder-ts/v0.m3u8", Rule::Plain).rule("/ladder-ts/v0-0.ts", rule);
        hlsnap(&[&origin.url("/ladder-ts/v0.m3u8"), "--timeout", "0.5"]).fails(13, "timeout");
    }
}

#[test]
fn too_large() {
    let origin = Origin::start();
    hlsnap(&[&origin.url("/ladder-ts/v0.m3u8"), "--max-bytes", "1000"]).fails(14, "too_large");
    origin.rule("/endless.m3u8", Rule::Endless);
    hlsnap(&[&origin.url("/endless.m3u8")]).fails(14, "too_large");
    origin.rule("/loop.m3u8", Rule::Redirect("/loop.m3u8".into()));
    hlsnap(&[&origin.url("/loop.m3u8")]).fails(14, "too_large");
    // A small answer that becomes a large one
    let bomb = format!("#EXTM3U\n{}", "#".repeat(40 << 20));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, bomb.as_bytes()).expect("packed");
    let packed = encoder.finish().expect("packed");
    assert!(packed.len() < 100_000);
    origin.rule("/bomb.m3u8", Rule::Packed(packed, "gzip"));
    hlsnap(&[&origin.url("/bomb.m3u8")]).fails(14, "too_large");
    hlsnap(&[&origin.url("/ladder-ts/v0.m3u8"), "-w", "60000", "--height", "60000", "--fit", "fill", "--enlarge"]).fails(14, "too_large");
}

#[test]
fn bad_playlist() {
    for text in ["<html>please log in</html>", "{}", "hello", "", "#EXTM3U\n"] {
        of_text(text).fails(20, "bad_playlist");
    }
    let origin = Origin::start();
    let master = |to: &str| Rule::Body(format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{to}\n").into(), "text/plain");
    origin.rule("/a.m3u8", master("b.m3u8")).rule("/b.m3u8", master("a.m3u8")).rule("/self.m3u8", master("self.m3u8"));
    hlsnap(&[&origin.url("/a.m3u8")]).fails(20, "bad_playlist");
    hlsnap(&[&origin.url("/self.m3u8")]).fails(20, "bad_playlist");
    assert!(origin.hits().len() < 10, "they end: {:?}", origin.paths());
}

#[test]
fn no_video() {
    let origin = Origin::start();
    for path in ["/audio-ts/index.m3u8", "/audio-aac/index.m3u8", "/ladder-fmp4/audio.m3u8", "/audio-aac/0.aac"] {
        hlsnap(&[&origin.url(path)]).fails(21, "no_video");
    }
    of_text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"mp4a.40.2\"\na.m3u8\n").fails(21, "no_video");
}

#[test]
fn encrypted() {
    let origin = Origin::start();
    let run = hlsnap(&[&origin.url("/broken/encrypted.m3u8")]);
    assert!(run.fails(23, "encrypted").stderr.contains("cannot fetch the key: the origin answered 404"), "{}", run.stderr);
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n#EXTINF:2,\na.ts\n";
    assert!(of_text(text).fails(23, "encrypted").stderr.contains("FairPlay"));
}

#[test]
fn undecodable() {
    let origin = Origin::start();
    for path in ["/broken/cut.m3u8", "/broken/noise.m3u8"] {
        hlsnap(&[&origin.url(path)]).fails(24, "undecodable");
    }
    origin.rule("/broken/noise.ts", Rule::Body(b"<html>".to_vec(), "text/html"));
    hlsnap(&[&origin.url("/broken/noise.m3u8")]).fails(24, "undecodable");
}

#[test]
fn unsupported() {
    of_text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=640x360,CODECS=\"xyz1.2\"\na.m3u8\n").fails(25, "unsupported");
}

#[test]
fn output() {
    let origin = Origin::start();
    let url = origin.url("/ladder-ts/v0.m3u8");
    hlsnap(&[&url, "-o", "no/such/folder/out.jpg"]).fails(30, "output");
    assert_eq!(origin.hits().len(), 0, "nothing was fetched for a picture that could not be written");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("out.jpg")).expect("made");
    let run = hlsnap_with(&[&url, "-o", "out.jpg"], b"", folder);
    assert_eq!((run.code, run.files()), (30, vec!["out.jpg".to_owned()]));
}

#[test]
fn an_older_picture_stays_where_a_new_one_fails() {
    let origin = Origin::start();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("out.jpg"), "old").expect("written");
    let run = hlsnap_with(&[&origin.url("/broken/noise.m3u8"), "-o", "out.jpg"], b"", folder);
    assert_eq!((run.code, run.files()), (24, vec!["out.jpg".to_owned()]));
    assert_eq!(std::fs::read(run.path("out.jpg")).expect("there"), b"old");
}

#[test]
fn secrets_are_never_shown() {
    let origin = Origin::start();
    let url = |path: &str| format!("http://user:hunter2@127.0.0.1:{}{path}?token=hunter2#hunter2", origin.port());
    for path in ["/none.m3u8", "/broken/noise.m3u8", "/ladder-ts/master.m3u8"] {
        let run = hlsnap(&[&url(path), "--json", "-vv", "-H", "X-Token: hunter2"]);
        let all = format!("{}{}", String::from_utf8_lossy(&run.stdout), run.stderr);
        assert!(!all.contains("hunter2") && all.contains("127.0.0.1"), "{all}");
    }
}
