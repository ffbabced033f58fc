//! Runs many damaged segments through the whole pipeline in one process: with flipped bits, cuts, holes and splices.
//!
//!     cargo run --release --example mutate -- [COUNT [SEED [FOLDER…]]]
//!
//! The segments are those of `tests/fixtures` and of the named folders. It prints the peak memory, the longest time of a segment, and the
//! number of pictures. A picture is wrong if it equals no frame of the intact segment. Pictures of another size are counted separately,
//! since damage to the size, aspect ratio or rotation in a header is not visible. Pictures at several times, from one pass, must equal those
//! of a search for each. `KEEP=FOLDER` writes the damaged segments of wrong pictures there, next to the intact ones.

#![allow(clippy::indexing_slicing, reason = "a wrong tool should fail loudly")]

mod random;
mod targets;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use hlsnap::internals::{
    libav::{SearchTarget, SearchTime},
    render::Image,
    request::Format,
};
use random::Random;
use targets::{InputFormat, OutputForm};

/// An intact segment.
struct Segment {
    name: String,
    bytes: Vec<u8>,
    format: InputFormat,
    /// The luma of its frames, `WIDTH` pixels wide.
    frames: Vec<Vec<u8>>,
}

/// Pictures are compared at this width.
const WIDTH: u32 = 64;
/// The highest mean difference of luma between a frame and the same frame with invisible damage.
const SAME: f64 = 2.0;
/// The number of prefixes of a segment whose last frame is a reference.
const PREFIXES: usize = 100;
/// The times of the pictures that one pass gives.
const TIMES: [f64; 6] = [0.0, 0.1, 0.3, 0.32, 1.0, 1.5];
/// The time limit for a segment.
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
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    let (mut wrong, mut differing) = (outcomes.clone(), outcomes.clone());
    let keep = std::env::var_os("KEEP").map(PathBuf::from);
    let (mut longest, mut hangs, mut checked, mut resized) = (Duration::ZERO, 0, 0_u64, 0_u64);
    let began = Instant::now();
    for number in 0..count {
        let segment = &segments[random.below(segments.len())];
        let (damaged, how) = damage(&mut random, segment, &segments);
        let target = match random.below(4) {
            0 => SearchTarget::LastFrame,
            1 => SearchTarget::FrameAt(SearchTime::FromStart(0.3)),
            _ => SearchTarget::FirstKeyFrame,
        };
        let piece = [188, 4000, 65_536][random.below(3)];
        let start = Instant::now();
        let result = targets::picture(&damaged, piece, segment.format, target, OUTPUT);
        let is_exact = number % 2 == 0;
        let many = targets::pictures(&damaged, piece, segment.format, &TIMES, is_exact, OUTPUT).unwrap_or_default();
        let elapsed = start.elapsed();
        // Only a search refuses times after the end of a file
        let of_segment = TIMES.iter().zip(&many).filter(|_| segment.format != InputFormat::File);
        for (time, (picture, _)) in of_segment.filter_map(|(time, picture)| Some((*time, picture.as_ref()?))) {
            let time = SearchTime::FromStart(time);
            let alone = if is_exact { SearchTarget::FrameAt(time) } else { SearchTarget::KeyFrameAt(time) };
            let alone = targets::picture(&damaged, piece, segment.format, alone, OUTPUT);
            if !alone.is_ok_and(|alone| alone.is_some_and(|(alone, _)| luma(&alone) == luma(picture))) {
                *differing.entry(format!("{} {how}", segment.name)).or_default() += 1;
                if let Some(keep) = &keep {
                    write(keep, &format!("{number}-differs-{time:?}-{is_exact}-{how}-{}", segment.name), &damaged);
                }
            }
        }
        hangs += u64::from(elapsed > HANG);
        longest = longest.max(elapsed);
        let shown = result.iter().flatten().map(|(picture, _)| (format!("{target:?}"), picture));
        let shown = shown.chain(many.iter().flatten().map(|(picture, _)| ("many".to_owned(), picture)));
        for (target, picture) in shown.filter(|_| how != "spliced" && !segment.frames.is_empty()) {
            checked += 1;
            match segment.frames.iter().filter_map(|frame| difference(frame, &luma(picture))).reduce(f64::min) {
                None => resized += 1,
                Some(difference) if difference > SAME => {
                    *wrong.entry(format!("{} {how}", segment.name)).or_default() += 1;
                    if let Some(keep) = &keep {
                        write(keep, &format!("{number}-{difference:.0}-{target}-{how}-{}", segment.name), &damaged);
                        write(keep, &format!("intact-{}", segment.name), &segment.bytes);
                    }
                }
                Some(_) => {}
            }
        }
        let outcome = match &result {
            Ok(Some(_)) => "a picture".to_owned(),
            Ok(None) => "earlier".to_owned(),
            Err(error) => error.kind().to_string(),
        };
        *outcomes.entry(outcome).or_default() += 1;
        if (number + 1) % 10_000 == 0 {
            println!("{} in {:.0} s, peak {} MB", number + 1, began.elapsed().as_secs_f64(), peak());
        }
    }
    println!("{count} damaged segments in {:.1} s: {outcomes:?}", began.elapsed().as_secs_f64());
    println!("longest {} ms, {hangs} over {} s, peak memory {} MB", longest.as_millis(), HANG.as_secs(), peak());
    println!("{} pictures of one pass are not those of a search: {differing:?}", differing.values().sum::<u64>());
    println!("{resized} of {checked} pictures have another size");
    println!("{} of {checked} pictures equal no intact frame: {wrong:?}", wrong.values().sum::<u64>());
}

