//! `hlsnap series`: pictures at a regular interval, of recordings and of live streams. The ladder's frames are numbered from 0 to 149, 25 a second;
//! every 25th is a key frame, and each of its three segments lasts two seconds.

use std::{
    fmt::Write,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use crate::origin::{Origin, PLAYLIST, Rule, fixture};
use crate::support::{
    Run, encryption::cbc_padded, file_names, frame_number, hlsnap, hlsnap_with, isolated_network::run_program, start_hlsnap, wait_for,
};
use serde_json::Value;

/// Runs `hlsnap series` for PNG files.
fn series(url: &str, options: &[&str]) -> Run {
    hlsnap(&[&["series", url, "-f", "png"], options].concat())
}

/// The JSON objects on stdout.
fn lines(run: &Run) -> Vec<Value> {
    let text = String::from_utf8_lossy(&run.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// The numbers of the frames in a folder's pictures, by name.
fn frames(folder: &Path) -> Vec<(String, u16)> {
    let number = |name: &String| frame_number(&image::open(folder.join(name)).expect("a picture"));
    file_names(folder).into_iter().map(|name| (name.clone(), number(&name))).collect()
}

/// The frames of the default names, which must count from 0.
#[track_caller]
fn numbered_frames(run: &Run) -> Vec<u16> {
    let frames = frames(run.folder.path());
    for (index, (name, _)) in frames.iter().enumerate() {
        assert_eq!(*name, format!("snapshot-{index:05}.png"));
    }
    frames.into_iter().map(|(_, frame)| frame).collect()
}

#[test]
fn a_recording_gives_the_right_frame_for_each_moment() {
    let origin = Origin::start();
    for playlist in ["/ladder-ts/v0.m3u8", "/ladder-fmp4/v0.m3u8", "/ladder-ts/master.m3u8", "/single-file/index.m3u8"] {
        let run = series(&origin.url(playlist), &["--every", "1s"]);
        assert_eq!(numbered_frames(run.succeeds()), [0, 25, 50, 75, 100, 125], "{playlist}");
        let run = series(&origin.url(playlist), &["--every", "0.72s", "--exact", "--from", "1"]);
        assert_eq!(numbered_frames(run.succeeds()), [25, 43, 61, 79, 97, 115, 133], "{playlist}");
    }
}

#[test]
fn a_count_spreads_the_moments_evenly_and_with_an_interval_it_ends_the_series() {
    let origin = Origin::start();
    let url = origin.url("/ladder-ts/v0.m3u8");
    for (options, expected) in [
        (&["--count", "3", "--exact"][..], vec![0, 50, 100]),
        (&["--count", "3", "--every", "1s"], vec![0, 25, 50]),
        (&["--for", "2.5s", "--every", "1s", "--from", "2"], vec![50, 75, 100]),
        (&["--from", "-2s", "--every", "1s"], vec![100, 125]),
        // The default: every 10 s
        (&[], vec![0]),
    ] {
        assert_eq!(numbered_frames(series(&url, options).succeeds()), expected, "{options:?}");
    }
}

#[test]
fn json_has_a_line_for_each_picture_and_the_report_at_the_end() {
    let origin = Origin::start();
    let run = series(&origin.url("/ladder-ts/v0.m3u8"), &["--every", "2s", "--json", "-o", "{seconds}-{msn}.{ext}"]);
    let lines = lines(run.succeeds());
    assert_eq!(run.files(), ["0.000-0.png", "2.000-1.png", "4.000-2.png"]);
    assert_eq!(lines.len(), 4);
    for (index, line) in lines[..3].iter().enumerate() {
        assert_eq!((&line["index"], &line["seconds"]), (&index.into(), &(index as f64 * 2.0).into()));
        let output = line["output"].as_str().expect("a name");
        assert_eq!(line["bytes"], run.file(output).len());
        assert_eq!((&line["verdict"]["black"], &line["error"]), (&false.into(), &Value::Null));
    }
    let report = &lines[3];
    assert_eq!((&report["kind"], &report["live"], &report["duration"]), (&"series".into(), &false.into(), &6.0.into()));
    let files: Vec<_> = report["pictures"].as_array().expect("pictures").iter().map(|picture| picture["sprite"].clone()).collect();
    assert_eq!(files, run.files());
    assert_eq!(report["cost"]["requests"], origin.requests().len());
}

#[test]
fn a_picture_that_cannot_be_had_is_named_and_the_series_goes_on() {
    let origin = Origin::start();
    origin.rule("/ladder-ts/v0-1.ts", Rule::Status(404, None));
    let url = origin.url("/ladder-ts/v0.m3u8");
    let run = series(&url, &["--every", "2s", "--json"]);
    assert_eq!(run.code, 50, "{}", run.stderr);
    assert_eq!(run.files(), ["snapshot-00000.png", "snapshot-00002.png"]);
    let lines = lines(&run);
    assert_eq!((&lines[1]["index"], &lines[1]["error"]["kind"], &lines[1]["output"]), (&1.into(), &"http_status".into(), &Value::Null));
    assert_eq!(lines[3]["pictures"][1]["error"]["status"], 404);
    assert!(run.stderr.contains("warning: http_status: no picture at 2 s") && run.last_line().contains("partial"), "{}", run.stderr);
    let run = series(&url, &["--every", "2s", "--strict"]);
    assert_eq!(run.code, 12, "{}", run.stderr);
}

#[test]
fn a_file_that_cannot_be_written_is_named_and_only_the_first_one_ends_the_series() {
    let origin = Origin::start();
    let url = origin.url("/ladder-ts/v0.m3u8");
    let no_clobber = |existing: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(existing), "old").expect("written");
        hlsnap_with(&["series", &url, "-f", "png", "--every", "2s", "--no-clobber"], b"", folder)
    };
    let run = no_clobber("snapshot-00001.png");
    assert_eq!((run.code, run.files().len()), (50, 3), "{}", run.stderr);
    assert_eq!(run.file("snapshot-00001.png"), b"old");
    let run = no_clobber("snapshot-00000.png");
    assert_eq!((run.code, run.files().len()), (30, 1), "{}", run.stderr);
}

#[test]
fn only_changed_leaves_out_what_looks_like_the_last_picture() {
    let origin = Origin::start();
    let url = origin.url("/ladder-ts/v0.m3u8");
    // Four moments share a key frame
    let run = series(&url, &["--every", "0.25s", "--only-changed", "--json"]);
    let names: Vec<_> = [0, 4, 8, 12, 16, 20].map(|index| format!("snapshot-{index:05}.png")).into();
    assert_eq!(run.succeeds().files(), names);
    assert_eq!(frames(run.folder.path()).into_iter().map(|(_, frame)| frame).collect::<Vec<_>>(), [0, 25, 50, 75, 100, 125]);
    assert_eq!(lines(&run).len(), 7);
}

#[test]
fn names_must_tell_the_pictures_apart() {
    for output in ["-", "out.jpg", "{width}.jpg"] {
        hlsnap(&["series", "http://127.0.0.1:9/x.m3u8", "-o", output]).fails(2, "usage");
    }
    hlsnap(&["http://127.0.0.1:9/x.m3u8", "-o", "{index}.jpg"]).fails(2, "usage");
    let origin = Origin::start();
    let run = hlsnap(&["series", &origin.url("/ladder-ts/v0.m3u8"), "--count", "1", "-o", "-", "-f", "png"]);
    assert_eq!(frame_number(&image::load_from_memory(&run.succeeds().stdout).expect("a picture")), 0);
}

/// A live stream of the ladder's segments. Each reload is answered at once, as if the segment that it waits for were there.
struct Live {
    origin: Origin,
}

/// Segments of one playlist: the name, and the tags before it.
type Listed<'a> = (&'a str, &'a str);

impl Live {
    fn start() -> Self {
        let origin = Origin::start();
        // a0 to a8 and b0 to b8 are the ladder's segments in turn
        for name in ["a", "b"] {
            for number in 0..9 {
                origin.put(&format!("/s/{name}{number}.ts"), fixture(&format!("ladder-ts/v0-{}.ts", number % 3)));
            }
        }
        Self { origin }
    }

    /// A playlist of segments of two seconds, from a Media Sequence Number on.
    fn playlist(first: u64, segments: &[Listed<'_>], tail: &str) -> Rule {
        let mut text =
            format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
        for (name, tags) in segments {
            write!(text, "{tags}#EXTINF:2,\n{name}.ts\n").expect("formatted");
        }
        Rule::Body((text + tail).into_bytes(), PLAYLIST)
    }

    /// Answers one playlist after the other.
    fn answers(&self, playlists: Vec<Rule>) -> &Self {
        self.origin.rules("/s/live.m3u8", playlists);
        self
    }

    fn series(&self, options: &[&str]) -> Run {
        series(&self.origin.url("/s/live.m3u8"), options)
    }

    /// How often each segment was requested.
    fn segment_requests(&self) -> Vec<(String, usize)> {
        let mut paths: Vec<_> = self.origin.paths().into_iter().filter(|path| !path.contains("m3u8")).collect();
        paths.sort();
        let mut counted: Vec<(String, usize)> = Vec::new();
        for path in paths {
            match counted.last_mut() {
                Some((last, count)) if *last == path => *count += 1,
                _ => counted.push((path, 1)),
            }
        }
        counted
    }
}

fn plain<'a>(names: &[&'a str]) -> Vec<Listed<'a>> {
    names.iter().map(|name| (*name, "")).collect()
}

