//! Writes one picture of a stream: `cargo run --example snapshot -- https://example.com/master.m3u8 picture.jpg`

use std::{env, error::Error, fs};

use hlsnap::{Client, NetworkPolicy, SnapshotRequest, snapshot};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let [_, url, path] = arguments.as_slice() else { return Err("usage: snapshot URL FILE.jpg".into()) };

    let client = Client::new(&NetworkPolicy::default())?;
    let request = SnapshotRequest::builder(url).width(640).build()?;
    let snapshot = snapshot(&request, &client).await?;
    fs::write(path, &snapshot.picture)?;

    let report = &snapshot.report;
    println!(
        "{path}: {} x {}, {} requests, {} bytes received",
        report.width, report.height, report.cost.requests, report.cost.bytes_received
    );
    Ok(())
}
