//! The local origin as a program: `cargo run --example origin`. It serves `/live/master.m3u8`, a window that slides in real time, and
//! `/vod-ts/master.m3u8` and `/vod-fmp4/master.m3u8`, until its standard input ends or it is told to stop.

#[path = "mod.rs"]
mod origin;

use std::io::Read;

fn main() {
    let origin = origin::Origin::start();
    origin.set_live(origin::Live::real_time());
    println!("listening {}", origin.url("/"));
    let mut nothing = Vec::new();
    // Whether it ended or could not be read: nobody is there any more
    let _ = std::io::stdin().read_to_end(&mut nothing);
}