const END: &str = "#EXT-X-ENDLIST\n";

#[test]
fn a_live_series_begins_at_the_edge_and_follows_the_window_to_its_end() {
    let live = Live::start();
    live.answers(vec![
        Live::playlist(0, &plain(&["a0", "a1", "a2"]), ""),
        Live::playlist(1, &plain(&["a1", "a2", "a3"]), ""),
        Live::playlist(1, &plain(&["a1", "a2", "a3"]), ""),
        Live::playlist(3, &plain(&["a3", "a4", "a5"]), ""),
        Live::playlist(4, &plain(&["a4", "a5", "a6"]), END),
    ]);
    let run = live.series(&["--every", "2s", "--json"]);
    assert_eq!(numbered_frames(run.succeeds()), [100, 0, 50, 100, 0]);
    let lines = lines(&run);
    assert_eq!(lines[..5].iter().map(|line| line["seconds"].as_f64().expect("seconds")).collect::<Vec<_>>(), [4.0, 6.0, 8.0, 10.0, 12.0]);
    assert_eq!(lines[5]["live"], false);
    let once = ["a2", "a3", "a4", "a5", "a6"].map(|name| (format!("/s/{name}.ts"), 1));
    assert_eq!(live.segment_requests(), once, "each segment that holds a moment is read once, the others never");
}