const OUTPUT: OutputForm = OutputForm { format: Format::Jpeg, width: Some(WIDTH) };

/// The intact segments of all folders, with their frames.
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
        let format = match file.extension().and_then(|ending| ending.to_str()) {
            Some("ts") => InputFormat::Ts,
            Some("mp4") if !name.contains("init") => InputFormat::File,
            Some("m4s") => {
                // The fixtures name the init after the segment
                let stem = name.rsplit_once('-').map_or("", |(stem, _)| stem);
                let Ok(init) = std::fs::read(file.with_file_name(format!("{stem}-init.mp4"))) else { continue };
                bytes = [init, bytes].concat();
                InputFormat::Fragments
            }
            _ => continue,
        };
        if bytes.len() > 1 << 20 {
            continue;
        }
        let mut segment = Segment { name, bytes, format, frames: Vec::new() };
        let frame =
            |target| targets::picture(&segment.bytes, usize::MAX, format, target, OUTPUT).ok().flatten().map(|(picture, _)| luma(&picture));
        if let (Some(first), last) = (frame(SearchTarget::FirstKeyFrame), frame(SearchTarget::LastFrame)) {
            let mut all = vec![first];
            // Steps of 1/50 s, which miss no frame
            for step in 0..1000 {
                all.extend(frame(SearchTarget::FrameAt(SearchTime::FromStart(f64::from(step) / 50.0))));
                if all.last() == last.as_ref() {
                    break;
                }
            }
            all.extend(last);
            // With a slow intra refresh, some frames only appear as the last one of a prefix
            for part in 1..PREFIXES {
                let prefix = &segment.bytes[..segment.bytes.len() / PREFIXES * part];
                let frame = targets::picture(prefix, usize::MAX, format, SearchTarget::LastFrame, OUTPUT).ok().flatten();
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

/// The mean difference, or `None` if the sizes differ.
fn difference(one: &[u8], other: &[u8]) -> Option<f64> {
    let sum: u64 = one.iter().zip(other).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    (one.len() == other.len() && !one.is_empty()).then(|| sum as f64 / one.len() as f64)
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(folder.join(name), bytes)).expect("the folder of KEEP is writable");
}

/// The peak of resident memory, in MB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or_default() / 1024
}

/// A damaged copy of a segment, and the kind of damage.
fn damage(random: &mut Random, segment: &Segment, all: &[Segment]) -> (Vec<u8>, &'static str) {
    let mut bytes = segment.bytes.clone();
    let some = random.below(bytes.len());
    match random.below(5) {
        0 | 1 => {
            for _ in 0..=random.below(20) {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
            (bytes, "flipped")
        }
        2 => {
            bytes.truncate(some);
            (bytes, "cut")
        }
        3 => {
            let end = (some + random.below(2000)).min(bytes.len());
            bytes.drain(some..end);
            (bytes, "holed")
        }
        _ => {
            let other = &all[random.below(all.len())].bytes;
            let from = random.below(other.len());
            let end = (from + random.below(8000)).min(other.len());
            bytes.splice(some..some, other[from..end].iter().copied());
            (bytes, "spliced")
        }
    }
}
