//! Takes several moments of a recording at once, over one client's connections:
//! `cargo run --example moments -- https://example.com/master.m3u8 FOLDER`

use std::{env, error::Error, fs, path::Path};

use futures_util::future::try_join_all;
use hlsnap::{Client, NetworkPolicy, Position, SnapshotRequest, snapshot};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let [_, url, folder] = arguments.as_slice() else { return Err("usage: moments URL FOLDER".into()) };

    let client = Client::new(&NetworkPolicy::default())?;
    let requests: Vec<SnapshotRequest> = [0.0, 25.0, 50.0, 75.0]
        .into_iter()
        .map(|percent| SnapshotRequest::builder(url).position(Position::Percent(percent)).key_frame().width(320).build())
        .collect::<Result<_, _>>()?;
    let snapshots = try_join_all(requests.iter().map(|request| snapshot(request, &client))).await?;

    for (index, snapshot) in snapshots.iter().enumerate() {
        let path = Path::new(folder).join(format!("{index}.jpg"));
        fs::write(&path, &snapshot.picture)?;
        println!("{}: {:?} s", path.display(), snapshot.report.frame.presentation_seconds);
    }
    Ok(())
}