#[test]
fn a_live_series_may_begin_earlier_and_ends_with_its_count_or_length() {
    for options in [["--count", "3"], ["--for", "6s"]] {
        let live = Live::start();
        live.answers(vec![Live::playlist(0, &plain(&["a0", "a1", "a2"]), ""), Live::playlist(1, &plain(&["a1", "a2", "a3"]), "")]);
        let run = live.series(&[&["--every", "2s", "--from", "-4s"], &options[..]].concat());
        assert_eq!(numbered_frames(run.succeeds()), [50, 100, 0], "{options:?}");
    }
}

#[test]
fn moments_between_key_frames_are_exact_across_a_discontinuity() {
    let live = Live::start();
    let first = [("a0", ""), ("a1", ""), ("a2", "")];
    let second = [("a1", ""), ("a2", ""), ("b1", "#EXT-X-DISCONTINUITY\n"), ("b0", "#EXT-X-DISCONTINUITY\n")];
    live.answers(vec![Live::playlist(0, &first, ""), Live::playlist(1, &second, END)]);
    let run = live.series(&["--every", "1.2s", "--from", "3", "--exact"]);
    // 3.0, 4.2, 5.4 s; then 6.6, 7.8 s in the ladder's second segment; then 9.0 s in its first one
    assert_eq!(numbered_frames(run.succeeds()), [75, 105, 135, 65, 95, 25]);
}

#[test]
fn an_encoder_that_restarts_goes_on_where_it_was() {
    let live = Live::start();
    live.answers(vec![
        Live::playlist(70, &plain(&["a0", "a1", "a2"]), ""),
        Live::playlist(0, &plain(&["b1"]), ""),
        Live::playlist(0, &plain(&["b1", "b2"]), ""),
        // A jump forward
        Live::playlist(9000, &plain(&["a3", "a4"]), END),
    ]);
    let run = live.series(&["--every", "2s", "--json"]);
    assert_eq!(numbered_frames(run.succeeds()), [100, 50, 100, 0, 50]);
    let seconds: Vec<_> = lines(&run)[..5].iter().map(|line| line["seconds"].as_f64().expect("seconds")).collect();
    assert_eq!(seconds, [4.0, 6.0, 8.0, 10.0, 12.0]);
}

