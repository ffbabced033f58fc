//! The command line: local files, standard input, Livestreamer's URLs, help, and messages that name options.

use crate::origin::{Origin, PLAYLIST, Rule, fixture, fixtures_folder};
use crate::support::{captured_frame, frame_number, hlsnap, hlsnap_with};

#[test]
fn a_playlist_may_be_a_local_file() {
    let path = fixtures_folder().join("ladder-ts/master.m3u8");
    let path = path.to_str().expect("a name");
    assert_eq!(captured_frame(path, &["--at", "3"]), 75);
    assert_eq!(captured_frame(&format!("file://{path}"), &[]), 0);
    hlsnap(&[&path.replace("master", "none")]).fails(22, "not_found");
}

#[test]
fn a_playlist_may_come_on_stdin() {
    let origin = Origin::start();
    let text = fixture("ladder-ts/v0.m3u8");
    let base = origin.url("/ladder-ts/");
    let run = hlsnap_with(&["-", "--base-url", &base, "-o", "out.png"], &text, tempfile::tempdir().expect("a folder"));
    assert_eq!(frame_number(&run.picture("out.png")), 0);
    assert_eq!(origin.paths(), ["/ladder-ts/v0-0.ts"]);
}

#[test]
fn urls_of_livestreamer_are_accepted() {
    let origin = Origin::start();
    let rest = format!("127.0.0.1:{}/ladder-ts/master.m3u8", origin.port());
    for url in [format!("hls://{rest}"), format!("hlsvariant://{rest}"), format!("httpstream://{rest}"), format!("hls://http://{rest}")] {
        assert_eq!(captured_frame(&url, &[]), 0, "{url}");
    }
}

#[test]
fn version_help_and_completions_describe_the_program() {
    let version = String::from_utf8(hlsnap(&["--version"]).stdout).expect("text");
    for word in [env!("CARGO_PKG_VERSION"), "libavcodec", "GPL", "h264"] {
        assert!(version.contains(word), "{word} is missing:\n{version}");
    }
    let help = String::from_utf8(hlsnap(&["--help"]).stdout).expect("text");
    for word in ["Examples:", "--skip-black", "Exit codes"] {
        assert!(help.contains(word), "{word}:\n{help}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = hlsnap(&["completions", shell]);
        assert!(script.code == 0 && String::from_utf8_lossy(&script.stdout).contains("variant"), "{shell}");
    }
}

#[test]
fn parameters_in_urls_of_livestreamer_are_read_or_refused() {
    let origin = Origin::start();
    let url = origin.url("/ladder-ts/master.m3u8");
    captured_frame(&format!("hlsvariant://{url} name_key=bitrate"), &["--variant", "360p"]);
    let run = hlsnap(&[&format!("hls://{url} token=hunter2")]);
    assert!(run.fails(2, "usage").stderr.contains("token") && !run.stderr.contains("hunter2"), "{}", run.stderr);
}

#[test]
fn error_messages_name_the_options_that_help() {
    let origin = Origin::start();
    origin.rule("/x.m3u8", Rule::Status(403, None));
    let run = hlsnap(&[&origin.url("/x.m3u8")]);
    assert!(run.stderr.contains("--user-agent") && run.stderr.contains("--referer"), "{}", run.stderr);
    let run = hlsnap(&[&origin.url("/ladder-ts/v0.m3u8"), "--max-playlist-bytes", "100"]);
    assert!(run.fails(14, "too_large").stderr.contains("--max-playlist-bytes"), "{}", run.stderr);
    captured_frame(&origin.url("/ladder-ts/v0.m3u8"), &["--max-playlist-bytes", "1k"]);
    let list = "#EXTM3U x-tvg-url=\"http://a\"\n#EXTINF:-1 tvg-id=\"one\",One\nhi.m3u8\n";
    origin.rule("/list.m3u8", Rule::Body(list.into(), PLAYLIST));
    assert!(hlsnap(&[&origin.url("/list.m3u8")]).fails(20, "bad_playlist").stderr.contains("list of channels"));
}
