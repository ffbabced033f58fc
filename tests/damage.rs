//! Cut and damaged streams give a clean picture or an error: every picture equals one of the intact stream in every pixel.

use std::{collections::HashSet, process::Command};

use crate::origin::fixture;
use crate::random::Random;
use crate::support::{frame_number, hlsnap};

const TS_PACKET: usize = 188;

/// The picture at a time; `None` if the program reports an error.
fn snapshot(bytes: &[u8], extension: &str, at: &[&str]) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(format!("x.{extension}"));
    std::fs::write(&path, bytes).expect("written");
    let run = hlsnap(&[&[path.to_str().expect("text"), "-w", "96", "-f", "png", "-o", "-"], at].concat());
    match run.code {
        0 => Some(image::load_from_memory(&run.stdout).expect("a picture").into_bytes()),
        20..=24 => None,
        other => panic!("exit {other}: {}", run.stderr),
    }
}

/// The picture at each frame of a clip of 25 frames a second.
fn snapshots(bytes: &[u8], extension: &str, count: u32) -> Vec<Option<Vec<u8>>> {
    let times = (0..count).map(|frame| format!("{:.3}", f64::from(frame) / 25.0 + 0.005));
    times.map(|at| snapshot(bytes, extension, &["--at", &at])).collect()
}

/// Every frame of an intact clip of 25 frames a second. A comparison with ffmpeg's frames makes sure that the references are right.
fn intact_frames(bytes: &[u8], extension: &str, count: u32) -> HashSet<Vec<u8>> {
    let snapshots = snapshots(bytes, extension, count);
    let size = snapshots.iter().flatten().next().expect("a picture").len();
    let decoded = ffmpeg_frames(bytes, extension, size);
    for (index, snapshot) in snapshots.iter().enumerate() {
        let (Some(snapshot), Some(reference)) = (snapshot, decoded.get(index)) else { continue };
        let difference = |other: &[u8]| snapshot.iter().zip(other).map(|(one, other)| f64::from(one.abs_diff(*other)).powi(2)).sum::<f64>();
        let own = difference(reference);
        let least = decoded.iter().map(|other| difference(other)).fold(f64::INFINITY, f64::min);
        assert!(own / (size as f64) < 300.0, "frame {index} differs from ffmpeg's by {own}");
        assert!(own <= least * 1.2 + 1000.0, "frame {index} is nearer to another frame of ffmpeg: {own} against {least}");
    }
    snapshots.into_iter().flatten().collect()
}

/// The frames that ffmpeg decodes, as packed RGB, 96 pixels wide and `size` bytes large.
fn ffmpeg_frames(bytes: &[u8], extension: &str, size: usize) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(format!("x.{extension}"));
    std::fs::write(&path, bytes).expect("written");
    let scale = format!("scale=96:{}:flags=area", size / 3 / 96);
    let run = Command::new("ffmpeg")
        .args(["-v", "error", "-i", path.to_str().expect("text"), "-map", "0:v:0", "-fps_mode", "passthrough", "-vf", &scale])
        .args(["-pix_fmt", "rgb24", "-f", "rawvideo", "-"])
        .output()
        .expect("ffmpeg, which `script/setup --test` installs");
    run.stdout.chunks_exact(size).map(<[u8]>::to_vec).collect()
}

/// The number of pictures at these times. Asserts that each one equals a frame of the intact stream.
#[track_caller]
fn count_clean_pictures(bytes: &[u8], extension: &str, times: &[&[&str]], intact: &HashSet<Vec<u8>>, what: &str) -> usize {
    let pictures: Vec<_> = times.iter().filter_map(|at| Some((at, snapshot(bytes, extension, at)?))).collect();
    for (at, picture) in &pictures {
        assert!(intact.contains(picture), "{what}, {at:?}: not a picture of the intact stream");
    }
    pictures.len()
}

#[test]
fn a_stream_cut_anywhere_gives_a_clean_picture_or_an_error() {
    let mut random = Random(5);
    for (name, extension, count) in
        [("codecs/hevc-ts-0.ts", "ts", 12), ("codecs/mpeg2-0.ts", "ts", 12), ("damage/h264.ts", "ts", 25), ("damage/h264.mp4", "mp4", 25)]
    {
        let whole = fixture(name);
        let intact = intact_frames(&whole, extension, count);
        assert!(intact.len() > 6, "{name}: {} frames", intact.len());
        let mut pictures = 0;
        for _ in 0..13 {
            let cut = &whole[..whole.len() / 20 + random.below(whole.len() * 19 / 20)];
            pictures += count_clean_pictures(
                cut,
                extension,
                &[&["--at", "start"][..], &["--at", "live"]],
                &intact,
                &format!("{name} cut at {}", cut.len()),
            );
        }
        assert!(pictures > 4, "{name}: only {pictures} pictures");
    }
}