#[test]
fn a_hole_by_program_date_time_is_named_once() {
    let live = Live::start();
    let dated = |second: u32| format!("#EXT-X-PROGRAM-DATE-TIME:2026-01-31T12:00:{second:02}Z\n");
    let (start, later) = (dated(0), dated(30));
    live.answers(vec![
        Live::playlist(5, &[("a0", start.as_str()), ("a1", "")], ""),
        Live::playlist(0, &[("b2", later.as_str()), ("b1", "")], END),
    ]);
    let run = live.series(&["--every", "2s", "--json"]);
    assert_eq!(run.code, 50, "{}", run.stderr);
    assert_eq!(frames(run.folder.path()).iter().map(|(_, frame)| *frame).collect::<Vec<_>>(), [50, 100, 50]);
    let lines = lines(&run);
    let told: Vec<_> =
        lines[..4].iter().map(|line| (line["index"].as_u64(), line["seconds"].as_f64(), line["error"]["kind"].as_str())).collect();
    let wanted = [(0, 2.0, None), (1, 4.0, Some("not_found")), (14, 30.0, None), (15, 32.0, None)];
    assert_eq!(told, wanted.map(|(index, seconds, error)| (Some(index), Some(seconds), error)));
    assert_eq!(lines[2]["program_date_time"], "2026-01-31T12:00:30.000Z");
}

#[test]
fn an_outage_is_told_when_it_begins_and_when_it_ends() {
    let live = Live::start();
    live.answers(vec![
        Live::playlist(0, &plain(&["a0", "a1", "a2"]), ""),
        Rule::Status(404, None),
        Rule::Reset,
        Rule::Body(b"<html>".to_vec(), "text/html"),
        Live::playlist(2, &plain(&["a2", "a3", "a4"]), END),
    ]);
    let run = live.series(&["--every", "2s", "--retries", "0"]);
    assert_eq!(numbered_frames(run.succeeds()), [100, 0, 50]);
    let told: Vec<_> = run.stderr.lines().collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("hlsnap: warning: http_status: the live stream is interrupted"), "{told:?}");
    assert!(told[1].starts_with("hlsnap: warning: the live stream goes on after"), "{told:?}");
}

#[test]
fn a_stream_that_is_silent_for_longer_than_the_timeout_ends_the_series() {
    let live = Live::start();
    live.answers(vec![Live::playlist(0, &plain(&["a0", "a1"]), "")]);
    let began = Instant::now();
    let run = live.series(&["--every", "2s", "--timeout", "1"]);
    assert_eq!((run.code, run.files().len()), (13, 1), "{}", run.stderr);
    assert!(run.last_line().contains("no new segment for 1 s"), "{}", run.stderr);
    assert!(began.elapsed() < Duration::from_secs(4));
}

#[test]
fn a_playlist_that_moved_is_found_by_its_multivariant_playlist() {
    let live = Live::start();
    let master = |name: &str| Rule::Body(format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000000\n{name}.m3u8\n").into(), PLAYLIST);
    live.origin.rules("/s/master.m3u8", vec![master("old"), master("new")]);
    live.origin.rules("/s/old.m3u8", vec![Live::playlist(0, &plain(&["a0", "a1"]), ""), Rule::Status(404, None)]);
    live.origin.rule("/s/new.m3u8", Live::playlist(0, &plain(&["b0", "b1"]), END));
    let run = series(&live.origin.url("/s/master.m3u8"), &["--every", "2s", "--retries", "0"]);
    // The new playlist has the same numbers, and ends with the segment that was shown
    assert_eq!(numbered_frames(run.succeeds()), [50]);
    assert_eq!(live.origin.count("/s/new.m3u8"), 1);
}

#[test]
fn a_live_playlist_is_not_requested_more_often_than_its_target_duration_allows() {
    let live = Live::start();
    let text = |first: u64, names: &[&str], tail: &str| {
        let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
        for name in names {
            write!(text, "#EXTINF:1,\n{name}.ts\n").expect("formatted");
        }
        Rule::Body((text + tail).into_bytes(), PLAYLIST)
    };
    live.answers(vec![text(0, &["a0", "a1"], ""), text(0, &["a0", "a1"], ""), text(1, &["a1", "a2"], END)]);
    let began = Instant::now();
    let run = live.series(&["--every", "1s"]);
    assert_eq!(numbered_frames(run.succeeds()), [50, 100]);
    // The target duration after the first playlist, and half of it after the unchanged one
    assert!((1500..3000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    assert_eq!(live.origin.count("/s/live.m3u8"), 3);
}

#[test]
fn limits_hold_for_each_picture_of_a_series() {
    let live = Live::start();
    live.answers(vec![Live::playlist(0, &plain(&["a0"]), ""), Live::playlist(0, &plain(&["a0", "a1", "a2"]), END)]);
    let largest = (0..3).map(|number| fixture(&format!("ladder-ts/v0-{number}.ts")).len()).max().expect("segments");
    // Each is read whole. Enough for each picture, too little for all
    let limit = (largest + 2000).to_string();
    assert_eq!(numbered_frames(live.series(&["--every", "2s", "--max-bytes", &limit]).succeeds()).len(), 3);
}

#[test]
fn a_segment_that_is_listed_too_early_gets_a_second_try() {
    let live = Live::start();
    live.answers(vec![Live::playlist(0, &plain(&["a0"]), ""), Live::playlist(0, &plain(&["a0", "a1", "a2"]), END)]);
    live.origin.rules("/s/a1.ts", vec![Rule::Status(404, None), Rule::File]);
    assert_eq!(numbered_frames(live.series(&["--every", "2s"]).succeeds()), [0, 50, 100]);
}

#[test]
fn a_low_latency_series_waits_for_whole_segments() {
    let origin = Origin::start();
    let url = origin.url("/ll/index.m3u8");
    // 33 parts of 8 frames are published: segment 5 has three of its six parts
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| series(&url, &["--every", "2s", "--from", "2026-01-31T12:00:08Z", "--count", "3"]));
        for _ in 0..9 {
            wait_for(|| origin.requests().last().is_some_and(|request| request.query.is_some()));
            std::thread::sleep(Duration::from_millis(50));
            origin.advance_parts(1);
        }
        run.join().expect("a run")
    });
    // Segments of 48 frames, of a film of 288
    assert_eq!(numbered_frames(run.succeeds()), [192, 240, 0]);
    let blocking: Vec<_> = origin.requests().into_iter().filter_map(|request| request.query).collect();
    assert_eq!(blocking, ["_HLS_msn=5", "_HLS_msn=6"]);
}

