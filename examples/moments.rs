//! Takes several moments of a recording, which is opened once:
//! `cargo run --example moments -- https://example.com/master.m3u8 FOLDER`

use std::{env, error::Error, fs, path::Path, pin::pin};

use futures_util::StreamExt;
use hlsnap::{Client, NetworkPolicy, Presentation, SnapshotRequest};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let [_, url, folder] = arguments.as_slice() else { return Err("usage: moments URL FOLDER".into()) };

    let client = Client::new(&NetworkPolicy::default())?;
    let request = SnapshotRequest::builder(url).key_frame().width(320).build()?;
    let presentation = Presentation::open(&request, &client).await?;
    let duration = presentation.duration().await?.ok_or("this is no playlist")?;
    let moments = [0.0, 0.25, 0.5, 0.75].map(|fraction| fraction * duration);

    // Up to six segments are read at the same time; the pictures come in order
    let mut snapshots = pin!(presentation.snapshots(&moments, 6).enumerate());
    while let Some((index, snapshot)) = snapshots.next().await {
        let snapshot = snapshot?;
        let path = Path::new(folder).join(format!("{index}.jpg"));
        fs::write(&path, &snapshot.picture)?;
        println!("{}: {:?} s", path.display(), snapshot.report.frame.presentation_seconds);
    }
    Ok(())
}
