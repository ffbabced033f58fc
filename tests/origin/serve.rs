//! The local origin as a program: `cargo run --example origin`. It serves `/live/master.m3u8`, a window that slides in real time, and
//! `/vod-ts/master.m3u8` and `/vod-fmp4/master.m3u8`, until its standard input ends.

#[path = "mod.rs"]
mod origin;

use std::io::Read;

fn main() {
    let origin = origin::Origin::start();
    origin.set_live_window(origin::LiveWindow::real_time());
    println!("listening {}", origin.url("/"));
    let mut ignored = Vec::new();
    // A failed read means the same as the end: the parent is gone
    let _ = std::io::stdin().read_to_end(&mut ignored);
}
