//! Which segment contains a moment.

use std::{fmt::Write as _, time::Duration};

use super::{RandomNumbers, media};
use crate::{
    error::ErrorKind,
    hls::{Goal, MediaPlaylist, Plan, StartOffset, plan},
    request::{Position, Precision},
};

/// Segments with these durations in seconds; negative ones are gaps.
fn playlist(durations: &[f64], tags: &str) -> MediaPlaylist {
    let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:10\n{tags}\n");
    for duration in durations {
        let gap = if *duration < 0.0 { "#EXT-X-GAP\n" } else { "" };
        let _ = writeln!(text, "{gap}#EXTINF:{},\nsegment.ts", duration.abs());
    }
    media(text)
}

fn recording(durations: &[f64]) -> MediaPlaylist {
    playlist(durations, "#EXT-X-ENDLIST")
}

fn planned(playlist: &MediaPlaylist, at: &str) -> Result<(usize, Goal), ErrorKind> {
    full(playlist, at, None).map(|plan| (plan.candidates[0].segment, plan.goal))
}

fn full(playlist: &MediaPlaylist, at: &str, precision: Option<Precision>) -> Result<Plan, ErrorKind> {
    let at: Option<Position> = (!at.is_empty()).then(|| at.parse().unwrap());
    plan(playlist, at, precision, None).map_err(|error| error.kind())
}

#[test]
fn without_a_position_live_is_the_newest_and_a_recording_its_start() {
    let live = playlist(&[4.0, 4.0, 4.0], "");
    assert_eq!(
        full(&live, "", None).unwrap(),
        Plan { candidates: vec![2.into(), 1.into(), 0.into()], goal: Goal::FirstKeyFrame, note: None }
    );
    assert_eq!(full(&live, "", Some(Precision::Exact)).unwrap().goal, Goal::LastFrame);
    let recorded = recording(&[4.0, 4.0, 4.0]);
    assert_eq!(
        full(&recorded, "", None).unwrap(),
        Plan { candidates: vec![0.into(), 1.into(), 2.into()], goal: Goal::FirstKeyFrame, note: None }
    );
    assert_eq!(full(&recorded, "start", Some(Precision::Exact)).unwrap().goal, Goal::FrameAt(0.0));
    assert_eq!(planned(&recorded, "live"), Ok((2, Goal::FirstKeyFrame)));
    assert_eq!(planned(&live, "start"), Ok((0, Goal::FirstKeyFrame)));
    // EVENT is live, and VOD is not, even without EXT-X-ENDLIST
    assert!(playlist(&[4.0], "#EXT-X-PLAYLIST-TYPE:EVENT").is_live());
    assert!(!playlist(&[4.0], "#EXT-X-PLAYLIST-TYPE:VOD").is_live());
    assert!(!playlist(&[4.0], "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-ENDLIST").is_live());
}

#[test]
fn a_time_in_any_form_is_in_its_segment() {
    let recorded = recording(&[4.0, 4.0, 4.0]);
    assert_eq!(planned(&recorded, "0"), Ok((0, Goal::FrameAt(0.0))));
    assert_eq!(planned(&recorded, "3.9"), Ok((0, Goal::FrameAt(3.9))));
    assert_eq!(planned(&recorded, "4"), Ok((1, Goal::FrameAt(4.0))));
    assert_eq!(planned(&recorded, "-5s"), Ok((1, Goal::FrameAt(7.0))));
    assert_eq!(planned(&recorded, "50%"), Ok((1, Goal::FrameAt(6.0))));
    assert_eq!(planned(&recorded, "100%"), Ok((2, Goal::FrameAt(12.0))));
    assert_eq!(planned(&recorded, "-0"), Ok((2, Goal::FrameAt(12.0))));
    assert_eq!(full(&recorded, "5", Some(Precision::KeyFrame)).unwrap().goal, Goal::KeyFrameAtOrBefore(5.0));
    let live = playlist(&[4.0, 4.0, 4.0], "#EXT-X-MEDIA-SEQUENCE:90");
    assert_eq!(planned(&live, "-5s"), Ok((1, Goal::FrameAt(7.0))));
}

#[test]
fn a_time_outside_the_playlist_is_not_found() {
    let recorded = recording(&[4.0, 4.0, 4.0]);
    assert!(matches!(planned(&recorded, "12.4"), Ok((2, Goal::FrameAt(_)))), "durations are rounded");
    for at in ["12.6", "1:00:00", "-13", "2026-01-31T12:00:00Z"] {
        assert_eq!(planned(&recorded, at), Err(ErrorKind::NotFound), "{at}");
    }
    // 3 times 9.6 is less than 28.8 in binary
    assert_eq!(planned(&recording(&[9.6; 3]), "-28.8"), Ok((0, Goal::FrameAt(0.0))));
    let error = plan(&recorded, Some("60".parse().unwrap()), None, None).err().unwrap();
    assert!(error.message().contains("12.000"), "{error}");
}

#[test]
fn a_playlist_without_media_is_not_found() {
    for durations in [&[][..], &[-4.0, -4.0]] {
        for at in ["", "live", "start", "0", "50%"] {
            assert_eq!(planned(&recording(durations), at), Err(ErrorKind::NotFound), "{at}");
        }
    }
}

#[test]
fn a_moment_in_a_gap_is_in_the_segment_before_it() {
    let recorded = recording(&[4.0, 4.0, -4.0, -4.0, 4.0]);
    let found = full(&recorded, "9", None).unwrap();
    assert_eq!((found.candidates[0].segment, found.goal), (1, Goal::FrameAt(8.0)));
    assert!(found.note.is_some());
    let first = recording(&[-4.0, 4.0]);
    let found = full(&first, "1", None).unwrap();
    assert_eq!((found.candidates[0].segment, found.goal), (1, Goal::FrameAt(4.0)));
    assert!(found.note.is_some());
    assert_eq!(full(&first, "start", None).unwrap().candidates, [1.into()]);
    assert_eq!(full(&playlist(&[4.0, -4.0], ""), "", None).unwrap().candidates, [0.into()]);
}

