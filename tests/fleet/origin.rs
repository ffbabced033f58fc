//! An origin of a fleet of live channels: `cargo run --example fleet-origin -- CLIPS SCRIPT`, as `script/fleet` starts it.
//!
//! CLIPS is the folder that `tests/fleet/clips.py` fills, SCRIPT a JSON array of channels (see `channel::Script`). It prints a line of JSON
//! with its port, the ports of those channels that have one of their own, and the date of second 0, and serves until its standard input ends:
//!
//! ```text
//! /ID/master.m3u8   /ID/low.m3u8   /ID/low-NUMBER.ts   /log.json
//! ```

mod channel;
mod server;

use std::{error::Error, io::Read, net::Ipv4Addr, path::PathBuf, sync::Arc};

use tokio::net::TcpListener;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(clips), Some(script)) = (arguments.next(), arguments.next()) else {
        return Err("fleet-origin: give the folder of the clips, and the script".into());
    };
    let clips = server::read_clips(&clips)?;
    let scripts = serde_json::from_slice(&std::fs::read(script)?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let fleet = Arc::new(server::Fleet::new(scripts, clips));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let ports = server::serve_refusing(&fleet).await?;
        println!(
            "{}",
            serde_json::json!({"port": listener.local_addr()?.port(), "ports": ports, "start": fleet.start_date().to_rfc3339()})
        );
        tokio::spawn(server::serve(fleet, listener));
        let end = tokio::task::spawn_blocking(|| {
            // A failed read means the same as the end: the parent is gone
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
        });
        Ok(end.await?)
    })
}
