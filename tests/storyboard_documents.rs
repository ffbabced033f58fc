//! The documents of a storyboard, read by other people's parsers, decoders and players.
//!
//! The storyboard is synthetic: each tile shows its number, and the number is the tile's index.

#![allow(clippy::indexing_slicing, reason = "a wrong test should fail loudly")]

use std::{fs, path::Path, process::Command, sync::OnceLock};

use crate::support::{frame_number, hlsnap};
use chrono::{DateTime, TimeDelta, Utc};
use hlsnap::{Format, internals::storyboard::*};
use image::{DynamicImage, Rgb, RgbImage, codecs::jpeg::JpegEncoder, imageops};
use serde_json::{Value, json};
use tempfile::TempDir;

const TILE: (u32, u32) = (204, 96);
const COLUMNS: u32 = 3;
const INTERVAL: f64 = 10.0;
/// Tiles of each sheet of 3 x 2. The third sheet follows a discontinuity, so the second is not full.
const SHEETS: [u16; 3] = [6, 3, 2];
/// The tile that could not be had.
const MISSING: u16 = 7;
/// The last tile ends early.
const END: f64 = 105.0;

/// A picture that shows a number, as tests/fixtures/frames.py draws it.
fn numbered_tile(number: u16) -> RgbImage {
    let mut bits: Vec<bool> = (0..16).rev().map(|bit| number >> bit & 1 == 1).collect();
    bits.push(number.count_ones() % 2 == 1);
    RgbImage::from_fn(TILE.0, TILE.1, |x, y| {
        let bit = bits[(x * 17 / TILE.0) as usize];
        if y < TILE.1 / 6 { Rgb([255 * u8::from(bit); 3]) } else { Rgb([100, 110, 120]) }
    })
}

fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 92).encode_image(picture).expect("a JPEG");
    bytes
}

fn first_date() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").expect("a date").to_utc()
}

/// Writes the sheet, and the I-frames of its tiles, whose numbers begin with `first`.
fn write_sheet(folder: &Path, number: u16, first: u16, missing: Option<u16>) -> Sheet {
    let mut sheet = RgbImage::new(TILE.0 * COLUMNS, TILE.1 * 2);
    let (mut i_frames, mut tiles) = (Vec::new(), Vec::new());
    for index in 0..SHEETS[usize::from(number)] {
        let tile = first + index;
        let start = f64::from(tile) * INTERVAL;
        let end = (start + INTERVAL).min(END);
        let is_missing = missing == Some(tile);
        let begin = i_frames.len() as u64;
        if !is_missing {
            let picture = numbered_tile(tile);
            let (x, y) = (u32::from(index) % COLUMNS * TILE.0, u32::from(index) / COLUMNS * TILE.1);
            imageops::replace(&mut sheet, &picture, x.into(), y.into());
            i_frames.extend(fragment(u32::from(tile) + 1, start, end - start, &jpeg(&picture)));
        }
        let i_frame = (!is_missing).then_some(begin..i_frames.len() as u64);
        tiles.push(Tile { start, end, is_missing, i_frame });
    }
    let sheet_bytes = jpeg(&sheet);
    fs::write(folder.join(format!("storyboard-{number:03}.jpg")), &sheet_bytes).expect("written");
    fs::write(folder.join(format!("storyboard-{number:03}.mp4")), &i_frames).expect("written");
    Sheet {
        number: number.into(),
        bytes: sheet_bytes.len() as u64,
        tiles,
        program_date_time: Some(first_date() + TimeDelta::seconds(i64::from(first) * 10)),
        follows_discontinuity: number == 2,
    }
}

/// The facts of a recording, whose images it writes into the folder.
fn recording(folder: &Path, missing: Option<u16>) -> Storyboard {
    let firsts = [0, SHEETS[0], SHEETS[0] + SHEETS[1]];
    Storyboard {
        tile: TILE,
        columns: COLUMNS,
        rows: 2,
        format: Format::Jpeg,
        interval: INTERVAL,
        end: END,
        is_live: false,
        discontinuity_sequence: 0,
        tiles_before: 0,
        domain_start: None,
        sheets: (0..3).map(|number| write_sheet(folder, number, firsts[usize::from(number)], missing)).collect(),
    }
}

/// Writes the documents of a storyboard into a folder.
fn write_documents(folder: &Path, storyboard: &Storyboard, urls: &UrlForm) {
    let files = [
        ("storyboard.vtt", webvtt(storyboard, urls)),
        ("storyboard.json", mux_json(storyboard, urls)),
        ("images.m3u8", image_playlist(storyboard, urls)),
        ("iframes.m3u8", i_frame_playlist(storyboard, urls)),
        ("storyboard.m3u8", multivariant(storyboard, urls)),
        ("thumbnails.mpd", mpd(storyboard, urls).expect("an MPD")),
    ];
    for (name, text) in files {
        fs::write(folder.join(name), text).expect("written");
    }
    fs::write(folder.join(I_FRAME_INIT), init_segment(TILE)).expect("written");
}

