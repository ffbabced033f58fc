//! The exact text of the documents, written by hand from their specifications. `tests/storyboard_documents.rs` has them read by others.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Sheet, Storyboard, Tile, UrlForm, fragment, i_frame_playlist, i_frame_stream_inf, image_playlist, image_stream_inf, init_segment, mpd,
    multivariant, mux_json, webvtt,
};
use crate::request::Format;

fn relative() -> UrlForm {
    UrlForm::new(None, None).expect("URLs")
}

fn date(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("a date").to_utc()
}

/// A sheet of tiles of 10 seconds, each with an I-frame of 1,000 bytes.
fn sheet(number: u64, start: f64, tiles: u32) -> Sheet {
    let tile = |index: u32| {
        let (start, offset) = (start + f64::from(index) * 10.0, u64::from(index) * 1000);
        Tile { start, end: start + 10.0, is_missing: false, i_frame: Some(offset..offset + 1000) }
    };
    Sheet { number, bytes: 6000, tiles: (0..tiles).map(tile).collect(), program_date_time: None, follows_discontinuity: false }
}

/// Sheets of 2 x 2 tiles of 160 x 90 pixels: a full one, one that the end of a domain or of the video cuts off, and so on.
fn storyboard(sheets: Vec<Sheet>) -> Storyboard {
    Storyboard {
        tile: (160, 90),
        columns: 2,
        rows: 2,
        format: Format::Jpeg,
        interval: 10.0,
        end: sheets.last().map_or(0.0, Sheet::end),
        is_live: false,
        discontinuity_sequence: 0,
        tiles_before: 0,
        domain_start: None,
        sheets,
    }
}

/// 57.5 seconds: the last tile ends early.
fn recording() -> Storyboard {
    let mut last = sheet(1, 40.0, 2);
    last.tiles[1].end = 57.5;
    storyboard(vec![sheet(0, 0.0, 4), last])
}

/// The second sheet follows a discontinuity, so the first one is not full.
fn with_discontinuity() -> Storyboard {
    storyboard(vec![sheet(0, 0.0, 3), Sheet { follows_discontinuity: true, ..sheet(1, 30.0, 1) }])
}

/// The window of a live stream, which ten sheets have left. Its last sheet follows a discontinuity.
fn live() -> Storyboard {
    let start = date("2026-01-01T00:00:00Z");
    let dated = |seconds| Some(start + TimeDelta::seconds(seconds));
    let sheets = vec![
        Sheet { program_date_time: dated(400), ..sheet(10, 0.0, 4) },
        Sheet { program_date_time: dated(440), ..sheet(11, 40.0, 2) },
        Sheet { program_date_time: dated(460), follows_discontinuity: true, ..sheet(12, 60.0, 4) },
    ];
    Storyboard { is_live: true, discontinuity_sequence: 7, tiles_before: 40, domain_start: Some(start), ..storyboard(sheets) }
}

#[test]
fn each_tile_has_a_cue_and_the_last_one_ends_with_the_video() {
    let expected = "WEBVTT

00:00:00.000 --> 00:00:10.000
storyboard-000.jpg#xywh=0,0,160,90

00:00:10.000 --> 00:00:20.000
storyboard-000.jpg#xywh=160,0,160,90

00:00:20.000 --> 00:00:30.000
storyboard-000.jpg#xywh=0,90,160,90

00:00:30.000 --> 00:00:40.000
storyboard-000.jpg#xywh=160,90,160,90

00:00:40.000 --> 00:00:50.000
storyboard-001.jpg#xywh=0,0,160,90

00:00:50.000 --> 00:00:57.500
storyboard-001.jpg#xywh=160,0,160,90
";
    assert_eq!(webvtt(&recording(), &relative()), expected);
}

#[test]
fn a_tile_without_a_picture_has_no_cue() {
    let mut recording = recording();
    recording.sheets[0].tiles[1].is_missing = true;
    let text = webvtt(&recording, &relative());
    assert!(!text.contains("00:00:10.000 -->") && !text.contains("#xywh=160,0,160,90\n\n00:00:20"), "{text}");
    assert!(text.contains("00:00:20.000 --> 00:00:30.000\nstoryboard-000.jpg#xywh=0,90,160,90\n"), "{text}");
}

#[test]
fn cues_of_long_videos_have_hours_and_uneven_times_meet() {
    let mut sheet = sheet(1000, 359_999.0, 2);
    (sheet.tiles[0].end, sheet.tiles[1].start, sheet.tiles[1].end) = (360_000.000_5, 360_000.000_5, 360_000.000_6);
    let expected = "WEBVTT\n\n99:59:59.000 --> 100:00:00.001\nstoryboard-1000.jpg#xywh=0,0,160,90\n";
    assert_eq!(webvtt(&storyboard(vec![sheet]), &relative()), expected);
}

