//! `hlsnap storyboard --follow`: a window that slides with a live stream. The ladder's frames are numbered from 0 to 149, 25 a second; each
//! of its three segments lasts two seconds.

use std::fmt::Write;

use crate::origin::{Origin, PLAYLIST, Rule, fixture};
use crate::support::{Run, file_names, frame_number, hlsnap};
use image::GenericImageView;

/// The stream at `/s/live.m3u8`: each reload is answered by the next playlist at once, as if the segment that it waits for were there.
fn live_origin(playlists: Vec<Rule>) -> Origin {
    let origin = Origin::start();
    for number in 0..3 {
        origin.put(&format!("/s/{number}.ts"), fixture(&format!("ladder-ts/v0-{number}.ts")));
    }
    origin.rules("/s/live.m3u8", playlists);
    origin
}

/// A playlist of the ladder's segments with a date at its first one. A segment that does not follow the one before is a discontinuity.
fn playlist((first, discontinuities): (u64, u64), second: u64, segments: &[u64], tail: &str) -> Rule {
    let mut text = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES\n#EXT-X-MEDIA-SEQUENCE:{first}\n\
         #EXT-X-DISCONTINUITY-SEQUENCE:{discontinuities}\n#EXT-X-PROGRAM-DATE-TIME:2026-01-31T12:00:{second:02}Z\n"
    );
    let mut before = None;
    for number in segments {
        if before.is_some_and(|before| before + 1 != *number) {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        write!(text, "#EXTINF:2,\n{number}.ts\n").expect("formatted");
        before = Some(*number);
    }
    Rule::Body((text + tail).into_bytes(), PLAYLIST)
}

fn follow(origin: &Origin, options: &[&str]) -> Run {
    let url = origin.url("/s/live.m3u8");
    let grid = ["storyboard", &url, "--follow", "--every", "1s", "--columns", "2", "--rows", "2", "--tile-width", "320", "-o", "board"];
    hlsnap(&[&grid[..], options].concat())
}

/// The lines of a document that begin with one of `starts`.
fn lines(run: &Run, name: &str, starts: &[&str]) -> Vec<String> {
    let text = String::from_utf8(run.file(&format!("board/{name}"))).expect("text");
    text.lines().filter(|line| starts.iter().any(|start| line.starts_with(start))).map(str::to_owned).collect()
}

/// The numbers of the frames in the first `count` tiles of a sprite.
fn frames(run: &Run, sprite: &str, count: u32) -> Vec<u16> {
    let sprite = image::load_from_memory(&run.file(&format!("board/{sprite}"))).expect("a sprite");
    let (width, height) = (sprite.width() / 2, sprite.height() / 2);
    (0..count).map(|tile| frame_number(&sprite.view(tile % 2 * width, tile / 2 * height, width, height).to_image().into())).collect()
}

#[test]
fn the_documents_slide_with_the_stream_and_old_sprites_are_removed() {
    let origin = live_origin(vec![
        playlist((0, 0), 0, &[0, 1, 2], ""),
        playlist((1, 0), 2, &[1, 2, 1], ""),
        playlist((3, 1), 6, &[1, 2], ""),
        playlist((4, 1), 8, &[2, 0], "#EXT-X-ENDLIST\n"),
    ]);
    let run = follow(&origin, &["--json"]);
    assert_eq!(run.succeeds().json()["pictures"].as_array().map(Vec::len), Some(12));

    // Sprites 0 (0 to 4 s) and 1 (4 to 6 s, up to the discontinuity) have left the window
    let sprites: Vec<_> = file_names(&run.path("board")).into_iter().filter(|name| name.contains(".jpg")).collect();
    assert_eq!(sprites, ["storyboard-002.jpg", "storyboard-003.jpg"]);
    assert_eq!(frames(&run, "storyboard-002.jpg", 4), [50, 75, 100, 125]);
    assert_eq!(frames(&run, "storyboard-003.jpg", 2), [0, 25]);
    let starts = ["#EXT-X-MEDIA-SEQUENCE", "#EXT-X-DISCONTINUITY", "#EXT-X-PROGRAM-DATE-TIME", "#EXTINF", "storyboard", "#EXT-X-ENDLIST"];
    let expected = [
        "#EXT-X-MEDIA-SEQUENCE:2",
        "#EXT-X-DISCONTINUITY-SEQUENCE:1",
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-31T12:00:06.000Z",
        "#EXTINF:4.000,",
        "storyboard-002.jpg",
        "#EXT-X-DISCONTINUITY",
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-31T12:00:10.000Z",
        "#EXTINF:2.000,",
        "storyboard-003.jpg",
    ];
    assert_eq!(lines(&run, "images.m3u8", &starts), expected);
    assert_eq!(lines(&run, "storyboard.vtt", &["00:"]).len(), 6);
    assert_eq!(origin.paths().iter().filter(|path| path.contains(".ts")).count(), 6, "each segment is read once");
}

#[test]
fn a_tile_that_could_not_be_had_is_a_gap() {
    let origin = live_origin(vec![playlist((0, 0), 0, &[0, 1, 2], ""), playlist((1, 0), 2, &[1, 2], "#EXT-X-ENDLIST\n")]);
    origin.rule("/s/1.ts", Rule::Status(404, None));
    let run = follow(&origin, &[]);
    assert_eq!(run.code, 50, "{}", run.stderr);
    assert_eq!(frames(&run, "storyboard-000.jpg", 2), [0, 25]);
    assert_eq!(lines(&run, "iframes.m3u8", &["#EXT-X-GAP"]).len(), 2);
}

#[test]
fn a_length_ends_the_storyboard_and_a_recording_needs_no_window() {
    let origin = live_origin(vec![playlist((0, 0), 0, &[0, 1, 2], ""), playlist((0, 0), 0, &[0, 1, 2, 0], "")]);
    let run = follow(&origin, &["--for", "4s"]);
    run.succeeds();
    assert_eq!(frames(&run, "storyboard-000.jpg", 4), [0, 25, 50, 75]);
    let url = origin.url("/ladder-ts/v0.m3u8");
    let run = hlsnap(&["storyboard", &url, "--follow", "--every", "1s", "-o", "board"]);
    run.succeeds();
    assert_eq!(lines(&run, "images.m3u8", &["#EXT-X-ENDLIST"]).len(), 1);
}
