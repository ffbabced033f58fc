//! Cut and damaged streams give a clean picture or an error, never mush: each is one of the intact stream's, to the last pixel.

mod origin;
mod support;

use std::{collections::HashSet, path::Path};

use support::{hlsnap, number};

/// Numbers that are the same on every run (Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % most
    }
}

const TS_PACKET: usize = 188;

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).expect(name)
}

/// The picture at a moment, or `None` where an error of the contract says that there is none.
fn shot(bytes: &[u8], ending: &str, at: &[&str]) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(format!("x.{ending}"));
    std::fs::write(&path, bytes).expect("written");
    let run = hlsnap(&[&[path.to_str().expect("text"), "-w", "96", "-f", "png", "-o", "-"], at].concat());
    match run.code {
        0 => Some(image::load_from_memory(&run.stdout).expect("a picture").into_bytes()),
        20..=24 => None,
        other => panic!("exit {other}: {}", run.stderr),
    }
}

/// The picture at each frame of a clip of 25 frames a second.
fn shots(bytes: &[u8], ending: &str, count: u32) -> Vec<Option<Vec<u8>>> {
    let moments = (0..count).map(|frame| format!("{:.3}", f64::from(frame) / 25.0 + 0.005));
    moments.map(|at| shot(bytes, ending, &["--at", &at])).collect()
}

/// Every frame of an intact clip of 25 frames a second. Each is compared with what ffmpeg decodes, so that the reference is not hlsnap's word.
fn frames(bytes: &[u8], ending: &str, count: u32) -> HashSet<Vec<u8>> {
    let shots = shots(bytes, ending, count);
    let size = shots.iter().flatten().next().expect("a picture").len();
    let decoded = by_ffmpeg(bytes, ending, size);
    for (index, shot) in shots.iter().enumerate() {
        let (Some(shot), Some(reference)) = (shot, decoded.get(index)) else { continue };
        let difference = |other: &[u8]| shot.iter().zip(other).map(|(one, other)| f64::from(one.abs_diff(*other)).powi(2)).sum::<f64>();
        let own = difference(reference);
        let least = decoded.iter().map(|other| difference(other)).fold(f64::INFINITY, f64::min);
        assert!(own / (size as f64) < 300.0, "frame {index}: {own} is not what ffmpeg decodes");
        assert!(own <= least * 1.2 + 1000.0, "frame {index} is another frame of ffmpeg's: {own} against {least}");
    }
    shots.into_iter().flatten().collect()
}

/// The frames that ffmpeg decodes, as packed RGB of 96 pixels across and `size` bytes.
fn by_ffmpeg(bytes: &[u8], ending: &str, size: usize) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(format!("x.{ending}"));
    std::fs::write(&path, bytes).expect("written");
    let scale = format!("scale=96:{}:flags=area", size / 3 / 96);
    let run = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-i", path.to_str().expect("text"), "-map", "0:v:0", "-fps_mode", "passthrough", "-vf", &scale])
        .args(["-pix_fmt", "rgb24", "-f", "rawvideo", "-"])
        .output()
        .expect("ffmpeg, which script/setup --test installs");
    run.stdout.chunks_exact(size).map(<[u8]>::to_vec).collect()
}

/// How many pictures are given at these moments. Each must be one of the intact stream's.
#[track_caller]
fn given(bytes: &[u8], ending: &str, moments: &[&[&str]], intact: &HashSet<Vec<u8>>, what: &str) -> usize {
    let pictures: Vec<_> = moments.iter().filter_map(|at| Some((at, shot(bytes, ending, at)?))).collect();
    for (at, picture) in &pictures {
        assert!(intact.contains(picture), "{what}, {at:?}: no picture of the intact stream");
    }
    pictures.len()
}

#[test]
fn a_stream_that_is_cut_anywhere() {
    let mut dice = Dice(5);
    for (name, ending, count) in
        [("codecs/hevc-ts-0.ts", "ts", 12), ("codecs/mpeg2-0.ts", "ts", 12), ("damage/h264.ts", "ts", 25), ("damage/h264.mp4", "mp4", 25)]
    {
        let whole = fixture(name);
        let intact = frames(&whole, ending, count);
        assert!(intact.len() > 6, "{name}: {} frames", intact.len());
        let mut number = 0;
        for _ in 0..13 {
            let cut = &whole[..whole.len() / 20 + dice.below(whole.len() * 19 / 20)];
            number += given(cut, ending, &[&["--at", "start"][..], &["--at", "live"]], &intact, &format!("{name} cut at {}", cut.len()));
        }
        assert!(number > 4, "{name}: only {number} pictures");
    }
}

