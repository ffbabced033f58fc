//! `hlsnap inspect`: Variants, parts, discontinuities and specification violations, without media.

use crate::origin::{Origin, Rule};
use crate::support::hlsnap;

#[test]
fn inspect_lists_the_variants_without_requesting_media() {
    let origin = Origin::start();
    let url = origin.url("/live/master.m3u8");
    let run = hlsnap(&["inspect", &url]);
    run.succeeds();
    let table = String::from_utf8(run.stdout).expect("text");
    for word in ["640x360", "426x240", "large", "avc1.64001e", "live"] {
        assert!(table.contains(word), "{word} is missing:\n{table}");
    }
    assert_eq!(hlsnap(&["inspect", &url, "--json"]).json()["multivariant"]["variants"].as_array().map(Vec::len), Some(3));
    assert!(origin.paths().iter().all(|path| path.contains(".m3u8")), "no media is requested");
}

#[test]
fn inspect_lists_parts_discontinuities_and_the_chosen_variant() {
    let origin = Origin::start();
    let run = hlsnap(&["inspect", &origin.url("/ll/index.m3u8")]);
    let table = String::from_utf8(run.stdout).expect("text");
    for word in ["9 (5 independent), 3 at the edge", "blocking reload", "hints", "1 rendition reports", "0:00:10"] {
        assert_eq!(table.contains(word), word != "0:00:10", "{word}:\n{table}");
    }
    let json = hlsnap(&["inspect", &origin.url("/live/v0.m3u8"), "--json"]).json();
    let discontinuities: Vec<_> =
        json["media"]["places"].as_array().expect("a list").iter().map(|place| place["media_sequence_number"].clone()).collect();
    assert_eq!(discontinuities, [9]);
    let ladder = hlsnap(&["inspect", &origin.url("/ladder-ts/i-frames.m3u8"), "--json"]).json();
    assert_eq!((&ladder["chosen"], &ladder["i_frame_variant"], &ladder["why"]), (&1.into(), &1.into(), &"the best".into()));
}

#[test]
fn inspect_warns_of_specification_violations() {
    let origin = Origin::start();
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:9.5,\nv0-0.ts\n#EXT-X-ENDLIST\n";
    origin.rule("/ladder-ts/odd.m3u8", Rule::Body(text.into(), "text/plain"));
    let table = String::from_utf8(hlsnap(&["inspect", &origin.url("/ladder-ts/odd.m3u8")]).stdout).expect("text");
    assert!(table.contains("specification violations") && table.contains("longer than the target duration"), "{table}");
    let none = String::from_utf8(hlsnap(&["inspect", &origin.url("/ladder-ts/v0.m3u8")]).stdout).expect("text");
    assert!(!none.contains("specification violations"), "{none}");
}

#[test]
fn inspect_lists_a_ladder_with_a_missing_variant() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v0.m3u8", Rule::Status(404, None));
    let run = hlsnap(&["inspect", &origin.url("/ladder-ts/master.m3u8")]);
    run.succeeds();
    assert!(String::from_utf8_lossy(&run.stdout).contains("404") || run.stderr.contains("404"));
}

#[test]
fn inspect_fails_with_the_errors_of_a_snapshot() {
    let origin = Origin::start();
    hlsnap(&["inspect", &origin.url("/none.m3u8"), "--json"]).fails(12, "http_status");
}