/// Writes a whole storyboard of a recording into a folder.
fn write_storyboard(missing: Option<u16>) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    write_documents(folder.path(), &recording(folder.path(), missing), &UrlForm::new(None, None).expect("URLs"));
    folder
}

/// Runs a program in the repository; gives its standard output and whether it succeeded.
fn run(program: &str, arguments: &[&str]) -> (String, bool) {
    let mut command = Command::new(program);
    let output = command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8(output.stdout).expect("UTF-8"), output.status.success())
}

fn run_whole(program: &str, arguments: &[&str]) -> String {
    let (output, succeeded) = run(program, arguments);
    assert!(succeeded, "{program} {arguments:?} fails: {output}");
    output
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// What the parsers of tests/players/documents.py read in a folder.
fn parse(folder: &Path) -> Value {
    let python = run_whole("script/python", &["players"]);
    let output = run_whole(python.trim(), &["-B", "tests/players/documents.py", text(folder)]);
    serde_json::from_str(&output).expect("JSON")
}

/// The same of the recording with a missing tile.
fn parsed() -> &'static Value {
    static PARSED: OnceLock<Value> = OnceLock::new();
    PARSED.get_or_init(|| parse(write_storyboard(Some(MISSING)).path()))
}

#[test]
fn a_webvtt_parser_reads_a_cue_for_each_picture() {
    let cues = parsed()["webvtt"].as_array().expect("cues");
    assert_eq!(cues.len(), 10);
    assert_eq!(cues[0], json!({"start": "00:00:00.000", "end": "00:00:10.000", "text": "storyboard-000.jpg#xywh=0,0,204,96"}));
    assert_eq!(cues[7], json!({"start": "00:01:20.000", "end": "00:01:30.000", "text": "storyboard-001.jpg#xywh=408,0,204,96"}));
    assert_eq!(cues[9], json!({"start": "00:01:40.000", "end": "00:01:45.000", "text": "storyboard-002.jpg#xywh=204,0,204,96"}));
}

#[test]
fn an_hls_parser_reads_the_sheets_of_the_image_playlist() {
    let images = &parsed()["images"];
    assert_eq!((&images["is_images_only"], &images["is_endlist"], &images["target_duration"]), (&true.into(), &true.into(), &60.into()));
    let sheet = |index: usize, duration: f64, discontinuity: bool, date: &str| {
        let uri = format!("storyboard-{index:03}.jpg");
        json!({"uri": uri, "duration": duration, "discontinuity": discontinuity, "gap": false, "byte_range": null, "init": null, "date": date})
    };
    let sheets = [
        sheet(0, 60.0, false, "2026-01-01T00:00:00+00:00"),
        sheet(1, 30.0, false, "2026-01-01T00:01:00+00:00"),
        sheet(2, 15.0, true, "2026-01-01T00:01:30+00:00"),
    ];
    assert_eq!(images["segments"], json!(sheets));
}

#[test]
fn an_hls_parser_reads_the_tiles_of_the_i_frame_playlist() {
    let i_frames = &parsed()["i_frames"];
    assert_eq!((&i_frames["is_i_frames_only"], &i_frames["is_endlist"]), (&true.into(), &true.into()));
    let segments = i_frames["segments"].as_array().expect("segments");
    // Tile 6 lasts until tile 8
    let durations: Vec<_> = segments.iter().map(|segment| segment["duration"].as_f64().expect("seconds")).collect();
    assert_eq!(durations, [10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 20.0, 10.0, 10.0, 5.0]);
    for (index, segment) in segments.iter().enumerate() {
        assert!(segment["byte_range"].is_string(), "{segment}");
        assert_eq!((&segment["gap"], &segment["discontinuity"]), (&false.into(), &(index == 8).into()), "{segment}");
        assert_eq!(segment["init"], "storyboard-init.mp4", "{segment}");
    }
}

#[test]
fn an_hls_parser_reads_the_lines_for_the_multivariant_playlist() {
    let multivariant = &parsed()["multivariant"];
    for (kind, uri, codecs) in [("images", "images.m3u8", "jpeg"), ("i_frames", "iframes.m3u8", "mjpg")] {
        let line = &multivariant[kind][0];
        assert_eq!((&line["uri"], &line["codecs"], &line["resolution"]), (&uri.into(), &codecs.into(), &json!([204, 96])));
        assert!(line["bandwidth"].as_u64().is_some_and(|bits| (1000..100_000).contains(&bits)), "{line}");
    }
}