#[test]
fn damaged_and_lost_packets() {
    let mut dice = Dice(11);
    let whole = fixture("damage/h264.ts");
    let intact = frames(&whole, "ts", 25);
    let mut number = 0;
    for round in 0..30 {
        let mut damaged = whole.clone();
        let packet = 4 + dice.below(whole.len() / TS_PACKET - 12);
        if round % 2 == 0 {
            // A burst on the way
            damaged[packet * TS_PACKET + 24..(packet + 1) * TS_PACKET]
                .iter_mut()
                .for_each(|byte| *byte = u8::try_from(dice.below(256)).expect("8 bits"));
        } else {
            damaged.drain(packet * TS_PACKET..(packet + 1 + dice.below(6)) * TS_PACKET);
        }
        number += given(
            &damaged,
            "ts",
            &[&["--at", "start"][..], &["--at", "0.42"], &["--at", "live"]],
            &intact,
            &format!("round {round}, packet {packet}"),
        );
    }
    assert!(number > 45, "only {number} pictures");
}

#[test]
fn whole_frames_that_are_lost() {
    // Its frames are so small that packets hold whole ones
    let whole = fixture("ladder-ts/v2-0.ts");
    let intact = frames(&whole, "ts", 50);
    let mut number = 0;
    for first in (10..85).step_by(5) {
        let mut damaged = whole.clone();
        damaged.drain(first * TS_PACKET..(first + 3 + first % 4) * TS_PACKET);
        number += given(&damaged, "ts", &[&["--at", "live"][..], &["--at", "1.5", "--exact"]], &intact, &format!("from packet {first} on"));
    }
    assert!(number > 10, "only {number} pictures");
}

#[test]
fn damage_of_every_codec() {
    let mut dice = Dice(17);
    for name in ["hevc", "vp9", "av1", "h264-10bit"] {
        let init = fixture(&format!("codecs/{name}-init.mp4"));
        let whole = [init, fixture(&format!("codecs/{name}-0.m4s"))].concat();
        let intact = frames(&whole, "mp4", 12);
        let media = whole.windows(4).rposition(|four| four == b"mdat").expect("media") + 4;
        let mut number = 0;
        for round in 0..12 {
            let mut damaged = whole.clone();
            let at = media + dice.below(whole.len() - media - 8);
            damaged[at..at + 8].fill_with(|| u8::try_from(dice.below(256)).expect("8 bits"));
            number += given(
                &damaged,
                "mp4",
                &[&["--at", "start"][..], &["--at", "0.24", "--exact"], &["--at", "live"]],
                &intact,
                &format!("{name}, round {round}"),
            );
        }
        assert!(number > 0, "{name}: no picture at all");
    }
}

#[test]
fn nothing_leans_on_a_damaged_first_key_frame() {
    let whole = fixture("late-key/1.ts");
    // It starts off a key frame, which ffmpeg passes over; its frames carry their number
    let intact: HashSet<Vec<u8>> = shots(&whole, "ts", 25).into_iter().flatten().collect();
    for picture in &intact {
        let lines = u32::try_from(picture.len() / 3 / 96).expect("few lines");
        let picture = image::RgbImage::from_raw(96, lines, picture.clone()).expect("its size");
        assert!((50..80).contains(&number(&picture.into())));
    }
    let mut dice = Dice(3);
    // Its key frame lies in these packets; those before and behind it show what leans on others
    for at in (20 * TS_PACKET + 48..23 * TS_PACKET - 40).step_by(29) {
        let mut damaged = whole.clone();
        damaged[at..at + 40].fill_with(|| u8::try_from(dice.below(256)).expect("8 bits"));
        given(&damaged, "ts", &[&["--at", "start"]], &intact, &format!("from byte {at} on"));
    }
}

#[test]
fn a_refresh_without_key_frames_completes() {
    let whole = fixture("damage/refresh.ts");
    let intact = frames(&whole, "ts", 60);
    // The key frame at the start is gone
    let rest = &whole[whole.len() / 6 / TS_PACKET * TS_PACKET..];
    let picture = shot(rest, "ts", &["--at", "start"]).expect("a picture once the refresh is complete");
    assert!(intact.contains(&picture));
}
