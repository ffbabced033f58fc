//! `inspect`, the ways to name a playlist, and what the program tells of itself.

mod origin;
mod support;

use origin::{Origin, Rule, fixtures};
use support::{frame, hlsnap, hlsnap_with, number};

#[test]
fn inspect_tells_what_is_there() {
    let origin = Origin::start();
    let url = origin.url("/live/master.m3u8");
    let run = hlsnap(&["inspect", &url]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let table = String::from_utf8(run.stdout).expect("text");
    for word in ["640x360", "426x240", "large", "avc1.64001e", "live"] {
        assert!(table.contains(word), "{word} is missing:\n{table}");
    }
    assert_eq!(hlsnap(&["inspect", &url, "--json"]).json()["multivariant"]["variants"].as_array().map(Vec::len), Some(3));
    assert!(origin.paths().iter().all(|path| path.contains(".m3u8")), "no media is asked for");
}

#[test]
fn inspect_tells_of_parts_breaks_and_what_would_be_chosen() {
    let origin = Origin::start();
    let run = hlsnap(&["inspect", &origin.url("/ll/index.m3u8")]);
    let table = String::from_utf8(run.stdout).expect("text");
    for word in ["9 (5 independent), 3 at the edge", "blocking reload", "hints", "1 rendition reports", "0:00:10"] {
        assert_eq!(table.contains(word), word != "0:00:10", "{word}:\n{table}");
    }
    let json = hlsnap(&["inspect", &origin.url("/live/v0.m3u8"), "--json"]).json();
    let breaks: Vec<_> =
        json["media"]["places"].as_array().expect("a list").iter().map(|place| place["media_sequence_number"].clone()).collect();
    assert_eq!(breaks, [9]);
    let ladder = hlsnap(&["inspect", &origin.url("/ladder-ts/i-frames.m3u8"), "--json"]).json();
    assert_eq!((&ladder["chosen"], &ladder["i_frame_variant"], &ladder["why"]), (&1.into(), &1.into(), &"the best".into()));
}

#[test]
fn inspect_warns_of_what_is_against_the_specification() {
    let origin = Origin::start();
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:9.5,\nv0-0.ts\n#EXT-X-ENDLIST\n";
    origin.rule("/ladder-ts/odd.m3u8", Rule::Body(text.into(), "text/plain"));
    let table = String::from_utf8(hlsnap(&["inspect", &origin.url("/ladder-ts/odd.m3u8")]).stdout).expect("text");
    assert!(table.contains("specification violations") && table.contains("longer than the target duration"), "{table}");
    let none = String::from_utf8(hlsnap(&["inspect", &origin.url("/ladder-ts/v0.m3u8")]).stdout).expect("text");
    assert!(!none.contains("specification violations"), "{none}");
}

#[test]
fn inspect_shows_a_ladder_whose_variant_is_gone() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v0.m3u8", Rule::Status(404, None));
    let run = hlsnap(&["inspect", &origin.url("/ladder-ts/master.m3u8")]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(String::from_utf8_lossy(&run.stdout).contains("404") || run.stderr.contains("404"));
}

#[test]
fn inspect_fails_as_a_picture_does() {
    let origin = Origin::start();
    hlsnap(&["inspect", &origin.url("/none.m3u8"), "--json"]).fails(12, "http_status");
}

#[test]
fn a_playlist_may_be_a_local_file() {
    let path = fixtures().join("ladder-ts/master.m3u8");
    let path = path.to_str().expect("a name");
    assert_eq!(frame(path, &["--at", "3"]), 75);
    assert_eq!(frame(&format!("file://{path}"), &[]), 0);
    hlsnap(&[&path.replace("master", "none")]).fails(22, "not_found");
}

#[test]
fn a_playlist_may_come_on_stdin() {
    let origin = Origin::start();
    let text = std::fs::read(fixtures().join("ladder-ts/v0.m3u8")).expect("the playlist");
    let base = origin.url("/ladder-ts/");
    let run = hlsnap_with(&["-", "--base-url", &base, "-o", "out.png"], &text, tempfile::tempdir().expect("a folder"));
    assert_eq!(number(&run.picture("out.png")), 0);
    assert_eq!(origin.paths(), ["/ladder-ts/v0-0.ts"]);
}

#[test]
fn livestreamers_spellings_are_read() {
    let origin = Origin::start();
    let rest = format!("127.0.0.1:{}/ladder-ts/master.m3u8", origin.port());
    for url in [format!("hls://{rest}"), format!("hlsvariant://{rest}"), format!("httpstream://{rest}"), format!("hls://http://{rest}")] {
        assert_eq!(frame(&url, &[]), 0, "{url}");
    }
}

#[test]
fn the_program_tells_what_it_is() {
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
