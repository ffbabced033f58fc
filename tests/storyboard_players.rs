//! Storyboards that hlsnap made of a stream with numbered frames, in players: each shows the right frame at each time, across a
//! discontinuity too. The ladder's frames are numbered from 0 to 149, 25 a second, and every 25th is a key frame.

use std::{path::Path, process::Command};

use crate::origin::{Origin, PLAYLIST, Rule, fixture};
use crate::support::{Run, frame_number, hlsnap};
use serde_json::{Value, json};

const TILE: (u32, u32) = (320, 180);
const COLUMNS: u32 = 3;
/// Plyr shows nothing later than two seconds before the end, so the last tile must be longer.
const INTERVAL: u32 = 3;
/// Tiles of a sprite: no sprite spans the discontinuity.
const TILES: u32 = 2;
/// The ladder, twice.
const SECONDS: u32 = 12;

fn storyboard(options: &[&str]) -> Run {
    let origin = Origin::start();
    for number in 0..3 {
        origin.put(&format!("/s/{number}.ts"), fixture(&format!("ladder-ts/v0-{number}.ts")));
    }
    let segments = [0, 1, 2].map(|number| format!("#EXTINF:2,\n{number}.ts\n")).concat();
    let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{segments}#EXT-X-DISCONTINUITY\n{segments}#EXT-X-ENDLIST\n");
    origin.rule("/s/index.m3u8", Rule::Body(text.into_bytes(), PLAYLIST));
    let url = origin.url("/s/index.m3u8");
    let grid = ["storyboard", &url, "--every", "3s", "--columns", "3", "--rows", "2", "--tile-width", "320", "-o", "board"];
    let run = hlsnap(&[&grid[..], options].concat());
    run.succeeds();
    run
}

/// Offset and length of each JPEG, as `iframes.m3u8` says.
fn byte_ranges(run: &Run) -> Vec<(u64, u64)> {
    let text = String::from_utf8(run.file("board/iframes.m3u8")).expect("text");
    let ranges = text.lines().filter_map(|line| line.strip_prefix("#EXT-X-BYTERANGE:")?.split_once('@'));
    ranges.map(|(length, offset)| (offset.parse().expect("an offset"), length.parse().expect("a length"))).collect()
}

/// What players should show in the middle of a tile.
fn probe(run: &Run, tile: u32) -> Value {
    let (sheet, index) = (tile / TILES, tile % TILES);
    let (x, y) = (index % COLUMNS * TILE.0, index / COLUMNS * TILE.1);
    let (offset, length) = byte_ranges(run).get(tile as usize).copied().expect("a byte range");
    let i_frame = json!({"file": format!("storyboard-{sheet:03}.mp4"), "offset": offset, "length": length});
    let sprite = format!("storyboard-{sheet:03}.jpg");
    json!({"seconds": f64::from(tile * INTERVAL) + 1.5, "sprite": sprite, "x": x, "y": y, "w": TILE.0, "h": TILE.1, "i_frame": i_frame})
}

#[test]
fn players_show_the_right_frames_of_a_storyboard() {
    let run = storyboard(&[]);
    // First, last, and both sides of the discontinuity
    let tiles = [0, 1, 2, 3, 1, 0];
    let probes: Vec<_> = tiles.iter().map(|tile| probe(&run, *tile)).collect();
    let (expect, out) = (run.path("expect.json"), run.path("out"));
    std::fs::write(&expect, json!({"duration": SECONDS, "probes": probes}).to_string()).expect("written");
    let output = Command::new("script/players").arg(run.path("board")).arg("--expect").arg(&expect).arg("--out").arg(&out).output();
    let output = output.expect("script/players runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let probes = report["probes"].as_array().expect("probes");
    for player in ["plyr", "shaka-webvtt", "shaka-images", "shaka-dash", "hls.js"] {
        let crops = probes.iter().filter(|probe| probe["player"] == player).map(|probe| probe["crop"].as_str().expect("a crop"));
        let frames: Vec<_> = crops.map(|crop| frame_number(&image::open(Path::new(crop)).expect("a PNG"))).collect();
        assert_eq!(frames, [0, 75, 0, 75, 75, 0], "{player}");
    }
}

#[test]
fn hlsnap_takes_the_right_frames_from_its_own_playlists() {
    let run = storyboard(&[]);
    for name in ["images.m3u8", "iframes.m3u8"] {
        let playlist = run.path(&format!("board/{name}"));
        for (second, frame) in [(0.2, 0), (5.5, 75), (6.5, 0), (11.9, 75)] {
            let at = second.to_string();
            let picture = hlsnap(&[playlist.to_str().expect("text"), "--at", &at, "--key-frame", "-o", "tile.png"]);
            assert_eq!(frame_number(&picture.succeeds().picture("tile.png")), frame, "{name} at {second} s");
        }
    }
}