#[test]
fn urls_join_bases_and_queries() {
    let url = |base, query| UrlForm::new(base, query).expect("a form").url("a.jpg");
    assert_eq!(url(None, None), "a.jpg");
    assert_eq!(url(Some("https://h/a"), None), "https://h/a/a.jpg");
    assert_eq!(url(Some("https://h/a/"), None), "https://h/a/a.jpg");
    assert_eq!(url(Some("/thumbs"), Some("sig=1")), "/thumbs/a.jpg?sig=1");
    assert_eq!(url(None, Some("?sig=1&e=2")), "a.jpg?sig=1&e=2");
    assert_eq!(url(Some("https://h/a?x=1"), None), "https://h/a/a.jpg?x=1");
    assert_eq!(url(Some("https://h/a/?x=1&"), Some("&sig=2")), "https://h/a/a.jpg?x=1&sig=2");
    assert_eq!(UrlForm::fixed("https://h/storyboard.jpg?url=x").expect("a form").url("a.jpg"), "https://h/storyboard.jpg?url=x");
    assert!(
        webvtt(&recording(), &UrlForm::new(None, Some("sig=1")).expect("a form")).contains("\nstoryboard-000.jpg?sig=1#xywh=0,0,160,90\n")
    );
}

#[test]
fn urls_that_would_break_a_document_are_refused() {
    for text in ["https://h/a b", "https://h/\"", "https://h/#t", "a\nb", "<a>", "{$a}"] {
        assert_eq!(UrlForm::new(Some(text), None).expect_err(text).kind(), crate::ErrorKind::Usage);
        assert_eq!(UrlForm::new(None, Some(text)).expect_err(text).kind(), crate::ErrorKind::Usage);
        assert_eq!(UrlForm::fixed(text).expect_err(text).kind(), crate::ErrorKind::Usage);
    }
}

#[test]
fn json_of_one_sheet_has_the_fields_of_mux() {
    let mut storyboard = storyboard(vec![sheet(0, 0.0, 3)]);
    storyboard.sheets[0].tiles[1].is_missing = true;
    let expected = serde_json::json!({
        "url": "https://h/storyboard-000.jpg", "tile_width": 160, "tile_height": 90, "duration": 30.0,
        "tiles": [{"start": 0.0, "x": 0, "y": 0}, {"start": 20.0, "x": 0, "y": 90}],
    });
    let text = mux_json(&storyboard, &UrlForm::new(Some("https://h"), None).expect("URLs"));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("JSON"), expected);
}

#[test]
fn json_of_several_sheets_is_an_array() {
    let json: serde_json::Value = serde_json::from_str(&mux_json(&recording(), &relative())).expect("JSON");
    assert_eq!(json.as_array().expect("an array").len(), 6);
    let last = serde_json::json!({
        "url": "storyboard-001.jpg", "startTime": 50.0, "endTime": 57.5, "width": 160, "height": 90, "coords": {"x": 160, "y": 0},
    });
    assert_eq!(json[5], last);
}

#[test]
fn an_image_playlist_says_where_tiles_are_and_ends_a_partial_sheet() {
    let expected = "#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:40
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-IMAGES-ONLY
#EXTINF:40.000,
#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=2x2,DURATION=10.000
storyboard-000.jpg
#EXTINF:17.500,
#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=2x2,DURATION=10.000
storyboard-001.jpg
#EXT-X-ENDLIST
";
    assert_eq!(image_playlist(&recording(), &relative()), expected);
}

#[test]
fn a_live_image_playlist_has_numbers_dates_and_discontinuities() {
    let mut live = live();
    live.sheets[1].tiles.iter_mut().for_each(|tile| tile.is_missing = true);
    let expected = "#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:40
#EXT-X-MEDIA-SEQUENCE:10
#EXT-X-DISCONTINUITY-SEQUENCE:7
#EXT-X-IMAGES-ONLY
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:06:40.000Z
#EXTINF:40.000,
#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=2x2,DURATION=10.000
storyboard-010.jpg
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:07:20.000Z
#EXTINF:20.000,
#EXT-X-GAP
#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=2x2,DURATION=10.000
storyboard-011.jpg
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:07:40.000Z
#EXTINF:40.000,
#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=2x2,DURATION=10.000
storyboard-012.jpg
";
    assert_eq!(image_playlist(&live, &relative()), expected);
}

