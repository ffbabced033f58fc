//! Every kind of error: its exit code, its single line, and that no file is left.

use std::{net::TcpListener, time::Duration};

use crate::origin::{Origin, PLAYLIST, Rule, fixture, gzip};
use crate::support::{Run, hlsnap, hlsnap_with};

/// A run for a playlist with this text.
fn run_playlist(text: &str) -> Run {
    let origin = Origin::start();
    origin.rule("/x.m3u8", Rule::Body(text.into(), PLAYLIST));
    hlsnap(&[&origin.url("/x.m3u8")])
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
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
fn private_addresses_and_local_files_of_remote_playlists_are_not_allowed() {
    let origin = Origin::start();
    let run = hlsnap(&[&origin.url("/ladder-ts/master.m3u8"), "--allow-private=false"]);
    run.fails(10, "not_allowed");
    assert_eq!(origin.requests().len(), 0, "no request was sent");
    // A remote playlist may not name local files or other schemes
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n";
    run_playlist(text).fails(10, "not_allowed");
    run_playlist(&text.replace("file:///etc/hostname", "ftp://127.0.0.1/a.ts")).fails(10, "not_allowed");
}

#[test]
fn a_local_playlist_may_only_name_files_below_its_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let below = folder.path().join("below");
    std::fs::create_dir(&below).expect("created");
    std::fs::write(folder.path().join("outside.ts"), fixture("ladder-ts/v0-0.ts")).expect("written");
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n../outside.ts\n#EXT-X-ENDLIST\n";
    let playlist = below.join("x.m3u8");
    std::fs::write(&playlist, text).expect("written");
    hlsnap(&[playlist.to_str().expect("a name")]).fails(10, "not_allowed");
}

#[test]
fn refused_connections_and_cut_bodies_are_unreachable() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    hlsnap(&[&format!("http://127.0.0.1:{port}/x.m3u8"), "--retries", "0"]).fails(11, "unreachable");
    // A body that is cut at every try
    let origin = Origin::start();
    origin.rule("/ladder-ts/v0-0.ts", Rule::CutAt(100));
    hlsnap(&[&origin.url("/ladder-ts/v0.m3u8"), "--retries", "1"]).fails(11, "unreachable");
}

#[test]
fn an_error_status_is_reported_with_its_resource() {
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
    // A time lies in one segment, so no other one can replace it
    origin.rule("/ladder-ts/v0-0.ts", Rule::File);
    hlsnap(&[&origin.url("/ladder-ts/v0.m3u8"), "--at", "3"]).fails(12, "http_status");
}

#[test]
fn delays_and_stalls_time_out() {
    let origin = Origin::start();
    for rule in [Rule::Delay(Duration::from_secs(60)), Rule::StallAt(100)] {
        origin.rule("/ladder-ts/v0.m3u8", rule.clone());
        hlsnap(&[&origin.url("/ladder-ts/v0.m3u8"), "--timeout", "0.5"]).fails(13, "timeout");
        origin.rule("/ladder-ts/v0.m3u8", Rule::File).rule("/ladder-ts/v0-0.ts", rule);
        hlsnap(&[&origin.url("/ladder-ts/v0.m3u8"), "--timeout", "0.5"]).fails(13, "timeout");
    }
}

#[test]
fn bodies_redirects_and_pictures_beyond_their_limits_are_too_large() {
    let origin = Origin::start();
    hlsnap(&[&origin.url("/ladder-ts/v0.m3u8"), "--max-bytes", "1000"]).fails(14, "too_large");
    origin.rule("/endless.m3u8", Rule::EndlessPlaylist);
    hlsnap(&[&origin.url("/endless.m3u8")]).fails(14, "too_large");
    origin.rule("/loop.m3u8", Rule::Redirect("/loop.m3u8".into()));
    hlsnap(&[&origin.url("/loop.m3u8")]).fails(14, "too_large");
    // A small answer that decompresses to a large one
    let bomb = format!("#EXTM3U\n{}", "#".repeat(40 << 20));
    let compressed = gzip(bomb.as_bytes());
    assert!(compressed.len() < 100_000);
    origin.rule("/bomb.m3u8", Rule::Encoded(compressed, "gzip"));
    hlsnap(&[&origin.url("/bomb.m3u8")]).fails(14, "too_large");
    hlsnap(&[&origin.url("/ladder-ts/v0.m3u8"), "-w", "60000", "--height", "60000", "--fit", "fill", "--enlarge"]).fails(14, "too_large");
}

