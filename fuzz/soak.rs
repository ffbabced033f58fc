//! Many pictures in one process, good ones and bad ones: what memory, descriptors and threads come to.
//!
//!     cargo run --example origin &        prints the origin's URL
//!     cargo run --release --example soak -- URL [COUNT]

#![allow(clippy::indexing_slicing, reason = "a tool that is wrong about what is there should fail loudly")]

use std::{collections::BTreeMap, fs, time::Instant};

use hlsnap::{
    SnapshotRequest, capture,
    fetch::Client,
    request::{Encoding, Format, NetworkPolicy, Size, Source},
};

/// Each is taken in turn; among them are failures of every kind that comes quickly.
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
/// As the faces have it: one decodes, others resolve names.
const JOBS: usize = 1;
/// From here on nothing should grow.
const WARM: usize = 1000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let base = arguments.next().expect("the origin's URL");
    let count: usize = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(JOBS + 3).build().expect("a runtime");
    let client = Client::new(&NetworkPolicy::default()).expect("a client");
    let mut came: BTreeMap<String, usize> = BTreeMap::new();
    let began = Instant::now();
    for number in 0..count {
        let (path, at) = PATHS[number % PATHS.len()];
        let mut request = SnapshotRequest::new(Source::parse(&format!("{base}{path}")).expect("a URL"));
        request.at = at.and_then(|text| text.parse().ok());
        request.encoding = Encoding { format: [Format::Jpeg, Format::Png, Format::WebP][number % 3], ..Encoding::default() };
        request.size = Size { width: Some(320), ..Size::default() };
        request.limits.retries = 0;
        let done = runtime.block_on(capture::take(&request, &client));
        *came.entry(done.map_or_else(|e| e.kind().to_string(), |_| "a picture".to_owned())).or_default() += 1;
        let told = number + 1;
        if told == WARM || told == count || told % (count / 4).max(1) == 0 {
            println!(
                "{told} in {:.0} s: {} KB, {} descriptors, {} threads",
                began.elapsed().as_secs_f64(),
                memory(),
                entries("fd"),
                entries("task")
            );
        }
    }
    println!("{came:?}");
}

/// Resident memory.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("the process's status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}

fn entries(of: &str) -> usize {
    fs::read_dir(format!("/proc/self/{of}")).expect("the process's own").count()
}