#[test]
fn an_mpd_parser_reads_a_period_for_each_discontinuity_domain() {
    let mpd = &parsed()["mpd"];
    assert_eq!((&mpd["type"], &mpd["duration"]), (&"static".into(), &"PT105S".into()));
    let period = |start: &str, number: u32| {
        json!({
            "start": start, "content_type": "image", "mime_type": "image/jpeg", "size": [612, 192], "start_number": number,
            "media": "storyboard-$Number%03d$.jpg", "sheet_seconds": 60.0, "timeline": [],
            "layout": ["http://dashif.org/guidelines/thumbnail_tile", "3x2"],
        })
    };
    assert_eq!(mpd["periods"], json!([period("PT0S", 0), period("PT90S", 2)]));
}

#[test]
fn ffprobe_reads_times_and_sizes_of_the_i_frames() {
    let folder = write_storyboard(None);
    let whole = folder.path().join("whole.mp4");
    let parts = [I_FRAME_INIT, "storyboard-000.mp4", "storyboard-001.mp4", "storyboard-002.mp4"];
    let bytes: Vec<u8> = parts.iter().flat_map(|name| fs::read(folder.path().join(name)).expect("a part")).collect();
    fs::write(&whole, bytes).expect("written");
    let entries = "stream=codec_name,codec_tag_string,width,height,time_base:packet=pts_time,flags:format=duration";
    let report = run_whole("ffprobe", &["-v", "error", "-of", "json", "-show_packets", "-show_entries", entries, text(&whole)]);
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let stream = json!({"codec_name": "mjpeg", "codec_tag_string": "mjpg", "width": 204, "height": 96, "time_base": "1/90000"});
    assert_eq!(report["streams"], json!([stream]));
    assert_eq!(report["format"]["duration"], "105.000000");
    let packets = report["packets"].as_array().expect("packets");
    assert_eq!(packets.len(), 11);
    for (index, packet) in packets.iter().enumerate() {
        assert_eq!(packet["pts_time"], format!("{:.6}", index as f64 * INTERVAL), "{packet}");
        assert!(packet["flags"].as_str().is_some_and(|flags| flags.starts_with('K')), "{packet}");
    }
}

#[test]
fn ffmpeg_decodes_each_tile_through_the_i_frame_playlist() {
    let folder = write_storyboard(None);
    let (playlist, pictures) = (folder.path().join("iframes.m3u8"), folder.path().join("%d.png"));
    run_whole("ffmpeg", &["-v", "error", "-nostdin", "-i", text(&playlist), "-vsync", "passthrough", text(&pictures)]);
    let numbers: Vec<u16> = (1..=11).map(|index| frame_number(&open(&folder.path().join(format!("{index}.png"))))).collect();
    assert_eq!(numbers, (0..11).collect::<Vec<_>>());
}

#[test]
fn hlsnap_takes_the_tile_of_a_moment_from_both_playlists() {
    let folder = write_storyboard(Some(MISSING));
    for (playlist, seconds, number) in [
        ("images.m3u8", "0", 0),
        ("images.m3u8", "59.9", 5),
        ("images.m3u8", "85", 8),
        ("images.m3u8", "104", 10),
        ("iframes.m3u8", "0", 0),
        ("iframes.m3u8", "59.9", 5),
        ("iframes.m3u8", "75", 6),
        ("iframes.m3u8", "85", 8),
        ("iframes.m3u8", "104", 10),
    ] {
        let path = folder.path().join(playlist);
        let run = hlsnap(&[text(&path), "--at", seconds, "--key-frame", "-o", "out.png"]);
        assert_eq!(frame_number(&run.picture("out.png")), number, "{playlist} at {seconds}");
    }
}

#[test]
fn parsers_read_the_window_of_a_live_storyboard() {
    let folder = tempfile::tempdir().expect("a folder");
    let window = Storyboard { is_live: true, discontinuity_sequence: 4, tiles_before: 99, ..recording(folder.path(), None) };
    write_documents(folder.path(), &window, &UrlForm::new(Some("https://example.com/live?e=1"), Some("sig=a&b")).expect("URLs"));
    let parsed = parse(folder.path());
    for (kind, number, first) in [("images", 0, "storyboard-000.jpg"), ("i_frames", 99, "storyboard-000.mp4")] {
        let playlist = &parsed[kind];
        assert_eq!((&playlist["media_sequence"], &playlist["discontinuity_sequence"]), (&number.into(), &4.into()));
        assert_eq!(playlist["is_endlist"], false);
        assert_eq!(playlist["segments"][0]["uri"], format!("https://example.com/live/{first}?e=1&sig=a&b"));
        assert_eq!(
            playlist["segments"][1]["date"],
            if kind == "images" { "2026-01-01T00:01:00+00:00" } else { "2026-01-01T00:00:10+00:00" }
        );
    }
    let mpd = &parsed["mpd"];
    assert_eq!(mpd["type"], "dynamic");
    assert_eq!(mpd["periods"][0]["media"], "https://example.com/live/storyboard-$Number%03d$.jpg?e=1&sig=a&b");
    // 2026-01-01 is 1767225600 seconds after the epoch
    let times = |period: usize| (mpd["periods"][period]["start"].clone(), mpd["periods"][period]["timeline"].clone());
    assert_eq!(times(0), (json!("PT1767225600S"), json!([{"t": 0, "d": 60_000_000, "r": 1}])));
    assert_eq!(times(1), (json!("PT1767225690S"), json!([{"t": 0, "d": 60_000_000, "r": 0}])));
}

