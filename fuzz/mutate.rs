//! Spoilt segments through the whole pipeline, many in one process: bits flipped, cut out, spliced.
//!
//!     cargo run --release --example mutate -- [COUNT [SEED [FOLDER…]]]
//!
//! The segments are those of `tests/fixtures`, and of folders that are named. It tells peak memory, the longest that one took, and how many
//! gave a picture. A picture that is given as clean is held against all frames of the intact segment: one that is none of them is wrong. One of
//! another shape is counted by itself: no bit of a picture says that a header's size, aspect or rotation is not meant. With
//! `KEEP=FOLDER` the spoilt segments of wrong pictures are written there, and the intact ones beside them.

#![allow(clippy::indexing_slicing, reason = "a tool that is wrong about what is there should fail loudly")]

mod targets;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use hlsnap::{
    libav::{SearchTarget, SearchTime},
    render::Image,
    request::Format,
};
use targets::{Chosen, Way};

/// An intact segment.
struct Segment {
    name: String,
    bytes: Vec<u8>,
    way: Way,
    /// Its frames, small.
    frames: Vec<Vec<u8>>,
}

/// Pictures are held against each other at this width.
const WIDTH: u32 = 64;
/// Between a frame and what is it, but for damage that shows nowhere: the mean difference of luma.
const SAME: f64 = 2.0;
/// At so many ends the last frame is looked at.
const PREFIXES: usize = 100;
/// What no segment may take: the limit of a step.
const HANG: Duration = Duration::from_secs(10);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let seed: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")];
    folders.extend(arguments.map(PathBuf::from));
    let segments = segments(&folders);
    println!("{} intact segments with {} frames", segments.len(), segments.iter().map(|segment| segment.frames.len()).sum::<usize>());
    let mut random = Random(seed);
    let (mut came, mut wrong): (BTreeMap<String, u64>, BTreeMap<String, u64>) = (BTreeMap::new(), BTreeMap::new());
    let keep = std::env::var_os("KEEP").map(PathBuf::from);
    let (mut longest, mut hangs, mut checked, mut reshaped) = (Duration::ZERO, 0, 0_u64, 0_u64);
    let began = Instant::now();
    for number in 0..count {
        let segment = &segments[random.below(segments.len())];
        let (spoilt, how) = random.spoilt(segment, &segments);
        let wanted = match random.below(4) {
            0 => SearchTarget::LastFrame,
            1 => SearchTarget::FrameAt(SearchTime::FromStart(0.3)),
            _ => SearchTarget::FirstKeyFrame,
        };
        let piece = [188, 4000, 65_536][random.below(3)];
        let once = Instant::now();
        let done = targets::pictures(&spoilt, piece, segment.way, wanted, CHOSEN);
        let took = once.elapsed();
        hangs += u64::from(took > HANG);
        longest = longest.max(took);
        let word = match &done {
            Ok(Some((picture, _))) => {
                if how != "spliced" && !segment.frames.is_empty() {
                    checked += 1;
                    match segment.frames.iter().filter_map(|frame| difference(frame, &luma(picture))).reduce(f64::min) {
                        None => reshaped += 1,
                        Some(off) if off > SAME => {
                            *wrong.entry(format!("{} {how}", segment.name)).or_default() += 1;
                            if let Some(keep) = &keep {
                                written(keep, &format!("{number}-{off:.0}-{wanted:?}-{how}-{}", segment.name), &spoilt);
                                written(keep, &format!("intact-{}", segment.name), &segment.bytes);
                            }
                        }
                        Some(_) => {}
                    }
                }
                "a picture".to_owned()
            }
            Ok(None) => "earlier".to_owned(),
            Err(error) => error.kind().to_string(),
        };
        *came.entry(word).or_default() += 1;
        if (number + 1) % 10_000 == 0 {
            println!("{} in {:.0} s, peak {} MB", number + 1, began.elapsed().as_secs_f64(), peak());
        }
    }
    println!("{count} spoilt segments in {:.1} s: {came:?}", began.elapsed().as_secs_f64());
    println!("longest {} ms, {hangs} over {} s, peak memory {} MB", longest.as_millis(), HANG.as_secs(), peak());
    println!("{reshaped} of {checked} pictures are of another shape");
    println!("{} of {checked} pictures are none of the intact frames: {wrong:?}", wrong.values().sum::<u64>());
}

