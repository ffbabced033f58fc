//! Low-Latency HLS: parts, hints, what the server can do, and where a search begins.

use super::media;
use crate::hls::{ByteRange, Goal, MediaPlaylist, PlaylistIndex, plan};

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
    plan.candidates.iter().map(|PlaylistIndex { segment, part }| (*segment, *part)).collect()
}

#[test]
fn the_edge_is_a_segment_of_which_there_are_parts() {
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
fn what_the_server_tells_is_kept() {
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
fn live_begins_with_the_newest_independent_part() {
    assert_eq!(newest(&media(EDGE)), [(2, 0), (1, 2), (1, 0), (0, 0)]);
    // A part that is a gap, or leans on others, is none to begin with
    let later = EDGE.replace("BYTERANGE=\"100@0\",INDEPENDENT=YES", "BYTERANGE=\"100@0\",INDEPENDENT=YES,GAP=YES");
    assert_eq!(newest(&media(later)), [(1, 2), (1, 0), (0, 0)]);
    // Where no part is called independent, segments are taken to begin with a key frame
    assert_eq!(newest(&media(EDGE.replace(",INDEPENDENT=YES", ""))), [(2, 0), (1, 0), (0, 0)]);
}

#[test]
fn a_segment_from_a_part_on_begins_there() {
    let later = media(EDGE).segments[1].from_part(2);
    assert_eq!((later.start, later.duration, later.parts.len(), later.complete), (6.0, 2.0, 2, false));
    assert_eq!(later.program_date_time.unwrap().timestamp(), 1_769_860_806);
}

#[test]
fn a_moment_in_the_edge_is_found_there() {
    let playlist = media(EDGE);
    let at = |seconds| plan(&playlist, Some(crate::request::Position::FromStart(std::time::Duration::from_secs_f64(seconds))), None, None);
    assert_eq!(at(9.2).unwrap().candidates, [PlaylistIndex { segment: 2, part: 0 }]);
    assert_eq!(at(7.9).unwrap().candidates, [PlaylistIndex { segment: 1, part: 0 }]);
}

#[test]
fn a_delta_update_counts_what_it_leaves_out() {
    let playlist =
        media("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:3\n#EXT-X-SKIP:SKIPPED-SEGMENTS=5\n#EXTINF:4,\na\n#EXT-X-PART:DURATION=1,URI=\"b\"\n");
    assert_eq!((playlist.skipped, playlist.segments[0].media_sequence_number, playlist.next()), (5, 8, (9, 1)));
}