#[test]
fn a_recording_that_begins_later_begins_with_a_gap() {
    let text = image_playlist(&storyboard(vec![sheet(0, 65.25, 1)]), &relative());
    let expected = "#EXT-X-IMAGES-ONLY\n#EXTINF:65.250,\n#EXT-X-GAP\nstoryboard-000.jpg\n#EXTINF:10.000,\n#EXT-X-TILES";
    assert!(text.contains("#EXT-X-TARGETDURATION:66\n") && text.contains(expected), "{text}");
}

#[test]
fn intervals_keep_microseconds() {
    let mut storyboard = storyboard(vec![sheet(0, 0.0, 1)]);
    (storyboard.interval, storyboard.sheets[0].tiles[0].end) = (6.006_012_3, 6.006_5);
    let text = image_playlist(&storyboard, &relative());
    assert!(text.contains("#EXTINF:6.0065,\n") && text.contains("DURATION=6.006012\n") && text.contains("TARGETDURATION:25\n"), "{text}");
}

#[test]
fn an_i_frame_lasts_until_the_next_and_a_discontinuity_names_the_init_again() {
    let mut storyboard = with_discontinuity();
    storyboard.sheets[0].tiles[1].i_frame = None;
    storyboard.sheets[1].tiles.insert(0, Tile { start: 30.0, end: 31.0, is_missing: true, i_frame: None });
    storyboard.sheets[1].tiles[1].start = 31.0;
    let expected = "#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:20
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-I-FRAMES-ONLY
#EXT-X-MAP:URI=\"storyboard-init.mp4\"
#EXTINF:20.000,
#EXT-X-BYTERANGE:1000@0
storyboard-000.mp4
#EXTINF:11.000,
#EXT-X-BYTERANGE:1000@2000
storyboard-000.mp4
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI=\"storyboard-init.mp4\"
#EXTINF:9.000,
#EXT-X-BYTERANGE:1000@0
storyboard-001.mp4
#EXT-X-ENDLIST
";
    assert_eq!(i_frame_playlist(&storyboard, &relative()), expected);
}

#[test]
fn a_live_i_frame_playlist_counts_and_dates_tiles() {
    let mut live = live();
    live.sheets[1].tiles[0].i_frame = None;
    let text = i_frame_playlist(&live, &relative());
    assert!(text.contains("#EXT-X-TARGETDURATION:40\n#EXT-X-MEDIA-SEQUENCE:40\n#EXT-X-DISCONTINUITY-SEQUENCE:7\n"), "{text}");
    let expected = "#EXTINF:10.000,\n#EXT-X-GAP\nstoryboard-011.mp4\n\
                    #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:07:30.000Z\n#EXTINF:10.000,\n#EXT-X-BYTERANGE:1000@1000\nstoryboard-011.mp4\n";
    assert!(text.contains(expected) && !text.contains("ENDLIST") && !text.contains("PLAYLIST-TYPE"), "{text}");
}

#[test]
fn lines_for_the_multivariant_playlist_have_counted_bandwidths() {
    let storyboard = recording();
    // 6000 bytes in 40 s and in 17.5 s; I-frames of 1000 bytes in 10 s and 7.5 s
    let images = "#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=2743,AVERAGE-BANDWIDTH=1670,RESOLUTION=160x90,CODECS=\"jpeg\",URI=\"images.m3u8\"\n";
    let i_frames =
        "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1067,AVERAGE-BANDWIDTH=835,RESOLUTION=160x90,CODECS=\"mjpg\",URI=\"iframes.m3u8\"\n";
    assert_eq!(image_stream_inf(&storyboard, &relative()), images);
    assert_eq!(i_frame_stream_inf(&storyboard, &relative()), i_frames);
    assert_eq!(multivariant(&storyboard, &relative()), format!("#EXTM3U\n#EXT-X-VERSION:7\n{images}{i_frames}"));

    let mut without_i_frames = storyboard;
    without_i_frames.sheets.iter_mut().flat_map(|sheet| &mut sheet.tiles).for_each(|tile| tile.i_frame = None);
    assert_eq!(multivariant(&without_i_frames, &relative()), format!("#EXTM3U\n#EXT-X-VERSION:7\n{images}"));
}