const CHOSEN: Chosen = Chosen { format: Format::Jpeg, width: Some(WIDTH) };

fn segments(folders: &[PathBuf]) -> Vec<Segment> {
    let mut files = Vec::new();
    for folder in folders {
        collect(folder, &mut files);
    }
    files.sort();
    let mut segments = Vec::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Ok(mut bytes) = std::fs::read(&file) else { continue };
        let way = match file.extension().and_then(|ending| ending.to_str()) {
            Some("ts") => Way::Ts,
            Some("mp4") if !name.contains("init") => Way::File,
            Some("m4s") => {
                // The init lies beside it, under the name that the fixtures have for it
                let stem = name.rsplit_once('-').map_or("", |(stem, _)| stem);
                let Ok(init) = std::fs::read(file.with_file_name(format!("{stem}-init.mp4"))) else { continue };
                bytes = [init, bytes].concat();
                Way::Fragments
            }
            _ => continue,
        };
        if bytes.len() > 1 << 20 {
            continue;
        }
        let mut segment = Segment { name, bytes, way, frames: Vec::new() };
        let frame =
            |wanted| targets::pictures(&segment.bytes, usize::MAX, way, wanted, CHOSEN).ok().flatten().map(|(picture, _)| luma(&picture));
        if let (Some(first), last) = (frame(SearchTarget::FirstKeyFrame), frame(SearchTarget::LastFrame)) {
            let mut all = vec![first];
            // Every fiftieth of a second, and so every frame
            for step in 0..1000 {
                all.extend(frame(SearchTarget::FrameAt(SearchTime::FromStart(f64::from(step) / 50.0))));
                if all.last() == last.as_ref() {
                    break;
                }
            }
            all.extend(last);
            // Where a refresh takes long, a later frame is reached from an end alone
            for part in 1..PREFIXES {
                let prefix = &segment.bytes[..segment.bytes.len() / PREFIXES * part];
                let frame = targets::pictures(prefix, usize::MAX, way, SearchTarget::LastFrame, CHOSEN).ok().flatten();
                all.extend(frame.map(|(picture, _)| luma(&picture)));
            }
            all.sort();
            all.dedup();
            segment.frames = all;
        }
        segments.push(segment);
    }
    segments
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

fn luma(picture: &Image) -> Vec<u8> {
    match picture {
        Image::Jfif(planes) => planes.y.bytes.clone(),
        Image::Rgb(image) => image.pixels().map(|pixel| pixel.0[1]).collect(),
    }
}

/// The mean difference, or `None` where the shapes differ.
fn difference(one: &[u8], other: &[u8]) -> Option<f64> {
    let sum: u64 = one.iter().zip(other).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    (one.len() == other.len() && !one.is_empty()).then(|| sum as f64 / one.len() as f64)
}

fn written(folder: &Path, name: &str, bytes: &[u8]) {
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(folder.join(name), bytes)).expect("KEEP's folder can be written to");
}

/// The peak of resident memory, in MB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or_default() / 1024
}

/// Knuth's generator: the same seed spoils the same.
struct Random(u64);

impl Random {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % below.max(1)
    }

    fn spoilt(&mut self, segment: &Segment, all: &[Segment]) -> (Vec<u8>, &'static str) {
        let mut bytes = segment.bytes.clone();
        let some = self.below(bytes.len());
        match self.below(5) {
            0 | 1 => {
                for _ in 0..=self.below(20) {
                    let at = self.below(bytes.len());
                    bytes[at] ^= 1 << self.below(8);
                }
                (bytes, "flipped")
            }
            2 => {
                bytes.truncate(some);
                (bytes, "cut")
            }
            3 => {
                let end = (some + self.below(2000)).min(bytes.len());
                bytes.drain(some..end);
                (bytes, "holed")
            }
            _ => {
                let other = &all[self.below(all.len())].bytes;
                let from = self.below(other.len());
                let end = (from + self.below(8000)).min(other.len());
                bytes.splice(some..some, other[from..end].iter().copied());
                (bytes, "spliced")
            }
        }
    }
}
