//! Writes a thumbnail of each stream, of many at the same time: `cargo run --example many_streams -- FOLDER URL...`

use std::{env, error::Error, fs, path::Path};

use futures_util::{StreamExt, stream};
use hlsnap::{Client, NetworkPolicy, Snapshot, SnapshotRequest, snapshot};

/// How many streams are open at the same time. As many pictures are decoded at once as the machine has processors.
const AT_ONCE: usize = 16;

async fn thumbnail(url: &str, client: &Client) -> Result<Snapshot, hlsnap::Error> {
    let request = SnapshotRequest::builder(url).key_frame().width(320).build()?;
    snapshot(&request, client).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let [_, folder, urls @ ..] = arguments.as_slice() else { return Err("usage: many_streams FOLDER URL...".into()) };

    // One client for all, so that streams of the same host share its connections
    let client = &Client::new(&NetworkPolicy::default())?;
    let jobs = urls.iter().enumerate().map(|(index, url)| async move { (index, url, thumbnail(url, client).await) });
    let mut results = stream::iter(jobs).buffer_unordered(AT_ONCE);
    while let Some((index, url, result)) = results.next().await {
        match result {
            Ok(snapshot) => fs::write(Path::new(folder).join(format!("{index}.jpg")), &snapshot.picture)?,
            Err(error) => eprintln!("{url}: {}: {error}", error.kind()),
        }
    }
    Ok(())
}