#[test]
fn a_live_stream_may_change_its_key_with_each_segment() {
    let live = Live::start();
    let encrypted = |number: usize| {
        let key = [u8::try_from(number).expect("a byte"); 16];
        live.origin.put(&format!("/s/{number}.key"), key);
        let segment = fixture(&format!("ladder-ts/v0-{}.ts", number % 3));
        live.origin.put(&format!("/s/e{number}.ts"), cbc_padded(&key, &[0; 16], &segment));
        let iv = "0".repeat(32);
        (format!("e{number}"), format!("#EXT-X-KEY:METHOD=AES-128,URI=\"{number}.key\",IV=0x{iv}\n"))
    };
    // More keys than one picture may need
    let segments: Vec<_> = (0..40).map(encrypted).collect();
    let playlist = |number: usize| {
        let (name, tags) = &segments[number];
        Live::playlist(number as u64, &[(name.as_str(), tags.as_str())], if number == 39 { END } else { "" })
    };
    live.answers((0..40).map(playlist).collect());
    let expected: Vec<_> = (0..40).map(|number| 50 * (number % 3)).collect();
    assert_eq!(numbered_frames(live.series(&["--every", "2s"]).succeeds()), expected);
}

#[test]
fn a_content_check_ends_the_series_with_its_code_after_all_pictures() {
    let origin = Origin::start();
    let run = series(&origin.url("/dull/index.m3u8"), &["--every", "1s", "--fail-on", "black"]);
    assert_eq!(run.code, 40, "{}", run.stderr);
    assert!(run.files().len() > 1 && run.last_line().contains("black"), "{}", run.stderr);
}

#[test]
fn a_signal_ends_a_live_series_with_whole_files_only() {
    let live = Live::start();
    let all: Vec<String> = (0..9).map(|number| format!("a{number}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let growing = (3..9).map(|count| Live::playlist(0, &plain(&all[..count]), "")).collect();
    live.answers(growing);
    let folder = tempfile::tempdir().expect("a folder");
    let url = live.origin.url("/s/live.m3u8");
    let mut child = start_hlsnap(&["series", &url, "-f", "png", "--every", "0.1s", "--exact"], folder.path(), Stdio::null());
    wait_for(|| file_names(folder.path()).len() > 5);
    run_program("kill", &["-INT", &child.id().to_string()]);
    let status = child.wait().expect("the program ends");
    assert_eq!(status.signal(), Some(2));
    let frames = frames(folder.path());
    for (index, (name, _)) in frames.iter().enumerate() {
        assert_eq!(*name, format!("snapshot-{index:05}.png"));
    }
    assert!(frames.len() > 5);
}