/// The storyboard that players are shown, and the folder of their screenshots.
struct Screening {
    folder: TempDir,
    out: TempDir,
    storyboard: Storyboard,
    query: Option<&'static str>,
}

impl Screening {
    fn new(missing: Option<u16>, query: Option<&'static str>) -> Self {
        let (folder, out) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let storyboard = recording(folder.path(), missing);
        write_documents(folder.path(), &storyboard, &UrlForm::new(None, query).expect("URLs"));
        Self { folder, out, storyboard, query }
    }

    /// What a player should show at the middle of a tile.
    fn probe(&self, tile: u16) -> Value {
        let seconds = f64::from(tile) * INTERVAL + 2.5;
        let (sheet, index) = if tile < 6 {
            (0, tile)
        } else if tile < 9 {
            (1, tile - 6)
        } else {
            (2, tile - 9)
        };
        let Some(range) = self.storyboard.sheets[sheet].tiles[usize::from(index)].i_frame.clone() else {
            return json!({"seconds": seconds, "sprite": null});
        };
        let (x, y) = (u32::from(index) % COLUMNS * TILE.0, u32::from(index) / COLUMNS * TILE.1);
        let i_frame = json!({"file": format!("storyboard-{sheet:03}.mp4"), "offset": range.start, "length": range.end - range.start});
        let sprite = format!("storyboard-{sheet:03}.jpg");
        json!({"seconds": seconds, "sprite": sprite, "x": x, "y": y, "w": TILE.0, "h": TILE.1, "i_frame": i_frame})
    }

    /// Asserts that each player shows the tiles, and their numbers, in this order. Gives the probes of the report.
    fn shows(&self, tiles: &[u16]) -> Vec<Value> {
        let probes: Vec<_> = tiles.iter().map(|tile| self.probe(*tile)).collect();
        let expect = self.out.path().join("expect.json");
        fs::write(&expect, json!({"duration": END, "query": self.query, "probes": probes}).to_string()).expect("written");
        let arguments = [text(self.folder.path()), "--expect", text(&expect), "--out", text(self.out.path())];
        let (report, succeeded) = run("script/players", &arguments);
        assert!(succeeded, "{report}");

        let mut report: Value = serde_json::from_str(&report).expect("JSON");
        let probes: Vec<Value> = serde_json::from_value(report["probes"].take()).expect("an array");
        let pictures: Vec<_> = tiles.iter().copied().filter(|tile| *tile != MISSING).collect();
        for player in ["plyr", "shaka-webvtt", "shaka-images", "shaka-dash", "hls.js"] {
            let shown = probes.iter().filter(|probe| probe["player"] == player && !probe["expected"]["sprite"].is_null());
            let numbers: Vec<_> = shown.map(|probe| frame_number(&open(Path::new(probe["crop"].as_str().expect("a crop"))))).collect();
            assert_eq!(numbers, pictures, "{player}");
        }
        probes
    }
}

#[test]
fn players_show_the_right_tile_at_each_time() {
    let screening = Screening::new(Some(MISSING), None);
    // First, last, all corners, and both sides of the discontinuity; backward too
    let probes = screening.shows(&[0, 2, 3, 5, 6, MISSING, 8, 9, 10, 1, 0]);
    // These keep the picture before a missing one
    for player in ["plyr", "shaka-webvtt"] {
        let missing = probes.iter().find(|probe| probe["player"] == player && probe["expected"]["sprite"].is_null());
        let shown = &missing.expect("a probe")["shown"];
        assert_eq!((&shown["sprite"], &shown["x"]), (&"storyboard-001.jpg".into(), &0.into()), "{player}");
    }
}

#[test]
fn players_keep_the_query_of_signed_urls() {
    Screening::new(None, Some("e=1767225600&sig=a/b+c%3D")).shows(&[4, 10]);
}

fn open(path: &Path) -> DynamicImage {
    image::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