#[test]
fn other_text_and_circular_playlists_are_bad_playlists() {
    for text in ["<html>please log in</html>", "{}", "hello", "", "#EXTM3U\n"] {
        run_playlist(text).fails(20, "bad_playlist");
    }
    let origin = Origin::start();
    let master = |uri: &str| Rule::Body(format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{uri}\n").into(), "text/plain");
    origin.rule("/a.m3u8", master("b.m3u8")).rule("/b.m3u8", master("a.m3u8")).rule("/self.m3u8", master("self.m3u8"));
    hlsnap(&[&origin.url("/a.m3u8")]).fails(20, "bad_playlist");
    hlsnap(&[&origin.url("/self.m3u8")]).fails(20, "bad_playlist");
    assert!(origin.requests().len() < 10, "the program stops: {:?}", origin.paths());
}

#[test]
fn audio_alone_is_no_video() {
    let origin = Origin::start();
    for path in ["/audio-ts/index.m3u8", "/audio-aac/index.m3u8", "/ladder-fmp4/audio.m3u8", "/audio-aac/0.aac"] {
        hlsnap(&[&origin.url(path)]).fails(21, "no_video");
    }
    run_playlist("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"mp4a.40.2\"\na.m3u8\n").fails(21, "no_video");
}

#[test]
fn media_without_an_available_key_is_encrypted() {
    let origin = Origin::start();
    let run = hlsnap(&[&origin.url("/broken/encrypted.m3u8")]);
    assert!(run.fails(23, "encrypted").stderr.contains("cannot fetch the key: the origin answered 404"), "{}", run.stderr);
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n#EXTINF:2,\na.ts\n";
    assert!(run_playlist(text).fails(23, "encrypted").stderr.contains("FairPlay"));
}

#[test]
fn damaged_and_wrong_media_is_undecodable() {
    let origin = Origin::start();
    for path in ["/broken/cut.m3u8", "/broken/noise.m3u8"] {
        hlsnap(&[&origin.url(path)]).fails(24, "undecodable");
    }
    origin.rule("/broken/noise.ts", Rule::Body(b"<html>".to_vec(), "text/html"));
    hlsnap(&[&origin.url("/broken/noise.m3u8")]).fails(24, "undecodable");
}

#[test]
fn an_unknown_codec_is_unsupported() {
    run_playlist("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=640x360,CODECS=\"xyz1.2\"\na.m3u8\n").fails(25, "unsupported");
}

#[test]
fn a_path_that_cannot_be_written_is_an_output_error() {
    let origin = Origin::start();
    let url = origin.url("/ladder-ts/v0.m3u8");
    hlsnap(&[&url, "-o", "no/such/folder/out.jpg"]).fails(30, "output");
    assert_eq!(origin.requests().len(), 0, "nothing is fetched for a picture that cannot be written");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("out.jpg")).expect("created");
    let run = hlsnap_with(&[&url, "-o", "out.jpg"], b"", folder);
    assert_eq!((run.code, run.files()), (30, vec!["out.jpg".to_owned()]));
}

#[test]
fn an_older_picture_stays_if_the_new_one_fails() {
    let origin = Origin::start();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("out.jpg"), "old").expect("written");
    let run = hlsnap_with(&[&origin.url("/broken/noise.m3u8"), "-o", "out.jpg"], b"", folder);
    assert_eq!((run.code, run.files()), (24, vec!["out.jpg".to_owned()]));
    assert_eq!(run.file("out.jpg"), b"old");
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