#[test]
fn damaged_and_lost_packets_are_never_visible() {
    let mut random = Random(11);
    let whole = fixture("damage/h264.ts");
    let intact = intact_frames(&whole, "ts", 25);
    let mut pictures = 0;
    for round in 0..30 {
        let mut damaged = whole.clone();
        let packet = 4 + random.below(whole.len() / TS_PACKET - 12);
        if round % 2 == 0 {
            // Overwrite most of a packet
            damaged[packet * TS_PACKET + 24..(packet + 1) * TS_PACKET]
                .iter_mut()
                .for_each(|byte| *byte = u8::try_from(random.below(256)).expect("8 bits"));
        } else {
            damaged.drain(packet * TS_PACKET..(packet + 1 + random.below(6)) * TS_PACKET);
        }
        pictures += count_clean_pictures(
            &damaged,
            "ts",
            &[&["--at", "start"][..], &["--at", "0.42"], &["--at", "live"]],
            &intact,
            &format!("round {round}, packet {packet}"),
        );
    }
    assert!(pictures > 45, "only {pictures} pictures");
}

#[test]
fn lost_frames_are_never_visible_in_others() {
    // Its frames are so small that a packet holds a whole one
    let whole = fixture("ladder-ts/v2-0.ts");
    let intact = intact_frames(&whole, "ts", 50);
    let mut pictures = 0;
    for first in (10..85).step_by(5) {
        let mut damaged = whole.clone();
        damaged.drain(first * TS_PACKET..(first + 3 + first % 4) * TS_PACKET);
        pictures += count_clean_pictures(
            &damaged,
            "ts",
            &[&["--at", "live"][..], &["--at", "1.5", "--exact"]],
            &intact,
            &format!("from packet {first} on"),
        );
    }
    assert!(pictures > 10, "only {pictures} pictures");
}

#[test]
fn damage_is_never_visible_in_any_codec() {
    let mut random = Random(17);
    for name in ["hevc", "vp9", "av1", "h264-10bit"] {
        let init = fixture(&format!("codecs/{name}-init.mp4"));
        let whole = [init, fixture(&format!("codecs/{name}-0.m4s"))].concat();
        let intact = intact_frames(&whole, "mp4", 12);
        let media = whole.windows(4).rposition(|four| four == b"mdat").expect("media") + 4;
        let mut pictures = 0;
        for round in 0..12 {
            let mut damaged = whole.clone();
            let at = media + random.below(whole.len() - media - 8);
            damaged[at..at + 8].fill_with(|| u8::try_from(random.below(256)).expect("8 bits"));
            pictures += count_clean_pictures(
                &damaged,
                "mp4",
                &[&["--at", "start"][..], &["--at", "0.24", "--exact"], &["--at", "live"]],
                &intact,
                &format!("{name}, round {round}"),
            );
        }
        assert!(pictures > 0, "{name}: no picture at all");
    }
}

#[test]
fn frames_that_refer_to_a_damaged_key_frame_are_never_shown() {
    let whole = fixture("late-key/1.ts");
    // It does not start at a key frame, and ffmpeg drops the frames before it. So check the numbers in the frames instead
    let intact: HashSet<Vec<u8>> = snapshots(&whole, "ts", 25).into_iter().flatten().collect();
    for picture in &intact {
        let lines = u32::try_from(picture.len() / 3 / 96).expect("few lines");
        let picture = image::RgbImage::from_raw(96, lines, picture.clone()).expect("its size");
        assert!((50..80).contains(&frame_number(&picture.into())));
    }
    let mut random = Random(3);
    // The packets of its key frame
    for at in (20 * TS_PACKET + 48..23 * TS_PACKET - 40).step_by(29) {
        let mut damaged = whole.clone();
        damaged[at..at + 40].fill_with(|| u8::try_from(random.below(256)).expect("8 bits"));
        count_clean_pictures(&damaged, "ts", &[&["--at", "start"]], &intact, &format!("from byte {at} on"));
    }
}

#[test]
fn an_intra_refresh_gives_a_picture_without_a_key_frame() {
    let whole = fixture("damage/refresh.ts");
    let intact = intact_frames(&whole, "ts", 60);
    // Drop the key frame at the start
    let rest = &whole[whole.len() / 6 / TS_PACKET * TS_PACKET..];
    let picture = snapshot(rest, "ts", &["--at", "start"]).expect("a picture once the refresh is complete");
    assert!(intact.contains(&picture));
}
