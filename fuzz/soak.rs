//! Takes many snapshots in one process, including failures, and prints its memory, descriptors and threads.
//!
//!     cargo run --example origin &        prints the origin's URL
//!     cargo run --release --example soak -- URL [COUNT]

#![allow(clippy::indexing_slicing, reason = "a wrong tool should fail loudly")]

use std::{collections::BTreeMap, fs, time::Instant};

use hlsnap::{Client, Format, Limits, NetworkPolicy, SnapshotRequest, snapshot};

/// Paths of the origin and times, used in turn. Several of them fail.
const PATHS: [(&str, Option<&str>); 16] = [
    ("ladder-ts/master.m3u8", None),
    ("ladder-fmp4/master.m3u8", Some("3")),
    ("codecs/hevc.m3u8", None),
    ("codecs/av1.m3u8", None),
    ("broken/noise.m3u8", None),
    ("codecs/vp9.m3u8", None),
    ("ladder-ts/v0.m3u8", Some("1:00:00")),
    ("none.m3u8", None),
    ("codecs/mpeg2.m3u8", None),
    ("audio-ts/index.m3u8", None),
    ("movie.mp4", Some("50%")),
    ("broken/cut.m3u8", None),
    ("broken/encrypted.m3u8", None),
    ("ladder-fmp4/v1.m3u8", Some("2.5")),
    ("codecs/h264-10bit.m3u8", None),
    ("ladder-ts/v0-0.ts", None),
];
/// The number of decoding threads, as in the frontends; three more resolve names.
const JOBS: usize = 1;
/// After this many snapshots nothing should grow.
const WARM_UP: usize = 1000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let base = arguments.next().expect("the origin's URL");
    let count: usize = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(JOBS + 3).build().expect("a runtime");
    let client = Client::new(&NetworkPolicy::default()).expect("a client");
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    let began = Instant::now();
    for number in 0..count {
        let (path, at) = PATHS[number % PATHS.len()];
        let format = [Format::Jpeg, Format::Png, Format::WebP][number % 3];
        let mut limits = Limits::default();
        limits.retries = 0;
        let mut builder = SnapshotRequest::builder(format!("{base}{path}")).width(320).format(format).limits(limits);
        if let Some(at) = at {
            builder = builder.position(at.parse().expect("a moment"));
        }
        let request = builder.build().expect("a valid request");
        let result = runtime.block_on(snapshot(&request, &client));
        *outcomes.entry(result.map_or_else(|e| e.kind().to_string(), |_| "a picture".to_owned())).or_default() += 1;
        let done = number + 1;
        if done == WARM_UP || done == count || done % (count / 4).max(1) == 0 {
            println!(
                "{done} in {:.0} s: {} KB, {} descriptors, {} threads",
                began.elapsed().as_secs_f64(),
                memory(),
                entries("fd"),
                entries("task")
            );
        }
    }
    println!("{outcomes:?}");
}

/// Resident memory in KiB.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("the process's status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}

/// The number of entries of a folder of /proc/self.
fn entries(folder: &str) -> usize {
    fs::read_dir(format!("/proc/self/{folder}")).expect("the process's folder").count()
}