#[test]
fn an_mpd_has_a_period_for_each_run_of_sheets() {
    let form = UrlForm::new(Some("https://h/$a"), Some("x=1&y=2")).expect("URLs");
    let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" minBufferTime="PT2S" type="static" mediaPresentationDuration="PT40S">
  <Period id="0" start="PT0S">
    <AdaptationSet contentType="image" mimeType="image/jpeg">
      <SegmentTemplate media="https://h/$$a/storyboard-$Number%03d$.jpg?x=1&amp;y=2" startNumber="0" timescale="1000000" duration="40000000"/>
      <Representation id="thumbnails" bandwidth="4800" width="320" height="180">
        <EssentialProperty schemeIdUri="http://dashif.org/guidelines/thumbnail_tile" value="2x2"/>
      </Representation>
    </AdaptationSet>
  </Period>
  <Period id="1" start="PT30S">
    <AdaptationSet contentType="image" mimeType="image/jpeg">
      <SegmentTemplate media="https://h/$$a/storyboard-$Number%03d$.jpg?x=1&amp;y=2" startNumber="1" timescale="1000000" duration="40000000"/>
      <Representation id="thumbnails" bandwidth="4800" width="320" height="180">
        <EssentialProperty schemeIdUri="http://dashif.org/guidelines/thumbnail_tile" value="2x2"/>
      </Representation>
    </AdaptationSet>
  </Period>
</MPD>
"#;
    assert_eq!(mpd(&with_discontinuity(), &form).expect("an MPD"), expected);
    assert_eq!(mpd(&recording(), &relative()).expect("an MPD").matches("<Period").count(), 1);
}

#[test]
fn a_live_mpd_is_timed_by_date_and_keeps_its_periods() {
    let text = mpd(&live(), &relative()).expect("an MPD");
    let head = "type=\"dynamic\" availabilityStartTime=\"1970-01-01T00:00:00Z\" publishTime=\"2026-01-01T00:08:20.000Z\" minimumUpdatePeriod=\"PT40S\" timeShiftBufferDepth=\"PT100S\"";
    assert!(text.contains(head), "{text}");
    // 2026-01-01 is 1767225600 seconds after the epoch
    for part in [
        "<Period id=\"7\" start=\"PT1767225600S\">",
        "startNumber=\"10\" timescale=\"1000000\">\n        <SegmentTimeline>\n          <S t=\"400000000\" d=\"40000000\" r=\"1\"/>\n",
        "<Period id=\"8\" start=\"PT1767226060S\">",
        "startNumber=\"12\" timescale=\"1000000\">\n        <SegmentTimeline>\n          <S t=\"0\" d=\"40000000\" r=\"0\"/>\n",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }

    let mut undated = live();
    undated.sheets[1].program_date_time = None;
    assert_eq!(mpd(&undated, &relative()), None);
}

#[test]
fn documents_of_no_sheets_are_empty_but_whole() {
    let none = storyboard(Vec::new());
    assert_eq!(webvtt(&none, &relative()), "WEBVTT\n");
    assert_eq!(mux_json(&none, &relative()), "[]\n");
    assert!(image_playlist(&none, &relative()).ends_with("#EXT-X-IMAGES-ONLY\n#EXT-X-ENDLIST\n"));
    assert!(mpd(&none, &relative()).expect("an MPD").ends_with("mediaPresentationDuration=\"PT0S\">\n</MPD>\n"));
    assert_eq!(mpd(&Storyboard { is_live: true, ..none }, &relative()), None);
}

#[test]
fn a_fragment_holds_the_picture_and_its_time() {
    let expected = [
        // 96 bytes: 8, 16, and 72 of the track fragment
        &b"\0\0\0\x60moof\0\0\0\x10mfhd\0\0\0\0\0\0\0\x03\0\0\0\x48traf"[..],
        b"\0\0\0\x10tfhd\0\x02\0\0\0\0\0\x01",
        // 2.5 s of 90,000 ticks
        b"\0\0\0\x14tfdt\x01\0\0\0\0\0\0\0\0\x03\x6e\xe8",
        // One sample at byte 104, of 45,000 ticks and 7 bytes
        b"\0\0\0\x1ctrun\0\0\x03\x01\0\0\0\x01\0\0\0\x68\0\0\xaf\xc8\0\0\0\x07",
        b"\0\0\0\x0fmdatpicture",
    ];
    assert_eq!(fragment(3, 2.5, 0.5, b"picture"), expected.concat());
}

#[test]
fn the_init_declares_jpeg_of_the_tiles_size() {
    let init = init_segment((160, 90));
    let entry = init.windows(4).position(|kind| kind == b"mjpg").expect("a sample entry");
    assert_eq!(init[entry - 4..entry], [0, 0, 0, 86]);
    assert_eq!(init[entry + 28..entry + 32], [0, 160, 0, 90]);
}