#[test]
fn a_recording_starts_at_ext_x_start() {
    let start = |tag: &str| playlist(&[4.0, 4.0, 4.0], &format!("#EXT-X-ENDLIST\n#EXT-X-START:{tag}"));
    assert_eq!(planned(&start("TIME-OFFSET=5"), ""), Ok((1, Goal::KeyFrameAtOrBefore(5.0))));
    assert_eq!(planned(&start("TIME-OFFSET=5,PRECISE=YES"), ""), Ok((1, Goal::FrameAt(5.0))));
    assert_eq!(planned(&start("TIME-OFFSET=-2.0"), "").map(|found| found.0), Ok(2));
    assert_eq!(planned(&start("TIME-OFFSET=-99"), ""), Ok((0, Goal::KeyFrameAtOrBefore(0.0))));
    assert_eq!(planned(&start("TIME-OFFSET=99"), "").map(|found| found.0), Ok(2));
    assert_eq!(planned(&start("TIME-OFFSET=5"), "start"), Ok((0, Goal::FirstKeyFrame)));
    assert_eq!(planned(&start("TIME-OFFSET=x"), ""), Ok((0, Goal::FirstKeyFrame)));
    let multivariant = StartOffset { time_offset: 9.0, precise: false };
    let without = recording(&[4.0, 4.0, 4.0]);
    assert_eq!(plan(&without, None, None, Some(&multivariant)).unwrap().candidates[0].segment, 2);
    assert_eq!(plan(&start("TIME-OFFSET=5"), None, None, Some(&multivariant)).unwrap().candidates[0].segment, 1);
}

#[test]
fn a_date_is_in_its_segment() {
    let dated = playlist(&[4.0, 4.0, 4.0], "#EXT-X-PROGRAM-DATE-TIME:2026-01-31T12:00:00Z");
    assert_eq!(planned(&dated, "2026-01-31T12:00:00Z"), Ok((0, Goal::FrameAt(0.0))));
    assert_eq!(planned(&dated, "2026-01-31T13:00:05+01:00"), Ok((1, Goal::FrameAt(5.0))));
    assert_eq!(planned(&dated, "2026-01-31T12:00:12.3Z"), Ok((2, Goal::FrameAt(12.0))));
    for at in ["2026-01-31T11:59:59Z", "2026-01-31T12:00:13Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
        assert_eq!(planned(&dated, at), Err(ErrorKind::NotFound), "{at}");
    }
}

#[test]
fn a_date_between_segments_is_in_the_segment_before_it() {
    let text = "#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2026-01-31T12:00:00Z\n#EXTINF:4,\na\n#EXTINF:4,\nb\n\
        #EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:2026-01-31T12:01:00Z\n#EXTINF:4,\nc\n";
    let found = full(&media(text), "2026-01-31T12:00:30Z", None).unwrap();
    assert_eq!(found.candidates[0].segment, 1);
    assert!(matches!(found.goal, Goal::FrameAt(moment) if (7.9..8.0).contains(&moment)), "{:?}", found.goal);
    assert!(found.note.unwrap().contains("12:00:30"));
    assert_eq!(planned(&media(text), "2026-01-31T12:01:01Z"), Ok((2, Goal::FrameAt(9.0))));
}

#[test]
fn without_durations_every_moment_is_in_the_first_segment() {
    let recorded = recording(&[0.0, 0.0, 0.0]);
    assert_eq!(planned(&recorded, "0"), Ok((0, Goal::FrameAt(0.0))));
    assert_eq!(planned(&recorded, ""), Ok((0, Goal::FirstKeyFrame)));
}

#[test]
fn the_planned_segment_contains_the_moment() {
    for seed in 0..3000 {
        let mut numbers = RandomNumbers::new(seed);
        let durations: Vec<f64> = (0..=numbers.below(20))
            .map(|_| {
                let duration = numbers.below(10_000) as f64 / 1000.0;
                if numbers.below(6) == 0 { -duration } else { duration }
            })
            .collect();
        let recorded = recording(&durations);
        let end = recorded.duration();
        let wanted = end * numbers.below(1001) as f64 / 1000.0;
        let found = plan(&recorded, Some(Position::FromStart(Duration::from_secs_f64(wanted))), None, None);
        let playable = recorded.segments.iter().any(|segment| !segment.gap);
        assert_eq!(found.is_ok(), playable, "{durations:?} {wanted}");
        let Ok(found) = found else { continue };
        let index = found.candidates[0].segment;
        let segment = &recorded.segments[index];
        let Goal::FrameAt(moment) = found.goal else { panic!("{:?}", found.goal) };
        assert!(!segment.gap, "{durations:?} {wanted}");
        assert!((segment.start..=segment.end()).contains(&moment), "{durations:?} {wanted}: {moment} in {index}");
        let contains = |from: f64, to: f64| (from - 0.001..to + 0.001).contains(&wanted);
        if found.note.is_none() {
            assert!(contains(segment.start, segment.end()), "{durations:?} {wanted}: {index}");
        } else {
            // Everything between it and the moment is a gap
            let (from, to) = if segment.end() <= wanted + 0.001 { (segment.end(), wanted) } else { (wanted, segment.start) };
            let mut between = recorded.segments.iter().filter(|other| other.end() > from + 0.001 && other.start < to - 0.001);
            assert!(between.all(|other| other.gap), "{durations:?} {wanted}: {index}");
        }
    }
}
