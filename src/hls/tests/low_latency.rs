//! Low-Latency HLS: parts, preload hints, server control, and where a search starts.

use super::media;
use crate::hls::{ByteRange, Goal, MediaPlaylist, SearchStart, plan};

const EDGE: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=1.004\n#EXT-X-MEDIA-SEQUENCE:7\n\
    #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3.012,CAN-SKIP-UNTIL=24.0\n\
    #EXT-X-PROGRAM-DATE-TIME:2026-01-31T12:00:00Z\n#EXTINF:4,\n7.mp4\n\
    #EXT-X-PART:DURATION=1,URI=\"8.0.mp4\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=1,URI=\"8.1.mp4\"\n\
    #EXT-X-PART:DURATION=1,URI=\"8.2.mp4\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=1,URI=\"8.3.mp4\"\n#EXTINF:4,\n8.mp4\n\
    #EXT-X-PART:DURATION=1,URI=\"9.mp4\",BYTERANGE=\"100@0\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=0.5,URI=\"9.mp4\",BYTERANGE=\"50\"\n\
    #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"9.mp4\",BYTERANGE-START=150\n#EXT-X-RENDITION-REPORT:URI=\"../b.m3u8\",LAST-MSN=9,LAST-PART=1\n";

fn newest(playlist: &MediaPlaylist) -> Vec<(usize, usize)> {
    let plan = plan(playlist, None, None, None).unwrap();
    assert_eq!(plan.goal, Goal::FirstKeyFrame);
    plan.candidates.iter().map(|SearchStart { segment, part }| (*segment, *part)).collect()
}

#[test]
fn parts_at_the_live_edge_make_an_incomplete_segment() {
    let playlist = media(EDGE);
    assert_eq!((playlist.segments.len(), playlist.complete_segments().len()), (3, 2));
    let edge = &playlist.segments[2];
    assert!(!edge.complete && !edge.gap);
    assert_eq!((edge.media_sequence_number, edge.start, edge.duration), (9, 8.0, 1.5));
    let ranges: Vec<_> = edge.parts.iter().map(|part| part.byte_range.unwrap()).collect();
    assert_eq!(ranges, [ByteRange { offset: 0, length: 100 }, ByteRange { offset: 100, length: 50 }]);
    assert_eq!(edge.program_date_time.unwrap().timestamp(), 1_769_860_808);
    assert_eq!(playlist.segments[1].parts.len(), 4);
    assert_eq!(playlist.next(), (9, 2));
    assert_eq!(playlist.duration(), 9.5);
}

#[test]
fn server_control_hints_and_reports_are_read() {
    let playlist = media(EDGE);
    assert_eq!(playlist.part_target, Some(1.004));
    assert!(playlist.control.can_block_reload);
    assert_eq!((playlist.control.part_hold_back, playlist.control.can_skip_until), (Some(3.012), Some(24.0)));
    let hint = playlist.hint.as_ref().unwrap();
    assert_eq!((hint.url.path(), hint.offset, hint.length), ("/live/9.mp4", 150, None));
    let report = &playlist.rendition_reports[0];
    assert_eq!((report.url.path(), report.last_media_sequence_number, report.last_part), ("/b.m3u8", Some(9), Some(1)));
}

#[test]
fn a_live_search_starts_with_the_newest_independent_part() {
    assert_eq!(newest(&media(EDGE)), [(2, 0), (1, 2), (1, 0), (0, 0)]);
    // A search never starts with a gap or a dependent part
    let with_gap = EDGE.replace("BYTERANGE=\"100@0\",INDEPENDENT=YES", "BYTERANGE=\"100@0\",INDEPENDENT=YES,GAP=YES");
    assert_eq!(newest(&media(with_gap)), [(1, 2), (1, 0), (0, 0)]);
    // If no part is marked as independent, segments are assumed to start with a key frame
    assert_eq!(newest(&media(EDGE.replace(",INDEPENDENT=YES", ""))), [(2, 0), (1, 0), (0, 0)]);
}

#[test]
fn a_segment_cut_at_a_part_starts_there() {
    let later = media(EDGE).segments[1].from_part(2);
    assert_eq!((later.start, later.duration, later.parts.len(), later.complete), (6.0, 2.0, 2, false));
    assert_eq!(later.program_date_time.unwrap().timestamp(), 1_769_860_806);
}

#[test]
fn a_moment_at_the_live_edge_is_in_the_incomplete_segment() {
    let playlist = media(EDGE);
    let at = |seconds| plan(&playlist, Some(crate::request::Position::FromStart(std::time::Duration::from_secs_f64(seconds))), None, None);
    assert_eq!(at(9.2).unwrap().candidates, [SearchStart { segment: 2, part: 0 }]);
    assert_eq!(at(7.9).unwrap().candidates, [SearchStart { segment: 1, part: 0 }]);
}

#[test]
fn a_delta_update_counts_the_segments_that_it_omits() {
    let playlist =
        media("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:3\n#EXT-X-SKIP:SKIPPED-SEGMENTS=5\n#EXTINF:4,\na\n#EXT-X-PART:DURATION=1,URI=\"b\"\n");
    assert_eq!((playlist.skipped, playlist.segments[0].media_sequence_number, playlist.next()), (5, 8, (9, 1)));
}
